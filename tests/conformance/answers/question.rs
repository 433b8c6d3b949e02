//! Generated questions: names that the configuration or the world knows, and their neighbors, in messages good and bad.

use std::fmt;

use support::Dice;

use crate::configuration::Configuration;
use crate::world::KINDS;

/// Types, the usual ones several times.
const TYPES: [u16; 30] = [
    1, 1, 1, 1, 1, 28, 28, 28, 28, 5, 5, 12, 12, 15, 15, 16, 16, 33, 33, 35, 255, 255, 6, 2, 43, 64, 65, 257, 65280,
    253,
];

/// Names that no line mentions.
const NAMES: [&str; 23] = [
    "",
    "lan",
    "nothing.lan",
    "nothing.example",
    "single",
    "scanner",
    "Scanner.lan",
    "below.box.lan",
    "below.text.lan",
    "_tcp.lan",
    "hosts.lan",
    "under.hosts.lan",
    "a.covered.lan",
    "b.null.lan",
    "p-10-5-0-7.synth.lan",
    "p-10-5-1-7.synth.lan",
    "n-3.count.lan",
    "n-11.count.lan",
    "fd55--7.six.lan",
    "fd55-0000-0000-0000-0000-0000-0000-0007.six.lan",
    "wizard.lan",
    "x.sub.lan",
    "version.bind",
];

/// Addresses asked about in reverse.
const ADDRESSES: [&str; 14] = [
    "4.4.4.10",
    "5.4.4.10",
    "6.4.168.192",
    "50.0.77.10",
    "51.0.77.10",
    "1.0.77.10",
    "9.0.77.10",
    "7.0.5.10",
    "53.0.6.10",
    "1.0.18.198",
    "2.0.18.198",
    "8.8.8.8",
    "1.0.0.127",
    "3.2.10",
];

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    /// The message.
    pub bytes: Vec<u8>,
    /// Over TCP?
    pub tcp: bool,
    /// The name, as spelled.
    pub name: String,
    text: String,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A question, more or less about this configuration.
pub fn fresh(configuration: &Configuration, dice: &mut Dice) -> Question {
    let name = mixed(&name(configuration, dice), dice);
    let kind = if name.ends_with("arpa") && dice.below(3) > 0 { 12 } else { TYPES[dice.below(TYPES.len())] };
    let class = match dice.below(60) {
        0 => 3,
        1 => 4,
        _ => 1,
    };
    let id = (dice.roll() as u16) & 0x7fff;
    let mut flags = if dice.below(12) == 0 { 0 } else { 0x0100 };
    for bit in [0x0010, 0x0020, 0x0040] {
        flags |= if dice.below(25) == 0 { bit } else { 0 };
    }
    if dice.below(80) == 0 {
        flags |= 0x2000;
    }
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend(u16::to_be_bytes(flags));
    bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend(
        name.split('.')
            .filter(|label| !label.is_empty())
            .flat_map(|label| [&[u8::try_from(label.len()).expect("a short label")], label.as_bytes()].concat()),
    );
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(u16::to_be_bytes(class));
    let mut text = format!("{name:?} type {kind} class {class} flags {flags:04x}");
    if dice.below(3) == 0 {
        text += &edns(&mut bytes, dice);
    }
    if dice.below(60) == 0 {
        text += &damage(&mut bytes, dice);
    }
    let tcp = dice.below(8) == 0;
    text += if tcp { " over TCP" } else { "" };
    Question { bytes, tcp, name, text }
}

fn name(configuration: &Configuration, dice: &mut Dice) -> String {
    match dice.below(10) {
        0..=3 => {
            // Whole domains of the world's are left out: the reference knows of them from SOA records that it keeps.
            let text = configuration.text() + &configuration.hosts();
            let words: Vec<&str> = text
                .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_'))
                .filter(|word| {
                    word.contains('.') && *word != "up.example" && word.contains(|c: char| c.is_ascii_alphabetic())
                })
                .collect();
            words[dice.below(words.len())].to_owned()
        }
        4..=6 => format!("{}{}.up.example", KINDS[dice.below(KINDS.len())], 1 + dice.below(5)),
        7 => format!("{}.in-addr.arpa", ADDRESSES[dice.below(ADDRESSES.len())]),
        8 => format!("x.{}", name(configuration, dice)),
        _ => NAMES[dice.below(NAMES.len())].to_owned(),
    }
}

fn mixed(name: &str, dice: &mut Dice) -> String {
    if dice.below(4) > 0 {
        return name.to_owned();
    }
    name.chars().map(|c| if dice.below(2) == 0 { c.to_ascii_uppercase() } else { c }).collect()
}

fn edns(bytes: &mut Vec<u8>, dice: &mut Dice) -> String {
    let size = [512_u16, 1232, 4096, 100][dice.below(4)];
    let dnssec_ok = dice.below(4) == 0;
    let version = u8::from(dice.below(20) == 0);
    // A cookie, an NSID, a subnet, a hardware address, another one as text with a cookie.
    let options: &[u8] = [
        &b""[..],
        b"",
        b"",
        b"\0\x0a\0\x08abcdefgh",
        b"\0\x03\0\0",
        b"\0\x08\0\x07\0\x01\x18\0\xc0\0\x02",
        b"\xfd\xe9\0\x06abcdef",
        b"\xfe\x31\0\x01a\0\x0a\0\x08abcdefgh",
    ][dice.below(8)];
    bytes[11] = 1;
    bytes.extend([0, 0, 41]);
    bytes.extend(size.to_be_bytes());
    bytes.extend([0, version, if dnssec_ok { 0x80 } else { 0 }, 0]);
    bytes.extend(u16::try_from(options.len()).expect("short options").to_be_bytes());
    bytes.extend(options);
    format!(" edns {size} version {version} do {dnssec_ok} options {options:02x?}")
}

fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => {
            bytes.truncate(12 + dice.below(bytes.len() - 12));
            format!(" cut to {}", bytes.len())
        }
        1 => {
            bytes.extend(b"behind");
            " and more".to_owned()
        }
        2 => {
            bytes[5] = [0, 2][dice.below(2)];
            format!(" questions {}", bytes[5])
        }
        _ => {
            let at = [7, 9][dice.below(2)];
            bytes[at] = 1;
            format!(" count at {at} set")
        }
    }
}
