//! The addresses that a record of a reply leads its reader to, and whether they lie inside (`stop-dns-rebind`).
//!
//! dnsmasq looks at answers to questions for A and AAAA only. Browsers take addresses from HTTPS records too (RFC 9460), and an IPv6 address may
//! be an IPv4 address in disguise. Answers to ANY pass, as in dnsmasq: nobody connects by them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::arpa;
use crate::name::Name;
use crate::wire::{IN, Record, rtype, u16_at};

const SVCB: u16 = 64;
const HTTPS: u16 = 65;
/// Keys of SVCB parameters (RFC 9460, section 14.3.2).
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;

/// Are addresses taken from answers to questions of this type?
pub(crate) fn is_followed(qtype: u16) -> bool {
    matches!(qtype, rtype::A | rtype::AAAA | SVCB | HTTPS)
}

/// Does this record lead to an address for which `inside` holds?
pub(crate) fn leads(message: &[u8], record: &Record, inside: impl Fn(IpAddr) -> bool) -> bool {
    let Some(rdata) = message.get(record.rdata.clone()).filter(|_| record.class == IN) else { return false };
    match record.rtype {
        rtype::A => addresses::<4>(rdata).any(inside),
        rtype::AAAA => addresses::<16>(rdata).any(inside),
        SVCB | HTTPS => hints(message, record).any(inside),
        _ => false,
    }
}

/// Is this address private, or does it carry a private IPv4 address?
pub(crate) fn is_inside(address: IpAddr) -> bool {
    arpa::is_private(address) || disguised(address).is_some_and(|v4| arpa::is_private(v4.into()))
}

/// The IPv4 address that packets to this IPv6 address end up at: IPv4-compatible (RFC 4291, section 2.5.5.1), 6to4 (RFC 3056), and NAT64
/// with the well-known prefix (RFC 6052) or the local one (RFC 8215), of which the usual cut at 96 bits is taken.
fn disguised(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let (segments, octets) = (v6.segments(), v6.octets());
    let four = |at: usize| octets.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok()).map(Ipv4Addr::from);
    match segments {
        [0x2002, ..] => four(2),
        [0, 0, 0, 0, 0, 0, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, ..] | [0x0064, 0xff9b, 1, ..] => four(12),
        _ => None,
    }
}

/// Whole addresses of so many octets, one after another.
fn addresses<const OCTETS: usize>(bytes: &[u8]) -> impl Iterator<Item = IpAddr> {
    bytes.chunks_exact(OCTETS).filter_map(|octets| match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(Ipv6Addr::from).map(IpAddr::from),
    })
}

/// The address hints of a service record: priority, target name, then parameters of key, length and value.
fn hints<'a>(message: &'a [u8], record: &Record) -> impl Iterator<Item = IpAddr> + 'a {
    let after_name = Name::read(message, record.rdata.start + 2).ok().map(|(_, end)| end);
    let mut rest = after_name.and_then(|at| message.get(at..record.rdata.end)).unwrap_or_default();
    let parameters = std::iter::from_fn(move || {
        let (key, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let (value, after) = rest.get(4..)?.split_at_checked(length)?;
        rest = after;
        Some((key, value))
    });
    parameters.flat_map(|(key, value)| {
        let v4 = addresses::<4>(if key == IPV4_HINT { value } else { &[] });
        v4.chain(addresses::<16>(if key == IPV6_HINT { value } else { &[] }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rtype: u16, rdata: &[u8]) -> (Vec<u8>, Record) {
        let message = [b"\x01x\0", rdata].concat();
        let record = Record { start: 0, rtype, class: IN, ttl: 0, ttl_at: 0, rdata: 3..message.len() };
        (message, record)
    }

    #[test]
    fn disguises_of_private_addresses_are_seen_through() {
        for inside in ["::10.0.0.1", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1"] {
            assert!(is_inside(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::", "64:ff9b::8.8.8.8", "2606:4700::1111", "8.8.8.8"]
        {
            assert!(!is_inside(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn hints_are_found_among_other_parameters() {
        let rdata = b"\0\x01\0\0\x01\0\x03\x02h2\0\x04\0\x08\x08\x08\x08\x08\x0a\0\0\x01";
        let (message, service) = record(HTTPS, rdata);
        assert!(leads(&message, &service, is_inside));
        let seen: Vec<IpAddr> = hints(&message, &service).collect();
        assert_eq!(seen, [IpAddr::from([8, 8, 8, 8]), IpAddr::from([10, 0, 0, 1])]);
        let (message, cut) = record(HTTPS, &rdata[..rdata.len() - 1]);
        assert!(!leads(&message, &cut, is_inside));
        let (message, v6) = record(SVCB, b"\0\x01\x01y\0\0\x06\0\x10\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01");
        assert!(leads(&message, &v6, is_inside));
    }
}
