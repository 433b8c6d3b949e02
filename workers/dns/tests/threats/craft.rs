//! Messages by hand, for what no codec would write.

use crate::lab::Sent;

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const AAAA: u16 = 28;
pub const OPT: u16 = 41;
/// A reply to a recursive query, without error.
pub const REPLY: u16 = 0x8180;

/// A name for the wire; labels are parted by dots.
pub fn wire(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A record of class IN whose owner is given in wire form.
pub fn record(owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let mut bytes = owner.to_vec();
    bytes.extend(rtype.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(ttl.to_be_bytes());
    bytes.extend((rdata.len() as u16).to_be_bytes());
    bytes.extend(rdata);
    bytes
}

/// A question of class IN.
pub fn question(name: &[u8], qtype: u16) -> Vec<u8> {
    [name, &qtype.to_be_bytes(), &[0, 1]].concat()
}

/// A message: id, flags, the four counts, and all that follows.
pub fn message(id: u16, flags: u16, counts: [u16; 4], parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [id.to_be_bytes(), flags.to_be_bytes()].concat();
    bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    bytes.extend(parts.concat());
    bytes
}

/// The id with which a query went upstream.
pub fn id(sent: &Sent) -> u16 {
    u16::from_be_bytes([sent.bytes[0], sent.bytes[1]])
}

/// The question of a query that went upstream.
pub fn asked(sent: &Sent) -> Vec<u8> {
    let mut at = 12;
    while sent.bytes[at] != 0 {
        at += 1 + usize::from(sent.bytes[at]);
    }
    sent.bytes[12..at + 5].to_vec()
}

/// A reply to that query with its id and question, and these records by section.
pub fn reply(sent: &Sent, flags: u16, sections: [&[Vec<u8>]; 3]) -> Vec<u8> {
    let [answers, authorities, additionals] = sections.map(|section| section.len() as u16);
    let records: Vec<u8> = sections.iter().flat_map(|section| section.concat()).collect();
    message(id(sent), flags, [1, answers, authorities, additionals], &[&asked(sent), &records])
}
