//! Whether a lease change that the dhcp worker asks for may be recorded. Pure, and the heart of the parent's mistrust: a captured
//! worker can hand out the addresses it is there to hand out, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipc::config::dhcp::{DhcpSlice, PoolMode};
use ipc::dhcp::CHANGES_MAX;
use ipc::lease::{CLIENT_ID_BYTES_MAX, Lease, LeaseChange, name_is_legal};

use crate::leases::store::Store;
use crate::leases::turn::Turn;

/// Longest finite lease from now, in seconds: the largest lease time there is.
const LEASE_SECONDS_MAX: u64 = u32::MAX as u64;

/// The addresses that may be leased at all, from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Territory {
    /// Dynamic ranges, sorted by first address; none overlaps the next.
    ranges: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Addresses of host rules.
    reserved: BTreeSet<Ipv4Addr>,
    /// Addresses of host rules of files, with the number of files that have them.
    in_files: BTreeMap<Ipv4Addr, u32>,
    /// Addresses that host rules get by their names from hosts files.
    placed: BTreeSet<Ipv4Addr>,
    lease_max: usize,
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More changes in one commit than are allowed.
    TooMany,
    /// The address lies in no range and belongs to no host rule.
    ForeignAddress,
    /// The name is no host name.
    BadName,
    /// The name belongs to another lease.
    NameTaken,
    /// Client id, hardware address or an option that is kept is longer than the protocol has room for.
    TooLong,
    /// The expiry lies in the past or beyond every lease time.
    BadExpiry,
    /// There are as many leases as are allowed.
    Full,
}

impl Territory {
    /// From the slice that the worker got.
    pub fn new(slice: &DhcpSlice) -> Territory {
        let mut ranges: Vec<_> = slice
            .pools
            .iter()
            .filter(|pool| pool.mode == PoolMode::Dynamic)
            .map(|pool| (pool.first, pool.last))
            .collect();
        ranges.sort();
        let mut merged: Vec<(Ipv4Addr, Ipv4Addr)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        let reserved = slice.host_rules.iter().filter_map(|rule| rule.address).collect();
        let lease_max = slice.lease_max as usize;
        Territory { ranges: merged, reserved, lease_max, ..Territory::default() }
    }

