//! The messages between the front (clients, local data, cache) and the upstream side (sockets, ids, retries).
//!
//! The two share nothing else: a ticket names a question, and message bytes are copied into the exchange, so that the sides can become
//! two processes. The front does not trust an answer more than it would trust the network.

use std::net::SocketAddr;
use std::ops::Range;

/// Names one question; never used twice.
pub(crate) type Ticket = u64;

/// front to upstream.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Find out. Answered by any number of `Sent` and one of the others.
    Question {
        ticket: Ticket,
        /// Which upstreams may be asked.
        group: u32,
        /// Over TCP?
        tcp: bool,
        /// The mark that its sockets are to carry; 0: none.
        mark: u32,
        /// The query, with an id that is to be replaced.
        query: Range<usize>,
    },
    /// A client has lost patience: send again.
    Again { ticket: Ticket },
    /// Nobody waits any more.
    Forget { ticket: Ticket },
    /// The loop probe of this number has come in as a client's question.
    Returned { number: u32 },
}

/// upstream to front.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The question went to this upstream; `again`: not for the first time.
    Sent { ticket: Ticket, upstream: SocketAddr, again: bool },
    /// This upstream refused, failed, or could not be reached. Others may still answer.
    Setback { upstream: SocketAddr },
    /// A reply that answers the question as sent. Ends the ticket.
    Reply { ticket: Ticket, upstream: SocketAddr, message: Range<usize>, waited_ms: u64 },
    /// Loop probes of these numbers go out, and earlier ones mean nothing any more.
    Probing { numbers: Vec<u32> },
    /// Too many questions are in flight in this group: this one was not begun. Ends the ticket, unless it is asked again at once.
    Busy {
        ticket: Ticket,
        group: u32,
        mark: u32,
        query: Range<usize>,
        /// The log has been told.
        told: bool,
    },
    /// There will be no reply. Ends the ticket.
    Failed { ticket: Ticket, why: Failure },
}

/// Why a question has no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// Nobody could be reached.
    Unreachable,
    /// Nobody answered in time; the clients have given up too.
    Expired,
}

/// What the sides have to say to each other.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// Backing store of the ranges.
    pub bytes: Vec<u8>,
    pub asks: Vec<Ask>,
    pub answers: Vec<Answer>,
}

impl Exchange {
    /// Copies a message in.
    pub fn store(&mut self, message: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        start..self.bytes.len()
    }
}
