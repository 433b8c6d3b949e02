//! worker to parent: copies of packets (`dumpfile`). They travel among the lines for the log, so that each keeps its place there.

use serde::{Deserialize, Serialize};

/// What a packet is, by its bit in `dumpmask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A client's DNS query.
    Query = 0x0001,
    /// The reply to it.
    Reply = 0x0002,
    /// A DNS query to an upstream.
    UpstreamQuery = 0x0004,
    /// The reply of an upstream.
    UpstreamReply = 0x0008,
    /// DHCPv4.
    Dhcp = 0x1000,
    /// TFTP.
    Tftp = 0x8000,
}

impl Kind {
    /// Does a mask have this kind?
    pub fn is_in(self, mask: u32) -> bool {
        mask & self as u32 != 0
    }
}

/// A copy of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// What it is.
    pub kind: Kind,
    /// All of it, from the IP header on. Headers are made up for it: a worker sees none.
    pub packet: Vec<u8>,
}
