//! What lease scripts are told: leases that come, change and go, files that were sent, neighbors that come and go.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::lease::Lease;
use crate::link::HardwareAddress;

/// Longest value of one field of a [`ClientWord`], in bytes; what a client sends beyond it is cut.
pub const WORD_BYTES_MAX: usize = 1024;
/// Most tags in a [`ClientWord`].
pub const TAGS_MAX: usize = 256;
/// Longest path of a file that was sent, in bytes.
pub const PATH_BYTES_MAX: usize = 4096;

/// One thing that a script is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// About a lease.
    Lease(Box<LeaseEvent>),
    /// A file has been sent whole.
    Tftp {
        /// Its size in bytes.
        size: u64,
        /// Who got it.
        client: IpAddr,
        /// Its path, root included.
        path: String,
    },
    /// The kernel has learnt or forgotten whose an address is (`script-arp`).
    Neighbor {
        /// Learnt?
        known: bool,
        /// The hardware address.
        hardware: HardwareAddress,
        /// The address.
        address: IpAddr,
    },
}

/// What happened to a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// It is new.
    Add,
    /// It stands: told at start and at a reload, and when something about it changes.
    Old,
    /// It is over.
    Del,
}

/// One lease event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseEvent {
    /// What happened.
    pub turn: Turn,
    /// The lease; its name is the one to be told, and `None` where it has just lost one.
    pub lease: Lease,
    /// The name that it has just lost.
    pub old_name: Option<String>,
    /// The domain of the name.
    pub domain: Option<String>,
    /// The interface of its last contact.
    pub interface: Option<String>,
    /// The last relay agent through which its client spoke.
    pub relay: Option<Ipv4Addr>,
    /// Seconds until it ends; `None` for one that never does, or has.
    pub remaining_s: Option<u64>,
    /// What the client said, if this event comes from a message of it.
    pub word: Option<ClientWord>,
}

/// What a client said in the message that changed its lease. The bytes are the client's: any value, and none is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientWord {
    /// Option 12, as sent.
    pub host_name: Vec<u8>,
    /// Option 60.
    pub vendor_class: Vec<u8>,
    /// Option 77.
    pub user_class: Vec<u8>,
    /// TR-069 sub-options of option 125: manufacturer (1), serial number (2), product class (3).
    pub cpewan: [Vec<u8>; 3],
    /// Sub-options 1, 2 and 6 of option 82: circuit id, remote id, subscriber id.
    pub relay_ids: [Vec<u8>; 3],
    /// `giaddr`.
    pub relay: Option<Ipv4Addr>,
    /// Option 55.
    pub requested: Vec<u8>,
    /// Option 161.
    pub mud_url: Vec<u8>,
    /// The tags that were set, the latest first.
    pub tags: Vec<String>,
}

impl ClientWord {
    /// Is everything within its bounds?
    pub fn is_bounded(&self) -> bool {
        let single =
            [&self.host_name, &self.vendor_class, &self.user_class, &self.requested, &self.mud_url].into_iter();
        single.chain(&self.cpewan).chain(&self.relay_ids).all(|field| field.len() <= WORD_BYTES_MAX)
            && self.tags.len() <= TAGS_MAX
            && self.tags.iter().all(|tag| tag.len() <= WORD_BYTES_MAX)
    }
}
