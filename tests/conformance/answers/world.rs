//! The pretend world behind the upstream: what a name has is written in its first label.

use std::net::{Ipv4Addr, Ipv6Addr};

use support::Answer;
use support::message::{A, AAAA, CNAME, PTR, Query, TXT, encode_name};

const MX: u16 = 15;
const NS: u16 = 2;
const SOA: u16 = 6;
const SRV: u16 = 33;
const NAPTR: u16 = 35;
const DNAME: u16 = 39;
const OPT: u16 = 41;
const DS: u16 = 43;
const RRSIG: u16 = 46;
const DNSKEY: u16 = 48;
const HTTPS: u16 = 65;
const SPF: u16 = 99;
const ANY: u16 = 255;
const CAA: u16 = 257;
const TTL_S: u32 = 300;

/// Kinds of names below `up.example`; a digit follows.
pub const KINDS: [&str; 58] = [
    "a",
    "aaaa",
    "both",
    "several",
    "private",
    "loop",
    "alias",
    "chain",
    "nx",
    "nxbare",
    "nodata",
    "bare",
    "fail",
    "refuse",
    "cut",
    "mail",
    "text",
    "service",
    "zero",
    "large",
    "self",
    "ring",
    "dangling",
    "denied",
    "nothing",
    "long",
    "toolong",
    "backward",
    "tolocal",
    "stranger",
    "glue",
    "authoritative",
    "norecursion",
    "code",
    "endless",
    "short",
    "missing",
    "tail",
    "knot",
    "other",
    "twice",
    "explained",
    "unasked",
    "without",
    "binding",
    "naptr",
    "caa",
    "raw",
    "pointer",
    "nameserver",
    "start",
    "shouting",
    "brief",
    "referral",
    "chaos",
    "unquestioned",
    "signed",
    "dname",
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
        // A chain that leads back.
        "self" => reply.record(None, CNAME, TTL_S, &encode_name(&name)),
        "ring" => {
            let back = format!("round{number}.up.example");
            reply.record(None, CNAME, TTL_S, &encode_name(&back));
            reply.record(Some(&back), CNAME, TTL_S, &encode_name(&name));
        }
        // One that leads nowhere: without a word, to what is not there, to what has nothing.
        "dangling" => reply.record(None, CNAME, TTL_S, &encode_name(&format!("bare{number}.up.example"))),
        "denied" => {
            reply.record(None, CNAME, TTL_S, &encode_name(&format!("nx{number}.up.example")));
            reply.rcode = 3;
            reply.authority("up.example");
        }
        "nothing" => {
            reply.record(None, CNAME, TTL_S, &encode_name(&format!("nodata{number}.up.example")));
            reply.authority("up.example");
        }
        "long" | "toolong" => {
            let links = if name.starts_with("long") { 5 + number } else { 10 + number };
            let mut owner = name.clone();
            for link in 0..links {
                let next = format!("link{link}-{number}.up.example");
                reply.record(Some(&owner), CNAME, TTL_S, &encode_name(&next));
                owner = next;
            }
            reply.addresses(Some(&owner), number, TTL_S, true, true);
        }
        "backward" => {
            reply.addresses(Some(&host), number, TTL_S, true, true);
            reply.record(None, CNAME, TTL_S, &encode_name(&host));
        }
        "tolocal" => reply.record(None, CNAME, TTL_S, &encode_name("box.lan")),
        "stranger" => {
            reply.addresses(Some("stranger.up.example"), 9, TTL_S, true, true);
            reply.addresses(None, number, TTL_S, true, true);
        }
        "glue" | "referral" => {
            if name.starts_with("glue") {
                reply.addresses(None, number, TTL_S, true, true);
            }
            reply.append(Some("up.example"), NS, TTL_S, &encode_name("ns1.up.example"));
            reply.authorities += 1;
            reply.append(Some("ns1.up.example"), A, TTL_S, &[198, 18, 0, 1]);
            reply.additionals += 1;
        }
        "authoritative" => {
            reply.flags |= 0x0400;
            reply.addresses(None, number, TTL_S, true, true);
        }
        "norecursion" => {
            reply.recursion_available = false;
            reply.addresses(None, number, TTL_S, true, true);
        }
        "code" => reply.rcode = [1, 4, 6, 9, 10, 15][usize::from(number % 6)],
        "endless" => reply.addresses(
            None,
            number,
            [0x7fff_ffff, 0x8000_0000, u32::MAX, 604_801][usize::from(number % 4)],
            true,
            true,
        ),
        "short" if query.kind == A && query.head().ends_with(&[0, 1]) => reply.record(None, A, TTL_S, &[198, 18, 0]),
        "missing" => {
            reply.addresses(None, number, TTL_S, true, true);
            reply.answers += 1;
        }
        "tail" => {
            reply.addresses(None, number, TTL_S, true, true);
            reply.tail = b"behind";
        }
        "knot" => {
            reply.addresses(None, number, TTL_S, true, true);
            // The owner is a pointer to itself.
            let at = 0xc000 | u16::try_from(query.head().len() + reply.records.len()).expect("a short reply");
            reply.records.extend(at.to_be_bytes());
            reply.records.extend(b"\0\x01\0\x01\0\0\0\x09\0\x04\x01\x02\x03\x04");
            reply.answers += 1;
        }
        "other" => {
            reply.addresses(None, number, TTL_S, true, true);
            // Another question than was asked.
            reply.twist = Some(13);
        }
        "unquestioned" => reply.question = false,
        "twice" => {
            reply.addresses(None, number, TTL_S, true, true);
            reply.addresses(None, number, 200, true, true);
        }
        "explained" | "unasked" | "without" => {
            reply.addresses(None, number, TTL_S, true, number.is_multiple_of(2));
            match &name[..kind_end] {
                "explained" => reply.options = b"\0\x0f\0\x06\0\x12said\0\x0a\0\x08abcdefgh",
                "unasked" => reply.edns = Some(true),
                _ => reply.edns = Some(false),
            }
        }
        "binding" if reply.wants(HTTPS) => {
            reply.record(None, HTTPS, TTL_S, &[&[0, 1][..], &encode_name(&host), b"\0\x03\0\x02\x01\xbb"].concat());
        }
        "naptr" if reply.wants(NAPTR) => {
            let rdata = [b"\0\x01\0\x02\x01s\x07SIP+D2U\0", &encode_name(&host)[..]].concat();
            reply.record(None, NAPTR, TTL_S, &rdata);
        }
        "caa" if reply.wants(CAA) => reply.record(None, CAA, TTL_S, b"\0\x05issueca.example"),
        // Whatever is asked for, unless names are in it: where those cannot be read, the reference leaves its own OPT record in.
        "raw" if query.kind > CAA || [DS, DNSKEY, SPF].contains(&query.kind) => {
            reply.record(None, query.kind, TTL_S, &[number, 2, 3, 4])
        }
        "pointer" if reply.wants(PTR) => reply.record(None, PTR, TTL_S, &encode_name(&host)),
        "nameserver" if reply.wants(NS) => reply.record(None, NS, TTL_S, &encode_name(&host)),
        "start" if reply.wants(SOA) => {
            reply.start_of_authority(None);
            (reply.answers, reply.authorities) = (1, 0);
        }
        "shouting" => {
            let owner = name.to_ascii_uppercase();
            reply.record(Some(&owner), CNAME, TTL_S, &encode_name(&host.to_ascii_uppercase()));
            reply.addresses(Some(&host), number, TTL_S, true, true);
        }
        // A denial whose SOA lives shorter than it says denials do.
        "brief" => {
            reply.soa_ttl_s = 30;
            reply.rcode = if number < 3 { 3 } else { 0 };
            reply.authority("up.example");
        }
        "chaos" if reply.wants(A) => {
            reply.class = 3;
            reply.record(None, A, TTL_S, &[198, 18, 0, number]);
        }
        "signed" => {
            reply.addresses(None, number, TTL_S, true, true);
            let covered = query.kind.to_be_bytes();
            let rdata = [
                &covered[..],
                b"\x0d\x02\0\0\x01\x2c\x70\0\0\0\x60\0\0\0\0\x07",
                &encode_name("up.example"),
                b"signature",
            ]
            .concat();
            reply.record(None, RRSIG, TTL_S, &rdata);
        }
        "dname" => {
            reply.record(Some("example"), DNAME, TTL_S, &encode_name("example"));
            reply.record(None, CNAME, TTL_S, &encode_name(&host));
            reply.addresses(Some(&host), number, TTL_S, true, true);
        }
        "text" if reply.wants(TXT) => reply.record(None, TXT, TTL_S, b"\x05hello\x05world"),
        "service" if reply.wants(SRV) => {
            reply.record(None, SRV, TTL_S, &[&[0, 1, 0, 2, 0, number][..], &encode_name(&host)].concat());
        }
        _ => {}
    }
    let silent = ["bare", "dangling", "referral", "unquestioned"].iter().any(|kind| name.starts_with(kind));
    if reply.answers + reply.authorities == 0 && reply.rcode == 0 && !silent && reply.flags & 0x0200 == 0 {
        reply.authority("up.example");
    }
    reply.done()
}

