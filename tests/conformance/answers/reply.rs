//! What counts as the same reply.

use std::fmt;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};
use support::message::CNAME;

use crate::configuration::Configuration;
use crate::question::{Question, Way};

/// What may have passed between two answers on a busy machine.
const SECONDS: u32 = 6;
/// Flags of the header.
const AA: u16 = 0x0400;
const TC: u16 = 0x0200;
const AD: u16 = 0x0020;
const RCODE: u16 = 0x000f;
/// Types.
const SRV: u16 = 33;
const OPT: u16 = 41;
/// Longest reply to who sends no OPT record (RFC 1035 section 4.2.1).
const PLAIN_BYTES_MAX: usize = 512;
/// An OPT record without options.
const OPT_BYTES: usize = 11;
const OPCODE: u16 = 0x7800;
const NOERROR: u16 = 0;
const SERVFAIL: u16 = 2;
const NXDOMAIN: u16 = 3;
const NOTIMP: u16 = 4;
const REFUSED: u16 = 5;

/// How two replies to the last of these questions differ; `None` when they do not, or as `docs/differences.md` says. Order of records and compression are free, and some
/// seconds may have passed.
pub fn difference(
    history: &[Question],
    configuration: &Configuration,
    ours: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Option<String> {
    let question = history.last()?;
    if trusts_others(question, configuration) {
        return None;
    }
    if ours == theirs || is_excused(question, configuration, ours) {
        return None;
    }
    // A question that the reference has read on behind its end is still with the upstream, and this one has joined it.
    let joined = |earlier: &Question| {
        let alike = earlier.name.eq_ignore_ascii_case(&question.name) || earlier.kind == question.kind;
        earlier.has_pointer() && alike
    };
    if theirs.is_none() && history.iter().any(joined) {
        return None;
    }
    // An SOA that the reference keeps of a denial makes the root a name of its own; and the names of addresses, which it keeps apart, are
    // not left out when they come from the cache.
    let apart = question.name.is_empty() || question.name.to_ascii_lowercase().ends_with(".arpa");
    if apart && configuration.text().contains("\nfilter") {
        return None;
    }
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        let told = |reply: Option<&[u8]>| reply.map_or("  (nothing)".to_owned(), |reply| format!("{reply:02x?}"));
        return (ours.is_some() != theirs.is_some())
            .then(|| format!("  ours:    {}\n  dnsmasq: {}", told(ours), told(theirs)));
    };
    if question.way != Way::Datagram && (refused_unread(ours, theirs) || same_but_opt(ours, theirs))
        || same_unread(ours, theirs, question.dnssec_ok)
        || same_but_class(question, ours, theirs)
        || lost_its_way(history, theirs)
        || cut_though_it_fits(question, configuration, ours, theirs)
        || kept_for_others(history, configuration)
        || taken_for_name(configuration, ours, theirs)
        || known_by_denial(history, configuration)
        || forgot_dnssec(question, configuration, theirs)
        // Of other classes than IN, records are left out of messages that cannot be read.
        || Told::of(ours).is_none() && configuration.text().contains("\nfilter-") && question.is_of_other_class()
    {
        return None;
    }
    let (Some(mine), Some(yours)) = (Told::of(ours), Told::of(theirs)) else {
        return Some(format!("  ours:    {ours:02x?}\n  dnsmasq: {theirs:02x?}"));
    };
    let same = mine.same(&yours) || excuses(history, configuration, &yours).iter().any(|excuse| excuse.same(&mine));
    (!same).then(|| format!("  ours:\n{mine}\n  dnsmasq:\n{yours}"))
}

/// Are these messages that cannot be read the same, but for the DO bit that the reference forgets?
fn same_unread(ours: &[u8], theirs: &[u8], dnssec_ok: bool) -> bool {
    let mut differences = ours.iter().zip(theirs).filter(|(a, b)| a != b);
    let bit = differences.next().is_some_and(|(a, b)| a ^ b == 0x80 && (a & 0x80 != 0) == dnssec_ok);
    Told::of(ours).is_none() && ours.len() == theirs.len() && bit && differences.next().is_none()
}

