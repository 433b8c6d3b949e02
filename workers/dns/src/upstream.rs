//! The upstream side: which upstream is asked, from which socket, with which id, and what happens when it does not answer.
//!
//! Knows nothing of clients, local names or the cache; speaks with the front through `exchange` only. Server choice follows dnsmasq: all
//! servers of a group every so often, the fastest in between; `all-servers`, `strict-order`.

mod calls;
mod probes;

use std::collections::{BTreeMap, VecDeque};
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
use crate::reserve::{Port, Reserve};
use crate::wire::{HEADER, Header, QR, Question, put_u16, rcode};

/// After so many questions to the favorite, all are asked again (dnsmasq: FORWARD_TEST).
const TEST_QUESTIONS: u32 = 50;
/// After so long with one favorite, all are asked again (dnsmasq: FORWARD_TIME).
const TEST_MS: u64 = 20_000;
/// As long as so many sockets are in use, none is kept for a second question: the worker may have some thousands.
const IN_USE_MAX: usize = 1024;
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

#[derive(Debug)]
struct Upstream {
    address: SocketAddr,
    pool: Pool,
    /// The same for each mark (`conntrack`), as long as there is anything in them.
    marked: BTreeMap<u32, Pool>,
    /// All questions leave from one port, so one socket carries them and only the id tells them apart.
    shared: Option<Shared>,
    /// Connections that have served; the longest idle first.
    idle: VecDeque<Idle>,
    /// The loop probe that is to be sent to it.
    probe: Option<u32>,
    /// It leads back here.
    looping: bool,
}

/// A connection that has served.
#[derive(Clone, Copy, Debug)]
struct Idle {
    socket: Handle,
    /// What it carries, and so must its next question.
    mark: u32,
    /// When it is closed.
    until_ms: u64,
}

/// Sockets for one question each, and who waits for one. No socket changes its pool.
#[derive(Debug, Default)]
struct Pool {
    reserve: Reserve,
    /// Attempts that wait for a socket.
    queue: VecDeque<(Ticket, usize)>,
}

/// The one socket of an upstream with a fixed source port. It carries no mark, since it carries everybody's questions.
#[derive(Debug, Default)]
struct Shared {
    socket: Option<Handle>,
    wanted: bool,
    flights: BTreeMap<u16, (Ticket, usize)>,
}

#[derive(Debug)]
struct Group {
    domain: String,
    /// The configured members; in the default group the upstreams of the resolv file follow.
    members: Vec<u32>,
    configured: usize,
    last_good: Option<u32>,
    questions: u32,
    tested_ms: u64,
    warned_ms: Option<u64>,
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

    /// Asks one upstream: begins an attempt, or repeats the one there is.
    fn attempt(&mut self, ticket: Ticket, upstream: u32, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let mark = pending.mark;
        let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
        let of_upstream = || pending.attempts.iter().filter(|attempt| attempt.upstream == upstream);
        let fresh_port = entry.shared.is_none()
            && of_upstream().count() < self.port_limit
            && of_upstream().all(|attempt| attempt.socket().is_some());
        let known = pending.attempts.iter().rposition(|attempt| attempt.upstream == upstream).filter(|_| !fresh_port);
        let index = known.unwrap_or_else(|| {
            let state = AttemptState::Failed;
            pending.attempts.push(Attempt { upstream, address: entry.address, id: 0, state, sent_ms: now_ms });
            pending.attempts.len() - 1
        });
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        match attempt.socket() {
            Some(socket) => {
                attempt.state = AttemptState::Sent(socket);
                send(&pending.query, attempt.id, socket, out);
                exchange.answers.push(Answer::Sent { ticket, upstream: attempt.address, again: true });
            }
            None if attempt.state == AttemptState::Queued => {}
            None => {
                attempt.address = entry.address;
                self.sockets_moved = true;
                match entry.take_port(mark, now_ms) {
                    Some(port) => self.launch(ticket, index, port, now_ms, exchange, out),
                    None => {
                        attempt.state = AttemptState::Queued;
                        entry.pool(mark).queue.push_back((ticket, index));
                    }
                }
            }
        }
    }

