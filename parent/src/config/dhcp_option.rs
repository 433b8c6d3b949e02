//! `dhcp-option`: what is sent to clients. The type of a value comes from the option's number, else from its looks.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::dhcp::{ConfiguredOption, OptionValue};
use ipc::tag::TagTest;

use super::dhcp_option_names::{Kind, NAMES_4, NAMES_6, Named};
use super::draft::Draft;
use super::fault::Fault;
use super::number::{loose, seconds};
use super::text::{fields, reveal, split};
use super::{hex, name, tag};

/// Longest value of one option, in bytes (RFC 2132 section 2).
const VALUE_BYTES_MAX: usize = 255;
/// The same inside option 43 (RFC 2132 section 8.4), or option 125 (RFC 3925 section 4).
const VENDOR_VALUE_BYTES_MAX: usize = 253;
const VENDOR_ID_VALUE_BYTES_MAX: usize = 250;

/// The option whose names and addresses have a byte in front that tells them apart (RFC 3361).
const SIP_SERVER: i32 = 120;
/// DHCPv6 option that is addresses, names or bytes (RFC 5908).
const NTP_SERVER_6: i32 = 56;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `dhcp-option = {PRE ","} SELECTOR ["," VALUE]`.
pub(crate) fn option(draft: &mut Draft, value: Value<'_>) -> Outcome {
    store(draft, Line::parse(value.ok_or(Fault::Value)?)?, false);
    Ok(())
}

/// `dhcp-option-force`: the same, sent whether asked for or not.
pub(crate) fn option_force(draft: &mut Draft, value: Value<'_>) -> Outcome {
    store(draft, Line::parse(value.ok_or(Fault::Value)?)?, true);
    Ok(())
}

/// `dhcp-option-pxe`: checked only.
pub(crate) fn option_pxe(_: &mut Draft, value: Value<'_>) -> Outcome {
    match Line::parse(value.ok_or(Fault::Value)?)?.place {
        Place::Vendor(_) => Err(Fault::from("No vendor-encap options allowed in dhcp-option-pxe")),
        _ => Ok(()),
    }
}

fn store(draft: &mut Draft, line: Line, force: bool) {
    let vendor = match line.place {
        _ if line.six => return draft.not_built("dhcp-option for IPv6"),
        Place::Encapsulated => return draft.not_built("dhcp-option with encap: or vi-encap:"),
        Place::Plain => None,
        Place::Vendor(text) => Some(text),
    };
    // Number 0 is padding and numbers above 255 do not exist: neither can be sent.
    let Some(code) = u8::try_from(line.code).ok().filter(|&code| code != 0) else {
        return draft.not_built("dhcp-option with a number that no option has");
    };
    draft.dhcp.options.push(ConfiguredOption { code, value: line.value, tests: line.tests, force, vendor });
}

/// Where an option goes.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Plain,
    /// `vendor:TEXT`.
    Vendor(Vec<u8>),
    /// `encap:` or `vi-encap:`.
    Encapsulated,
}

/// One parsed line.
#[derive(Debug)]
struct Line {
    six: bool,
    code: i32,
    place: Place,
    tests: Vec<TagTest>,
    value: OptionValue,
}