/// Are these messages that cannot be read the same, but for the size that the reference writes into a question of type OPT with an unknown
/// opcode?
fn same_but_class(question: &Question, ours: &[u8], theirs: &[u8]) -> bool {
    let differing = ours.iter().zip(theirs).filter(|(a, b)| a != b).count();
    let unknown = u16::from_be_bytes([theirs[2], theirs[3]]) & OPCODE != 0;
    Told::of(ours).is_none() && unknown && question.kind == OPT && ours.len() == theirs.len() && differing <= 2
}

/// Are these messages that cannot be read the same, but for the OPT record of an earlier question?
fn same_but_opt(ours: &[u8], theirs: &[u8]) -> bool {
    let behind = theirs.get(ours.len()..).unwrap_or_default();
    Told::of(ours).is_none()
        && behind.len() == OPT_BYTES
        && ours[..11] == theirs[..11]
        && ours[12..] == theirs[12..ours.len()]
}

/// A reply over TCP with another question, or none, leaves the reference without upstreams for the rest of the connection.
fn lost_its_way(history: &[Question], theirs: &[u8]) -> bool {
    let Some((last, before)) = history.split_last() else { return false };
    let first = before.iter().rposition(|earlier| earlier.way != Way::SameConnection).unwrap_or_default();
    last.way == Way::SameConnection
        && u16::from(theirs[3]) & RCODE == REFUSED
        && before[first..].iter().any(|earlier| earlier.way != Way::Datagram && is_strange(&earlier.name))
}

/// What is left of a reply is cut by the reference if it did not fit before something was left out of it.
fn cut_though_it_fits(question: &Question, configuration: &Configuration, ours: &[u8], theirs: &[u8]) -> bool {
    let cut = |reply: &[u8]| u16::from_be_bytes([reply[2], reply[3]]) & TC != 0;
    let left_out = configuration.text().contains("\nfilter-");
    question.way == Way::Datagram && left_out && cut(theirs) && !cut(ours) && ours.len() <= PLAIN_BYTES_MAX
}

/// With `add-subnet`, the reference keeps for everybody what was answered to a client that named a network itself; and after such an
/// answer it has forgotten what it knew of the name, which shows with `filterwin2k` and through an alias.
fn kept_for_others(history: &[Question], configuration: &Configuration) -> bool {
    let Some((last, before)) = history.split_last() else { return false };
    let of_network = |earlier: &Question| {
        earlier.name.eq_ignore_ascii_case(&last.name) && earlier.bytes.windows(2).any(|pair| pair == [0, 8])
    };
    let text = configuration.text();
    let shows = ["\nadd-subnet", "\nfilterwin2k"].iter().any(|key| text.contains(key));
    let aliased = |earlier: &Question| {
        let alias = format!("\ncname={},{}\n", last.name, earlier.name).to_ascii_lowercase();
        text.to_ascii_lowercase().contains(&alias) && earlier.bytes.windows(2).any(|pair| pair == [0, 8])
    };
    // The other way round, it answers who names a network from what it knows to be missing, or to be left out, or to be an alias.
    let known = ["\nbogus-nxdomain", "\nfilter-", "\nadd-subnet"].iter().any(|key| text.contains(key));
    shows && before.iter().any(of_network)
        || before.iter().any(aliased)
        || !before.is_empty() && of_network(last) && known
}

/// Some of what the reference keeps makes a name exist whose addresses it leaves out, before it looks at what is configured.
fn taken_for_name(configuration: &Configuration, ours: &[u8], theirs: &[u8]) -> bool {
    let text = configuration.text();
    let both = text.contains("\nfilter-") && text.contains("\naddress=/");
    let configured = |reply: &[u8]| reply[2] & 0x04 != 0 && reply[6..8] != [0, 0];
    let left_out = |reply: &[u8]| reply[6..8] == [0, 0] && u16::from(reply[3]) & RCODE == 0;
    both && (configured(ours) && left_out(theirs) || configured(theirs) && left_out(ours))
}

