//! A DHCPv4 client in a few lines: it plays any number of machines behind one interface.
//!
//! Every message carries the broadcast flag (RFC 2131 section 4.1), so that answers arrive without an address of our own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use crate::lan::CLIENT_INTERFACE;
use crate::wait_for;

/// DHCPDISCOVER.
pub const DISCOVER: u8 = 1;
/// DHCPOFFER.
pub const OFFER: u8 = 2;
/// DHCPREQUEST.
pub const REQUEST: u8 = 3;
/// DHCPDECLINE.
pub const DECLINE: u8 = 4;
/// DHCPACK.
pub const ACK: u8 = 5;
/// DHCPNAK.
pub const NAK: u8 = 6;
/// DHCPRELEASE.
pub const RELEASE: u8 = 7;

/// A hardware address.
pub type Hardware = [u8; 6];

/// The client port of one namespace.
#[derive(Debug)]
pub struct DhcpClient {
    socket: UdpSocket,
    xid: u32,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The transaction it answers.
    pub xid: u32,
    /// OFFER, ACK or NAK.
    pub kind: u8,
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// `siaddr`.
    pub next_server: Ipv4Addr,
    /// `chaddr`.
    pub hardware: Hardware,
    /// Option 54.
    pub server: Option<Ipv4Addr>,
    /// Option 51.
    pub lease_time_s: Option<u32>,
    /// All options.
    pub options: BTreeMap<u8, Vec<u8>>,
}

