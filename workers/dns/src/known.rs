//! Which names exist because a local name lies below them: they answer NODATA instead of NXDOMAIN.

use crate::hash::{Map, SeededState};
use crate::name::suffixes;

/// The proper ancestors of all local names, counted. Bounded by the tables whose names are counted here.
#[derive(Debug)]
pub(crate) struct Ancestors {
    counts: Map<Box<[u8]>, u32>,
}

impl Ancestors {
    pub fn new(state: SeededState) -> Ancestors {
        Ancestors { counts: Map::with_hasher(state) }
    }

    /// Counts the ancestors of a new local name (wire form, lower case).
    pub fn add(&mut self, name: &[u8]) {
        for ancestor in suffixes(name).skip(1) {
            match self.counts.get_mut(ancestor) {
                Some(count) => *count += 1,
                None => {
                    self.counts.insert(ancestor.into(), 1);
                }
            }
        }
    }

    /// Takes back one [`Ancestors::add`].
    pub fn remove(&mut self, name: &[u8]) {
        for ancestor in suffixes(name).skip(1) {
            if let Some(count) = self.counts.get_mut(ancestor) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(ancestor);
                }
            }
        }
    }

    /// The names that others are below, in wire form.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.counts.keys().map(|name| &**name)
    }

    /// Is there a local name below `name`?
    pub fn contains(&self, name: &[u8]) -> bool {
        self.counts.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_live_as_long_as_a_name_below() {
        let mut known = Ancestors::new(SeededState::new([0; 16]));
        known.add(b"\x01a\x01x\0");
        known.add(b"\x01b\x01x\0");
        known.remove(b"\x01a\x01x\0");
        assert!(known.contains(b"\x01x\0") && known.contains(b"\0"));
        assert!(!known.contains(b"\x01b\x01x\0"));
        known.remove(b"\x01b\x01x\0");
        assert!(!known.contains(b"\x01x\0") && !known.contains(b"\0"));
    }
}
