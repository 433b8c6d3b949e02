//! Public names with private addresses (`stop-dns-rebind`), in every dress.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::RecordType;

use crate::craft::{self, A, AAAA, CNAME, REPLY, record, wire};
use crate::lab::{Lab, a, addresses, cname, query, slice};

const HTTPS: u16 = 65;
/// IANA's special-purpose registries, and what operating systems make of 0.0.0.0.
const PRIVATE_V4: [[u8; 4]; 16] = [
    [0, 0, 0, 0],
    [0, 1, 2, 3],
    [10, 0, 0, 1],
    [10, 255, 255, 255],
    [100, 64, 0, 1],
    [100, 127, 255, 255],
    [127, 0, 0, 1],
    [127, 255, 255, 254],
    [169, 254, 169, 254],
    [172, 16, 0, 1],
    [172, 31, 255, 255],
    [192, 168, 0, 1],
    [192, 0, 2, 1],
    [198, 51, 100, 1],
    [203, 0, 113, 1],
    [255, 255, 255, 255],
];
const PRIVATE_V6: [&str; 12] = [
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "fc00::1",
    "fd12:3456::1",
    "fdff::1",
    "2001:db8::1",
    "64:ff9b:1::a00:1",
    "64:ff9b:1::7f00:1",
];
const PUBLIC: [&str; 8] = [
    "8.8.8.8",
    "100.128.0.1",
    "172.32.0.1",
    "169.253.0.1",
    "2606:4700::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
];

/// Every form of every private address, as RDATA.
fn forms() -> Vec<(u16, Vec<u8>)> {
    let mut forms: Vec<(u16, Vec<u8>)> = Vec::new();
    for octets in PRIVATE_V4 {
        let v4 = Ipv4Addr::from(octets);
        let [a, b, c, d] = octets.map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        forms.push((A, octets.to_vec()));
        for v6 in [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            forms.push((AAAA, v6.octets().to_vec()));
        }
    }
    forms.extend(PRIVATE_V6.map(|text| (AAAA, text.parse::<Ipv6Addr>().unwrap().octets().to_vec())));
    forms
}

fn lab() -> Lab {
    let mut stopping = slice(&["192.0.2.1:53"]);
    stopping.replies.stop_rebind = true;
    Lab::new(stopping)
}

/// The answers to a question of this type when upstream has these records.
fn heard(lab: &mut Lab, rtype: u16, records: &[Vec<u8>]) -> usize {
    lab.sent.clear();
    lab.replies.clear();
    let mut bytes = query(7, "www.evil.test.", RecordType::A);
    let at = bytes.len() - 4;
    bytes[at..at + 2].copy_from_slice(&rtype.to_be_bytes());
    lab.datagram(5353, &bytes);
    let sent = lab.sent.remove(0);
    lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [records, &[], &[]]));
    let (_, reply) = lab.replies.pop().unwrap();
    assert_eq!(reply[3] & 0x0f, 0, "NOERROR");
    usize::from(u16::from_be_bytes([reply[6], reply[7]]))
}

fn hint(rtype: u16, rdata: &[u8]) -> Vec<u8> {
    let key = if rtype == A { 4 } else { 6 };
    let hints = [&[0, 1, 0, 0, 1, 0, 3, 2, b'h', b'2', 0, key, 0, rdata.len() as u8][..], rdata].concat();
    record(&[0xc0, 12], HTTPS, 0, &hints)
}

/// A10: sixty forms and more, alone, behind an alias, beside an innocent address, and as a hint.
#[test]
fn a10_no_private_address_comes_through_in_any_form() {
    let mut lab = lab();
    let forms = forms();
    assert!(forms.len() >= 60);
    for (rtype, rdata) in &forms {
        let own = |owner: &[u8]| record(owner, *rtype, 0, rdata);
        let alias = || record(&[0xc0, 12], CNAME, 0, &wire("hidden.test"));
        let innocent = || record(&[0xc0, 12], *rtype, 0, &if *rtype == A { vec![8; 4] } else { vec![0x26; 16] });
        for (what, asked, records) in [
            ("alone", *rtype, vec![own(&[0xc0, 12])]),
            ("behind an alias", *rtype, vec![alias(), own(&wire("hidden.test"))]),
            ("second", *rtype, vec![innocent(), own(&[0xc0, 12])]),
            ("as a hint", HTTPS, vec![hint(*rtype, rdata)]),
        ] {
            assert_eq!(heard(&mut lab, asked, &records), 0, "{rdata:?} {what}");
        }
    }
    let warned =
        lab.take_lines().iter().filter(|line| line.starts_with("possible DNS-rebind attack detected: ")).count();
    assert_eq!(warned, 4 * forms.len());
    for text in PUBLIC {
        let address: std::net::IpAddr = text.parse().unwrap();
        let (rtype, rdata) = match address {
            std::net::IpAddr::V4(v4) => (A, v4.octets().to_vec()),
            std::net::IpAddr::V6(v6) => (AAAA, v6.octets().to_vec()),
        };
        assert_eq!(heard(&mut lab, rtype, &[record(&[0xc0, 12], rtype, 0, &rdata)]), 1, "{text} is public");
        assert_eq!(heard(&mut lab, HTTPS, &[hint(rtype, &rdata)]), 1, "{text} is public");
    }
}

/// A10: a public alias of a name that is known here does not lead to its address.
#[test]
fn a10_a_public_alias_of_a_local_name_gets_no_local_address() {
    let mut stopping = slice(&["192.0.2.1:53"]);
    stopping.replies.stop_rebind = true;
    let mut lab = Lab::with_hosts(stopping, "10.0.0.1 printer.lan\n");
    for _ in 0..2 {
        let reply = lab.resolve("www.evil.test.", RecordType::A, |m| {
            m.add_answer(cname("www.evil.test.", 300, "printer.lan."));
        });
        assert_eq!(addresses(&reply), [] as [&str; 0]);
    }
}

/// A10: an answer that was emptied is not in the cache, neither private nor empty.
#[test]
fn a10_what_was_emptied_is_not_kept() {
    let mut lab = lab();
    for _ in 0..2 {
        let reply = lab.resolve("www.evil.test.", RecordType::A, |m| {
            m.add_answer(a("www.evil.test.", 300, [10, 0, 0, 1]));
        });
        assert!(reply.answers.is_empty());
    }
}
