//! Listening sockets: bound from the configuration, or adopted from the service manager.
//!
//! They are made once, while privileged, and the parent keeps them for its whole life: a worker gets copies, so that its
//! death or replacement costs no datagram that the kernel has queued.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use ipc::boot::Place;
use ipc::config::dhcp::DhcpSlice;
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

/// Where PXE clients ask for boot files (the PXE specification, section 2.2.3).
const PXE_PORT: u16 = 4011;

/// One listening socket and the role that serves it.
pub struct Listening {
    /// Who serves it.
    pub role: Role,
    /// What it is to the worker.
    pub place: Place,
    /// The socket.
    pub socket: OwnedFd,
    /// Where it is bound; `None` if that is not for us to change: it is the service manager's, or listens for DHCP.
    at: Option<SocketAddr>,
}

/// A socket that the configuration asks for, with the interfaces as they are.
struct Wanted {
    role: Role,
    place: Place,
    at: SocketAddr,
    /// How error messages name the address.
    label: String,
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
    let adopted: Vec<Role> = sockets.iter().map(|listening| listening.role).collect();
    if config.dhcp.is_some() && !adopted.contains(&Role::Dhcp) {
        sockets.push(open_dhcp(config, interfaces)?);
    }
    if config.dhcp.as_ref().is_some_and(|dhcp| dhcp.pxe.enabled) {
        // Behind the server socket, which its worker takes the first one for.
        sockets.push(open_dhcp_port(config, interfaces, PXE_PORT)?);
    }
    for wanted in wanted(config, interfaces).iter().filter(|wanted| !adopted.contains(&wanted.role)) {
        sockets.extend(wanted.open().map_err(|errno| wanted.failed(errno))?);
    }
    Ok(sockets)
}

/// What following the interfaces has led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Roles whose sockets are others now.
    pub roles: BTreeSet<Role>,
    /// Sockets that could not be made.
    pub failures: Vec<String>,
}

/// `bind-dynamic`: closes sockets whose address is gone, and makes those for addresses that have come.
pub fn follow(config: &Config, interfaces: &[Interface], sockets: &mut Vec<Listening>) -> Followed {
    let mut followed = Followed::default();
    let wanted = wanted(config, interfaces);
    let is_wanted = |listening: &Listening| {
        let matches = |at| wanted.iter().any(|wanted| wanted.fits(listening) && wanted.at == at);
        listening.at.is_none_or(matches)
    };
    sockets.retain(|listening| {
        let keep = is_wanted(listening);
        if !keep {
            followed.roles.insert(listening.role);
        }
        keep
    });
    for wanted in wanted {
        let adopted = |listening: &Listening| listening.role == wanted.role && listening.at.is_none();
        let there = |listening: &Listening| wanted.fits(listening) && listening.at == Some(wanted.at);
        if sockets.iter().any(|listening| adopted(listening) || there(listening)) {
            continue;
        }
        match wanted.open() {
            Ok(made) => {
                followed.roles.extend(made.as_ref().map(|listening| listening.role));
                sockets.extend(made);
            }
            Err(errno) => followed.failures.push(wanted.failed(errno).text),
        }
    }
    followed
}

/// The sockets of DNS and TFTP.
fn wanted(config: &Config, interfaces: &[Interface]) -> Vec<Wanted> {
    let process = &config.process;
    let mut wanted = Vec::new();
    let mut add = |role, port, (address, label): (SocketAddr, String), places: &[Place]| {
        let at = with_scope(SocketAddr::new(address.ip(), port), &address);
        wanted.extend(places.iter().map(|place| Wanted { role, place: *place, at, label: label.clone() }));
    };
    if process.port != 0 {
        for address in dns_addresses(process, interfaces) {
            add(Role::Dns, process.port, address, &[Place::Datagram, Place::Listener]);
        }
    }
    if config.tftp.is_some() {
        for address in tftp_addresses(process, interfaces) {
            add(Role::Tftp, TFTP_PORT, address, &[Place::Datagram]);
        }
    }
    wanted
}

impl Wanted {
    fn fits(&self, listening: &Listening) -> bool {
        (self.role, self.place) == (listening.role, listening.place)
    }

    /// Makes it. `None` in a family that the kernel lacks, which is skipped silently, as in dnsmasq.
    fn open(&self) -> Result<Option<Listening>, Errno> {
        let stream = self.place == Place::Listener;
        let made = bound(self.at, if stream { SockType::Stream } else { SockType::Datagram }, true);
        let made = made.and_then(|socket| {
            if stream {
                listen(&socket, Backlog::new(BACKLOG)?)?;
            }
            Ok(Listening { role: self.role, place: self.place, socket, at: Some(self.at) })
        });
        match made {
            Err(Errno::EAFNOSUPPORT) => Ok(None),
            made => made.map(Some),
        }
    }

    fn failed(&self, errno: Errno) -> Failure {
        failed(&self.label, errno, self.place == Place::Listener, self.at.port())
    }
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
    open_dhcp_port(config, interfaces, config.dhcp.as_ref().map_or(67, |dhcp| dhcp.server_port))
}

fn open_dhcp_port(config: &Config, interfaces: &[Interface], port: u16) -> Result<Listening, Failure> {
    let at = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let fail = |errno: Errno| {
        let remedy = remedy(errno, false, port);
        Failure::network(format!("failed to bind DHCP server socket: {}", errno.desc()))
            .about(&["dhcp-alternate-port"], port)
            .maybe_remedy(remedy)
    };
    let socket = bound(at, SockType::Datagram, config.process.bind != BindMode::Wildcard).map_err(fail)?;
    setsockopt(&socket, sockopt::Broadcast, &true).map_err(fail)?;
    // What comes in through an alias of a bridge does not come in through the bridge, nor replies to a relay from its clients' side.
    let bridged =
        |dhcp: &DhcpSlice| !dhcp.bridges.is_empty() || !dhcp.relays.is_empty() || !dhcp.split_relays.is_empty();
    let bridged = config.dhcp.as_ref().is_some_and(bridged);
    if let Some(only) = only_dhcp_interface(&config.process, interfaces).filter(|_| !bridged) {
        setsockopt(&socket, sockopt::BindToDevice, &only.into()).map_err(fail)?;
    }
    Ok(Listening { role: Role::Dhcp, place: Place::Datagram, socket, at: None })
}

/// With a bind option and exactly one interface, named in full, DHCP is tied to the device.
pub fn only_dhcp_interface(process: &Process, interfaces: &[Interface]) -> Option<String> {
    let mut serving = interfaces.iter().filter(|interface| interface.serves_dhcp && !interface.loopback);
    match (process.bind, &process.interfaces[..], serving.next(), serving.next()) {
        (BindMode::Wildcard, ..) => None,
        (_, [name], Some(only), None) if *name == only.name => Some(only.name.clone()),
        _ => None,
    }
}

fn tftp_addresses(process: &Process, interfaces: &[Interface]) -> Vec<(SocketAddr, String)> {
    if process.bind == BindMode::Wildcard {
        let label = format!("port {TFTP_PORT}");
        return vec![
            (SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0), label.clone()),
            (SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), label),
        ];
    }
    let serving = interfaces.iter().filter(|interface| interface.serves_tftp);
    serving
        .flat_map(|interface| interface.addresses.iter().map(|(ip, _)| (scoped(*ip, interface.index), ip.to_string())))
        .collect()
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
        .filter(|role| *role != Role::Net)
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
        Role::Net => 0,
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
    Ok(Listening { role, place, socket, at: None })
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
