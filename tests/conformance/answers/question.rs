//! Generated questions: names that the configuration or the world knows, and their neighbors, in messages good and bad.

use std::fmt;

use hickory_proto::op::Message;
use support::Dice;
use support::message::encode_name;

use crate::configuration::Configuration;
use crate::damage::damage;
use crate::edns;
use crate::names;

/// Types, the usual ones several times.
const TYPES: [u16; 46] = [
    1, 1, 1, 1, 1, 1, 1, 28, 28, 28, 28, 28, 5, 5, 12, 12, 15, 15, 16, 16, 33, 33, 35, 255, 255, 6, 2, 43, 64, 65, 257,
    65280, 253, 0, 13, 39, 41, 46, 48, 99, 250, 251, 252, 254, 256, 65535,
];
/// Classes other than IN.
const CLASSES: [u16; 6] = [0, 2, 3, 4, 254, 255];
/// Type PTR.
const PTR: u16 = 12;
/// Type TXT, and class CHAOS.
const TXT: u16 = 16;
const CHAOS: u16 = 3;

/// How a question travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// In a datagram.
    Datagram,
    /// Over a connection of its own.
    Connection,
    /// Over the connection of the question before, which had one.
    SameConnection,
}

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    /// The message.
    pub bytes: Vec<u8>,
    /// How it travels.
    pub way: Way,
    /// The name, as spelled.
    pub name: String,
    /// The type.
    pub kind: u16,
    /// The DO bit, as far as the message was not damaged.
    pub dnssec_ok: bool,
    text: String,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Question {
    /// Does it have an OPT record, as far as it can be read?
    pub fn has_opt(&self) -> bool {
        Message::from_vec(&self.bytes).is_ok_and(|message| message.edns.is_some())
    }

    /// Is its class another than IN, as far as the message was not damaged?
    pub fn is_of_other_class(&self) -> bool {
        !self.text.contains(" class 1 ")
    }

    /// Does the name end with a compression pointer?
    pub fn has_pointer(&self) -> bool {
        let mut at = 12;
        while let Some(head) = self.bytes.get(at) {
            match head {
                0 => return false,
                1..=63 => at += 1 + usize::from(*head),
                _ => return head & 0xc0 == 0xc0,
            }
        }
        false
    }
}

/// A question, more or less about this configuration, after one that travelled `before`.
pub fn fresh(configuration: &Configuration, before: Option<Way>, dice: &mut Dice) -> Question {
    let chaos = dice.below(80) == 0;
    let name = if chaos { names::chaos(dice).to_owned() } else { names::fresh(configuration, dice) };
    let name = mixed(&name, dice);
    let kind = match dice.below(6) {
        0..=4 if chaos => TXT,
        0..=3 if name.ends_with("arpa") => PTR,
        // The reference answers with an SOA that it keeps of a denial.
        _ if name.is_empty() => 1,
        0 if dice.below(20) == 0 => dice.roll() as u16,
        _ => TYPES[dice.below(TYPES.len())],
    };
    let class = match dice.below(40) {
        1.. if chaos => CHAOS,
        0 => CLASSES[dice.below(CLASSES.len())],
        _ => 1,
    };
    let flags = flags(dice);
    // The fence has an id beyond those.
    let mut bytes = ((dice.roll() as u16) & 0x7fff).to_be_bytes().to_vec();
    bytes.extend(flags.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    if dice.below(100) == 0 {
        bytes.extend(names::odd(dice));
    } else {
        bytes.extend(encode_name(&name));
    }
    bytes.extend(kind.to_be_bytes());
    bytes.extend(class.to_be_bytes());
    let question_end = bytes.len();
    let mut text = format!("{name:?} type {kind} class {class} flags {flags:04x}");
    let mut dnssec_ok = false;
    if dice.below(3) == 0 {
        text += &edns::append(&mut bytes, &mut dnssec_ok, dice);
    }
    if dice.below(20) == 0 {
        text += &damage(&mut bytes, question_end, dice);
    }
    let way = match dice.below(8) {
        0 => Way::Connection,
        1..=4 if before.is_some_and(|way| way != Way::Datagram) => Way::SameConnection,
        _ => Way::Datagram,
    };
    text += &format!(" {way:?} {bytes:02x?}");
    Question { bytes, way, name, kind, dnssec_ok, text }
}

/// Mostly RD and nothing else.
fn flags(dice: &mut Dice) -> u16 {
    let mut flags = if dice.below(12) == 0 { 0 } else { 0x0100 };
    for bit in [0x0010, 0x0020, 0x0040] {
        flags |= if dice.below(25) == 0 { bit } else { 0 };
    }
    match dice.below(240) {
        0..=2 => flags |= (dice.below(16) << 11) as u16,
        // AA, TC, RA, which mean nothing in questions.
        3 => flags |= [0x0400, 0x0200, 0x0080][dice.below(3)],
        4 => flags |= dice.below(16) as u16,
        5 => flags |= 0x8000,
        6 => flags = (dice.roll() as u16) & 0x7fff,
        _ => {}
    }
    flags
}

fn mixed(name: &str, dice: &mut Dice) -> String {
    if dice.below(4) > 0 {
        return name.to_owned();
    }
    name.chars().map(|c| if dice.below(2) == 0 { c.to_ascii_uppercase() } else { c }).collect()
}
