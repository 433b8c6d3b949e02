//! A house: a server made of the DHCP core and the parent's store, its clients, the cable between them, and all that can go wrong.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

use dhcp::{Action, Arrival, Engine, Input, Outbox, Port};
use ipc::config::dhcp::{DhcpSlice, HardwarePattern, HostRule, Pool, PoolMode};
use ipc::config::domain::Domains;
use ipc::dhcp::{Ticket, ToParent, ToWorker};
use ipc::event::{LeaseEvent, Turn as Happened};
use ipc::lease::LeaseChange;
use ipc::link::Interface;
use ipc::time::Now;
use parent::commit::Territory;
use parent::lease_events::{self, Contacts, Scene};
use parent::leases::store::Store;
use parent::leases::turn::Turn;
use support::{Dice, Directory};

use crate::agenda::Agenda;
use crate::client::Client;
use crate::wire::{ACK, DECLINE, Message, NAK, RELEASE, REQUEST, Reply, echo_reply};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const LAN: u32 = 2;
const START_S: u64 = 1_700_000_000;
const HOUR_MS: u64 = 3_600_000;
/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
const CLIENTS: u8 = 12;
/// Lines of the diary.
const DIARY_LINES: usize = 60;
/// How long a word of the parent is on its way.
const WORD_MS: u64 = 2;

/// What happens.
enum Event {
    /// A client's time has come, if it has not been given another since.
    Wake { client: usize, plan: u64 },
    /// A message reaches the server.
    Request(Message),
    /// An answer reaches the clients.
    Answer(Vec<u8>),
    /// Somebody answers an echo request.
    Echo(Ipv4Addr),
    /// The parent records what it was asked to.
    Record,
    /// It writes the renewals that it has put off.
    WriteLate,
    /// The parent's word reaches the worker.
    Word(ToWorker),
    /// The worker crashes.
    WorkerCrash,
    /// Everything of the server crashes, maybe in the middle of a write.
    Crash,
    /// The wall clock is set.
    ClockJump(i64),
}

/// What has been seen, so that a run in which nothing happened shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub acknowledged: u64,
    pub refused: u64,
    /// Events of lease scripts.
    pub told: u64,
    pub lost: u64,
    pub workers_crashed: u64,
    pub crashed: u64,
    pub torn: u64,
    pub jumps: u64,
    /// How often renewals have been written late.
    pub late: u64,
}

impl Seen {
    /// Adds what was seen elsewhere.
    pub fn add(&mut self, other: &Seen) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.told += other.told;
        self.lost += other.lost;
        self.workers_crashed += other.workers_crashed;
        self.crashed += other.crashed;
        self.torn += other.torn;
        self.jumps += other.jumps;
        self.late += other.late;
    }
}

/// The house.
pub struct House {
    dice: Dice,
    now_ms: u64,
    /// What has been added to the wall clock.
    jumped_s: i64,
    /// When the wall clock was last set forward, which ends leases before their time.
    forward_ms: u64,
    slice: DhcpSlice,
    territory: Territory,
    engine: Engine,
    store: Store,
    /// `lease-journal`, in seconds.
    journal_s: Option<u32>,
    /// Is a [`Event::WriteLate`] to come?
    writes_late: bool,
    path: PathBuf,
    _directory: Directory,
    commits: Vec<(Ticket, Vec<LeaseChange>)>,
    agenda: Agenda<Event>,
    clients: Vec<Client>,
    plans: Vec<u64>,
    /// What the lease script has been told of: address, and the name it goes by.
    told: BTreeMap<Ipv4Addr, Option<String>>,
    contacts: Contacts,
    /// What the server has acknowledged and nobody has given up since: hardware address and end.
    promised: BTreeMap<Ipv4Addr, ([u8; 6], u64)>,
    out: Outbox,
    seen: Seen,
    /// What happened lately.
    diary: VecDeque<String>,
}

