//! This worker's copy of the leases, and which parts of it a commit under way is about to change.
//!
//! The parent's store is the truth: a lease enters or leaves here only when the parent says that it is recorded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipc::lease::{Lease, LeaseChange};
use ipc::link::HardwareAddress;

/// Leases by everything they are looked up by. Every map has one entry per lease at most.
#[derive(Debug, Default)]
pub(crate) struct LeaseView {
    by_address: BTreeMap<Ipv4Addr, Entry>,
    by_client_id: BTreeSet<(Vec<u8>, Age, Ipv4Addr)>,
    /// The flag tells whether the lease has a client id.
    by_hardware: BTreeSet<(HardwareAddress, bool, Age, Ipv4Addr)>,
    by_name: BTreeMap<String, Ipv4Addr>,
    by_expiry: BTreeSet<(u64, Ipv4Addr)>,
    by_contact: BTreeSet<Contact>,
    locks: BTreeSet<Lock>,
    /// Addresses of `locks` that are not leased yet.
    coming: usize,
    /// Leases ever made.
    made: u64,
    /// Changes ever recorded.
    recorded: u64,
}

#[derive(Debug)]
struct Entry {
    lease: Lease,
    age: Age,
    /// The change that its client has caused last; 0: none.
    heard: u64,
}

/// Orders leases by when their clients were heard last: those of before this worker first, by their ends, since who was heard lately has a
/// late one; then the others in the order in which they were recorded.
type Contact = (u64, u64, Ipv4Addr);

/// Orders leases by when they were made, the latest first. Of several leases of one client, the latest is its lease.
type Age = Reverse<u64>;

/// Something that a commit under way is about to change. A second change must wait for the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lock {
    Address(Ipv4Addr),
    ClientId(Vec<u8>),
    Hardware(HardwareAddress),
    Name(String),
}

impl LeaseView {
    /// How many leases there are, those being recorded included.
    pub(crate) fn count(&self) -> usize {
        self.by_address.len() + self.coming
    }

