//! What the configuration does to the options of queries on their way upstream: `add-mac`, `add-subnet`, `add-cpe-id`, `umbrella`, `strip-subnet`,
//! `strip-mac`; and whose answers are nobody else's business for it.

use std::net::IpAddr;

use ipc::config::query::{self, AddMac, Subnet, Umbrella};
use ipc::link::HardwareAddress;

use crate::edns::{self, OPTION_SUBNET, Options};
use crate::query::Query;
use crate::wire::{Header, Question};

/// The option that carries a hardware address as it is.
const OPTION_MAC: u16 = 65001;
/// The option that carries a hardware address as text.
const OPTION_MAC_TEXT: u16 = 65073;
/// The option of `add-cpe-id`.
const OPTION_CPE_ID: u16 = 65074;
/// The option of `umbrella`.
const OPTION_UMBRELLA: u16 = 20292;

/// The rules.
#[derive(Debug)]
pub(crate) struct QueryRules {
    rules: query::QueryRules,
    /// Is there anything to do?
    edits: bool,
    udp_bytes: u16,
}

impl QueryRules {
    /// `udp_bytes` is `edns-packet-max`.
    pub fn new(rules: &query::QueryRules, udp_bytes: u16) -> QueryRules {
        let edits = rules.add_subnet.is_some()
            || rules.strip_subnet
            || rules.strip_mac
            || rules.add_mac.any()
            || rules.add_cpe_id.is_some()
            || rules.umbrella.is_some();
        QueryRules { rules: rules.clone(), edits, udp_bytes }
    }

    /// Is the answer to this query good only for those whose query goes upstream with the same options?
    pub fn makes_personal(&self, query: &Query<'_>) -> bool {
        let own_subnet = !self.rules.strip_subnet && query.opt.as_ref().is_some_and(|opt| opt.subnet);
        own_subnet
            || self.rules.umbrella.is_some()
            || matches!(self.subnet(query.client.address), Some(Subnet::OfClient(1..)))
            || self.hardware(query).is_some()
            || self.hardware_text(query).is_some()
    }

    /// `add-mac`: the client's hardware address as it is.
    fn hardware<'q>(&self, query: &'q Query<'_>) -> Option<&'q [u8]> {
        let known = query.facts.hardware.as_ref().filter(|_| self.rules.add_mac.binary);
        known.map(HardwareAddress::used)
    }

    /// `add-mac=text`, `add-mac=base64`: the same as text, if it is one of Ethernet's.
    fn hardware_text(&self, query: &Query<'_>) -> Option<String> {
        let bytes: [u8; 6] = query.facts.hardware.as_ref()?.used().try_into().ok()?;
        match self.rules.add_mac {
            AddMac { text: true, .. } => Some(bytes.map(|byte| format!("{byte:02x}")).join(":")),
            AddMac { base64: true, .. } => Some(base64(bytes)),
            _ => None,
        }
    }

    /// Appends a client's query in the form in which it goes upstream.
    pub fn append_forwarded(&self, out: &mut Vec<u8>, query: &Query<'_>) {
        let end = query.question.end;
        if self.edits {
            edns::append_edited(out, query.bytes, end, self.udp_bytes, &self.options(query));
        } else if query.client.tcp {
            // Over TCP the client's query goes on untouched.
            out.extend_from_slice(query.bytes);
        } else {
            edns::append_forwarded(out, query.bytes, end, self.udp_bytes);
        }
    }

