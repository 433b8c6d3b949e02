//! UDP sockets that come, fail, rest and go.

use super::server::Upstream;
use super::{Flight, UpstreamSide};
use crate::exchange::{Exchange, Ticket};
use crate::input::Handle;
use crate::outbox::{Action, Outbox};
use crate::pending::{AttemptState, PendingTable};
use crate::reserve::Port;

/// As long as so many sockets are in use, none is kept for a second question: the worker may have some thousands.
const IN_USE_MAX: usize = 1024;

impl UpstreamSide {
    /// The parent made UDP sockets.
    pub fn udp_sockets(
        &mut self,
        (upstream, mark): (u32, u32),
        sockets: &[Handle],
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        self.sockets_moved = true;
        if self.upstreams.get(upstream as usize).is_some_and(|entry| entry.shared.is_some()) {
            return self.shared_socket(upstream, sockets, now_ms, exchange, out);
        }
        for socket in sockets {
            let entry = self.upstreams.get_mut(upstream as usize);
            let probe = entry.as_ref().is_some_and(|entry| entry.probe.is_some());
            let pool = entry.map(|entry| entry.pool(mark));
            let Some(pool) = pool.and_then(|pool| pool.reserve.arrived().then_some(pool)) else {
                out.actions.push(Action::CloseUpstream { socket: *socket });
                continue;
            };
            let queued = |pending: &mut PendingTable, (ticket, index): &(Ticket, usize)| {
                let attempt = pending.get(*ticket).and_then(|pending| pending.attempts.get(*index));
                attempt.is_some_and(|attempt| attempt.state == AttemptState::Queued)
            };
            let waiting = loop {
                match pool.queue.pop_front() {
                    Some(next) if !queued(&mut self.pending, &next) => {}
                    next => break next,
                }
            };
            let port = Port::new(*socket, now_ms);
            match waiting {
                Some((ticket, index)) => self.launch(ticket, index, port, now_ms, exchange, out),
                None if probe && mark == 0 => self.send_probe(upstream, *socket, out),
                None => pool.reserve.keep(port),
            }
        }
    }

    /// The one socket of an upstream has come: everybody who waits may go.
    fn shared_socket(
        &mut self,
        upstream: u32,
        sockets: &[Handle],
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        for socket in sockets {
            let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
            let Some(shared) = &mut entry.shared else { return };
            shared.wanted = false;
            if shared.socket.is_some() {
                out.actions.push(Action::CloseUpstream { socket: *socket });
                continue;
            }
            shared.socket = Some(*socket);
            self.sockets.insert(*socket, Flight::Shared { upstream });
            for (ticket, index) in std::mem::take(&mut entry.pool.queue) {
                self.launch(ticket, index, Port::new(*socket, now_ms), now_ms, exchange, out);
            }
            self.send_probe(upstream, *socket, out);
        }
    }

    /// The parent could not make UDP sockets.
    pub fn no_udp_socket(
        &mut self,
        (upstream, mark): (u32, u32),
        count: u32,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
        self.sockets_moved = true;
        let count = match &mut entry.shared {
            Some(shared) => {
                shared.wanted = false;
                entry.pool.queue.len()
            }
            None => entry.pool(mark).reserve.refused(count) as usize,
        };
        if mark == 0 {
            entry.probe = None;
        }
        let queue = &mut entry.pool(mark).queue;
        let failed: Vec<(Ticket, usize)> = queue.drain(..count.min(queue.len())).collect();
        for (ticket, attempt) in failed {
            self.attempt_failed(ticket, attempt, true, now_ms, exchange, out);
        }
    }

    /// A socket failed. TCP sockets have been closed by the shell.
    pub fn failed(&mut self, socket: Handle, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        match self.sockets.remove(&socket) {
            Some(flight @ Flight::Udp { ticket, attempt, .. }) => {
                self.sockets.insert(socket, flight);
                self.doubted(socket, [(ticket, attempt)], now_ms, exchange, out);
            }
            Some(Flight::Tcp { ticket }) => self.call_failed(ticket, false, now_ms, exchange, out),
            Some(Flight::Idle { upstream }) => self.forget_idle(upstream, socket),
            Some(Flight::Resting { upstream }) => self.close_resting(upstream, socket, out),
            Some(flight @ Flight::Shared { upstream }) => {
                self.sockets.insert(socket, flight);
                let shared = self.upstreams.get(upstream as usize).and_then(|entry| entry.shared.as_ref());
                let flights = shared.map(|shared| shared.flights.values().copied().collect::<Vec<_>>());
                self.doubted(socket, flights.unwrap_or_default(), now_ms, exchange, out);
            }
            None => {
                for (_, pool) in self.upstreams.iter_mut().flat_map(Upstream::pools_mut) {
                    if pool.reserve.forget(socket) {
                        out.actions.push(Action::CloseUpstream { socket });
                    }
                }
            }
        }
    }

    /// An ICMP error came for these attempts. Anybody can have sent it (RFC 5927), so their socket stays open for the reply that may still come;
    /// but somebody else is asked meanwhile.
    fn doubted(
        &mut self,
        socket: Handle,
        attempts: impl IntoIterator<Item = (Ticket, usize)>,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        for (ticket, index) in attempts {
            self.attempt_failed(ticket, index, false, now_ms, exchange, out);
            if let Some(attempt) = self.pending.get(ticket).and_then(|pending| pending.attempts.get_mut(index)) {
                attempt.state = AttemptState::Refused(socket);
            }
        }
    }

    /// Keeps the socket of an answered attempt for another question, if there is much demand.
    pub(super) fn rest(&mut self, ticket: Ticket, index: usize, socket: Handle, now_ms: u64) {
        let Some(Flight::Udp { port, .. }) = self.sockets.get(&socket).copied() else { return };
        let Some(pending) = self.pending.get(ticket).filter(|pending| pending.mark == 0) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        let Some(entry) = self.upstreams.get_mut(attempt.upstream as usize) else { return };
        let usable = attempt.state == AttemptState::Sent(socket) && attempt.address == entry.address;
        if usable && self.sockets.len() < IN_USE_MAX && entry.pool.reserve.give_back(port, now_ms) {
            self.sockets.insert(socket, Flight::Resting { upstream: attempt.upstream });
            attempt.state = AttemptState::Failed;
        }
    }

    /// Something other than the reply came: whoever sent it has found the port, so it serves no other question.
    pub(super) fn suspect(&mut self, socket: Handle) {
        if let Some(Flight::Udp { port, .. }) = self.sockets.get_mut(&socket) {
            port.wear_out();
        }
    }

    /// Closes a socket that rests.
    pub(super) fn close_resting(&mut self, upstream: u32, socket: Handle, out: &mut Outbox) {
        self.sockets.remove(&socket);
        if self.upstreams.get_mut(upstream as usize).is_some_and(|entry| entry.pool.reserve.forget(socket)) {
            out.actions.push(Action::CloseUpstream { socket });
        }
    }
}
