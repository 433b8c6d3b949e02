//! Batches of datagrams in and out, with the local address and interface of each.
//!
//! One system call moves up to [`BATCH`] datagrams. The structures that the kernel fills are allocated once and used again; pages of
//! buffers that no traffic has touched cost nothing.
#![expect(unsafe_code, reason = "recvmmsg and sendmmsg over reused buffers: structures of raw pointers")]

use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// Datagrams moved by one system call.
pub const BATCH: usize = 32;
/// Room for the control data of one datagram: one IPv4 or IPv6 packet-info message, and some slack.
const CONTROL_BYTES: usize = 64;

/// A datagram that was received.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// The payload.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub peer: SocketAddr,
    /// The address it was sent to; unspecified when the kernel did not say.
    pub local: IpAddr,
    /// Kernel index of the interface it came by; 0 when the kernel did not say.
    pub interface: u32,
}

/// Receives batches.
pub struct Receiver {
    size: usize,
    buffers: Vec<u8>,
    headers: Vec<libc::mmsghdr>,
    parts: Vec<libc::iovec>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<[u64; CONTROL_BYTES / 8]>,
}

impl Receiver {
    /// For datagrams of up to `size` bytes; longer ones arrive cut and are reported with `size` bytes.
    pub fn new(size: usize) -> Receiver {
        // SAFETY: all-zero is a valid value of each of these plain structures.
        let (header, name) = unsafe { (zeroed(), zeroed()) };
        Receiver {
            size,
            buffers: vec![0; size * BATCH],
            headers: vec![header; BATCH],
            parts: vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH],
            names: vec![name; BATCH],
            controls: vec![[0; CONTROL_BYTES / 8]; BATCH],
        }
    }

    /// Receives up to `limit` datagrams without waiting; 0 when none is there.
    pub fn receive(&mut self, socket: BorrowedFd<'_>, limit: usize) -> Result<usize, Errno> {
        let limit = limit.min(BATCH);
        for index in 0..limit {
            self.parts[index] =
                libc::iovec { iov_base: self.buffers[index * self.size..].as_mut_ptr().cast(), iov_len: self.size };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
            header.msg_iov = &raw mut self.parts[index];
            header.msg_iovlen = 1;
            header.msg_control = self.controls[index].as_mut_ptr().cast();
            header.msg_controllen = CONTROL_BYTES as _;
            header.msg_flags = 0;
        }
        loop {
            // SAFETY: every pointer above points into vectors that live in `self` and are not resized; `limit` headers are set.
            let got = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    self.headers.as_mut_ptr(),
                    limit as u32,
                    libc::MSG_DONTWAIT as _,
                    std::ptr::null_mut(),
                )
            };
            if got >= 0 {
                return Ok(got as usize);
            }
            match Errno::last() {
                Errno::EINTR => {}
                Errno::EAGAIN => return Ok(0),
                errno => return Err(errno),
            }
        }
    }

    /// One of the datagrams that the last call of [`Receiver::receive`] counted; `None` when its sender is of no known family.
    pub fn datagram(&self, index: usize) -> Option<Datagram<'_>> {
        let header = &self.headers[index];
        let length = (header.msg_len as usize).min(self.size);
        let bytes = &self.buffers[index * self.size..][..length];
        let peer = address(&self.names[index])?;
        let (mut local, mut interface) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        // SAFETY: the header was filled by the kernel, and its control pointer is this index's array; the macros check bounds
        // against msg_controllen before each step.
        unsafe {
            let mut item = libc::CMSG_FIRSTHDR(&header.msg_hdr);
            while !item.is_null() {
                let kind = ((*item).cmsg_level, (*item).cmsg_type);
                if kind == (libc::IPPROTO_IP, libc::IP_PKTINFO) {
                    let info = libc::CMSG_DATA(item).cast::<libc::in_pktinfo>().read_unaligned();
                    local = IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)));
                    interface = info.ipi_ifindex as u32;
                } else if kind == (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) {
                    let info = libc::CMSG_DATA(item).cast::<libc::in6_pktinfo>().read_unaligned();
                    local = IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                    interface = info.ipi6_ifindex;
                }
                item = libc::CMSG_NXTHDR(&header.msg_hdr, item);
            }
        }
        Some(Datagram { bytes, peer, local, interface })
    }
}

/// Sends batches, all from one socket per call.
pub struct Sender {
    headers: Vec<libc::mmsghdr>,
    parts: Vec<libc::iovec>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<[u64; CONTROL_BYTES / 8]>,
}

/// Where a datagram goes and where it leaves from.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The receiver.
    pub peer: SocketAddr,
    /// Our address to send from; unspecified leaves it to the kernel.
    pub local: IpAddr,
    /// The interface to leave by; 0 leaves it to the routing table.
    pub interface: u32,
    /// The payload, as a range of the buffer handed to [`Sender::send`].
    pub bytes: Range<usize>,
}

