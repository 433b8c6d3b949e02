//! Small privileged deeds done for workers: connected upstream and transfer sockets, echo requests, neighbor entries.
//!
//! The worker never names an address that the configuration (or, for a resolv file, the file) has not named; the callers in `hub` check
//! that. Nothing here reads a byte from the network.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};

use ipc::dhcp::Neighbor;
use nix::errno::Errno;
use nix::sys::socket::sockopt;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrStorage, bind, connect, sendto,
    setsockopt, socket,
};

use crate::config::{Process, UpstreamSource};
use crate::{interfaces, path_mtu};

/// Attempts at a free random port before the kernel chooses.
const PORT_ATTEMPTS: usize = 16;

/// Random bytes from the kernel.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

#[expect(unsafe_code, reason = "getrandom has no safe wrapper here")]
fn fill_random(bytes: &mut [u8]) {
    let mut done = 0;
    while done < bytes.len() {
        // SAFETY: writes at most the rest of the slice.
        let got = unsafe { libc::getrandom(bytes[done..].as_mut_ptr().cast(), bytes.len() - done, 0) };
        assert!(got > 0 || Errno::last() == Errno::EINTR, "the kernel gives random bytes");
        done += got.max(0) as usize;
    }
}

/// Random bytes drawn at once: ports for a full message of sockets.
const POOL_BYTES: usize = 256;

/// Where upstream sockets may come from.
pub struct Ports {
    low: u16,
    high: u16,
    /// Random bytes of the kernel that have not been used.
    pool: RefCell<([u8; POOL_BYTES], usize)>,
}

impl Ports {
    /// From `min-port` and `max-port`.
    pub fn new(process: &Process) -> Ports {
        let low = if process.min_port == 0 { 1024 } else { process.min_port };
        let high = if process.max_port == 0 { u16::MAX } else { process.max_port };
        Ports { low, high: high.max(low), pool: RefCell::new(([0; POOL_BYTES], POOL_BYTES)) }
    }

    fn random(&self) -> u16 {
        let span = u32::from(self.high - self.low) + 1;
        // 32 random bits over at most 2^16 values: the bias is below one in 65,000.
        self.low + (self.word() % span) as u16
    }

    /// A random number, used once.
    fn word(&self) -> u32 {
        let (bytes, used) = &mut *self.pool.borrow_mut();
        if *used == POOL_BYTES {
            fill_random(bytes);
            *used = 0;
        }
        let (words, _) = bytes.as_chunks_mut::<4>();
        let word = std::mem::take(&mut words[*used / 4]);
        *used += 4;
        u32::from_ne_bytes(word)
    }
}

/// A UDP socket from a random port, connected to `upstream`, that carries `mark` (0: none).
pub fn upstream_udp(upstream: SocketAddr, source: &UpstreamSource, mark: u32, ports: &Ports) -> Result<OwnedFd, Errno> {
    let socket = upstream_socket(upstream, source, mark, SockType::Datagram)?;
    let from = source.address.unwrap_or_else(|| interfaces::wildcard_like(upstream));
    match source.port {
        Some(port) => {
            setsockopt(&socket, sockopt::ReuseAddr, &true)?;
            bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(from, port)))?;
        }
        None => bind_random(&socket, from, ports)?,
    }
    connect(socket.as_raw_fd(), &SockaddrStorage::from(upstream))?;
    Ok(socket)
}

fn bind_random(socket: &OwnedFd, from: IpAddr, ports: &Ports) -> Result<(), Errno> {
    for _ in 0..PORT_ATTEMPTS {
        let at = SocketAddr::new(from, ports.random());
        match bind(socket.as_raw_fd(), &SockaddrStorage::from(at)) {
            Err(Errno::EADDRINUSE | Errno::EACCES) => {}
            result => return result,
        }
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(from, 0)))
}

/// A TCP socket whose connection to `upstream` is being made, and that carries `mark` (0: none).
pub fn upstream_tcp(upstream: SocketAddr, source: &UpstreamSource, mark: u32) -> Result<OwnedFd, Errno> {
    let socket = upstream_socket(upstream, source, mark, SockType::Stream)?;
    if let Some(address) = source.address {
        bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(address, 0)))?;
    }
    match connect(socket.as_raw_fd(), &SockaddrStorage::from(upstream)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(socket),
        Err(errno) => Err(errno),
    }
}

fn upstream_socket(upstream: SocketAddr, source: &UpstreamSource, mark: u32, kind: SockType) -> Result<OwnedFd, Errno> {
    let family = if upstream.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    if kind == SockType::Datagram {
        path_mtu::ignore(socket.as_fd(), upstream.is_ipv4())?;
    }
    if let Some(interface) = &source.interface {
        setsockopt(&socket, sockopt::BindToDevice, &interface.into())?;
    }
    if mark != 0 {
        // Needs CAP_NET_ADMIN. Without it the question goes unmarked, as in dnsmasq.
        let _ = setsockopt(&socket, sockopt::Mark, &mark);
    }
    Ok(socket)
}

/// A netlink socket. What is sent on it without an address goes to the kernel, which looks at the sender's capabilities.
pub fn netlink(family: SockProtocol) -> Result<OwnedFd, Errno> {
    socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, family)
}

