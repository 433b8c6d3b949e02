//! Numbers that spread clients in time. Nothing secret depends on them (SplitMix64).

/// A generator.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub(crate) fn new(seed: [u8; 32]) -> Random {
        Random(seed.chunks_exact(8).fold(0, |sum, part| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(part);
            sum ^ u64::from_le_bytes(bytes)
        }))
    }

    /// The next number.
    pub(crate) fn next_u16(&mut self) -> u16 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 48) as u16
    }
}
