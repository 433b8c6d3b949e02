//! This worker's copy of the leases, and which parts of it a commit under way is about to change.
//!
//! The parent's store is the truth: a lease enters or leaves here only when the parent says that it is recorded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::net::Ipv4Addr;

use ipc::lease::{Lease, LeaseChange};
use ipc::link::HardwareAddress;

/// Leases by everything they are looked up by.
#[derive(Debug, Default)]
pub(crate) struct LeaseView {
    /// Boxed: what is searched stays small.
    by_address: BTreeMap<Ipv4Addr, Box<Entry>>,
    index: Index,
    locks: Locks,
    /// Addresses of `locks` that are not leased yet.
    coming: usize,
    /// Leases ever made.
    made: u64,
    /// Changes ever recorded.
    recorded: u64,
}

/// Addresses of leases. Every map has one entry per lease at most.
#[derive(Debug, Default)]
struct Index {
    by_client_id: BTreeSet<(Vec<u8>, Age, Ipv4Addr)>,
    /// The flag tells whether the lease has a client id.
    by_hardware: BTreeSet<(HardwareAddress, bool, Age, Ipv4Addr)>,
    by_name: BTreeMap<String, Ipv4Addr>,
    by_expiry: BTreeSet<(u64, Ipv4Addr)>,
    by_contact: BTreeSet<Contact>,
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

/// What commits under way are about to change. A second change must wait for the first.
#[derive(Debug, Default)]
struct Locks {
    addresses: BTreeSet<Ipv4Addr>,
    /// Clients, by their id if they have one.
    client_ids: BTreeSet<Vec<u8>>,
    hardware: BTreeSet<HardwareAddress>,
    /// Lower case.
    names: BTreeSet<String>,
}

impl Locks {
    fn hold(&self, change: &LeaseChange) -> bool {
        let LeaseChange::Put(lease) = change else { return self.addresses.contains(&address_of(change)) };
        let client_is_held = match &lease.client_id {
            Some(id) => self.client_ids.contains(id),
            None => self.hardware.contains(&lease.hardware),
        };
        let name = lease.name.as_deref();
        client_is_held
            || self.addresses.contains(&lease.address)
            || name.is_some_and(|name| self.names.contains(&name.to_ascii_lowercase()))
    }

    fn add(&mut self, change: &LeaseChange) {
        self.addresses.insert(address_of(change));
        let LeaseChange::Put(lease) = change else { return };
        match &lease.client_id {
            Some(id) => self.client_ids.insert(id.clone()),
            None => self.hardware.insert(lease.hardware),
        };
        self.names.extend(lease.name.as_ref().map(|name| name.to_ascii_lowercase()));
    }

    fn remove(&mut self, change: &LeaseChange) {
        self.addresses.remove(&address_of(change));
        let LeaseChange::Put(lease) = change else { return };
        match &lease.client_id {
            Some(id) => self.client_ids.remove(id),
            None => self.hardware.remove(&lease.hardware),
        };
        if let Some(name) = &lease.name {
            self.names.remove(&name.to_ascii_lowercase());
        }
    }
}

fn address_of(change: &LeaseChange) -> Ipv4Addr {
    match change {
        LeaseChange::Put(lease) => lease.address,
        LeaseChange::Remove(address) => *address,
    }
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
        !self.by_address.contains_key(&address) && !self.is_changing(address)
    }

    /// Is a change of this address under way?
    pub(crate) fn is_changing(&self, address: Ipv4Addr) -> bool {
        self.locks.addresses.contains(&address)
    }

    /// The lease of a client: the one with its client id, else the one of its hardware address, unless both the lease
    /// and the client have a client id (and then different ones).
    pub(crate) fn of_client(&self, client_id: Option<&[u8]>, hardware: HardwareAddress) -> Option<&Lease> {
        let by_id = client_id.and_then(|id| {
            let start = (id.to_vec(), Reverse(u64::MAX), Ipv4Addr::UNSPECIFIED);
            let (found, _, address) = self.index.by_client_id.range(start..).next()?;
            (found == id).then_some(*address)
        });
        // The latest without client id, or the latest with one if there is none without.
        let latest = |start_with_id| {
            let start = (hardware, start_with_id, Reverse(u64::MAX), Ipv4Addr::UNSPECIFIED);
            let (found, has_id, age, address) = self.index.by_hardware.range(start..).next()?;
            (*found == hardware && hardware.length > 0).then_some((*has_id, *age, *address))
        };
        let by_hardware = || match (client_id, latest(false)?) {
            (Some(_), (true, ..)) => None,
            (None, (false, age, address)) => {
                let with_id = latest(true).map(|(_, age, address)| (age, address));
                with_id.into_iter().chain([(age, address)]).min().map(|(_, address)| address)
            }
            (_, (.., address)) => Some(address),
        };
        self.of_address(by_id.or_else(by_hardware)?)
    }

    /// The lease that holds a name, in any letter case.
    pub(crate) fn of_name(&self, name: &str) -> Option<&Lease> {
        self.of_address(*self.index.by_name.get(&name.to_ascii_lowercase())?)
    }

    /// The highest leased address from `first` to `last`.
    pub(crate) fn highest(&self, first: Ipv4Addr, last: Ipv4Addr) -> Option<Ipv4Addr> {
        self.by_address.range(first..=last).next_back().map(|(address, _)| *address)
    }

    /// When the first lease ends that has not been taken by [`LeaseView::take_expired`].
    pub(crate) fn next_expiry_s(&self) -> Option<u64> {
        self.index.by_expiry.first().map(|(expires_s, _)| *expires_s)
    }