    /// All leases in order of address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_address.values().map(|entry| &entry.lease)
    }

    /// The lease of an address.
    pub(crate) fn of_address(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address).map(|entry| &entry.lease)
    }

    /// Is this address neither leased nor about to be?
    pub(crate) fn is_free(&self, address: Ipv4Addr) -> bool {
        !self.by_address.contains_key(&address) && !self.locks.contains(&Lock::Address(address))
    }

    /// Is a change of this address under way?
    pub(crate) fn is_changing(&self, address: Ipv4Addr) -> bool {
        self.locks.contains(&Lock::Address(address))
    }

    /// The lease of a client: the one with its client id, else the one of its hardware address, unless both the lease
    /// and the client have a client id (and then different ones).
    pub(crate) fn of_client(&self, client_id: Option<&[u8]>, hardware: HardwareAddress) -> Option<&Lease> {
        let by_id = client_id.and_then(|id| {
            let start = (id.to_vec(), Reverse(u64::MAX), Ipv4Addr::UNSPECIFIED);
            let (found, _, address) = self.by_client_id.range(start..).next()?;
            (found == id).then_some(*address)
        });
        let latest = |has_id| {
            let start = (hardware, has_id, Reverse(u64::MAX), Ipv4Addr::UNSPECIFIED);
            let (found, flag, age, address) = self.by_hardware.range(start..).next()?;
            (*found == hardware && *flag == has_id && hardware.length > 0).then_some((*age, *address))
        };
        let by_hardware = || {
            let with_id = client_id.is_none().then(|| latest(true)).flatten();
            with_id.into_iter().chain(latest(false)).min().map(|(_, address)| address)
        };
        self.of_address(by_id.or_else(by_hardware)?)
    }

    /// The lease that holds a name, in any letter case.
    pub(crate) fn of_name(&self, name: &str) -> Option<&Lease> {
        self.of_address(*self.by_name.get(&name.to_ascii_lowercase())?)
    }

    /// The highest leased address from `first` to `last`.
    pub(crate) fn highest(&self, first: Ipv4Addr, last: Ipv4Addr) -> Option<Ipv4Addr> {
        self.by_address.range(first..=last).next_back().map(|(address, _)| *address)
    }

    /// When the first lease ends that has not been taken by [`LeaseView::take_expired`].
    pub(crate) fn next_expiry_s(&self) -> Option<u64> {
        self.by_expiry.first().map(|(expires_s, _)| *expires_s)
    }

    /// An address whose lease is over at `now_s`; it is not named again unless [`LeaseView::remind`] is called.
    pub(crate) fn take_expired(&mut self, now_s: u64) -> Option<Ipv4Addr> {
        while let Some((_, address)) = self.by_expiry.first().copied().filter(|(expires_s, _)| *expires_s <= now_s) {
            self.by_expiry.pop_first();
            // A reminder may have outlived a renewal.
            if self.of_address(address).is_some_and(|lease| lease.expired(now_s)) {
                return Some(address);
            }
        }
        None
    }

    /// Names an expired lease again at `at_s`.
    pub(crate) fn remind(&mut self, address: Ipv4Addr, at_s: u64) {
        if self.by_address.contains_key(&address) {
            self.by_expiry.insert((at_s, address));
        }
    }

    /// The leases, those whose clients have been silent for longest first.
    pub(crate) fn by_silence(&self) -> impl Iterator<Item = &Lease> {
        self.by_contact.iter().filter_map(|(.., address)| self.of_address(*address))
    }

    /// Marks what `changes` touch. False, and nothing marked, when a commit under way touches any of it too.
    pub(crate) fn lock(&mut self, changes: &[LeaseChange]) -> bool {
        let wanted = self.locks_of(changes);
        if wanted.iter().any(|lock| self.locks.contains(lock)) {
            return false;
        }
        self.coming += self.newcomers(changes);
        self.locks.extend(wanted);
        true
    }

    /// Ends what [`LeaseView::lock`] began, before any change is applied.
    pub(crate) fn unlock(&mut self, changes: &[LeaseChange]) {
        self.coming = self.coming.saturating_sub(self.newcomers(changes));
        for lock in self.locks_of(changes) {
            self.locks.remove(&lock);
        }
    }

    /// Takes over a lease from before this worker.
    pub(crate) fn replay(&mut self, lease: Lease) {
        self.put(lease, 0);
    }

    /// Applies a recorded change.
    pub(crate) fn apply(&mut self, change: LeaseChange) {
        match change {
            LeaseChange::Put(lease) => {
                self.recorded += 1;
                // Who has lost its name to another was not heard.
                let held = self.by_address.get(&lease.address);
                let robbed = held.filter(|held| Lease { name: held.lease.name.clone(), ..lease.clone() } == held.lease);
                let heard = robbed.filter(|_| lease.name.is_none()).map_or(self.recorded, |held| held.heard);
                self.put(lease, heard);
            }
            LeaseChange::Remove(address) => self.remove(address),
        }
    }

    fn put(&mut self, lease: Lease, heard: u64) {
        let address = lease.address;
        let age = self.by_address.get(&address).map_or(Reverse(self.made), |held| held.age);
        self.made += 1;
        self.remove(address);
        if let Some(id) = &lease.client_id {
            self.by_client_id.insert((id.clone(), age, address));
        }
        self.by_hardware.insert((lease.hardware, lease.client_id.is_some(), age, address));
        if let Some(name) = &lease.name {
            self.by_name.insert(name.to_ascii_lowercase(), address);
        }
        if lease.expires_s != 0 {
            self.by_expiry.insert((lease.expires_s, address));
        }
        self.by_contact.insert(contact(&lease, heard));
        self.by_address.insert(address, Entry { lease, age, heard });
    }

    fn remove(&mut self, address: Ipv4Addr) {
        let Some(Entry { lease, age, heard }) = self.by_address.remove(&address) else { return };
        self.by_contact.remove(&contact(&lease, heard));
        self.by_expiry.remove(&(lease.expires_s, address));
        self.by_hardware.remove(&(lease.hardware, lease.client_id.is_some(), age, address));
        if let Some(id) = lease.client_id {
            self.by_client_id.remove(&(id, age, address));
        }
        if let Some(name) = lease.name.map(|name| name.to_ascii_lowercase())
            && self.by_name.get(&name) == Some(&address)
        {
            self.by_name.remove(&name);
        }
    }

    fn newcomers(&self, changes: &[LeaseChange]) -> usize {
        let new =
            |change: &&LeaseChange| matches!(change, LeaseChange::Put(l) if !self.by_address.contains_key(&l.address));
        changes.iter().filter(new).count()
    }

    fn locks_of(&self, changes: &[LeaseChange]) -> BTreeSet<Lock> {
        let mut locks = BTreeSet::new();
        for change in changes {
            match change {
                LeaseChange::Put(lease) => {
                    locks.insert(Lock::Address(lease.address));
                    locks.extend(lease.name.as_ref().map(|name| Lock::Name(name.to_ascii_lowercase())));
                    locks.insert(match &lease.client_id {
                        Some(id) => Lock::ClientId(id.clone()),
                        None => Lock::Hardware(lease.hardware),
                    });
                }
                LeaseChange::Remove(address) => {
                    locks.insert(Lock::Address(*address));
                }
            }
        }
        locks
    }
}

