//! Values of DHCP options. The type of a value comes from the option's number or name, else from its looks.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::client_tag::MatchValue;
use ipc::config::dhcp::OptionValue;
use serde::Serialize;

use super::blame::At as _;
use super::dhcp_option::{Purpose, Selector, VALUE_BYTES_MAX, bad_option};
use super::dhcp_option_names::Kind;
use super::fault::Fault;
use super::number::{loose, seconds};
use super::text::{fields, reveal, split};
use super::{hex, name};

/// The option whose names and addresses have a byte in front that tells them apart (RFC 3361).
const SIP_SERVER: i32 = 120;
/// DHCPv6 option that is addresses, names or bytes (RFC 5908).
const NTP_SERVER_6: i32 = 56;
/// Its suboption that holds a name (RFC 5908 section 4.3).
const NTP_SUBOPTION_NAME: u16 = 3;

/// What an option of DHCPv6 is to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum OptionValue6 {
    /// Nothing. For dns-server and information-refresh-time: the built-in default is not sent.
    Empty,
    /// Addresses, of which `::`, `fd00::` and `fe80::` stand for our global, unique local and link-local one. In option 56
    /// each goes into a suboption of its own (RFC 5908 section 4).
    Addresses(Vec<Ipv6Addr>),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

/// A value, before it is known what for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Nothing was written.
    Empty,
    /// Hexadecimal.
    Hex(Vec<Option<u8>>),
    /// A number, or routes, or the like, in wire form.
    Bytes(Vec<u8>),
    /// IPv4 addresses.
    Addresses(Vec<Ipv4Addr>),
    /// IPv6 addresses.
    Addresses6(Vec<Ipv6Addr>),
    /// Names or strings in wire form.
    Coded(Vec<u8>),
    /// Text.
    Text(Vec<u8>),
}

