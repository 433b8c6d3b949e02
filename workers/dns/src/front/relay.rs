//! What happens to the answers of the upstream side: judged, learnt from, and given to everybody who waits.

use std::net::SocketAddr;
use std::ops::Range;

use ipc::log::Line;
use ipc::time::Now;

use super::{Front, ede, respond, routed_type};
use crate::cache::{Kind, RrSet};
use crate::edns::{self, OPT_BYTES};
use crate::exchange::{Answer, Ask, Exchange, Failure, Ticket};
use crate::harvest::{Malformed, along_chain, harvest};
use crate::lines::{self, About, RcodeName, Said, Server};
use crate::name::Shown;
use crate::outbox::Outbox;
use crate::reply::truncate;
use crate::waiting::{Origin, Waiting};
use crate::wire::{AA, AD, CD, HEADER, Header, IN, Question, RA, TC, put_u16, put_u32, rcode, section_ends, u16_at};

impl Front {
    /// Takes one message of the upstream side.
    pub fn answer(&mut self, answer: &Answer, now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        let ended = match answer {
            Answer::Sent { ticket, upstream, again } => {
                let figures = self.statistics.upstream(*upstream);
                figures.sent += 1;
                figures.retried += u64::from(*again);
                if let Some(waiting) = self.waiting.get(*ticket).filter(|_| self.log.is_on()) {
                    let (name, server) = (Shown(waiting.question.name.wire()), Server(*upstream));
                    self.log.write(&mut out.lines, waiting.about, format_args!("forwarded {name} to {server}"));
                }
                return;
            }
            Answer::Setback { upstream } => {
                self.statistics.upstream(*upstream).failed += 1;
                return;
            }
            Answer::Busy { ticket, group, mark, query, told } => {
                return self.make_room(*ticket, (*group, *mark), query, *told, exchange, out);
            }
            Answer::Probing { numbers } => {
                self.probing.clear();
                self.probing.extend(numbers);
                return;
            }
            Answer::Failed { ticket, why } => {
                let Some(waiting) = self.waiting.remove(*ticket) else { return };
                for waiter in &waiting.waiters {
                    if *why == Failure::Unreachable {
                        self.fail(waiter.origin, &waiter.echo(), waiter.about(), Some(ede::NETWORK_ERROR), out);
                    }
                }
                waiting
            }
            Answer::Reply { ticket, upstream, message, waited_ms } => {
                let Some(waiting) = self.waiting.remove(*ticket) else { return };
                self.statistics.upstream(*upstream).answered(*waited_ms);
                let message = exchange.bytes.get(message.clone()).unwrap_or_default();
                let Some(waiting) = self.hold_reply(*ticket, waiting, *upstream, message, now, out) else { return };
                self.relay(&waiting, *upstream, message, Vec::new(), now, out);
                waiting
            }
        };
        self.wake(&ended, matches!(answer, Answer::Reply { .. }), now, exchange, out);
    }

    /// Goes on with the connections of those whose question was answered, by a reply that was `relayed` or otherwise.
    pub(super) fn wake(&mut self, ended: &Waiting, relayed: bool, now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        for waiter in &ended.waiters {
            if let Origin::Stream(handle) = waiter.origin
                && let Some(stream) = self.streams.get_mut(&handle)
            {
                stream.waiting = None;
                // What dnsmasq remembers of the client's options is overwritten by the reply.
                stream.edns &= !relayed;
                self.pump(handle, now, exchange, out);
            }
        }
    }

    /// A question cannot be asked, since there are too many. If another client has more of them than this one, its newest makes room.
    fn make_room(
        &mut self,
        ticket: Ticket,
        (group, mark): (u32, u32),
        query: &Range<usize>,
        told: bool,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(client) = self.waiting.get(ticket).map(|waiting| waiting.about.client.address) else { return };
        let own = self.waiting.shares.count(group, client);
        let largest = self.waiting.shares.largest(group);
        if let Some(largest) = largest.filter(|_| told) {
            // This one is not among those in flight.
            let count = largest.count - usize::from(largest.newest == ticket);
            out.lines.push(lines::most_queries(largest.client, count));
        }
        let loser = match largest {
            Some(largest) if largest.count > own => {
                exchange.asks.push(Ask::Forget { ticket: largest.newest });
                exchange.asks.push(Ask::Question { ticket, group, tcp: false, mark, query: query.clone() });
                largest.newest
            }
            _ => ticket,
        };
        for waiter in self.waiting.remove(loser).into_iter().flat_map(|waiting| waiting.waiters) {
            self.fail(waiter.origin, &waiter.echo(), waiter.about(), None, out);
        }
    }

