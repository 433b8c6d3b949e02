//! How clients' bytes become queries: datagrams, and connections with their order and their limits.

use ipc::time::Now;

use super::{Front, Outcome};
use crate::exchange::{Ask, Exchange};
use crate::input::{Arrival, Handle};
use crate::lines;
use crate::outbox::{Action, Outbox};
use crate::query::Client;
use crate::tcp::{Next, Stream};
use crate::waiting::Origin;
use crate::wire::{HEADER, QR};

/// How long connections are kept while draining.
const DRAIN_LINGER_MS: u64 = 5_000;

impl Front {
    /// A datagram from a client.
    pub fn datagram(&mut self, arrival: Arrival, bytes: &[u8], now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        let reply = bytes.get(2).is_none_or(|high| high & QR != 0);
        let size_is_sane = (HEADER..=usize::from(self.edns_bytes_max)).contains(&bytes.len());
        if reply || !size_is_sane || arrival.peer.port() == 0 || !self.access.arrival_is_served(&arrival) {
            return;
        }
        let client = Client { address: arrival.peer.ip(), port: arrival.peer.port(), tcp: false, asked: arrival.local };
        if !self.access.client_is_served(client.address) {
            if !self.warned_not_local {
                self.warned_not_local = true;
                out.lines.push(lines::not_local(client.address, false));
            }
            return;
        }
        self.query(Origin::Datagram(arrival), client, false, bytes, now, exchange, out);
    }

    /// A client has connected.
    pub fn accepted(&mut self, handle: Handle, arrival: Arrival, now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        let near = self.access.client_is_served(arrival.peer.ip());
        if !near {
            out.lines.push(lines::not_local(arrival.peer.ip(), true));
        }
        let served = near && !self.draining && self.access.arrival_is_served(&arrival);
        if !served || !self.make_room_for(arrival.peer.ip(), now, exchange, out) {
            return out.actions.push(Action::CloseStream { stream: handle });
        }
        self.streams.insert(handle, Stream::new(arrival, self.edns_bytes_max, now.monotonic_ms));
        self.statistics.streams_most = self.statistics.streams_most.max(self.streams.len());
    }

    /// Bytes of a connection.
    pub fn stream_bytes(&mut self, handle: Handle, bytes: &[u8], now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        if let Some(stream) = self.streams.get_mut(&handle) {
            stream.receive(bytes);
            self.pump(handle, now, exchange, out);
        }
    }

    /// The client has closed its connection.
    pub fn stream_closed(&mut self, handle: Handle, exchange: &mut Exchange) {
        if let Some(ticket) = self.streams.remove(&handle).and_then(|stream| stream.waiting) {
            self.waiting.remove(ticket);
            exchange.asks.push(Ask::Forget { ticket });
        }
    }

    /// Answers what a connection has asked, up to the first question that must be asked upstream.
    pub(super) fn pump(&mut self, handle: Handle, now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        loop {
            let Some(stream) = self.streams.get_mut(&handle).filter(|stream| stream.waiting.is_none()) else { return };
            let (arrival, edns) = (stream.arrival, stream.edns);
            let overdue = stream.deadline() <= now.monotonic_ms;
            let query = match stream.next(now.monotonic_ms) {
                Next::Query(query) => query.to_vec(),
                Next::Wait if !overdue => return,
                Next::Wait | Next::Close => return self.close(handle, out),
            };
            // Messages that are no queries are skipped, as in dnsmasq.
            if query.len() < HEADER || query.get(2).is_none_or(|high| high & QR != 0) {
                continue;
            }
            let client =
                Client { address: arrival.peer.ip(), port: arrival.peer.port(), tcp: true, asked: arrival.local };
            match self.query(Origin::Stream(handle), client, edns, &query, now, exchange, out) {
                Outcome::Done => {}
                Outcome::Parting | Outcome::Hopeless => return self.close(handle, out),
                Outcome::Waiting(ticket) => {
                    if let Some(stream) = self.streams.get_mut(&handle) {
                        stream.waiting = Some(ticket);
                    }
                }
            }
        }
    }

    pub(super) fn close(&mut self, handle: Handle, out: &mut Outbox) {
        self.streams.remove(&handle);
        out.actions.push(Action::CloseStream { stream: handle });
    }

    /// Finishes what is owed. A client that has connected may just be about to ask, so connections get a little while.
    pub fn drain(&mut self, now: Now) {
        self.draining = true;
        for stream in self.streams.values_mut() {
            stream.end_by(now.monotonic_ms + DRAIN_LINGER_MS);
        }
    }

    /// Is nothing owed?
    pub fn is_idle(&self) -> bool {
        !self.waiting.is_anybody_there() && self.streams.is_empty() && self.held.is_empty()
    }

    /// When the first idle connection's time is over, or something has waited for the kernel long enough.
    pub fn deadline(&self) -> Option<u64> {
        let idle = self.streams.values().filter(|stream| stream.waiting.is_none()).map(Stream::deadline);
        idle.chain(self.held.deadline()).min()
    }

    /// Closes connections whose time is over, and lets go what has waited long enough.
    pub fn tick(&mut self, now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        self.release_overdue(now, exchange, out);
        let over = |stream: &Stream| stream.waiting.is_none() && stream.deadline() <= now.monotonic_ms;
        let over: Vec<Handle> =
            self.streams.iter().filter(|(_, stream)| over(stream)).map(|(handle, _)| *handle).collect();
        for handle in over {
            self.close(handle, out);
        }
    }
}
