//! Repeatable randomness: the same seed gives the same test.

use std::time::SystemTime;

/// A generator of numbers that look random (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Starts from the environment variable `WARDMASQ_SEED`, or else from the clock, and prints the seed.
    pub fn announced() -> Dice {
        let given = std::env::var("WARDMASQ_SEED").ok().and_then(|text| text.parse().ok());
        let clock =
            || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        let seed = given.unwrap_or_else(clock);
        eprintln!("WARDMASQ_SEED={seed}");
        Dice(seed)
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }
}
