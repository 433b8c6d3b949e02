//! Generated names: what the configuration or the world knows, what is above and below, and what nobody knows.

use std::fmt::Write as _;

use support::Dice;

use crate::configuration::Configuration;
use crate::world::KINDS;

/// Names that no line mentions.
const NAMES: [&str; 30] = [
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
    "bing.lan",
    "ing.lan",
    "x.sub.lan",
    "a.stars.lan",
    "*.stars.lan",
    "er.and.deeper.lan",
    "localhost",
    "bind",
    "ip6.arpa",
];

/// Names of class CHAOS. The others count, or name authors.
const CHAOS: [&str; 6] = ["cachesize.bind", "nothing.bind", "x.version.bind", "server", "x.server", "other.chaos"];

/// Addresses asked about in reverse. Names with more or larger parts than an address has are left out: the reference makes
/// addresses of them.
const REVERSE: [&str; 30] = [
    "4.4.4.10.in-addr",
    "5.4.4.10.in-addr",
    "6.4.168.192.in-addr",
    "50.0.77.10.in-addr",
    "51.0.77.10.in-addr",
    "1.0.77.10.in-addr",
    "9.0.77.10.in-addr",
    "7.0.5.10.in-addr",
    "53.0.6.10.in-addr",
    "1.0.18.198.in-addr",
    "2.0.18.198.in-addr",
    "8.8.8.8.in-addr",
    "1.0.0.127.in-addr",
    "3.2.10.in-addr",
    "10.in-addr",
    "168.192.in-addr",
    "0.0.0.0.in-addr",
    "255.255.255.255.in-addr",
    "0.4.4.10.in-addr",
    "255.4.4.10.in-addr",
    "04.4.4.10.in-addr",
    "x.4.4.10.in-addr",
    "4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.d.f.ip6",
    "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.d.f.ip6",
    "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.5.d.f.ip6",
    "0.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6",
    "8.8.0.0.d.f.ip6",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.1.0.0.8.b.d.0.1.0.0.2.ip6",
    "4.4.4.a.0.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6",
];

/// A name.
pub fn fresh(configuration: &Configuration, dice: &mut Dice) -> String {
    match dice.below(20) {
        0..=6 => known(configuration, dice),
        7..=13 => format!("{}{}.up.example", KINDS[dice.below(KINDS.len())], 1 + dice.below(5)),
        14 | 15 => format!("{}.arpa", REVERSE[dice.below(REVERSE.len())]),
        16 => format!("x.{}", fresh(configuration, dice)),
        // The parent. Whole domains of the world's are left out.
        17 => match known(configuration, dice).split_once('.') {
            Some((_, parent)) if !["example", "up.example", "in-addr.arpa"].contains(&parent) => parent.to_owned(),
            _ => String::new(),
        },
        _ => NAMES[dice.below(NAMES.len())].to_owned(),
    }
}

/// A name that some line mentions.
fn known(configuration: &Configuration, dice: &mut Dice) -> String {
    // Whole domains of the world's are left out: the reference knows of them from SOA records that it keeps.
    let text = configuration.text() + &configuration.hosts();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_'))
        .filter(|word| {
            let is_name = word.split('.').all(|label| !label.is_empty()) && word.contains('.');
            is_name && *word != "up.example" && word.contains(|c: char| c.is_ascii_alphabetic())
        })
        .collect();
    words[dice.below(words.len())].to_owned()
}

/// A name of class CHAOS.
pub fn chaos(dice: &mut Dice) -> &'static str {
    CHAOS[dice.below(CHAOS.len())]
}

/// A name for the wire that no file can hold: odd bytes, the longest there are, and longer.
pub fn odd(dice: &mut Dice) -> Vec<u8> {
    let long = |labels: &[usize]| {
        let mut text = String::new();
        for length in labels {
            let _ = write!(text, "{}.", "y".repeat(*length));
        }
        support::message::encode_name(&text)
    };
    match dice.below(8) {
        0 => b"\x07box.lan\0".to_vec(),
        1 => b"\x04bo\0x\x03lan\0".to_vec(),
        2 => b"\x03\xc3\xa4x\x03lan\0".to_vec(),
        3 => b"\x03b x\x03lan\0".to_vec(),
        4 => long(&[63, 63, 63, 61]),
        5 => long(&[63, 63, 63, 62]),
        6 => long(&[1; 127]),
        _ => long(&[1; 128]),
    }
}
