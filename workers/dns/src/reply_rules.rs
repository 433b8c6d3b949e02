//! What the configuration does to replies of upstreams: `alias`, `bogus-nxdomain`, `ignore-address`, `stop-dns-rebind`, and the filters by
//! type.

use std::net::{IpAddr, Ipv4Addr};

use ipc::config::prefix::Prefix;
use ipc::config::reply;

use crate::arpa;
use crate::harvest::along_chain;
use crate::hash::{SeededState, Set};
use crate::name::{Name, suffixes};
use crate::rdata;
use crate::rebind;
use crate::reply::QNAME;
use crate::wire::{AA, Header, IN, Question, Record, Records, TC, put_u16, rcode, rtype};

/// The rules.
#[derive(Debug)]
pub(crate) struct ReplyRules {
    rules: reply::ReplyRules,
    /// `rebind-domain-ok`, in wire form, lower case.
    rebind_domains: Set<Box<[u8]>>,
    /// `rebind-domain-ok` without domain: names without dots may have private addresses.
    rebind_unqualified: bool,
}

impl ReplyRules {
    pub fn new(rules: &reply::ReplyRules, state: SeededState) -> ReplyRules {
        let mut rebind_domains = Set::with_hasher(state);
        for domain in rules.rebind_domains_ok.iter().filter(|domain| !domain.is_empty()) {
            rebind_domains.extend(Name::from_text(domain.as_bytes()).map(|name| name.lowered().wire().into()));
        }
        let rebind_unqualified = rules.rebind_domains_ok.iter().any(String::is_empty);
        ReplyRules { rules: rules.clone(), rebind_domains, rebind_unqualified }
    }

    /// `alias`: puts other addresses into the answer and additional sections, in place. Who does that is no authority.
    pub fn rename(&self, message: &mut [u8], question: &Question, header: &Header) {
        if self.rules.aliases.is_empty() {
            return;
        }
        let mut changes: Vec<(usize, Ipv4Addr)> = Vec::new();
        let mut records = Records::new(message, question.end, header.answers);
        let mut look = |record: Record| {
            if let Some(IpAddr::V4(v4)) = address(message, &record)
                && let Some(other) = self.rules.aliases.iter().find_map(|alias| alias.apply(v4))
            {
                changes.push((record.rdata.start, other));
            }
        };
        records.by_ref().for_each(&mut look);
        records.next_section(header.authorities);
        records.by_ref().for_each(drop);
        records.next_section(header.additionals);
        records.for_each(look);
        for (at, other) in &changes {
            message[*at..at + 4].copy_from_slice(&other.octets());
        }
        if !changes.is_empty() {
            message[2] &= !AA;
        }
    }

    /// `bogus-nxdomain`: owner (lower case) and TTL of the first record that means "no such name".
    pub fn denied(&self, message: &[u8], question: &Question, header: &Header) -> Option<(Name, u32)> {
        found(&self.rules.bogus_nxdomain, message, question, header)
    }

    /// `stop-dns-rebind`: does the reply give a public name a private address?
    pub fn is_rebind(&self, message: &[u8], question: &Question, header: &Header) -> bool {
        if !self.rules.stop_rebind || question.qclass != IN || !rebind::is_followed(question.qtype) {
            return false;
        }
        let name = &question.name;
        let allowed = self.rebind_unqualified && name.is_unqualified()
            || !self.rebind_domains.is_empty()
                && suffixes(name.wire()).any(|suffix| self.rebind_domains.contains(suffix));
        let private = |address: IpAddr| {
            rebind::is_inside(address) && !(self.rules.rebind_localhost_ok && arpa::is_this_host(address))
        };
        !allowed
            && along_chain(message, header, question)
                .iter()
                .filter(|record| record.rtype == question.qtype)
                .any(|record| rebind::leads(message, record, private))
    }

    /// Is an answer to this question emptied of what it asks for?
    pub fn filters_type(&self, qtype: u16) -> bool {
        qtype != rtype::ANY && self.rules.filtered_types.contains(&qtype)
    }

