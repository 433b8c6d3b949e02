//! The front: clients, local data, cache. Decides what a query gets, and asks the upstream side when it does not know.
//!
//! The order in which an answer is looked for is dnsmasq's: local names, cache, and only then `address=`, `local=` and `server=`, because
//! those say what to do with a query that would be forwarded.

mod answer;
mod clients;
mod kernel;
mod relay;
mod seats;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipc::config::dns::DnsSlice;
use ipc::config::query::StaleLimit;
use ipc::config::routing::GROUP_OF_ALL;
use ipc::log::Line;
use ipc::net::ClientFacts;
use ipc::time::Now;

use self::answer::{Known, source};
use self::kernel::Held;
use crate::access::Access;
use crate::allowlist::Allowlists;
use crate::arpa;
use crate::cache::Cache;
use crate::cache_table::CacheTable;
use crate::chaos::{self, Chaos};
use crate::edns;
use crate::exchange::{Ask, Exchange, Ticket};
use crate::harvest::Limits;
use crate::hash::{Map, SeededState, Set};
use crate::held::HeldTable;
use crate::input::Handle;
use crate::lines::{self, About, QueryLog, Said, TypeName};
use crate::local::Local;
use crate::loops;
use crate::name::{Name, NameError, Shown};
use crate::outbox::{Action, Outbox};
use crate::query::{Client, Query};
use crate::query_rules::QueryRules;
use crate::random::Random;
use crate::reply::{Echo, QNAME, Reply, refuse_unread};
use crate::reply_rules::ReplyRules;
use crate::routes::{Routes, Verdict};
use crate::sets::SetRules;
use crate::statistics::Statistics;
use crate::tcp::Stream;
use crate::waiting::{Origin, Sameness, Waiter, Waiting, WaitingTable};
use crate::wire::{CH, HEADER, Header, IN, Question, put_u16, rcode, rtype, skip_name, u16_at, u32_at};

/// Another client's question is sent again when the first has waited for so long.
const IMPATIENCE_MS: u64 = 2000;

/// Extended errors that we send (RFC 8914).
mod ede {
    pub const OTHER: u16 = 0;
    pub const STALE: u16 = 3;
    pub const NOT_READY: u16 = 14;
    pub const BLOCKED: u16 = 15;
    pub const FILTERED: u16 = 17;
    pub const NETWORK_ERROR: u16 = 23;
    pub const INVALID_DATA: u16 = 24;
}

/// The front of the engine.
#[derive(Debug)]
pub(crate) struct Front {
    pub access: Access,
    pub local: Local,
    pub cache: Cache,
    pub statistics: Statistics,
    routes: Routes,
    limits: Limits,
    query_rules: QueryRules,
    reply_rules: ReplyRules,
    log: QueryLog,
    waiting: WaitingTable,
    streams: Map<Handle, Stream>,
    /// Upstream addresses, each once, in order.
    upstreams: Vec<SocketAddr>,
    /// Upstreams that were reported for lack of recursion.
    reported: Set<SocketAddr>,
    /// Loop probes that are out, by number.
    probing: Set<u32>,
    warned_not_local: bool,
    warned_riders_ms: Option<u64>,
    serial: u32,
    draining: bool,
    /// A reply being prepared; kept for its memory.
    scratch: Vec<u8>,
    version: String,
    ident: bool,
    edns_bytes_max: u16,
    forward_max: u32,
    streams_max: u32,
    ttl_max: u32,
    rotate: bool,
    domain_needed: bool,
    bogus_priv: bool,
    localize_queries: bool,
    proxy_dnssec: bool,
    filter_windows: bool,
    sets: SetRules,
    allowlists: Allowlists,
    /// What waits for the kernel's answer.
    held: HeldTable<Held>,
    /// Must something be known of clients before they are heard (`conntrack`, `connmark-allowlist-enable`, `add-mac`)?
    needs_facts: bool,
    /// `conntrack`.
    copies_mark: bool,
}

/// What became of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// Answered, or deliberately not.
    Done,
    /// The upstream side was asked.
    Waiting(Ticket),
    /// Answered; a connection ends with it.
    Parting,
    /// Not answered; a connection is closed for it.
    Hopeless,
}

