//! The upstream side: which upstream is asked, from which socket, with which id, and what happens when it does not answer.
//!
//! Knows nothing of clients, local names or the cache; speaks with the front through `exchange` only. Server choice follows dnsmasq: all
//! servers of a group every so often, the fastest in between; `all-servers`, `strict-order`.

mod attempts;
mod calls;
mod group;
mod probes;
mod server;
mod sockets;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ipc::config::dns::DnsSlice;
use ipc::config::prefix::Prefix;
use ipc::config::query::LetterCase;
use ipc::config::routing::RouteGroup;
use ipc::dns::{SOCKETS_PER_MESSAGE_MAX, ToParent};

use crate::call::Call;
use crate::exchange::{Answer, Ask, Exchange, Failure, Ticket};
use crate::hash::{Map, SeededState};
use crate::input::Handle;
use crate::letter_case::flip_letters;
use crate::lines;
use crate::outbox::{Action, Outbox};
use crate::pending::{Attempt, AttemptState, Pending, PendingTable, Repeat};
use crate::query_rules::repeats_subnet;
use crate::random::Random;
use crate::reply_rules::is_ignored;
use crate::reserve::Port;
use crate::wire::{HEADER, Header, QR, Question, rcode};
use group::Group;
use server::{Upstream, retire};

/// The warning about too many questions comes no more often than this.
const WARNING_MS: u64 = 5000;

/// The upstream side of the engine.
#[derive(Debug)]
pub(crate) struct UpstreamSide {
    upstreams: Vec<Upstream>,
    /// How many of them come from the configuration; those of the resolv file follow.
    configured: usize,
    /// The upstreams of the resolv file have one source port.
    resolv_one_port: bool,
    groups: Vec<Group>,
    pending: PendingTable,
    calls: BTreeMap<Ticket, Call>,
    sockets: Map<Handle, Flight>,
    /// Which question a `WantTcp` was for.
    socket_tickets: Map<u32, Ticket>,
    next_socket_ticket: u32,
    random: Random,
    forward_max: u32,
    strict_order: bool,
    /// Source ports for one question to one upstream, at most.
    port_limit: usize,
    ignore_addresses: Vec<Prefix>,
    /// `do-0x20-encode`.
    random_case: bool,
    warned_case: bool,
    /// `add-subnet`: replies must repeat what was added.
    checks_subnet: bool,
    all_servers: bool,
    fast_retry: Option<(u32, u32)>,
    /// `dns-loop-detect`.
    loop_detect: bool,
    /// Loop probes that are out or on their way: their upstreams by number.
    probes: BTreeMap<u32, u32>,
    /// An upstream turned out to lead back here since the last look.
    loop_found: bool,
    /// Sockets were taken, came or failed to come: perhaps more must be asked for.
    sockets_moved: bool,
}

/// Whose socket it is.
#[derive(Clone, Copy, Debug)]
enum Flight {
    Udp {
        ticket: Ticket,
        attempt: usize,
        port: Port,
    },
    /// Its question was answered, and it waits in the reserve for another.
    Resting {
        upstream: u32,
    },
    Tcp {
        ticket: Ticket,
    },
    /// A connection that has served.
    Idle {
        upstream: u32,
    },
    Shared {
        upstream: u32,
    },
}