    /// `filter-rr`: must this record go? `answers`: it is in the answer section.
    fn filters(&self, qtype: u16, record: &Record, answers: bool) -> bool {
        let types = &self.rules.filtered_types;
        let everything = qtype == rtype::ANY && types.contains(&rtype::ANY);
        let unwanted = if everything {
            !matches!(record.rtype, rtype::A | rtype::AAAA | rtype::MX | rtype::CNAME | rtype::OPT)
        } else {
            answers && types.contains(&record.rtype)
        };
        record.class == IN && unwanted
    }

    /// The message without the records that are filtered out, and without OPT; `None` when there is nothing to filter, or it cannot be
    /// read, or it says something else than what a name has. Names are written in full, except that owners point to the question where they can.
    pub fn filtered(&self, message: &[u8], question: &Question, header: &Header) -> Option<Vec<u8>> {
        let says_what_there_is = Header::read(message).is_some_and(|header| header.rcode() == rcode::NOERROR);
        if !says_what_there_is || header.high & TC != 0 {
            return None;
        }
        if self.rules.filtered_types.is_empty() {
            return None;
        }
        let mut out = message.get(..question.end)?.to_vec();
        let mut records = Records::new(message, question.end, 0);
        let mut filtered = false;
        let sections = [header.answers, header.authorities, header.additionals];
        for (section, count) in sections.into_iter().enumerate() {
            records.next_section(count);
            let mut kept = 0;
            for record in records.by_ref() {
                let unwanted = self.filters(question.qtype, &record, section == 0);
                filtered |= unwanted;
                if !unwanted && record.rtype != rtype::OPT {
                    append(&mut out, message, &record, &question.name)?;
                    kept += 1;
                }
            }
            put_u16(&mut out, 6 + 2 * section, kept);
        }
        (filtered && records.left == 0).then_some(out)
    }
}

/// `ignore-address`: is this a reply to be dropped, as if it had not come?
pub(crate) fn is_ignored(prefixes: &[Prefix], message: &[u8]) -> bool {
    if prefixes.is_empty() {
        return false;
    }
    let (Some(header), Ok(question)) = (Header::read(message), Question::read(message)) else { return false };
    found(prefixes, message, &question, &header).is_some()
}

/// Owner and TTL of the first address in the answer section that lies in one of these prefixes.
fn found(prefixes: &[Prefix], message: &[u8], question: &Question, header: &Header) -> Option<(Name, u32)> {
    if prefixes.is_empty() {
        return None;
    }
    Records::new(message, question.end, header.answers).find_map(|record| {
        let address = address(message, &record)?;
        let (owner, _) = Name::read(message, record.start).ok()?;
        prefixes.iter().any(|prefix| prefix.contains(address)).then_some((owner.lowered(), record.ttl))
    })
}

/// The address of an address record of class IN.
fn address(message: &[u8], record: &Record) -> Option<IpAddr> {
    let rdata = message.get(record.rdata.clone())?;
    match record.rtype {
        _ if record.class != IN => None,
        rtype::A => <[u8; 4]>::try_from(rdata).ok().map(IpAddr::from),
        rtype::AAAA => <[u8; 16]>::try_from(rdata).ok().map(IpAddr::from),
        _ => None,
    }
}

fn append(out: &mut Vec<u8>, message: &[u8], record: &Record, qname: &Name) -> Option<()> {
    let (owner, _) = Name::read(message, record.start).ok()?;
    if owner.same(qname) {
        out.extend_from_slice(&QNAME.to_be_bytes());
    } else {
        out.extend_from_slice(owner.wire());
    }
    // Type, class, TTL.
    out.extend_from_slice(message.get(record.rdata.start - 10..record.rdata.start - 2)?);
    let length_at = out.len();
    out.extend_from_slice(&[0, 0]);
    rdata::append(out, message, record)?;
    let length = u16::try_from(out.len() - length_at - 2).ok()?;
    put_u16(out, length_at, length);
    Some(())
}
