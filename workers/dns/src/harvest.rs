//! What an upstream's reply teaches: the RRsets that answer the question or lead to the answer, and negative answers.
//!
//! Names in RDATA are written out and owners become pointers, so that an RRset can be put into any reply. Nothing else of the reply is
//! kept: authority and additional sections are relayed once, apart from the SOA of a negative answer.

use std::collections::BTreeSet;

use ipc::config::dns::DnsSlice;

use crate::arpa;
use crate::cache::{Kind, RrSet};
use crate::lines::Said;
use crate::name::{Name, suffixes};
use crate::rdata;
use crate::reply::QNAME;
use crate::wire::{CD, Header, IN, Question, Record, Records, TC, put_u16, rcode, rtype, u32_at};

/// A chain with more CNAMEs than this is relayed but not kept.
const CHAIN_MAX: usize = 10;

/// Limits on what is kept.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// `max-ttl`: what clients are told at most is also what is kept of an answer.
    answer_ttl_max: u32,
    ttl_min: u32,
    ttl_max: u32,
    negative_ttl: Option<u32>,
    negative: bool,
    /// `use-stale-cache`: what must not be kept is.
    zero: bool,
    /// `cache-rr`: further types that are kept.
    types: BTreeSet<u16>,
}

/// The reply contains a record that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// An entry for the cache: name in lower case, type, RRset.
pub(crate) type Entry = (Name, u16, RrSet);

impl Limits {
    pub fn new(slice: &DnsSlice) -> Limits {
        Limits {
            answer_ttl_max: slice.max_ttl.unwrap_or(u32::MAX),
            ttl_min: slice.min_cache_ttl.min(3600),
            ttl_max: slice.max_cache_ttl.unwrap_or(u32::MAX),
            negative_ttl: slice.neg_ttl,
            negative: !slice.no_negcache,
            zero: slice.queries.stale_answers.is_some(),
            types: slice.replies.cached_types.clone(),
        }
    }

    /// Types that are kept by choice (`cache-rr`).
    pub fn types(&self) -> &BTreeSet<u16> {
        &self.types
    }

    /// Are answers to questions of this type kept?
    fn keeps(&self, qtype: u16) -> bool {
        matches!(qtype, rtype::A | rtype::AAAA | rtype::PTR | rtype::SRV)
            || qtype != rtype::ANY && (self.types.contains(&qtype) || self.types.contains(&rtype::ANY))
    }

    /// Is an entry with this TTL kept?
    fn keeps_ttl(&self, ttl: u32) -> bool {
        ttl > 0 || self.zero
    }

    /// How long a record with this TTL is kept, in seconds.
    pub fn clamp(&self, ttl: u32) -> u32 {
        // A TTL with the top bit set means zero (RFC 2181, section 8).
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        ttl.min(self.ttl_max).max(self.ttl_min)
    }
}

