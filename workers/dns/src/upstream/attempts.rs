//! Attempts: one question on its way to one upstream.

use super::{Flight, UpstreamSide};
use crate::exchange::{Answer, Exchange, Failure, Ticket};
use crate::input::Handle;
use crate::outbox::{Action, Outbox};
use crate::pending::{Attempt, AttemptState, Repeat};
use crate::reserve::Port;
use crate::wire::put_u16;

impl UpstreamSide {
    /// Asks one upstream: begins an attempt, or repeats the one there is.
    pub(super) fn attempt(
        &mut self,
        ticket: Ticket,
        upstream: u32,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let mark = pending.mark;
        let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
        let of_upstream = || pending.attempts.iter().filter(|attempt| attempt.upstream == upstream);
        let fresh_port = entry.shared.is_none()
            && of_upstream().count() < self.port_limit
            && of_upstream().all(|attempt| attempt.socket().is_some());
        let known = pending.attempts.iter().rposition(|attempt| attempt.upstream == upstream).filter(|_| !fresh_port);
        let index = known.unwrap_or_else(|| {
            let state = AttemptState::Failed;
            pending.attempts.push(Attempt { upstream, address: entry.address, id: 0, state, sent_ms: now_ms });
            pending.attempts.len() - 1
        });
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        match attempt.socket() {
            Some(socket) => {
                attempt.state = AttemptState::Sent(socket);
                send(&pending.query, attempt.id, socket, out);
                exchange.answers.push(Answer::Sent { ticket, upstream: attempt.address, again: true });
            }
            None if attempt.state == AttemptState::Queued => {}
            None => {
                attempt.address = entry.address;
                self.sockets_moved = true;
                match entry.take_port(mark, now_ms) {
                    Some(port) => self.launch(ticket, index, port, now_ms, exchange, out),
                    None => {
                        attempt.state = AttemptState::Queued;
                        entry.pool(mark).queue.push_back((ticket, index));
                    }
                }
            }
        }
    }

    /// Sends an attempt that had no socket yet.
    pub(super) fn launch(
        &mut self,
        ticket: Ticket,
        index: usize,
        port: Port,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        let socket = port.socket;
        attempt.id = self.random.next() as u16;
        let mut flight = Flight::Udp { ticket, attempt: index, port };
        if let Some(shared) = self.upstreams.get_mut(attempt.upstream as usize).and_then(|entry| entry.shared.as_mut())
        {
            // Unique among those in flight: there are fewer than ids, by `dns-forward-max`' bound on open questions.
            while shared.flights.contains_key(&attempt.id) && shared.flights.len() < usize::from(u16::MAX) {
                attempt.id = attempt.id.wrapping_add(self.random.next() as u16 | 1);
            }
            shared.flights.insert(attempt.id, (ticket, index));
            flight = Flight::Shared { upstream: attempt.upstream };
        }
        attempt.state = AttemptState::Sent(socket);
        attempt.sent_ms = now_ms;
        send(&pending.query, attempt.id, socket, out);
        self.sockets.insert(socket, flight);
        exchange.answers.push(Answer::Sent { ticket, upstream: attempt.address, again: false });
    }

    /// An attempt has come to nothing: try an upstream that was not asked yet. `conclusive`: when everybody failed, say so instead of waiting
    /// for the client's next try.
    pub(super) fn attempt_failed(
        &mut self,
        ticket: Ticket,
        index: usize,
        conclusive: bool,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        attempt.state = AttemptState::Failed;
        let failed = attempt.upstream;
        exchange.answers.push(Answer::Setback { upstream: attempt.address });
        let Some(group) = self.groups.get_mut(pending.group as usize) else { return };
        if group.last_good == Some(failed) {
            group.last_good = None;
        }
        let asked = |member: &u32| pending.attempts.iter().any(|attempt| attempt.upstream == *member);
        let next = group.members.iter().copied().find(|member| !asked(member));
        let open = pending.attempts.iter().any(Attempt::is_open);
        match next {
            Some(next) => self.attempt(ticket, next, now_ms, exchange, out),
            None if !open && conclusive => {
                self.finish(ticket, out);
                exchange.answers.push(Answer::Failed { ticket, why: Failure::Unreachable });
            }
            None => {}
        }
    }

    /// A client asked again.
    pub(super) fn again(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        if self.strict_order {
            return self.ask_next(ticket, now_ms, exchange, out);
        }
        self.ask_all(ticket, now_ms, exchange, out);
    }

    pub(super) fn ask_all(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        pending.asked_all = true;
        let members = self.groups.get(pending.group as usize).map(|group| group.members.clone()).unwrap_or_default();
        for upstream in members {
            self.attempt(ticket, upstream, now_ms, exchange, out);
        }
    }

    /// Asks the member after the one asked last.
    pub(super) fn ask_next(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(group) = self.groups.get(pending.group as usize) else { return };
        let last = pending.attempts.iter().max_by_key(|attempt| attempt.sent_ms).map(|attempt| attempt.upstream);
        let last = group.members.iter().position(|member| Some(*member) == last);
        let next = last.map_or(0, |position| (position + 1) % group.members.len());
        let Some(upstream) = group.members.get(next).copied() else { return };
        if let Some(attempt) = pending.attempts.iter_mut().find(|attempt| attempt.upstream == upstream) {
            attempt.sent_ms = now_ms;
        }
        self.attempt(ticket, upstream, now_ms, exchange, out);
    }

    /// `fast-dns-retry`: nobody answered in time.
    pub(super) fn repeat(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        pending.repeat = pending.repeat.and_then(|repeat| {
            let pause_ms = repeat.pause_ms.saturating_mul(2).max(1);
            let at_ms = now_ms + pause_ms;
            (at_ms < repeat.until_ms).then_some(Repeat { at_ms, pause_ms, until_ms: repeat.until_ms })
        });
        self.ask_next(ticket, now_ms, exchange, out);
    }

    /// Ends a question and closes its sockets. Returns when it began.
    pub(super) fn finish(&mut self, ticket: Ticket, out: &mut Outbox) -> Option<u64> {
        let pending = self.pending.remove(ticket)?;
        for attempt in &pending.attempts {
            let entry = self.upstreams.get_mut(attempt.upstream as usize);
            if let Some(shared) = entry.and_then(|entry| entry.shared.as_mut())
                && attempt.socket().is_some()
            {
                shared.flights.remove(&attempt.id);
            } else if let Some(socket) = attempt.socket() {
                self.sockets.remove(&socket);
                out.actions.push(Action::CloseUpstream { socket });
            } else if attempt.state == AttemptState::Queued
                && let Some(upstream) = self.upstreams.get_mut(attempt.upstream as usize)
            {
                upstream.pool(pending.mark).queue.retain(|(queued, _)| *queued != ticket);
            }
        }
        Some(pending.begun_ms)
    }
}

/// Queues a query datagram with this id.
pub(super) fn send(query: &[u8], id: u16, socket: Handle, out: &mut Outbox) {
    let start = out.bytes.len();
    out.bytes.extend_from_slice(query);
    put_u16(&mut out.bytes, start, id);
    out.actions.push(Action::SendUpstream { socket, bytes: start..out.bytes.len() });
}
