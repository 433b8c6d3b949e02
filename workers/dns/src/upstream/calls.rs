//! Questions over TCP on their way through sockets and upstreams.

use ipc::dns::ToParent;

use super::{Flight, UpstreamSide, belongs};
use crate::call::{ANSWER_MS, CONNECT_MS, Call, CallState, Trial, gather};
use crate::exchange::{Answer, Exchange, Failure, Ticket};
use crate::input::Handle;
use crate::lines;
use crate::outbox::{Action, Outbox};
use crate::query_rules::repeats_subnet;
use crate::wire::{Question, put_u16};

impl UpstreamSide {
    #[expect(clippy::too_many_arguments, reason = "a question, and the three places where consequences go")]
    pub(super) fn call(
        &mut self,
        ticket: Ticket,
        group: u32,
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
        self.calls.insert(ticket, Call { group, query, question, rest, state: CallState::Idle });
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
        let socket_ticket = self.next_socket_ticket;
        self.next_socket_ticket = socket_ticket.wrapping_add(1);
        let trial = Trial { upstream, address, id: self.random.next() as u16, begun_ms: now_ms };
        call.state = CallState::Wanted { trial, socket_ticket };
        self.socket_tickets.insert(socket_ticket, ticket);
        out.actions.push(Action::Tell(ToParent::WantTcp { upstream, ticket: socket_ticket }));
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
            CallState::Connecting { trial, socket, .. } => {
                let start = out.bytes.len();
                out.bytes.extend_from_slice(&(call.query.len() as u16).to_be_bytes());
                out.bytes.extend_from_slice(&call.query);
                put_u16(&mut out.bytes, start + 2, trial.id);
                out.actions.push(Action::SendUpstream { socket, bytes: start..out.bytes.len() });
                call.state = CallState::Sent { trial, socket, until_ms: now_ms + ANSWER_MS, received: Vec::new() };
            }
            other => call.state = other,
        }
    }

    /// Bytes of a connection.
    pub fn bytes(&mut self, socket: Handle, bytes: &[u8], now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(Flight::Tcp { ticket }) = self.sockets.get(&socket).copied() else { return };
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
        self.hang_up(ticket, out);
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
        if let CallState::Wanted { trial, .. } | CallState::Connecting { trial, .. } | CallState::Sent { trial, .. } =
            &call.state
        {
            exchange.answers.push(Answer::Setback { upstream: trial.address });
        }
        if let Some(socket) = call.state.socket() {
            self.sockets.remove(&socket);
            if ours {
                out.actions.push(Action::CloseUpstream { socket });
            }
        }
        self.call_next(ticket, now_ms, exchange, out);
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