/// A name of which it was said, without SOA, that it has no SRV record exists for the reference, and what is left out of answers about it
/// is not asked for.
fn known_by_denial(history: &[Question], configuration: &Configuration) -> bool {
    let Some((last, before)) = history.split_last() else { return false };
    let text = configuration.text();
    let denied = |earlier: &Question| earlier.kind == SRV && earlier.name.eq_ignore_ascii_case(&last.name);
    text.contains("\nneg-ttl") && text.contains("\nfilter-") && before.iter().any(denied)
}

/// Where options of queries are changed, the client's DO bit is forgotten over TCP, and the cache answers.
fn forgot_dnssec(question: &Question, configuration: &Configuration, theirs: &[u8]) -> bool {
    question.way != Way::Datagram
        && question.dnssec_ok
        && changes_options(&configuration.text())
        && theirs[6..8] == [0, 0]
}

/// Are options of queries changed on their way upstream?
fn changes_options(text: &str) -> bool {
    ["\nadd-", "\nstrip-", "\numbrella"].iter().any(|key| text.contains(key))
}

/// Chains into names that another upstream, or nobody, is to be asked about are kept by the reference, and denials at the end of chains
/// that begin at a name of our own; over TCP it may know less of where an alias of ours leads; and rings, with `cache-rr=ANY`.
fn trusts_others(question: &Question, configuration: &Configuration) -> bool {
    let (name, text) = (question.name.to_ascii_lowercase(), configuration.text());
    let other = text.contains("\nserver=/nx2.up.example/\n");
    (name.starts_with("denied2.") || name == "nx2.up.example") && other
        || name.starts_with("denied") && text.contains("\naddress=/up.example/")
        || name == "away.lan" && question.way != Way::Datagram
        || name.starts_with("ring") && text.contains("\ncache-rr=ANY\n")
}

/// Does the pretend world answer with another question, or none?
fn is_strange(name: &str) -> bool {
    ["other", "unquestioned"].iter().any(|kind| name.to_ascii_lowercase().starts_with(kind))
}

/// Do both repeat a question that cannot be read? The reference forgets the OPT record then, over TCP, or sends one of an earlier question.
fn refused_unread(ours: &[u8], theirs: &[u8]) -> bool {
    let shorter = ours.len().min(theirs.len());
    Told::of(ours).is_none()
        && ours[..10] == theirs[..10]
        && [NOTIMP, REFUSED].contains(&(u16::from(ours[3]) & RCODE))
        && ours[12..shorter] == theirs[12..shorter]
}

/// Is this the right reply, whatever the reference makes of the question?
fn is_excused(question: &Question, configuration: &Configuration, ours: Option<&[u8]>) -> bool {
    let Some(code) = ours.and_then(|reply| reply.get(3)).map(|low| u16::from(*low) & RCODE) else { return false };
    let short = question.name.to_ascii_lowercase().starts_with("short");
    // The name has a compression pointer, and the reference reads on behind the question.
    code == REFUSED && question.has_pointer()
        // The upstream's reply ends before its last record, and the reference passes it on.
        || code == SERVFAIL && question.name.to_ascii_lowercase().starts_with("missing")
        // An address of the wrong length, which it reads on behind its end or not to its end.
        || code == SERVFAIL && short
        // Nor are such addresses asked for when they would be left out, and the name is known to exist.
        || code == NOERROR && short && configuration.text().contains("\nfilter-")
}

/// Does an alias lead to a host that is configured?
fn leads_to_host(reply: &Told, text: &str) -> bool {
    let records = text.lines().filter_map(|line| line.strip_prefix("host-record="));
    let mut hosts = records.flat_map(|names| names.split(',')).map(str::to_lowercase);
    hosts.any(|host| reply.lines.iter().any(|(line, _)| line.ends_with(&format!(" cname in {host}."))))
}

