//! The front door: what goes in, in which order it meets the modules below, and when to call again.
//!
//! It also keeps the answers that wait: for an echo (inside [`crate::probe`]), for a neighbor entry, for the parent to have
//! a lease on disk, or because they shall come late. No acknowledgement leaves before its lease is recorded.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use ipc::config::dhcp::DhcpSlice;
use ipc::dhcp::{CHANGES_MAX, Contact, Neighbor, Ticket, ToParent, ToWorker};
use ipc::lease::{Lease, LeaseChange};
use ipc::time::Now;

use crate::client_name::Claim;
use crate::file_rules::FileRules;
use crate::host_rules::HostRules;
use crate::hosts::Hosts;
use crate::lease_view::LeaseView;
use crate::lines;
use crate::outbox::{Action, Outbox};
use crate::packet::Packet;
use crate::pool;
use crate::probe::{self, Probes, Request};
use crate::random::Random;
use crate::relay_agent;
use crate::state::{Config, State};
use crate::v4::{self, Answer, Outcome};

/// Most answers that wait for the parent or are held back. When full, a request is dropped; its client asks again.
const WAITING_MAX: usize = 1024;
/// Most requests that wait for a change under way to something that they touch. When full, one is dropped; its client asks again.
const PARKED_MAX: usize = 256;
/// Wait before the end of a lease is reported again when the parent could not record it.
const EXPIRY_RETRY_S: u64 = 60;

/// How a packet reached us.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Kernel index of the interface it came in on.
    pub interface: u32,
    /// Who sent it.
    pub source: SocketAddrV4,
    /// The destination in its IP header; 255.255.255.255 for a broadcast.
    pub destination: Ipv4Addr,
    /// On which of our ports.
    pub port: Port,
}

/// One of the ports of a server, each with a socket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Port 67, or that of `dhcp-alternate-port`.
    Server,
    /// Port 4011, for PXE clients that have an address already.
    Pxe,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram on the server port.
    Packet {
        /// Its payload.
        bytes: &'a [u8],
        /// How it came.
        arrival: Arrival,
    },
    /// A whole IPv4 packet from the receive-only ICMP socket.
    Echo {
        /// IP header included.
        bytes: &'a [u8],
    },
    /// A message of the parent.
    FromParent(ToWorker),
    /// Take no new work.
    Drain,
    /// SIGUSR1: log the statistics. DHCP has none of its own.
    DumpStatistics,
    /// The moment that [`Engine::deadline`] named has come.
    Deadline,
}

/// DHCPv4 without sockets.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    files: FileRules,
    state: State,
    phase: Phase,
    waiting: BTreeMap<Ticket, Waiting>,
    /// Requests that are judged again when a commit is over, in the order in which they came.
    parked: Vec<Request>,
    /// Answers that are held back, by when they are due.
    delayed: BTreeMap<(u64, Ticket), Answer>,
    next_ticket: u32,
    /// The clocks at the last call, by which wall time turns into a deadline.
    clocks: Now,
}

/// Where the worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Taking interfaces and leases.
    Replaying,
    Serving,
    /// Finishing what is owed.
    Draining,
}

/// What an answer of the parent releases.
#[derive(Debug)]
enum Waiting {
    /// Changes that are being recorded, and the acknowledgement.
    Commit { changes: Vec<LeaseChange>, answer: Option<Answer> },
    /// An offer whose neighbor entry is being made.
    Neighbor(Answer),
}

impl Engine {
    /// An engine that has not begun to serve: it takes interfaces and leases until `Start`.
    pub fn new(mut slice: DhcpSlice, seed: [u8; 32]) -> Engine {
        let rules = HostRules::new(std::mem::take(&mut slice.host_rules));
        let files = FileRules::new(&slice.options);
        let state = State {
            interfaces: BTreeMap::new(),
            leases: LeaseView::default(),
            probes: Probes::default(),
            epochs: vec![0; slice.pools.len()],
            routers: BTreeMap::new(),
            declined: BTreeMap::new(),
            random: Random::new(seed),
        };
        Engine {
            config: Config { slice, rules, hosts: Hosts::default() },
            files,
            state,
            phase: Phase::Replaying,
            waiting: BTreeMap::new(),
            parked: Vec::new(),
            delayed: BTreeMap::new(),
            next_ticket: 0,
            clocks: Now::default(),
        }
    }