    /// Judges a reply, learns from it, and gives it to everybody who waits. `filled`: for each of its addresses, what the log is to say
    /// of the sets it was put into.
    pub(super) fn relay(
        &mut self,
        waiting: &Waiting,
        upstream: SocketAddr,
        message: &[u8],
        filled: Vec<Vec<Line>>,
        now: Now,
        out: &mut Outbox,
    ) {
        let Some(header) = Header::read(message) else { return };
        let Ok(question) = Question::read(message) else { return };
        // The upstream side has compared them, but it is not trusted with the cache. A question spelled with compression cannot be replaced by
        // the client's spelling.
        if !question.same(&waiting.question) || question.end != waiting.question.end {
            return;
        }
        let mut base = std::mem::take(&mut self.scratch);
        base.clear();
        base.extend_from_slice(message);
        self.reply_rules.rename(&mut base, &question, &header);
        let opt = edns::find(message, question.end, &header).filter(|_| waiting.opt);
        let verdict = self.judge(
            &header,
            &question,
            &base,
            upstream,
            waiting.personal,
            filled,
            waiting.about,
            now,
            &mut out.lines,
        );
        // Nothing was validated here; `proxy-dnssec` takes the upstream's word for it.
        base[3] = if self.proxy_dnssec { base[3] } else { base[3] & !AD } | RA;
        let mut extended_error = None;
        // Only queries with equal bits share a question.
        let dnssec_ok = waiting.waiters.first().is_some_and(|waiter| waiter.echo().dnssec_ok);
        let options = opt.as_ref().and_then(|opt| message.get(opt.options.clone())).unwrap_or_default();
        let kept_opt = opt.as_ref().map(|opt| (self.edns_bytes_max, dnssec_ok || opt.dnssec_ok, options));
        match verdict {
            Ok(Relayed::Emptied { code }) => {
                truncate(&mut base, 0, question.end, None);
                base[2] &= !(TC | AA);
                base[3] = base[3] & 0xf0 | code;
                extended_error = Some(ede::BLOCKED);
            }
            Ok(Relayed::Whole { exists }) => {
                if exists {
                    base[2] |= AA;
                    base[3] &= 0xf0;
                }
                if self.ttl_max < u32::MAX && question.qclass == IN {
                    for record in along_chain(message, &header, &question) {
                        put_u32(&mut base, record.ttl_at, record.ttl.min(self.ttl_max));
                    }
                }
                if header.high & TC != 0 && section_ends(message, question.end, &header).is_none() {
                    // It was cut in the middle of a record.
                    truncate(&mut base, 0, question.end, kept_opt);
                } else if let Some(filtered) = self.reply_rules.filtered(&base, &question, &header) {
                    base = filtered;
                    extended_error = Some(ede::FILTERED);
                    if self.reply_rules.filters_type(question.qtype) {
                        self.say_filtered(&question, waiting.about, &mut out.lines);
                    }
                } else if let Some(opt) = &opt {
                    put_u16(&mut base, opt.start + 3, opt.udp_bytes.min(self.edns_bytes_max));
                    // The client's DO bit, whether or not the upstream repeats it (RFC 3225, section 3).
                    base[opt.start + 7] |= if dnssec_ok { 0x80 } else { 0 };
                } else if let Some(unwanted) = edns::find(message, question.end, &header) {
                    edns::remove(&mut base, question.end, &unwanted);
                }
            }
            Err(Malformed) => {
                truncate(&mut base, 0, question.end, None);
                base[2] &= !(TC | AA);
                base[3] = base[3] & 0xf0 | rcode::SERVFAIL;
                extended_error = Some(ede::OTHER);
            }
        }
        if let (Some(code), Some((udp_bytes, _, options))) = (extended_error, kept_opt) {
            // The filtered message has lost its OPT.
            let additionals = u16_at(&base, 10).unwrap_or_default().saturating_add(1);
            put_u16(&mut base, 10, additionals);
            edns::append_with(&mut base, udp_bytes, dnssec_ok, &edns::explained(options, code));
        }
        for waiter in &waiting.waiters {
            let echo = waiter.echo();
            respond(waiter.origin, out, |bytes, _| {
                let start = bytes.len();
                bytes.extend_from_slice(&base);
                put_u16(bytes, start, echo.id);
                bytes[start + HEADER..start + question.end].copy_from_slice(echo.spelled);
                // CD is the client's own (RFC 6840, section 5.6); only equal ones share a question.
                bytes[start + 3] = bytes[start + 3] & !CD | echo.low & CD;
                if base.len() > echo.limit {
                    // The upstream's options stay if they are not what makes it too long.
                    let room = echo.limit.saturating_sub(question.end + OPT_BYTES);
                    let opt = kept_opt.map(|(udp_bytes, dnssec_ok, kept)| {
                        let kept: &[u8] = if kept.len() <= room { kept } else { &[] };
                        (udp_bytes, dnssec_ok, kept)
                    });
                    truncate(bytes, start, start + question.end, opt);
                }
                true
            });
        }
        // An idle engine holds no large buffers.
        base.clear();
        base.shrink_to(4096);
        self.scratch = base;
    }

