//! What counts as the same reply.

use std::fmt;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::configuration::Configuration;
use crate::question::Question;

/// What may have passed between two answers on a busy machine.
const SECONDS: u32 = 3;
/// Flags of the header.
const AA: u16 = 0x0400;
const AD: u16 = 0x0020;
const RCODE: u16 = 0x000f;
const OPCODE: u16 = 0x7800;
const NXDOMAIN: u16 = 3;

/// How two replies differ; `None` when they do not, or as `docs/differences.md` says. Order of records and compression are free, and some
/// seconds may have passed.
pub fn difference(
    question: &Question,
    configuration: &Configuration,
    ours: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Option<String> {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        let told = |reply: Option<&[u8]>| reply.map_or("  (nothing)".to_owned(), |reply| format!("{reply:02x?}"));
        return (ours.is_some() != theirs.is_some())
            .then(|| format!("  ours:    {}\n  dnsmasq: {}", told(ours), told(theirs)));
    };
    if ours == theirs {
        return None;
    }
    let (Some(mine), Some(yours)) = (Told::of(ours), Told::of(theirs)) else {
        return Some(format!("  ours:    {ours:02x?}\n  dnsmasq: {theirs:02x?}"));
    };
    let same = mine.same(&yours) || excuses(question, configuration, &yours).iter().any(|excuse| excuse.same(&mine));
    (!same).then(|| format!("  ours:\n{mine}\n  dnsmasq:\n{yours}"))
}

/// What the reference's reply would be without the defects that we do not copy.
fn excuses(question: &Question, configuration: &Configuration, theirs: &Told) -> Vec<Told> {
    let mut excuses = Vec::new();
    let mut theirs = theirs.clone();
    // Where options of queries are changed, OPT records come and go over TCP.
    let changes = ["\nadd-", "\nstrip-", "\numbrella"].iter().any(|key| configuration.text().contains(key));
    theirs.opt_free |= question.tcp && changes;
    let mut add = |change: &dyn Fn(&mut Told)| {
        let mut excuse = theirs.clone();
        change(&mut excuse);
        excuses.push(excuse);
    };
    add(&|_| {});
    // The OPT record is lost over TCP when the opcode is unknown.
    if theirs.flags & OPCODE != 0 && question.tcp {
        add(&|excuse| excuse.opt_free = true);
    }
    // The AD bit is the client's own over TCP; nothing has been validated.
    if theirs.flags & AD != 0 {
        add(&|excuse| excuse.flags &= !AD);
    }
    // Whose denial it is when both the cache and the configuration know something of a name.
    let denial = |(line, _): &(String, u32)| !line.starts_with("answer") || line.contains(" cname ");
    if theirs.lines.iter().all(denial) {
        add(&|excuse| excuse.flags ^= AA);
        // Names that the reference knows from records that it keeps beside answers are not asked about when their answer would be filtered.
        if configuration.text().contains("filter-") {
            add(&|excuse| excuse.opt_free = true);
            add(&|excuse| (excuse.flags, excuse.opt_free) = (excuse.flags ^ AA, true));
        }
    }
    // With a `synth-domain`, ANY of a reverse name has the address itself.
    if question.name.to_ascii_lowercase().ends_with(".arpa") {
        add(&|excuse| excuse.lines.retain(|(line, _)| !line.contains(" a in ") && !line.contains(" aaaa in ")));
    }
    // `filter-rr=ANY` says that it has filtered even if there was nothing but an SOA.
    if configuration.text().contains("filter-rr=ANY\n") {
        add(&|excuse| excuse.opt_free = true);
    }
    // Two lines about the same name leave it without servers.
    let text = configuration.text();
    if question.name.eq_ignore_ascii_case("lan") && text.contains("server=/lan/#\n") && text.contains("local=//\n") {
        for flags in [theirs.flags & !RCODE, theirs.flags & !RCODE | AA] {
            add(&|excuse| (excuse.flags, excuse.opt_free) = (flags, true));
        }
    }
    // A name that has only records of `dns-rr` or `caa-record` exists.
    let name = question.name.to_ascii_lowercase();
    let raw = ["dns-rr", "caa-record"].iter().any(|key| configuration.text().contains(&format!("{key}={name},")));
    if raw && theirs.flags & RCODE == NXDOMAIN {
        for flags in [theirs.flags & !RCODE, theirs.flags & !RCODE | AA] {
            add(&|excuse| (excuse.flags, excuse.opt_free) = (flags, true));
        }
    }
    // A domain that hosts are in is no host with mail of its own; what is left is a denial, or what upstream says.
    let own_mail = |(line, _): &(String, u32)| line.contains(" mx in 1 ");
    if ["localmx\n", "selfmx\n"].iter().any(|line| text.contains(line)) && theirs.lines.iter().any(own_mail) {
        for flags in [theirs.flags, theirs.flags & !AA] {
            add(&|excuse| {
                excuse.lines.retain(|line| !own_mail(line));
                excuse.flags = flags;
            });
        }
    }
    excuses
}

/// A reply, told so that equal ones read alike.
#[derive(Clone, Debug)]
struct Told {
    flags: u16,
    /// Section and content, sorted, with the TTL.
    lines: Vec<(String, u32)>,
    opt: Option<String>,
    /// Whatever is in the OPT record of the other side is fine.
    opt_free: bool,
}

impl Told {
    fn of(bytes: &[u8]) -> Option<Told> {
        let message = Message::from_vec(bytes).ok()?;
        // The reserved bit is copied from the question by whoever writes the reply, here or upstream.
        let flags = u16::from_be_bytes([bytes[2], bytes[3]]) & !0x0040;
        let mut lines: Vec<(String, u32)> = Vec::new();
        lines.extend(message.queries.iter().map(|query| (format!("question {query}"), 0)));
        lines.extend(message.answers.iter().map(|record| line("answer", record)));
        // Whether the reference still has the SOA of a denial depends on what else it has denied in that zone.
        let authorities = message.authorities.iter().filter(|record| record.record_type() != RecordType::SOA);
        lines.extend(authorities.map(|record| line("authority", record)));
        lines.extend(message.additionals.iter().map(|record| line("additional", record)));
        lines.sort();
        // The reference forgets the client's DO bit in some answers of its own.
        let opt = message.edns.map(|edns| format!("{} {:?}", edns.max_payload(), edns.options()));
        Some(Told { flags, lines, opt, opt_free: false })
    }

    fn same(&self, other: &Told) -> bool {
        self.flags == other.flags
            && (self.opt == other.opt || self.opt_free)
            && self.lines.len() == other.lines.len()
            && self.lines.iter().zip(&other.lines).all(|(a, b)| a.0 == b.0 && a.1.abs_diff(b.1) <= SECONDS)
    }
}

fn line(section: &str, record: &Record) -> (String, u32) {
    let data = match &record.data {
        RData::Unknown { rdata, .. } => format!("{:02x?}", rdata.anything),
        data => data.to_string(),
    };
    // Which letters a name keeps depends on how it was compressed.
    let text = format!("{section} {} {} {} {data}", record.name, record.record_type(), record.dns_class);
    (text.to_lowercase(), record.ttl)
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "    flags {:04x}", self.flags)?;
        for (line, ttl) in &self.lines {
            write!(f, "\n    {line} ({ttl} s)")?;
        }
        match &self.opt {
            Some(opt) => write!(f, "\n    OPT {opt}"),
            None => Ok(()),
        }
    }
}