    /// Takes one thing that happened and puts into `out` what is to be done about it.
    pub fn handle(&mut self, input: Input<'_>, now: Now, out: &mut Outbox) {
        self.clocks = now;
        match input {
            Input::Packet { bytes, arrival } if self.phase == Phase::Serving => {
                self.expire(now, out);
                self.relay(bytes, arrival, now, out);
                self.serve(bytes, arrival, now, out);
            }
            Input::Packet { .. } => {}
            Input::Echo { bytes } => self.echo(bytes, now, out),
            Input::FromParent(message) => self.parent_says(message, now, out),
            Input::Drain => self.phase = Phase::Draining,
            Input::DumpStatistics => {}
            Input::Deadline => {
                self.expire(now, out);
                self.release(now, out);
                for request in self.state.probes.due(now.monotonic_ms) {
                    self.serve(&request.bytes, request.arrival, now, out);
                }
            }
        }
    }

    /// When to call again with `Input::Deadline`, in monotonic milliseconds; `None` when nothing waits for the time.
    pub fn deadline(&self) -> Option<u64> {
        let expiry = self.state.leases.next_expiry_s().filter(|_| self.phase == Phase::Serving).map(|expires_s| {
            let left_ms = expires_s.saturating_sub(self.clocks.wall_s).saturating_mul(1000);
            self.clocks.monotonic_ms.saturating_add(left_ms)
        });
        let delayed = self.delayed.first_key_value().map(|((due_ms, _), _)| *due_ms);
        expiry.into_iter().chain(self.state.probes.deadline_ms()).chain(delayed).min()
    }

    /// Is no reply owed? Asked after `Drain`.
    pub fn idle(&self) -> bool {
        self.waiting.is_empty()
            && self.parked.is_empty()
            && self.delayed.is_empty()
            && self.state.probes.deadline_ms().is_none()
    }
}

/// # Relaying
impl Engine {
    fn relay(&mut self, bytes: &[u8], arrival: Arrival, now: Now, out: &mut Outbox) {
        let slice = &self.config.slice;
        if arrival.port != Port::Server || !relay_agent::relays(slice) {
            return;
        }
        let Some(packet) = Packet::parse(bytes) else { return };
        if !packet.is_request() {
            if let Some(answer) = relay_agent::backward(slice, &self.state, &packet, arrival) {
                self.answer(answer, now, out);
            }
            return;
        }
        let Some(interface) = self.state.interfaces.get(&arrival.interface) else { return };
        let interface = self.state.bridge_of(&self.config, interface).unwrap_or(interface);
        if interface.serves_dhcp {
            for forwarded in relay_agent::forward(slice, &self.state, interface, &packet, arrival) {
                out.lines.extend(forwarded.line);
                out.send_from(&forwarded.bytes, forwarded.source, forwarded.interface, forwarded.to);
            }
        }
    }
}

/// # Requests
impl Engine {
    fn serve(&mut self, bytes: &[u8], arrival: Arrival, now: Now, out: &mut Outbox) {
        if !self.config.slice.serves() {
            return;
        }
        let Some(packet) = Packet::parse(bytes).filter(Packet::is_request) else { return };
        let (outcome, lines, contact) = v4::judge(&self.config, &mut self.state, &packet, arrival, now);
        match outcome {
            Outcome::Silence => out.lines.extend(lines),
            // Nothing is logged of a request that will be judged again.
            Outcome::Ask(address, hash) => {
                let request = Request { bytes: bytes.to_vec(), arrival };
                self.ask(address, hash, request, now, out);
            }
            Outcome::Answer(answer) => {
                if self.has_room_for(&answer) {
                    out.lines.extend(lines);
                    self.answer(answer, now, out);
                }
            }
            Outcome::Record(changes, answer) => {
                if self.waiting.len() >= WAITING_MAX {
                    return;
                }
                if self.state.leases.lock(&changes) {
                    out.lines.extend(lines);
                    self.commit(changes, answer, contact, out);
                } else if self.parked.len() < PARKED_MAX {
                    // Nothing is logged of a request that will be judged again.
                    self.parked.push(Request { bytes: bytes.to_vec(), arrival });
                }
            }
        }
    }

    fn has_room_for(&self, answer: &Answer) -> bool {
        let waits = answer.neighbor.is_some() || answer.delay_s > 0;
        !waits || self.waiting.len() + self.delayed.len() < WAITING_MAX
    }

    /// Sends an answer, now or later; one that finds no room to wait in is dropped.
    fn answer(&mut self, answer: Answer, now: Now, out: &mut Outbox) {
        if !self.has_room_for(&answer) {
            return;
        }
        if answer.delay_s > 0 { self.hold_back(answer, now) } else { self.send(answer, out) }
    }

    /// Judges again what waited for a commit.
    fn serve_parked(&mut self, now: Now, out: &mut Outbox) {
        for request in std::mem::take(&mut self.parked) {
            self.serve(&request.bytes, request.arrival, now, out);
        }
    }

