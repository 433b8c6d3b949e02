//! The conversation between the parent and the dhcp worker.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::config::dhcp::{ConfiguredOption, HostRule};
use crate::event::ClientWord;
use crate::known_host::KnownHosts;
use crate::lease::{Lease, LeaseChange};
use crate::link::{HardwareAddress, Interface};

/// Most changes in one `Commit`.
pub const CHANGES_MAX: usize = 32;

/// Most leases in one message of the replay: they fit whatever is in them.
pub const LEASES_MAX: usize = 50;

/// Names one `Commit` or `SetNeighbor`; chosen by the worker, comes back in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket(pub u32);

/// parent to dhcp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The interfaces as they are now. Sent before `Start` and whenever they change.
    Interfaces(Vec<Interface>),
    /// What a file adds to the configuration, in place of what it added before; sent before the leases, and when the file has changed. It
    /// goes before what came earlier, and before the slice. A file comes in one piece or several, of which the last one says so.
    FileRules {
        /// Names the file; the parent's choice.
        file: u32,
        /// Host rules, the first to be tried first.
        rules: Vec<HostRule>,
        /// Options, the first to be tried first.
        options: Vec<ConfiguredOption>,
        /// Is this the last piece?
        last: bool,
    },
    /// What hosts files say of names and addresses, in place of what they said before. It comes in one piece or several, of which the
    /// last one says so.
    KnownHosts {
        /// Names and addresses.
        known: KnownHosts,
        /// Is this the last piece?
        last: bool,
    },
    /// Leases of the store, replayed before `Start`: at most [`LEASES_MAX`].
    Leases(Vec<Lease>),
    /// All leases have been replayed: begin to serve. The worker answers `Serving`.
    Start,
    /// The changes of this ticket are on stable storage: the acknowledgement may leave.
    Committed(Ticket),
    /// The changes of this ticket were refused or could not be written: nothing was recorded, and no acknowledgement may leave.
    NotCommitted(Ticket),
    /// The neighbor entry of this ticket is in place (or could not be set, and the reply must be broadcast).
    NeighborSet {
        /// The ticket of the request.
        ticket: Ticket,
        /// False: broadcast instead.
        done: bool,
    },
}

/// An address about to be answered by unicast before its owner can answer ARP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbor {
    /// Kernel index of the interface.
    pub interface: u32,
    /// The address offered or leased.
    pub address: Ipv4Addr,
    /// Whom it is for.
    pub hardware: HardwareAddress,
}

/// The message that caused a change: what a script is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Kernel index of the interface it came in on.
    pub interface: u32,
    /// What the client said, about the last lease that the changes put; `None` when it merely extends its lease.
    pub word: Option<ClientWord>,
}

/// dhcp to parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent {
    /// Begun to serve.
    Serving,
    /// Record these lease changes, all together or not at all, then answer `Committed` or `NotCommitted`. If `neighbor` is given
    /// and the changes are recorded, set it before answering; when that fails a `NeighborSet { done: false }` precedes
    /// the answer. At most [`CHANGES_MAX`] changes.
    Commit {
        /// Comes back in the answer.
        ticket: Ticket,
        /// What to record.
        changes: Vec<LeaseChange>,
        /// Entry for the unicast acknowledgement.
        neighbor: Option<Neighbor>,
        /// Whose message caused it, where a script is to hear of it.
        contact: Option<Box<Contact>>,
    },
    /// Put this entry into the kernel's neighbor table, for an offer by unicast. Answered by `NeighborSet`.
    SetNeighbor {
        /// Comes back in the answer.
        ticket: Ticket,
        /// The entry.
        neighbor: Neighbor,
    },
    /// Send one ICMP echo request to this address of a pool. Not answered: a reply shows up on the echo socket.
    Ping(Ipv4Addr),
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{LEASES_MAX, ToWorker};
    use crate::frame;
    use crate::lease::{CLIENT_ID_BYTES_MAX, Lease, PROVENANCE_BYTES_MAX, Provenance};
    use crate::link::HardwareAddress;

    #[test]
    fn the_longest_leases_fit_into_one_message() {
        let longest = Lease {
            address: Ipv4Addr::BROADCAST,
            hardware: HardwareAddress::new(255, &[255; 16]).unwrap(),
            client_id: Some(vec![255; CLIENT_ID_BYTES_MAX]),
            name: Some("n".repeat(63)),
            expires_s: u64::MAX,
            provenance: Some(Box::new(Provenance {
                agent_info: Some(vec![255; PROVENANCE_BYTES_MAX]),
                vendor_class: Some(vec![255; PROVENANCE_BYTES_MAX]),
            })),
        };
        let mut bytes = Vec::new();
        frame::encode(&ToWorker::Leases(vec![longest; LEASES_MAX]), &mut bytes).unwrap();
    }
}
