//! Kernel address sets that replies are added to: `ipset`, `nftset`. Which lines a name is under, and what the log says of them.
//!
//! The longest domain decides, the two options independently of each other; of two lines with the same domain the first counts. A
//! look-up takes one probe of a hash table per label and option, however many domains there are.

use std::io;
use std::net::IpAddr;

use ipc::config::kernel_set::{KernelSets, NftSet, SetRule};
use ipc::config::record::Families;
use ipc::log::Line;
use ipc::net::{ADDRESSES_MAX, Filling, OUTCOMES_MAX, SETS_MAX, SetOutcome};

use crate::hash::{Map, SeededState};
use crate::lines::{self, About, QueryLog};
use crate::name::{Name, suffixes};

/// The rules of both options.
#[derive(Debug)]
pub(crate) struct SetRules {
    ipset: Table<String>,
    nftset: Table<NftSet>,
}

/// Which lines a name is under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lines {
    ipset: Option<Place>,
    nftset: Option<Place>,
}

/// A domain of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    rule: u32,
    domain: u32,
}

#[derive(Debug)]
struct Table<S> {
    rules: Vec<SetRule<S>>,
    /// Domains in wire form, lower case.
    places: Map<Box<[u8]>, Place>,
}

impl SetRules {
    pub fn new(sets: &KernelSets, state: &SeededState) -> SetRules {
        SetRules {
            ipset: Table::new(sets.ipset.clone(), state.clone()),
            nftset: Table::new(sets.nftset.clone(), state.clone()),
        }
    }

    /// The lines that this name (lower case) is under, if it is under any.
    pub fn find(&self, name: &Name) -> Option<Lines> {
        let lines = Lines { ipset: self.ipset.find(name), nftset: self.nftset.find(name) };
        (lines.ipset.is_some() || lines.nftset.is_some()).then_some(lines)
    }

    /// How many addresses the parent can be told of at once.
    pub fn addresses_at_once(&self, lines: &Lines) -> usize {
        (OUTCOMES_MAX / self.sets(lines).max(1)).clamp(1, ADDRESSES_MAX)
    }

    /// What to tell the parent.
    pub fn filling(&self, lines: &Lines, addresses: &[IpAddr]) -> Filling {
        Filling {
            ipset: lines.ipset.map(|place| place.rule),
            nftset: lines.nftset.map(|place| place.rule),
            addresses: addresses.to_vec(),
        }
    }

    /// What the log says, for each address.
    pub fn report(
        &self,
        lines: &Lines,
        addresses: &[IpAddr],
        outcomes: &[SetOutcome],
        log: &QueryLog,
        about: About,
    ) -> Vec<Vec<Line>> {
        let mut outcomes = outcomes.iter().copied();
        let told = |address: &IpAddr| {
            let mut told = Vec::new();
            if let Some((sets, domain)) = self.ipset.line(lines.ipset) {
                for (set, outcome) in sets.iter().zip(outcomes.by_ref()) {
                    say_ipset(&mut told, log, about, set, *address, domain, outcome);
                }
            }
            if let Some((sets, domain)) = self.nftset.line(lines.nftset) {
                for (set, outcome) in sets.iter().zip(outcomes.by_ref()) {
                    say_nftset(&mut told, log, about, set, *address, domain, outcome);
                }
            }
            told
        };
        addresses.iter().map(told).collect()
    }

    fn sets(&self, lines: &Lines) -> usize {
        self.ipset.line(lines.ipset).map_or(0, |(sets, _)| sets.len())
            + self.nftset.line(lines.nftset).map_or(0, |(sets, _)| sets.len())
    }
}

impl<S> Table<S> {
    fn new(rules: Vec<SetRule<S>>, state: SeededState) -> Table<S> {
        let mut places = Map::with_hasher(state);
        // The line written first comes last, and is the one that stays.
        for (rule, line) in rules.iter().enumerate() {
            for (domain, text) in line.domains.iter().enumerate() {
                if let Some(name) = Name::from_text(text.as_bytes()) {
                    places.insert(name.lowered().wire().into(), Place { rule: rule as u32, domain: domain as u32 });
                }
            }
        }
        Table { rules, places }
    }

