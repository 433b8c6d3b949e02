//! The engine in the surroundings of a scene: two interfaces, a parent that grants everything, a clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use dhcp::{Action, Arrival, Engine, Input, Outbox, Port};
use ipc::dhcp::{ToParent, ToWorker};
use ipc::known_host::{KnownHosts, KnownName};
use ipc::lease::{Lease, LeaseChange};
use ipc::link::Interface;
use ipc::time::Now;
use parent::config::reach;

use crate::scene::{Case, Datagram};

const ETH0: u32 = 2;
const ETH1: u32 = 3;
const PXE_PORT: u16 = 4011;
const WALL_S: u64 = 1_700_000_000;

/// The engine.
pub struct Server {
    engine: Engine,
    monotonic_ms: u64,
    sent: Vec<Datagram>,
    leases: BTreeMap<Ipv4Addr, Lease>,
    /// What was logged since the last question.
    pub lines: Vec<String>,
}

impl Server {
    /// Starts with a configuration.
    pub fn start(config: &str) -> Server {
        let names = config.lines().filter_map(host_record).collect();
        let config = reach::read(config.as_bytes()).expect("the reference took this configuration");
        let engine = Engine::new(config.dhcp.expect("DHCP is configured"), [7; 32]);
        let mut server =
            Server { engine, monotonic_ms: 5_000, sent: Vec::new(), leases: BTreeMap::new(), lines: Vec::new() };
        let interfaces = vec![interface(ETH0, "eth0", [192, 168, 77, 1]), interface(ETH1, "eth1", [192, 168, 88, 1])];
        server.give(Input::FromParent(ToWorker::Interfaces(interfaces)));
        let known = KnownHosts { names, addresses: Vec::new() };
        server.give(Input::FromParent(ToWorker::KnownHosts { known, last: true }));
        server.give(Input::FromParent(ToWorker::Start));
        server
    }

    /// One packet: the answers, and the lines that were logged.
    pub fn ask(&mut self, case: &Case) -> (Vec<Datagram>, Vec<String>) {
        self.lines.clear();
        let ask = &case.ask;
        self.pass(case.wait_ms);
        let interface = if ask.interface == "eth1" { ETH1 } else { ETH0 };
        let port = if ask.to.port() == PXE_PORT { Port::Pxe } else { Port::Server };
        let arrival = Arrival { interface, source: ask.from, destination: *ask.to.ip(), port };
        self.give(Input::Packet { bytes: &ask.bytes, arrival });
        self.pass(case.within_ms);
        (std::mem::take(&mut self.sent), std::mem::take(&mut self.lines))
    }

    /// The leases in the words of a scene.
    pub fn leases(&self) -> Vec<String> {
        let now_s = WALL_S + self.monotonic_ms / 1000;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
        let described = |lease: &Lease| {
            let kind = match (lease.hardware.kind, lease.hardware.length) {
                (1, 1..) => String::new(),
                (kind, _) => format!("{kind:02x}-"),
            };
            let hardware = format!("{kind}{}", hex(lease.hardware.used()));
            let name = lease.name.as_deref().unwrap_or("*");
            let id = lease.client_id.as_deref().map_or("*".to_owned(), hex);
            let left = match lease.expires_s {
                0 => "infinite".to_owned(),
                expires_s => ((expires_s - now_s + 29) / 60 * 60).to_string(),
            };
            format!("{} {hardware} {name} {id} {left}", lease.address)
        };
        let mut lines = Vec::new();
        for lease in self.leases.values() {
            lines.push(described(lease));
            let Some(provenance) = &lease.provenance else { continue };
            let more = [("agent-info", &provenance.agent_info), ("vendorclass", &provenance.vendor_class)];
            let more = more.iter().filter_map(|(word, bytes)| Some((word, bytes.as_ref()?)));
            lines.extend(more.map(|(word, bytes)| format!("{word} {} {}", lease.address, hex(bytes))));
        }
        lines
    }

    fn pass(&mut self, ms: u64) {
        let end = self.monotonic_ms + ms;
        while let Some(next) = self.engine.deadline().filter(|next| *next <= end) {
            self.monotonic_ms = next.max(self.monotonic_ms);
            self.give(Input::Deadline);
        }
        self.monotonic_ms = end;
    }

    fn give(&mut self, input: Input<'_>) {
        let now = Now { monotonic_ms: self.monotonic_ms, wall_s: WALL_S + self.monotonic_ms / 1000 };
        let mut out = Outbox::new();
        self.engine.handle(input, now, &mut out);
        self.lines.extend(out.lines.iter().map(|line| line.text.clone()));
        for action in out.actions {
            match action {
                Action::Send { bytes, port, interface, source, to } => {
                    self.sent.push(on_the_wire(out.bytes[bytes].to_vec(), port, interface, source, to));
                }
                Action::Tell(ToParent::Commit { ticket, changes, .. }) => {
                    for change in changes {
                        match change {
                            LeaseChange::Put(lease) => drop(self.leases.insert(lease.address, lease)),
                            LeaseChange::Remove(address) => drop(self.leases.remove(&address)),
                        }
                    }
                    self.give(Input::FromParent(ToWorker::Committed(ticket)));
                }
                Action::Tell(ToParent::SetNeighbor { ticket, .. }) => {
                    self.give(Input::FromParent(ToWorker::NeighborSet { ticket, done: true }));
                }
                Action::Tell(ToParent::Serving | ToParent::Ping(_)) => {}
            }
        }
    }
}

/// What the kernel fills in: the way out, and the address of ours there.
fn on_the_wire(bytes: Vec<u8>, port: Port, interface: u32, source: Option<Ipv4Addr>, to: SocketAddrV4) -> Datagram {
    let behind_eth1 = to.ip().octets()[..3] == [192, 168, 88];
    let (name, own) = match interface {
        ETH1 => ("eth1", [192, 168, 88, 1]),
        0 if behind_eth1 => ("eth1", [192, 168, 88, 1]),
        _ => ("eth0", [192, 168, 77, 1]),
    };
    let from = SocketAddrV4::new(source.unwrap_or(own.into()), if port == Port::Pxe { PXE_PORT } else { 67 });
    Datagram { from, to, interface: name.to_owned(), bytes }
}

fn interface(index: u32, name: &str, address: [u8; 4]) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        addresses: vec![(IpAddr::V4(address.into()), 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: false,
    }
}

/// What dns tells of such a line.
fn host_record(line: &str) -> Option<KnownName> {
    let (name, address) = line.strip_prefix("host-record=")?.split_once(',')?;
    let address: Ipv4Addr = address.parse().ok()?;
    Some(KnownName { name: name.to_owned(), addresses: vec![address], primary: Some(address), ipv6: false })
}
