//! Fresh configuration lines from recorded ones.

use support::Dice;

/// Characters that mean something somewhere in the language.
const ALPHABET: &[u8] = b"0123456789abcdefghijxyzABC:.,,,/#@%*-_ \"=[]!\\s";
/// Numbers at edges.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "2",
    "23",
    "32",
    "33",
    "64",
    "127",
    "128",
    "129",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967349",
];
/// Fields that mean something to many options.
const FIELDS: [&str; 24] = [
    "tag:a",
    "set:b",
    "net:c",
    "tag:!d",
    "10.0.0.1",
    "10.0.0.20",
    "255.255.255.0",
    "fd00::1",
    "::",
    "[fd00::5]",
    "host",
    "host.example",
    "eth0",
    "lo",
    "infinite",
    "12h",
    "1d",
    "ignore",
    "id:01:02",
    "00:11:22:33:44:55",
    "option:router",
    "option6:dns-server",
    "static",
    "#",
];

/// A recorded line with one to three changes.
pub fn fresh(recorded: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut line = recorded[dice.below(recorded.len())].clone();
    for _ in 0..=dice.below(3) {
        change(&mut line, recorded, dice);
    }
    line
}

fn change(line: &mut Vec<u8>, recorded: &[Vec<u8>], dice: &mut Dice) {
    let start = line.iter().position(|byte| *byte == b'=').map_or(0, |at| at + 1);
    // Mostly the value: a changed keyword is nearly always just unknown.
    let low = if dice.below(40) == 0 { 0 } else { start };
    let place = low + dice.below(line.len() - low.min(line.len()) + 1).min(line.len().saturating_sub(low));
    match dice.below(9) {
        0 if place < line.len() => line[place] = ALPHABET[dice.below(ALPHABET.len())],
        1 if place < line.len() => drop(line.remove(place)),
        2 => line.insert(place, ALPHABET[dice.below(ALPHABET.len())]),
        3 => with_fields(line, start, |fields| {
            let field = fields[dice.below(fields.len())].clone();
            fields.insert(dice.below(fields.len() + 1), field);
        }),
        4 => with_fields(line, start, |fields| {
            let (one, other) = (dice.below(fields.len()), dice.below(fields.len()));
            fields.swap(one, other);
        }),
        5 => with_fields(line, start, |fields| {
            let at = dice.below(fields.len());
            fields.remove(at);
        }),
        6 => with_fields(line, start, |fields| {
            let at = dice.below(fields.len());
            fields[at] = NUMBERS[dice.below(NUMBERS.len())].into();
        }),
        7 => with_fields(line, start, |fields| {
            let at = dice.below(fields.len() + 1);
            fields.insert(at, FIELDS[dice.below(FIELDS.len())].into());
        }),
        _ => {
            // The tail of another line of the same option.
            let key = &line[..start];
            let same: Vec<&Vec<u8>> = recorded.iter().filter(|other| start > 0 && other.starts_with(key)).collect();
            if let Some(other) = same.get(dice.below(same.len().max(1))) {
                let tail = start + dice.below(other.len() - start + 1);
                line.truncate(place);
                line.extend_from_slice(&other[tail.min(other.len())..]);
            }
        }
    }
}

fn with_fields(line: &mut Vec<u8>, start: usize, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut fields: Vec<Vec<u8>> = line[start..].split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
    edit(&mut fields);
    line.truncate(start);
    line.extend_from_slice(&fields.join(&b','));
}