impl House {
    /// A house whose every accident follows from the seed.
    pub fn new(seed: u64) -> House {
        let mut dice = Dice::new(seed);
        let directory = Directory::in_memory();
        let path = directory.join("leases");
        let slice = slice(&mut dice);
        let journal_s = [None, None, Some(600), Some(3_600), Some(21_600)][dice.below(5)];
        let clients: Vec<Client> = (0..CLIENTS).map(|number| Client::new(number, &mut dice)).collect();
        let mut house = House {
            now_ms: 1_000,
            jumped_s: 0,
            forward_ms: 0,
            territory: Territory::new(&slice),
            engine: Engine::new(slice.clone(), [0; 32]),
            slice,
            store: open(&path, journal_s).0,
            journal_s,
            writes_late: false,
            path,
            _directory: directory,
            commits: Vec::new(),
            agenda: Agenda::new(),
            plans: vec![0; clients.len()],
            clients,
            told: BTreeMap::new(),
            contacts: Contacts::default(),
            promised: BTreeMap::new(),
            out: Outbox::new(),
            seen: Seen::default(),
            diary: VecDeque::new(),
            dice,
        };
        for client in 0..house.clients.len() {
            let first_ms = house.dice.below(HOUR_MS as usize) as u64;
            house.plan_client(client, house.now_ms + first_ms);
        }
        house.start_worker();
        house.plan_accidents();
        house
    }

    /// So many hours.
    pub fn live(&mut self, hours: u64) {
        let end_ms = hours * HOUR_MS;
        while self.now_ms < end_ms {
            let deadline_ms = self.engine.deadline().map(|at_ms| at_ms.max(self.now_ms));
            let event_ms = self.agenda.next_ms().expect("clients never rest");
            if deadline_ms.is_some_and(|at_ms| at_ms < event_ms) {
                self.now_ms = deadline_ms.unwrap_or(self.now_ms);
                self.handle(Input::Deadline);
                // A deadline that stays would be a worker that never sleeps.
                self.now_ms += u64::from(self.engine.deadline().is_some_and(|at_ms| at_ms <= self.now_ms));
            } else {
                self.now_ms = event_ms;
                let event = self.agenda.take().expect("the next event");
                self.happen(event);
            }
            self.check_clients();
        }
    }

    /// How far it has come.
    pub fn hours(&self) -> u64 {
        self.now_ms / HOUR_MS
    }

    /// What happened lately.
    pub fn diary(&self) -> &VecDeque<String> {
        &self.diary
    }

    fn note(&mut self, text: String) {
        if self.diary.len() == DIARY_LINES {
            self.diary.pop_front();
        }
        self.diary.push_back(format!("{} ms: {text}", self.now_ms));
    }

