//! The OPT record: reading, adding, removing (RFC 6891), and extended errors (RFC 8914).

use std::ops::Range;

use crate::wire::{Header, Records, put_u16, rtype, section_ends, u16_at};

/// Bytes of an OPT record without options (RFC 6891, section 6.1.2).
pub(crate) const OPT_BYTES: usize = 11;

/// The option that carries an extended error.
const OPTION_EDE: u16 = 15;
/// The option that carries a client's subnet (RFC 7871).
pub(crate) const OPTION_SUBNET: u16 = 8;

/// An OPT record found in a message.
#[derive(Clone, Debug)]
pub(crate) struct Opt {
    /// Where the record begins.
    pub start: usize,
    /// The largest datagram its sender takes.
    pub udp_bytes: u16,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// Where its options are.
    pub options: Range<usize>,
    /// The extended error among its options, if any.
    pub extended_error: Option<u16>,
    /// Is there a client's subnet among its options? Then the answer is good for that client only.
    pub subnet: bool,
}

/// Finds the OPT record of a message. Of several the last one counts, as in dnsmasq.
pub(crate) fn find(message: &[u8], question_end: usize, header: &Header) -> Option<Opt> {
    if header.additionals == 0 {
        return None;
    }
    let before = header.answers.checked_add(header.authorities)?;
    let mut records = Records::new(message, question_end, before);
    records.by_ref().for_each(drop);
    records.next_section(header.additionals);
    let last = records.by_ref().filter(|record| record.rtype == rtype::OPT).last();
    // A message that ends before its records do has no OPT record for dnsmasq.
    last.filter(|_| records.left == 0).map(|record| Opt {
        start: record.start,
        udp_bytes: record.class,
        dnssec_ok: record.ttl & 0x8000 != 0,
        extended_error: option(&message[record.rdata.clone()], OPTION_EDE).and_then(|value| u16_at(value, 0)),
        // One of length 0 says nothing of the client (RFC 7871, section 7.1.2).
        subnet: option(&message[record.rdata.clone()], OPTION_SUBNET)
            .is_some_and(|value| value.get(2).is_some_and(|length| *length > 0)),
        options: record.rdata,
    })
}

/// The value of an option.
fn option(options: &[u8], wanted: u16) -> Option<&[u8]> {
    Options(options).find(|(code, _)| *code == wanted).map(|(_, value)| value)
}

/// The options of an OPT record, code and value, up to the first that is cut short.
#[derive(Clone, Debug)]
pub(crate) struct Options<'a>(pub &'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let (code, length) = (u16_at(self.0, 0)?, usize::from(u16_at(self.0, 2)?));
        let (value, rest) = self.0.get(4..)?.split_at_checked(length)?;
        self.0 = rest;
        Some((code, value))
    }
}

/// Appends an OPT record of our own. The caller counts it.
pub(crate) fn append(message: &mut Vec<u8>, udp_bytes: u16, dnssec_ok: bool, extended_error: Option<u16>) {
    match extended_error {
        None => append_with(message, udp_bytes, dnssec_ok, &[]),
        Some(code) => append_with(message, udp_bytes, dnssec_ok, &extended_error_option(code)),
    }
}

/// Appends an OPT record with these options. The caller counts it.
pub(crate) fn append_with(message: &mut Vec<u8>, udp_bytes: u16, dnssec_ok: bool, options: &[u8]) {
    message.extend_from_slice(&[0, 0, rtype::OPT as u8]);
    message.extend_from_slice(&udp_bytes.to_be_bytes());
    message.extend_from_slice(&[0, 0, if dnssec_ok { 0x80 } else { 0 }, 0]);
    message.extend_from_slice(&(options.len() as u16).to_be_bytes());
    message.extend_from_slice(options);
}

/// These options with this extended error instead of their own.
pub(crate) fn explained(options: &[u8], code: u16) -> Vec<u8> {
    let mut explained = Vec::new();
    for (other, value) in Options(options).filter(|(other, _)| *other != OPTION_EDE) {
        explained.extend_from_slice(&other.to_be_bytes());
        explained.extend_from_slice(&(value.len() as u16).to_be_bytes());
        explained.extend_from_slice(value);
    }
    explained.extend_from_slice(&extended_error_option(code));
    explained
}

fn extended_error_option(code: u16) -> [u8; 6] {
    let [high, low] = code.to_be_bytes();
    [0, OPTION_EDE as u8, 0, 2, high, low]
}

/// Appends a client's query to `out` in the form that goes upstream in datagrams: our size in its OPT, one added when it had none, nothing after
/// its last record (dnsmasq does so since 2.91).
pub(crate) fn append_forwarded(out: &mut Vec<u8>, query: &[u8], question_end: usize, udp_bytes: u16) {
    let start = out.len();
    let Some(header) = Header::read(query) else { return };
    let Some((_, end)) = section_ends(query, question_end, &header) else {
        // Additional records that cannot be read are not passed on.
        out.extend_from_slice(&query[..question_end]);
        put_u16(&mut out[start..], 10, 1);
        return append(out, udp_bytes, false, None);
    };
    out.extend_from_slice(&query[..end]);
    match find(query, question_end, &header) {
        // The class field of an OPT record is the size (RFC 6891, section 6.1.2); its owner is the root, one byte.
        Some(opt) => put_u16(&mut out[start..], opt.start + 3, udp_bytes),
        None if header.additionals == u16::MAX => {}
        None => {
            put_u16(&mut out[start..], 10, header.additionals + 1);
            append(out, udp_bytes, false, None);
        }
    }
}

