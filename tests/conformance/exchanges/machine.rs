//! Pretend machines: what they say next, and what they make of the answer.

use std::net::Ipv4Addr;

use support::Dice;

use crate::configuration::Configuration;
use crate::message::{Message, OPTIONS_AT};
use crate::site::{LAN, SERVER};

const ANYBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const EVERYBODY: Ipv4Addr = Ipv4Addr::BROADCAST;
const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;

/// How many machines there are.
pub const MACHINES: u8 = 8;

/// Host names that they give.
const NAMES: [&[u8]; 18] = [
    b"alpha",
    b"bravo",
    b"Charlie",
    b"delta.example.org",
    b"echo.other.net",
    b"fox_trot",
    b"-golf",
    b"_hotel",
    b"india lima",
    b"juliet\0",
    b"nm",
    b"fixed",
    b"hostsname",
    b"",
    b"a.b.c.d",
    b"kilo\nlima",
    b"m\xc3\xbcller",
    b"very-long-name-of-a-machine-that-goes-on-and-on-until-it-is-as-long",
];
/// Vendor classes.
const CLASSES: [&[u8]; 6] = [b"phone 7", b"MSFT 5.0", b"foo-box", b"PXEClient:Arch:00000:UNDI:002001", b"", b"udhcp"];
/// Lists of requested options.
const REQUESTED: [&[u8]; 7] = [
    &[1, 3, 6, 12, 15, 28, 42],
    &[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42],
    &[6, 3, 1, 15, 66, 67, 13, 44, 150, 43],
    &[53, 54, 51, 58, 59],
    &[],
    &[60, 43, 125, 252, 121, 33, 7],
    &[81, 12, 15, 118, 82, 61, 57],
];
/// Options that are thrown in now and then: code and value.
const EXTRAS: [(u8, &[u8]); 23] = [
    (12, b"second"),
    (50, &[10, 77, 0, 13]),
    (51, &[0, 0, 0, 30]),
    (51, &[0, 0, 2, 88]),
    (51, &[255, 255, 255, 255]),
    (51, &[1, 2]),
    (57, &[2, 64]),
    (57, &[5, 220]),
    (57, &[0, 100]),
    (61, b"me"),
    (61, b"\0me"),
    (61, &[]),
    (77, b"\x0aaccounting"),
    (77, b"accounting"),
    (80, &[]),
    (93, &[0, 7]),
    (97, b"\0sixteen-bytes-id"),
    (116, &[1]),
    (118, &[10, 77, 0, 0]),
    (124, b"\0\0\x01\x37\x05\x04MSFT"),
    (125, b"\0\0\x0d\xe9\x0a\x01\x02AB\x02\x04SERI"),
    (175, &[1, 1, 1]),
    (200, b"whatever"),
];
/// Relay agent information: whole values of option 82.
const AGENTS: [&[u8]; 9] = [
    b"\x01\x02\x01\x02",
    b"\x01\x04port\x02\x06remote",
    b"\x05\x04\x0a\x58\0\0",
    b"\x05\x04\x0a\x4d\0\0\x0b\x04\x0a\x4d\0\x09",
    b"\x0b\x04\x0a\x58\0\x01",
    b"\x06\x0asubscriber\x01\x02\x01\x02",
    b"\x0a\x01\x80",
    b"\x0a\x01\0\x97\x01x",
    b"\x01\xff\x05",
];
/// Relay agents: on our own network, and on networks that some configurations serve.
const AGENTS_AT: [Ipv4Addr; 5] = [
    Ipv4Addr::new(10, 77, 0, 5),
    Ipv4Addr::new(10, 88, 0, 1),
    Ipv4Addr::new(10, 89, 0, 1),
    Ipv4Addr::new(10, 90, 0, 1),
    Ipv4Addr::new(172, 16, 9, 9),
];

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    number: u8,
    /// What every message of it has.
    standing: Vec<(u8, Vec<u8>)>,
    hardware: (u8, u8),
    flags: u16,
    /// Its relay agent, and what that adds.
    relay: Option<(Ipv4Addr, Option<&'static [u8]>)>,
    declines: bool,
    /// Address and server id of the last offer.
    offer: Option<(Ipv4Addr, Ipv4Addr)>,
    lease: Option<Ipv4Addr>,
}