/// Reads a reply with RCODE NOERROR or NXDOMAIN. `say` hears what the log is to show. Returns what may be cached.
pub(crate) fn harvest(
    message: &[u8],
    header: &Header,
    question: &Question,
    limits: &Limits,
    mut say: impl FnMut(Said<'_>),
) -> Result<Vec<Entry>, Malformed> {
    let mut answers = Records::new(message, question.end, header.answers);
    if question.qclass == IN && answers.any(|record| Name::read(message, record.start).is_err()) {
        return Err(Malformed);
    }
    let mut entries = Vec::new();
    let mut cacheable = question.qclass == IN && header.low & CD == 0 && header.high & TC == 0;
    let (mut target, mut links) = (question.name, 0);
    if question.qtype != rtype::CNAME {
        loop {
            let link = owned_by(message, header, question, &target).find(|record| record.rtype == rtype::CNAME);
            let Some(record) = link else { break };
            if links == CHAIN_MAX {
                cacheable = false;
                break;
            }
            links += 1;
            let next = rdata_name(message, &record, 0)?;
            say(Said::Cname { name: target.wire() });
            let set = collect(message, &[record], limits)?;
            cacheable &= limits.keeps_ttl(set.ttl);
            entries.push((target, rtype::CNAME, set));
            target = next.lowered();
        }
    }
    let mut records = Vec::new();
    for record in owned_by(message, header, question, &target) {
        if record.rtype == question.qtype {
            describe(message, &record, &target, &mut say)?;
            records.push(record);
        } else {
            // Of records that were not asked for by type, dnsmasq tells no more than their type.
            say(Said::Other { name: target.wire(), rtype: record.rtype });
        }
    }
    let kept_type = limits.keeps(question.qtype);
    if !records.is_empty() {
        if !kept_type {
            return Ok(Vec::new());
        }
        let set = collect(message, &records, limits)?;
        cacheable &= limits.keeps_ttl(set.ttl);
        entries.push((target, question.qtype, set));
    } else {
        let missing = header.rcode() == rcode::NXDOMAIN;
        // Of ANY and of other classes dnsmasq says nothing when there is nothing.
        if question.qclass == IN && (missing || question.qtype != rtype::ANY) {
            say(Said::Negative { name: target.wire(), address: None, qtype: question.qtype, missing });
        }
        let kind = if missing { Kind::NxDomain } else { Kind::NoData };
        match start_of_authority(message, header, question, &target, limits, kind) {
            // Whatever was asked for, no other type exists either; but a chain is kept for types that are kept only.
            Some(set) if limits.negative && (kept_type || missing && links == 0) => {
                cacheable &= limits.keeps_ttl(set.ttl);
                // Without SOA, dnsmasq takes it for granted that a name is missing, or an address of it, but not that another record is. The
                // chain to it is kept all the same.
                let granted = missing || matches!(question.qtype, rtype::A | rtype::AAAA);
                if granted || !set.bytes.is_empty() {
                    entries.push((target, question.qtype, set));
                }
            }
            _ => cacheable = false,
        }
    }
    if !cacheable {
        entries.clear();
    }
    Ok(entries)
}

/// The records of the answer section that belong to the name asked for or to one that it leads to.
pub(crate) fn along_chain(message: &[u8], header: &Header, question: &Question) -> Vec<Record> {
    let mut records = Vec::new();
    let mut target = question.name;
    for _ in 0..=CHAIN_MAX {
        let start = records.len();
        records.extend(owned_by(message, header, question, &target));
        let mut links = records[start..].iter().filter(|record| record.rtype == rtype::CNAME);
        let next = links.find_map(|link| rdata_name(message, link, 0).ok());
        let Some(next) = next else { break };
        target = next;
    }
    records
}

/// The records of the answer section that this name owns.
fn owned_by<'a>(
    message: &'a [u8],
    header: &Header,
    question: &Question,
    owner: &'a Name,
) -> impl Iterator<Item = Record> + 'a {
    let class = question.qclass;
    Records::new(message, question.end, header.answers).filter(move |record| {
        record.class == class && Name::read(message, record.start).is_ok_and(|(name, _)| name.same(owner))
    })
}

/// The name in a record's RDATA that begins after `skip` bytes and fills the rest.
fn rdata_name(message: &[u8], record: &Record, skip: usize) -> Result<Name, Malformed> {
    match Name::read(message, record.rdata.start + skip) {
        Ok((name, end)) if end == record.rdata.end => Ok(name),
        _ => Err(Malformed),
    }
}