impl Sender {
    /// An empty sender.
    pub fn new() -> Sender {
        // SAFETY: all-zero is a valid value of each of these plain structures.
        let (header, name) = unsafe { (zeroed(), zeroed()) };
        Sender {
            headers: vec![header; BATCH],
            parts: vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH],
            names: vec![name; BATCH],
            controls: vec![[0; CONTROL_BYTES / 8]; BATCH],
        }
    }

    /// Sends all of `batch`. `failed` is told of each datagram that the kernel refused; a full send buffer counts as refused, as for
    /// any datagram that is lost on the way.
    pub fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        buffer: &[u8],
        batch: &[Outgoing],
        mut failed: impl FnMut(&Outgoing, Errno),
    ) {
        for chunk in batch.chunks(BATCH) {
            for (index, outgoing) in chunk.iter().enumerate() {
                self.prepare(index, buffer, outgoing);
            }
            let mut done = 0;
            while done < chunk.len() {
                // SAFETY: headers `done..chunk.len()` were prepared above; the payload pointers point into `buffer`, which outlives
                // the call, and the kernel only reads through them.
                let sent = unsafe {
                    libc::sendmmsg(
                        socket.as_raw_fd(),
                        self.headers[done..].as_mut_ptr(),
                        (chunk.len() - done) as u32,
                        (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
                    )
                };
                if sent > 0 {
                    done += sent as usize;
                    continue;
                }
                let errno = Errno::last();
                if errno != Errno::EINTR {
                    failed(&chunk[done], errno);
                    done += 1;
                }
            }
        }
    }

    fn prepare(&mut self, index: usize, buffer: &[u8], outgoing: &Outgoing) {
        let payload = &buffer[outgoing.bytes.clone()];
        self.parts[index] = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
        let name_length = write_address(&mut self.names[index], outgoing.peer);
        let header = &mut self.headers[index].msg_hdr;
        header.msg_name = (&raw mut self.names[index]).cast();
        header.msg_namelen = name_length;
        header.msg_iov = &raw mut self.parts[index];
        header.msg_iovlen = 1;
        header.msg_flags = 0;
        header.msg_control = self.controls[index].as_mut_ptr().cast();
        header.msg_controllen = CONTROL_BYTES as _;
        // SAFETY: the control pointer is this index's array of CONTROL_BYTES, enough for either structure with its header
        // (checked by the assertions below); CMSG_DATA stays inside it.
        unsafe {
            let item = libc::CMSG_FIRSTHDR(header);
            match (outgoing.peer, outgoing.local) {
                (SocketAddr::V4(_), local) => {
                    let source = match local {
                        IpAddr::V4(address) => u32::from(address).to_be(),
                        IpAddr::V6(_) => 0,
                    };
                    let info = libc::in_pktinfo {
                        ipi_ifindex: outgoing.interface as i32,
                        ipi_spec_dst: libc::in_addr { s_addr: source },
                        ipi_addr: libc::in_addr { s_addr: 0 },
                    };
                    put_control(header, item, libc::IPPROTO_IP, libc::IP_PKTINFO, info);
                }
                (SocketAddr::V6(_), local) => {
                    let source = match local {
                        IpAddr::V6(address) => address.octets(),
                        IpAddr::V4(_) => [0; 16],
                    };
                    let info = libc::in6_pktinfo {
                        ipi6_addr: libc::in6_addr { s6_addr: source },
                        ipi6_ifindex: outgoing.interface,
                    };
                    put_control(header, item, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
                }
            }
        }
    }
}

/// Writes one control message and sets the control length to it.
///
/// # Safety
/// `item` must be the first control header of `header`, with room for a `T`.
unsafe fn put_control<T>(header: &mut libc::msghdr, item: *mut libc::cmsghdr, level: i32, kind: i32, value: T) {
    const { assert!(size_of::<T>() + size_of::<libc::cmsghdr>() + 8 <= CONTROL_BYTES) };
    // SAFETY: by contract there is room for the header and the value.
    unsafe {
        (*item).cmsg_level = level;
        (*item).cmsg_type = kind;
        (*item).cmsg_len = libc::CMSG_LEN(size_of::<T>() as u32) as _;
        libc::CMSG_DATA(item).cast::<T>().write_unaligned(value);
        header.msg_controllen = libc::CMSG_SPACE(size_of::<T>() as u32) as _;
    }
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which structure the kernel wrote, and the storage is large enough and aligned for it.
            let v4 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddr::V6(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id)))
        }
        _ => None,
    }
}

fn write_address(name: &mut libc::sockaddr_storage, address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(v4) => {
            let value = libc::sockaddr_in {
                sin_family: libc::AF_INET as u16,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*v4.ip()).to_be() },
                sin_zero: [0; 8],
            };
            // SAFETY: the storage is large enough and aligned for every socket address.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in>().write(value) };
            size_of::<libc::sockaddr_in>() as u32
        }
        SocketAddr::V6(v6) => {
            let value = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as u16,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            // SAFETY: as above.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in6>().write(value) };
            size_of::<libc::sockaddr_in6>() as u32
        }
    }
}