/// What the reference's reply would be without the defects that we do not copy.
fn excuses(history: &[Question], configuration: &Configuration, theirs: &Told) -> Vec<Told> {
    let mut excuses = Vec::new();
    let Some(question) = history.last() else { return excuses };
    let name = question.name.to_ascii_lowercase();
    let mut theirs = theirs.clone();
    // What a client without OPT record was told is passed on to one that has sent one.
    theirs.opt_free |= name.starts_with("without");
    // Where options of queries are changed, OPT records come and go over TCP.
    let text = configuration.text();
    let tcp = question.way != Way::Datagram;
    theirs.opt_free |= tcp && changes_options(&text);
    // An empty option at the end makes the record unreadable then: the DO bit is forgotten, and the cache answers with its own TTLs.
    let unreadable = tcp && changes_options(&text) && question.dnssec_ok && question.bytes.ends_with(&[0, 0]);
    theirs.ttls_free |= unreadable;
    // TTLs beyond 2^31 are zero (RFC 2181 section 8), and yet they turn up over TCP.
    theirs.ttls_free |= tcp && name.starts_with("endless");
    // A chain to one of our own hosts may come from the cache, and with `max-cache-ttl` it shows.
    theirs.ttls_free |= text.contains("\nmax-cache-ttl") && leads_to_host(&theirs, &text);
    // Over TCP a question without OPT record may get that of an earlier one, or none where we think that the reference would do so.
    theirs.opt_free |= question.way == Way::SameConnection && !question.has_opt();
    let mut add = |change: &dyn Fn(&mut Told)| {
        let mut excuse = theirs.clone();
        change(&mut excuse);
        excuses.push(excuse);
    };
    add(&|_| {});
    // The client's DO bit is forgotten in some answers of its own.
    add(&|excuse| excuse.dnssec_ok = question.dnssec_ok);
    // The OPT record is lost over TCP when the opcode is unknown or the question is none.
    if tcp && (theirs.flags & OPCODE != 0 || question.bytes[4..10] != [0, 1, 0, 0, 0, 0]) {
        add(&|excuse| excuse.opt_free = true);
    }
    let asked = || {
        let mut alone = question.bytes.clone();
        alone[6..12].fill(0);
        Told::of(&alone).map(|told| told.lines).unwrap_or_default()
    };
    // An upstream's reply with another question, or none, takes the place of the client's question, over TCP.
    if is_strange(&question.name) && tcp && theirs.flags & RCODE == REFUSED {
        add(&|excuse| (excuse.lines, excuse.opt_free) = (asked(), true));
    }
    // Where the type is that of an OPT record, the size that belongs there is written into the question.
    if question.kind == OPT && theirs.flags & OPCODE != 0 {
        add(&|excuse| (excuse.lines, excuse.opt_free) = (asked(), true));
    }
    // A question about that type loses the AD bit that `proxy-dnssec` lets pass.
    if question.kind == OPT {
        add(&|excuse| excuse.flags |= AD);
    }
    // The AD bit is the client's own over TCP; nothing has been validated.
    if theirs.flags & AD != 0 {
        add(&|excuse| excuse.flags &= !AD);
    }
    // Whose denial it is when both the cache and the configuration know something of a name.
    let denial = |(line, _): &(String, u32)| !line.starts_with("answer") || line.contains(" cname ");
    if unreadable && theirs.lines.iter().all(denial) {
        add(&|excuse| excuse.flags ^= NXDOMAIN | AA);
    }
    if theirs.lines.iter().all(denial) {
        add(&|excuse| excuse.flags ^= AA);
        // Names that the reference knows from records that it keeps beside answers are not asked about when their answer would be filtered.
        if text.contains("filter-") {
            add(&|excuse| excuse.opt_free = true);
            add(&|excuse| (excuse.flags, excuse.opt_free) = (excuse.flags ^ AA, true));
        }
    }
    // With a `synth-domain`, ANY of a reverse name has the address itself.
    if question.name.to_ascii_lowercase().ends_with(".arpa") {
        add(&|excuse| excuse.lines.retain(|(line, _)| !line.contains(" a in ") && !line.contains(" aaaa in ")));
    }
    // Two lines about the same name leave it without servers.
    let unqualified = ["local=//\n", "address=//"].iter().any(|line| text.contains(line));
    if question.name.eq_ignore_ascii_case("lan") && text.contains("server=/lan/#\n") && unqualified {
        for flags in [theirs.flags & !RCODE, theirs.flags & !RCODE | AA] {
            add(&|excuse| (excuse.flags, excuse.opt_free) = (flags, true));
        }
    }
    // Whether a name exists that a chain from elsewhere leads to.
    let claimed = history.iter().any(|earlier| earlier.name.to_ascii_lowercase().starts_with("tolocal"));
    let denied = theirs.lines.iter().all(|(line, _)| !line.starts_with("answer"));
    if claimed && question.name.eq_ignore_ascii_case("box.lan") && denied {
        for change in [NXDOMAIN, NXDOMAIN | AA] {
            add(&|excuse| {
                (excuse.flags, excuse.dnssec_ok) = (excuse.flags ^ change, question.dnssec_ok);
                // What exists and would be left out is not asked about.
                excuse.opt_free |= text.contains("\nfilter-");
            });
        }
    }
    // Whether a name exists of which only something is kept that is not kept otherwise.
    if text.contains("cache-rr=ANY\n") && theirs.lines.iter().all(denial) {
        add(&|excuse| excuse.flags ^= NXDOMAIN);
        add(&|excuse| excuse.flags ^= NXDOMAIN | AA);
    }
    // Then an alias into names of our own that was asked for by itself is left out of the denial of another type.
    let alias = |(line, _): &(String, u32)| line.contains(" cname ");
    if text.contains("cache-rr=ANY\n") && name.starts_with("tolocal") && !theirs.lines.iter().any(alias) {
        add(&|excuse| {
            excuse.lines.push((format!("answer {name}. cname in box.lan."), 0));
            excuse.lines.sort();
            excuse.ttls_free = true;
        });
    }
    // Of other classes than IN, the denial of a name is weighed against what is kept of it in IN.
    if question.is_of_other_class() && theirs.lines.iter().all(denial) {
        add(&|excuse| excuse.flags ^= NXDOMAIN);
        add(&|excuse| excuse.flags ^= NXDOMAIN | AA);
    }
    // A denial of another type makes a name of our own go missing.
    let own = text.contains(&format!("\nhost-record={},", question.name.to_ascii_lowercase()));
    if own && theirs.flags & RCODE == NXDOMAIN {
        for flags in [theirs.flags & !RCODE, theirs.flags & !RCODE | AA] {
            add(&|excuse| (excuse.flags, excuse.opt_free) = (flags, true));
        }
    }
    // The same at the end of an alias from elsewhere, over TCP.
    let leads_to_own = |(line, _): &(String, u32)| {
        line.split_once(" cname in ")
            .is_some_and(|(_, target)| text.contains(&format!("\nhost-record={},", target.trim_end_matches('.'))))
    };
    if tcp && theirs.flags & RCODE == NXDOMAIN && theirs.lines.iter().any(leads_to_own) {
        for flags in [theirs.flags & !RCODE, theirs.flags & !RCODE | AA] {
            add(&|excuse| (excuse.flags, excuse.opt_free) = (flags, true));
        }
    }
    // A name that `bogus-nxdomain` has denied for one type stays denied for others, though it has answers.
    let with_answers = history.len() > 1 && text.contains("\nbogus-nxdomain");
    if with_answers && theirs.flags & RCODE == NXDOMAIN && theirs.lines.iter().all(denial) {
        add(&|excuse| excuse.flags &= !RCODE);
    }
    // A name that has only records of `dns-rr` or `caa-record`, or only such names below it, exists.
    let is_raw = |key: &&str| {
        text.lines().filter_map(|line| line.strip_prefix(key)?.split(',').next()).any(|owner| {
            owner.strip_suffix(name.as_str()).is_some_and(|below| below.is_empty() || below.ends_with('.'))
        })
    };
    let raw = ["dns-rr=", "caa-record="].iter().any(is_raw);
    if raw && theirs.flags & RCODE == NXDOMAIN {
        let exists = theirs.flags & !(RCODE | AD);
        for flags in [exists, exists | AA] {
            add(&|excuse| (excuse.flags, excuse.opt_free) = (flags, true));
        }
    }
    // A domain that hosts are in is no host with mail of its own; what is left is a denial, or what upstream says.
    let own_mail = |(line, _): &(String, u32)| line.contains(" mx in 1 ");
    if ["localmx\n", "selfmx\n"].iter().any(|line| text.contains(line)) && theirs.lines.iter().any(own_mail) {
        for flags in [theirs.flags, theirs.flags & !AA, theirs.flags & !AA | REFUSED] {
            add(&|excuse| {
                excuse.lines.retain(|line| !own_mail(line));
                (excuse.flags, excuse.opt_free) = (flags, true);
            });
        }
    }
    // Aliases that `filter-rr` leaves out are told from the cache.
    if question.kind == CNAME && text.lines().any(|line| line.starts_with("filter-rr=") && line.contains("CNAME")) {
        add(&|excuse| excuse.lines.retain(|(line, _)| !line.contains(" cname ")));
    }
    // What else came with a chain or a denial is gone when these come from the cache.
    for (kind, beside) in [("dname", " dname "), ("signed", " rrsig ")] {
        if name.starts_with(kind) && !question.dnssec_ok {
            add(&|excuse| excuse.lines.retain(|(line, _)| !line.contains(beside)));
        }
    }
    excuses
}

