//! Writes replies of our own: header and question from the query, records, OPT, and truncation when the client cannot take it all.

use std::net::IpAddr;

use crate::edns;
use crate::wire::{self, AA, AD, CD, HEADER, OPCODE, QR, RA, RD, TC, Z, put_u16};

/// The compression pointer to the question's name.
pub(crate) const QNAME: u16 = 0xc000 | HEADER as u16;

/// A compression pointer to a name that stands at this offset of the message; `None` beyond what a pointer can reach.
pub(crate) fn pointer(at: usize) -> Option<u16> {
    u16::try_from(at).ok().filter(|at| *at <= 0x3fff).map(|at| 0xc000 | at)
}

/// What a reply repeats of its query, and what it must respect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo<'a> {
    pub id: u16,
    /// The query's third header byte.
    pub high: u8,
    /// The query's fourth header byte.
    pub low: u8,
    /// The question section as the client spelled it.
    pub spelled: &'a [u8],
    /// Must the reply carry an OPT record?
    pub edns: bool,
    /// The client's DO bit.
    pub dnssec_ok: bool,
    /// Largest reply, in bytes.
    pub limit: usize,
}

/// A reply being written at the end of a buffer.
#[derive(Debug)]
pub(crate) struct Reply<'o> {
    bytes: &'o mut Vec<u8>,
    start: usize,
    answers: u16,
    authorities: u16,
    additionals: u16,
    extended_error: Option<u16>,
}