impl Front {
    pub fn new(slice: &DnsSlice, routes: Routes, random: &mut Random) -> Front {
        let stale_ms = match slice.queries.stale_answers {
            None => 0,
            Some(StaleLimit::None) => u64::MAX,
            Some(StaleLimit::Seconds(seconds)) => u64::from(seconds.get()) * 1000,
        };
        let mut front = Front {
            access: Access::new(slice),
            local: Local::new(slice, random),
            cache: Cache::new(slice.cache_size, stale_ms, random.bytes16()),
            statistics: Statistics::new(stale_ms > 0),
            routes,
            limits: Limits::new(slice),
            query_rules: QueryRules::new(&slice.queries, slice.edns_packet_max.max(512)),
            reply_rules: ReplyRules::new(&slice.replies, SeededState::new(random.bytes16())),
            log: QueryLog(slice.log_queries),
            waiting: WaitingTable::new(SeededState::new(random.bytes16())),
            streams: Map::with_hasher(SeededState::new(random.bytes16())),
            upstreams: Vec::new(),
            reported: Set::with_hasher(SeededState::new(random.bytes16())),
            probing: Set::with_hasher(SeededState::new(random.bytes16())),
            warned_not_local: false,
            warned_riders_ms: None,
            serial: 0,
            draining: false,
            scratch: Vec::new(),
            version: slice.version.clone(),
            ident: !slice.no_ident,
            edns_bytes_max: slice.edns_packet_max.max(512),
            forward_max: slice.dns_forward_max,
            streams_max: slice.max_tcp_connections,
            ttl_max: slice.max_ttl.unwrap_or(u32::MAX),
            rotate: !slice.no_round_robin,
            domain_needed: slice.domain_needed,
            bogus_priv: slice.bogus_priv,
            localize_queries: slice.localize_queries,
            proxy_dnssec: slice.queries.proxy_dnssec,
            filter_windows: slice.filter_windows,
            sets: SetRules::new(&slice.sets, &SeededState::new(random.bytes16())),
            allowlists: Allowlists::new(&slice.marks),
            held: HeldTable::new(),
            needs_facts: slice.marks.wanted() || slice.queries.add_mac.any(),
            copies_mark: slice.marks.copied,
        };
        front.set_upstreams(&slice.upstreams);
        front
    }

    /// Says which upstreams there are, for statistics.
    pub fn set_upstreams(&mut self, all: &[SocketAddr]) {
        self.upstreams.clear();
        for address in all {
            if !self.upstreams.contains(address) {
                self.upstreams.push(*address);
            }
        }
        self.statistics.retain(&self.upstreams);
        self.reported.retain(|address| self.upstreams.contains(address));
    }

    /// Says whether there are upstreams without a domain.
    pub fn set_defaults(&mut self, defaults: bool) {
        self.routes.defaults = defaults;
    }

