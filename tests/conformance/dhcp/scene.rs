//! A scene: a configuration, packets, and what came back.
//!
//! ```text
//! # What it shows.
//! config no-ping                                     one line of the configuration
//! start DHCP, IP range …                             one line of the log at the start
//! wait 1500                                          milliseconds pass
//! case a new client                                  begins a packet
//! within 1600                                        milliseconds that it takes
//! ask 0.0.0.0:68 255.255.255.255:67 eth0 0101…       from, to, the interface, the bytes
//! answer 192.168.77.1:67 192.168.77.17:68 eth0 02…   the same of each answer
//! log DHCPDISCOVER(eth0) …                           one line of the log
//! lease 192.168.77.17 02:00:00:00:02:02 name * 3600   a lease at the end: name, client id, seconds left in whole minutes
//! ```
//!
//! In the hex, `[N]` stands for N bytes of zero. The server has `eth0` with 192.168.77.1/24 and `eth1` with 192.168.88.1/24, and its
//! default router is behind `eth0`.

use std::net::SocketAddrV4;

/// A scene.
pub struct Scene {
    /// The configuration file.
    pub config: String,
    /// What is logged at the start.
    pub start: Vec<String>,
    /// Packets, in order.
    pub cases: Vec<Case>,
    /// The leases at the end.
    pub leases: Vec<String>,
}

/// A packet and its consequences.
#[derive(Default)]
pub struct Case {
    /// What it shows.
    pub title: String,
    /// How long to wait before, in milliseconds.
    pub wait_ms: u64,
    /// How long to wait for the answer, in milliseconds.
    pub within_ms: u64,
    /// The packet.
    pub ask: Datagram,
    /// What came back.
    pub answers: Vec<Datagram>,
    /// What was logged.
    pub lines: Vec<String>,
}

/// A datagram on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddrV4,
    /// To whom.
    pub to: SocketAddrV4,
    /// Through which interface.
    pub interface: String,
    /// What it says.
    pub bytes: Vec<u8>,
}

impl Scene {
    /// Reads one.
    pub fn parse(text: &str) -> Scene {
        let mut scene = Scene { config: String::new(), start: Vec::new(), cases: Vec::new(), leases: Vec::new() };
        let mut wait_ms = 0;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').expect("a word and a value");
            let case = scene.cases.last_mut();
            match (word, case) {
                ("config", _) => scene.config.push_str(&format!("{rest}\n")),
                ("start", _) => scene.start.push(rest.to_owned()),
                ("lease", _) => scene.leases.push(rest.to_owned()),
                ("wait", _) => wait_ms += rest.parse::<u64>().expect("milliseconds"),
                ("case", _) => scene.cases.push(Case {
                    title: rest.to_owned(),
                    wait_ms: std::mem::take(&mut wait_ms),
                    ..Case::default()
                }),
                ("within", Some(case)) => case.within_ms = rest.parse().expect("milliseconds"),
                ("ask", Some(case)) => case.ask = Datagram::parse(rest),
                ("answer", Some(case)) => case.answers.push(Datagram::parse(rest)),
                ("log", Some(case)) => case.lines.push(rest.to_owned()),
                _ => panic!("{line}"),
            }
        }
        scene
    }
}

impl Datagram {
    fn parse(text: &str) -> Datagram {
        let fields: Vec<&str> = text.split(' ').collect();
        let [from, to, interface, hex] = fields[..] else { panic!("{text}") };
        let address = |text: &str| text.parse().expect("an address and a port");
        Datagram { from: address(from), to: address(to), interface: interface.to_owned(), bytes: bytes_of(hex) }
    }
}

impl Default for Datagram {
    fn default() -> Datagram {
        Datagram::parse("0.0.0.0:68 255.255.255.255:67 eth0 00")
    }
}

impl std::fmt::Debug for Datagram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} {}", self.from, self.to, self.interface, hex_of(&self.bytes))
    }
}

fn bytes_of(mut text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix('[') {
            let (count, rest) = rest.split_once(']').expect("a closing bracket");
            bytes.resize(bytes.len() + count.parse::<usize>().expect("a count"), 0);
            text = rest;
        } else {
            bytes.push(u8::from_str_radix(&text[..2], 16).expect("hex"));
            text = &text[2..];
        }
    }
    bytes
}

fn hex_of(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        if zeros > 4 {
            text.push_str(&format!("[{zeros}]"));
            rest = &rest[zeros..];
        } else {
            text.push_str(&format!("{:02x}", rest[0]));
            rest = &rest[1..];
        }
    }
    text
}