    fn find(&self, name: &Name) -> Option<Place> {
        if self.places.is_empty() {
            return None;
        }
        suffixes(name.wire()).find_map(|suffix| self.places.get(suffix).copied())
    }

    /// The sets of a line, and the domain for which it was found.
    fn line(&self, place: Option<Place>) -> Option<(&[S], &str)> {
        let place = place?;
        let rule = self.rules.get(place.rule as usize)?;
        let sets = rule.sets.get(..SETS_MAX).unwrap_or(&rule.sets);
        Some((sets, rule.domains.get(place.domain as usize)?))
    }
}

/// As in dnsmasq, a set of another family is told of like any other; what else the kernel refuses is not.
fn say_ipset(
    told: &mut Vec<Line>,
    log: &QueryLog,
    about: About,
    set: &str,
    address: IpAddr,
    domain: &str,
    outcome: SetOutcome,
) {
    let reason = match outcome {
        SetOutcome::Added | SetOutcome::OtherFamily => {
            return log.write(told, about, format_args!("ipset add {set} {address} {domain}"));
        }
        SetOutcome::NoSuchSet => "No such file or directory".to_owned(),
        SetOutcome::NameTooLong => "File name too long".to_owned(),
        SetOutcome::Refused(errno) => reason(errno),
        SetOutcome::LeftOut | SetOutcome::Overlap | SetOutcome::NoName => return,
    };
    told.push(lines::ipset_failed(set, &reason));
}

/// The errors are those of the nft tool, as far as people look for them.
fn say_nftset(
    told: &mut Vec<Line>,
    log: &QueryLog,
    about: About,
    set: &NftSet,
    address: IpAddr,
    domain: &str,
    outcome: SetOutcome,
) {
    let reason = match outcome {
        SetOutcome::Added => {
            let family = match set.families {
                Families::Both => "",
                Families::Ipv4 => "4 ",
                Families::Ipv6 => "6 ",
            };
            return log.write(told, about, format_args!("nftset add {family}{} {address} {domain}", set.path));
        }
        SetOutcome::LeftOut => return,
        SetOutcome::NoSuchSet => "No such file or directory".to_owned(),
        SetOutcome::OtherFamily => "Could not resolve hostname: Address family for hostname not supported".to_owned(),
        SetOutcome::Overlap => "interval overlaps with an existing one".to_owned(),
        SetOutcome::NoName => "syntax error, unexpected string".to_owned(),
        SetOutcome::NameTooLong => "File name too long".to_owned(),
        SetOutcome::Refused(errno) => format!("Could not process rule: {}", reason(errno)),
    };
    told.push(lines::nftset_failed(&set.path, &reason));
}

/// The words for an errno. The standard library puts its number behind them.
fn reason(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<S>(domains: &[&str], sets: Vec<S>) -> SetRule<S> {
        SetRule { domains: domains.iter().map(|domain| (*domain).to_owned()).collect(), sets }
    }

    fn place(rule: u32, domain: u32) -> Option<Place> {
        Some(Place { rule, domain })
    }

    #[test]
    fn the_longest_domain_counts_and_of_equal_ones_the_first_line() {
        let nft = |path: &str| NftSet { families: Families::Both, path: path.to_owned() };
        let sets = KernelSets {
            // As the slice has them: the line written last comes first.
            ipset: vec![
                rule(&["a.test"], vec!["late".to_owned()]),
                rule(&["x.test", "a.test"], vec!["early".to_owned()]),
            ],
            nftset: vec![rule(&[""], vec![nft("t all")]), rule(&["b.a.test"], vec![nft("t b")])],
        };
        let rules = SetRules::new(&sets, &SeededState::new([1; 16]));
        let find = |text: &str| rules.find(&Name::from_text(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(find("b.a.test"), Lines { ipset: place(1, 1), nftset: place(1, 0) });
        assert_eq!(find("ca.test"), Lines { ipset: None, nftset: place(0, 0) });
        assert_eq!(find("."), Lines { ipset: None, nftset: place(0, 0) });
        let none = SetRules::new(&KernelSets::default(), &SeededState::new([1; 16]));
        assert_eq!(none.find(&Name::ROOT), None);
    }

    #[test]
    fn an_errno_has_words_without_a_number() {
        assert_eq!(reason(1), "Operation not permitted");
    }
}
