//! What the engine hands back, in buffers that are used again.

use std::ops::Range;

use ipc::log::{Line, Severity};
use ipc::tftp::ToParent;

use crate::engine::{Arrival, Handle};

/// Something to be done by the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes from the listening socket to the client of a request, from the address it asked.
    Reply {
        /// Whom to answer.
        to: Arrival,
        /// Where in [`Outbox::bytes`].
        bytes: Range<usize>,
    },
    /// Send these bytes on a transfer's socket.
    Send {
        /// Which socket.
        socket: Handle,
        /// Where in [`Outbox::bytes`].
        bytes: Range<usize>,
    },
    /// Close a transfer's socket.
    Close {
        /// Which socket.
        socket: Handle,
    },
    /// Tell the parent.
    Tell(ToParent),
}

/// Actions and log lines, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Packets, one behind the other.
    pub bytes: Vec<u8>,
    /// What to do.
    pub actions: Vec<Action>,
    /// What to log.
    pub lines: Vec<Line>,
}

impl Outbox {
    /// An empty one.
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Empties it and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.actions.clear();
        self.lines.clear();
    }

    pub(crate) fn log(&mut self, severity: Severity, text: impl Into<String>) {
        self.lines.push(Line { severity, text: text.into() });
    }

    pub(crate) fn send(&mut self, socket: Handle, start: usize) {
        self.actions.push(Action::Send { socket, bytes: start..self.bytes.len() });
    }
}