    /// What has been seen.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    fn clocks(&self) -> Now {
        Now { monotonic_ms: self.now_ms, wall_s: (START_S + self.now_ms / 1000).saturating_add_signed(self.jumped_s) }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake { client, plan } if self.plans[client] == plan => {
                let deed = self.clients[client].wake(self.now_ms, &mut self.dice);
                self.do_deed(client, deed);
            }
            Event::Wake { .. } => {}
            Event::Request(message) => {
                self.note(format!("the server hears {message:?}"));
                self.note_end(&message);
                let source = message.ciaddr.unwrap_or(Ipv4Addr::UNSPECIFIED);
                let destination = if message.unicast { SERVER } else { Ipv4Addr::BROADCAST };
                let arrival =
                    Arrival { interface: LAN, source: SocketAddrV4::new(source, 68), destination, port: Port::Server };
                self.handle(Input::Packet { bytes: &message.bytes(), arrival });
            }
            Event::Answer(bytes) => {
                let reply = Reply::parse(&bytes);
                for client in 0..self.clients.len() {
                    if let Some(deed) = self.clients[client].hear(&reply, self.now_ms, &mut self.dice) {
                        self.do_deed(client, deed);
                    }
                }
            }
            Event::Echo(address) => self.handle(Input::Echo { bytes: &echo_reply(address, SERVER) }),
            Event::Record => self.record(),
            Event::WriteLate => {
                self.writes_late = false;
                self.store.write_late().expect("write renewals");
                self.seen.late += 1;
            }
            Event::Word(word) => self.handle(Input::FromParent(word)),
            Event::WorkerCrash => {
                self.seen.workers_crashed += 1;
                self.note("the worker crashes".to_owned());
                self.agenda.retain(|event| !matches!(event, Event::Word(_) | Event::Echo(_)));
                // What it had asked for may still be recorded.
                self.start_worker();
                self.plan_accident(Event::WorkerCrash, 40 * HOUR_MS);
            }
            Event::Crash => self.crash(),
            Event::ClockJump(seconds) => {
                self.seen.jumps += 1;
                self.note(format!("the clock jumps by {seconds} s"));
                // What was over stays over.
                let now_s = self.clocks().wall_s;
                self.promised.retain(|_, (_, until_s)| *until_s > now_s);
                self.jumped_s += seconds;
                if seconds > 0 {
                    self.forward_ms = self.now_ms;
                    // Whose lease is over before its time cannot know it.
                    self.promised.clear();
                }
                self.plan_jump();
            }
        }
    }

    fn plan_accidents(&mut self) {
        self.plan_accident(Event::WorkerCrash, 40 * HOUR_MS);
        self.plan_jump();
    }

    fn plan_accident(&mut self, event: Event, within_ms: u64) {
        let at_ms = self.now_ms + self.dice.below(within_ms as usize) as u64;
        self.agenda.plan(at_ms, event);
    }

    fn plan_jump(&mut self) {
        let seconds = [-7200, -30, -1, 1, 30, 900][self.dice.below(6)];
        self.plan_accident(Event::ClockJump(seconds), 200 * HOUR_MS);
    }

    fn plan_client(&mut self, client: usize, at_ms: u64) {
        self.plans[client] += 1;
        self.agenda.plan(at_ms.max(self.now_ms + 1), Event::Wake { client, plan: self.plans[client] });
    }

    fn do_deed(&mut self, client: usize, (message, again_ms): (Option<Message>, u64)) {
        self.plan_client(client, again_ms);
        let Some(message) = message else { return };
        for at_ms in self.deliveries() {
            self.agenda.plan(at_ms, Event::Request(message.clone()));
        }
    }

    /// When a packet arrives: never, once, or twice.
    fn deliveries(&mut self) -> Vec<u64> {
        let copies = match self.dice.below(20) {
            0 | 1 => 0,
            2 => 2,
            _ => 1,
        };
        self.seen.lost += u64::from(copies == 0);
        (0..copies)
            .map(|_| {
                let slow = self.dice.below(10) == 0;
                self.now_ms + 1 + self.dice.below(if slow { 3_000 } else { 30 }) as u64
            })
            .collect()
    }
}

/// # The server
impl House {
    fn handle(&mut self, input: Input<'_>) {
        let now = self.clocks();
        let mut out = std::mem::take(&mut self.out);
        self.engine.handle(input, now, &mut out);
        for action in out.actions.drain(..) {
            match action {
                Action::Send { bytes, .. } => self.answer(out.bytes[bytes].to_vec()),
                Action::Tell(ToParent::Commit { ticket, changes, .. }) => {
                    self.note(format!("commit {}: {changes:?}", ticket.0));
                    self.commits.push((ticket, changes));
                    let at_ms = self.now_ms + self.dice.below(5) as u64;
                    self.agenda.plan(at_ms, Event::Record);
                    if self.dice.below(150) == 0 {
                        // At any point of the way from the request to the parent's word.
                        let at_ms = self.now_ms + self.dice.below(8) as u64;
                        self.agenda.plan(at_ms, Event::Crash);
                    }
                }
                Action::Tell(ToParent::SetNeighbor { ticket, .. }) => {
                    self.agenda.plan(self.now_ms + WORD_MS, Event::Word(ToWorker::NeighborSet { ticket, done: true }));
                }
                Action::Tell(ToParent::Ping(address)) => {
                    if self.clients.iter().any(|client| client.bound(self.now_ms).is_some_and(|b| b.address == address))
                    {
                        self.agenda.plan(self.now_ms + 5, Event::Echo(address));
                    }
                }
                Action::Tell(_) => {}
            }
        }
        out.clear();
        self.out = out;
    }