impl<'o> Reply<'o> {
    /// Begins a reply: the question is echoed byte for byte; Z, RD and CD are kept, AD is cleared, RA is set.
    pub fn new(bytes: &'o mut Vec<u8>, echo: &Echo<'_>, rcode: u8) -> Reply<'o> {
        let start = bytes.len();
        let high = QR | echo.high & (OPCODE | RD);
        let low = RA | echo.low & (Z | CD) | rcode;
        bytes.extend_from_slice(&echo.id.to_be_bytes());
        bytes.extend_from_slice(&[high, low, 0, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(echo.spelled);
        Reply { bytes, start, answers: 0, authorities: 0, additionals: 0, extended_error: None }
    }

    /// Sets AA.
    pub fn authoritative(&mut self) {
        self.bytes[self.start + 2] |= AA;
    }

    /// Adds an extended error to our OPT.
    pub fn extended_error(&mut self, code: u16) {
        self.extended_error = Some(code);
    }

    /// Sets the RCODE.
    pub fn rcode(&mut self, rcode: u8) {
        let low = &mut self.bytes[self.start + 3];
        *low = *low & 0xf0 | rcode;
    }

    /// An address record of class IN in the answer section.
    pub fn address(&mut self, owner: u16, address: IpAddr, ttl: u32) {
        let written = self.address_record(owner, address, ttl);
        self.count_answers(u16::from(written));
    }

    /// A record in the answer section; `owner` is a pointer to a name of this message. Tells where its RDATA is. One that would make
    /// the message too long is left out.
    pub fn answer(&mut self, owner: u16, rtype: u16, class: u16, ttl: u32, rdata: &[u8]) -> Option<usize> {
        let at = self.record(owner, rtype, class, ttl, rdata)?;
        self.count_answers(1);
        Some(at)
    }

    /// An address record in the additional section, after all answers.
    pub fn additional_address(&mut self, owner: u16, address: IpAddr, ttl: u32) {
        let written = self.address_record(owner, address, ttl);
        self.count_additionals(u16::from(written));
    }

    fn address_record(&mut self, owner: u16, address: IpAddr, ttl: u32) -> bool {
        let at = match address {
            IpAddr::V4(v4) => self.record(owner, wire::rtype::A, wire::IN, ttl, &v4.octets()),
            IpAddr::V6(v6) => self.record(owner, wire::rtype::AAAA, wire::IN, ttl, &v6.octets()),
        };
        at.is_some()
    }

    fn record(&mut self, owner: u16, rtype: u16, class: u16, ttl: u32, rdata: &[u8]) -> Option<usize> {
        if self.position() + 12 + rdata.len() > usize::from(u16::MAX) - 32 {
            return None;
        }
        self.bytes.extend_from_slice(&owner.to_be_bytes());
        self.bytes.extend_from_slice(&rtype.to_be_bytes());
        self.bytes.extend_from_slice(&class.to_be_bytes());
        self.bytes.extend_from_slice(&ttl.to_be_bytes());
        self.bytes.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        let at = self.position();
        self.bytes.extend_from_slice(rdata);
        Some(at)
    }

    /// The buffer, for records that come ready-made; count them with one of the `count_` functions.
    pub fn raw(&mut self) -> &mut Vec<u8> {
        self.bytes
    }

    /// Offset in the message of the next byte to be written.
    pub fn position(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// What was written from this position on.
    pub fn since(&self, position: usize) -> &[u8] {
        self.bytes.get(self.start + position..).unwrap_or_default()
    }

    /// Has nothing been answered yet?
    pub fn is_empty(&self) -> bool {
        self.answers == 0
    }

    /// How many answers there are so far.
    pub fn answers(&self) -> u16 {
        self.answers
    }

    pub fn count_answers(&mut self, count: u16) {
        self.answers = self.answers.saturating_add(count);
    }

    pub fn count_additionals(&mut self, count: u16) {
        self.additionals = self.additionals.saturating_add(count);
    }

    pub fn count_authorities(&mut self, count: u16) {
        self.authorities = self.authorities.saturating_add(count);
    }

    /// Completes the message: OPT with the client's DO bit (RFC 3225, section 3) if the query had one, and an empty message with TC if the
    /// client could not take all of it.
    pub fn finish(self, echo: &Echo<'_>, edns_bytes_max: u16) {
        let question_end = self.start + HEADER + echo.spelled.len();
        let mut additionals = self.additionals;
        put_u16(self.bytes, self.start + 6, self.answers);
        put_u16(self.bytes, self.start + 8, self.authorities);
        if echo.edns {
            edns::append(self.bytes, edns_bytes_max, echo.dnssec_ok, self.extended_error);
            additionals += 1;
        }
        put_u16(self.bytes, self.start + 10, additionals);
        if self.bytes.len() - self.start > echo.limit {
            truncate(self.bytes, self.start, question_end, echo.edns.then_some((edns_bytes_max, echo.dnssec_ok, &[])));
        }
    }
}

/// Empties all sections of the message at `start` but the question, and sets TC; `opt` becomes the OPT record. dnsmasq sends nothing of what would have fitted.
pub(crate) fn truncate(bytes: &mut Vec<u8>, start: usize, question_end: usize, opt: Option<(u16, bool, &[u8])>) {
    bytes.truncate(question_end);
    bytes[start + 2] |= TC;
    bytes[start + 6..start + HEADER].fill(0);
    if let Some((udp_bytes, dnssec_ok, options)) = opt {
        put_u16(bytes, start + 10, 1);
        edns::append_with(bytes, udp_bytes, dnssec_ok, options);
    }
}

/// Appends a message with this RCODE that echoes header and question of a query that could not be read as one: whatever follows the header
/// is echoed as far as `echoed` goes.
pub(crate) fn refuse_unread(
    bytes: &mut Vec<u8>,
    query: &[u8],
    questions: u16,
    echoed: usize,
    rcode: u8,
    opt: Option<(u16, Option<u16>)>,
) {
    let start = bytes.len();
    bytes.extend_from_slice(&query[..echoed]);
    bytes[start + 2] = bytes[start + 2] & !(AA | TC) | QR;
    bytes[start + 3] = bytes[start + 3] & !(AD | 0x0f) | RA | rcode;
    bytes[start + 4..start + HEADER].fill(0);
    put_u16(bytes, start + 4, questions);
    if let Some((udp_bytes, extended_error)) = opt {
        put_u16(bytes, start + 10, 1);
        edns::append(bytes, udp_bytes, false, extended_error);
    }
}
