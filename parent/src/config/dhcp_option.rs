//! `dhcp-option`, `dhcp-option-force`, `dhcp-option-pxe` and `dhcp-match`: which option is sent to whom, or tells what of whom.

use ipc::config::client_tag::{MatchedOption, OptionMatch};
use ipc::config::dhcp::{ConfiguredOption, Place};
use ipc::tag::TagTest;
use serde::Serialize;

use super::blame::{At as _, Wanted};
use super::dhcp_option_names::{Kind, NAMES_4, NAMES_6, Named};
use super::draft::Draft;
use super::fault::Fault;
use super::number::loose;
use super::option_value::{OptionValue6, Typed, typed};
use super::tag;
use super::text::{reveal, reveal_text, split};

/// Longest value of one option, in bytes (RFC 2132 section 2).
pub(crate) const VALUE_BYTES_MAX: usize = 255;
/// The same inside option 43 (RFC 2132 section 8.4), or option 125 (RFC 3925 section 4).
const VENDOR_VALUE_BYTES_MAX: usize = 253;
const VENDOR_ID_VALUE_BYTES_MAX: usize = 250;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// An option that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum SentOption {
    /// By DHCPv4.
    V4(ConfiguredOption),
    /// By DHCPv6.
    V6(Option6),
}

/// An option that is sent by DHCPv6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Option6 {
    /// Option number; never 0.
    pub code: u16,
    /// What is sent.
    pub value: OptionValue6,
    /// `vi-encap:ENTERPRISE`: it goes inside option 17 (RFC 8415 section 21.17).
    pub enterprise: Option<u32>,
    /// All must hold.
    pub tests: Vec<TagTest>,
    /// Sent whether asked for or not (`dhcp-option-force`).
    pub force: bool,
}

/// `dhcp-option = {PRE ","} SELECTOR ["," VALUE]`.
pub(crate) fn option(draft: &mut Draft, value: Value<'_>) -> Outcome {
    store(draft, sent(value.ok_or(Fault::Value)?)?, false);
    Ok(())
}

/// `dhcp-option-force`: the same, sent whether asked for or not.
pub(crate) fn option_force(draft: &mut Draft, value: Value<'_>) -> Outcome {
    store(draft, sent(value.ok_or(Fault::Value)?)?, true);
    Ok(())
}

/// `dhcp-option-pxe`: the same, sent to PXE clients only.
pub(crate) fn option_pxe(draft: &mut Draft, value: Value<'_>) -> Outcome {
    match sent(value.ok_or(Fault::Value)?)? {
        Some(SentOption::V4(option)) if matches!(option.place, Place::Vendor(_)) => {
            return Err(Fault::from("No vendor-encap options allowed in dhcp-option-pxe"));
        }
        Some(SentOption::V4(option)) => draft.dhcp.options.push(ConfiguredOption { pxe: true, ..option }),
        // There is no PXE over IPv6.
        Some(SentOption::V6(_)) | None => {}
    }
    Ok(())
}

fn store(draft: &mut Draft, option: Option<SentOption>, force: bool) {
    match option {
        None => draft.not_built("dhcp-option with a number that no option has"),
        Some(SentOption::V6(option)) => {
            draft.dhcp6.options.push(Option6 { force, ..option });
            draft.not_built("dhcp-option for IPv6");
        }
        Some(SentOption::V4(option)) => draft.dhcp.options.push(ConfiguredOption { force, ..option }),
    }
}

/// Parses the value of a `dhcp-option`, which is also what a line of an options file (`dhcp-optsfile`) holds. `None`: it is
/// well-formed, but no option can have this number.
pub(crate) fn sent(text: &str) -> Result<Option<SentOption>, Fault> {
    let line = Line::parse(text, Purpose::Send)?;
    // Number 0 is padding and numbers beyond the field do not exist: neither can be sent.
    if line.six {
        let enterprise = match line.place {
            Some(LinePlace::Enterprise(enterprise)) => Some(enterprise),
            _ => None,
        };
        let Some(code) = u16::try_from(line.code).ok().filter(|&code| code != 0) else { return Ok(None) };
        let value = line.value.into_option6();
        return Ok(Some(SentOption::V6(Option6 { code, value, enterprise, tests: line.tests, force: false })));
    }
    let code = |number: i32| u8::try_from(number).ok().filter(|&code| code != 0);
    let place = match line.place {
        None => Some(Place::Plain),
        Some(LinePlace::Vendor(text)) => Some(Place::Vendor(text)),
        Some(LinePlace::Encapsulated(number)) => code(number).map(Place::Encapsulated),
        Some(LinePlace::Enterprise(enterprise)) => Some(Place::Enterprise(enterprise)),
    };
    let (Some(code), Some(place)) = (code(line.code), place) else { return Ok(None) };
    let value = line.value.into_option4();
    Ok(Some(SentOption::V4(ConfiguredOption { code, value, place, tests: line.tests, force: false, pxe: false })))
}