    /// Sends an attempt that had no socket yet.
    fn launch(
        &mut self,
        ticket: Ticket,
        index: usize,
        port: Port,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        let socket = port.socket;
        attempt.id = self.random.next() as u16;
        let mut flight = Flight::Udp { ticket, attempt: index, port };
        if let Some(shared) = self.upstreams.get_mut(attempt.upstream as usize).and_then(|entry| entry.shared.as_mut())
        {
            // Unique among those in flight: there are fewer than ids, by `dns-forward-max`' bound on open questions.
            while shared.flights.contains_key(&attempt.id) && shared.flights.len() < usize::from(u16::MAX) {
                attempt.id = attempt.id.wrapping_add(self.random.next() as u16 | 1);
            }
            shared.flights.insert(attempt.id, (ticket, index));
            flight = Flight::Shared { upstream: attempt.upstream };
        }
        attempt.state = AttemptState::Sent(socket);
        attempt.sent_ms = now_ms;
        send(&pending.query, attempt.id, socket, out);
        self.sockets.insert(socket, flight);
        exchange.answers.push(Answer::Sent { ticket, upstream: attempt.address, again: false });
    }

    /// The parent made UDP sockets.
    pub fn udp_sockets(
        &mut self,
        (upstream, mark): (u32, u32),
        sockets: &[Handle],
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        self.sockets_moved = true;
        if self.upstreams.get(upstream as usize).is_some_and(|entry| entry.shared.is_some()) {
            return self.shared_socket(upstream, sockets, now_ms, exchange, out);
        }
        for socket in sockets {
            let entry = self.upstreams.get_mut(upstream as usize);
            let probe = entry.as_ref().is_some_and(|entry| entry.probe.is_some());
            let pool = entry.map(|entry| entry.pool(mark));
            let Some(pool) = pool.and_then(|pool| pool.reserve.arrived().then_some(pool)) else {
                out.actions.push(Action::CloseUpstream { socket: *socket });
                continue;
            };
            let queued = |pending: &mut PendingTable, (ticket, index): &(Ticket, usize)| {
                let attempt = pending.get(*ticket).and_then(|pending| pending.attempts.get(*index));
                attempt.is_some_and(|attempt| attempt.state == AttemptState::Queued)
            };
            let waiting = loop {
                match pool.queue.pop_front() {
                    Some(next) if !queued(&mut self.pending, &next) => {}
                    next => break next,
                }
            };
            let port = Port::new(*socket, now_ms);
            match waiting {
                Some((ticket, index)) => self.launch(ticket, index, port, now_ms, exchange, out),
                None if probe && mark == 0 => self.send_probe(upstream, *socket, out),
                None => pool.reserve.keep(port),
            }
        }
    }

    /// The one socket of an upstream has come: everybody who waits may go.
    fn shared_socket(
        &mut self,
        upstream: u32,
        sockets: &[Handle],
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        for socket in sockets {
            let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
            let Some(shared) = &mut entry.shared else { return };
            shared.wanted = false;
            if shared.socket.is_some() {
                out.actions.push(Action::CloseUpstream { socket: *socket });
                continue;
            }
            shared.socket = Some(*socket);
            self.sockets.insert(*socket, Flight::Shared { upstream });
            for (ticket, index) in std::mem::take(&mut entry.pool.queue) {
                self.launch(ticket, index, Port::new(*socket, now_ms), now_ms, exchange, out);
            }
            self.send_probe(upstream, *socket, out);
        }
    }

    /// The parent could not make UDP sockets.
    pub fn no_udp_socket(
        &mut self,
        (upstream, mark): (u32, u32),
        count: u32,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
        self.sockets_moved = true;
        let count = match &mut entry.shared {
            Some(shared) => {
                shared.wanted = false;
                entry.pool.queue.len()
            }
            None => entry.pool(mark).reserve.refused(count) as usize,
        };
        if mark == 0 {
            entry.probe = None;
        }
        let queue = &mut entry.pool(mark).queue;
        let failed: Vec<(Ticket, usize)> = queue.drain(..count.min(queue.len())).collect();
        for (ticket, attempt) in failed {
            self.attempt_failed(ticket, attempt, true, now_ms, exchange, out);
        }
    }

