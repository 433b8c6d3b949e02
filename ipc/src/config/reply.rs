//! What happens to replies of upstreams before clients see them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::prefix::Prefix;

/// Rules for replies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyRules {
    /// `alias`, the last line first.
    pub aliases: Vec<Alias>,
    /// `bogus-nxdomain`: a reply that holds one of these addresses becomes NXDOMAIN.
    pub bogus_nxdomain: Vec<Prefix>,
    /// `ignore-address`: a reply that holds one of these addresses is dropped.
    pub ignore_addresses: Vec<Prefix>,
    /// `filter-rr`, `filter-A`, `filter-AAAA`: RRs of these types are left out.
    pub filtered_types: BTreeSet<u16>,
    /// `cache-rr`: RRs of these types are cached besides those that always are.
    pub cached_types: BTreeSet<u16>,
    /// `stop-dns-rebind`: upstream replies may not hold private addresses.
    pub stop_rebind: bool,
    /// `rebind-localhost-ok`: but those of the loopback network.
    pub rebind_localhost_ok: bool,
    /// `rebind-domain-ok`: but those of names in these domains; an empty one stands for names without dots.
    pub rebind_domains_ok: Vec<String>,
}

/// `alias`: an IPv4 address in replies gives way to another. `first` and `last` agree in the bits of `mask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// First address of the range.
    pub first: Ipv4Addr,
    /// Last address of the range; the same as `first` where no range was written.
    pub last: Ipv4Addr,
    /// What takes its place.
    pub replacement: Ipv4Addr,
    /// The bits that are compared and replaced.
    pub mask: Ipv4Addr,
}

impl Alias {
    /// The address to send instead of `address`, if this rule is about it: the bits of the mask are replaced.
    pub fn apply(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let mask = self.mask;
        let covered = if self.first == self.last {
            address & mask == self.first & mask
        } else {
            (self.first..=self.last).contains(&address)
        };
        covered.then(|| (self.replacement & mask) | (address & !mask))
    }
}
