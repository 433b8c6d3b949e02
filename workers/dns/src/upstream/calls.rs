//! Questions over TCP on their way through sockets and upstreams.

use ipc::dns::ToParent;

use super::server::Idle;
use super::{Flight, UpstreamSide, belongs};
use crate::call::{ANSWER_MS, CONNECT_MS, Call, CallState, IDLE_MAX, IDLE_MS, Trial, gather};
use crate::exchange::{Answer, Exchange, Failure, Ticket};
use crate::input::Handle;
use crate::lines;
use crate::outbox::{Action, Outbox};
use crate::query_rules::repeats_subnet;
use crate::wire::{Question, put_u16};

impl Call {
    /// Sends the question on a connection.
    fn say(&mut self, trial: Trial, socket: Handle, now_ms: u64, out: &mut Outbox) {
        let start = out.bytes.len();
        out.bytes.extend_from_slice(&(self.query.len() as u16).to_be_bytes());
        out.bytes.extend_from_slice(&self.query);
        put_u16(&mut out.bytes, start + 2, trial.id);
        out.actions.push(Action::SendUpstream { socket, bytes: start..out.bytes.len() });
        self.state = CallState::Sent { trial, socket, until_ms: now_ms + ANSWER_MS, received: Vec::new() };
    }
}

impl UpstreamSide {
    #[expect(clippy::too_many_arguments, reason = "a question, and the three places where consequences go")]
    pub(super) fn call(
        &mut self,
        ticket: Ticket,
        (group, mark): (u32, u32),
        query: Box<[u8]>,
        question: Question,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(entry) = self.groups.get(group as usize) else { return };
        let first = entry.last_good.filter(|_| !self.strict_order);
        let others = entry.members.iter().copied().filter(|member| Some(*member) != first);
        let mut rest: Vec<u32> = first.into_iter().chain(others).collect();
        rest.reverse();
        self.calls.insert(ticket, Call { group, mark, query, question, rest, state: CallState::Idle });
        self.call_next(ticket, now_ms, exchange, out);
    }

    fn call_next(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let next = std::iter::from_fn(|| call.rest.pop())
            .find_map(|index| self.upstreams.get(index as usize).map(|upstream| (index, upstream.address)));
        let Some((upstream, address)) = next else {
            self.calls.remove(&ticket);
            return exchange.answers.push(Answer::Failed { ticket, why: Failure::Unreachable });
        };
        let kept = self.upstreams.get_mut(upstream as usize).and_then(|entry| {
            let latest = entry.idle.iter().rposition(|idle| idle.mark == call.mark)?;
            entry.idle.remove(latest)
        });
        if let Some(Idle { socket, .. }) = kept {
            let trial = Trial { upstream, address, id: self.random.next() as u16, begun_ms: now_ms, reused: true };
            self.sockets.insert(socket, Flight::Tcp { ticket });
            return call.say(trial, socket, now_ms, out);
        }
        let socket_ticket = self.next_socket_ticket;
        self.next_socket_ticket = socket_ticket.wrapping_add(1);
        let trial = Trial { upstream, address, id: self.random.next() as u16, begun_ms: now_ms, reused: false };
        call.state = CallState::Wanted { trial, socket_ticket };
        let mark = call.mark;
        self.socket_tickets.insert(socket_ticket, ticket);
        out.actions.push(Action::Tell(ToParent::WantTcp { upstream, ticket: socket_ticket, mark }));
    }

    /// The parent made a TCP socket.
    pub fn tcp_socket(&mut self, socket_ticket: u32, socket: Handle, now_ms: u64, out: &mut Outbox) {
        let ticket = self.socket_tickets.remove(&socket_ticket);
        let call = ticket.and_then(|ticket| self.calls.get_mut(&ticket));
        let (Some(ticket), Some(call)) = (ticket, call) else {
            return out.actions.push(Action::CloseUpstream { socket });
        };
        match std::mem::replace(&mut call.state, CallState::Idle) {
            CallState::Wanted { trial, socket_ticket: wanted } if wanted == socket_ticket => {
                call.state = CallState::Connecting { trial, socket, until_ms: now_ms + CONNECT_MS };
                self.sockets.insert(socket, Flight::Tcp { ticket });
            }
            other => {
                call.state = other;
                out.actions.push(Action::CloseUpstream { socket });
            }
        }
    }

    /// The parent could not make a TCP socket.
    pub fn no_tcp_socket(&mut self, socket_ticket: u32, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        if let Some(ticket) = self.socket_tickets.remove(&socket_ticket) {
            self.call_failed(ticket, false, now_ms, exchange, out);
        }
    }

