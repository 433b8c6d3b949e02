//! Answers from what is known here: local names and the cache, with the aliases that lead there.

use ipc::log::Line;

use super::{Front, ede, log_records};
use crate::arpa;
use crate::cache::{Hit, Kind};
use crate::lines::Said;
use crate::local::Page;
use crate::name::Name;
use crate::query::Query;
use crate::reply::{QNAME, Reply, pointer};
use crate::wire::{IN, rcode, rtype};

/// Most CNAMEs followed.
const CHAIN_MAX: usize = 255;

/// What is known here of a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// No answer.
    Nothing,
    /// The answer.
    Fresh,
    /// An answer that has expired.
    Stale,
}

/// Only an upstream may answer, whatever has been appended.
struct Forward;

/// What log lines call the cache.
pub(super) fn source(stale: bool) -> &'static str {
    if stale { "cached-stale" } else { "cached" }
}

/// Says of an answer from the cache that it has expired (RFC 8767, section 4). Why something was left out is said instead, if it was.
fn note_stale(page: &mut Page<'_, '_>, stale: bool) {
    if stale {
        page.stale = true;
        page.reply.extended_error(ede::STALE);
    }
}

impl Front {
    /// Writes the answer from local names and the cache, if they have one. Allocates nothing for plain questions unless queries are logged.
    pub(super) fn answer_known(&mut self, query: &Query<'_>, bytes: &mut Vec<u8>, lines: &mut Vec<Line>) -> Known {
        let question = &query.question;
        if question.qclass != IN {
            return Known::Nothing;
        }
        let (start, echo, log) = (bytes.len(), query.echo(), self.log);
        let reply = Reply::new(bytes, &echo, rcode::NOERROR);
        let network = if self.localize_queries { self.access.network(query.client.asked) } else { None };
        let mut page = Page {
            query,
            reply,
            log: &log,
            lines,
            network,
            answered: false,
            cached: false,
            stale: false,
            targets: Vec::new(),
        };
        if self.append_known(&mut page).is_err() || !page.answered {
            bytes.truncate(start);
            return Known::Nothing;
        }
        page.reply.finish(&echo, self.edns_bytes_max);
        if page.stale { Known::Stale } else { Known::Fresh }
    }

    /// Follows aliases to a name that something is known of, and appends it all.
    fn append_known(&mut self, page: &mut Page<'_, '_>) -> Result<(), Forward> {
        let question = &page.query.question;
        let (mut name, mut owner, qtype) = (question.name, QNAME, question.qtype);
        for _ in 0..CHAIN_MAX {
            let Some((at, target)) = self.append_name(page, &name, owner)? else { break };
            let Some(next) = pointer(at) else { break };
            (name, owner) = (target.lowered(), next);
        }
        if qtype == rtype::MAILB {
            // dnsmasq says so of every name.
            page.reply.rcode(rcode::NXDOMAIN);
            (page.answered, page.cached) = (true, false);
        }
        // We are no authority for an end that comes from the cache.
        if page.answered && !page.cached {
            page.reply.authoritative();
        }
        Ok(())
    }

    /// Appends what is known of one name (lower case); `owner` points to it in the reply. If that is an alias, tells for which name it
    /// stands, and at which offset of the reply that name is.
    fn append_name(
        &mut self,
        page: &mut Page<'_, '_>,
        name: &Name,
        owner: u16,
    ) -> Result<Option<(usize, Name)>, Forward> {
        let (query, qtype) = (page.query, page.query.question.qtype);
        if let Some((link, ttl)) = self.local.link(name) {
            // A configured alias is an answer even if it leads nowhere.
            page.answered = true;
            page.say("config", &Said::Cname { name: name.wire() });
            let at = page.reply.answer(owner, rtype::CNAME, IN, ttl, link.target.wire());
            return Ok(at.filter(|_| qtype != rtype::CNAME).map(|at| (at, link.target)));
        }
        if self.local.append(page, name, owner) || self.local.append_synthetic(page, name, owner) {
            self.append_targets(page);
            page.answered = true;
            return Ok(None);
        }
        // RRsets do not answer ANY, and none are kept under that type, but a denial of the name does.
        // What holds for one network may not hold for another (RFC 7871, section 7.3.1).
        let cache_serves = query.recursion_desired() && !query.dnssec_ok() && !query.personal;
        let now_ms = query.now.monotonic_ms;
        if !cache_serves {
            let link = self.cache.find(name.wire(), rtype::CNAME, now_ms);
            if qtype != rtype::CNAME && link.is_some_and(|hit| hit.set.kind == Kind::Records) {
                // The cache knows more than it may tell.
                return Err(Forward);
            }
        }
        let filtered = qtype == rtype::SOA && self.filters_windows(name, qtype);
        let link = |hit: Hit<'_>| hit.set.kind == Kind::Records;
        // No denial in the cache is as good as this one; but an alias leads on.
        if !cache_serves || filtered && !self.cache.find(name.wire(), rtype::CNAME, now_ms).is_some_and(link) {
            self.append_refusal(page, name);
            return Ok(None);
        }
        // No denial of a private reverse name is as good as our own.
        if !page.answered && self.private(query).is_some() {
            return Err(Forward);
        }
        if let Some(kind) = self.append_cached(page, name, owner) {
            // dnsmasq sets AA when a CNAME itself is asked for, and when it makes less of a denial than was said.
            let ours = match kind {
                Kind::Records => qtype == rtype::CNAME,
                Kind::NxDomain => page.answered || self.local.knows(name),
                Kind::NoData if matches!(qtype, rtype::A | rtype::AAAA) => self.local.is_interface_name(name),
                Kind::NoData if matches!(qtype, rtype::PTR | rtype::SRV) => false,
                Kind::NoData => self.local.knows(name),
            };
            if page.answered && kind == Kind::NxDomain {
                page.reply.rcode(rcode::NOERROR);
            }
            page.cached |= !ours;
            page.answered = true;
            return Ok(None);
        }
        let link = self.cache.find(name.wire(), rtype::CNAME, now_ms);
        let Some(link) = link.filter(|hit| hit.set.kind == Kind::Records && qtype != rtype::CNAME) else {
            self.append_refusal(page, name);
            return Ok(None);
        };
        note_stale(page, link.stale);
        page.say(source(link.stale), &Said::Cname { name: name.wire() });
        link.append(page.reply.raw(), owner, self.ttl_max, false);
        page.reply.count_answers(1);
        // The RDATA of a kept CNAME is an uncompressed name: owner, type, class, TTL and length take 12 bytes.
        let target = link.set.bytes.get(12..).and_then(Name::from_wire);
        Ok(target.map(|target| (page.reply.position() - target.wire().len(), target)))
    }

