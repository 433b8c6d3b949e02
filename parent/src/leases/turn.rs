//! The commits that one turn of the parent has accepted: they go to the store together, and until then whoever wants to know how a lease
//! stands looks here first.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use ipc::lease::{Lease, LeaseChange};

use super::store::Store;

/// Changes, and the leases and names as they stand after them. Costs grow with the changes, not with the leases.
#[derive(Debug, Default)]
pub struct Turn {
    changes: Vec<LeaseChange>,
    /// Which of the changes was the last one to an address.
    last: HashMap<Ipv4Addr, usize>,
    /// Who holds a name (lower case), as far as that has changed.
    names: HashMap<String, Option<Ipv4Addr>>,
    /// Leases more than in the store, and fewer.
    added: usize,
    removed: usize,
}

impl Turn {
    /// The lease of an address.
    pub fn lease<'t>(&'t self, store: &'t Store, address: Ipv4Addr) -> Option<&'t Lease> {
        match self.last.get(&address).and_then(|last| self.changes.get(*last)) {
            Some(LeaseChange::Put(lease)) => Some(lease),
            Some(LeaseChange::Remove(_)) => None,
            None => store.get(address),
        }
    }

    /// The address that holds a name (compared without case).
    pub fn holder_of(&self, store: &Store, name: &str) -> Option<Ipv4Addr> {
        match self.names.get(&name.to_ascii_lowercase()) {
            Some(holder) => *holder,
            None => store.holder_of(name),
        }
    }

    /// How many leases there are.
    pub fn count(&self, store: &Store) -> usize {
        (store.len() + self.added).saturating_sub(self.removed)
    }

    /// Accepts a change.
    pub fn take(&mut self, store: &Store, change: LeaseChange) {
        let (address, lease) = match &change {
            LeaseChange::Put(lease) => (lease.address, Some(lease)),
            LeaseChange::Remove(address) => (*address, None),
        };
        let before = self.lease(store, address);
        let (was, is) = (before.is_some(), lease.is_some());
        let old_name = before.and_then(|held| held.name.as_deref()).map(str::to_ascii_lowercase);
        self.added += usize::from(is && !was);
        self.removed += usize::from(was && !is);
        if let Some(name) = old_name.filter(|name| self.holder_of(store, name) == Some(address)) {
            self.names.insert(name, None);
        }
        if let Some(name) = lease.and_then(|lease| lease.name.as_deref()) {
            self.names.insert(name.to_ascii_lowercase(), Some(address));
        }
        self.last.insert(address, self.changes.len());
        self.changes.push(change);
    }

    /// All changes, in the order in which they were accepted.
    pub fn changes(&self) -> &[LeaseChange] {
        &self.changes
    }
}