    /// Something leaves the server: from here on it is a promise.
    fn answer(&mut self, bytes: Vec<u8>) {
        let reply = Reply::parse(&bytes);
        self.note(format!("the server says {reply:?}"));
        match reply.kind {
            ACK => {
                self.seen.acknowledged += 1;
                let lease = self.store.get(reply.address).unwrap_or_else(|| {
                    panic!("{} is acknowledged and not recorded", reply.address);
                });
                assert_eq!(lease.hardware.used(), reply.hardware, "{} is acknowledged to another", reply.address);
                self.promised.insert(reply.address, (reply.hardware, lease.expires_s));
                // Who is promised one address has given up all others.
                self.promised.retain(|address, (who, _)| *who != reply.hardware || *address == reply.address);
            }
            NAK => self.seen.refused += 1,
            _ => {}
        }
        for at_ms in self.deliveries() {
            self.agenda.plan(at_ms, Event::Answer(bytes.clone()));
        }
    }

    /// A client gives up what it was promised.
    fn note_end(&mut self, message: &Message) {
        if message.kind == REQUEST && message.server.is_some() {
            // Who takes an offer has moved on from everything else.
            self.promised.retain(|held, (who, _)| Some(*held) == message.requested || *who != message.hardware);
        }
        if matches!(message.kind, RELEASE | DECLINE) {
            let address = message.ciaddr.or(message.requested);
            self.promised.retain(|held, (who, _)| Some(*held) != address || *who != message.hardware);
        }
    }

    /// The end of a turn of the parent: what came together is judged and recorded together.
    fn record(&mut self) {
        let commits = std::mem::take(&mut self.commits);
        let (accepted, changes, events) = self.judge(&commits);
        self.note(format!(
            "recorded: {:?}",
            commits.iter().map(|(ticket, _)| ticket.0).zip(&accepted).collect::<Vec<_>>()
        ));
        self.store.record(&changes).expect("record leases");
        self.note_renewals(&changes);
        if let (Some(delay_s), true, false) = (self.journal_s, self.store.has_late(), self.writes_late) {
            self.writes_late = true;
            self.agenda.plan(self.now_ms + u64::from(delay_s) * 1_000, Event::WriteLate);
        }
        self.check_store();
        events.into_iter().for_each(|event| self.tell(event));
        self.check_told();
        for ((ticket, _), accepted) in commits.into_iter().zip(accepted) {
            let word = if accepted { ToWorker::Committed(ticket) } else { ToWorker::NotCommitted(ticket) };
            self.agenda.plan(self.now_ms + WORD_MS, Event::Word(word));
        }
    }

    /// A client that asks again may get a lease that ends sooner, when the clock has been set back; it takes the last word it hears.
    fn note_renewals(&mut self, changes: &[LeaseChange]) {
        for change in changes {
            if let LeaseChange::Put(lease) = change
                && let Some((_, until_s)) = self.promised.get_mut(&lease.address)
            {
                *until_s = (*until_s).min(lease.expires_s);
            }
        }
    }

