//! The pretend world behind the upstream: what a name has is written in its first label.

use std::net::{Ipv4Addr, Ipv6Addr};

use support::Answer;
use support::message::{A, AAAA, CNAME, PTR, Query, TXT, encode_name};

const MX: u16 = 15;
const SRV: u16 = 33;
const ANY: u16 = 255;
const OPT: u16 = 41;
const SOA: u16 = 6;
const TTL_S: u32 = 300;

/// Kinds of names below `up.example`; a digit follows.
pub const KINDS: [&str; 20] = [
    "a", "aaaa", "both", "several", "private", "loop", "alias", "chain", "nx", "nxbare", "nodata", "bare", "fail",
    "refuse", "cut", "mail", "text", "service", "zero", "large",
];

/// Answers as the world is.
pub fn answer(query: &Query) -> Answer {
    let name = query.name.to_ascii_lowercase();
    let mut reply = Reply::new(query);
    if ["", "arpa", "in-addr.arpa", "example", "up.example"].contains(&name.as_str()) {
        if query.kind == SOA {
            reply.start_of_authority(None);
            (reply.answers, reply.authorities) = (1, 0);
        } else {
            reply.authority(&name);
        }
        return reply.done();
    }
    if name.ends_with(".arpa") {
        match name.strip_suffix(".0.18.198.in-addr.arpa") {
            Some(number) if query.kind == PTR => {
                reply.record(None, PTR, TTL_S, &encode_name(&format!("host{number}.up.example")))
            }
            Some(_) => reply.authority("in-addr.arpa"),
            None => {
                reply.rcode = 3;
                reply.authority("in-addr.arpa");
            }
        }
        return reply.done();
    }
    let kind_end = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let number = name[kind_end..].bytes().next().filter(u8::is_ascii_digit).map_or(0, |digit| digit - b'0');
    if !name.ends_with(".up.example") || name.matches('.').count() != 2 {
        reply.rcode = 3;
        reply.authority(if name.ends_with("example") { "example" } else { "" });
        return reply.done();
    }
    // Some of it is said to be secure.
    reply.flags |= if number == 3 { 0x0020 } else { 0 };
    let host = format!("both{number}.up.example");
    match &name[..kind_end] {
        "fail" => reply.rcode = 2,
        "refuse" => reply.rcode = 5,
        "nx" => {
            reply.rcode = 3;
            reply.authority("up.example");
        }
        "nxbare" => reply.rcode = 3,
        "bare" => {}
        "cut" if !query.tcp => reply.flags |= 0x0200,
        "alias" => {
            reply.record(None, CNAME, TTL_S, &encode_name(&host));
            reply.addresses(Some(&host), number, TTL_S, true, true);
        }
        "chain" => {
            let (first, second) = (format!("alias{number}.up.example"), host.as_str());
            reply.record(None, CNAME, 120, &encode_name(&first));
            reply.record(Some(&first), CNAME, 60, &encode_name(second));
            reply.addresses(Some(second), number, TTL_S, true, true);
        }
        "a" | "cut" => reply.addresses(None, number, TTL_S, true, false),
        "aaaa" => reply.addresses(None, number, TTL_S, false, true),
        "both" => reply.addresses(None, number, TTL_S, true, true),
        "zero" => reply.addresses(None, number, 0, true, true),
        "several" | "large" => {
            let count = if name.starts_with("large") { 60 } else { 4 };
            for number in 0..count {
                reply.addresses(None, number, TTL_S, true, true);
            }
        }
        "private" => {
            if reply.wants(A) {
                reply.record(None, A, TTL_S, &[192, 168, 7, number]);
            }
            if reply.wants(AAAA) {
                reply.record(None, AAAA, TTL_S, &Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number.into()).octets());
            }
        }
        "loop" if reply.wants(A) => reply.record(None, A, TTL_S, &[127, 0, 0, number]),
        "mail" => {
            if reply.wants(MX) {
                reply.record(None, MX, TTL_S, &[&[0, number][..], &encode_name(&host)].concat());
            }
            reply.addresses(None, number, TTL_S, true, false);
        }
        "text" if reply.wants(TXT) => reply.record(None, TXT, TTL_S, b"\x05hello\x05world"),
        "service" if reply.wants(SRV) => {
            reply.record(None, SRV, TTL_S, &[&[0, 1, 0, 2, 0, number][..], &encode_name(&host)].concat());
        }
        _ => {}
    }
    if reply.answers == 0 && reply.rcode == 0 && !name.starts_with("bare") && reply.flags & 0x0200 == 0 {
        reply.authority("up.example");
    }
    reply.done()
}

struct Reply<'q> {
    query: &'q Query,
    records: Vec<u8>,
    answers: u16,
    authorities: u16,
    rcode: u16,
    flags: u16,
}

impl Reply<'_> {
    fn new(query: &Query) -> Reply<'_> {
        Reply { query, records: Vec::new(), answers: 0, authorities: 0, rcode: 0, flags: 0 }
    }

    fn wants(&self, kind: u16) -> bool {
        self.query.kind == kind || self.query.kind == ANY
    }

    fn addresses(&mut self, owner: Option<&str>, number: u8, ttl_s: u32, v4: bool, v6: bool) {
        if v4 && self.wants(A) {
            self.record(owner, A, ttl_s, &Ipv4Addr::new(198, 18, 0, number).octets());
        }
        if v6 && self.wants(AAAA) {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0x18, 0, 0, 0, 0, number.into());
            self.record(owner, AAAA, ttl_s, &address.octets());
        }
    }

    fn record(&mut self, owner: Option<&str>, kind: u16, ttl_s: u32, data: &[u8]) {
        self.append(owner, kind, ttl_s, data);
        self.answers += 1;
    }

    fn authority(&mut self, zone: &str) {
        self.start_of_authority(Some(zone));
    }

    fn start_of_authority(&mut self, zone: Option<&str>) {
        let numbers: Vec<u8> = [7_u32, 3600, 900, 604_800, 60].into_iter().flat_map(u32::to_be_bytes).collect();
        let data = [encode_name("ns1.up.example"), encode_name("hostmaster.up.example"), numbers].concat();
        self.append(zone, SOA, 600, &data);
        self.authorities += 1;
    }

    fn append(&mut self, owner: Option<&str>, kind: u16, ttl_s: u32, data: &[u8]) {
        match owner {
            None => self.records.extend([0xc0, 12]),
            Some(owner) => self.records.extend(encode_name(owner)),
        }
        self.records.extend(kind.to_be_bytes());
        self.records.extend([0, 1]);
        self.records.extend(ttl_s.to_be_bytes());
        self.records.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
        self.records.extend(data);
    }

    fn done(mut self) -> Answer {
        let head = self.query.head();
        let asked = u16::from_be_bytes([head[2], head[3]]);
        // QR and RA; RD and CD as asked.
        let flags = 0x8080 | asked & 0x0110 | self.flags | self.rcode;
        let edns = self.query.edns;
        if edns {
            self.records.extend([0]);
            self.records.extend(OPT.to_be_bytes());
            self.records.extend([0x10, 0, 0, 0, 0, 0, 0, 0]);
        }
        let mut message = head.to_vec();
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        for (at, count) in [(6, self.answers), (8, self.authorities), (10, u16::from(edns))] {
            message[at..at + 2].copy_from_slice(&count.to_be_bytes());
        }
        message.extend(&self.records);
        if message.len() > 600 && !self.query.tcp {
            // What does not fit is cut.
            message.truncate(head.len());
            message[2] |= 2;
            message[6..12].fill(0);
        }
        Answer::Message(message)
    }
}