    /// An address whose lease is over at `now_s`; it is not named again unless [`LeaseView::remind`] is called.
    pub(crate) fn take_expired(&mut self, now_s: u64) -> Option<Ipv4Addr> {
        while let Some((_, address)) =
            self.index.by_expiry.first().copied().filter(|(expires_s, _)| *expires_s <= now_s)
        {
            self.index.by_expiry.pop_first();
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
            self.index.by_expiry.insert((at_s, address));
        }
    }

    /// The leases, those whose clients have been silent for longest first.
    pub(crate) fn by_silence(&self) -> impl Iterator<Item = &Lease> {
        self.index.by_contact.iter().filter_map(|(.., address)| self.of_address(*address))
    }

    /// Marks what `changes` touch. False, and nothing marked, when a commit under way touches any of it too.
    pub(crate) fn lock(&mut self, changes: &[LeaseChange]) -> bool {
        if changes.iter().any(|change| self.locks.hold(change)) {
            return false;
        }
        self.coming += self.newcomers(changes);
        changes.iter().for_each(|change| self.locks.add(change));
        true
    }

    /// Ends what [`LeaseView::lock`] began, before any change is applied.
    pub(crate) fn unlock(&mut self, changes: &[LeaseChange]) {
        self.coming = self.coming.saturating_sub(self.newcomers(changes));
        changes.iter().for_each(|change| self.locks.remove(change));
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
                let heard = held.filter(|held| is_robbed(&held.lease, &lease)).map_or(self.recorded, |held| held.heard);
                self.put(lease, heard);
            }
            LeaseChange::Remove(address) => self.remove(address),
        }
    }

    fn put(&mut self, lease: Lease, heard: u64) {
        let age = Reverse(self.made);
        self.made += 1;
        match self.by_address.entry(lease.address) {
            btree_map::Entry::Vacant(place) => {
                self.index.add(place.insert(Box::new(Entry { lease, age, heard })));
            }
            btree_map::Entry::Occupied(mut place) => {
                let after = Entry { lease, age: place.get().age, heard };
                self.index.replace(place.get(), &after);
                **place.get_mut() = after;
            }
        }
    }

    fn remove(&mut self, address: Ipv4Addr) {
        if let Some(entry) = self.by_address.remove(&address) {
            self.index.remove(&entry);
        }
    }

    fn newcomers(&self, changes: &[LeaseChange]) -> usize {
        let new =
            |change: &&LeaseChange| matches!(change, LeaseChange::Put(l) if !self.by_address.contains_key(&l.address));
        changes.iter().filter(new).count()
    }
}

impl Index {
    fn add(&mut self, entry: &Entry) {
        self.add_client(entry);
        self.add_name(&entry.lease);
        self.add_times(entry);
    }

    fn remove(&mut self, entry: &Entry) {
        self.remove_client(entry);
        self.remove_name(&entry.lease);
        self.remove_times(entry);
    }

    /// The client and its name hardly ever change with a renewal.
    fn replace(&mut self, before: &Entry, after: &Entry) {
        let client = |entry: &Entry| (entry.lease.hardware, entry.age);
        if client(before) != client(after) || before.lease.client_id != after.lease.client_id {
            self.remove_client(before);
            self.add_client(after);
        }
        if before.lease.name != after.lease.name {
            self.remove_name(&before.lease);
        }
        self.add_name(&after.lease);
        self.remove_times(before);
        self.add_times(after);
    }

    fn add_client(&mut self, Entry { lease, age, .. }: &Entry) {
        if let Some(id) = &lease.client_id {
            self.by_client_id.insert((id.clone(), *age, lease.address));
        }
        self.by_hardware.insert((lease.hardware, lease.client_id.is_some(), *age, lease.address));
    }

    fn remove_client(&mut self, Entry { lease, age, .. }: &Entry) {
        self.by_hardware.remove(&(lease.hardware, lease.client_id.is_some(), *age, lease.address));
        if let Some(id) = &lease.client_id {
            self.by_client_id.remove(&(id.clone(), *age, lease.address));
        }
    }

    fn add_name(&mut self, lease: &Lease) {
        if let Some(name) = &lease.name {
            self.by_name.insert(name.to_ascii_lowercase(), lease.address);
        }
    }

    fn remove_name(&mut self, lease: &Lease) {
        if let Some(name) = lease.name.as_ref().map(|name| name.to_ascii_lowercase())
            && self.by_name.get(&name) == Some(&lease.address)
        {
            self.by_name.remove(&name);
        }
    }

    fn add_times(&mut self, entry: &Entry) {
        if entry.lease.expires_s != 0 {
            self.by_expiry.insert((entry.lease.expires_s, entry.lease.address));
        }
        self.by_contact.insert(contact(entry));
    }

    fn remove_times(&mut self, entry: &Entry) {
        self.by_expiry.remove(&(entry.lease.expires_s, entry.lease.address));
        self.by_contact.remove(&contact(entry));
    }
}

/// Does a change merely take the name from a lease?
fn is_robbed(held: &Lease, after: &Lease) -> bool {
    after.name.is_none()
        && (held.hardware, held.expires_s) == (after.hardware, after.expires_s)
        && held.client_id == after.client_id
        && held.provenance == after.provenance
}

fn contact(Entry { lease, heard, .. }: &Entry) -> Contact {
    (*heard, if lease.expires_s == 0 { u64::MAX } else { lease.expires_s }, lease.address)
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
        assert!(view.index.by_hardware.is_empty() && view.index.by_client_id.is_empty());
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
