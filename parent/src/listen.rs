//! Listening sockets: bound from the configuration, or adopted from the service manager.
//!
//! They are made once, while privileged, and the parent keeps them for its whole life: a worker gets copies, so that its
//! death or replacement costs no datagram that the kernel has queued.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use ipc::boot::Place;
use ipc::link::Interface;
use ipc::role::Role;
use nix::errno::Errno;
use nix::sys::socket::sockopt;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, getsockname, getsockopt, listen, setsockopt,
    socket,
};

use crate::config::{BindMode, Config, Process};
use crate::failure::Failure;
use crate::holder;
use crate::{interfaces, path_mtu};

/// Kernel receive buffer of each UDP socket, in bytes: it carries us through a hand-over. No memory is used before data comes.
const RECEIVE_BYTES: usize = 4 * 1024 * 1024;
/// Waiting connections, as in dnsmasq.
const BACKLOG: i32 = 32;
/// The TFTP port (RFC 1350).
const TFTP_PORT: u16 = 69;

/// One listening socket and the role that serves it.
pub struct Listening {
    /// Who serves it.
    pub role: Role,
    /// What it is to the worker.
    pub place: Place,
    /// The socket.
    pub socket: OwnedFd,
}

/// Binds everything that the configuration asks for, except what `adopted` (sockets of the service manager) already covers.
pub fn open(
    config: &Config,
    interfaces: &[Interface],
    adopted: Vec<(String, OwnedFd)>,
) -> Result<Vec<Listening>, Failure> {
    let process = &config.process;
    check_interfaces(process, interfaces)?;
    let mut sockets = Vec::new();
    for (name, socket) in adopted {
        sockets.push(adopt(config, &name, socket)?);
    }
    let has = |sockets: &[Listening], role| sockets.iter().any(|listening| listening.role == role);
    if process.port != 0 && !has(&sockets, Role::Dns) {
        open_dns(process, interfaces, &mut sockets)?;
    }
    if config.dhcp.is_some() && !has(&sockets, Role::Dhcp) {
        sockets.push(open_dhcp(config, interfaces)?);
    }
    if config.tftp.is_some() && !has(&sockets, Role::Tftp) {
        open_tftp(process, interfaces, &mut sockets)?;
    }
    Ok(sockets)
}

/// Interfaces that are named but not there: fatal when sockets are bound one by one, else the caller warns.
fn check_interfaces(process: &Process, interfaces: &[Interface]) -> Result<(), Failure> {
    if process.bind != BindMode::Interfaces {
        return Ok(());
    }
    match missing_interfaces(process, interfaces).first() {
        Some(name) => Err(Failure::network(format!("unknown interface {name}"))
            .about(&["interface"], name)
            .remedy("bring the interface up first, or use bind-dynamic instead of bind-interfaces")),
        None => Ok(()),
    }
}

/// The named interfaces that do not exist now.
pub fn missing_interfaces<'a>(process: &'a Process, interfaces: &[Interface]) -> Vec<&'a str> {
    let known =
        |name: &&String| !name.is_empty() && !name.contains('*') && !interfaces.iter().any(|i| i.name == **name);
    process.interfaces.iter().filter(known).map(String::as_str).collect()
}

fn open_dns(process: &Process, interfaces: &[Interface], sockets: &mut Vec<Listening>) -> Result<(), Failure> {
    for (address, label) in dns_addresses(process, interfaces) {
        let at = SocketAddr::new(address.ip(), process.port);
        let at = with_scope(at, &address);
        for (place, kind) in [(Place::Datagram, SockType::Datagram), (Place::Listener, SockType::Stream)] {
            let made = bound(at, kind, true).and_then(|socket| {
                if kind == SockType::Stream {
                    listen(&socket, Backlog::new(BACKLOG)?)?;
                }
                Ok(socket)
            });
            match made {
                Ok(socket) => sockets.push(Listening { role: Role::Dns, place, socket }),
                // A family that the kernel lacks is skipped silently, as in dnsmasq.
                Err(Errno::EAFNOSUPPORT) => {}
                Err(errno) => return Err(failed(&label, errno, kind == SockType::Stream, process.port)),
            }
        }
    }
    Ok(())
}