impl Line {
    fn parse(text: &str) -> Result<Line, Fault> {
        let mut tests = Vec::new();
        let mut place = Place::Plain;
        let (mut encap, mut vendor_id) = (false, false);
        let mut rest = Some(text);
        let (selector, value) = loop {
            let Some(text) = rest else { return Err(bad_option()) };
            let (field, after) = split(text, ',');
            if field.starts_with("option6:") && (encap || matches!(place, Place::Vendor(_))) {
                return Err(Fault::from("unsupported encapsulation for IPv6 option"));
            }
            if let Some(selector) = Selector::parse(field)? {
                break (selector, after);
            }
            rest = after;
            if let Some(class) = field.strip_prefix("vendor:") {
                if encap {
                    return Err(Fault::from("inappropriate vendor:"));
                }
                place = Place::Vendor(reveal(class));
            } else if field.starts_with("encap:") {
                if matches!(place, Place::Vendor(_)) {
                    return Err(Fault::from("inappropriate encap:"));
                }
                (encap, place) = (true, Place::Encapsulated);
            } else if field.starts_with("vi-encap:") {
                (vendor_id, place) = (true, Place::Encapsulated);
            } else {
                tests.push(tag::test(tag::tested(field).or_else(|| field.strip_prefix("set:")).unwrap_or(field)));
            }
        };
        // What a number means inside an encapsulation is the vendor's affair.
        let kind = if selector.named || place == Place::Plain { selector.kind } else { Kind::Free };
        let selector = Selector { kind, ..selector };
        let value = value.map_or(Ok(OptionValue::Empty), |text| typed(text, &selector, place == Place::Plain))?;
        let most = match place {
            _ if selector.six => usize::from(u16::MAX),
            Place::Plain => VALUE_BYTES_MAX,
            _ if vendor_id => VENDOR_ID_VALUE_BYTES_MAX,
            _ => VENDOR_VALUE_BYTES_MAX,
        };
        if length(&value) > most {
            return Err(Fault::from("dhcp-option too long"));
        }
        Ok(Line { six: selector.six, code: selector.code, place, tests, value })
    }
}

fn bad_option() -> Fault {
    Fault::from("bad dhcp-option")
}

fn length(value: &OptionValue) -> usize {
    match value {
        OptionValue::Empty => 0,
        OptionValue::Addresses(addresses) => addresses.len() * 4,
        OptionValue::Text(bytes) | OptionValue::Bytes(bytes) => bytes.len(),
    }
}

/// Which option a line is about.
#[derive(Debug)]
struct Selector {
    six: bool,
    named: bool,
    code: i32,
    kind: Kind,
}

impl Selector {
    /// `NUMBER`, `option:NAME`, `option6:NUMBER` or `option6:NAME`; `None` when the field is something else.
    fn parse(field: &str) -> Result<Option<Selector>, Fault> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(name) = field.strip_prefix("option:") {
            return by_name(NAMES_4, name, false).map(Some);
        }
        if let Some(name) = field.strip_prefix("option6:") {
            return if digits(name) {
                Ok(Some(by_code(NAMES_6, name, true)))
            } else {
                by_name(NAMES_6, name, true).map(Some)
            };
        }
        Ok(digits(field).then(|| by_code(NAMES_4, field, false)))
    }
}

fn by_name(names: &[Named], name: &str, six: bool) -> Result<Selector, Fault> {
    let found = names.iter().find(|row| !row.internal && row.name.eq_ignore_ascii_case(name)).ok_or_else(bad_option)?;
    Ok(Selector { six, named: true, code: found.code.into(), kind: found.kind })
}

fn by_code(names: &[Named], digits: &str, six: bool) -> Selector {
    let code = loose(digits);
    let found = names.iter().find(|row| i32::from(row.code) == code);
    Selector { six, named: false, code, kind: found.map_or(Kind::Free, |row| row.kind) }
}

/// What a value could be, by its characters alone.
#[derive(Debug)]
struct Looks<'a> {
    decimal: bool,
    hex: bool,
    ip4: bool,
    ip6: bool,
    digit: bool,
    colon: bool,
    dot: bool,
    /// The width that a final letter asks for, and the text without it.
    width: Option<u8>,
    text: &'a str,
}

