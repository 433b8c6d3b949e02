//! Which names clients may resolve by the mark of their connection: `connmark-allowlist-enable`, `connmark-allowlist`.
//!
//! A mark that has no bit of the mask restricts nobody. Where every list for a mark has patterns, the name must be one of a host, as
//! dnsmasq sees it.

use std::fmt;

use ipc::config::mark::{ConnectionMarks, NamePattern};

use crate::name::{Name, labels};

/// The lists.
#[derive(Debug)]
pub(crate) struct Allowlists {
    marks: ConnectionMarks,
}

/// May the name be resolved?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Judgement {
    Allowed,
    Refused,
    /// Refused, for it is no name of a host.
    NoHost(NameFault),
}

/// Why a name is none of a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NameFault {
    Empty,
    HyphenFirst,
    HyphenLast,
    Character(u8),
    TooFewLabels(usize),
    Numeric,
    Local,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameFault::Empty => f.write_str("Empty label."),
            NameFault::HyphenFirst => f.write_str("Label starts with hyphen."),
            NameFault::HyphenLast => f.write_str("Label ends with hyphen."),
            NameFault::Character(byte) => write!(f, "Invalid character {}.", char::from(*byte)),
            NameFault::TooFewLabels(count) => write!(f, "Not enough labels ({count})."),
            NameFault::Numeric => f.write_str("Final label is fully numeric."),
            NameFault::Local => f.write_str("\"local\" pseudo-TLD."),
        }
    }
}

impl Allowlists {
    pub fn new(marks: &ConnectionMarks) -> Allowlists {
        Allowlists { marks: marks.clone() }
    }

    /// Are there lists to be respected?
    pub fn are_on(&self) -> bool {
        self.marks.mask.is_some()
    }

    /// May a client whose connection has this mark resolve this name (lower case)? A connection that the kernel does not track has none.
    pub fn judge(&self, mark: Option<u32>, name: &Name) -> Judgement {
        let (Some(mask), Some(mark)) = (self.marks.mask, mark) else { return Judgement::Allowed };
        let mark = mark & mask.get();
        if mark == 0 {
            return Judgement::Allowed;
        }
        let mut host = None;
        for list in self.marks.allowlists.iter().filter(|list| mark & list.mask.get() == list.mark.get()) {
            for pattern in &list.patterns {
                let NamePattern::Labels(pattern) = pattern else { return Judgement::Allowed };
                match host.get_or_insert_with(|| check_host(name)) {
                    Err(fault) => return Judgement::NoHost(*fault),
                    Ok(()) if matches(pattern, name) => return Judgement::Allowed,
                    Ok(()) => {}
                }
            }
        }
        Judgement::Refused
    }
}

/// Label by label; a star stands for any text within its label.
fn matches(pattern: &str, name: &Name) -> bool {
    let mut patterns = pattern.as_bytes().split(|byte| *byte == b'.');
    let mut labels = labels(name.wire());
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some(pattern), Some(label)) if matches_label(pattern, label) => {}
            _ => return false,
        }
    }
}

/// The usual walk with one way back: to the latest star, which then takes one byte more.
fn matches_label(pattern: &[u8], label: &[u8]) -> bool {
    let (mut at, mut read, mut back) = (0, 0, None);
    while let Some(byte) = label.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at, read));
                at += 1;
            }
            Some(wanted) if wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star, taken)) = back else { return false };
                back = Some((star, taken + 1));
                at = star + 1;
                read = taken + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

fn check_host(name: &Name) -> Result<(), NameFault> {
    let (mut count, mut last) = (0, &b""[..]);
    for label in labels(name.wire()) {
        for (position, byte) in label.iter().enumerate() {
            match byte {
                b'-' if position == 0 => return Err(NameFault::HyphenFirst),
                b'-' if position + 1 == label.len() => return Err(NameFault::HyphenLast),
                b'-' => {}
                byte if byte.is_ascii_alphanumeric() => {}
                byte => return Err(NameFault::Character(*byte)),
            }
        }
        count += 1;
        last = label;
    }
    match last {
        b"" => Err(NameFault::Empty),
        _ if count < 2 => Err(NameFault::TooFewLabels(count)),
        last if last.iter().all(u8::is_ascii_digit) => Err(NameFault::Numeric),
        b"local" => Err(NameFault::Local),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ipc::config::mark::Allowlist;

    use super::*;

    fn lists(mask: u32, lists: &[(u32, u32, &[&str])]) -> Allowlists {
        let number = |number| NonZeroU32::new(number).unwrap();
        let pattern = |text: &&str| match *text {
            "*" => NamePattern::All,
            text => NamePattern::Labels(text.to_owned()),
        };
        let allowlists = lists
            .iter()
            .map(|(mark, mask, patterns)| Allowlist {
                mark: number(*mark),
                mask: number(*mask),
                patterns: patterns.iter().map(pattern).collect(),
            })
            .collect();
        Allowlists { marks: ConnectionMarks { copied: false, mask: Some(number(mask)), allowlists } }
    }

    fn judge(lists: &Allowlists, mark: u32, name: &str) -> Judgement {
        lists.judge(Some(mark), &Name::from_text(name.as_bytes()).unwrap())
    }

    #[test]
    fn a_star_stays_within_its_label() {
        let lists = lists(15, &[(7, 15, &["*.a.test", "w*w.b*x*.test.org"])]);
        for name in ["x.a.test", "ww.bx.test.org", "w-w.b-x-.test.org", "www.babxax.test.org"] {
            assert!(matches(if name.ends_with("a.test") { "*.a.test" } else { "w*w.b*x*.test.org" }, &{
                Name::from_text(name.as_bytes()).unwrap()
            }));
        }
        assert_eq!(judge(&lists, 7, "x.a.test"), Judgement::Allowed);
        assert_eq!(judge(&lists, 0x17, "x.a.test"), Judgement::Allowed);
        for name in ["a.test", "x.y.a.test", "w.bx.test.org", "test.org"] {
            assert_eq!(judge(&lists, 7, name), Judgement::Refused, "{name}");
        }
        assert_eq!(judge(&lists, 0x70, "test.org"), Judgement::Allowed);
        assert_eq!(judge(&lists, 6, "x.a.test"), Judgement::Refused);
        assert_eq!(lists.judge(None, &Name::ROOT), Judgement::Allowed);
    }

    #[test]
    fn lists_add_up_and_have_masks_of_their_own() {
        let lists = lists(7, &[(3, 3, &["c.test"]), (7, 7, &["a.test"])]);
        assert_eq!(judge(&lists, 7, "a.test"), Judgement::Allowed);
        assert_eq!(judge(&lists, 7, "c.test"), Judgement::Allowed);
        assert_eq!(judge(&lists, 3, "a.test"), Judgement::Refused);
    }

    #[test]
    fn only_names_of_hosts_are_held_against_patterns() {
        let some = lists(7, &[(7, 7, &["*.test.org"])]);
        for (name, text) in [
            (".", "Empty label."),
            ("-a.test.org", "Label starts with hyphen."),
            ("a-.test.org", "Label ends with hyphen."),
            ("_x.test.org", "Invalid character _."),
            ("test", "Not enough labels (1)."),
            ("a.1", "Final label is fully numeric."),
            ("a.local", "\"local\" pseudo-TLD."),
        ] {
            let Judgement::NoHost(fault) = judge(&some, 7, name) else { panic!("{name}") };
            assert_eq!(fault.to_string(), text);
        }
        assert_eq!(judge(&lists(7, &[(7, 7, &["*"])]), 7, "_x.test"), Judgement::Allowed);
    }
}