/// `dhcp-match = ["set:"] TAG "," (SELECTOR | "vi-encap:" ENTERPRISE) ["," VALUE]`.
pub(crate) fn option_match(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let line = Line::parse(value.ok_or(Fault::Value)?, Purpose::Match)?;
    let [tag] = &line.tags[..] else {
        return Err(Fault::from("illegal dhcp-match").at(value.unwrap_or_default(), "one tag, then an option"));
    };
    let option = match line.place {
        Some(LinePlace::Enterprise(enterprise)) => Some(MatchedOption::EnterpriseClass(enterprise)),
        _ if line.six => u16::try_from(line.code).ok().filter(|&code| code != 0).map(MatchedOption::V6),
        _ => u8::try_from(line.code).ok().filter(|&code| code != 0).map(MatchedOption::V4),
    };
    // No client can send an option that does not exist.
    if let Some(option) = option {
        let (tag, value) = (tag.clone(), line.value.into_match());
        draft.dhcp.option_matches.push(OptionMatch { tag, option, value });
    }
    Ok(())
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To send an option.
    Send,
    /// To recognize one: values may have holes, and options that the server fills in itself have names.
    Match,
}

/// Where a line wants its option, as written.
#[derive(Debug, PartialEq, Eq)]
enum LinePlace {
    Vendor(Vec<u8>),
    Encapsulated(i32),
    Enterprise(u32),
}

/// One parsed line, before numbers have been looked at.
#[derive(Debug)]
struct Line {
    six: bool,
    code: i32,
    place: Option<LinePlace>,
    /// The tags in front, as tests and as they stand.
    tests: Vec<TagTest>,
    tags: Vec<String>,
    value: Typed,
}

impl Line {
    fn parse(text: &str, purpose: Purpose) -> Result<Line, Fault> {
        let (mut tests, mut tags) = (Vec::new(), Vec::new());
        let mut place = None;
        let (mut vendor, mut encap, mut enterprise) = (false, false, false);
        let mut rest = Some(text);
        let (selector, value) = loop {
            let Some(left) = rest else {
                return Err(bad_option().at(text, "an option: a number, or option: and a name"));
            };
            let (field, after) = split(left, ',');
            if field.starts_with("option6:") && (encap || vendor) {
                return Err(Fault::from("unsupported encapsulation for IPv6 option").at(field, "vi-encap: or none"));
            }
            if let Some(selector) = Selector::parse(field, purpose)? {
                break (selector, after);
            }
            rest = after;
            if let Some(class) = field.strip_prefix("vendor:") {
                if encap || purpose == Purpose::Match {
                    return Err(Fault::from("inappropriate vendor:").at(field, "another place than vendor:"));
                }
                (vendor, place) = (true, Some(LinePlace::Vendor(reveal(class))));
            } else if let Some(number) = field.strip_prefix("encap:") {
                if vendor || purpose == Purpose::Match {
                    return Err(Fault::from("inappropriate encap:").at(field, "another place than encap:"));
                }
                (encap, place) = (true, Some(LinePlace::Encapsulated(loose(number))));
            } else if let Some(number) = field.strip_prefix("vi-encap:") {
                (enterprise, place) = (true, Some(LinePlace::Enterprise(loose(number).cast_unsigned())));
                if purpose == Purpose::Match {
                    break (Selector::WHOLE_CLASS, after);
                }
            } else {
                let tag = tag::tested(field).or_else(|| field.strip_prefix("set:")).unwrap_or(field);
                tests.push(tag::test(tag));
                tags.push(reveal_text(tag));
            }
        };
        // What a number means inside an encapsulation is the vendor's affair.
        let kind = if selector.named || place.is_none() { selector.kind } else { Kind::Free };
        let selector = Selector { kind, ..selector };
        let value = value.map_or(Ok(Typed::Empty), |text| typed(text, &selector, place.is_none(), purpose))?;
        let most = match place {
            _ if selector.six => usize::from(u16::MAX),
            None => VALUE_BYTES_MAX,
            _ if enterprise => VENDOR_ID_VALUE_BYTES_MAX,
            _ => VENDOR_VALUE_BYTES_MAX,
        };
        if value.bytes() > most {
            return Err(Fault::from("dhcp-option too long"));
        }
        Ok(Line { six: selector.six, code: selector.code, place, tests, tags, value })
    }
}