    /// Writes the lines of SIGUSR1.
    pub fn dump(&mut self, now: Now, utc_offset_s: i32, lines: &mut Vec<Line>) {
        self.statistics.dump(&self.cache, &self.upstreams, self.streams.len(), self.streams_max, now.wall_s, lines);
        if self.log.is_on() {
            let mut table = CacheTable::new(lines, utc_offset_s);
            self.cache.list(now, &mut table);
            self.local.list(&mut table);
            table.finish();
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a query, its origin, and the three places where consequences go")]
    fn query(
        &mut self,
        origin: Origin,
        client: Client,
        sticky_edns: bool,
        bytes: &[u8],
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) -> Outcome {
        let Some(header) = Header::read(bytes) else { return Outcome::Hopeless };
        self.serial = self.serial.wrapping_add(1);
        let about = About { serial: self.serial, client, answered: false };
        let question = match self.unusual(origin, about, bytes, &header, out) {
            Ok(question) => question,
            Err(outcome) => return outcome,
        };
        let mut query = Query::new(bytes, header, question, client, about.serial, self.edns_bytes_max, now);
        query.edns |= sticky_edns;
        if !self.needs_facts {
            return self.plain_query(origin, query, Some(ClientFacts::default()), exchange, out);
        }
        match self.hold_query(origin, &query, now, out) {
            Ok(ticket) => Outcome::Waiting(ticket),
            Err(()) => self.plain_query(origin, query, None, exchange, out),
        }
    }

    /// A plain question. `facts`: what the kernel knows of the client; `None`: it could not be asked.
    fn plain_query(
        &mut self,
        origin: Origin,
        mut query: Query<'_>,
        facts: Option<ClientFacts>,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) -> Outcome {
        let (question, about) = (query.question, query.about());
        query.facts = facts.unwrap_or_default();
        query.personal = self.query_rules.makes_personal(&query);
        if let Origin::Stream(handle) = origin
            && let Some(stream) = self.streams.get_mut(&handle)
        {
            stream.edns = query.edns;
        }
        if self.log.is_on() {
            let (name, address) = (Shown(question.name.wire()), query.client.address);
            match question.qtype {
                0 => self.log.write(&mut out.lines, about, format_args!("query {name} from {address}")),
                qtype => {
                    let kind = TypeName(qtype);
                    self.log.write(&mut out.lines, about, format_args!("query[{kind}] {name} from {address}"));
                }
            }
        }
        if !self.is_allowed(&query, facts, out) {
            self.statistics.answered_locally += 1;
            self.fail(origin, &query.echo(), about, Some(ede::BLOCKED), out);
            return Outcome::Done;
        }
        if let Some(number) = self.returned_probe(origin, &query.question) {
            exchange.asks.push(Ask::Returned { number });
            return Outcome::Done;
        }
        let mut known = Known::Nothing;
        let answered = respond(origin, out, |bytes, lines| {
            known = self.answer_known(&query, bytes, lines);
            known != Known::Nothing
                || self.answer_chaos(&query, bytes, lines)
                || self.answer_private(&query, bytes, lines)
        });
        if known == Known::Stale {
            if let Some(count) = &mut self.statistics.answered_stale {
                *count += 1;
            }
            self.refresh(&query, exchange, out);
            // As in dnsmasq, whose connection has other things to do now.
            return Outcome::Parting;
        }
        if answered {
            self.statistics.answered_locally += 1;
            return Outcome::Done;
        }
        self.route(origin, &query, exchange, out)
    }

    /// The number of the loop probe that this question is.
    fn returned_probe(&mut self, origin: Origin, question: &Question) -> Option<u32> {
        if self.probing.is_empty() || matches!(origin, Origin::Stream(_)) {
            return None;
        }
        loops::number(question).filter(|number| self.probing.remove(number))
    }

    /// Deals with everything that is no plain question; the question if it is one.
    fn unusual(
        &mut self,
        origin: Origin,
        about: About,
        bytes: &[u8],
        header: &Header,
        out: &mut Outbox,
    ) -> Result<Question, Outcome> {
        let refuse = |out: &mut Outbox, questions, echoed, code, opt: Option<Option<u16>>| {
            respond(origin, out, |reply, _| {
                let opt = opt.map(|extended_error| (self.edns_bytes_max, extended_error));
                refuse_unread(reply, bytes, questions, echoed, code, opt);
                true
            });
            Err(Outcome::Done)
        };
        if header.opcode() != 0 {
            let (opcode, client) = (header.opcode(), about.client.address);
            self.log.write(&mut out.lines, about, format_args!("non-query opcode {opcode} from {client}"));
            self.log.write_failed(&mut out.lines, about, format_args!("reply opcode is not implemented"));
            let Some(end) = questions_end(bytes, header.questions) else { return Err(Outcome::Hopeless) };
            let opt = edns::find(bytes, end, header).map(|_| None);
            return refuse(out, header.questions, end, rcode::NOTIMP, opt);
        }
        let say_invalid = |out: &mut Outbox| {
            let text = edns::extended_error_text(Some(ede::INVALID_DATA));
            self.log.write_failed(&mut out.lines, about, format_args!("config error is REFUSED (EDE: {text})"));
        };
        if header.questions != 1 || header.answers > 0 || header.authorities > 0 {
            say_invalid(out);
            let Some(end) = questions_end(bytes, header.questions) else { return Err(Outcome::Hopeless) };
            let opt = edns::find(bytes, end, header).map(|_| Some(ede::INVALID_DATA));
            return refuse(out, header.questions, end, rcode::REFUSED, opt);
        }
        match Question::read(bytes) {
            Ok(question) => Ok(question),
            Err(error) => {
                say_invalid(out);
                let echoed = matches!(error, NameError::Pointer | NameError::BitString);
                let Some(end) = questions_end(bytes, 1).filter(|_| echoed) else { return Err(Outcome::Hopeless) };
                let opt = edns::find(bytes, end, header).map(|_| Some(ede::INVALID_DATA));
                refuse(out, 1, end, rcode::REFUSED, opt)
            }
        }
    }

    fn answer_chaos(&self, query: &Query<'_>, bytes: &mut Vec<u8>, lines: &mut Vec<Line>) -> bool {
        if query.question.qclass != CH {
            return false;
        }
        let about = query.about();
        let (name, echo) = (query.question.name, query.echo());
        let known = chaos::answer(&query.question, &self.version, &self.cache, &self.statistics, &self.upstreams);
        match known {
            // With `no-ident` the names are as unknown as any other below `.bind`.
            Chaos::Text { .. } if !self.ident => self.answer_not_implemented(query, bytes, lines),
            Chaos::Foreign => return false,
            Chaos::NotImplemented => self.answer_not_implemented(query, bytes, lines),
            Chaos::Text { rdata, counter } => {
                self.log.said(lines, about, "config", &Said::Other { name: name.wire(), rtype: rtype::TXT });
                let mut reply = Reply::new(bytes, &echo, rcode::NOERROR);
                reply.authoritative();
                reply.answer(QNAME, rtype::TXT, CH, if counter { 0 } else { self.local.ttl() }, &rdata);
                reply.finish(&echo, self.edns_bytes_max);
            }
        }
        true
    }

    fn answer_not_implemented(&self, query: &Query<'_>, bytes: &mut Vec<u8>, lines: &mut Vec<Line>) {
        let (shown, unknown) = (Shown(query.question.name.wire()), edns::extended_error_text(None));
        let text = format_args!("config {shown} is not implemented (EDE: {unknown})");
        self.log.write_failed(lines, query.about(), text);
        let echo = query.echo();
        Reply::new(bytes, &echo, rcode::NOTIMP).finish(&echo, self.edns_bytes_max);
    }

    /// `bogus-priv`: private reverse names that are not known here are known nowhere, unless a server of their own is configured.
    fn answer_private(&self, query: &Query<'_>, bytes: &mut Vec<u8>, lines: &mut Vec<Line>) -> bool {
        match self.private(query) {
            Some(address) => {
                self.log.write_failed(lines, query.about(), format_args!("config {address} is NXDOMAIN"));
                self.local.deny_reverse(query, bytes);
                true
            }
            None => false,
        }
    }

    /// The private address that `bogus-priv` keeps this question about its name from being forwarded for.
    fn private(&self, query: &Query<'_>) -> Option<IpAddr> {
        let question = &query.question;
        let applies = self.bogus_priv && question.qclass == IN && matches!(question.qtype, rtype::PTR | rtype::ANY);
        let address = if applies { arpa::private(&question.name) } else { None };
        address.filter(|_| !self.routes.has_own_upstream(&question.name))
    }

    /// Nothing is known here: what the configuration says about queries that would be forwarded, and forwarding.
    fn route(&mut self, origin: Origin, query: &Query<'_>, exchange: &mut Exchange, out: &mut Outbox) -> Outcome {
        let question = &query.question;
        let qtype = routed_type(question);
        let verdict = self.routes.find(&question.name, qtype);
        let exists = || {
            self.local.knows(&question.name)
                || self.cache.knows(&question.name, self.limits.types(), query.now.monotonic_ms)
        };
        let no_data = |known: bool| if known || exists() { rcode::NOERROR } else { rcode::NXDOMAIN };
        let needs_domain = self.needs_domain(question);
        let group = match verdict {
            Verdict::Forward { group }
                if !needs_domain || group != GROUP_OF_ALL && self.routes.has_own_upstream(&question.name) =>
            {
                group
            }
            Verdict::Nobody if !needs_domain => {
                self.statistics.answered_locally += 1;
                self.fail(origin, &query.echo(), query.about(), Some(ede::NOT_READY), out);
                return Outcome::Done;
            }
            _ => {
                self.statistics.answered_locally += 1;
                let nulls = [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)];
                let extended = (verdict == Verdict::Nobody).then_some(ede::NOT_READY);
                respond(origin, out, |bytes, lines| {
                    let mut fixed = |code, list: &mut dyn Iterator<Item = IpAddr>| {
                        self.local.fixed(query, code, list, extended, bytes, &self.log, lines);
                    };
                    match verdict {
                        Verdict::V4(list) => {
                            fixed(rcode::NOERROR, &mut list.iter().map(|octets| IpAddr::from(*octets)))
                        }
                        Verdict::V6(list) => {
                            fixed(rcode::NOERROR, &mut list.iter().map(|octets| IpAddr::from(*octets)))
                        }
                        Verdict::Null if qtype == rtype::A => fixed(rcode::NOERROR, &mut nulls[..1].iter().copied()),
                        Verdict::Null if qtype == rtype::AAAA => fixed(rcode::NOERROR, &mut nulls[1..].iter().copied()),
                        Verdict::Null => fixed(rcode::NOERROR, &mut nulls.into_iter()),
                        Verdict::NoData { exists } => fixed(no_data(exists), &mut std::iter::empty()),
                        Verdict::Forward { .. } | Verdict::Nobody => fixed(no_data(false), &mut std::iter::empty()),
                    }
                    true
                });
                return Outcome::Done;
            }
        };
        self.forward(Some(origin), query, group, exchange, out)
    }

    /// `domain-needed`: may this only be asked of upstreams that are named for it?
    fn needs_domain(&self, question: &Question) -> bool {
        let address = matches!(routed_type(question), rtype::A | rtype::AAAA | rtype::ANY);
        self.domain_needed && address && question.name.is_unqualified()
    }

    /// The client has a stale answer: fetches a fresh one, for the cache.
    fn refresh(&mut self, query: &Query<'_>, exchange: &mut Exchange, out: &mut Outbox) {
        let question = &query.question;
        if let Verdict::Forward { group } = self.routes.find(&question.name, routed_type(question))
            && !(self.needs_domain(question) && group == GROUP_OF_ALL)
        {
            self.forward(None, query, group, exchange, out);
        }
    }

    /// Asks upstream, on behalf of the client at `origin` if it still waits for the answer.
    fn forward(
        &mut self,
        origin: Option<Origin>,
        query: &Query<'_>,
        group: u32,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) -> Outcome {
        let (now_ms, tcp) = (query.now.monotonic_ms, query.client.tcp);
        let start = exchange.bytes.len();
        self.query_rules.append_forwarded(&mut exchange.bytes, query);
        let message = start..exchange.bytes.len();
        let sent = exchange.bytes.get(message.clone()).unwrap_or_default();
        let sameness = (!tcp || origin.is_none()).then(|| Sameness::of(query, sent));
        let riders = self.waiting.riders();
        if let Some((ticket, waiting)) = sameness.as_ref().and_then(|sameness| self.waiting.find(sameness)) {
            exchange.bytes.truncate(start);
            let again = |waiter: &Waiter| waiter.client == query.client && waiter.echo().id == query.header.id;
            let retry = origin.is_some() && waiting.waiters.iter().any(again);
            if retry || waiting.begun_ms + IMPATIENCE_MS <= now_ms {
                exchange.asks.push(Ask::Again { ticket });
            }
            let Some(origin) = origin.filter(|_| !retry) else { return Outcome::Done };
            if riders < self.forward_max as usize {
                self.waiting.join(ticket, Waiter::new(origin, query));
            } else if self.warned_riders_ms.is_none_or(|warned| warned + 5000 <= now_ms) {
                // dnsmasq drops the query too.
                self.warned_riders_ms = Some(now_ms);
                out.lines.push(lines::too_many_queries("", self.forward_max));
            }
            return Outcome::Done;
        }
        if sameness.as_ref().is_some_and(|sameness| self.waiting.has_many_siblings(sameness)) {
            // The client asks again.
            exchange.bytes.truncate(start);
            return Outcome::Done;
        }
        if origin.is_none() && self.waiting.refreshes() >= self.forward_max as usize {
            // Connections come and go without bound, and the stale answer has served.
            exchange.bytes.truncate(start);
            return Outcome::Done;
        }
        let ticket = self.waiting.insert(Waiting {
            question: query.question,
            about: About { answered: origin.is_none(), ..query.about() },
            refresh: origin.is_none(),
            opt: query.opt.is_some(),
            group: (!tcp).then_some(group),
            begun_ms: now_ms,
            waiters: origin.map(|origin| Waiter::new(origin, query)).into_iter().collect(),
            sameness,
            personal: query.personal,
        });
        self.statistics.forwarded += 1;
        let mark = if self.copies_mark { query.facts.mark.unwrap_or(0) } else { 0 };
        exchange.asks.push(Ask::Question { ticket, group, tcp, mark, query: message });
        Outcome::Waiting(ticket)
    }

    /// Sends REFUSED.
    fn fail(&self, origin: Origin, echo: &Echo<'_>, about: About, extended: Option<u16>, out: &mut Outbox) {
        respond(origin, out, |bytes, lines| {
            let mut reply = Reply::new(bytes, echo, rcode::REFUSED);
            match extended {
                None => self.log.write_failed(lines, about, format_args!("config error is REFUSED")),
                Some(code) => {
                    let text = edns::extended_error_text(extended);
                    self.log.write_failed(lines, about, format_args!("config error is REFUSED (EDE: {text})"));
                    reply.extended_error(code);
                }
            }
            reply.finish(echo, self.edns_bytes_max);
            true
        });
    }
}

/// Lets `write` put a reply into the outbox, and adds the action that sends it. When `write` returns false nothing is sent; its lines stay, since
/// dnsmasq too tells of cached links of a chain whose end is not in the cache.
fn respond(origin: Origin, out: &mut Outbox, write: impl FnOnce(&mut Vec<u8>, &mut Vec<Line>) -> bool) -> bool {
    let start = out.bytes.len();
    if let Origin::Stream(_) = origin {
        out.bytes.extend_from_slice(&[0, 0]);
    }
    let body = out.bytes.len();
    if !write(&mut out.bytes, &mut out.lines) {
        out.bytes.truncate(start);
        return false;
    }
    let bytes = start..out.bytes.len();
    match origin {
        Origin::Datagram(to) => out.actions.push(Action::Reply { to, bytes }),
        Origin::Stream(stream) => {
            let length = u16::try_from(out.bytes.len() - body).unwrap_or(u16::MAX);
            put_u16(&mut out.bytes, start, length);
            out.actions.push(Action::StreamReply { stream, bytes });
        }
    }
    true
}

/// The offset after `count` questions, whose names need not be readable.
fn questions_end(message: &[u8], count: u16) -> Option<usize> {
    let mut at = HEADER;
    for _ in 0..count {
        loop {
            match *message.get(at)? {
                // A bit-string label (RFC 2673) at least has a length: a count of bits.
                0x41 => {
                    let bits = *message.get(at + 1)?;
                    at += 2 + if bits == 0 { 32 } else { usize::from(bits).div_ceil(8) };
                }
                head @ 1..=0x3f => at += 1 + usize::from(head),
                _ => break,
            }
        }
        at = skip_name(message, at)? + 4;
    }
    (at <= message.len()).then_some(at)
}

/// The type by which a question is routed: addresses are data of class IN, and type 0 is no address.
fn routed_type(question: &Question) -> u16 {
    match question.qtype {
        rtype::A | rtype::AAAA | rtype::ANY if question.qclass != IN => 0,
        qtype => qtype,
    }
}

/// Logs so many records in cache form, of which some are `stale`: those with no time left.
fn log_records(
    log: &QueryLog,
    lines: &mut Vec<Line>,
    about: About,
    name: &Name,
    bytes: &[u8],
    (records, stale): (u16, bool),
) {
    let mut at = 0;
    for _ in 0..records {
        let (Some(kind), Some(length)) = (u16_at(bytes, at + 2), u16_at(bytes, at + 10)) else { return };
        let stale = stale && u32_at(bytes, at + 6) == Some(0);
        let rdata = bytes.get(at + 12..at + 12 + usize::from(length)).unwrap_or_default();
        let name = name.wire();
        let v4 = <[u8; 4]>::try_from(rdata).map(IpAddr::from);
        let v6 = <[u8; 16]>::try_from(rdata).map(IpAddr::from);
        let reversed = Name::from_wire(name).and_then(|name| arpa::address(&name));
        let said = match (kind, v4, v6, reversed) {
            (rtype::A, Ok(address), ..) | (rtype::AAAA, _, Ok(address), _) => Said::Address { name, address },
            (rtype::PTR, .., Some(address)) => Said::Pointer { address, name: rdata },
            (rtype::CNAME, ..) => Said::Cname { name },
            (rtype, ..) => Said::Other { name, rtype },
        };
        log.said(lines, about, source(stale), &said);
        at += 12 + usize::from(length);
    }
}