    /// An attempt has come to nothing: try an upstream that was not asked yet. `conclusive`: when everybody failed, say so instead of waiting
    /// for the client's next try.
    fn attempt_failed(
        &mut self,
        ticket: Ticket,
        index: usize,
        conclusive: bool,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        attempt.state = AttemptState::Failed;
        let failed = attempt.upstream;
        exchange.answers.push(Answer::Setback { upstream: attempt.address });
        let Some(group) = self.groups.get_mut(pending.group as usize) else { return };
        if group.last_good == Some(failed) {
            group.last_good = None;
        }
        let asked = |member: &u32| pending.attempts.iter().any(|attempt| attempt.upstream == *member);
        let next = group.members.iter().copied().find(|member| !asked(member));
        let open = pending.attempts.iter().any(Attempt::is_open);
        match next {
            Some(next) => self.attempt(ticket, next, now_ms, exchange, out),
            None if !open && conclusive => {
                self.finish(ticket, out);
                exchange.answers.push(Answer::Failed { ticket, why: Failure::Unreachable });
            }
            None => {}
        }
    }

    /// A client asked again.
    fn again(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        if self.strict_order {
            return self.ask_next(ticket, now_ms, exchange, out);
        }
        self.ask_all(ticket, now_ms, exchange, out);
    }

    fn ask_all(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        pending.asked_all = true;
        let members = self.groups.get(pending.group as usize).map(|group| group.members.clone()).unwrap_or_default();
        for upstream in members {
            self.attempt(ticket, upstream, now_ms, exchange, out);
        }
    }

    /// Asks the member after the one asked last.
    fn ask_next(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        let Some(group) = self.groups.get(pending.group as usize) else { return };
        let last = pending.attempts.iter().max_by_key(|attempt| attempt.sent_ms).map(|attempt| attempt.upstream);
        let last = group.members.iter().position(|member| Some(*member) == last);
        let next = last.map_or(0, |position| (position + 1) % group.members.len());
        let Some(upstream) = group.members.get(next).copied() else { return };
        if let Some(attempt) = pending.attempts.iter_mut().find(|attempt| attempt.upstream == upstream) {
            attempt.sent_ms = now_ms;
        }
        self.attempt(ticket, upstream, now_ms, exchange, out);
    }