/// Addresses to bind with their name in error messages.
fn dns_addresses(process: &Process, interfaces: &[Interface]) -> Vec<(SocketAddr, String)> {
    if process.bind == BindMode::Wildcard {
        let label = format!("port {}", process.port);
        let v4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let v6 = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
        return vec![(v4, label.clone()), (v6, label)];
    }
    let bound = interfaces::bound_addresses(process, interfaces);
    let mut addresses: Vec<_> = bound.into_iter().map(|(ip, index)| (scoped(ip, index), ip.to_string())).collect();
    // A listen address that is not there yet is an error at the bind, which names it.
    for address in &process.listen_addresses {
        if process.bind == BindMode::Interfaces && !interfaces::owns(interfaces, *address) {
            addresses.push((SocketAddr::new(*address, 0), address.to_string()));
        }
    }
    addresses
}

fn scoped(ip: IpAddr, index: u32) -> SocketAddr {
    match ip {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => SocketAddr::V6(SocketAddrV6::new(v6, 0, 0, index)),
        ip => SocketAddr::new(ip, 0),
    }
}

fn with_scope(at: SocketAddr, from: &SocketAddr) -> SocketAddr {
    match (at, from) {
        (SocketAddr::V6(mut at), SocketAddr::V6(from)) => {
            at.set_scope_id(from.scope_id());
            SocketAddr::V6(at)
        }
        (at, _) => at,
    }
}

fn open_dhcp(config: &Config, interfaces: &[Interface]) -> Result<Listening, Failure> {
    let port = config.dhcp.as_ref().map_or(67, |dhcp| dhcp.server_port);
    let at = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let fail = |errno: Errno| {
        let remedy = remedy(errno, false, port);
        Failure::network(format!("failed to bind DHCP server socket: {}", errno.desc()))
            .about(&["dhcp-alternate-port"], port)
            .maybe_remedy(remedy)
    };
    let socket = bound(at, SockType::Datagram, config.process.bind != BindMode::Wildcard).map_err(fail)?;
    setsockopt(&socket, sockopt::Broadcast, &true).map_err(fail)?;
    if let Some(only) = only_dhcp_interface(&config.process, interfaces) {
        setsockopt(&socket, sockopt::BindToDevice, &only.into()).map_err(fail)?;
    }
    Ok(Listening { role: Role::Dhcp, place: Place::Datagram, socket })
}

/// With a bind option and exactly one interface, named in full, DHCP is tied to the device.
pub fn only_dhcp_interface(process: &Process, interfaces: &[Interface]) -> Option<String> {
    let mut serving = interfaces.iter().filter(|interface| interface.serves_dhcp);
    match (process.bind, &process.interfaces[..], serving.next(), serving.next()) {
        (BindMode::Wildcard, ..) => None,
        (_, [name], Some(only), None) if *name == only.name => Some(only.name.clone()),
        _ => None,
    }
}

fn open_tftp(process: &Process, interfaces: &[Interface], sockets: &mut Vec<Listening>) -> Result<(), Failure> {
    let addresses = if process.bind == BindMode::Wildcard {
        let label = format!("port {TFTP_PORT}");
        vec![
            (SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0), label.clone()),
            (SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), label),
        ]
    } else {
        let serving = interfaces.iter().filter(|interface| interface.serves_tftp);
        serving
            .flat_map(|interface| {
                interface.addresses.iter().map(|(ip, _)| (scoped(*ip, interface.index), ip.to_string()))
            })
            .collect()
    };
    for (address, label) in addresses {
        let at = with_scope(SocketAddr::new(address.ip(), TFTP_PORT), &address);
        match bound(at, SockType::Datagram, true) {
            Ok(socket) => sockets.push(Listening { role: Role::Tftp, place: Place::Datagram, socket }),
            Err(Errno::EAFNOSUPPORT) => {}
            Err(errno) => return Err(failed(&label, errno, false, TFTP_PORT)),
        }
    }
    Ok(())
}

/// A bound socket with everything set that only the privileged side can set, or that must be set before data comes.
fn bound(at: SocketAddr, kind: SockType, reuse: bool) -> Result<OwnedFd, Errno> {
    let family = if at.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, kind, flags, None)?;
    if reuse {
        setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    }
    if at.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    prepare(socket.as_fd(), at.is_ipv4(), kind)?;
    if at.is_ipv6() && !at.ip().is_unspecified() {
        bind_before_detection(&socket)?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(at))?;
    Ok(socket)
}