    /// Logs that a reply has lost what was asked for.
    pub(super) fn say_filtered(&self, question: &Question, about: About, lines: &mut Vec<Line>) {
        let said = Said::Negative { name: question.name.wire(), address: None, qtype: question.qtype, missing: false };
        self.log.said(lines, about, "config", &said);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a reply, where it came from and for whom")]
    fn judge(
        &mut self,
        header: &Header,
        question: &Question,
        message: &[u8],
        upstream: SocketAddr,
        personal: bool,
        filled: Vec<Vec<Line>>,
        about: About,
        now: Now,
        lines: &mut Vec<Line>,
    ) -> Result<Relayed, Malformed> {
        if header.low & RA == 0
            && header.rcode() == rcode::NOERROR
            && (self.reported.insert(upstream) || self.log.is_on())
        {
            lines.push(lines::no_recursion(upstream));
        }
        if !matches!(header.rcode(), rcode::NOERROR | rcode::NXDOMAIN) {
            let code = RcodeName(header.rcode());
            match edns::find(message, question.end, header).and_then(|opt| opt.extended_error) {
                None => self.log.write_failed(lines, about, format_args!("reply error is {code}")),
                extended => {
                    let text = edns::extended_error_text(extended);
                    self.log.write_failed(lines, about, format_args!("reply error is {code} (EDE: {text})"));
                }
            }
            return Ok(Relayed::Whole { exists: false });
        }
        if header.high & TC != 0 {
            self.log.write(lines, about, format_args!("reply is truncated"));
            return Ok(Relayed::Whole { exists: false });
        }
        section_ends(message, question.end, header).ok_or(Malformed)?;
        let missing = header.rcode() == rcode::NXDOMAIN;
        if missing {
            self.statistics.upstream(upstream).missing += 1;
        }
        if let Some((owner, ttl)) = self.reply_rules.denied(message, question, header) {
            let said =
                Said::Negative { name: question.name.wire(), address: None, qtype: question.qtype, missing: true };
            self.log.said(lines, about, "config", &said);
            let set = RrSet { kind: Kind::NxDomain, bytes: Box::default(), records: 1, ttl: self.limits.clamp(ttl) };
            self.cache.insert(owner.wire(), question.qtype, set, about.client.address, now.monotonic_ms);
            return Ok(Relayed::Emptied { code: rcode::NXDOMAIN });
        }
        if self.reply_rules.is_rebind(message, question, header) {
            lines.push(lines::rebind(question.name.wire()));
            return Ok(Relayed::Emptied { code: rcode::NOERROR });
        }
        let exists = missing
            && (self.local.knows(&question.name)
                || self.routes.has_address(&question.name)
                || self.cache.knows(&question.name, self.limits.types(), now.monotonic_ms));
        let seen = Header { low: if exists { header.low & 0xf0 } else { header.low }, ..*header };
        let log = self.log;
        let filtered = self.reply_rules.filters_type(question.qtype);
        let mut filled = filled.into_iter();
        let entries = harvest(message, &seen, question, &self.limits, |said| {
            if let Said::Address { .. } = said {
                lines.extend(filled.next().into_iter().flatten());
            }
            // Of what the client will not see, nothing is told but that it is left out.
            let hidden = filtered && !matches!(said, Said::Cname { .. } | Said::Negative { .. });
            if log.is_on() && !hidden {
                log.said(lines, about, "reply", &said);
            }
        })?;
        // A chain into a name that has addresses here would answer differently from the cache.
        let into_local = entries
            .iter()
            .skip(1)
            .any(|(name, ..)| self.local.has_addresses(name, question.qtype) || self.local.link(name).is_some());
        // Upstreams that are asked about one domain are not trusted with names that others, or the configuration, answer for.
        let route = |name| self.routes.find(name, routed_type(question));
        let strays = entries.iter().skip(1).any(|(name, ..)| route(name) != route(&question.name));
        // What exists here is the name asked for; nothing follows for the end of a chain.
        let wrong_end = exists && entries.len() > 1;
        if !personal && !into_local && !strays && !wrong_end {
            for (name, qtype, set) in entries {
                self.cache.insert(name.wire(), qtype, set, about.client.address, now.monotonic_ms);
            }
        }
        Ok(Relayed::Whole { exists })
    }
}

/// What a reply needs on its way to the clients.
#[derive(Clone, Copy, Debug)]
enum Relayed {
    /// It goes on, if it `exists` as NODATA: it denies a name that exists here.
    Whole { exists: bool },
    /// Nothing of it goes on but this code.
    Emptied { code: u8 },
}