    /// May this address be leased, offered, or probed?
    pub fn holds(&self, address: Ipv4Addr) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= address);
        let in_range = after.checked_sub(1).is_some_and(|index| address <= self.ranges[index].1);
        in_range
            || self.reserved.contains(&address)
            || self.in_files.contains_key(&address)
            || self.placed.contains(&address)
    }

    /// Takes the addresses that host rules get by their names, in place of those they had.
    pub fn place(&mut self, addresses: BTreeSet<Ipv4Addr>) {
        self.placed = addresses;
    }

    /// Adds the addresses of a file, and takes away those that it had before.
    pub fn take_file(&mut self, before: &BTreeSet<Ipv4Addr>, now: &BTreeSet<Ipv4Addr>) {
        for address in now {
            *self.in_files.entry(*address).or_default() += 1;
        }
        for address in before {
            if let Some(count) = self.in_files.get_mut(address) {
                *count -= 1;
                if *count == 0 {
                    self.in_files.remove(address);
                }
            }
        }
    }

    /// Judges one commit against the leases there are and the changes that have been accepted in the same turn.
    pub fn judge(&self, store: &Store, turn: &Turn, changes: &[LeaseChange], now_s: u64) -> Result<(), Refusal> {
        if changes.len() > CHANGES_MAX {
            return Err(Refusal::TooMany);
        }
        let mut added = 0usize;
        let mut removed = 0usize;
        let lease_of = |address| turn.lease(store, address);
        for change in changes {
            match change {
                LeaseChange::Put(lease) => {
                    self.judge_lease(lease_of(lease.address), lease, now_s)?;
                    judge_name(lease, changes, |name| turn.holder_of(store, name))?;
                    added += usize::from(lease_of(lease.address).is_none());
                }
                // A removal needs no territory: leases from before the ranges were changed run out too.
                LeaseChange::Remove(address) => removed += usize::from(lease_of(*address).is_some()),
            }
        }
        // dhcp-lease-max bounds new leases; those that were taken over from a file stay.
        if added > 0 && (turn.count(store) + added).saturating_sub(removed) > self.lease_max {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// `held` is the lease that the address has.
    fn judge_lease(&self, held: Option<&Lease>, lease: &Lease, now_s: u64) -> Result<(), Refusal> {
        // An unchanged territory rule would forbid renaming a lease that was taken over; so a lease that stands may be changed, but not
        // be given to somebody else.
        let stands = held.is_some_and(|held| held.hardware == lease.hardware);
        if !self.holds(lease.address) && !stands {
            return Err(Refusal::ForeignAddress);
        }
        if lease.hardware.length > 16 || lease.client_id.as_ref().is_some_and(|id| id.len() > CLIENT_ID_BYTES_MAX) {
            return Err(Refusal::TooLong);
        }
        if lease.provenance.as_ref().is_some_and(|provenance| !provenance.fits()) {
            return Err(Refusal::TooLong);
        }
        let unchanged_expiry = held.is_some_and(|held| held.expires_s == lease.expires_s);
        let finite = lease.expires_s != 0 && !unchanged_expiry;
        if finite && (lease.expires_s < now_s || lease.expires_s > now_s + LEASE_SECONDS_MAX) {
            return Err(Refusal::BadExpiry);
        }
        match &lease.name {
            Some(name) if !name_is_legal(name) => Err(Refusal::BadName),
            _ => Ok(()),
        }
    }
}

/// Is the name of a lease free, or given up in the same commit?
fn judge_name(
    lease: &Lease,
    changes: &[LeaseChange],
    holder_of: impl Fn(&str) -> Option<Ipv4Addr>,
) -> Result<(), Refusal> {
    let Some(name) = &lease.name else { return Ok(()) };
    let loses_name = |holder: Ipv4Addr| {
        changes.iter().any(|change| match change {
            LeaseChange::Put(other) => {
                other.address == holder && !other.name.as_ref().is_some_and(|held| held.eq_ignore_ascii_case(name))
            }
            LeaseChange::Remove(address) => *address == holder,
        })
    };
    let twice = changes.iter().any(|change| match change {
        LeaseChange::Put(other) => {
            other.address != lease.address && other.name.as_ref().is_some_and(|held| held.eq_ignore_ascii_case(name))
        }
        LeaseChange::Remove(_) => false,
    });
    if twice {
        return Err(Refusal::NameTaken);
    }
    match holder_of(name) {
        Some(holder) if holder != lease.address && !loses_name(holder) => Err(Refusal::NameTaken),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::config::dhcp::{HostRule, Pool};
    use ipc::link::HardwareAddress;

    const NOW: u64 = 1_000_000;

    fn territory() -> Territory {
        let pool = Pool {
            first: Ipv4Addr::new(10, 0, 0, 10),
            last: Ipv4Addr::new(10, 0, 0, 20),
            netmask: None,
            broadcast: None,
            mode: PoolMode::Dynamic,
            lease_time_s: 3600,
            set_tag: None,
            tests: Vec::new(),
        };
        let rule = HostRule { address: Some(Ipv4Addr::new(10, 0, 0, 99)), ..HostRule::default() };
        Territory::new(&DhcpSlice { pools: vec![pool], host_rules: vec![rule], lease_max: 3, ..DhcpSlice::default() })
    }

    fn put(last: u8, name: Option<&str>) -> LeaseChange {
        LeaseChange::Put(Lease {
            address: Ipv4Addr::new(10, 0, 0, last),
            hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 0, last]).unwrap(),
            client_id: None,
            name: name.map(str::to_owned),
            expires_s: NOW + 3600,
            provenance: None,
        })
    }

    fn judge(store: &Store, changes: &[LeaseChange]) -> Result<(), Refusal> {
        territory().judge(store, &Turn::default(), changes, NOW)
    }

    #[test]
    fn only_addresses_of_the_configuration_are_leased() {
        let store = Store::in_memory();
        for good in [10, 20, 99] {
            assert_eq!(judge(&store, &[put(good, None)]), Ok(()), "{good}");
        }
        for bad in [9, 21, 98, 100] {
            assert_eq!(judge(&store, &[put(bad, None)]), Err(Refusal::ForeignAddress), "{bad}");
        }
    }

    #[test]
    fn an_address_of_a_file_is_leased_as_long_as_a_file_has_it() {
        let set = |lasts: &[u8]| lasts.iter().map(|last| Ipv4Addr::new(10, 0, 0, *last)).collect::<BTreeSet<_>>();
        let mut territory = territory();
        territory.take_file(&set(&[]), &set(&[50, 51]));
        territory.take_file(&set(&[]), &set(&[51]));
        territory.take_file(&set(&[50, 51]), &set(&[52]));
        let held: Vec<u8> = (48..55).filter(|last| territory.holds(Ipv4Addr::new(10, 0, 0, *last))).collect();
        assert_eq!(held, [51, 52]);
        territory.place(set(&[60]));
        territory.place(set(&[61]));
        assert!(territory.holds(Ipv4Addr::new(10, 0, 0, 61)) && !territory.holds(Ipv4Addr::new(10, 0, 0, 60)));
    }

    #[test]
    fn a_name_has_one_holder() {
        let mut store = Store::in_memory();
        store.record(&[put(10, Some("box"))]).unwrap();
        assert_eq!(judge(&store, &[put(11, Some("BOX"))]), Err(Refusal::NameTaken));
        assert_eq!(judge(&store, &[put(10, None), put(11, Some("box"))]), Ok(()));
        assert_eq!(judge(&store, &[put(10, Some("box"))]), Ok(()));
        assert_eq!(judge(&store, &[put(11, Some("b\nx"))]), Err(Refusal::BadName));
    }

    #[test]
    fn what_one_turn_has_accepted_counts() {
        let mut store = Store::in_memory();
        store.record(&[put(10, Some("box"))]).unwrap();
        let mut turn = Turn::default();
        let mut judge = |changes: &[LeaseChange]| {
            let judged = territory().judge(&store, &turn, changes, NOW);
            if judged.is_ok() {
                changes.iter().for_each(|change| turn.take(&store, change.clone()));
            }
            judged
        };
        assert_eq!(judge(&[put(11, Some("other"))]), Ok(()));
        assert_eq!(judge(&[put(12, Some("Other"))]), Err(Refusal::NameTaken));
        assert_eq!(judge(&[put(10, None)]), Ok(()));
        assert_eq!(judge(&[put(12, Some("box"))]), Ok(()), "the name is free now");
        assert_eq!(judge(&[put(13, None)]), Err(Refusal::Full));
        assert_eq!(judge(&[LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 11))]), Ok(()));
        assert_eq!(judge(&[put(13, Some("other"))]), Ok(()));
        assert_eq!(turn.changes().len(), 5);
    }

    #[test]
    fn the_table_has_a_bound() {
        let mut store = Store::in_memory();
        store.record(&[put(10, None), put(11, None), put(12, None)]).unwrap();
        assert_eq!(judge(&store, &[put(13, None)]), Err(Refusal::Full));
        assert_eq!(judge(&store, &[put(12, None)]), Ok(()));
        assert_eq!(judge(&store, &[LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 10)), put(13, None)]), Ok(()));
    }

    #[test]
    fn an_expiry_beyond_every_lease_time_is_refused() {
        let store = Store::in_memory();
        let LeaseChange::Put(mut lease) = put(10, None) else { unreachable!() };
        lease.expires_s = u64::MAX;
        assert_eq!(judge(&store, &[LeaseChange::Put(lease.clone())]), Err(Refusal::BadExpiry));
        lease.expires_s = 1;
        assert_eq!(judge(&store, &[LeaseChange::Put(lease)]), Err(Refusal::BadExpiry));
    }
}
