//! Clients' connections: two-byte framing (RFC 1035, section 4.2.2) and what each connection may still ask.
//!
//! Queries are answered strictly in order, one at a time, as in dnsmasq; what was read ahead waits in the buffer.

use crate::exchange::Ticket;
use crate::input::Arrival;

/// A connection ends after so many queries.
const QUERIES_MAX: u32 = 100;
/// A connection ends after so long.
const LIFETIME_MS: u64 = 150_000;
/// A query may be so much longer than `edns-packet-max`.
const SLACK: usize = 265;

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pub arrival: Arrival,
    /// Bytes received and not yet taken. Never more than the connection may still ask.
    received: Vec<u8>,
    taken: usize,
    queries: u32,
    /// The question that is being asked upstream for this client.
    pub waiting: Option<Ticket>,
    /// Some query on this connection had EDNS: later replies of our own have it too (dnsmasq does so).
    pub edns: bool,
    deadline_ms: u64,
    /// When the client connected, or asked for the last time. Parts of a query do not count.
    asked_ms: u64,
    query_bytes_max: usize,
}

/// What comes next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A query.
    Query(&'a [u8]),
    /// Not enough bytes yet.
    Wait,
    /// The client broke the protocol or used its connection up.
    Close,
}

impl Stream {
    pub fn new(arrival: Arrival, edns_bytes_max: u16, now_ms: u64) -> Stream {
        Stream {
            arrival,
            received: Vec::new(),
            taken: 0,
            queries: 0,
            waiting: None,
            edns: false,
            deadline_ms: now_ms + LIFETIME_MS,
            asked_ms: now_ms,
            query_bytes_max: usize::from(edns_bytes_max) + SLACK,
        }
    }

    /// Adds bytes. More than the connection may still ask is dropped: it would never be read.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.received.drain(..std::mem::take(&mut self.taken));
        let left = (QUERIES_MAX - self.queries.min(QUERIES_MAX)) as usize * (2 + self.query_bytes_max);
        let room = left.saturating_sub(self.received.len());
        self.received.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Takes the next query.
    pub fn next(&mut self, now_ms: u64) -> Next<'_> {
        if self.queries >= QUERIES_MAX {
            return Next::Close;
        }
        let Some(rest) = self.received.get(self.taken..) else { return Next::Close };
        let &[high, low, ref body @ ..] = rest else {
            return Next::Wait;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length == 0 || length > self.query_bytes_max {
            return Next::Close;
        }
        let Some(query) = body.get(..length) else { return Next::Wait };
        self.taken += 2 + length;
        self.queries += 1;
        self.asked_ms = now_ms;
        Next::Query(query)
    }

    /// When the client connected, or asked for the last time.
    pub fn asked_ms(&self) -> u64 {
        self.asked_ms
    }

    /// When the connection's time is over.
    pub fn deadline(&self) -> u64 {
        self.deadline_ms
    }

    /// Ends the connection's time at this moment, unless it ends before.
    pub fn end_by(&mut self, at_ms: u64) {
        self.deadline_ms = self.deadline_ms.min(at_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        let peer = "10.0.0.1:5000".parse().unwrap();
        Stream::new(Arrival { socket: 0, peer, local: [10, 0, 0, 2].into(), interface: 1 }, 1232, 0)
    }

    #[test]
    fn queries_come_whole_however_they_are_cut() {
        let mut stream = stream();
        for byte in [0, 3, 1, 2, 3, 0] {
            assert_eq!(stream.next(0), Next::Wait);
            stream.receive(&[byte]);
            if byte == 3 && stream.received.len() == 5 {
                assert_eq!(stream.next(0), Next::Query(&[1, 2, 3]));
            }
        }
        stream.receive(&[1, 9, 0, 1, 8]);
        assert_eq!(stream.next(0), Next::Query(&[9]));
        assert_eq!(stream.next(0), Next::Query(&[8]));
        assert_eq!(stream.next(0), Next::Wait);
    }

    #[test]
    fn impossible_lengths_close() {
        for length in [0u16, 1498] {
            let mut stream = stream();
            stream.receive(&length.to_be_bytes());
            assert_eq!(stream.next(0), Next::Close);
        }
    }

    #[test]
    fn a_connection_ends_after_a_hundred_queries_and_buffers_no_more() {
        let mut stream = stream();
        stream.receive(&[0, 1, 7].repeat(100_000));
        assert!(stream.received.len() <= 100 * 1499);
        for _ in 0..100 {
            assert_eq!(stream.next(0), Next::Query(&[7]));
        }
        assert_eq!(stream.next(0), Next::Close);
    }
}