    /// The options of a query on its way upstream: the client's that are neither stripped nor replaced, and ours.
    fn options(&self, query: &Query<'_>) -> Vec<u8> {
        let (rules, client) = (&self.rules, query.client.address);
        let mut options = Vec::new();
        let mut subnet = self.subnet(client);
        let (mut hardware, mut hardware_text) = (self.hardware(query), self.hardware_text(query));
        let sent = query.opt.as_ref().and_then(|opt| query.bytes.get(opt.options.clone())).unwrap_or_default();
        for (code, value) in Options(sent) {
            let goes = match code {
                OPTION_SUBNET => rules.strip_subnet,
                OPTION_MAC | OPTION_MAC_TEXT => rules.strip_mac,
                OPTION_CPE_ID => rules.add_cpe_id.is_some(),
                OPTION_UMBRELLA => rules.umbrella.is_some(),
                _ => false,
            };
            if !goes {
                // What the client says of itself goes before what we would say.
                subnet = subnet.filter(|_| code != OPTION_SUBNET);
                hardware = hardware.filter(|_| code != OPTION_MAC);
                hardware_text = hardware_text.filter(|_| code != OPTION_MAC_TEXT);
                append_option(&mut options, code, &[value]);
            }
        }
        if let Some(bytes) = hardware {
            append_option(&mut options, OPTION_MAC, &[bytes]);
        }
        if let Some(text) = hardware_text {
            append_option(&mut options, OPTION_MAC_TEXT, &[text.as_bytes()]);
        }
        if let Some(text) = &rules.add_cpe_id {
            append_option(&mut options, OPTION_CPE_ID, &[text.as_bytes()]);
        }
        if let Some(identifiers) = &rules.umbrella {
            append_umbrella(&mut options, identifiers, client);
        }
        match subnet {
            None => {}
            Some(Subnet::OfClient(length)) => append_subnet(&mut options, client, length),
            Some(Subnet::Constant(prefix)) => append_subnet(&mut options, prefix.address(), prefix.length()),
        }
        options
    }

    /// What `add-subnet` says of clients like this one. Where it says nothing of a family, upstreams hear of no bit of the address
    /// (RFC 7871, section 7.1.2), which also keeps them from naming its network themselves.
    fn subnet(&self, client: IpAddr) -> Option<Subnet> {
        let subnets = self.rules.add_subnet?;
        Some(if client.is_ipv4() { subnets.ipv4 } else { subnets.ipv6 }.unwrap_or(Subnet::OfClient(0)))
    }
}

/// Does a reply repeat the subnet of its query, if it names one at all (RFC 7871, section 7.3)? How far the answer holds is the upstream's
/// to say.
pub(crate) fn repeats_subnet(query: &[u8], reply: &[u8]) -> bool {
    let asked = options_of(query).find(|(code, _)| *code == OPTION_SUBNET).map(|(_, value)| value);
    options_of(reply).filter(|(code, _)| *code == OPTION_SUBNET).all(|(_, repeated)| {
        asked.is_some_and(|asked| {
            repeated.len() == asked.len() && repeated.get(..3) == asked.get(..3) && repeated.get(4..) == asked.get(4..)
        })
    })
}

fn options_of(message: &[u8]) -> Options<'_> {
    let opt = Header::read(message).zip(Question::read(message).ok());
    let opt = opt.and_then(|(header, question)| edns::find(message, question.end, &header));
    Options(opt.and_then(|opt| message.get(opt.options)).unwrap_or_default())
}

/// Family, length of the prefix, length for which an answer holds (0 in queries), and as many bytes as the prefix needs.
fn append_subnet(options: &mut Vec<u8>, address: IpAddr, length: u8) {
    let (family, mut octets) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    octets.truncate(usize::from(length.div_ceil(8)));
    if let Some(last) = octets.last_mut() {
        *last &= 0xff << (length.wrapping_neg() % 8);
    }
    append_option(options, OPTION_SUBNET, &[&[0, family, length, 0], &octets]);
}

/// Magic, version and flags, then items that begin with their kind.
fn append_umbrella(options: &mut Vec<u8>, identifiers: &Umbrella, client: IpAddr) {
    let mut value = b"ODNS\x01\0".to_vec();
    let mut item = |kind: u16, bytes: &[u8]| {
        value.extend_from_slice(&kind.to_be_bytes());
        value.extend_from_slice(bytes);
    };
    if identifiers.organization != 0 {
        item(0x0008, &identifiers.organization.to_be_bytes());
    }
    match client {
        IpAddr::V4(v4) => item(0x0010, &v4.octets()),
        IpAddr::V6(v6) => item(0x0020, &v6.octets()),
    }
    if let Some(device) = &identifiers.device {
        item(0x0040, device);
    }
    if identifiers.asset != 0 {
        item(0x0004, &identifiers.asset.to_be_bytes());
    }
    append_option(options, OPTION_UMBRELLA, &[&value]);
}

