//! Small changes to a message, of the kinds that find mistakes in parsers.

use support::Dice;

/// Longest input; beyond it parsers see nothing new.
const BYTES_MAX: usize = 4096;
/// Values at the edges of lengths and counts.
const EDGES: [u8; 9] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/// Changes `bytes` in one way; `other` is a message of the same kind to take parts from.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    if bytes.is_empty() {
        bytes.push(dice.roll() as u8);
        return;
    }
    let at = dice.below(bytes.len());
    match dice.below(9) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes[at] = EDGES[dice.below(EDGES.len())],
        2 => bytes[at] = dice.roll() as u8,
        3 => bytes[at] = bytes[at].wrapping_add(if dice.below(2) == 0 { 1 } else { 0xff }),
        4 => bytes.truncate(at),
        5 => bytes.insert(at, dice.roll() as u8),
        6 => drop(bytes.remove(at)),
        7 => {
            // A piece of itself once more, somewhere else: repeated records, options, labels.
            let length = dice.below(bytes.len() - at) + 1;
            let piece = bytes[at..at + length].to_vec();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        _ => {
            let tail = other.get(dice.below(other.len().max(1))..).unwrap_or_default();
            bytes.truncate(at);
            bytes.extend(tail);
        }
    }
    bytes.truncate(BYTES_MAX);
}
