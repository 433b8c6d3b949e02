//! Unpredictable numbers from one seed: the ChaCha20 key stream of RFC 8439, section 2.3.

/// A generator for query ids and hash seeds.
#[derive(Clone)]
pub(crate) struct Random {
    state: [u32; 16],
    block: [u32; 16],
    used: usize,
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Random {
        // "expand 32-byte k"; the counter is 64 bits wide, as in the original ChaCha, so that it never wraps.
        let mut state = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (word, bytes) in state[4..12].iter_mut().zip(seed.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Random { state, block: [0; 16], used: 16 }
    }

    /// A uniform 32-bit number.
    pub fn next(&mut self) -> u32 {
        if self.used == 16 {
            self.refill();
        }
        let word = self.block[self.used];
        // The word is forgotten once handed out.
        self.block[self.used] = 0;
        self.used += 1;
        word
    }

    /// Sixteen bytes, for a hash seed.
    pub fn bytes16(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for chunk in bytes.chunks_exact_mut(4) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        bytes
    }

    fn refill(&mut self) {
        let mut x = self.state;
        for _ in 0..10 {
            quarter(&mut x, 0, 4, 8, 12);
            quarter(&mut x, 1, 5, 9, 13);
            quarter(&mut x, 2, 6, 10, 14);
            quarter(&mut x, 3, 7, 11, 15);
            quarter(&mut x, 0, 5, 10, 15);
            quarter(&mut x, 1, 6, 11, 12);
            quarter(&mut x, 2, 7, 8, 13);
            quarter(&mut x, 3, 4, 9, 14);
        }
        for (word, start) in x.iter_mut().zip(self.state) {
            *word = word.wrapping_add(start);
        }
        self.block = x;
        self.used = 0;
        let (low, carry) = self.state[12].overflowing_add(1);
        self.state[12] = low;
        self.state[13] = self.state[13].wrapping_add(u32::from(carry));
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

fn quarter(x: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(16);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(12);
    x[a] = x[a].wrapping_add(x[b]);
    x[d] = (x[d] ^ x[a]).rotate_left(8);
    x[c] = x[c].wrapping_add(x[d]);
    x[b] = (x[b] ^ x[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, appendix A.1, test vectors 1 and 2.
    #[test]
    fn the_key_stream_is_that_of_the_rfc() {
        let mut random = Random::new([0; 32]);
        assert_eq!([random.next(), random.next()], [0xade0_b876, 0x903d_f1a0]);
        for _ in 2..16 {
            random.next();
        }
        assert_eq!(random.next(), 0xbee7_079f);
    }
}