impl UpstreamSide {
    pub fn new(slice: &DnsSlice, groups: Vec<RouteGroup>, mut random: Random) -> UpstreamSide {
        let state = SeededState::new(random.bytes16());
        let group = |members: RouteGroup| Group {
            configured: members.upstreams.len(),
            domain: members.domain,
            members: members.upstreams,
            last_good: None,
            questions: 0,
            tested_ms: 0,
            warned_ms: None,
        };
        UpstreamSide {
            upstreams: slice
                .upstreams
                .iter()
                .enumerate()
                .map(|(index, address)| Upstream::new(*address, slice.one_port.get(index) == Some(&true)))
                .collect(),
            configured: slice.upstreams.len(),
            resolv_one_port: slice.resolv_one_port,
            groups: groups.into_iter().map(group).collect(),
            pending: PendingTable::default(),
            calls: BTreeMap::new(),
            sockets: Map::with_hasher(state.clone()),
            socket_tickets: Map::with_hasher(state),
            next_socket_ticket: 0,
            random,
            forward_max: slice.dns_forward_max,
            // Where all are asked, no order is left.
            strict_order: slice.strict_order && !slice.all_servers,
            port_limit: slice.queries.port_limit.map_or(1, |limit| limit.get() as usize),
            random_case: slice.queries.letter_case == LetterCase::Random,
            warned_case: false,
            checks_subnet: slice.queries.add_subnet.is_some(),
            ignore_addresses: slice.replies.ignore_addresses.clone(),
            all_servers: slice.all_servers,
            fast_retry: slice.fast_dns_retry,
            loop_detect: slice.queries.loop_detect,
            probes: BTreeMap::new(),
            loop_found: false,
            sockets_moved: false,
        }
    }

    /// Takes one message of the front.
    pub fn ask(&mut self, ask: &Ask, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        match ask {
            Ask::Question { ticket, group, tcp, mark, query: range } => {
                let query: Box<[u8]> = exchange.bytes.get(range.clone()).unwrap_or_default().into();
                let Ok(question) = Question::read(&query) else {
                    return exchange.answers.push(Answer::Failed { ticket: *ticket, why: Failure::Unreachable });
                };
                if *tcp {
                    self.call(*ticket, (*group, *mark), query, question, now_ms, exchange, out);
                } else {
                    if let Some(told) = self.is_busy(*group, now_ms, out) {
                        let (ticket, group, mark, query) = (*ticket, *group, *mark, range.clone());
                        return exchange.answers.push(Answer::Busy { ticket, group, mark, query, told });
                    }
                    self.question(*ticket, (*group, *mark), query, question, now_ms, exchange, out);
                }
            }
            Ask::Again { ticket } => self.again(*ticket, now_ms, exchange, out),
            Ask::Forget { ticket } => {
                self.finish(*ticket, out);
                self.hang_up(*ticket, out);
            }
            Ask::Returned { number } => self.returned(*number),
        }
    }

    /// Replaces the upstreams of the resolv file.
    pub fn set_resolv(&mut self, addresses: &[SocketAddr], now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        self.sockets_moved = true;
        let mut orphans = Vec::new();
        for (position, address) in addresses.iter().enumerate() {
            match self.upstreams.get_mut(self.configured + position) {
                Some(upstream) if upstream.address == *address => {}
                Some(upstream) => {
                    upstream.address = *address;
                    retire(upstream, &mut self.sockets, &mut orphans, out);
                }
                None => self.upstreams.push(Upstream::new(*address, self.resolv_one_port)),
            }
        }
        // Indexes beyond the list stay, so that sockets still on their way find someone who closes them.
        for upstream in self.upstreams.iter_mut().skip(self.configured + addresses.len()) {
            retire(upstream, &mut self.sockets, &mut orphans, out);
        }
        if let Some(group) = self.groups.first_mut() {
            group.members.truncate(group.configured);
            group.members.extend((0..addresses.len()).map(|position| (self.configured + position) as u32));
            group.last_good = None;
        }
        for (ticket, attempt) in orphans {
            self.attempt_failed(ticket, attempt, false, now_ms, exchange, out);
        }
    }

    /// Are there upstreams without a domain?
    pub fn has_defaults(&self) -> bool {
        self.groups.first().is_some_and(|group| !group.members.is_empty())
    }

    /// Takes an upstream out of all groups (it is ourselves).
    pub fn ignore(&mut self, index: u32) {
        for group in &mut self.groups {
            group.leave_out(index);
        }
    }

    /// When [`UpstreamSide::tick`] has something to do.
    pub fn deadline(&self) -> Option<u64> {
        let unused = self.upstreams.iter().flat_map(Upstream::pools).filter_map(|(_, pool)| pool.reserve.deadline());
        let calls = self.calls.values().filter_map(|call| call.state.deadline());
        let repeat = self.fast_retry.and_then(|_| self.pending.next_repeat());
        let idle = self.upstreams.iter().filter_map(|upstream| upstream.idle.front()).map(|idle| idle.until_ms);
        unused.chain(idle).chain(calls).chain(repeat).chain(self.pending.deadline()).min()
    }