fn contact(lease: &Lease, heard: u64) -> Contact {
    (heard, if lease.expires_s == 0 { u64::MAX } else { lease.expires_s }, lease.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(last: u8, mac: u8, id: Option<&[u8]>, name: Option<&str>, expires_s: u64) -> Lease {
        Lease {
            address: Ipv4Addr::new(10, 0, 0, last),
            hardware: HardwareAddress::new(1, &[2, mac]).unwrap(),
            client_id: id.map(<[u8]>::to_vec),
            name: name.map(str::to_owned),
            expires_s,
            provenance: None,
        }
    }

    #[test]
    fn a_client_is_known_by_its_id_or_else_by_its_hardware() {
        let mut view = LeaseView::default();
        view.apply(LeaseChange::Put(lease(1, 1, Some(b"a"), None, 0)));
        view.apply(LeaseChange::Put(lease(2, 2, None, None, 0)));
        let mac = |byte| HardwareAddress::new(1, &[2, byte]).unwrap();
        let last = |found: Option<&Lease>| found.map(|lease| lease.address.octets()[3]);
        assert_eq!(last(view.of_client(Some(b"a"), mac(9))), Some(1));
        assert_eq!(last(view.of_client(Some(b"b"), mac(1))), None);
        assert_eq!(last(view.of_client(None, mac(1))), Some(1));
        assert_eq!(last(view.of_client(Some(b"b"), mac(2))), Some(2));
        assert_eq!(last(view.of_client(None, mac(9))), None);
    }

    #[test]
    fn names_are_found_in_any_case_and_leave_with_their_lease() {
        let mut view = LeaseView::default();
        view.apply(LeaseChange::Put(lease(1, 1, None, Some("Printer"), 5)));
        assert!(view.of_name("pRINTER").is_some());
        view.apply(LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 1)));
        assert!(view.of_name("printer").is_none());
        assert_eq!(view.next_expiry_s(), None);
        assert!(view.by_hardware.is_empty() && view.by_client_id.is_empty());
    }

    #[test]
    fn leases_are_known_by_how_long_their_clients_have_been_silent() {
        let mut view = LeaseView::default();
        for (last, expires_s) in [(1, 50), (2, 0), (3, 20)] {
            view.replay(lease(last, last, None, Some(&format!("n{last}")), expires_s));
        }
        let order = |view: &LeaseView| view.by_silence().map(|lease| lease.address.octets()[3]).collect::<Vec<_>>();
        assert_eq!(order(&view), [3, 1, 2]);
        view.apply(LeaseChange::Put(lease(3, 3, None, Some("n3"), 20)));
        view.apply(LeaseChange::Put(lease(4, 4, None, None, 10)));
        assert_eq!(order(&view), [1, 2, 3, 4]);
        // A lost name is no contact.
        view.apply(LeaseChange::Put(lease(1, 1, None, None, 50)));
        assert_eq!(order(&view), [1, 2, 3, 4]);
        view.apply(LeaseChange::Put(lease(1, 1, None, None, 60)));
        view.apply(LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(order(&view), [3, 4, 1]);
    }

    #[test]
    fn what_one_commit_touches_another_must_not() {
        let mut view = LeaseView::default();
        let first = [LeaseChange::Put(lease(1, 1, None, Some("n"), 0))];
        assert!(view.lock(&first));
        assert_eq!(view.count(), 1);
        assert!(!view.is_free(Ipv4Addr::new(10, 0, 0, 1)));
        assert!(!view.lock(&[LeaseChange::Put(lease(2, 2, None, Some("N"), 0))]));
        assert!(!view.lock(&[LeaseChange::Put(lease(3, 1, None, None, 0))]));
        view.unlock(&first);
        assert_eq!(view.count(), 0);
        assert!(view.lock(&[LeaseChange::Put(lease(2, 2, None, Some("N"), 0))]));
    }
}