pub(crate) fn bad_option() -> Fault {
    Fault::from("bad dhcp-option")
}

/// Which option a line is about.
#[derive(Debug)]
pub(crate) struct Selector {
    /// Is it an option of DHCPv6?
    pub(crate) six: bool,
    named: bool,
    /// Its number, in whatever range.
    pub(crate) code: i32,
    /// What its value is.
    pub(crate) kind: Kind,
}

impl Selector {
    /// Vendor class data, of which only the enterprise is known.
    const WHOLE_CLASS: Selector = Selector { six: false, named: false, code: 0, kind: Kind::Free };

    /// `NUMBER`, `option:NAME`, `option6:NUMBER` or `option6:NAME`; `None` when the field is something else.
    fn parse(field: &str, purpose: Purpose) -> Result<Option<Selector>, Fault> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(name) = field.strip_prefix("option:") {
            return by_name(NAMES_4, name, false, purpose).map(Some);
        }
        if let Some(name) = field.strip_prefix("option6:") {
            return if digits(name) {
                Ok(Some(by_code(NAMES_6, name, true)))
            } else {
                by_name(NAMES_6, name, true, purpose).map(Some)
            };
        }
        Ok(digits(field).then(|| by_code(NAMES_4, field, false)))
    }
}

fn by_name(names: &'static [Named], name: &str, six: bool, purpose: Purpose) -> Result<Selector, Fault> {
    let fits = |row: &&Named| (!row.internal || purpose == Purpose::Match) && row.name.eq_ignore_ascii_case(name);
    let found = names.iter().find(fits).ok_or_else(bad_option).at(name, Wanted::Names(names))?;
    Ok(Selector { six, named: true, code: found.code.into(), kind: found.kind })
}