    /// Does what time demands.
    pub fn tick(&mut self, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        while let Some(ticket) = self.pending.expired(now_ms) {
            self.finish(ticket, out);
            exchange.answers.push(Answer::Failed { ticket, why: Failure::Expired });
        }
        if self.fast_retry.is_some() {
            for ticket in self.pending.due(now_ms) {
                self.repeat(ticket, now_ms, exchange, out);
            }
        }
        let late = |call: &Call| call.state.deadline().is_some_and(|until| until <= now_ms);
        let late: Vec<Ticket> = self.calls.iter().filter(|(_, call)| late(call)).map(|(ticket, _)| *ticket).collect();
        for ticket in late {
            self.call_failed(ticket, true, now_ms, exchange, out);
        }
        self.close_idle(now_ms, out);
        for (_, pool) in self.upstreams.iter_mut().flat_map(Upstream::pools_mut) {
            while let Some(socket) = pool.reserve.unused(now_ms) {
                self.sockets.remove(&socket);
                out.actions.push(Action::CloseUpstream { socket });
            }
        }
        for upstream in &mut self.upstreams {
            upstream.marked.retain(|_, pool| !pool.is_idle());
        }
    }

    /// Asks the parent for the sockets that this batch turned out to need.
    pub fn flush(&mut self, out: &mut Outbox) {
        if !std::mem::take(&mut self.sockets_moved) {
            return;
        }
        for (index, upstream) in self.upstreams.iter_mut().enumerate() {
            let mut want = |mut count: u32, mark| {
                while count > 0 {
                    let some = count.min(SOCKETS_PER_MESSAGE_MAX);
                    out.actions.push(Action::Tell(ToParent::WantUdp { upstream: index as u32, count: some, mark }));
                    count -= some;
                }
            };
            let probe = usize::from(upstream.probe.is_some());
            if let Some(shared) = &mut upstream.shared {
                want(shared.need(upstream.pool.queue.len() + probe), 0);
                continue;
            }
            for (mark, pool) in upstream.pools_mut() {
                // Probes go out without a mark.
                let probe = if mark == 0 { probe } else { 0 };
                want(pool.reserve.need(pool.queue.len() + probe), mark);
            }
            upstream.marked.retain(|_, pool| !pool.is_idle());
        }
    }

    /// Are too many questions in flight in this group? And has the log just been told?
    fn is_busy(&mut self, group: u32, now_ms: u64, out: &mut Outbox) -> Option<bool> {
        self.pending.age(now_ms);
        if self.pending.young(group) < self.forward_max {
            return None;
        }
        let group = self.groups.get_mut(group as usize)?;
        let tell = group.warned_ms.is_none_or(|warned| warned + WARNING_MS <= now_ms);
        if tell {
            group.warned_ms = Some(now_ms);
            out.lines.push(lines::too_many_queries(&group.domain, self.forward_max));
        }
        Some(tell)
    }

    #[expect(clippy::too_many_arguments, reason = "a question, and the three places where consequences go")]
    fn question(
        &mut self,
        ticket: Ticket,
        (group_index, mark): (u32, u32),
        mut query: Box<[u8]>,
        question: Question,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(group) = self.groups.get_mut(group_index as usize) else { return };
        let (chosen, asked_all) = group.choose(self.strict_order, self.all_servers, now_ms);
        if self.pending.len() >= self.forward_max as usize
            && let Some(oldest) = self.pending.oldest_aged()
        {
            self.finish(oldest, out);
            exchange.answers.push(Answer::Failed { ticket: oldest, why: Failure::Expired });
        }
        let repeat = self.fast_retry.map(|(first, total)| Repeat {
            at_ms: now_ms + u64::from(first),
            pause_ms: u64::from(first),
            until_ms: now_ms + u64::from(total),
        });
        let flipped = if self.random_case { self.random.next() } else { 0 };
        flip_letters(&mut query, flipped);
        let attempts = Vec::new();
        let pending = Pending {
            group: group_index,
            mark,
            query,
            question,
            flipped,
            begun_ms: now_ms,
            attempts,
            asked_all,
            repeat,
        };
        self.pending.insert(ticket, pending);
        if chosen.is_empty() {
            self.finish(ticket, out);
            return exchange.answers.push(Answer::Failed { ticket, why: Failure::Unreachable });
        }
        for upstream in chosen {
            self.attempt(ticket, upstream, now_ms, exchange, out);
        }
    }

