//! One program on a network of its own, and everything on the other end of its cable.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use support::wire::{Datagram, EVERYBODY, Mac};
use support::{Directory, Namespace, Server, Subject, Wire};

use crate::configuration::Configuration;
use crate::events::SCRIPT;
use crate::message::Message;

/// The network of the server's interface, a /24.
pub const LAN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 0);
/// The server there.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const SERVER_MAC: Mac = [2, 0, 0, 0, 0, 1];
/// Where relay agents and everybody else are who has no hardware address in the message.
const NEIGHBOR_MAC: Mac = [2, 0, 0, 0, 0, 2];
/// The way to networks behind relay agents.
const NEIGHBOR: &str = "10.77.0.2";

/// The machine whose renewals go behind every message: once they are acknowledged, the message is done with.
const FENCE_MAC: Mac = [2, 0xfe, 0, 0, 0, 1];
/// The same in logs and scripts.
pub const FENCE_NAME: &str = "02:fe:00:00:00:01";
const FENCE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 250);
const FENCE_XID: u32 = 0xfefe_0000;
/// How many they are. dnsmasq tells its script of one event before each packet that it reads, and forgets what it has not told when the
/// lease ends: the last fence is read after all that a message causes has been told.
const FENCES: usize = 5;

/// The hosts file that some configurations read.
const HOSTS: &str = "10.77.0.10 ten\n10.77.0.11 eleven.example.org ten\n10.77.0.12 twelve.other.net\n10.77.0.13 alpha\n\
                     10.77.0.14 bravo\n10.77.0.15 _odd\n10.77.0.60 delta\n10.89.0.10 distant\n10.89.0.11 nearby\n\
                     10.77.0.108 hostsname\n10.77.0.109 several\n10.77.0.110 several\n10.77.0.102 taken\n10.77.0.9 boot\n";

/// How long an answer may take that the other program has given.
const GRACE: Duration = Duration::from_millis(500);
/// How long a packet may be behind the answer to an ARP request that it waits for.
const ARP_GRACE: Duration = Duration::from_millis(50);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The network.
pub struct Site {
    subject: Subject,
    namespace: Namespace,
    _outside: Namespace,
    orders: Sender<Order>,
    answers: Receiver<Option<Vec<Datagram>>>,
}

enum Order {
    /// Get a lease for the fence.
    Begin,
    /// Send this, and tell what comes back before the fence.
    Say(Box<Message>),
    /// Wait longer.
    Wait,
    /// Give back the lease of the fence.
    End,
}

impl Site {
    /// Builds a network.
    pub fn new(subject: Subject) -> Site {
        let (namespace, outside) = (Namespace::new("server"), Namespace::new("outside"));
        namespace.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", outside.name()]);
        namespace.ip(&["link", "set", "lan0", "address", "02:00:00:00:00:01", "up"]);
        namespace.ip(&["addr", "add", &format!("{SERVER}/24"), "dev", "lan0"]);
        outside.ip(&["link", "set", "eth0", "address", "02:00:00:00:00:02", "up"]);
        namespace.ip(&["route", "add", "default", "via", NEIGHBOR]);
        let (orders, ordered) = channel();
        let (tell, answers) = channel();
        outside.spawn(move || {
            let mut outside = Outside { wire: Wire::new("eth0"), fences: 0 };
            for order in ordered {
                let heard = match order {
                    Order::Begin => Some(outside.begin()),
                    Order::Say(message) => outside.say(&message),
                    Order::Wait => Some(outside.wait()),
                    Order::End => {
                        let release = [(53, vec![7]), (54, SERVER.octets().to_vec())];
                        outside.fence(&release, FENCE_ADDRESS);
                        Some(Vec::new())
                    }
                };
                if tell.send(heard).is_err() {
                    break;
                }
            }
        });
        Site { subject, namespace, _outside: outside, orders, answers }
    }

    /// Starts the program.
    pub fn serve(&self, configuration: &Configuration) -> Server {
        // What the kernel has learned of neighbors is an output of the server.
        self.namespace.ip(&["neigh", "flush", "all"]);
        let directory = Arc::new(Directory::new());
        directory.write("hosts", HOSTS);
        directory.write_script("script", &SCRIPT.replace("DIR", directory.path().to_str().expect("a plain path")));
        let text = configuration.text();
        let server = Server::launch_program(&self.namespace, &self.subject.program(), directory, &text, &[]);
        server.wait_for_line("started, version");
        server.wait_for_line("lease time");
        self.begin();
        server
    }

    /// Gets the fence's lease.
    pub fn begin(&self) {
        self.order(Order::Begin);
        self.heard();
    }