fn by_code(names: &[Named], digits: &str, six: bool) -> Selector {
    let code = loose(digits);
    let found = names.iter().find(|row| i32::from(row.code) == code);
    Selector { six, named: false, code, kind: found.map_or(Kind::Free, |row| row.kind) }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use ipc::config::client_tag::MatchValue;
    use ipc::config::dhcp::OptionValue;

    use super::*;

    fn four(text: &str) -> ConfiguredOption {
        match sent(text).unwrap().unwrap() {
            SentOption::V4(option) => option,
            SentOption::V6(option) => panic!("{option:?}"),
        }
    }

    fn six(text: &str) -> Option6 {
        match sent(text).unwrap().unwrap() {
            SentOption::V6(option) => option,
            SentOption::V4(option) => panic!("{option:?}"),
        }
    }

    fn bytes(text: &str) -> Vec<u8> {
        match four(text).value {
            OptionValue::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    fn bytes6(text: &str) -> Vec<u8> {
        match six(text).value {
            OptionValue6::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn looks_decide() {
        assert_eq!(bytes("128,300"), [1, 44]);
        assert_eq!(bytes("128,1i"), [0, 0, 0, 1]);
        assert_eq!(bytes("128,-1"), [255; 4]);
        assert_eq!(bytes("128,01:02:a"), [1, 2, 10]);
        assert_eq!(bytes("option:mtu,70000"), [0x11, 0x70]);
        assert_eq!(bytes("option:T1,1h"), [0, 0, 14, 16]);
        assert_eq!(four("3,192.168.0.1").value, OptionValue::Addresses(vec![Ipv4Addr::new(192, 168, 0, 1)]));
        assert_eq!(four("66,1.2.3.4").value, OptionValue::Text(b"1.2.3.4".to_vec()));
        assert_eq!(four("252,a,b").value, OptionValue::Text(b"a,b".to_vec()));
        assert_eq!(four("3").value, OptionValue::Empty);
    }

    #[test]
    fn routes_and_names_have_their_wire_form() {
        assert_eq!(bytes("121,0.0.0.0/0,10.0.0.1,10.8.0.0/13,10.0.0.2"), [0, 10, 0, 0, 1, 13, 10, 8, 10, 0, 0, 2]);
        assert_eq!(bytes("119,a.lan,b.lan,lan"), b"\x01a\x03lan\0\x01b\xC0\x02\xC0\x02");
        assert_eq!(bytes("120,1.2.3.4"), [1, 1, 2, 3, 4]);
        assert_eq!(bytes("120,a"), b"\0\x01a\0");
    }

    #[test]
    fn what_stands_before_the_selector() {
        let option = four("tag:!a,b,vendor:MSFT,2,1i");
        assert_eq!(option.tests.iter().map(|test| test.negated).collect::<Vec<_>>(), [true, false]);
        assert_eq!((option.code, option.place), (2, Place::Vendor(b"MSFT".to_vec())));
        assert_eq!(four("encap:175,190,x").place, Place::Encapsulated(175));
        assert_eq!(four("vi-encap:4294967295,3,x").place, Place::Enterprise(u32::MAX));
        assert_eq!(sent("encap:1,vendor:x,1,2"), Err(Fault::from("inappropriate vendor:")));
        assert_eq!(sent("tag:a"), Err(Fault::from("bad dhcp-option")));
    }

    #[test]
    fn numbers_that_no_option_has_come_to_nothing() {
        for line in ["0,x", "256,x", ",x", "encap:300,1,x", "encap:x,1,x", "option6:0,x", "option6:65536,x"] {
            assert_eq!(sent(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn values_of_version_6() {
        let addresses: Vec<Ipv6Addr> = vec!["fe80::".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_eq!(six("option6:dns-server,[fe80::],2001:db8::1").value, OptionValue6::Addresses(addresses));
        assert_eq!(bytes6("option6:24,a.lan,b"), b"\x01a\x03lan\0\x01b\0");
        assert_eq!(bytes6("option6:bootfile-param,ab,c"), b"\0\x02ab\0\x01c");
        assert_eq!(bytes6("option6:56,ntp.lan"), b"\0\x03\0\x09\x03ntp\x03lan\0");
        assert_eq!(bytes6("option6:32,1h"), [0, 0, 14, 16]);
        assert_eq!(bytes6("option6:59,tftp://[fd00::1]/x"), b"tftp://[fd00::1]/x");
        assert_eq!(bytes6("option6:200,1.2.3.4"), b"1.2.3.4");
        assert_eq!(bytes6("option6:200,5s"), [0, 5]);
        assert_eq!(six("tag:a,vi-encap:5,option6:3,x").enterprise, Some(5));
        assert_eq!(sent("option6:23,1.2.3.4"), Err(Fault::from("bad IPv6 address")));
        assert_eq!(sent("encap:1,option6:3"), Err(Fault::from("unsupported encapsulation for IPv6 option")));
    }

    #[test]
    fn what_a_client_sends_sets_a_tag() {
        let matched = |text: &str| {
            let mut draft = Draft::new();
            option_match(&mut draft, Some(text))?;
            let found = draft.dhcp.option_matches.pop().ok_or(Fault::Value)?;
            Ok((found.option, found.value))
        };
        let v4 = |code, value| Ok((MatchedOption::V4(code), value));
        assert_eq!(matched("set:a,60"), v4(60, MatchValue::Present));
        assert_eq!(matched("set:a,option:vendor-class,PXE"), v4(60, MatchValue::Containing(b"PXE".to_vec())));
        assert_eq!(matched("a,61,ff:*:2"), v4(61, MatchValue::Beginning(vec![Some(255), None, Some(2)])));
        assert_eq!(matched("a,option:client-arch,6"), v4(93, MatchValue::Element(vec![0, 6])));
        assert_eq!(matched("a,option:hostname"), v4(12, MatchValue::Present));
        let class = MatchedOption::EnterpriseClass(2);
        assert_eq!(matched("set:a,vi-encap:2,text"), Ok((class, MatchValue::Containing(b"text".to_vec()))));
        assert_eq!(matched("set:a,option6:16"), Ok((MatchedOption::V6(16), MatchValue::Present)));
        for bad in ["60", "set:a,b,60", "vi-encap:2,x"] {
            assert_eq!(matched(bad), Err(Fault::from("illegal dhcp-match")), "{bad}");
        }
        assert_eq!(matched("set:a,encap:175,190"), Err(Fault::from("inappropriate encap:")));
        assert_eq!(matched("set:a,9999"), Err(Fault::Value), "accepted, and nothing is stored");
    }
}
