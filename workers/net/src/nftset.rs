//! Adding an address to a set of nftables (`linux/netfilter/nf_tables.h`).
//!
//! Two requests: what kind of set it is, and the element. A set of intervals (`flags interval`) takes two elements for an address, its
//! beginning and its end. Changes come in batches; the kernel carries out all of one or nothing.

use std::net::IpAddr;

use ipc::net::SetOutcome;

use crate::netfilter::{FIXED, begin_for, kind, octets};
use crate::netlink::{ACK, Attributes, attribute, begin_nested, end, end_attribute, text};

const SUBSYSTEM: u8 = 10;
/// What a set is, asked and answered.
const GET_SET: (u8, u8) = (SUBSYSTEM, 10);
const NEW_SET: (u8, u8) = (SUBSYSTEM, 9);
/// New elements.
const NEW_ELEMENTS: (u8, u8) = (SUBSYSTEM, 12);
/// The frame of a batch (NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END), which names its subsystem in the fixed part.
const BATCH_BEGIN: (u8, u8) = (0, 16);
const BATCH_END: (u8, u8) = (0, 17);
/// Flag of a request that makes something new.
const CREATE: u16 = 0x400;
/// Attributes of a set.
const SET_TABLE: u16 = 1;
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const SET_KEY_LENGTH: u16 = 5;
const SET_USER_DATA: u16 = 13;
/// The flag of a set of intervals.
const INTERVAL: u32 = 4;
/// In a set's user data, which the nft tool writes for itself: are intervals that touch or overlap to be joined? (Type, length, value.)
const USER_DATA_MERGE: u8 = 2;
/// Attributes of a list of elements, and of the elements in it.
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
const ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_FLAGS: u16 = 3;
const DATA_VALUE: u16 = 1;
/// The flag of an element that ends an interval.
const INTERVAL_END: u32 = 1;
/// What the kernel says of sets that are not there, and of elements that are in the way.
const ENOENT: i32 = 2;
const EEXIST: i32 = 17;
const ENOTEMPTY: i32 = 39;

/// The name of a set: number of the family, table, set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetName<'a> {
    family: u8,
    table: &'a str,
    set: &'a str,
}

impl<'a> SetName<'a> {
    /// Reads `[FAMILY] TABLE SET`, as the nft tool would; the family is `ip` where there is none.
    pub fn read(path: &'a str) -> Option<SetName<'a>> {
        let mut words = path.split_ascii_whitespace();
        let (first, second, third) = (words.next()?, words.next()?, words.next());
        if words.next().is_some() {
            return None;
        }
        let (family, table, set) = match third {
            Some(third) => (first, second, third),
            None => ("ip", first, second),
        };
        let family = match family {
            "inet" => 1,
            "ip" => 2,
            "arp" => 3,
            "netdev" => 5,
            "bridge" => 7,
            "ip6" => 10,
            _ => return None,
        };
        Some(SetName { family, table, set })
    }
}

/// What kind of set it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetKind {
    /// Bytes of an element's key.
    key_bytes: u32,
    /// Is it a set of intervals?
    intervals: bool,
    /// Are its intervals joined?
    merges: bool,
}

impl SetKind {
    /// Does it hold addresses like this one?
    pub fn holds(&self, address: IpAddr) -> bool {
        self.key_bytes as usize == octets(address).len()
    }

    /// What the kernel's verdict on an element means.
    pub fn outcome(&self, verdict: Result<(), i32>) -> SetOutcome {
        match verdict {
            Ok(()) => SetOutcome::Added,
            // The tool would join the address with the interval it lies in, and that is what the set holds already.
            Err(EEXIST | ENOTEMPTY) if self.merges => SetOutcome::Added,
            Err(EEXIST | ENOTEMPTY) => SetOutcome::Overlap,
            Err(errno) => refused(errno),
        }
    }
}

/// What an errno for a set means.
pub(crate) fn refused(errno: i32) -> SetOutcome {
    if errno == ENOENT { SetOutcome::NoSuchSet } else { SetOutcome::Refused(errno) }
}

/// Asks what kind of set it is.
pub(crate) fn ask(out: &mut Vec<u8>, sequence: u32, name: SetName<'_>) {
    let start = begin_for(out, GET_SET, 0, sequence, name.family);
    text(out, SET_TABLE, name.table);
    text(out, SET_NAME, name.set);
    end(out, start);
}

