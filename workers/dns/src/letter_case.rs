//! Random letter case in questions (`do-0x20-encode`): upstreams repeat the question as it was spelled, so that each letter is one more bit
//! that a forger has to guess (draft-vixie-dnsext-dns0x20).

use crate::wire::HEADER;

/// Letters changed at most: one for each bit of a mask.
const LETTERS_MAX: usize = u32::BITS as usize;

/// Changes the case of those letters of the question's name whose bits are set, beginning at the front with the lowest. Once more with the
/// same mask, they are as before.
pub(crate) fn flip_letters(message: &mut [u8], mask: u32) {
    let (mut at, mut letters) = (HEADER, 0);
    // Behind a pointer there is nothing that stands in the question itself.
    while let Some(length) = message.get(at).copied().map(usize::from).filter(|length| (1..64).contains(length)) {
        let label = message.get_mut(at + 1..at + 1 + length).unwrap_or_default();
        for byte in label.iter_mut().filter(|byte| byte.is_ascii_alphabetic()) {
            if letters == LETTERS_MAX {
                return;
            }
            if mask >> letters & 1 == 1 {
                *byte ^= 0x20;
            }
            letters += 1;
        }
        at += 1 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flipped(name: &[u8], mask: u32) -> Vec<u8> {
        let mut message = [&[b'x'; HEADER][..], name].concat();
        flip_letters(&mut message, mask);
        let flipped = message[HEADER..].to_vec();
        flip_letters(&mut message, mask);
        assert_eq!(message[HEADER..], *name);
        flipped
    }

    #[test]
    fn only_letters_of_labels_change() {
        assert_eq!(flipped(b"\x05a1-Zb\x02c_\0qq", u32::MAX), b"\x05A1-zB\x02C_\0qq");
        assert_eq!(flipped(b"\x05a1-Zb\x02c_\0qq", 0b1010), b"\x05a1-zb\x02C_\0qq");
        assert_eq!(flipped(b"\x01a\xc0\x61", u32::MAX), b"\x01A\xc0\x61");
        // A label that is cut short.
        assert_eq!(flipped(b"\x05ab", u32::MAX), b"\x05ab");
    }

    #[test]
    fn letters_beyond_the_mask_stay() {
        let name = [&[40][..], &[b'a'; 40], &[0]].concat();
        let expected = [&[40][..], &[b'A'; 32], &[b'a'; 8], &[0]].concat();
        assert_eq!(flipped(&name, u32::MAX), expected);
    }
}
