//! Packets that nobody means well with: no panic, no unbounded growth, no answer that the codec cannot read.

mod support;

use dhcp::{Arrival, Input, Port};
use ipc::config::client_tag::{MatchValue, MatchedOption, OptionMatch, TagIf};
use ipc::config::dhcp::{ConfiguredOption, DhcpSlice, HostRule, OptionValue, Place, Pool, PoolMode};
use ipc::config::pxe::{Pxe, PxeBoot, PxeService};
use ipc::config::relay::{RelayRoute, RelayTarget, SplitRelay, Uplink};
use support::*;

/// Everything that reads foreign bytes is switched on.
fn server() -> Server {
    let vendor = ConfiguredOption { place: Place::Vendor(vec![]), ..option(1, OptionValue::Text(b"x".to_vec())) };
    Server::new(DhcpSlice {
        rapid_commit: true,
        authoritative: true,
        log_dhcp: true,
        host_rules: vec![HostRule { address: Some(ip(15)), ..rule(2) }],
        bootp_dynamic: vec![vec![]],
        generate_names: vec![vec![]],
        proxies: Some(vec![]),
        leasequery: Some(vec![]),
        option_matches: [
            (MatchedOption::V4(93), MatchValue::Element(vec![0, 7])),
            (MatchedOption::V4(61), MatchValue::Beginning(vec![Some(1), None])),
            (MatchedOption::EnterpriseClass(9), MatchValue::Containing(b"x".to_vec())),
        ]
        .map(|(option, value)| OptionMatch { tag: "t".into(), option, value })
        .to_vec(),
        tag_if: vec![TagIf { tests: vec![tag("t*")], sets: vec!["u".into()] }],
        pxe: Pxe {
            enabled: true,
            services: [(0, 0x8000), (7, 0x8001)]
                .map(|(architecture, kind)| PxeService {
                    architecture,
                    menu: b"menu".to_vec(),
                    boot: PxeBoot::File { basename: "file".into(), kind },
                    server: None,
                    tests: vec![],
                })
                .to_vec(),
            ..Pxe::default()
        },
        relays: vec![RelayRoute { local: SERVER, to: RelayTarget::Link("eth0".into()), port: 67 }],
        split_relays: vec![SplitRelay { local: SERVER, server: ip(9), port: 67, uplink: Uplink::Address(ip(8)) }],
        pools: vec![Pool { mode: PoolMode::Proxy, ..pool(0, 0, 3600) }, pool(10, 20, 3600)],
        options: vec![
            vendor,
            option(121, OptionValue::Bytes(vec![9; 255])),
            option(120, OptionValue::Bytes(vec![9; 255])),
        ],
        lease_max: 8,
        ..slice()
    })
}

/// A request with every option that is looked at.
fn rich(kind: u8) -> Vec<u8> {
    let ask = Ask::new(kind, 2).wants(ip(15)).selects(SERVER).named("pc\0").with(51, &[0, 0, 2, 0]);
    let ask = ask.with(61, b"\x01id").with(57, &[2, 64]).with(60, b"class").with(77, b"user").with(80, &[]);
    let ask = ask
        .with(81, b"\x05\0\0\x02pc\x07example\0")
        .with(82, b"\x05\x04\xc0\xa8\x4d\0\x0b\x04\xc0\xa8\x4d\x01\x0a\x01\0");
    let ask = ask.with(118, &ip(0).octets()).with(52, &[3]).with(55, &[1, 3, 6, 12, 15, 43, 60, 66, 67, 120, 121]);
    let ask = ask.with(43, b"\x47\x04\x80\0\0\0").with(93, &[0, 0]).with(97, &[0; 17]);
    let ask = ask.with(124, b"\0\0\0\x09\x02\x01x").with(125, b"\0\0\x0d\xe9\x06\x01\x01a\x02\x01b");
    ask.at(ip(15)).bytes()
}

/// The same as PXE clients, BOOTP clients and servers would send it, and through an agent.
fn variants(packet: &[u8]) -> Vec<Vec<u8>> {
    let edited = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut packet = packet.to_vec();
        edit(&mut packet);
        packet
    };
    let class = packet.windows(5).position(|window| window == b"class");
    vec![
        packet.to_vec(),
        edited(&|packet| {
            if let Some(at) = class {
                packet.splice(at - 1..at + 5, *b"\x09PXEClient");
            }
        }),
        edited(&|packet| packet.iter_mut().skip(240).take(1).for_each(|code| *code = 254)),
        edited(&|packet| packet.iter_mut().take(1).for_each(|op| *op = 2)),
        edited(&|packet| packet.iter_mut().skip(24).take(4).zip(ip(200).octets()).for_each(|(byte, own)| *byte = own)),
        edited(&|packet| {
            packet.iter_mut().take(1).for_each(|op| *op = 2);
            packet.iter_mut().skip(24).take(4).zip(SERVER.octets()).for_each(|(byte, own)| *byte = own);
        }),
    ]
}

/// SplitMix64.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)) >> 16) as usize % limit
    }
}

fn send_everywhere(server: &mut Server, packet: &[u8]) {
    for packet in variants(packet) {
        let mut sent = server.ask(&packet);
        sent.extend(server.ask_unicast(&packet, "192.168.77.15:68"));
        let source = "192.168.77.15:68".parse().expect("an address with port");
        let arrival = Arrival { interface: ETH0, source, destination: SERVER, port: Port::Pxe };
        server.give(Input::Packet { bytes: &packet, arrival });
        sent.append(&mut server.sent);
        for sent in sent.iter().filter(|sent| sent.to.port() != 67 && packet[0] != 2) {
            // What is only passed on is as long as it came, and as sound.
            assert!(sent.bytes.len() >= 300);
            sent.options();
        }
    }
    server.lines.clear();
}

#[test]
fn every_truncation() {
    for kind in 0..=14 {
        let whole = rich(kind);
        let mut server = server();
        for length in 0..=whole.len() {
            send_everywhere(&mut server, &whole[..length]);
        }
    }
}

#[test]
fn every_value_of_the_first_bytes() {
    let mut server = server();
    for position in 0..3 {
        for value in 0..=255 {
            let mut packet = rich(DISCOVER);
            packet[position] = value;
            send_everywhere(&mut server, &packet);
        }
    }
}

#[test]
fn random_mutations() {
    let mut noise = Noise(42);
    let mut server = server();
    for _ in 0..20_000 {
        let mut packet = rich(1 + noise.below(13) as u8);
        for _ in 0..=noise.below(6) {
            let at = noise.below(packet.len());
            packet[at] = noise.below(256) as u8;
        }
        if noise.below(4) == 0 {
            packet.truncate(noise.below(packet.len()));
        }
        send_everywhere(&mut server, &packet);
        server.pass(noise.below(2_000) as u64);
        assert!(server.leases.len() <= 8);
    }
}

#[test]
fn random_echoes() {
    let mut noise = Noise(43);
    let mut server = server();
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..noise.below(60)).map(|_| noise.below(256) as u8).collect();
        server.give(Input::Echo { bytes: &bytes });
    }
}

#[test]
fn a_flood_of_new_clients_is_bounded() {
    let mut server = server();
    server.parent = Parent::Slow;
    for number in 0..3_000u32 {
        let mut packet = Ask::new(DISCOVER, 0).bytes();
        packet[30..34].copy_from_slice(&number.to_be_bytes());
        server.ask(&packet);
    }
    assert_eq!(server.told.len(), 1024);
}