    /// Sends an answer now, or as soon as its neighbor entry is made.
    fn send(&mut self, answer: Answer, out: &mut Outbox) {
        if answer.neighbor.is_some() { self.await_neighbor(answer, out) } else { deliver(answer, out) }
    }

    fn hold_back(&mut self, answer: Answer, now: Now) {
        let due_ms = now.monotonic_ms.saturating_add(u64::from(answer.delay_s) * 1000);
        let ticket = self.ticket();
        self.delayed.insert((due_ms, ticket), answer);
    }

    /// Sends what was held back long enough.
    fn release(&mut self, now: Now, out: &mut Outbox) {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now.monotonic_ms) {
            let answer = entry.remove();
            self.send(answer, out);
        }
    }

    fn ask(&mut self, address: Ipv4Addr, hash: u32, request: Request, now: Now, out: &mut Outbox) {
        if self.phase != Phase::Serving {
            return;
        }
        if self.state.probes.ask(address, hash, request, now.monotonic_ms) {
            out.actions.push(Action::Tell(ToParent::Ping(address)));
        }
    }

    fn echo(&mut self, bytes: &[u8], now: Now, out: &mut Outbox) {
        let Some((address, waiter)) =
            probe::echo_sender(bytes).and_then(|address| Some((address, self.state.probes.answered(address)?)))
        else {
            return;
        };
        // Somebody uses an address of ours by himself: searches start one further on from now on.
        for (epoch, pool) in self.state.epochs.iter_mut().zip(&self.config.slice.pools) {
            if pool.first <= address && address <= pool.last {
                *epoch = epoch.wrapping_add(1);
            }
        }
        if let Some(request) = waiter {
            self.serve(&request.bytes, request.arrival, now, out);
        }
    }

    fn await_neighbor(&mut self, answer: Answer, out: &mut Outbox) {
        let Some(neighbor) = neighbor_of(&answer) else { return deliver(answer, out) };
        let ticket = self.ticket();
        out.actions.push(Action::Tell(ToParent::SetNeighbor { ticket, neighbor }));
        self.waiting.insert(ticket, Waiting::Neighbor(answer));
    }

    /// Asks for changes that are locked already.
    fn commit(
        &mut self,
        changes: Vec<LeaseChange>,
        answer: Option<Answer>,
        contact: Option<Box<Contact>>,
        out: &mut Outbox,
    ) {
        let ticket = self.ticket();
        let neighbor = answer.as_ref().and_then(neighbor_of);
        out.actions.push(Action::Tell(ToParent::Commit { ticket, changes: changes.clone(), neighbor, contact }));
        self.waiting.insert(ticket, Waiting::Commit { changes, answer });
    }

    fn ticket(&mut self) -> Ticket {
        // Tickets in use are few and short-lived; after four thousand million the count may start again.
        loop {
            self.next_ticket = self.next_ticket.wrapping_add(1);
            if !self.waiting.contains_key(&Ticket(self.next_ticket)) {
                return Ticket(self.next_ticket);
            }
        }
    }

    /// Reports leases that are over.
    fn expire(&mut self, now: Now, out: &mut Outbox) {
        if self.phase != Phase::Serving {
            return;
        }
        let mut changes = Vec::new();
        while let Some(address) = self.state.leases.take_expired(now.wall_s) {
            let change = [LeaseChange::Remove(address)];
            if self.state.leases.lock(&change) {
                changes.extend(change);
            } else {
                // A change is under way; it may be the renewal.
                self.state.leases.remind(address, now.wall_s + 1);
            }
            if changes.len() == CHANGES_MAX {
                self.commit(std::mem::take(&mut changes), None, None, out);
            }
        }
        if !changes.is_empty() {
            self.commit(changes, None, None, out);
        }
    }
}

