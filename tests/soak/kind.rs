//! Kinds of names, and what is right about each.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use support::Dice;

/// Names of the hosts file.
const HOSTS: u64 = 1000;
/// Names that stay in the cache.
const CACHED: u64 = 200;
/// Records of a large answer.
pub const LARGE: u64 = 100;

/// What a name stands for; the label before `example`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Few names, asked for again and again.
    Cached,
    /// Names of the hosts file.
    Hosts,
    /// Each is asked for once.
    Fresh,
    /// Random names that do not exist.
    Flood,
    /// The upstream answers after a while.
    Slow,
    /// The upstream fails.
    Failing,
    /// The upstream refuses.
    Refusing,
    /// The answer does not fit into a datagram.
    Large,
    /// The upstream says nothing.
    Dead,
}

/// All kinds, and how many of 10,000 queries are of each.
pub const ALL: [(Kind, usize); 9] = [
    (Kind::Cached, 6500),
    (Kind::Hosts, 1390),
    (Kind::Fresh, 1000),
    (Kind::Flood, 1000),
    (Kind::Slow, 20),
    (Kind::Failing, 40),
    (Kind::Refusing, 40),
    (Kind::Large, 8),
    (Kind::Dead, 2),
];

impl Kind {
    /// One at random, as often as its share.
    pub fn roll(dice: &mut Dice) -> Kind {
        let mut left = dice.below(10_000);
        for (kind, share) in ALL {
            if left < share {
                return kind;
            }
            left -= share;
        }
        Kind::Cached
    }

    /// The label.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Cached => "cached",
            Kind::Hosts => "hosts",
            Kind::Fresh => "fresh",
            Kind::Flood => "flood",
            Kind::Slow => "slow",
            Kind::Failing => "failing",
            Kind::Refusing => "refusing",
            Kind::Large => "large",
            Kind::Dead => "dead",
        }
    }

    /// Which of its names query `serial` asks for.
    pub fn number(self, serial: u64, dice: &mut Dice) -> u64 {
        match self {
            Kind::Cached => serial % CACHED,
            Kind::Hosts => serial % HOSTS,
            Kind::Flood => dice.roll() >> 24,
            _ => serial,
        }
    }

    /// The name.
    pub fn name(self, number: u64) -> String {
        format!("n{number}.{}.example", self.word())
    }

    /// What a name stands for, and its number.
    pub fn read(name: &str) -> Option<(Kind, u64)> {
        let lower = name.to_ascii_lowercase();
        let (first, rest) = lower.strip_prefix('n')?.split_once('.')?;
        let (kind, _) = ALL.into_iter().find(|(kind, _)| rest.strip_suffix(".example") == Some(kind.word()))?;
        Some((kind, first.parse().ok()?))
    }

    /// The RCODEs of right answers.
    pub fn codes(self) -> &'static [u8] {
        match self {
            Kind::Flood => &[3],
            Kind::Failing => &[2],
            // Too many for a dead upstream at once are refused here.
            Kind::Refusing | Kind::Dead => &[5],
            _ => &[0],
        }
    }

    /// How many records a right answer has.
    pub fn records(self, tcp: bool) -> u64 {
        match self {
            Kind::Cached | Kind::Hosts | Kind::Fresh | Kind::Slow => 1,
            Kind::Large if tcp => LARGE,
            _ => 0,
        }
    }
}

/// The address of a name, or of one of its records.
pub fn address(number: u64, record: u64) -> Ipv4Addr {
    let mixed = Dice::new(number ^ record << 48).roll();
    // Not in a range that a rule could be about.
    Ipv4Addr::from(((mixed >> 40) as u32).to_be_bytes().map(|byte| byte | 0x10))
}

/// The hosts file.
pub fn hosts() -> String {
    let mut text = String::new();
    for number in 0..HOSTS {
        let _ = writeln!(text, "{} {}", address(number, 0), Kind::Hosts.name(number));
    }
    text
}