    /// `fast-dns-retry`: nobody answered in time.
    fn repeat(&mut self, ticket: Ticket, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        let Some(pending) = self.pending.get(ticket) else { return };
        pending.repeat = pending.repeat.and_then(|repeat| {
            let pause_ms = repeat.pause_ms.saturating_mul(2).max(1);
            let at_ms = now_ms + pause_ms;
            (at_ms < repeat.until_ms).then_some(Repeat { at_ms, pause_ms, until_ms: repeat.until_ms })
        });
        self.ask_next(ticket, now_ms, exchange, out);
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

    /// A socket failed. TCP sockets have been closed by the shell.
    pub fn failed(&mut self, socket: Handle, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        match self.sockets.remove(&socket) {
            Some(flight @ Flight::Udp { ticket, attempt, .. }) => {
                self.sockets.insert(socket, flight);
                self.doubted(socket, [(ticket, attempt)], now_ms, exchange, out);
            }
            Some(Flight::Tcp { ticket }) => self.call_failed(ticket, false, now_ms, exchange, out),
            Some(Flight::Idle { upstream }) => self.forget_idle(upstream, socket),
            Some(Flight::Resting { upstream }) => self.close_resting(upstream, socket, out),
            Some(flight @ Flight::Shared { upstream }) => {
                self.sockets.insert(socket, flight);
                let shared = self.upstreams.get(upstream as usize).and_then(|entry| entry.shared.as_ref());
                let flights = shared.map(|shared| shared.flights.values().copied().collect::<Vec<_>>());
                self.doubted(socket, flights.unwrap_or_default(), now_ms, exchange, out);
            }
            None => {
                for (_, pool) in self.upstreams.iter_mut().flat_map(Upstream::pools_mut) {
                    if pool.reserve.forget(socket) {
                        out.actions.push(Action::CloseUpstream { socket });
                    }
                }
            }
        }
    }

    /// An ICMP error came for these attempts. Anybody can have sent it (RFC 5927), so their socket stays open for the reply that may still come;
    /// but somebody else is asked meanwhile.
    fn doubted(
        &mut self,
        socket: Handle,
        attempts: impl IntoIterator<Item = (Ticket, usize)>,
        now_ms: u64,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        for (ticket, index) in attempts {
            self.attempt_failed(ticket, index, false, now_ms, exchange, out);
            if let Some(attempt) = self.pending.get(ticket).and_then(|pending| pending.attempts.get_mut(index)) {
                attempt.state = AttemptState::Refused(socket);
            }
        }
    }

    /// Keeps the socket of an answered attempt for another question, if there is much demand.
    fn rest(&mut self, ticket: Ticket, index: usize, socket: Handle, now_ms: u64) {
        let Some(Flight::Udp { port, .. }) = self.sockets.get(&socket).copied() else { return };
        let Some(pending) = self.pending.get(ticket).filter(|pending| pending.mark == 0) else { return };
        let Some(attempt) = pending.attempts.get_mut(index) else { return };
        let Some(entry) = self.upstreams.get_mut(attempt.upstream as usize) else { return };
        let usable = attempt.state == AttemptState::Sent(socket) && attempt.address == entry.address;
        if usable && self.sockets.len() < IN_USE_MAX && entry.pool.reserve.give_back(port, now_ms) {
            self.sockets.insert(socket, Flight::Resting { upstream: attempt.upstream });
            attempt.state = AttemptState::Failed;
        }
    }

    /// Something other than the reply came: whoever sent it has found the port, so it serves no other question.
    fn suspect(&mut self, socket: Handle) {
        if let Some(Flight::Udp { port, .. }) = self.sockets.get_mut(&socket) {
            port.wear_out();
        }
    }

    /// Closes a socket that rests.
    fn close_resting(&mut self, upstream: u32, socket: Handle, out: &mut Outbox) {
        self.sockets.remove(&socket);
        if self.upstreams.get_mut(upstream as usize).is_some_and(|entry| entry.pool.reserve.forget(socket)) {
            out.actions.push(Action::CloseUpstream { socket });
        }
    }

    /// Ends a question and closes its sockets. Returns when it began.
    fn finish(&mut self, ticket: Ticket, out: &mut Outbox) -> Option<u64> {
        let pending = self.pending.remove(ticket)?;
        for attempt in &pending.attempts {
            let entry = self.upstreams.get_mut(attempt.upstream as usize);
            if let Some(shared) = entry.and_then(|entry| entry.shared.as_mut())
                && attempt.socket().is_some()
            {
                shared.flights.remove(&attempt.id);
            } else if let Some(socket) = attempt.socket() {
                self.sockets.remove(&socket);
                out.actions.push(Action::CloseUpstream { socket });
            } else if attempt.state == AttemptState::Queued
                && let Some(upstream) = self.upstreams.get_mut(attempt.upstream as usize)
            {
                upstream.pool(pending.mark).queue.retain(|(queued, _)| *queued != ticket);
            }
        }
        Some(pending.begun_ms)
    }
}

impl Upstream {
    fn new(address: SocketAddr, one_port: bool) -> Upstream {
        let shared = one_port.then(Shared::default);
        let (pool, marked, idle) = (Pool::default(), BTreeMap::new(), VecDeque::new());
        Upstream { address, pool, marked, shared, idle, probe: None, looping: false }
    }

    /// A socket for a question with this mark, if there is one.
    fn take_port(&mut self, mark: u32, now_ms: u64) -> Option<Port> {
        match &self.shared {
            Some(shared) => shared.socket.map(|socket| Port::new(socket, now_ms)),
            None => self.pool(mark).reserve.take(now_ms),
        }
    }