/// The type of the answer to [`ask`].
pub(crate) const ASKED: u16 = kind(NEW_SET);

/// Reads the answer to [`ask`].
pub(crate) fn read(payload: &[u8]) -> Option<SetKind> {
    let attributes = Attributes(payload.get(FIXED..)?);
    let user_data = attributes.value(SET_USER_DATA).unwrap_or_default();
    Some(SetKind {
        key_bytes: attributes.number(SET_KEY_LENGTH)?,
        intervals: attributes.number(SET_FLAGS).is_some_and(|flags| flags & INTERVAL != 0),
        merges: merges(user_data),
    })
}

fn merges(mut user_data: &[u8]) -> bool {
    while let [kind, length, rest @ ..] = user_data {
        let Some((value, rest)) = rest.split_at_checked(usize::from(*length)) else { return false };
        if *kind == USER_DATA_MERGE {
            return value.iter().any(|byte| *byte != 0);
        }
        user_data = rest;
    }
    false
}

/// Writes the batch that adds an address. One that is there already is no error.
pub(crate) fn add(out: &mut Vec<u8>, sequence: u32, name: SetName<'_>, kind: SetKind, address: IpAddr) {
    frame(out, BATCH_BEGIN, sequence);
    let start = begin_for(out, NEW_ELEMENTS, ACK | CREATE, sequence, name.family);
    text(out, LIST_TABLE, name.table);
    text(out, LIST_SET, name.set);
    let list = begin_nested(out, LIST_ELEMENTS);
    element(out, &octets(address), 0);
    // Behind the last address there is none: its interval has no end.
    if kind.intervals
        && let Some(next) = successor(address)
    {
        element(out, &octets(next), INTERVAL_END);
    }
    end_attribute(out, list);
    end(out, start);
    frame(out, BATCH_END, sequence);
}

fn frame(out: &mut Vec<u8>, message: (u8, u8), sequence: u32) {
    let start = begin_for(out, message, 0, sequence, 0);
    let fixed = out.len() - FIXED;
    out[fixed + 2..].copy_from_slice(&u16::from(SUBSYSTEM).to_be_bytes());
    end(out, start);
}

fn element(out: &mut Vec<u8>, key: &[u8], flags: u32) {
    let element = begin_nested(out, ELEMENT);
    if flags != 0 {
        attribute(out, ELEMENT_FLAGS, &flags.to_be_bytes());
    }
    let nested = begin_nested(out, ELEMENT_KEY);
    attribute(out, DATA_VALUE, key);
    end_attribute(out, nested);
    end_attribute(out, element);
}

/// The address behind this one.
fn successor(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => u32::from(v4).checked_add(1).map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(v6) => u128::from(v6).checked_add(1).map(|bits| IpAddr::V6(bits.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_two_words_or_three() {
        let name = |family, table, set| Some(SetName { family, table, set });
        assert_eq!(SetName::read("inet t s"), name(1, "t", "s"));
        assert_eq!(SetName::read("t s"), name(2, "t", "s"));
        assert_eq!(SetName::read("ip6 t s"), name(10, "t", "s"));
        for bad in ["", "s", "foo t s", "inet t s x"] {
            assert_eq!(SetName::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn intervals_have_an_end_unless_nothing_is_behind_it() {
        let name = SetName::read("inet t s").unwrap();
        let batch = |intervals, address: &str| {
            let mut out = Vec::new();
            let kind = SetKind { key_bytes: 4, intervals, merges: false };
            add(&mut out, 1, name, kind, address.parse().unwrap());
            assert_eq!(out.len() % 4, 0);
            out
        };
        let ends = |bytes: &[u8], key: [u8; 4]| bytes.windows(4).any(|window| window == key);
        assert!(ends(&batch(true, "192.0.2.255"), [192, 0, 3, 0]));
        assert!(!ends(&batch(false, "192.0.2.255"), [192, 0, 3, 0]));
        assert_eq!(batch(true, "255.255.255.255").len(), batch(false, "255.255.255.255").len());
    }

    #[test]
    fn the_tool_notes_which_sets_join_their_intervals() {
        assert!(merges(&[0, 4, 0, 0, 0, 0, 2, 4, 1, 0, 0, 0]));
        assert!(!merges(&[0, 4, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0]) && !merges(&[2, 9, 1]) && !merges(&[2]));
    }
}