impl Typed {
    /// How long it is on the wire.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Typed::Empty => 0,
            Typed::Hex(bytes) => bytes.len(),
            Typed::Addresses(addresses) => addresses.len() * 4,
            Typed::Addresses6(addresses) => addresses.len() * 16,
            Typed::Bytes(bytes) | Typed::Coded(bytes) | Typed::Text(bytes) => bytes.len(),
        }
    }

    /// For an option that DHCPv4 sends.
    pub(crate) fn into_option4(self) -> OptionValue {
        match self {
            Typed::Empty => OptionValue::Empty,
            Typed::Addresses(addresses) => OptionValue::Addresses(addresses),
            Typed::Text(bytes) => OptionValue::Text(bytes),
            other => OptionValue::Bytes(other.into_bytes()),
        }
    }

    /// For an option that DHCPv6 sends.
    pub(crate) fn into_option6(self) -> OptionValue6 {
        match self {
            Typed::Empty => OptionValue6::Empty,
            Typed::Addresses6(addresses) => OptionValue6::Addresses(addresses),
            other => OptionValue6::Bytes(other.into_bytes()),
        }
    }

    /// For an option that is recognized. An empty value is contained in every one.
    pub(crate) fn into_match(self) -> MatchValue {
        match self {
            Typed::Empty => MatchValue::Present,
            Typed::Hex(pattern) => MatchValue::Beginning(pattern),
            Typed::Text(bytes) if bytes.is_empty() => MatchValue::Present,
            Typed::Text(bytes) | Typed::Coded(bytes) => MatchValue::Containing(bytes),
            other => MatchValue::Element(other.into_bytes()),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Typed::Empty => Vec::new(),
            // Only what is recognized has holes.
            Typed::Hex(pattern) => pattern.into_iter().flatten().collect(),
            Typed::Addresses(addresses) => addresses.iter().flat_map(Ipv4Addr::octets).collect(),
            Typed::Addresses6(addresses) => addresses.iter().flat_map(Ipv6Addr::octets).collect(),
            Typed::Bytes(bytes) | Typed::Coded(bytes) | Typed::Text(bytes) => bytes,
        }
    }
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
    fn of(text: &'a str, purpose: Purpose) -> Looks<'a> {
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
                    looks.hex &= character.is_ascii_hexdigit() || (character == '*' && purpose == Purpose::Match);
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

/// Turns text into a value. `plain`: not encapsulated.
pub(crate) fn typed(text: &str, selector: &Selector, plain: bool, purpose: Purpose) -> Result<Typed, Fault> {
    let mut looks = Looks::of(text, purpose);
    match selector.kind {
        Kind::Addresses if selector.six && !looks.ip6 => {
            return Err(Fault::from("bad IPv6 address").at(text, "IPv6 addresses"));
        }
        Kind::Addresses if !selector.six && (!looks.ip4 || !looks.dot) => {
            return Err(Fault::from("bad IP address").at(text, "IPv4 addresses"));
        }
        Kind::Text | Kind::Names | Kind::Strings => {
            (looks.decimal, looks.hex, looks.ip4, looks.ip6) = (false, false, false, false);
        }
        _ => {}
    }
    let ntp_6 = selector.six && selector.code == NTP_SERVER_6;
    if selector.kind == Kind::Time && looks.digit {
        return Ok(Typed::Bytes(seconds(text).to_be_bytes().to_vec()));
    }
    if looks.hex && looks.colon && !(selector.six && looks.ip6 && selector.kind == Kind::Addresses) {
        return hex::pattern(looks.text).map(Typed::Hex).ok_or_else(bad_option).at(text, "bytes in hexadecimal");
    }
    if looks.decimal {
        return Ok(Typed::Bytes(decimal(&looks, selector.kind)));
    }
    if looks.ip4 && !selector.six {
        return ip4_list(text, selector, plain);
    }
    if selector.six && looks.ip6 {
        return ip6_list(text);
    }
    if ntp_6 {
        return ntp_names(text).map(Typed::Coded);
    }
    match (selector.kind, selector.six) {
        (Kind::Names, true) => names(text).map(Typed::Coded),
        (Kind::Strings, true) => counted_strings(text).map(Typed::Coded),
        (kind, false) if kind == Kind::Names || (plain && selector.code == SIP_SERVER) => {
            let mut bytes = if selector.code == SIP_SERVER { vec![0] } else { Vec::new() };
            let start = bytes.len();
            compressed_names(text, start, &mut bytes)?;
            Ok(Typed::Coded(bytes))
        }
        _ => Ok(Typed::Text(reveal(text))),
    }
}

fn decimal(looks: &Looks<'_>, kind: Kind) -> Vec<u8> {
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
    value.to_be_bytes()[4 - width..].to_vec()
}

/// Addresses; `ADDRESS/LENGTH` becomes the length and the significant bytes (RFC 3442), and then all is bytes.
fn ip4_list(text: &str, selector: &Selector, plain: bool) -> Result<Typed, Fault> {
    let bad = || Fault::from("bad IPv4 address");
    let mut addresses = Vec::new();
    let mut bytes = if selector.code == SIP_SERVER && plain { vec![1] } else { Vec::new() };
    let mut as_bytes = !bytes.is_empty();
    for field in fields(text) {
        let (address, length) = split(field, '/');
        let address: Ipv4Addr = address.parse().map_err(|_| bad()).at(address, "an IPv4 address")?;
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
    Ok(if as_bytes { Typed::Bytes(bytes) } else { Typed::Addresses(addresses) })
}

fn ip6_list(text: &str) -> Result<Typed, Fault> {
    let addresses = fields(text).map(|field| {
        let field = field.strip_prefix('[').unwrap_or(field);
        let field = field.strip_suffix(']').unwrap_or(field);
        field.parse().map_err(|_| Fault::from("bad IPv6 address")).at(field, "an IPv6 address")
    });
    addresses.collect::<Result<_, _>>().map(Typed::Addresses6)
}

/// One name in wire form (RFC 1035 section 3.1), without compression (RFC 8415 section 10).
fn name(text: &str) -> Result<Vec<u8>, Fault> {
    let domain = name::domain(text, Fault::from("bad domain in dhcp-option"))?;
    let mut bytes = Vec::with_capacity(domain.len() + 2);
    // An empty label inside a name would end it.
    for label in domain.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    Ok(bytes)
}

fn names(text: &str) -> Result<Vec<u8>, Fault> {
    let names = fields(text).map(name).collect::<Result<Vec<_>, _>>()?;
    Ok(names.concat())
}

/// Names, each in a suboption of its own.
fn ntp_names(text: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    for field in fields(text) {
        bytes.extend(NTP_SUBOPTION_NAME.to_be_bytes());
        push_counted(&name(field)?, &mut bytes)?;
    }
    Ok(bytes)
}

/// Strings, each with its length in front (RFC 5970 section 3.2).
fn counted_strings(text: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    fields(text).try_for_each(|field| push_counted(&reveal(field), &mut bytes))?;
    Ok(bytes)
}

fn push_counted(string: &[u8], bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let length = u16::try_from(string.len()).map_err(|_| Fault::from("dhcp-option too long"))?;
    bytes.extend(length.to_be_bytes());
    bytes.extend(string);
    Ok(())
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