    /// Sends a message.
    pub fn say(&self, message: &Message) {
        self.order(Order::Say(Box::new(message.clone())));
    }

    /// What came back; `None` when the program has fallen silent.
    pub fn heard(&self) -> Option<Vec<Datagram>> {
        self.answers.recv().expect("the outside lives")
    }

    /// What comes back late.
    pub fn heard_late(&self) -> Vec<Datagram> {
        self.order(Order::Wait);
        self.heard().unwrap_or_default()
    }

    /// Ends the fence's lease, which is the last thing that a script hears of until it begins again.
    pub fn end(&self) {
        self.order(Order::End);
        self.heard();
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the outside lives");
    }
}

/// Is this log line about the fence?
pub fn is_about_fence(line: &str) -> bool {
    let number = line.split(' ').next().and_then(|word| word.parse::<u32>().ok());
    line.contains(FENCE_NAME) || number.is_some_and(|xid| xid & 0xffff_0000 == FENCE_XID)
}

/// The other end of the cable.
struct Outside {
    wire: Wire,
    fences: u32,
}

impl Outside {
    fn begin(&mut self) -> Vec<Datagram> {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "the fence gets no lease");
            self.fence(&[(53, vec![1])], Ipv4Addr::UNSPECIFIED);
            let offered = self.receive(Instant::now() + GRACE);
            if !offered.is_some_and(|offer| is_of_fence(&offer)) {
                continue;
            }
            let request = [(53, vec![3]), (50, FENCE_ADDRESS.octets().to_vec()), (54, SERVER.octets().to_vec())];
            self.fence(&request, Ipv4Addr::UNSPECIFIED);
            if self.receive(Instant::now() + GRACE).is_some_and(|ack| is_of_fence(&ack)) {
                return Vec::new();
            }
        }
    }

    fn say(&mut self, message: &Message) -> Option<Vec<Datagram>> {
        let mut from_mac = NEIGHBOR_MAC;
        if message.giaddr.is_unspecified() {
            from_mac.copy_from_slice(&message.chaddr[..6]);
        }
        self.wire.send(&Datagram {
            from_mac,
            to_mac: if message.to.is_broadcast() { EVERYBODY } else { SERVER_MAC },
            from: message.from,
            to: (message.to, 67),
            payload: message.bytes(),
        });
        for _ in 0..FENCES {
            self.fence(&[(53, vec![3])], FENCE_ADDRESS);
        }
        let mut acknowledged = 0;
        let mut heard = Vec::new();
        let answered = self.wire.answered();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let datagram = self.receive(deadline)?;
            if is_of_fence(&datagram) {
                acknowledged += 1;
                if acknowledged < FENCES {
                    continue;
                }
                // What waits for the answer to an ARP request comes behind the fence.
                if self.wire.answered() != answered {
                    heard.extend(self.receive(Instant::now() + ARP_GRACE));
                }
                return Some(heard);
            }
            heard.push(datagram);
        }
    }

    fn wait(&mut self) -> Vec<Datagram> {
        self.receive(Instant::now() + GRACE).into_iter().collect()
    }

    /// A message of the machine behind the fence.
    fn fence(&mut self, options: &[(u8, Vec<u8>)], ciaddr: Ipv4Addr) {
        self.fences = (self.fences + 1) & 0xffff;
        let mut chaddr = [0; 16];
        chaddr[..6].copy_from_slice(&FENCE_MAC);
        let message = Message {
            from: (ciaddr, 68),
            to: Ipv4Addr::BROADCAST,
            hardware: (1, 6),
            hops: 0,
            xid: FENCE_XID | self.fences,
            flags: 0,
            ciaddr,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr,
            file: Vec::new(),
            options: options.to_vec(),
            damage: Vec::new(),
            cut: 0,
        };
        self.wire.send(&Datagram {
            from_mac: FENCE_MAC,
            to_mac: EVERYBODY,
            from: message.from,
            to: (message.to, 67),
            payload: message.bytes(),
        });
    }

    fn receive(&self, deadline: Instant) -> Option<Datagram> {
        let holder = |address: Ipv4Addr| match address {
            SERVER => None,
            FENCE_ADDRESS => Some(FENCE_MAC),
            _ => Some(NEIGHBOR_MAC),
        };
        loop {
            let datagram = self.wire.receive(SERVER_MAC, deadline, holder)?;
            // An answer from a port of a DHCP server; everything else is none of ours.
            if [67, 4011].contains(&datagram.from.1) {
                return Some(datagram);
            }
        }
    }
}

fn is_of_fence(datagram: &Datagram) -> bool {
    datagram.payload.get(28..34) == Some(&FENCE_MAC)
}
