//! Leases: an address promised to a client until a time.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::link::HardwareAddress;

/// Longest client id, in bytes (RFC 2132 section 9.14: one option).
pub const CLIENT_ID_BYTES_MAX: usize = 255;

/// Longest part of a [`Provenance`], in bytes: one option.
pub const PROVENANCE_BYTES_MAX: usize = 255;

/// One DHCPv4 lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The address promised.
    pub address: Ipv4Addr,
    /// The client's hardware address.
    pub hardware: HardwareAddress,
    /// Option 61 as sent, type byte included.
    pub client_id: Option<Vec<u8>>,
    /// Unqualified host name: letters, digits, `-`, `_`, at most 63 bytes, no leading `-` or `_`.
    pub name: Option<String>,
    /// Seconds since the epoch; 0 means never.
    pub expires_s: u64,
    /// How the client came to it, kept for `leasequery` alone.
    pub provenance: Option<Box<Provenance>>,
}

/// What was said when a lease was made, as far as anything was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Option 82 of the relay agent, at most [`PROVENANCE_BYTES_MAX`].
    pub agent_info: Option<Vec<u8>>,
    /// Option 60 of the client, at most [`PROVENANCE_BYTES_MAX`].
    pub vendor_class: Option<Vec<u8>>,
}

impl Provenance {
    /// Are its parts as long as they may be?
    pub fn fits(&self) -> bool {
        let parts = [&self.agent_info, &self.vendor_class];
        parts.into_iter().flatten().all(|part| part.len() <= PROVENANCE_BYTES_MAX)
    }
}

impl Lease {
    /// Has the lease ended at wall time `now_s`?
    pub fn expired(&self, now_s: u64) -> bool {
        self.expires_s != 0 && self.expires_s <= now_s
    }
}

/// Is `name` a host name that a lease may carry?
///
/// Both the DHCP core (where the name enters) and the parent (where a worker's word enters) ask this, so that no name can
/// forge a line in the lease file, a log, or DNS.
pub fn name_is_legal(name: &str) -> bool {
    let bytes = name.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= 63
        && !matches!(bytes[0], b'-' | b'_')
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// One change to the set of leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseChange {
    /// Add this lease, or replace the one with the same address.
    Put(Lease),
    /// The lease of this address is over (released, declined, expired, abandoned).
    Remove(Ipv4Addr),
}

#[cfg(test)]
mod tests {
    use super::name_is_legal;

    #[test]
    fn only_plain_host_names_are_legal() {
        for good in ["a", "host-1", "UPPER_lower9", &"x".repeat(63)] {
            assert!(name_is_legal(good), "{good}");
        }
        for bad in ["", "-a", "_a", "a.b", "a b", "a\nb", "é", &"x".repeat(64)] {
            assert!(!name_is_legal(bad), "{bad:?}");
        }
    }
}
