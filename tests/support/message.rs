//! Just enough of the DNS wire format (RFC 1035 section 4) to ask a question or to play an upstream.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Type A.
pub const A: u16 = 1;
/// Type CNAME.
pub const CNAME: u16 = 5;
/// Type PTR.
pub const PTR: u16 = 12;
/// Type TXT.
pub const TXT: u16 = 16;
/// Type AAAA.
pub const AAAA: u16 = 28;

/// A query as an upstream receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The message id.
    pub id: u16,
    /// The name asked for, as it came (the case may be mixed), without the final dot.
    pub name: String,
    /// The type asked for.
    pub kind: u16,
    /// Did it come over TCP?
    pub tcp: bool,
    /// Did an OPT record come along (or anything else behind the question)?
    pub edns: bool,
    /// What follows the question.
    pub rest: Vec<u8>,
    /// Header and question, to be repeated in the reply.
    head: Vec<u8>,
}

impl Query {
    /// Reads a query; `None` if it is not one with exactly one plain question.
    pub fn parse(bytes: &[u8], tcp: bool) -> Option<Query> {
        let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        if word(2)? & 0x8000 != 0 || word(4)? != 1 {
            return None;
        }
        let mut at = 12;
        let mut labels = Vec::new();
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).into_owned());
            at += length;
        }
        let kind = word(at)?;
        let (head, rest) = bytes.split_at_checked(at + 4)?;
        let (head, rest) = (head.to_vec(), rest.to_vec());
        Some(Query { id: word(0)?, name: labels.join("."), kind, tcp, edns: word(10)? > 0, rest, head })
    }

    /// Header and question, as they came.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// A reply with this RCODE, these answer records and further header flags (`TC`, `AA`).
    pub fn reply(&self, rcode: u8, records: &[Record], flags: u16) -> Vec<u8> {
        let mut reply = self.head.clone();
        let wanted = u16::from_be_bytes([reply[2], reply[3]]) & 0x0100;
        // QR and RA; RD as asked.
        let word = 0x8080 | wanted | flags | u16::from(rcode);
        reply[2..4].copy_from_slice(&word.to_be_bytes());
        let count = u16::try_from(records.len()).expect("few records");
        reply[6..8].copy_from_slice(&count.to_be_bytes());
        reply[8..12].fill(0);
        for record in records {
            match &record.owner {
                // A pointer to the question.
                None => reply.extend([0xc0, 12]),
                Some(owner) => reply.extend(encode_name(owner)),
            }
            reply.extend(record.kind.to_be_bytes());
            reply.extend([0, 1]);
            reply.extend(record.ttl_s.to_be_bytes());
            reply.extend(u16::try_from(record.data.len()).expect("short data").to_be_bytes());
            reply.extend(&record.data);
        }
        reply
    }
}

/// Header flag: truncated.
pub const TC: u16 = 0x0200;

/// A record of a scripted reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The owner; `None` is the name asked for.
    pub owner: Option<String>,
    /// The type.
    pub kind: u16,
    /// Seconds.
    pub ttl_s: u32,
    /// RDATA.
    pub data: Vec<u8>,
}

impl Record {
    /// An A record of the name asked for.
    pub fn a(address: Ipv4Addr, ttl_s: u32) -> Record {
        Record { owner: None, kind: A, ttl_s, data: address.octets().to_vec() }
    }

    /// An AAAA record of the name asked for.
    pub fn aaaa(address: Ipv6Addr, ttl_s: u32) -> Record {
        Record { owner: None, kind: AAAA, ttl_s, data: address.octets().to_vec() }
    }

    /// A CNAME record of the name asked for.
    pub fn cname(target: &str, ttl_s: u32) -> Record {
        Record { owner: None, kind: CNAME, ttl_s, data: encode_name(target) }
    }

    /// A TXT record of the name asked for, of one string of at most 255 bytes.
    pub fn txt(text: &str, ttl_s: u32) -> Record {
        let mut data = vec![u8::try_from(text.len()).expect("a short text")];
        data.extend(text.as_bytes());
        Record { owner: None, kind: TXT, ttl_s, data }
    }

    /// The same record under another name.
    pub fn of(self, owner: &str) -> Record {
        Record { owner: Some(owner.to_owned()), ..self }
    }
}

/// A query for the wire: recursion desired, no EDNS.
pub fn encode_query(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend(encode_name(name));
    query.extend(kind.to_be_bytes());
    query.extend([0, 1]);
    query
}

/// A name for the wire, without compression.
pub fn encode_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("a short label"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