    /// The pool of a mark.
    fn pool(&mut self, mark: u32) -> &mut Pool {
        if mark == 0 || self.shared.is_some() { &mut self.pool } else { self.marked.entry(mark).or_default() }
    }

    /// All pools with their marks.
    fn pools(&self) -> impl Iterator<Item = (u32, &Pool)> {
        std::iter::once((0, &self.pool)).chain(self.marked.iter().map(|(mark, pool)| (*mark, pool)))
    }

    fn pools_mut(&mut self) -> impl Iterator<Item = (u32, &mut Pool)> {
        std::iter::once((0, &mut self.pool)).chain(self.marked.iter_mut().map(|(mark, pool)| (*mark, pool)))
    }
}

impl Pool {
    /// Is nothing in it and nothing on its way to it?
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.reserve.is_idle()
    }
}

impl Shared {
    /// How many sockets to ask for when so many questions wait.
    fn need(&mut self, queued: usize) -> u32 {
        let need = self.socket.is_none() && !self.wanted && queued > 0;
        self.wanted |= need;
        u32::from(need)
    }
}

impl Group {
    /// Takes an upstream out.
    fn leave_out(&mut self, index: u32) {
        self.configured = self.members.iter().take(self.configured).filter(|member| **member != index).count();
        self.members.retain(|member| *member != index);
        self.last_good = self.last_good.filter(|last| *last != index);
    }

    /// Whom a new question goes to, and whether that is a question to all.
    fn choose(&mut self, strict_order: bool, all_servers: bool, now_ms: u64) -> (Vec<u32>, bool) {
        if strict_order {
            return (self.members.first().copied().into_iter().collect(), false);
        }
        self.questions += 1;
        let stale = self.questions > TEST_QUESTIONS || self.tested_ms + TEST_MS < now_ms;
        match self.last_good {
            Some(favorite) if !stale && !all_servers => (vec![favorite], false),
            _ => {
                self.questions = 0;
                self.tested_ms = now_ms;
                (self.members.clone(), true)
            }
        }
    }
}

/// Closes the waiting sockets of an upstream whose index gets another meaning, and collects the attempts that waited for one.
fn retire(
    upstream: &mut Upstream,
    sockets: &mut Map<Handle, Flight>,
    orphans: &mut Vec<(Ticket, usize)>,
    out: &mut Outbox,
) {
    orphans.extend(upstream.pools_mut().flat_map(|(_, pool)| pool.queue.drain(..)));
    (upstream.probe, upstream.looping) = (None, false);
    for Idle { socket, .. } in upstream.idle.drain(..) {
        sockets.remove(&socket);
        out.actions.push(Action::CloseUpstream { socket });
    }
    if let Some(shared) = &mut upstream.shared {
        let Shared { socket, flights, .. } = std::mem::take(shared);
        orphans.extend(flights.into_values());
        if let Some(socket) = socket {
            sockets.remove(&socket);
            out.actions.push(Action::CloseUpstream { socket });
        }
    }
    for (_, pool) in upstream.pools_mut() {
        for socket in pool.reserve.retire() {
            sockets.remove(&socket);
            out.actions.push(Action::CloseUpstream { socket });
        }
    }
}

/// Queues a query datagram with this id.
fn send(query: &[u8], id: u16, socket: Handle, out: &mut Outbox) {
    let start = out.bytes.len();
    out.bytes.extend_from_slice(query);
    put_u16(&mut out.bytes, start, id);
    out.actions.push(Action::SendUpstream { socket, bytes: start..out.bytes.len() });
}

/// Is this the reply to that question (RFC 5452, section 9.1)? The socket has vouched for address and port.
fn belongs(message: &[u8], id: u16, question: &Question) -> Option<Header> {
    let header = Header::read(message)?;
    let fits = header.id == id && header.high & QR != 0 && header.opcode() == 0 && header.questions == 1;
    let asked = Question::read(message).ok()?;
    (fits && asked.same(question)).then_some(header)
}