    /// A connection is made.
    pub fn connected(&mut self, socket: Handle, now_ms: u64, out: &mut Outbox) {
        let Some(Flight::Tcp { ticket }) = self.sockets.get(&socket).copied() else { return };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        match std::mem::replace(&mut call.state, CallState::Idle) {
            CallState::Connecting { trial, socket, .. } => call.say(trial, socket, now_ms, out),
            other => call.state = other,
        }
    }

    /// Bytes of a connection.
    pub fn bytes(&mut self, socket: Handle, bytes: &[u8], now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let ticket = match self.sockets.get(&socket).copied() {
            Some(Flight::Tcp { ticket }) => ticket,
            // Nobody has asked anything.
            Some(Flight::Idle { upstream }) => {
                self.forget_idle(upstream, socket);
                return out.actions.push(Action::CloseUpstream { socket });
            }
            _ => return,
        };
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        let CallState::Sent { trial, received, .. } = &mut call.state else {
            return self.call_failed(ticket, true, now_ms, exchange, out);
        };
        let whole = match gather(received, bytes) {
            Ok(None) => return,
            Ok(Some(range)) => {
                // `ignore-address` is for datagrams, as in dnsmasq: what a connection brings was not forged on the way.
                let expected = |message: &&[u8]| belongs(message, trial.id, &call.question).is_some();
                let message = received.get(range).filter(expected);
                let mismatch = self.checks_subnet && message.is_some_and(|reply| !repeats_subnet(&call.query, reply));
                if mismatch {
                    out.lines.push(lines::subnet_mismatch());
                }
                message.filter(|_| !mismatch)
            }
            Err(()) => None,
        };
        let Some(message) = whole else { return self.call_failed(ticket, true, now_ms, exchange, out) };
        let message = exchange.store(message);
        let (upstream, index, begun_ms, group) = (trial.address, trial.upstream, trial.begun_ms, call.group);
        if let Some(group) = self.groups.get_mut(group as usize) {
            group.last_good = Some(index);
        }
        let mark = call.mark;
        self.calls.remove(&ticket);
        self.keep((index, mark), socket, now_ms, out);
        exchange.answers.push(Answer::Sent { ticket, upstream, again: false });
        let waited_ms = now_ms.saturating_sub(begun_ms);
        exchange.answers.push(Answer::Reply { ticket, upstream, message, waited_ms });
    }

    /// The upstream being tried is no good: try the next. `ours`: its socket is still ours to close.
    pub(super) fn call_failed(
        &mut self,
        ticket: Ticket,
        ours: bool,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(call) = self.calls.get_mut(&ticket) else { return };
        match &call.state {
            CallState::Idle => {}
            // The upstream closed it in the moment in which we asked: a fresh connection may do.
            CallState::Sent { trial, .. } if trial.reused => call.rest.push(trial.upstream),
            CallState::Wanted { trial, .. } | CallState::Connecting { trial, .. } | CallState::Sent { trial, .. } => {
                exchange.answers.push(Answer::Setback { upstream: trial.address });
            }
        }
        if let Some(socket) = call.state.socket() {
            self.sockets.remove(&socket);
            if ours {
                out.actions.push(Action::CloseUpstream { socket });
            }
        }
        self.call_next(ticket, now_ms, exchange, out);
    }

    /// Keeps a connection that has served for the next question.
    fn keep(&mut self, (upstream, mark): (u32, u32), socket: Handle, now_ms: u64, out: &mut Outbox) {
        match self.upstreams.get_mut(upstream as usize) {
            Some(entry) if entry.idle.len() < IDLE_MAX => {
                entry.idle.push_back(Idle { socket, mark, until_ms: now_ms + IDLE_MS });
                self.sockets.insert(socket, Flight::Idle { upstream });
            }
            _ => {
                self.sockets.remove(&socket);
                out.actions.push(Action::CloseUpstream { socket });
            }
        }
    }

    /// A kept connection is not to be used any more.
    pub(super) fn forget_idle(&mut self, upstream: u32, socket: Handle) {
        self.sockets.remove(&socket);
        if let Some(entry) = self.upstreams.get_mut(upstream as usize) {
            entry.idle.retain(|idle| idle.socket != socket);
        }
    }

    /// Closes connections that nobody has needed for too long.
    pub(super) fn close_idle(&mut self, now_ms: u64, out: &mut Outbox) {
        for upstream in &mut self.upstreams {
            while let Some(Idle { socket, .. }) = upstream.idle.pop_front_if(|idle| idle.until_ms <= now_ms) {
                self.sockets.remove(&socket);
                out.actions.push(Action::CloseUpstream { socket });
            }
        }
    }

    /// Ends a call.
    pub(super) fn hang_up(&mut self, ticket: Ticket, out: &mut Outbox) {
        if let Some(call) = self.calls.remove(&ticket)
            && let Some(socket) = call.state.socket()
        {
            self.sockets.remove(&socket);
            out.actions.push(Action::CloseUpstream { socket });
        }
    }
}
