//! Hash tables whose seed is an argument: std's own asks the kernel for randomness, which a core may not.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher, Hasher as _};

/// A hasher that has already swallowed a secret, so that nobody outside can aim at one bucket.
#[derive(Clone, Debug)]
pub(crate) struct SeededState(DefaultHasher);

impl SeededState {
    pub fn new(seed: [u8; 16]) -> SeededState {
        let mut hasher = DefaultHasher::new();
        hasher.write(&seed);
        SeededState(hasher)
    }
}

impl BuildHasher for SeededState {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

/// A map with a seeded hash.
pub(crate) type Map<K, V> = HashMap<K, V, SeededState>;
/// A set with a seeded hash.
pub(crate) type Set<K> = HashSet<K, SeededState>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_changes_the_hash() {
        let (one, two) = (SeededState::new([1; 16]), SeededState::new([2; 16]));
        assert_eq!(one.hash_one("x"), one.hash_one("x"));
        assert_ne!(one.hash_one("x"), two.hash_one("x"));
    }
}
