//! The front door: what goes in, in which order it meets the modules below, and when to call again.

use std::net::{Ipv4Addr, SocketAddrV4};

use ipc::config::dhcp::DhcpSlice;
use ipc::dhcp::{ToParent, ToWorker};
use ipc::time::Now;

use crate::outbox::{Action, Outbox};

/// How a packet reached us.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Kernel index of the interface it came in on.
    pub interface: u32,
    /// Who sent it.
    pub source: SocketAddrV4,
    /// The destination in its IP header; 255.255.255.255 for a broadcast.
    pub destination: Ipv4Addr,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram on the server port.
    Packet {
        /// Its payload.
        bytes: &'a [u8],
        /// How it came.
        arrival: Arrival,
    },
    /// A whole IPv4 packet from the receive-only ICMP socket.
    Echo {
        /// IP header included.
        bytes: &'a [u8],
    },
    /// A message of the parent.
    FromParent(ToWorker),
    /// Take no new work.
    Drain,
    /// SIGUSR1: log the statistics. DHCP has none.
    DumpStatistics,
    /// The moment that [`Engine::deadline`] named has come.
    Deadline,
}

/// DHCPv4 without sockets.
#[derive(Debug)]
pub struct Engine {
    slice: DhcpSlice,
}

impl Engine {
    /// An engine that has not begun to serve: it takes interfaces and leases until `Start`.
    pub fn new(slice: DhcpSlice, _seed: [u8; 32]) -> Engine {
        Engine { slice }
    }

    /// Takes one thing that happened and puts into `out` what is to be done about it.
    pub fn handle(&mut self, input: Input<'_>, _now: Now, out: &mut Outbox) {
        let _ = &self.slice;
        if let Input::FromParent(ToWorker::Start) = input {
            out.actions.push(Action::Tell(ToParent::Serving));
        }
    }

    /// When to call again with `Input::Deadline`, in monotonic milliseconds; `None` when nothing waits for the time.
    pub fn deadline(&self) -> Option<u64> {
        None
    }

    /// Is no reply owed? Asked after `Drain`.
    pub fn idle(&self) -> bool {
        true
    }
}
