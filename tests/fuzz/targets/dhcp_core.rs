//! The DHCP core: packets from strangers, and echoes.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use dhcp::{Action, Arrival, Engine, Input, Outbox};
use ipc::config::dhcp::{DhcpSlice, Pool, PoolMode};
use ipc::dhcp::{ToParent, ToWorker};
use ipc::link::Interface;
use ipc::time::Now;

const NOW: Now = Now { monotonic_ms: 1_000_000, wall_s: 1_700_000_000 };
const INTERFACE: u32 = 2;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn engine(out: &mut Outbox) -> Engine {
    let pool = Pool {
        first: Ipv4Addr::new(10, 0, 0, 10),
        last: Ipv4Addr::new(10, 0, 0, 200),
        netmask: None,
        broadcast: None,
        mode: PoolMode::Dynamic,
        lease_time_s: 3600,
        set_tag: None,
        tests: Vec::new(),
    };
    let slice = DhcpSlice {
        server_port: 67,
        client_port: 68,
        pools: vec![pool],
        lease_max: 1000,
        authoritative: true,
        no_ping: true,
        rapid_commit: true,
        log_dhcp: true,
        dns_served: true,
        ..DhcpSlice::default()
    };
    let mut engine = Engine::new(slice, [7; 32]);
    let interface = Interface {
        index: INTERFACE,
        name: "lan0".to_owned(),
        addresses: vec![(IpAddr::V4(SERVER), 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: true,
    };
    engine.handle(Input::FromParent(ToWorker::Interfaces(vec![interface])), NOW, out);
    engine.handle(Input::FromParent(ToWorker::Start), NOW, out);
    engine
}

/// Grants everything that the engine asks the parent for.
fn serve(engine: &mut Engine, out: &mut Outbox) {
    for _ in 0..8 {
        let actions = std::mem::take(&mut out.actions);
        let bytes = std::mem::take(&mut out.bytes);
        out.clear();
        if actions.is_empty() {
            return;
        }
        for action in actions {
            match action {
                Action::Send { bytes: range, .. } => {
                    assert!(bytes.get(range).is_some_and(|reply| reply.len() >= 240), "a reply outside the buffer");
                }
                Action::Tell(ToParent::Commit { ticket, changes, .. }) => {
                    assert!(changes.len() <= ipc::dhcp::CHANGES_MAX, "a commit of {} changes", changes.len());
                    engine.handle(Input::FromParent(ToWorker::Committed(ticket)), NOW, out);
                }
                Action::Tell(ToParent::SetNeighbor { ticket, .. }) => {
                    engine.handle(Input::FromParent(ToWorker::NeighborSet { ticket, done: true }), NOW, out);
                }
                Action::Tell(_) => {}
            }
        }
    }
}

fn hear(engine: &mut Engine, bytes: &[u8], out: &mut Outbox) {
    let arrival = Arrival {
        interface: INTERFACE,
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        destination: Ipv4Addr::BROADCAST,
    };
    engine.handle(Input::Packet { bytes, arrival }, NOW, out);
    serve(engine, out);
}

/// One packet.
pub fn packet(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    hear(&mut engine, bytes, &mut out);
}

/// A packet after a good discover and request, twice, and then the end of every lease.
pub fn packet_twice(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    for seed in packet_seeds().iter().take(2) {
        hear(&mut engine, seed, &mut out);
    }
    hear(&mut engine, bytes, &mut out);
    hear(&mut engine, bytes, &mut out);
    let later = Now { monotonic_ms: NOW.monotonic_ms + 7_200_000, wall_s: NOW.wall_s + 7200 };
    engine.handle(Input::Deadline, later, &mut out);
    serve(&mut engine, &mut out);
}

/// A packet from the echo socket.
pub fn echo(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    engine.handle(Input::Echo { bytes }, NOW, &mut out);
}

fn message(kind: u8, ciaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0, 0x11, 0x22, 0x33, 0x44, 0, 0, 0x80, 0];
    bytes.extend(ciaddr);
    bytes.resize(28, 0);
    bytes.extend([2, 0, 0, 0, 0, 5]);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, kind]);
    bytes.extend(options);
    bytes.push(255);
    bytes
}

/// One message of every kind, with the options that real clients send.
pub fn packet_seeds() -> Vec<Vec<u8>> {
    const WISHES: &[u8] = &[55, 10, 1, 3, 6, 12, 15, 28, 42, 51, 58, 59];
    const REQUESTED: &[u8] = &[50, 4, 10, 0, 0, 99];
    const SERVER_ID: &[u8] = &[54, 4, 10, 0, 0, 1];
    let names: &[u8] = &[
        &[12, 4][..],
        b"host",
        &[60, 9],
        b"udhcp 1.3",
        &[61, 7, 1, 2, 0, 0, 0, 0, 5],
        &[81, 7, 5, 0, 0],
        b"host",
        &[57, 2, 5, 220],
    ]
    .concat();
    vec![
        message(1, [0; 4], &[WISHES, names].concat()),
        message(3, [0; 4], &[REQUESTED, SERVER_ID, WISHES, names].concat()),
        message(3, [0; 4], &[REQUESTED, WISHES].concat()),
        message(3, [10, 0, 0, 99], WISHES),
        message(4, [0; 4], &[REQUESTED, SERVER_ID].concat()),
        message(7, [10, 0, 0, 99], SERVER_ID),
        message(8, [10, 0, 0, 99], WISHES),
        message(1, [0; 4], &[80, 0]),
        // A relay agent's option, an overload, and a class of the older kind.
        message(1, [0; 4], &[82, 6, 1, 4, 1, 2, 3, 4, 52, 1, 3, 77, 4, 3, b'a', b'b', b'c']),
        message(1, [0; 4], &[])[..240].to_vec(),
    ]
}

/// An echo reply behind its IPv4 header.
pub fn echo_seeds() -> Vec<Vec<u8>> {
    let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 99, 10, 0, 0, 1];
    bytes.extend([0, 0, 0xff, 0xff, 0, 0, 0, 0]);
    vec![bytes]
}