    /// Which commits are accepted, what they change together, and what a lease script hears of it.
    fn judge(&mut self, commits: &[(Ticket, Vec<LeaseChange>)]) -> (Vec<bool>, Vec<LeaseChange>, Vec<LeaseEvent>) {
        let now_s = self.clocks().wall_s;
        let domains = Domains::default();
        let scene = Scene { domains: &domains, interfaces: &[], now_s, on_renewal: false, keeps_leases: false };
        let (mut accepted, mut turn, mut events) = (Vec::new(), Turn::default(), Vec::new());
        for (_, changes) in commits {
            let judged = self.territory.judge(&self.store, &turn, changes, now_s).is_ok();
            if judged {
                let before = |address| turn.lease(&self.store, address);
                events.extend(lease_events::of_commit(changes, None, before, &mut self.contacts, &scene));
                changes.iter().for_each(|change| turn.take(&self.store, change.clone()));
            }
            accepted.push(judged);
        }
        (accepted, turn.changes().to_vec(), events)
    }

    /// The lease script hears of something. It may rely on the order: what is new was unknown, and what stands or ends was known.
    fn tell(&mut self, event: LeaseEvent) {
        self.seen.told += 1;
        let (address, name) = (event.lease.address, event.lease.name);
        let known = self.told.contains_key(&address);
        match event.turn {
            Happened::Add => assert!(!known, "{address} is told as new and was known"),
            Happened::Old => assert!(known, "{address} is told as standing and was unknown"),
            Happened::Del => assert!(known, "{address} is told as over and was unknown"),
        }
        match event.turn {
            Happened::Add | Happened::Old => drop(self.told.insert(address, name)),
            Happened::Del => drop(self.told.remove(&address)),
        }
    }

    fn start_worker(&mut self) {
        self.commits.clear();
        self.agenda.retain(|event| !matches!(event, Event::Record | Event::Word(_)));
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.dice.roll().to_le_bytes());
        self.engine = Engine::new(self.slice.clone(), seed);
        self.handle(Input::FromParent(ToWorker::Interfaces(vec![lan()])));
        let leases = self.store.iter().cloned().collect();
        self.handle(Input::FromParent(ToWorker::Leases(leases)));
        self.handle(Input::FromParent(ToWorker::Start));
    }

    /// The power fails: between two deeds, or while a change is being written.
    fn crash(&mut self) {
        self.seen.crashed += 1;
        self.note("crash".to_owned());
        let before = std::fs::read(&self.path).expect("read the lease file");
        let commits = std::mem::take(&mut self.commits);
        if !commits.is_empty() || self.dice.below(2) == 0 {
            let (_, changes, _) = self.judge(&commits);
            self.store.record(&changes).expect("record leases");
            self.note_renewals(&changes);
            if commits.is_empty() {
                self.store.write_late().expect("write renewals");
            }
            let after = std::fs::read(&self.path).expect("read the lease file");
            // A file that was written afresh is there or not.
            let afresh = after.len() < before.len();
            if self.dice.below(if afresh { 2 } else { 4 }) > 0 {
                self.seen.torn += u64::from(!afresh);
                let reached = if afresh { before } else { self.tear(before, &after) };
                std::fs::write(&self.path, reached).expect("tear the lease file");
            }
        }
        let (store, invalid) = open(&self.path, self.journal_s);
        self.store = store;
        self.agenda.retain(|event| !matches!(event, Event::WriteLate));
        self.writes_late = false;
        assert!(invalid.len() as u64 <= self.seen.torn, "more than what was torn is damaged: {invalid:?}");
        self.check_promises();
        self.check_store();
        // A script is told of every lease at a start.
        self.told = self.store.iter().map(|lease| (lease.address, lease.name.clone())).collect();
        self.contacts = Contacts::default();
        self.start_worker();
    }

    /// What the disk holds when the power fails before a change is known to be on it: of each sector that was changed the front part, in any
    /// order of sectors, and as much of what was appended. Nothing is blanked before that.
    fn tear(&mut self, before: Vec<u8>, after: &[u8]) -> Vec<u8> {
        let appended = self.dice.below(after.len() - before.len() + 1);
        let mut torn = before;
        for (old, new) in torn.chunks_mut(SECTOR_BYTES).zip(after.chunks(SECTOR_BYTES)) {
            let reached = self.dice.below(old.len() + 1);
            let written = old.iter_mut().zip(new).take(reached).filter(|(_, new)| **new != b' ');
            written.for_each(|(old, new)| *old = *new);
        }
        torn.extend_from_slice(&after[torn.len()..][..appended]);
        torn
    }
}

