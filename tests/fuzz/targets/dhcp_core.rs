//! The DHCP core: packets from strangers, and echoes.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use dhcp::{Action, Arrival, Engine, Input, Outbox, Port};
use ipc::dhcp::{ToParent, ToWorker};
use ipc::link::Interface;
use ipc::time::Now;
use parent::config::reach;

const NOW: Now = Now { monotonic_ms: 1_000_000, wall_s: 1_700_000_000 };
const INTERFACE: u32 = 2;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// Everything that reads what clients and relay agents say is switched on.
const CONFIGURATION: &str = "\
dhcp-range=10.0.0.10,10.0.0.200,1h
dhcp-range=10.0.0.0,proxy
dhcp-authoritative
no-ping
dhcp-rapid-commit
log-dhcp
bootp-dynamic
leasequery
dhcp-generate-names
dhcp-proxy
dhcp-match=set:a,60,PXE
dhcp-match=set:b,93,7
dhcp-match=set:c,vi-encap:9999,x
dhcp-match=set:d,61,ff:*:2
dhcp-circuitid=set:e,abc
dhcp-remoteid=set:f,01:02
dhcp-subscrid=set:g,sub
dhcp-name-match=set:h,host*
dhcp-vendorclass=set:i,enterprise:311,MSFT
dhcp-userclass=set:j,user
tag-if=set:k,tag:!a,tag:b*
dhcp-host=02:00:00:00:00:06,10.0.0.250,tag:k
dhcp-option=vendor:PXEClient,6,2b
dhcp-option=encap:175,1,x
dhcp-option=vi-encap:9999,1,x
dhcp-option-force=tag:k,128,forced
dhcp-option-pxe=150,1.2.3.4
dhcp-boot=tag:!k,file,server,10.0.0.9
dhcp-relay=10.0.0.1,10.9.0.1
dhcp-relay=10.0.0.1,lan0
dhcp-split-relay=10.0.0.1,10.9.0.2,10.0.0.2
pxe-prompt=Press,5
pxe-service=x86PC,One,one
pxe-service=x86PC,Two,2,10.0.0.3
pxe-service=7,Efi,efi
";

fn engine(out: &mut Outbox) -> Engine {
    let config = reach::read(CONFIGURATION.as_bytes()).expect("a good configuration");
    let slice = config.dhcp.expect("it has ranges");
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
    let (source, destination) = (SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68), Ipv4Addr::BROADCAST);
    for port in [Port::Server, Port::Pxe] {
        let arrival = Arrival { interface: INTERFACE, source, destination, port };
        engine.handle(Input::Packet { bytes, arrival }, NOW, out);
        serve(engine, out);
    }
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

fn query(ciaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut bytes = message(10, ciaddr, options);
    bytes[24..28].copy_from_slice(&[10, 0, 0, 77]);
    bytes
}

fn reply(giaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut bytes = message(2, [0; 4], options);
    bytes[0] = 2;
    bytes[24..28].copy_from_slice(&giaddr);
    bytes
}

/// One message of every kind, with the options that real clients send.
pub fn packet_seeds() -> Vec<Vec<u8>> {
    const WISHES: &[u8] = &[55, 10, 1, 3, 6, 12, 15, 28, 42, 51, 58, 59];
    const REQUESTED: &[u8] = &[50, 4, 10, 0, 0, 99];
    const SERVER_ID: &[u8] = &[54, 4, 10, 0, 0, 1];
    const PXE: &[u8] = &[60, 9, b'P', b'X', b'E', b'C', b'l', b'i', b'e', b'n', b't', 93, 2, 0, 0, 97, 3, 0, 1, 2];
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
        // PXE: a menu, an item of it, and the classes of enterprises.
        message(1, [0; 4], PXE),
        message(3, [10, 0, 0, 99], &[PXE, &[43, 7, 71, 4, 128, 0, 0, 0, 255]].concat()),
        message(1, [0; 4], &[124, 7, 0, 0, 39, 15, 2, 1, b'x', 125, 11, 0, 0, 13, 233, 6, 1, 1, b'a', 2, 1, b'b']),
        // An access concentrator asks for a lease, by address and by client id.
        query([10, 0, 0, 99], &[55, 4, 51, 60, 82, 91]),
        query([0; 4], &[61, 7, 1, 2, 0, 0, 0, 0, 5]),
        // A reply of a server to a relay agent.
        reply([10, 0, 0, 1], &[54, 4, 10, 9, 0, 1]),
        reply([10, 0, 0, 2], &[82, 6, 2, 4, 0, 0, 0, 2]),
        // BOOTP, which has no message type.
        message(0, [0; 4], &[])
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !(240..243).contains(at))
            .map(|(_, b)| b)
            .collect(),
    ]
}

/// An echo reply behind its IPv4 header.
pub fn echo_seeds() -> Vec<Vec<u8>> {
    let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 99, 10, 0, 0, 1];
    bytes.extend([0, 0, 0xff, 0xff, 0, 0, 0, 0]);
    vec![bytes]
}
