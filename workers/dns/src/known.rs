//! Which names exist because a local name lies below them: they answer NODATA instead of NXDOMAIN.

use crate::hash::{Map, SeededState};
use crate::name::suffixes;

/// Where a local name is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Configuration,
    /// `host-record`, which is configured as well.
    HostRecords,
    HostsFiles,
    Leases,
}

/// The names below one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Below {
    count: u32,
    /// Is any from there, or has any been since there was none at all?
    pub configured: bool,
    pub hosts: bool,
    pub leased: bool,
}

/// The proper ancestors of all local names. Bounded by the tables whose names are counted here.
#[derive(Debug)]
pub(crate) struct Ancestors {
    below: Map<Box<[u8]>, Below>,
}

impl Ancestors {
    pub fn new(state: SeededState) -> Ancestors {
        Ancestors { below: Map::with_hasher(state) }
    }

    /// Counts the ancestors of a new local name (wire form, lower case).
    pub fn add(&mut self, name: &[u8], table: Table) {
        for ancestor in suffixes(name).skip(1) {
            match self.below.get_mut(ancestor) {
                Some(below) => below.add(table),
                None => {
                    let mut below = Below::default();
                    below.add(table);
                    self.below.insert(ancestor.into(), below);
                }
            }
        }
    }

    /// Takes back one [`Ancestors::add`].
    pub fn remove(&mut self, name: &[u8]) {
        for ancestor in suffixes(name).skip(1) {
            if let Some(below) = self.below.get_mut(ancestor) {
                below.count -= 1;
                if below.count == 0 {
                    self.below.remove(ancestor);
                }
            }
        }
    }

    /// The names that others are below, in wire form.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Below)> {
        self.below.iter().map(|(name, below)| (&**name, below))
    }

    /// Is there a local name below `name`?
    pub fn contains(&self, name: &[u8]) -> bool {
        self.below.contains_key(name)
    }
}

impl Below {
    fn add(&mut self, table: Table) {
        self.count += 1;
        self.configured |= matches!(table, Table::Configuration | Table::HostRecords);
        self.hosts |= matches!(table, Table::HostRecords | Table::HostsFiles);
        self.leased |= table == Table::Leases;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_live_as_long_as_a_name_below() {
        let mut known = Ancestors::new(SeededState::new([0; 16]));
        known.add(b"\x01a\x01x\0", Table::Leases);
        known.add(b"\x01b\x01x\0", Table::HostRecords);
        known.remove(b"\x01a\x01x\0");
        assert!(known.contains(b"\x01x\0") && known.contains(b"\0"));
        assert!(!known.contains(b"\x01b\x01x\0"));
        known.remove(b"\x01b\x01x\0");
        assert!(!known.contains(b"\x01x\0") && !known.contains(b"\0"));
    }
}