/// As [`append_forwarded`], with these options instead of the client's. Records behind its OPT record are left out, as by [`remove`].
pub(crate) fn append_edited(out: &mut Vec<u8>, query: &[u8], question_end: usize, udp_bytes: u16, options: &[u8]) {
    let start = out.len();
    append_forwarded(out, query, question_end, udp_bytes);
    let message = &mut out[start..];
    let Some(header) = Header::read(message) else { return };
    let (Some(opt), Ok(length)) = (find(message, question_end, &header), u16::try_from(options.len())) else { return };
    let before = additionals_before(message, question_end, &header, opt.start);
    put_u16(message, 10, before.saturating_add(1));
    put_u16(message, opt.options.start - 2, length);
    out.truncate(start + opt.options.start);
    out.extend_from_slice(options);
}

/// Takes the OPT record out of a message. Records behind it go too: their compression pointers might point across the gap, and nothing
/// in an additional section is indispensable.
pub(crate) fn remove(message: &mut Vec<u8>, question_end: usize, opt: &Opt) {
    let Some(header) = Header::read(message) else { return };
    let kept = additionals_before(message, question_end, &header, opt.start);
    put_u16(message, 10, kept);
    message.truncate(opt.start);
}

/// How many records of the additional section begin before this place.
fn additionals_before(message: &[u8], question_end: usize, header: &Header, at: usize) -> u16 {
    let mut records = Records::new(message, question_end, header.answers);
    records.by_ref().for_each(drop);
    records.next_section(header.authorities);
    records.by_ref().for_each(drop);
    records.next_section(header.additionals);
    records.take_while(|record| record.start < at).count() as u16
}

/// The words for an extended error, as the log shows them (the registry of RFC 8914, in dnsmasq's letter case).
pub(crate) fn extended_error_text(code: Option<u16>) -> &'static str {
    match code {
        Some(0) => "other",
        Some(1) => "unsupported DNSKEY algorithm",
        Some(2) => "unsupported DS digest",
        Some(3) => "stale answer",
        Some(4) => "forged",
        Some(5) => "DNSSEC indeterminate",
        Some(6) => "DNSSEC bogus",
        Some(7) => "DNSSEC signature expired",
        Some(8) => "DNSSEC sig not yet valid",
        Some(9) => "DNSKEY missing",
        Some(10) => "RRSIG missing",
        Some(11) => "no zone key bit set",
        Some(12) => "NSEC(3) missing",
        Some(13) => "cached error",
        Some(14) => "not ready",
        Some(15) => "blocked",
        Some(16) => "censored",
        Some(17) => "filtered",
        Some(18) => "prohibited",
        Some(19) => "stale NXDOMAIN answer",
        Some(20) => "not authoritative",
        Some(21) => "not supported",
        Some(22) => "no reachable authority",
        Some(23) => "network error",
        Some(24) => "invalid data",
        Some(27) => "unsupported NSEC3 iterations value",
        Some(28) => "unable to conform to policy",
        Some(29) => "synthesized",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x01x\0\0\x01\0\x01";

    fn with_opt(udp_bytes: u16) -> Vec<u8> {
        let mut message = QUERY.to_vec();
        message[11] = 1;
        append(&mut message, udp_bytes, true, Some(14));
        message
    }

    #[test]
    fn an_option_record_is_found_again() {
        let message = with_opt(4096);
        let opt = find(&message, QUERY.len(), &Header::read(&message).unwrap()).unwrap();
        assert_eq!((opt.start, opt.udp_bytes), (QUERY.len(), 4096));
        assert!(opt.dnssec_ok);
        assert_eq!(opt.extended_error, Some(14));
    }

    #[test]
    fn a_forwarded_query_has_our_size_and_no_tail() {
        let mut out = vec![9];
        append_forwarded(&mut out, &[QUERY, b"tail"].concat(), QUERY.len(), 1232);
        let added = &out[1..];
        let opt = find(added, QUERY.len(), &Header::read(added).unwrap()).unwrap();
        assert_eq!((opt.udp_bytes, opt.start + 11, opt.dnssec_ok), (1232, added.len(), false));
        let mut out = Vec::new();
        append_forwarded(&mut out, &with_opt(4096), QUERY.len(), 1232);
        let opt = find(&out, QUERY.len(), &Header::read(&out).unwrap()).unwrap();
        assert_eq!((opt.udp_bytes, opt.dnssec_ok), (1232, true));
    }

    #[test]
    fn an_extended_error_takes_the_place_of_another() {
        let options = b"\0\x0f\0\x04\0\x12no\0\x0a\0\x01c";
        assert_eq!(explained(options, 17), b"\0\x0a\0\x01c\0\x0f\0\x02\0\x11");
    }

    #[test]
    fn a_subnet_of_length_0_makes_nothing_personal() {
        let has_subnet = |option: &[u8]| {
            let mut message = QUERY.to_vec();
            message[11] = 1;
            append_with(&mut message, 1232, false, option);
            find(&message, QUERY.len(), &Header::read(&message).unwrap()).unwrap().subnet
        };
        assert!(has_subnet(b"\0\x08\0\x05\0\x01\x08\0\x0a"));
        assert!(!has_subnet(b"\0\x08\0\x04\0\x01\0\0") && !has_subnet(b"\0\x08\0\x02\0\x01"));
    }

    #[test]
    fn removal_leaves_a_whole_message() {
        let mut message = with_opt(4096);
        let opt = find(&message, QUERY.len(), &Header::read(&message).unwrap()).unwrap();
        remove(&mut message, QUERY.len(), &opt);
        assert_eq!(message, QUERY);
    }
}