impl DhcpClient {
    /// Binds port 68 on the client's interface. To be called inside a client's namespace.
    pub fn new(seed: u32) -> DhcpClient {
        // A program that another thread is just starting holds copies of all descriptors until it runs, of an earlier client's, too.
        let socket = wait_for("the DHCP client port to be free", || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 68)).ok());
        setsockopt(&socket, sockopt::BindToDevice, &CLIENT_INTERFACE.into()).expect("bind to the interface");
        setsockopt(&socket, sockopt::RcvBufForce, &(4 << 20)).expect("enlarge the client's socket");
        socket.set_broadcast(true).expect("allow broadcast");
        DhcpClient { socket, xid: seed }
    }

    /// Sends a message: `requested` is option 50, `server` option 54. Returns its transaction id.
    pub fn send(
        &mut self,
        kind: u8,
        hardware: Hardware,
        ciaddr: Ipv4Addr,
        requested: Option<Ipv4Addr>,
        server: Option<Ipv4Addr>,
    ) -> u32 {
        // Subnet mask, router, DNS server, domain.
        let mut options = vec![(55, vec![1, 3, 6, 15])];
        for (code, address) in [(50, requested), (54, server)] {
            options.extend(address.map(|address| (code, address.octets().to_vec())));
        }
        self.send_with(kind, hardware, ciaddr, &options)
    }

    /// Sends a message with these options. Returns its transaction id.
    pub fn send_with(&mut self, kind: u8, hardware: Hardware, ciaddr: Ipv4Addr, options: &[(u8, Vec<u8>)]) -> u32 {
        self.xid = self.xid.wrapping_add(1);
        let mut message = vec![1, 1, 6, 0];
        message.extend(self.xid.to_be_bytes());
        message.extend([0, 0, 0x80, 0]);
        message.extend(ciaddr.octets());
        message.resize(28, 0);
        message.extend(hardware);
        message.resize(236, 0);
        message.extend([99, 130, 83, 99, 53, 1, kind]);
        for (code, value) in options {
            message.extend([*code, u8::try_from(value.len()).expect("an option fits its length")]);
            message.extend(value);
        }
        message.push(255);
        message.resize(message.len().max(300), 0);
        // A server that is being killed may have taken its interface's queue with it; the caller sees the silence.
        let _ = self.socket.send_to(&message, (Ipv4Addr::BROADCAST, 67));
        self.xid
    }

    /// The next reply to anybody, within `patience`.
    pub fn receive(&self, patience: Duration) -> Option<Reply> {
        let deadline = Instant::now() + patience;
        let mut bytes = [0; 1500];
        loop {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            self.socket.set_read_timeout(Some(left)).expect("set a timeout");
            let Ok(length) = self.socket.recv(&mut bytes) else { continue };
            if let Some(reply) = parse(&bytes[..length]) {
                return Some(reply);
            }
        }
    }

    /// The reply to this transaction, within `patience`; others are passed over.
    pub fn answer_to(&self, xid: u32, patience: Duration) -> Option<Reply> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.checked_duration_since(Instant::now())?;
            let reply = self.receive(left)?;
            if reply.xid == xid {
                return Some(reply);
            }
        }
    }

    /// DISCOVER: the offer, if one comes.
    pub fn discover(&mut self, hardware: Hardware, patience: Duration) -> Option<Reply> {
        let xid = self.send(DISCOVER, hardware, Ipv4Addr::UNSPECIFIED, None, None);
        self.answer_to(xid, patience).filter(|reply| reply.kind == OFFER)
    }

    /// REQUEST of an offered address: ACK or NAK, if one comes.
    pub fn select(&mut self, offer: &Reply, patience: Duration) -> Option<Reply> {
        let xid = self.send(REQUEST, offer.hardware, Ipv4Addr::UNSPECIFIED, Some(offer.address), offer.server);
        self.answer_to(xid, patience)
    }

    /// DISCOVER to ACK, with the repetitions that a client makes.
    pub fn lease(&mut self, hardware: Hardware) -> Reply {
        for _ in 0..20 {
            let Some(offer) = self.discover(hardware, Duration::from_secs(1)) else { continue };
            if let Some(reply) = self.select(&offer, Duration::from_secs(1)).filter(|reply| reply.kind == ACK) {
                return reply;
            }
        }
        panic!("no lease for {hardware:02x?} after 20 attempts");
    }

    /// REQUEST after a restart of the client (INIT-REBOOT, RFC 2131 section 4.3.2): ACK or NAK, if one comes.
    pub fn reboot(&mut self, hardware: Hardware, address: Ipv4Addr, patience: Duration) -> Option<Reply> {
        let xid = self.send(REQUEST, hardware, Ipv4Addr::UNSPECIFIED, Some(address), None);
        self.answer_to(xid, patience)
    }

    /// DISCOVER to ACK with these options in both: the address, with the repetitions that a client makes.
    pub fn lease_with(&mut self, hardware: Hardware, options: &[(u8, Vec<u8>)]) -> Ipv4Addr {
        let second = Duration::from_secs(1);
        for _ in 0..20 {
            let xid = self.send_with(DISCOVER, hardware, Ipv4Addr::UNSPECIFIED, options);
            let Some(offer) = self.answer_to(xid, second).filter(|reply| reply.kind == OFFER) else { continue };
            let server = offer.server.expect("an offer names its server");
            let chosen = [(50, offer.address.octets().to_vec()), (54, server.octets().to_vec())];
            let xid = self.send_with(REQUEST, hardware, Ipv4Addr::UNSPECIFIED, &[options, &chosen].concat());
            if self.answer_to(xid, second).is_some_and(|reply| reply.kind == ACK) {
                return offer.address;
            }
        }
        panic!("no lease for {hardware:02x?} after 20 attempts");
    }

    /// REQUEST of a client that confirms its lease after a restart, with these options: is it acknowledged?
    pub fn confirm_with(&mut self, hardware: Hardware, address: Ipv4Addr, options: &[(u8, Vec<u8>)]) -> bool {
        let wanted = [(50, address.octets().to_vec())];
        let xid = self.send_with(REQUEST, hardware, Ipv4Addr::UNSPECIFIED, &[options, &wanted].concat());
        self.answer_to(xid, Duration::from_secs(2)).is_some_and(|reply| reply.kind == ACK)
    }

    /// RELEASE, which is not answered.
    pub fn release(&mut self, hardware: Hardware, address: Ipv4Addr, server: Ipv4Addr) {
        self.send(RELEASE, hardware, address, None, Some(server));
    }
}

/// The hardware address of machine number `number`.
pub fn machine(number: u32) -> Hardware {
    let [a, b, c, d] = number.to_be_bytes();
    [2, 0x10, a, b, c, d]
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    if *bytes.first()? != 2 || bytes.get(236..240)? != [99, 130, 83, 99] {
        return None;
    }
    let address_at = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).ok()?));
    let mut reply = Reply {
        xid: u32::from(address_at(4)?),
        kind: 0,
        address: address_at(16)?,
        next_server: address_at(20)?,
        hardware: bytes.get(28..34)?.try_into().ok()?,
        server: None,
        lease_time_s: None,
        options: BTreeMap::new(),
    };
    let mut at = 240;
    while let [code, length, ..] = *bytes.get(at..)? {
        match code {
            255 => break,
            0 => {
                at += 1;
                continue;
            }
            51 => reply.lease_time_s = address_at(at + 2).map(u32::from),
            53 => reply.kind = *bytes.get(at + 2)?,
            54 => reply.server = address_at(at + 2),
            _ => {}
        }
        let value = bytes.get(at + 2..at + 2 + usize::from(length))?;
        reply.options.insert(code, value.to_vec());
        at += 2 + usize::from(length);
    }
    (reply.kind != 0).then_some(reply)
}