/// Lets an IPv6 address be bound while it is still checked for duplicates (RFC 4862 section 5.4). dnsmasq waits for that; binding early serves
/// from the moment the check is over, without a wait.
#[expect(unsafe_code, reason = "IPV6_FREEBIND has no safe wrapper")]
fn bind_before_detection(socket: &OwnedFd) -> Result<(), Errno> {
    let one: libc::c_int = 1;
    // SAFETY: the value lives across the call.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IPV6,
            libc::IPV6_FREEBIND,
            (&raw const one).cast(),
            size_of::<libc::c_int>() as u32,
        )
    };
    Errno::result(done).map(drop)
}

/// Options that workers rely on and cannot set themselves.
fn prepare(socket: BorrowedFd<'_>, v4: bool, kind: SockType) -> Result<(), Errno> {
    if kind != SockType::Datagram {
        return Ok(());
    }
    path_mtu::ignore(socket, v4)?;
    if v4 {
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
    } else {
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    }
    if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BYTES).is_err() {
        // Without CAP_NET_ADMIN the system's limit applies.
        setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BYTES)?;
    }
    Ok(())
}

/// Takes over a socket of the service manager. Its name says which role it is for, and its address must be one that we would bind.
fn adopt(config: &Config, name: &str, socket: OwnedFd) -> Result<Listening, Failure> {
    let fail = |what: String| Failure::network(format!("socket {name} of the service manager: {what}"));
    let role = Role::ALL
        .into_iter()
        .find(|role| name == role.word() || name.starts_with(&format!("{}-", role.word())))
        .ok_or_else(|| {
            fail("its name is not dns, dhcp or tftp".to_owned()).remedy("set FileDescriptorName= in the socket unit")
        })?;
    let kind = getsockopt(&socket, sockopt::SockType).map_err(|errno| fail(errno.desc().to_owned()))?;
    let address: SockaddrStorage = getsockname(socket.as_raw_fd()).map_err(|errno| fail(errno.desc().to_owned()))?;
    let (port, v4) = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => (v4.port(), true),
        (_, Some(v6)) => (v6.port(), false),
        _ => return Err(fail("it is no internet socket".to_owned())),
    };
    let expected = match role {
        Role::Dns => config.process.port,
        Role::Dhcp => config.dhcp.as_ref().map_or(0, |dhcp| dhcp.server_port),
        Role::Tftp => u16::from(config.tftp.is_some()) * TFTP_PORT,
    };
    if port != expected {
        return Err(fail(format!("it is bound to port {port}, but the configuration says {expected}"))
            .remedy("make the socket unit and the configuration agree"));
    }
    let place = match (role, kind) {
        (Role::Dns, SockType::Stream) => Place::Listener,
        (_, SockType::Datagram) => Place::Datagram,
        _ => return Err(fail("it is neither a datagram nor a listening stream socket of that service".to_owned())),
    };
    let options = prepare(socket.as_fd(), v4, kind)
        .and_then(|()| {
            nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK)).map(drop)
        })
        .and_then(|()| {
            nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC)).map(drop)
        })
        .and_then(|()| if role == Role::Dhcp { setsockopt(&socket, sockopt::Broadcast, &true) } else { Ok(()) });
    options.map_err(|errno| fail(errno.desc().to_owned()))?;
    Ok(Listening { role, place, socket })
}

fn failed(label: &str, errno: Errno, tcp: bool, port: u16) -> Failure {
    let text = format!("failed to create listening socket for {label}: {}", errno.desc());
    let failure = Failure::network(text).maybe_remedy(remedy(errno, tcp, port));
    // The label is an address, or else it names the port.
    if label.parse::<IpAddr>().is_ok() {
        failure.about(&["listen-address"], label)
    } else {
        failure.about(&["port"], port)
    }
}

fn remedy(errno: Errno, tcp: bool, port: u16) -> Option<String> {
    match errno {
        Errno::EADDRINUSE => Some(match holder::of(port, tcp) {
            Some(holder) => format!(
                "port {port} is held by {holder}; stop it, or serve other addresses with listen-address and bind-interfaces"
            ),
            None => format!("something holds port {port}; `ss -lunpt` shows what"),
        }),
        Errno::EACCES => {
            Some("ports below 1024 need root, CAP_NET_BIND_SERVICE, or sockets from the service manager".to_owned())
        }
        Errno::EADDRNOTAVAIL => Some("no interface has this address; bind-dynamic waits for it".to_owned()),
        _ => None,
    }
}