impl<'a> Looks<'a> {
    fn of(text: &'a str) -> Looks<'a> {
        let mut looks = Looks {
            decimal: true,
            hex: true,
            ip4: true,
            ip6: true,
            digit: false,
            colon: false,
            dot: false,
            width: None,
            text,
        };
        for (position, character) in text.char_indices() {
            match character {
                '0'..='9' => looks.digit = true,
                ',' => (looks.decimal, looks.hex) = (false, false),
                ':' => (looks.decimal, looks.ip4, looks.colon) = (false, false, true),
                '.' => (looks.decimal, looks.hex, looks.dot) = (false, false, true),
                '/' => {
                    (looks.decimal, looks.hex, looks.ip6) = (false, false, false);
                    looks.ip4 &= position != 0;
                }
                '-' => (looks.hex, looks.ip4, looks.ip6) = (false, false, false),
                ' ' => (looks.decimal, looks.hex) = (false, false),
                'b' | 's' | 'i' if looks.decimal && position + 1 == text.len() => {
                    looks.ip4 = false;
                    looks.width = Some(match character {
                        'b' => 1,
                        's' => 2,
                        _ => 4,
                    });
                    looks.text = &text[..position];
                }
                _ => {
                    (looks.decimal, looks.ip4) = (false, false);
                    looks.hex &= character.is_ascii_hexdigit();
                    looks.ip6 &= character.is_ascii_hexdigit() || matches!(character, '[' | ']');
                }
            }
        }
        looks.decimal &= looks.digit;
        looks.ip4 &= looks.digit;
        looks.ip6 &= looks.colon;
        looks
    }
}

/// Turns text into what is sent. `plain`: not encapsulated.
fn typed(text: &str, selector: &Selector, plain: bool) -> Result<OptionValue, Fault> {
    let mut looks = Looks::of(text);
    match selector.kind {
        Kind::Addresses if selector.six && !looks.ip6 => return Err(Fault::from("bad IPv6 address")),
        Kind::Addresses if !selector.six && (!looks.ip4 || !looks.dot) => return Err(Fault::from("bad IP address")),
        Kind::Text | Kind::Names | Kind::Strings => {
            (looks.decimal, looks.hex, looks.ip4, looks.ip6) = (false, false, false, false);
        }
        _ => {}
    }
    let ntp_6 = selector.six && selector.code == NTP_SERVER_6;
    if selector.kind == Kind::Time && looks.digit {
        return Ok(OptionValue::Bytes(seconds(text).to_be_bytes().to_vec()));
    }
    if looks.hex && looks.colon && !(selector.six && looks.ip6 && selector.kind == Kind::Addresses) {
        let bytes = hex::pattern(looks.text).ok_or_else(bad_option)?;
        return Ok(OptionValue::Bytes(bytes.into_iter().flatten().collect()));
    }
    if looks.decimal {
        return Ok(decimal(&looks, selector.kind));
    }
    if looks.ip4 && !ntp_6 {
        return ip4_list(text, selector, plain);
    }
    if selector.six && looks.ip6 {
        return ip6_list(text);
    }
    let names_4 = !selector.six && (selector.kind == Kind::Names || (plain && selector.code == SIP_SERVER));
    if names_4 {
        let mut bytes = if selector.code == SIP_SERVER { vec![0] } else { Vec::new() };
        let start = bytes.len();
        compressed_names(text, start, &mut bytes)?;
        return Ok(OptionValue::Bytes(bytes));
    }
    if selector.six && (selector.kind == Kind::Names || ntp_6) {
        for field in fields(text) {
            name::domain(field, Fault::from("bad domain in dhcp-option"))?;
        }
    }
    Ok(OptionValue::Text(reveal(text)))
}

fn decimal(looks: &Looks<'_>, kind: Kind) -> OptionValue {
    let value = loose(looks.text);
    let by_size = match value {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        _ => 4,
    };
    let by_kind = match kind {
        Kind::Number(width) => width,
        _ => by_size,
    };
    let width = usize::from(looks.width.unwrap_or(by_kind)).min(4);
    OptionValue::Bytes(value.to_be_bytes()[4 - width..].to_vec())
}

/// Addresses; `ADDRESS/LENGTH` becomes the length and the significant bytes (RFC 3442), and then all is bytes.
fn ip4_list(text: &str, selector: &Selector, plain: bool) -> Result<OptionValue, Fault> {
    let bad = || Fault::from("bad IPv4 address");
    let mut addresses = Vec::new();
    let mut bytes = if selector.code == SIP_SERVER && !selector.six && plain { vec![1] } else { Vec::new() };
    let mut as_bytes = !bytes.is_empty();
    for field in fields(text) {
        let (address, length) = split(field, '/');
        let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
        addresses.push(address);
        match length {
            None => bytes.extend(address.octets()),
            Some(length) => {
                as_bytes = true;
                let length = loose(length) as u8;
                bytes.push(length);
                bytes.extend(address.octets().iter().take(usize::from(length.div_ceil(8))));
            }
        }
    }
    Ok(if as_bytes { OptionValue::Bytes(bytes) } else { OptionValue::Addresses(addresses) })
}

fn ip6_list(text: &str) -> Result<OptionValue, Fault> {
    let mut bytes = Vec::new();
    for field in fields(text) {
        let field = field.strip_prefix('[').unwrap_or(field);
        let field = field.strip_suffix(']').unwrap_or(field);
        let address: Ipv6Addr = field.parse().map_err(|_| Fault::from("bad IPv6 address"))?;
        bytes.extend(address.octets());
    }
    Ok(OptionValue::Bytes(bytes))
}

/// Appends the names of a list in wire form, later ones pointing at the tails of earlier ones (RFC 1035 section 4.1.4).
/// Offsets count from `start`.
fn compressed_names(text: &str, start: usize, bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let mut known: Vec<(String, usize)> = Vec::new();
    for field in fields(text) {
        let domain = name::domain(field, Fault::from("bad domain in dhcp-option"))?;
        let mut rest = domain.as_str();
        loop {
            if rest.is_empty() {
                bytes.push(0);
                break;
            }
            if let Some((_, offset)) = known.iter().find(|(tail, _)| tail == rest) {
                bytes.extend((0xC000 | *offset as u16).to_be_bytes());
                break;
            }
            // A pointer has 14 bits, of which a value that fits an option needs 8.
            if bytes.len() - start <= VALUE_BYTES_MAX {
                known.push((rest.to_owned(), bytes.len() - start));
            }
            let (label, after) = rest.split_once('.').unwrap_or((rest, ""));
            // An empty label inside a name would end it.
            if !label.is_empty() {
                bytes.push(label.len() as u8);
                bytes.extend(label.as_bytes());
            }
            rest = after;
        }
        if bytes.len() > start + VALUE_BYTES_MAX {
            return Err(Fault::from("dhcp-option too long"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> OptionValue {
        Line::parse(text).unwrap().value
    }

    fn bytes(text: &str) -> Vec<u8> {
        match value(text) {
            OptionValue::Bytes(bytes) => bytes,
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
        assert_eq!(value("3,192.168.0.1"), OptionValue::Addresses(vec![Ipv4Addr::new(192, 168, 0, 1)]));
        assert_eq!(value("66,1.2.3.4"), OptionValue::Text(b"1.2.3.4".to_vec()));
        assert_eq!(value("252,a,b"), OptionValue::Text(b"a,b".to_vec()));
        assert_eq!(value("3"), OptionValue::Empty);
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
        let line = Line::parse("tag:!a,b,vendor:MSFT,2,1i").unwrap();
        assert_eq!(line.tests.iter().map(|test| test.negated).collect::<Vec<_>>(), [true, false]);
        assert_eq!((line.code, line.place), (2, Place::Vendor(b"MSFT".to_vec())));
        assert_eq!(Line::parse("encap:1,vendor:x,1,2").unwrap_err(), Fault::from("inappropriate vendor:"));
        assert_eq!(Line::parse("tag:a").unwrap_err(), Fault::from("bad dhcp-option"));
    }
}