/// A reply, told so that equal ones read alike.
#[derive(Clone, Debug)]
struct Told {
    id: u16,
    flags: u16,
    /// Section and content, sorted, with the TTL.
    lines: Vec<(String, u32)>,
    /// The SOA of a denial, of which some are lost in the reference.
    authority: Vec<String>,
    opt: Option<String>,
    dnssec_ok: bool,
    /// Whatever is in the OPT record of the other side is fine.
    opt_free: bool,
    /// Whatever TTLs the other side has are fine.
    ttls_free: bool,
}

impl Told {
    fn of(bytes: &[u8]) -> Option<Told> {
        let message = Message::from_vec(bytes).ok()?;
        // The reserved bit is copied from the question by whoever writes the reply, here or upstream.
        let flags = u16::from_be_bytes([bytes[2], bytes[3]]) & !0x0040;
        let mut lines: Vec<(String, u32)> = Vec::new();
        lines.extend(message.queries.iter().map(|query| (format!("question {query}"), 0)));
        lines.extend(message.answers.iter().map(|record| line("answer", record)));
        let (authority, others): (Vec<_>, Vec<_>) =
            message.authorities.iter().partition(|record| record.record_type() == RecordType::SOA);
        let authority = authority.into_iter().map(|record| line("authority", record).0).collect();
        lines.extend(others.into_iter().map(|record| line("authority", record)));
        // Addresses of hosts elsewhere come along if the cache happens to have them, and over TCP it has them a little later.
        let elsewhere = |record: &&Record| record.name.to_string().to_ascii_lowercase().ends_with(".up.example.");
        let additionals = message.additionals.iter().filter(|record| !elsewhere(record));
        lines.extend(additionals.map(|record| line("additional", record)));
        lines.sort();
        let dnssec_ok = message.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
        let opt = message.edns.map(|edns| format!("{} {:?}", edns.max_payload(), edns.options()));
        let id = u16::from_be_bytes([bytes[0], bytes[1]]);
        Some(Told { id, flags, lines, authority, opt, opt_free: false, ttls_free: false, dnssec_ok })
    }

    fn same(&self, other: &Told) -> bool {
        // Whether the reference still has the SOA of a denial, and for how long, depends on what else it has denied in that zone.
        let any_authority = self.authority.is_empty() || other.authority.is_empty();
        self.id == other.id
            && self.flags == other.flags
            && (self.opt == other.opt && self.dnssec_ok == other.dnssec_ok || self.opt_free)
            && same_lines(&self.lines, &other.lines, self.ttls_free)
            && (any_authority || self.authority == other.authority)
    }
}

/// Are these the same records, but for some seconds, or any number of them?
fn same_lines(these: &[(String, u32)], those: &[(String, u32)], ttls_free: bool) -> bool {
    let seconds = if ttls_free { u32::MAX } else { SECONDS };
    these.len() == those.len() && these.iter().zip(those).all(|(a, b)| a.0 == b.0 && a.1.abs_diff(b.1) <= seconds)
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
        for line in &self.authority {
            write!(f, "\n    {line}")?;
        }
        match &self.opt {
            Some(opt) => write!(f, "\n    OPT {opt} DO {}", self.dnssec_ok),
            None => Ok(()),
        }
    }
}
