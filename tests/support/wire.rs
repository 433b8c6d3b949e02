//! One end of a cable: Ethernet frames in and out of an interface, so that a test can play any number of machines behind it.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, send, socket};

/// An Ethernet address.
pub type Mac = [u8; 6];

/// The address of every station.
pub const EVERYBODY: Mac = [0xff; 6];

const ETHERTYPE_IPV4: [u8; 2] = [8, 0];
const ETHERTYPE_ARP: [u8; 2] = [8, 6];
const PROTOCOL_UDP: u8 = 17;
/// Ethernet, IPv4 without options, UDP.
const HEADER_BYTES: usize = 14 + 20 + 8;

/// The end.
#[derive(Debug)]
pub struct Wire {
    socket: OwnedFd,
    /// ARP requests answered so far.
    answered: Cell<u32>,
}

/// A UDP datagram and the headers it comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sends the frame.
    pub from_mac: Mac,
    /// Who is to get it.
    pub to_mac: Mac,
    /// Source address and port.
    pub from: (Ipv4Addr, u16),
    /// Destination address and port.
    pub to: (Ipv4Addr, u16),
    /// The payload.
    pub payload: Vec<u8>,
}

impl Wire {
    /// Takes hold of an interface. To be called inside its namespace, which should have no address of its own there.
    pub fn new(interface: &str) -> Wire {
        let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
            .expect("make a packet socket");
        let link = getifaddrs()
            .expect("list interfaces")
            .filter(|found| found.interface_name == interface)
            .find_map(|found| found.address?.as_link_addr().copied())
            .unwrap_or_else(|| panic!("there is no interface {interface}"));
        bind(socket.as_raw_fd(), &link).expect("bind to the interface");
        Wire { socket, answered: Cell::new(0) }
    }

    /// Sends a datagram.
    pub fn send(&self, datagram: &Datagram) {
        self.send_frame(&datagram.frame());
    }

    /// The next datagram that `station` sends, before `deadline`. Whoever it asks for meanwhile by ARP (RFC 826) is said to be at the
    /// address that `holder` tells, if it does.
    pub fn receive(
        &self,
        station: Mac,
        deadline: Instant,
        holder: impl Fn(Ipv4Addr) -> Option<Mac>,
    ) -> Option<Datagram> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let Some(frame) = self.receive_frame(left) else { continue };
            if frame.get(6..12) != Some(&station) {
                continue;
            }
            if let Some(answer) = answer_to_arp(&frame, &holder) {
                self.answered.set(self.answered.get() + 1);
                self.send_frame(&answer);
            } else if let Some(datagram) = Datagram::parse(&frame) {
                return Some(datagram);
            }
        }
    }

    /// How many ARP requests have been answered so far. What somebody has asked for is still to come.
    pub fn answered(&self) -> u32 {
        self.answered.get()
    }

    fn send_frame(&self, frame: &[u8]) {
        send(self.socket.as_raw_fd(), frame, MsgFlags::empty()).expect("send a frame");
    }

    fn receive_frame(&self, patience: Duration) -> Option<Vec<u8>> {
        use std::os::fd::AsFd as _;
        let mut ready = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        // Rounded up, so that the last part of a millisecond is not spent in circles.
        let timeout = PollTimeout::try_from(patience.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        if poll(&mut ready, timeout).expect("wait for a frame") == 0 {
            return None;
        }
        let mut frame = vec![0; 65_536];
        match recv(self.socket.as_raw_fd(), &mut frame, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => {
                frame.truncate(length);
                Some(frame)
            }
            Err(Errno::EAGAIN) => None,
            Err(errno) => panic!("receive a frame: {}", io::Error::from(errno)),
        }
    }
}

impl Datagram {
    fn frame(&self) -> Vec<u8> {
        let length = |extra: usize| u16::try_from(self.payload.len() + extra).expect("a payload that fits");
        let mut ip = vec![0x45, 0];
        ip.extend(length(28).to_be_bytes());
        ip.extend([0, 0, 0, 0, 64, PROTOCOL_UDP, 0, 0]);
        ip.extend(self.from.0.octets());
        ip.extend(self.to.0.octets());
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());

        let mut frame = Vec::with_capacity(HEADER_BYTES + self.payload.len());
        frame.extend(self.to_mac);
        frame.extend(self.from_mac);
        frame.extend(ETHERTYPE_IPV4);
        frame.extend(ip);
        frame.extend(self.from.1.to_be_bytes());
        frame.extend(self.to.1.to_be_bytes());
        frame.extend(length(8).to_be_bytes());
        // No checksum, which IPv4 allows (RFC 768).
        frame.extend([0, 0]);
        frame.extend(&self.payload);
        frame
    }

    fn parse(frame: &[u8]) -> Option<Datagram> {
        if frame.len() < HEADER_BYTES
            || frame[12..14] != ETHERTYPE_IPV4
            || frame[14] != 0x45
            || frame[23] != PROTOCOL_UDP
        {
            return None;
        }
        let address = |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
        let number = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let end = 34 + usize::from(number(38));
        Some(Datagram {
            from_mac: frame[6..12].try_into().ok()?,
            to_mac: frame[..6].try_into().ok()?,
            from: (address(26), number(34)),
            to: (address(30), number(36)),
            payload: frame.get(HEADER_BYTES..end)?.to_vec(),
        })
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(folded + (folded >> 16)) as u16
}

/// The answer to an ARP request for somebody whose address is known.
fn answer_to_arp(frame: &[u8], holder: impl Fn(Ipv4Addr) -> Option<Mac>) -> Option<Vec<u8>> {
    if frame.get(12..14)? != ETHERTYPE_ARP || frame.get(20..22)? != [0, 1] {
        return None;
    }
    let target: [u8; 4] = frame.get(38..42)?.try_into().ok()?;
    let mac = holder(target.into())?;
    let mut answer = Vec::new();
    answer.extend(&frame[6..12]);
    answer.extend(mac);
    answer.extend(ETHERTYPE_ARP);
    answer.extend([0, 1, 8, 0, 6, 4, 0, 2]);
    answer.extend(mac);
    answer.extend(target);
    answer.extend(&frame[22..32]);
    Some(answer)
}