/// Checks the RDATA of a record and tells the log of it.
fn describe(message: &[u8], record: &Record, owner: &Name, say: &mut impl FnMut(Said<'_>)) -> Result<(), Malformed> {
    let rdata = message.get(record.rdata.clone()).ok_or(Malformed)?;
    let name = owner.wire();
    match record.rtype {
        rtype::A => {
            let octets: [u8; 4] = rdata.try_into().map_err(|_| Malformed)?;
            say(Said::Address { name, address: octets.into() });
        }
        rtype::AAAA => {
            let octets: [u8; 16] = rdata.try_into().map_err(|_| Malformed)?;
            say(Said::Address { name, address: octets.into() });
        }
        rtype::PTR => {
            let target = rdata_name(message, record, 0)?.lowered();
            match arpa::address(owner) {
                Some(address) => say(Said::Pointer { address, name: target.wire() }),
                None => say(Said::Other { name, rtype: rtype::PTR }),
            }
        }
        rtype::CNAME => {
            rdata_name(message, record, 0)?;
            say(Said::Cname { name });
        }
        rtype::TXT => {
            let mut rest = rdata;
            while let Some((length, tail)) = rest.split_first() {
                let Some((text, after)) = tail.split_at_checked(usize::from(*length)) else { break };
                say(Said::Text { name, text });
                rest = after;
            }
        }
        other => say(Said::Other { name, rtype: other }),
    }
    Ok(())
}

/// Puts records of one owner and type into cache form.
fn collect(message: &[u8], records: &[Record], limits: &Limits) -> Result<RrSet, Malformed> {
    let mut bytes = Vec::new();
    let mut least = u32::MAX;
    for record in records {
        let ttl = limits.clamp(record.ttl.min(limits.answer_ttl_max));
        // What upstream does not want kept is not kept, unless `min-cache-ttl` lifts it.
        least = least.min(ttl);
        bytes.extend_from_slice(&QNAME.to_be_bytes());
        bytes.extend_from_slice(&record.rtype.to_be_bytes());
        bytes.extend_from_slice(&record.class.to_be_bytes());
        bytes.extend_from_slice(&ttl.to_be_bytes());
        let length_at = bytes.len();
        bytes.extend_from_slice(&[0, 0]);
        match record.rtype {
            // dnsmasq keeps the names of PTR records in lower case.
            rtype::PTR => bytes.extend_from_slice(rdata_name(message, record, 0)?.lowered().wire()),
            rtype::CNAME => bytes.extend_from_slice(rdata_name(message, record, 0)?.wire()),
            _ => rdata::append(&mut bytes, message, record).ok_or(Malformed)?,
        }
        let length = u16::try_from(bytes.len() - length_at - 2).map_err(|_| Malformed)?;
        put_u16(&mut bytes, length_at, length);
    }
    let records = u16::try_from(records.len()).map_err(|_| Malformed)?;
    Ok(RrSet { kind: Kind::Records, bytes: bytes.into(), records, ttl: least })
}

fn put_rdata(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    bytes.extend_from_slice(&(length as u16).to_be_bytes());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

/// The negative entry that the SOA of the authority section allows (RFC 2308, section 5), or `neg-ttl` without one.
fn start_of_authority(
    message: &[u8],
    header: &Header,
    question: &Question,
    denied: &Name,
    limits: &Limits,
    kind: Kind,
) -> Option<RrSet> {
    let mut records = Records::new(message, question.end, header.answers);
    records.by_ref().for_each(drop);
    records.next_section(header.authorities);
    // The SOA of a zone that does not contain the name says nothing about it.
    let soa =
        records.filter(|record| record.rtype == rtype::SOA && record.class == question.qclass).find_map(|record| {
            let (owner, _) = Name::read(message, record.start).ok()?;
            let contains = suffixes(denied.wire()).any(|zone| zone.eq_ignore_ascii_case(owner.wire()));
            contains.then_some((record, owner))
        });
    let Some((soa, owner)) = soa else {
        return limits.negative_ttl.map(|ttl| RrSet { kind, bytes: Box::default(), records: 1, ttl });
    };
    let (primary, at) = Name::read(message, soa.rdata.start).ok()?;
    let (mailbox, at) = Name::read(message, at).ok()?;
    let numbers = message.get(at..at + 20).filter(|_| at + 20 == soa.rdata.end)?;
    let minimum = u32_at(numbers, 16)?;
    let ttl = limits.clamp(soa.ttl.min(minimum));
    let mut bytes = owner.wire().to_vec();
    bytes.extend_from_slice(&soa.rtype.to_be_bytes());
    bytes.extend_from_slice(&soa.class.to_be_bytes());
    bytes.extend_from_slice(&limits.clamp(soa.ttl).to_be_bytes());
    put_rdata(&mut bytes, &[primary.wire(), mailbox.wire(), numbers]);
    Some(RrSet { kind, bytes: bytes.into(), records: 2, ttl })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;
    use crate::wire::Header;

    /// A reply to `x. A` with these answer records (owner, type, TTL, RDATA).
    fn reply(records: &[(&str, u16, u32, &[u8])]) -> Vec<u8> {
        let mut message = b"\0\0\x81\x80\0\x01\0\0\0\0\0\0\x01x\0\0\x01\0\x01".to_vec();
        message[7] = records.len() as u8;
        for (owner, rtype, ttl, rdata) in records {
            message.extend_from_slice(Name::from_text(owner.as_bytes()).unwrap().wire());
            message.extend_from_slice(&rtype.to_be_bytes());
            message.extend_from_slice(&IN.to_be_bytes());
            message.extend_from_slice(&ttl.to_be_bytes());
            put_rdata(&mut message, &[rdata]);
        }
        message
    }

    fn harvested(message: &[u8]) -> Result<Vec<Entry>, Malformed> {
        harvested_within(message, u32::MAX)
    }

    fn harvested_within(message: &[u8], answer_ttl_max: u32) -> Result<Vec<Entry>, Malformed> {
        let limits = Limits {
            answer_ttl_max,
            ttl_min: 0,
            ttl_max: u32::MAX,
            negative_ttl: None,
            negative: true,
            zero: false,
            types: BTreeSet::new(),
        };
        let (header, question) = (Header::read(message).unwrap(), Question::read(message).unwrap());
        harvest(message, &header, &question, &limits, |_| {})
    }

    #[test]
    fn a_chain_becomes_one_entry_per_name() {
        let message = reply(&[("Y", 1, 60, &[1, 2, 3, 4]), ("x", 5, 90, b"\x01Y\0"), ("y", 1, 30, &[1, 2, 3, 5])]);
        let entries = harvested(&message).unwrap();
        let summary: Vec<_> =
            entries.iter().map(|(name, rtype, set)| (name.wire().to_vec(), *rtype, set.records, set.ttl)).collect();
        assert_eq!(summary, [(b"\x01x\0".to_vec(), 5, 1, 90), (b"\x01y\0".to_vec(), 1, 2, 30)]);
    }

    #[test]
    fn an_answer_is_kept_no_longer_than_clients_may_keep_it() {
        let entries = harvested_within(&reply(&[("x", 1, 300, &[1, 2, 3, 4])]), 100).unwrap();
        assert_eq!(entries[0].2.ttl, 100);
    }

    #[test]
    fn only_names_on_the_chain_are_along_it() {
        let message =
            reply(&[("y", 1, 9, b"\x01\x01\x01\x01"), ("x", 5, 9, b"\x01y\0"), ("z", 1, 9, b"\x02\x02\x02\x02")]);
        let (header, question) = (Header::read(&message).unwrap(), Question::read(&message).unwrap());
        let types: Vec<u16> = along_chain(&message, &header, &question).iter().map(|record| record.rtype).collect();
        assert_eq!(types, [5, 1]);
    }

    #[test]
    fn an_owner_that_cannot_be_read_makes_the_reply_malformed() {
        let mut message = reply(&[("z", 1, 9, b"\x01\x01\x01\x01")]);
        // A pointer to itself in the place of the owner.
        message.splice(19..22, [0xc0, 19]);
        assert_eq!(harvested(&message).unwrap_err(), Malformed);
    }

    #[test]
    fn one_record_that_must_not_be_kept_spoils_all() {
        assert!(harvested(&reply(&[("x", 5, 90, b"\x01y\0"), ("y", 1, 0, &[1, 2, 3, 4])])).unwrap().is_empty());
        assert!(harvested(&reply(&[("x", 1, 0x8000_0000, &[1, 2, 3, 4])])).unwrap().is_empty());
        // A chain that ends in nothing, without an SOA.
        assert!(harvested(&reply(&[("x", 5, 90, b"\x01y\0")])).unwrap().is_empty());
    }

    #[test]
    fn loops_and_long_chains_end() {
        assert!(harvested(&reply(&[("x", 5, 90, b"\x01x\0")])).unwrap().is_empty());
        let names = ["x", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        let targets: Vec<Vec<u8>> = names.iter().map(|name| [b"\x01", name.as_bytes(), b"\0"].concat()).collect();
        let mut links: Vec<(&str, u16, u32, &[u8])> =
            (0..11).map(|at| (names[at], 5, 90, targets[at + 1].as_slice())).collect();
        links.push(("k", 1, 90, &[1, 2, 3, 4]));
        assert!(harvested(&reply(&links)).unwrap().is_empty());
    }

    #[test]
    fn rdata_of_a_wrong_length_is_malformed() {
        assert_eq!(harvested(&reply(&[("x", 1, 60, &[1, 2, 3])])).unwrap_err(), Malformed);
        assert_eq!(harvested(&reply(&[("x", 5, 60, b"\x01y\0\0")])).unwrap_err(), Malformed);
        assert_eq!(harvested(&reply(&[("x", 5, 60, b"\x05y\0")])).unwrap_err(), Malformed);
    }
}