impl Machine {
    /// A machine that has just been switched on.
    pub fn new(number: u8, configuration: &Configuration, dice: &mut Dice) -> Machine {
        // Which address is passed over for one that was declined depends on messages that are not answered.
        let declines = !configuration.lines.contains(&"dhcp-sequential-ip");
        let mut standing = Vec::new();
        if one_in(dice, 3) {
            let mut id = vec![1, 2, 0, 0, 0, 10, number];
            match dice.below(6) {
                0 => id = b"me".to_vec(),
                1 => id = vec![0xff, 1, 2, 3, 4, 0, 1, 0, 1, 9, 9, 9, number],
                // We make no name of it that would be too long for DNS.
                2 if !configuration.lines.iter().any(|line| line.starts_with("dhcp-generate-names")) => {
                    id = vec![7; 60]
                }
                _ => {}
            }
            standing.push((61, id));
        }
        if one_in(dice, 2) {
            standing.push((12, pick(dice, &NAMES).to_vec()));
        }
        if one_in(dice, 5) {
            let flags = [0, 1, 4, 5, 8, 2, 3][dice.below(7)];
            let name: &[u8] = if flags & 4 != 0 { b"\x05wired\x07example\x03org\0" } else { pick(dice, &NAMES) };
            standing.push((81, [&[flags, 0, 0], name].concat()));
        }
        if !one_in(dice, 4) {
            standing.push((55, pick(dice, &REQUESTED).to_vec()));
        }
        if one_in(dice, 4) {
            standing.push((60, pick(dice, &CLASSES).to_vec()));
        }
        let hardware = match dice.below(20) {
            0 => (6, 6),
            1 => (1, 0),
            2 => (32, 16),
            3 => (0, 6),
            4 => (1, 8),
            _ => (1, 6),
        };
        let relay = one_in(dice, 4).then(|| (pick(dice, &AGENTS_AT), one_in(dice, 2).then(|| pick(dice, &AGENTS))));
        let flags = if one_in(dice, 3) { 0x8000 } else { 0 };
        Machine { number, standing, hardware, flags, relay, declines, offer: None, lease: None }
    }

    /// Its next message.
    pub fn speak(&mut self, xid: u32, dice: &mut Dice) -> Message {
        let mut message = self.blank(xid);
        let own = self.lease.unwrap_or_else(|| anywhere(dice));
        match [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21][dice.below(20)] {
            0..=4 => {
                message.put(53, [1]);
                if one_in(dice, 3) {
                    message.put(50, own.octets());
                }
                if one_in(dice, 5) {
                    message.put(80, []);
                }
            }
            5..=9 => {
                let (address, server) = self.offer.unwrap_or((own, SERVER));
                message.put(53, [3]);
                message.put(50, if one_in(dice, 12) { anywhere(dice) } else { address }.octets());
                message.put(54, if one_in(dice, 8) { anywhere(dice) } else { server }.octets());
            }
            10..=11 => {
                message.put(53, [3]);
                message.ciaddr = own;
                if one_in(dice, 2) {
                    (message.from, message.to) = ((own, CLIENT_PORT), SERVER);
                }
            }
            12..=13 => {
                message.put(53, [3]);
                message.put(50, own.octets());
            }
            14 => {
                message.put(53, [8]);
                message.ciaddr = own;
                message.from = (own, if one_in(dice, 3) { 1068 } else { CLIENT_PORT });
                message.to = if one_in(dice, 2) { SERVER } else { EVERYBODY };
            }
            15 if self.declines => {
                message.put(53, [4]);
                message.put(50, own.octets());
                message.put(54, if one_in(dice, 5) { anywhere(dice) } else { SERVER }.octets());
                if one_in(dice, 2) {
                    message.put(56, "in use");
                }
                self.lease = None;
            }
            15..=17 => {
                message.put(53, [7]);
                message.ciaddr = own;
                message.put(54, if one_in(dice, 6) { anywhere(dice) } else { SERVER }.octets());
                (message.from, message.to) = ((own, CLIENT_PORT), SERVER);
                self.lease = None;
            }
            18 => {
                if one_in(dice, 2) {
                    message.file = pick(dice, &[b"pxelinux.0".as_slice(), b"unknown", b"red"]).to_vec();
                }
                if one_in(dice, 3) {
                    message.ciaddr = own;
                }
            }
            19 => {
                message.put(53, [10]);
                match dice.below(3) {
                    0 => message.ciaddr = own,
                    1 => message.hardware.1 = 0,
                    _ => message.options.retain(|(code, _)| *code != 61),
                }
                if self.relay.is_none() {
                    message.giaddr = Ipv4Addr::new(10, 77, 0, 5);
                }
            }
            20 => message.put(53, [pick(dice, &[2, 5, 6, 9, 11, 200])]),
            _ => {
                message.put(53, [1]);
                let end = message.bytes().len();
                for _ in 0..dice.below(4) {
                    // Behind the type.
                    let first = OPTIONS_AT + 3;
                    message.damage.push((first + dice.below(end - first), dice.roll() as u8));
                }
                if message.damage.is_empty() {
                    message.cut = dice.below(end - OPTIONS_AT - 3);
                }
            }
        }
        self.dress(&mut message, dice);
        message
    }

