//! An engine with a pretend parent and a pretend clock, and clients that speak to it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use dhcp::{Action, Arrival, Engine, Input, Outbox, Port};
use ipc::config::dhcp::{ConfiguredOption, DhcpSlice, HardwarePattern, HostRule, OptionValue, Place, Pool, PoolMode};
use ipc::config::domain::Domains;
use ipc::dhcp::{Ticket, ToParent, ToWorker};
use ipc::lease::{Lease, LeaseChange};
use ipc::link::{HardwareAddress, Interface};
use ipc::tag::TagTest;
use ipc::time::Now;

/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 1);
/// The index of `eth0`.
pub const ETH0: u32 = 2;
/// Wall time at the start of every test.
pub const WALL_S: u64 = 1_700_000_000;

/// Monotonic time at the start of every test.
pub const START_MS: u64 = 5_000;

fn moment(monotonic_ms: u64) -> Now {
    Now { monotonic_ms, wall_s: WALL_S + (monotonic_ms - START_MS) / 1000 }
}

/// An address of the test network.
pub fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 77, last)
}

/// A packet that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: SocketAddrV4,
    pub interface: u32,
    pub bytes: Vec<u8>,
}

impl Sent {
    /// Options of the options field, in order.
    pub fn options(&self) -> Vec<(u8, Vec<u8>)> {
        let mut options = Vec::new();
        let mut at = 240;
        while at < self.bytes.len() && self.bytes[at] != 255 {
            if self.bytes[at] == 0 {
                at += 1;
                continue;
            }
            let end = at + 2 + usize::from(self.bytes[at + 1]);
            options.push((self.bytes[at], self.bytes[at + 2..end].to_vec()));
            at = end;
        }
        options
    }

    pub fn option(&self, code: u8) -> Option<Vec<u8>> {
        self.options().into_iter().find(|(found, _)| *found == code).map(|(_, value)| value)
    }

    pub fn yiaddr(&self) -> Ipv4Addr {
        Ipv4Addr::new(self.bytes[16], self.bytes[17], self.bytes[18], self.bytes[19])
    }

    /// Message type, and the text if it is a refusal.
    pub fn kind(&self) -> (u8, String) {
        let text = self.option(56).unwrap_or_default();
        (self.option(53).expect("a message type")[0], String::from_utf8(text).expect("plain text"))
    }
}

/// How the pretend parent treats requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// Says yes at once.
    Willing,
    /// Says nothing until told.
    Slow,
}

/// The engine and its surroundings.
pub struct Server {
    pub engine: Engine,
    pub now: Now,
    pub parent: Parent,
    /// What was said to the parent and not answered.
    pub told: Vec<ToParent>,
    pub sent: Vec<Sent>,
    pub lines: Vec<String>,
    pub leases: Vec<Lease>,
}

impl Server {
    /// Started, with `eth0` and these leases.
    pub fn with_leases(slice: DhcpSlice, leases: Vec<Lease>) -> Server {
        let mut server = Server {
            engine: Engine::new(slice, [7; 32]),
            now: moment(START_MS),
            parent: Parent::Willing,
            told: vec![],
            sent: vec![],
            lines: vec![],
            leases: leases.clone(),
        };
        server.say(ToWorker::Interfaces(vec![eth0()]));
        server.say(ToWorker::Leases(leases));
        server.say(ToWorker::Start);
        assert_eq!(server.told, [ToParent::Serving]);
        server.told.clear();
        server
    }

    pub fn new(slice: DhcpSlice) -> Server {
        Server::with_leases(slice, vec![])
    }

    pub fn say(&mut self, message: ToWorker) {
        self.give(Input::FromParent(message));
    }

    pub fn give(&mut self, input: Input<'_>) {
        let mut out = Outbox::new();
        self.engine.handle(input, self.now, &mut out);
        self.lines.extend(out.lines.into_iter().map(|line| line.text));
        for action in out.actions {
            match action {
                Action::Send { bytes, interface, to, .. } => {
                    self.sent.push(Sent { to, interface, bytes: out.bytes[bytes].to_vec() });
                }
                Action::Tell(message) => self.hear(message),
            }
        }
    }

    fn hear(&mut self, message: ToParent) {
        if self.parent == Parent::Slow {
            self.told.push(message);
            return;
        }
        match message {
            ToParent::Commit { ticket, changes, .. } => {
                self.record(&changes);
                self.say(ToWorker::Committed(ticket));
            }
            ToParent::SetNeighbor { ticket, .. } => self.say(ToWorker::NeighborSet { ticket, done: true }),
            other => self.told.push(other),
        }
    }

    pub fn record(&mut self, changes: &[LeaseChange]) {
        for change in changes {
            let (LeaseChange::Put(Lease { address, .. }) | LeaseChange::Remove(address)) = change;
            self.leases.retain(|lease| lease.address != *address);
            if let LeaseChange::Put(lease) = change {
                self.leases.push(lease.clone());
            }
        }
    }

