//! A borrowed view of a DNS message: header, question, records (RFC 1035, section 4).
//!
//! Reads, and patches in place; writing whole messages is `reply`'s.

use std::ops::Range;

use crate::name::{Name, NameError};

/// Bytes of a header.
pub(crate) const HEADER: usize = 12;

/// Third byte of the header: QR.
pub(crate) const QR: u8 = 0x80;
/// Third byte: AA.
pub(crate) const AA: u8 = 0x04;
/// Third byte: TC.
pub(crate) const TC: u8 = 0x02;
/// Third byte: RD.
pub(crate) const RD: u8 = 0x01;
/// Third byte: the opcode.
pub(crate) const OPCODE: u8 = 0x78;
/// Fourth byte: RA.
pub(crate) const RA: u8 = 0x80;
/// Fourth byte: the bit that RFC 1035 reserved.
pub(crate) const Z: u8 = 0x40;
/// Fourth byte: AD.
pub(crate) const AD: u8 = 0x20;
/// Fourth byte: CD.
pub(crate) const CD: u8 = 0x10;

/// Class IN.
pub(crate) const IN: u16 = 1;
/// Class CH.
pub(crate) const CH: u16 = 3;

/// Response codes (RFC 1035, section 4.1.1).
pub(crate) mod rcode {
    pub const NOERROR: u8 = 0;
    pub const SERVFAIL: u8 = 2;
    pub const NXDOMAIN: u8 = 3;
    pub const NOTIMP: u8 = 4;
    pub const REFUSED: u8 = 5;
}

/// Record types that this crate has an opinion about.
pub(crate) mod rtype {
    pub const A: u16 = 1;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const PTR: u16 = 12;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const AAAA: u16 = 28;
    pub const SRV: u16 = 33;
    pub const NAPTR: u16 = 35;
    pub const OPT: u16 = 41;
    pub const DS: u16 = 43;
    pub const DNSKEY: u16 = 48;
    pub const MAILB: u16 = 253;
    pub const ANY: u16 = 255;
    pub const CAA: u16 = 257;
}

/// Two bytes, most significant first.
pub(crate) fn u16_at(message: &[u8], at: usize) -> Option<u16> {
    message.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]))
}

/// Four bytes, most significant first.
pub(crate) fn u32_at(message: &[u8], at: usize) -> Option<u32> {
    message.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// Overwrites two bytes; nothing happens beyond the end.
pub(crate) fn put_u16(message: &mut [u8], at: usize, value: u16) {
    if let Some(room) = message.get_mut(at..at + 2) {
        room.copy_from_slice(&value.to_be_bytes());
    }
}

/// Overwrites four bytes; nothing happens beyond the end.
pub(crate) fn put_u32(message: &mut [u8], at: usize, value: u32) {
    if let Some(room) = message.get_mut(at..at + 4) {
        room.copy_from_slice(&value.to_be_bytes());
    }
}

/// The twelve fixed bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub id: u16,
    /// QR, opcode, AA, TC, RD.
    pub high: u8,
    /// RA, Z, AD, CD, RCODE.
    pub low: u8,
    pub questions: u16,
    pub answers: u16,
    pub authorities: u16,
    pub additionals: u16,
}

impl Header {
    pub fn read(message: &[u8]) -> Option<Header> {
        Some(Header {
            id: u16_at(message, 0)?,
            high: *message.get(2)?,
            low: *message.get(3)?,
            questions: u16_at(message, 4)?,
            answers: u16_at(message, 6)?,
            authorities: u16_at(message, 8)?,
            additionals: u16_at(message, 10)?,
        })
    }

    pub fn rcode(&self) -> u8 {
        self.low & 0x0f
    }

    pub fn opcode(&self) -> u8 {
        (self.high & OPCODE) >> 3
    }
}

/// The one entry of a question section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// In lower case.
    pub name: Name,
    pub qtype: u16,
    pub qclass: u16,
    /// Offset after the question.
    pub end: usize,
}