/// A UDP socket of ours, at `local`, connected to a TFTP client; and where exactly it is.
pub fn transfer(local: IpAddr, client: SocketAddr, range: Option<(u16, u16)>) -> io::Result<(OwnedFd, SocketAddr)> {
    let family = if client.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    let mut result = Err(Errno::EADDRINUSE);
    for port in range.map_or(0..=0, |(low, high)| low..=high) {
        result = bind(socket.as_raw_fd(), &SockaddrStorage::from(scoped(local, client, port)));
        if result != Err(Errno::EADDRINUSE) {
            break;
        }
    }
    result?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(client))?;
    let socket = UdpSocket::from(socket);
    let local = socket.local_addr()?;
    Ok((socket.into(), local))
}

/// Link-local addresses need the client's interface.
fn scoped(local: IpAddr, client: SocketAddr, port: u16) -> SocketAddr {
    let mut at = SocketAddr::new(local, port);
    if let (SocketAddr::V6(at), SocketAddr::V6(client)) = (&mut at, client) {
        at.set_scope_id(client.scope_id());
    }
    at
}

/// The two raw ICMP sockets of the ping check.
///
/// A raw socket can be turned into one that forges whole packets, and nothing but the filter of system calls stops a worker from
/// sending on it. So the parent sends (a fixed 8-byte message), and the worker gets another socket, which hears echo replies only,
/// by a filter that is locked, at a number on which its system-call filter allows no sending.
pub struct Echo {
    sender: OwnedFd,
    receiver: OwnedFd,
    sequence: u16,
}

impl Echo {
    /// Opens both; needs CAP_NET_RAW.
    pub fn open() -> Result<Echo, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let icmp = || socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Icmp);
        let (sender, receiver) = (icmp()?, icmp()?);
        let nothing = [statement(RETURN, 0)];
        // X = length of the IP header; A = ICMP type; echo reply (0)? then the whole packet.
        let replies = [
            statement(LOAD_HEADER_LENGTH, 0),
            statement(LOAD_BYTE_AT_X, 0),
            libc::sock_filter { code: JUMP_EQUAL, jt: 0, jf: 1, k: 0 },
            statement(RETURN, u32::MAX),
            statement(RETURN, 0),
        ];
        attach(&sender, &nothing)?;
        attach(&receiver, &replies)?;
        Ok(Echo { sender, receiver, sequence: 0 })
    }

    /// The worker's socket.
    pub fn receiver(&self) -> &OwnedFd {
        &self.receiver
    }

    /// Sends one echo request (RFC 792). Trouble is ignored: no answer then means "free", as with any lost packet.
    pub fn send(&mut self, address: Ipv4Addr) {
        self.sequence = self.sequence.wrapping_add(1);
        let identifier = std::process::id() as u16;
        let mut packet = [8, 0, 0, 0, 0, 0, 0, 0];
        packet[4..6].copy_from_slice(&identifier.to_be_bytes());
        packet[6..8].copy_from_slice(&self.sequence.to_be_bytes());
        let sum = packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u32>();
        let sum = (sum & 0xffff) + (sum >> 16);
        packet[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        let to = SockaddrIn::from(std::net::SocketAddrV4::new(address, 0));
        let _ = sendto(self.sender.as_raw_fd(), &packet, &to, MsgFlags::MSG_DONTWAIT);
    }
}

const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const LOAD_HEADER_LENGTH: u16 = (libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH) as u16;
const LOAD_BYTE_AT_X: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_IND) as u16;
const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;

fn statement(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}

#[expect(unsafe_code, reason = "packet filters have no safe wrapper")]
fn attach(socket: &OwnedFd, program: &[libc::sock_filter]) -> Result<(), Errno> {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    let set = |option, value: *const libc::c_void, length: usize| {
        // SAFETY: `value` points to `length` bytes that live across the call; the kernel copies the program.
        let done = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, value, length as u32) };
        Errno::result(done).map(drop)
    };
    let one: libc::c_int = 1;
    set(libc::SO_ATTACH_FILTER, (&raw const filter).cast(), size_of::<libc::sock_fprog>())?;
    set(libc::SO_LOCK_FILTER, (&raw const one).cast(), size_of::<libc::c_int>())
}

/// Writes a complete entry into the kernel's neighbor table, so that a reply by unicast reaches a client that cannot answer ARP yet. Needs
/// CAP_NET_ADMIN. `name` is the interface's.
#[expect(unsafe_code, reason = "SIOCSARP has no safe wrapper")]
pub fn set_neighbor(name: &str, neighbor: &Neighbor) -> io::Result<()> {
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let hardware = neighbor.hardware.used();
    if hardware.len() > 14 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the request is zero-initialised; name and hardware address are cut to their fields; the protocol address is an
    // internet address written over a generic one of the same size.
    unsafe {
        let mut request: libc::arpreq = std::mem::zeroed();
        let address = (&raw mut request.arp_pa).cast::<libc::sockaddr_in>();
        (*address).sin_family = libc::AF_INET as u16;
        (*address).sin_addr.s_addr = u32::from(neighbor.address).to_be();
        request.arp_ha.sa_family = u16::from(neighbor.hardware.kind);
        for (to, from) in request.arp_ha.sa_data.iter_mut().zip(hardware) {
            *to = *from as libc::c_char;
        }
        request.arp_flags = libc::ATF_COM;
        for (to, from) in request.arp_dev.iter_mut().take(15).zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        if libc::ioctl(any.as_raw_fd(), libc::SIOCSARP as _, &raw const request) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