/// # The parent
impl Engine {
    fn parent_says(&mut self, message: ToWorker, now: Now, out: &mut Outbox) {
        match message {
            ToWorker::Interfaces(list) => {
                self.config.slice.domains.follow(&list);
                pool::take_netmasks(&mut self.config.slice.pools, &list);
                self.state.interfaces =
                    list.into_iter().map(|interface| (interface.index, Rc::new(interface))).collect();
            }
            ToWorker::FileRules { file, rules, options, last } => {
                if let Some(rules) = self.files.take(file, rules, options, last) {
                    self.config.rules.replace_file(file, rules);
                    // Before the start there may be thousands to come.
                    if self.phase != Phase::Replaying {
                        self.config.slice.options = self.files.all_options();
                        self.follow_hosts(out);
                    }
                }
            }
            ToWorker::KnownHosts { known, last } => {
                if self.config.hosts.take(known, last) && self.phase != Phase::Replaying {
                    self.follow_hosts(out);
                }
            }
            ToWorker::Leases(leases) => leases.into_iter().for_each(|lease| self.state.leases.replay(lease)),
            ToWorker::Start => {
                self.phase = Phase::Serving;
                self.config.slice.options = self.files.all_options();
                out.actions.push(Action::Tell(ToParent::Serving));
                out.lines.extend(self.config.slice.pools.iter().map(lines::pool_at_start).map(lines::info));
                out.lines.extend(relay_agent::at_start(&self.config.slice).into_iter().map(lines::info));
                self.follow_hosts(out);
            }
            ToWorker::Committed(ticket) => {
                if let Some(Waiting::Commit { changes, answer }) = self.take_commit(ticket) {
                    self.state.leases.unlock(&changes);
                    for change in changes {
                        self.state.leases.apply(change);
                    }
                    answer.into_iter().for_each(|answer| deliver(answer, out));
                    self.serve_parked(now, out);
                }
            }
            ToWorker::NotCommitted(ticket) => {
                if let Some(Waiting::Commit { changes, .. }) = self.take_commit(ticket) {
                    self.state.leases.unlock(&changes);
                    self.remind_of_ends(&changes, now);
                    self.serve_parked(now, out);
                }
            }
            ToWorker::NeighborSet { ticket, done } => self.neighbor_set(ticket, done, out),
        }
    }

    fn take_commit(&mut self, ticket: Ticket) -> Option<Waiting> {
        matches!(self.waiting.get(&ticket), Some(Waiting::Commit { .. })).then(|| self.waiting.remove(&ticket))?
    }

    fn neighbor_set(&mut self, ticket: Ticket, done: bool, out: &mut Outbox) {
        match self.waiting.get_mut(&ticket) {
            // Said of a commit it is only ever bad news, and the commit's own answer follows.
            Some(Waiting::Commit { answer, .. }) => {
                if let Some(answer) = answer.as_mut().filter(|_| !done) {
                    answer.broadcast();
                }
            }
            Some(Waiting::Neighbor(_)) => {
                if let Some(Waiting::Neighbor(mut answer)) = self.waiting.remove(&ticket) {
                    if !done {
                        answer.broadcast();
                    }
                    deliver(answer, out);
                }
            }
            None => {}
        }
    }

    /// Leases that were to end and did not are looked at again later.
    fn remind_of_ends(&mut self, changes: &[LeaseChange], now: Now) {
        for change in changes {
            if let LeaseChange::Remove(address) = change
                && self.state.leases.of_address(*address).is_some_and(|lease| lease.expired(now.wall_s))
            {
                self.state.leases.remind(*address, now.wall_s + EXPIRY_RETRY_S);
            }
        }
    }

    /// Looks again at what follows from host rules and hosts files.
    fn follow_hosts(&mut self, out: &mut Outbox) {
        let Config { rules, hosts, .. } = &mut self.config;
        out.lines.append(&mut rules.place_by_name(hosts));
        self.rename_configured(out);
    }

    /// Gives leases the names that the configuration or hosts files have for them now.
    fn rename_configured(&mut self, out: &mut Outbox) {
        let renamed: Vec<Lease> = self.state.leases.iter().filter_map(|lease| self.renamed(lease)).collect();
        for lease in renamed {
            let name = lease.name.clone().unwrap_or_default();
            let mut changes = Vec::new();
            if let Claim::Taken(older) = self.state.claim(&self.config, &name, true, lease.address) {
                changes.push(State::nameless(*older));
            }
            changes.push(LeaseChange::Put(lease));
            if self.state.leases.lock(&changes) {
                self.commit(changes, None, None, out);
            }
        }
    }

    fn renamed(&self, lease: &Lease) -> Option<Lease> {
        let Config { slice, rules, hosts } = &self.config;
        let name = rules.configured_name(lease).or_else(|| hosts.name_of(lease.address, &slice.domains))?;
        (lease.name.as_deref() != Some(name)).then(|| Lease { name: Some(name.to_owned()), ..lease.clone() })
    }
}

fn neighbor_of(answer: &Answer) -> Option<Neighbor> {
    let hardware = answer.neighbor?;
    Some(Neighbor { interface: answer.interface, address: *answer.to.ip(), hardware })
}

fn deliver(answer: Answer, out: &mut Outbox) {
    out.lines.extend(answer.lines);
    out.send(&answer.bytes, answer.port, answer.interface, answer.to);
}
