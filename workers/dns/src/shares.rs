//! Who has how many questions upstream, so that one client cannot take all of `dns-forward-max` from the others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use crate::exchange::Ticket;

/// Questions in flight by group of upstreams and client. Bounded by the questions there are.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    tickets: BTreeMap<(u32, IpAddr), BTreeSet<Ticket>>,
    /// The same by number.
    counts: BTreeSet<(u32, usize, IpAddr)>,
}

/// The client that has most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Largest {
    pub client: IpAddr,
    pub count: usize,
    pub newest: Ticket,
}

impl Shares {
    /// A client's question goes to this group.
    pub fn add(&mut self, group: u32, client: IpAddr, ticket: Ticket) {
        self.change(group, client, |tickets| tickets.insert(ticket));
    }

    /// It is over.
    pub fn remove(&mut self, group: u32, client: IpAddr, ticket: Ticket) {
        self.change(group, client, |tickets| tickets.remove(&ticket));
    }

    /// How many this client has.
    pub fn count(&self, group: u32, client: IpAddr) -> usize {
        self.tickets.get(&(group, one(client))).map_or(0, BTreeSet::len)
    }

    /// The client that has most questions in this group.
    pub fn largest(&self, group: u32) -> Option<Largest> {
        let lowest = IpAddr::from([0; 4]);
        let (_, count, client) = *self.counts.range((group, 0, lowest)..(group + 1, 0, lowest)).next_back()?;
        let newest = *self.tickets.get(&(group, client))?.last()?;
        Some(Largest { client, count, newest })
    }

    fn change(&mut self, group: u32, client: IpAddr, change: impl FnOnce(&mut BTreeSet<Ticket>) -> bool) {
        let client = one(client);
        let tickets = self.tickets.entry((group, client)).or_default();
        let before = tickets.len();
        change(tickets);
        let after = tickets.len();
        self.counts.remove(&(group, before, client));
        if after > 0 {
            self.counts.insert((group, after, client));
        } else {
            self.tickets.remove(&(group, client));
        }
    }
}

/// Whom we take for one client: an IPv4 address, or a network of 64 bits, whose addresses a host may choose from (RFC 4862).
fn one(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_share_is_known_per_group() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let (a, b) = (address("10.0.0.1"), address("fd00::1"));
        let mut shares = Shares::default();
        for ticket in 1..=3 {
            shares.add(0, b, ticket);
        }
        shares.add(0, a, 4);
        shares.add(7, a, 5);
        assert_eq!(shares.largest(0), Some(Largest { client: address("fd00::"), count: 3, newest: 3 }));
        assert_eq!(shares.count(0, address("fd00::ffff")), 3, "neighbors in a network are one");
        assert_eq!((shares.count(0, a), shares.count(0, address("fd00:0:0:1::1"))), (1, 0));
        shares.remove(0, b, 3);
        shares.remove(0, b, 2);
        shares.add(0, a, 6);
        assert_eq!(shares.largest(0), Some(Largest { client: a, count: 2, newest: 6 }));
        for ticket in [1, 4, 6] {
            shares.remove(0, a, ticket);
            shares.remove(0, b, ticket);
        }
        assert_eq!(shares.largest(0), None);
        assert_eq!(shares.largest(7).map(|largest| largest.count), Some(1));
    }
}
