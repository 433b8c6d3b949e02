//! What one call of the engine wants done: packets, messages to the parent, log lines.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

use ipc::dhcp::ToParent;
use ipc::log::Line;

use crate::engine::Port;

/// One thing to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes of the outbox.
    Send {
        /// Where in [`Outbox::bytes`].
        bytes: Range<usize>,
        /// From this port of ours.
        port: Port,
        /// Kernel index of the interface to leave through; 0 lets the routing table decide.
        interface: u32,
        /// Source address; `None` lets the kernel choose.
        source: Option<Ipv4Addr>,
        /// To whom.
        to: SocketAddrV4,
    },
    /// Tell the parent.
    Tell(ToParent),
}

/// Gathers what is to be done; used again for every batch.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The bytes of all packets, one after the other.
    pub bytes: Vec<u8>,
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// What to log, in order.
    pub lines: Vec<Line>,
}

impl Outbox {
    /// An empty outbox.
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.actions.clear();
        self.lines.clear();
    }

    /// Adds a packet that is sent from one address of ours on the server port.
    pub(crate) fn send_from(&mut self, packet: &[u8], source: Ipv4Addr, interface: u32, to: SocketAddrV4) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packet);
        let bytes = start..self.bytes.len();
        self.actions.push(Action::Send { bytes, port: Port::Server, interface, source: Some(source), to });
    }

    /// Adds a packet.
    pub(crate) fn send(&mut self, packet: &[u8], port: Port, interface: u32, to: SocketAddrV4) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(packet);
        self.actions.push(Action::Send { bytes: start..self.bytes.len(), port, interface, source: None, to });
    }
}