struct Reply<'q> {
    query: &'q Query,
    records: Vec<u8>,
    answers: u16,
    authorities: u16,
    additionals: u16,
    rcode: u16,
    flags: u16,
    recursion_available: bool,
    class: u16,
    soa_ttl_s: u32,
    /// Is there an OPT record, whatever was asked?
    edns: Option<bool>,
    options: &'static [u8],
    /// Is the question repeated?
    question: bool,
    /// A byte of the question that is not as it was asked.
    twist: Option<usize>,
    /// What stands behind the last record.
    tail: &'static [u8],
}

impl Reply<'_> {
    fn new(query: &Query) -> Reply<'_> {
        Reply {
            query,
            records: Vec::new(),
            answers: 0,
            authorities: 0,
            additionals: 0,
            rcode: 0,
            flags: 0,
            recursion_available: true,
            class: 1,
            soa_ttl_s: 600,
            edns: None,
            options: b"",
            question: true,
            twist: None,
            tail: b"",
        }
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
        self.append(zone, SOA, self.soa_ttl_s, &data);
        self.authorities += 1;
    }

    fn append(&mut self, owner: Option<&str>, kind: u16, ttl_s: u32, data: &[u8]) {
        match owner {
            None => self.records.extend([0xc0, 12]),
            Some(owner) => self.records.extend(encode_name(owner)),
        }
        self.records.extend(kind.to_be_bytes());
        self.records.extend(self.class.to_be_bytes());
        self.records.extend(ttl_s.to_be_bytes());
        self.records.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
        self.records.extend(data);
    }

    fn done(mut self) -> Answer {
        let head = self.query.head();
        let asked = u16::from_be_bytes([head[2], head[3]]);
        // QR and mostly RA; RD and CD as asked.
        let available = if self.recursion_available { 0x0080 } else { 0 };
        let flags = 0x8000 | available | asked & 0x0110 | self.flags | self.rcode;
        let edns = self.edns.unwrap_or(self.query.edns);
        if edns {
            self.records.extend([0]);
            self.records.extend(OPT.to_be_bytes());
            self.records.extend([0x10, 0, 0, 0, 0, 0]);
            self.records.extend(u16::try_from(self.options.len()).expect("short options").to_be_bytes());
            self.records.extend(self.options);
        }
        let mut message = head.to_vec();
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        if let Some(at) = self.twist {
            message[at] ^= 1;
        }
        if !self.question {
            message.truncate(12);
            message[5] = 0;
        }
        let additionals = self.additionals + u16::from(edns);
        for (at, count) in [(6, self.answers), (8, self.authorities), (10, additionals)] {
            message[at..at + 2].copy_from_slice(&count.to_be_bytes());
        }
        message.extend(&self.records);
        message.extend(self.tail);
        if message.len() > 600 && !self.query.tcp {
            // What does not fit is cut.
            message.truncate(head.len());
            message[2] |= 2;
            message[6..12].fill(0);
        }
        Answer::Message(message)
    }
}