/// Six bytes as eight characters (RFC 4648, section 4).
fn base64(bytes: [u8; 6]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = bytes.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    (0..8).rev().map(|digit| char::from(DIGITS[(bits >> (6 * digit) & 0x3f) as usize])).collect()
}

/// Appends an option; one that is longer than options can be is left out.
fn append_option(options: &mut Vec<u8>, code: u16, parts: &[&[u8]]) {
    if let Ok(length) = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>()) {
        options.extend_from_slice(&code.to_be_bytes());
        options.extend_from_slice(&length.to_be_bytes());
        parts.iter().for_each(|part| options.extend_from_slice(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(address: &str, length: u8) -> Vec<u8> {
        let mut options = Vec::new();
        append_subnet(&mut options, address.parse().unwrap(), length);
        options
    }

    #[test]
    fn a_subnet_shows_no_bit_beyond_its_length() {
        assert_eq!(subnet("192.0.2.255", 25), [0, 8, 0, 8, 0, 1, 25, 0, 192, 0, 2, 128]);
        assert_eq!(subnet("192.0.255.77", 20), [0, 8, 0, 7, 0, 1, 20, 0, 192, 0, 240]);
        assert_eq!(subnet("192.0.2.255", 32)[8..], [192, 0, 2, 255]);
        assert_eq!(subnet("192.0.2.255", 0), [0, 8, 0, 4, 0, 1, 0, 0]);
        assert_eq!(subnet("2001:db8:ffff::", 33), [0, 8, 0, 9, 0, 2, 33, 0, 0x20, 1, 0x0d, 0xb8, 0x80]);
        assert_eq!(subnet("::1", 128).len(), 24);
    }

    #[test]
    fn six_bytes_are_eight_digits() {
        assert_eq!((base64(*b"foobar").as_str(), base64([0xff; 6]).as_str()), ("Zm9vYmFy", "////////"));
    }

    #[test]
    fn umbrella_identifiers_that_are_not_configured_are_left_out() {
        let device = Some([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
        let mut options = Vec::new();
        append_umbrella(&mut options, &Umbrella { device, organization: 1_234_567, asset: 6 }, [127, 0, 0, 1].into());
        let expected = b"\x4f\x44\0\x22ODNS\x01\0\0\x08\0\x12\xd6\x87\0\x10\x7f\0\0\x01\0\x40\x01\x23\x45\x67\x89\xab\xcd\xef\0\x04\0\0\0\x06";
        assert_eq!(options, expected);
        options.clear();
        append_umbrella(&mut options, &Umbrella::default(), IpAddr::from([0; 16]));
        assert_eq!(options.len(), 4 + 6 + 2 + 16);
    }

    #[test]
    fn a_reply_may_name_no_subnet_but_the_one_asked_about() {
        let message = |options: &[u8]| {
            let mut message = Vec::new();
            edns::append_edited(
                &mut message,
                b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01x\0\0\x01\0\x01",
                19,
                1232,
                options,
            );
            message
        };
        let asked = subnet("192.0.2.0", 24);
        let repeats = |options: &[u8]| repeats_subnet(&message(&asked), &message(options));
        assert!(repeats(&[]) && repeats(&[0, 8, 0, 7, 0, 1, 24, 20, 192, 0, 2]));
        for other in [subnet("192.0.3.0", 24), subnet("192.0.2.0", 23), subnet("2001:db8::", 24), vec![0, 8, 0, 1, 0]] {
            assert!(!repeats(&other) && !repeats(&[&asked[..], &other].concat()), "{other:?}");
        }
        assert!(!repeats_subnet(&message(&[]), &message(&asked)));
    }
}