    /// Appends the addresses that are known of hosts that our own records name, for the additional section.
    fn append_targets(&mut self, page: &mut Page<'_, '_>) {
        for (at, target) in std::mem::take(&mut page.targets) {
            let (Some(owner), name) = (pointer(at), target.lowered()) else { continue };
            self.local.append_target(page, &name, owner);
            for rtype in [rtype::A, rtype::AAAA] {
                let hit = self.cache.find(name.wire(), rtype, page.query.now.monotonic_ms);
                if let Some(hit) = hit.filter(|hit| hit.set.kind == Kind::Records && !hit.stale) {
                    hit.append(page.reply.raw(), owner, self.ttl_max, false);
                    page.reply.count_additionals(hit.set.records);
                }
            }
        }
    }

    /// Nothing is known: does the configuration keep the question from being asked (`filterwin2k`, `filter-rr`)?
    fn append_refusal(&self, page: &mut Page<'_, '_>, name: &Name) {
        let (query, qtype) = (page.query, page.query.question.qtype);
        if self.filters_windows(name, qtype) {
            page.say("config", &Said::Negative { name: name.wire(), address: None, qtype, missing: false });
            (page.answered, page.cached) = (true, false);
            return;
        }
        let now_ms = query.now.monotonic_ms;
        let exists = || self.local.is_host(name.wire()) || self.cache.knows(name, self.limits.types(), now_ms);
        if !page.answered && self.reply_rules.filters_type(qtype) && !query.dnssec_ok() && exists() {
            // All that there may be is left out of answers, and dnsmasq does not say what would be.
            page.reply.extended_error(ede::FILTERED);
            page.say("config", &Said::Negative { name: name.wire(), address: None, qtype: rtype::ANY, missing: false });
            (page.answered, page.cached) = (true, true);
        }
    }

    /// Instead of records that are left out: the reason.
    fn append_filtered(&self, page: &mut Page<'_, '_>) {
        page.reply.extended_error(ede::FILTERED);
        self.say_filtered(&page.query.question, page.query.about(), page.lines);
    }

    /// `filterwin2k`: is this what old Windows systems ask by habit, and no public server can answer?
    fn filters_windows(&self, name: &Name, qtype: u16) -> bool {
        self.filter_windows
            && match qtype {
                rtype::SOA | rtype::SRV => true,
                rtype::ANY => name.wire().contains(&b'_'),
                _ => false,
            }
    }

    /// Appends the RRset, or the denial, that the cache has for a name.
    fn append_cached(&mut self, page: &mut Page<'_, '_>, name: &Name, owner: u16) -> Option<Kind> {
        let (qtype, now_ms) = (page.query.question.qtype, page.query.now.monotonic_ms);
        let hit = self.cache.find(name.wire(), qtype, now_ms)?;
        let (kind, stale) = (hit.set.kind, hit.stale);
        note_stale(page, stale);
        match kind {
            Kind::Records | Kind::NoData if self.reply_rules.filters_type(qtype) => self.append_filtered(page),
            Kind::Records => {
                let from = page.reply.position();
                hit.append(page.reply.raw(), owner, self.ttl_max, self.rotate);
                let records = hit.set.records;
                page.reply.count_answers(records);
                if page.log.is_on() {
                    let about = page.query.about();
                    log_records(page.log, page.lines, about, name, page.reply.since(from), (records, stale));
                }
            }
            _ => {
                let missing = kind == Kind::NxDomain && !self.local.knows(name);
                let authorities = hit.append_soa(page.reply.raw(), self.ttl_max);
                page.reply.count_authorities(authorities);
                if missing {
                    page.reply.rcode(rcode::NXDOMAIN);
                }
                let address = arpa::address(name);
                page.say(source(stale), &Said::Negative { name: name.wire(), address, qtype, missing });
            }
        }
        Some(kind)
    }
}