/// # What must hold
impl House {
    /// Every acknowledged lease is there, for as long as was promised.
    fn check_promises(&self) {
        let now_s = self.clocks().wall_s;
        for (address, (hardware, until_s)) in &self.promised {
            if *until_s <= now_s {
                continue;
            }
            let lease = self.store.get(*address).unwrap_or_else(|| panic!("the lease of {address} is lost"));
            assert_eq!(lease.hardware.used(), hardware, "the lease of {address} is another's");
            assert!(lease.expires_s >= *until_s, "the lease of {address} ends before its time");
        }
    }

    /// Names follow leases: one name, one lease.
    fn check_store(&self) {
        let mut names = BTreeMap::new();
        for lease in self.store.iter() {
            let Some(name) = &lease.name else { continue };
            let other = names.insert(name.to_ascii_lowercase(), lease.address);
            assert_eq!(other, None, "two leases are called {name}");
            assert_eq!(self.store.holder_of(name), Some(lease.address));
        }
    }

    /// What a lease script has heard is what is recorded.
    fn check_told(&self) {
        let recorded: BTreeMap<_, _> = self.store.iter().map(|lease| (lease.address, lease.name.clone())).collect();
        assert_eq!(self.told, recorded, "a lease script believes otherwise");
    }

    /// No address is used by two.
    fn check_clients(&self) {
        let mut users = BTreeMap::new();
        for client in &self.clients {
            let Some(bound) = client.bound(self.now_ms) else { continue };
            // A clock that was set forward ends leases at the server that go on at the client.
            if bound.since_ms < self.forward_ms {
                continue;
            }
            if let Some(other) = users.insert(bound.address, client.hardware) {
                panic!("{} is used by {other:02x?} and {:02x?}", bound.address, client.hardware);
            }
        }
    }
}

/// The leases as a parent begins with them, and what of the file makes no sense.
fn open(path: &Path, journal_s: Option<u32>) -> (Store, Vec<(usize, String)>) {
    let (mut store, invalid) = Store::open(path).expect("open what there is of the lease file");
    if let Some(delay_s) = journal_s {
        store.delay_extensions(delay_s);
    }
    (store, invalid)
}

fn slice(dice: &mut Dice) -> DhcpSlice {
    let pool = |first: u8, last: u8, lease_time_s: u32| Pool {
        first: Ipv4Addr::new(10, 0, 0, first),
        last: Ipv4Addr::new(10, 0, 0, last),
        netmask: None,
        broadcast: None,
        mode: PoolMode::Dynamic,
        lease_time_s,
        set_tag: None,
        tests: Vec::new(),
    };
    // Sometimes there are not enough for all.
    let last = [18, 20, 60][dice.below(3)];
    let time_s = [1_800, 7_200, 43_200][dice.below(3)];
    let fixed = |number: u8, last: u8| HostRule {
        hardware: vec![HardwarePattern { kind: None, bytes: [2, 0, 0, 0, 0, number].map(Some).to_vec() }],
        address: Some(Ipv4Addr::new(10, 0, 0, last)),
        name: Some(format!("fixed-{number}")),
        ..HostRule::default()
    };
    DhcpSlice {
        server_port: 67,
        client_port: 68,
        pools: vec![pool(10, last, time_s)],
        host_rules: vec![fixed(1, 100), fixed(2, 12)],
        lease_max: 1000,
        authoritative: dice.below(2) == 0,
        no_ping: dice.below(2) == 0,
        sequential_ip: dice.below(4) == 0,
        rapid_commit: true,
        quiet_dhcp: true,
        ..DhcpSlice::default()
    }
}

fn lan() -> Interface {
    Interface {
        index: LAN,
        name: "lan0".to_owned(),
        addresses: vec![(IpAddr::V4(SERVER), 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: true,
    }
}
