//! What is done to messages that should not be.

use support::Dice;

/// Where the question begins.
const HEADER: usize = 12;

/// Damages a message whose question ends at `question_end`, and tells how. The id stays.
pub fn damage(bytes: &mut Vec<u8>, question_end: usize, dice: &mut Dice) -> String {
    match dice.below(9) {
        0 => {
            bytes.truncate(2 + dice.below(bytes.len() - 2));
            format!(" cut to {}", bytes.len())
        }
        1 => {
            bytes.extend(b"behind");
            " and more".to_owned()
        }
        2 => {
            let at = [4, 6, 8, 10][dice.below(4)];
            let count = [0, 1, 2, 3, 255, u16::MAX][dice.below(6)];
            bytes[at..at + 2].copy_from_slice(&count.to_be_bytes());
            format!(" count at {at} is {count}")
        }
        3 => {
            // To itself, into the header, to the type, beyond the end.
            let to = [HEADER, 0, question_end - 4, bytes.len() + 9][dice.below(4)];
            let pointer = 0xc000 | u16::try_from(to).expect("short messages");
            let labels = [HEADER, question_end - 5][dice.below(2)];
            bytes.splice(labels..question_end - 4, pointer.to_be_bytes());
            format!(" pointer to {to} at {labels}")
        }
        4 => {
            let kind = [0x40, 0x80, 0xc0][dice.below(3)];
            bytes[HEADER] |= kind;
            format!(" label type {kind:02x}")
        }
        5 => {
            bytes.splice(HEADER..HEADER, *b"\x41\x08\xff");
            " bit string".to_owned()
        }
        6 => {
            let at = 2 + dice.below(bytes.len() - 2);
            bytes[at] ^= 1 << dice.below(8);
            format!(" bit of {at}")
        }
        7 => {
            let at = HEADER + dice.below(bytes.len() - HEADER);
            bytes.remove(at);
            format!(" without {at}")
        }
        _ => {
            bytes.resize(bytes.len() + 512 + dice.below(1200), 0);
            format!(" {} long", bytes.len())
        }
    }
}