impl Question {
    /// Reads the question after the header.
    pub fn read(message: &[u8]) -> Result<Question, NameError> {
        let (name, at) = Name::read(message, HEADER)?;
        let qtype = u16_at(message, at).ok_or(NameError::Cut)?;
        let qclass = u16_at(message, at + 2).ok_or(NameError::Cut)?;
        Ok(Question { name: name.lowered(), qtype, qclass, end: at + 4 })
    }

    /// Are both the same question? Names are compared in lower case.
    pub fn same(&self, other: &Question) -> bool {
        self.qtype == other.qtype && self.qclass == other.qclass && self.name == other.name
    }
}

/// One resource record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Where the owner name begins.
    pub start: usize,
    pub rtype: u16,
    pub class: u16,
    pub ttl: u32,
    /// Where the TTL stands.
    pub ttl_at: usize,
    /// Where the RDATA stands.
    pub rdata: Range<usize>,
}

/// The records of a section, from an offset on. Yields `None` once and for all when the message ends early or the count is reached; `end`
/// and `left` tell which.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    message: &'a [u8],
    /// Offset of the next record.
    pub end: usize,
    /// Records not yet yielded; more than 0 after the last one means that the message is malformed.
    pub left: u16,
    broken: bool,
}

impl<'a> Records<'a> {
    pub fn new(message: &'a [u8], start: usize, count: u16) -> Records<'a> {
        Records { message, end: start, left: count, broken: false }
    }

    /// Goes on with the next section.
    pub fn next_section(&mut self, count: u16) {
        self.left += if self.broken { 0 } else { count };
    }

    fn read(&self) -> Option<Record> {
        let at = skip_name(self.message, self.end)?;
        let length = usize::from(u16_at(self.message, at + 8)?);
        let rdata = at + 10..at + 10 + length;
        self.message.get(rdata.clone())?;
        Some(Record {
            start: self.end,
            rtype: u16_at(self.message, at)?,
            class: u16_at(self.message, at + 2)?,
            ttl: u32_at(self.message, at + 4)?,
            ttl_at: at + 4,
            rdata,
        })
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.left == 0 || self.broken {
            return None;
        }
        let record = self.read();
        match &record {
            Some(record) => {
                self.end = record.rdata.end;
                self.left -= 1;
            }
            None => self.broken = true,
        }
        record
    }
}

/// The offset after the name at `at`, without following pointers.
pub(crate) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let head = *message.get(at)?;
        match head & 0xc0 {
            0x00 if head == 0 => return Some(at + 1),
            0x00 => at += 1 + usize::from(head),
            0xc0 => return message.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
}

/// The offsets after the answer section, and after the last record of all. `None`: the message is malformed.
pub(crate) fn section_ends(message: &[u8], question_end: usize, header: &Header) -> Option<(usize, usize)> {
    let mut records = Records::new(message, question_end, header.answers);
    records.by_ref().for_each(drop);
    let answers_end = records.end;
    if records.left > 0 {
        return None;
    }
    for count in [header.authorities, header.additionals] {
        records.next_section(count);
        records.by_ref().for_each(drop);
        if records.left > 0 {
            return None;
        }
    }
    Some((answers_end, records.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03WWW\x01x\0\0\x01\0\x01";

    #[test]
    fn a_question_is_read_in_lower_case() {
        let question = Question::read(QUERY).unwrap();
        assert_eq!(question.name, Name::from_text(b"www.x").unwrap());
        assert_eq!((question.qtype, question.qclass, question.end), (1, 1, QUERY.len()));
        for end in HEADER..QUERY.len() {
            assert_eq!(Question::read(&QUERY[..end]).unwrap_err(), NameError::Cut);
        }
    }

    #[test]
    fn records_end_with_the_message() {
        let mut message = QUERY.to_vec();
        message.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x01\x02\x03\x04");
        let mut records = Records::new(&message, QUERY.len(), 2);
        let first = records.next().unwrap();
        assert_eq!((first.rtype, first.ttl, &message[first.rdata]), (1, 5, &[1u8, 2, 3, 4][..]));
        assert!(records.next().is_none());
        assert_eq!(records.left, 1);
    }
}