    /// A datagram from an upstream.
    pub fn datagram(&mut self, socket: Handle, bytes: &[u8], now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let (ticket, index) = match self.sockets.get(&socket).copied() {
            Some(Flight::Udp { ticket, attempt, .. }) => (ticket, attempt),
            // Whoever sends here now may have found the port.
            Some(Flight::Resting { upstream }) => return self.close_resting(upstream, socket, out),
            Some(Flight::Shared { upstream }) => match self.shared_flight(upstream, bytes) {
                Some(flight) => flight,
                None => return,
            },
            _ => return,
        };
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        let Some(header) = belongs(bytes, attempt.id, &pending.question) else { return self.suspect(socket) };
        // Compared as spelled: the names are the same already.
        let spelling = HEADER..pending.question.end;
        if self.random_case && bytes.get(spelling.clone()) != pending.query.get(spelling) {
            if !std::mem::replace(&mut self.warned_case, true) {
                out.lines.push(lines::case_mismatch());
            }
            return self.suspect(socket);
        }
        if is_ignored(&self.ignore_addresses, bytes) {
            return;
        }
        if self.checks_subnet && !repeats_subnet(&pending.query, bytes) {
            out.lines.push(lines::subnet_mismatch());
            return self.suspect(socket);
        }
        let (upstream, address) = (attempt.upstream, attempt.address);
        let Some(group) = self.groups.get_mut(pending.group as usize) else { return };
        let refused = header.rcode() == rcode::REFUSED;
        if !refused {
            group.last_good = Some(upstream);
        } else if group.last_good == Some(upstream) {
            group.last_good = None;
        }
        if refused || header.rcode() == rcode::SERVFAIL {
            exchange.answers.push(Answer::Setback { upstream: address });
            attempt.state = AttemptState::Refused(socket);
            if self.strict_order {
                // dnsmasq passes neither REFUSED nor SERVFAIL on here: after the last in the order the client hears nothing.
                if group.members.last() != Some(&upstream) {
                    self.ask_next(ticket, now_ms, exchange, out);
                }
                return;
            } else if !pending.asked_all {
                return self.ask_all(ticket, now_ms, exchange, out);
            } else if refused && pending.attempts.iter().any(Attempt::is_open) {
                return;
            }
        }
        let flipped = pending.flipped;
        self.rest(ticket, index, socket, now_ms);
        let waited_ms = now_ms.saturating_sub(self.finish(ticket, out).unwrap_or(now_ms));
        let message = exchange.store(bytes);
        // Names further on that point to the question are the client's as well.
        flip_letters(exchange.bytes.get_mut(message.clone()).unwrap_or_default(), flipped);
        exchange.answers.push(Answer::Reply { ticket, upstream: address, message, waited_ms });
    }

    /// Which attempt a datagram on a shared socket claims to be for, by its id.
    fn shared_flight(&self, upstream: u32, bytes: &[u8]) -> Option<(Ticket, usize)> {
        let shared = self.upstreams.get(upstream as usize)?.shared.as_ref()?;
        shared.flights.get(&Header::read(bytes)?.id).copied()
    }
}

/// Is this the reply to that question (RFC 5452, section 9.1)? The socket has vouched for address and port.
fn belongs(message: &[u8], id: u16, question: &Question) -> Option<Header> {
    let header = Header::read(message)?;
    let fits = header.id == id && header.high & QR != 0 && header.opcode() == 0 && header.questions == 1;
    let asked = Question::read(message).ok()?;
    (fits && asked.same(question)).then_some(header)
}
