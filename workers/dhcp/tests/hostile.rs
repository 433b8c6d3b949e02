//! Packets that nobody means well with: no panic, no unbounded growth, no answer that the codec cannot read.

mod support;

use dhcp::Input;
use ipc::config::dhcp::{ConfiguredOption, DhcpSlice, HostRule, OptionValue, Place};
use support::*;

/// Everything that reads foreign bytes is switched on.
fn server() -> Server {
    let vendor = ConfiguredOption { place: Place::Vendor(vec![]), ..option(1, OptionValue::Text(b"x".to_vec())) };
    Server::new(DhcpSlice {
        rapid_commit: true,
        authoritative: true,
        log_dhcp: true,
        host_rules: vec![HostRule { address: Some(ip(15)), ..rule(2) }],
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
    ask.at(ip(15)).bytes()
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
    for sent in server.ask(packet).into_iter().chain(server.ask_unicast(packet, "192.168.77.15:68")) {
        assert!(sent.bytes.len() >= 300);
        sent.options();
    }
    server.lines.clear();
}

#[test]
fn every_truncation() {
    for kind in 0..=9 {
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
        let mut packet = rich(1 + noise.below(8) as u8);
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
