//! How many queries are in flight for one question.
//!
//! Queries that differ in flags or in a client's subnet cannot share an answer, but one forged reply fits each of them: with every one in
//! flight a forger has one more id and port to hit. So their number has a limit (the "birthday" attacks of 2002 and 2025).

use std::hash::BuildHasher as _;

use crate::hash::{Map, SeededState};

/// Most queries in flight for one name, type and class. Flags alone make 24 kinds.
pub(crate) const SIBLINGS_MAX: u32 = 32;

/// Counts by a keyed hash of the question; a collision makes somebody ask again, and cannot be sought.
#[derive(Debug)]
pub(crate) struct Siblings {
    state: SeededState,
    counts: Map<u64, u32>,
}

impl Siblings {
    pub fn new(state: SeededState) -> Siblings {
        Siblings { counts: Map::with_hasher(state.clone()), state }
    }

    /// Queries in flight for this question.
    pub fn count(&self, question: (&[u8], u16, u16)) -> u32 {
        self.counts.get(&self.state.hash_one(question)).copied().unwrap_or(0)
    }

    pub fn add(&mut self, question: (&[u8], u16, u16)) {
        *self.counts.entry(self.state.hash_one(question)).or_default() += 1;
    }

    pub fn remove(&mut self, question: (&[u8], u16, u16)) {
        let key = self.state.hash_one(question);
        if let Some(count) = self.counts.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_forgotten() {
        let mut siblings = Siblings::new(SeededState::new([1; 16]));
        let (one, other) = ((b"\x01a\0".as_slice(), 1, 1), (b"\x01a\0".as_slice(), 28, 1));
        siblings.add(one);
        siblings.add(one);
        assert_eq!((siblings.count(one), siblings.count(other)), (2, 0));
        siblings.remove(one);
        siblings.remove(other);
        siblings.remove(one);
        assert!(siblings.count(one) == 0 && siblings.counts.is_empty());
    }
}