    /// A broadcast from a client on the wire; the answers to it.
    pub fn ask(&mut self, packet: &[u8]) -> Vec<Sent> {
        self.ask_from(packet, "0.0.0.0:68", Ipv4Addr::BROADCAST)
    }

    /// To the server alone.
    pub fn ask_unicast(&mut self, packet: &[u8], source: &str) -> Vec<Sent> {
        self.ask_from(packet, source, SERVER)
    }

    pub fn ask_from(&mut self, packet: &[u8], source: &str, destination: Ipv4Addr) -> Vec<Sent> {
        let arrival = Arrival {
            interface: ETH0,
            source: source.parse().expect("an address with port"),
            destination,
            port: Port::Server,
        };
        self.give(Input::Packet { bytes: packet, arrival });
        std::mem::take(&mut self.sent)
    }

    /// Time goes by, and the engine is called whenever it wants to be.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now.monotonic_ms + ms;
        while let Some(next) = self.engine.deadline().filter(|next| *next <= end) {
            self.now = moment(next.max(self.now.monotonic_ms));
            self.give(Input::Deadline);
        }
        self.now = moment(end);
    }

    /// The ticket of the only request that waits for the parent.
    pub fn only_ticket(&mut self) -> Ticket {
        match self.told.pop() {
            Some(ToParent::Commit { ticket, .. } | ToParent::SetNeighbor { ticket, .. }) => {
                assert!(self.told.is_empty(), "{:?}", self.told);
                ticket
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn lease(&self, last: u8) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.address == ip(last))
    }

    pub fn last_line(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }
}

pub fn eth0() -> Interface {
    Interface {
        index: ETH0,
        name: "eth0".into(),
        addresses: vec![(IpAddr::V4(SERVER), 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: false,
    }
}

pub fn pool(first: u8, last: u8, lease_time_s: u32) -> Pool {
    Pool {
        first: ip(first),
        last: ip(last),
        netmask: None,
        broadcast: None,
        mode: PoolMode::Dynamic,
        lease_time_s,
        set_tag: None,
        tests: vec![],
    }
}

/// .10 to .20 for an hour, no ping.
pub fn slice() -> DhcpSlice {
    DhcpSlice {
        server_port: 67,
        client_port: 68,
        pools: vec![pool(10, 20, 3600)],
        domains: Domains { default: Some("example.org".into()), conditional: vec![] },
        lease_max: 1000,
        no_ping: true,
        dns_served: true,
        ..DhcpSlice::default()
    }
}

pub fn tag(tag: &str) -> TagTest {
    TagTest { tag: tag.into(), negated: false }
}

pub fn option(code: u8, value: OptionValue) -> ConfiguredOption {
    ConfiguredOption { code, value, tests: vec![], force: false, pxe: false, place: Place::Plain }
}

pub fn hardware(last: u8) -> HardwareAddress {
    HardwareAddress::new(1, &[2, 0, 0, 0, 2, last]).expect("six bytes")
}

/// A rule for the client with this last byte.
pub fn rule(last: u8) -> HostRule {
    let bytes = hardware(last).used().iter().map(|byte| Some(*byte)).collect();
    HostRule { hardware: vec![HardwarePattern { kind: None, bytes }], ..HostRule::default() }
}

/// A request under construction.
#[derive(Clone)]
pub struct Ask(Vec<u8>);

pub const DISCOVER: u8 = 1;
pub const OFFER: u8 = 2;
pub const REQUEST: u8 = 3;
pub const DECLINE: u8 = 4;
pub const ACK: u8 = 5;
pub const NAK: u8 = 6;
pub const RELEASE: u8 = 7;
pub const INFORM: u8 = 8;

impl Ask {
    /// Of the client 02:00:00:00:02:`last`.
    pub fn new(kind: u8, last: u8) -> Ask {
        let mut bytes = vec![0; 240];
        bytes[..8].copy_from_slice(&[1, 1, 6, 0, 1, 2, 3, 4]);
        bytes[28..34].copy_from_slice(hardware(last).used());
        bytes[236..].copy_from_slice(&[99, 130, 83, 99]);
        bytes.extend_from_slice(&[53, 1, kind]);
        Ask(bytes)
    }

    pub fn with(mut self, code: u8, value: &[u8]) -> Ask {
        self.0.extend_from_slice(&[code, value.len() as u8]);
        self.0.extend_from_slice(value);
        self
    }

    pub fn wants(self, address: Ipv4Addr) -> Ask {
        self.with(50, &address.octets())
    }

    pub fn selects(self, server: Ipv4Addr) -> Ask {
        self.with(54, &server.octets())
    }

    pub fn named(self, name: &str) -> Ask {
        self.with(12, name.as_bytes())
    }

    pub fn at(mut self, ciaddr: Ipv4Addr) -> Ask {
        self.0[12..16].copy_from_slice(&ciaddr.octets());
        self
    }

    pub fn through(mut self, giaddr: Ipv4Addr) -> Ask {
        self.0[24..28].copy_from_slice(&giaddr.octets());
        self
    }

    pub fn bytes(mut self) -> Vec<u8> {
        self.0.push(255);
        self.0
    }
}