    /// Hears the answer: its type, `yiaddr` and server id.
    pub fn hear(&mut self, kind: u8, address: Ipv4Addr, server: Option<Ipv4Addr>) {
        match kind {
            2 => self.offer = Some((address, server.unwrap_or(SERVER))),
            5 if !address.is_unspecified() => self.lease = Some(address),
            6 => (self.offer, self.lease) = (None, None),
            _ => {}
        }
    }

    fn blank(&self, xid: u32) -> Message {
        let mut chaddr = [0; 16];
        chaddr[..6].copy_from_slice(&[2, 0, 0, 0, 10, self.number]);
        Message {
            from: (ANYBODY, CLIENT_PORT),
            to: EVERYBODY,
            hardware: self.hardware,
            hops: 0,
            xid,
            flags: self.flags,
            ciaddr: ANYBODY,
            giaddr: ANYBODY,
            chaddr,
            file: Vec::new(),
            options: Vec::new(),
            damage: Vec::new(),
            cut: 0,
        }
    }

    /// Adds what the machine says in every message, what it says now and then, and what its relay agent adds.
    fn dress(&self, message: &mut Message, dice: &mut Dice) {
        // What is left of a damaged name depends on each of its bytes.
        let named = message.damage.is_empty() && message.cut == 0;
        let standing = self.standing.iter().filter(|(code, _)| named || !matches!(code, 12 | 81));
        message.options.extend(standing.cloned());
        while one_in(dice, 5) {
            let (code, value) = pick(dice, &EXTRAS);
            // What the machine is known by, or asks for, is said once.
            if message.options.iter().all(|(said, _)| *said != code) {
                message.put(code, value);
            }
        }
        if let Some((agent, information)) = self.relay
            && named
            && message.from.0.is_unspecified()
        {
            message.hops = 1;
            message.giaddr = agent;
            (message.from, message.to) = ((agent, SERVER_PORT), SERVER);
            if let Some(information) = information {
                message.put(82, information);
            }
        }
    }
}

/// Some address of the LAN, mostly, or of a network behind a relay agent.
fn anywhere(dice: &mut Dice) -> Ipv4Addr {
    let [a, b, c, _] = LAN.octets();
    let last = dice.below(120) as u8;
    match dice.below(12) {
        0 => Ipv4Addr::new(10, 88, 0, last),
        1 => Ipv4Addr::new(192, 168, 1, last),
        2 => SERVER,
        _ => Ipv4Addr::new(a, b, c, last),
    }
}

fn one_in(dice: &mut Dice, many: usize) -> bool {
    dice.below(many) == 0
}

fn pick<T: Copy>(dice: &mut Dice, from: &[T]) -> T {
    from[dice.below(from.len())]
}
