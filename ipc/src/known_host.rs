//! What DHCP asks of hosts files, and what stands in them about it: asked of dns by the parent, who passes the answer on to dhcp.
//!
//! Both travel in pieces that fit into a message.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::config::prefix::Prefix;

/// Most entries of one kind in one message: they fit whatever is in them.
pub const ENTRIES_MAX: usize = 80;
/// Most addresses that are told of one name.
pub const ADDRESSES_PER_NAME_MAX: usize = 16;
/// Most addresses whose names are told.
pub const NAMED_ADDRESSES_MAX: usize = 65_536;

/// What DHCP wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedHosts {
    /// The addresses of these names, which are in small letters.
    pub names: Vec<String>,
    /// The name of every address on these networks.
    pub networks: Vec<Prefix>,
}

/// What hosts files and `host-record` lines say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHosts {
    /// Wanted names that have addresses.
    pub names: Vec<KnownName>,
    /// Addresses on wanted networks that have names.
    pub addresses: Vec<KnownAddress>,
}

/// The IPv4 addresses of a name that has addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownName {
    /// As it was asked for.
    pub name: String,
    /// At most [`ADDRESSES_PER_NAME_MAX`], in the order of the files.
    pub addresses: Vec<Ipv4Addr>,
    /// The first of them that belongs to this name first of all.
    pub primary: Option<Ipv4Addr>,
    /// Does it have IPv6 addresses?
    pub ipv6: bool,
}

/// The first name of an address, if a lease can have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// Its host name: legal for a lease.
    pub name: String,
    /// What is written behind the name.
    pub domain: Option<String>,
}

impl WantedHosts {
    /// Parts it for messages; at least one piece.
    pub fn pieces(&self) -> impl Iterator<Item = WantedHosts> {
        pairs(&self.names, &self.networks).map(|(names, networks)| WantedHosts { names, networks })
    }
}

impl KnownHosts {
    /// Parts it for messages; at least one piece.
    pub fn pieces(&self) -> impl Iterator<Item = KnownHosts> {
        pairs(&self.names, &self.addresses).map(|(names, addresses)| KnownHosts { names, addresses })
    }

    /// Adds another piece.
    pub fn append(&mut self, mut piece: KnownHosts) {
        self.names.append(&mut piece.names);
        self.addresses.append(&mut piece.addresses);
    }
}

fn pairs<A: Clone, B: Clone>(some: &[A], others: &[B]) -> impl Iterator<Item = (Vec<A>, Vec<B>)> {
    let count = some.len().max(others.len()).div_ceil(ENTRIES_MAX).max(1);
    (0..count).map(move |piece| (cut(some, piece), cut(others, piece)))
}

fn cut<T: Clone>(list: &[T], piece: usize) -> Vec<T> {
    list.iter().skip(piece * ENTRIES_MAX).take(ENTRIES_MAX).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NAME_BYTES_MAX, frame};

    #[test]
    fn everything_comes_in_pieces_that_fit() {
        let address = Ipv4Addr::BROADCAST;
        let name = |number: usize| KnownName {
            name: format!("{number:0>NAME_BYTES_MAX$}"),
            addresses: vec![address; ADDRESSES_PER_NAME_MAX],
            primary: Some(address),
            ipv6: true,
        };
        let known = KnownAddress { address, name: "n".repeat(63), domain: Some("d".repeat(NAME_BYTES_MAX)) };
        let whole = KnownHosts { names: (0..200).map(name).collect(), addresses: vec![known; 1000] };
        let mut again = KnownHosts::default();
        for piece in whole.pieces() {
            frame::encode(&piece, &mut Vec::new()).unwrap();
            again.append(piece);
        }
        assert_eq!(again, whole);
        assert_eq!(KnownHosts::default().pieces().count(), 1);
    }
}
