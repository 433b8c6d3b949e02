//! What the engine wants done: gathered here, carried out by the shell, and then cleared with its capacity kept, so that a
//! steady flow of queries allocates nothing.

use std::ops::Range;

use ipc::dns::ToParent;
use ipc::log::Line;

use crate::input::{Arrival, Handle};

/// One deed for the shell. Ranges point into [`Outbox::bytes`].
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Send a datagram to a client, from the socket and address the query came to.
    Reply {
        /// Whom to.
        to: Arrival,
        /// The message.
        bytes: Range<usize>,
    },
    /// Write to a client's connection.
    StreamReply {
        /// The connection.
        stream: Handle,
        /// The message with its two-byte length.
        bytes: Range<usize>,
    },
    /// Close a client's connection once everything queued has been written.
    CloseStream {
        /// The connection.
        stream: Handle,
    },
    /// Send to an upstream: a datagram, or on a TCP socket a message with its two-byte length.
    SendUpstream {
        /// The socket.
        socket: Handle,
        /// The message.
        bytes: Range<usize>,
    },
    /// Close a socket to an upstream.
    CloseUpstream {
        /// The socket.
        socket: Handle,
    },
    /// Tell the parent.
    Tell(ToParent),
}

/// Replies, requests and log lines of one batch.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Backing store of the actions' ranges.
    pub bytes: Vec<u8>,
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// Lines for the log, in order.
    pub lines: Vec<Line>,
}

impl Outbox {
    /// An empty outbox.
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Forgets everything but keeps the memory for the next batch.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.actions.clear();
        self.lines.clear();
    }
}
