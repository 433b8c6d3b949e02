//! Interfaces and addresses: as they are now, and word that they have changed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use ipc::link::Interface;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::{
    AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, SockaddrLike as _, SockaddrStorage, bind, socket,
};

use crate::config::{BindMode, Process};

/// The interfaces there are, each marked with what the configuration lets it serve.
pub fn list(process: &Process) -> Result<Vec<Interface>, Errno> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for entry in getifaddrs()? {
        if !entry.flags.contains(InterfaceFlags::IFF_UP) {
            continue;
        }
        let position = match interfaces.iter().position(|known| known.name == entry.interface_name) {
            Some(position) => position,
            None => {
                // It may be gone again already.
                let Ok(index) = if_nametoindex(entry.interface_name.as_str()) else { continue };
                let loopback = entry.flags.contains(InterfaceFlags::IFF_LOOPBACK);
                interfaces.push(Interface {
                    index,
                    mtu: mtu(&entry.interface_name),
                    name: entry.interface_name,
                    addresses: Vec::new(),
                    loopback,
                    serves_dns: false,
                    serves_dhcp: false,
                    serves_tftp: false,
                });
                interfaces.len() - 1
            }
        };
        if let Some(address) = entry.address.as_ref().and_then(ip) {
            let prefix = entry.netmask.as_ref().and_then(ip).map_or(if address.is_ipv4() { 32 } else { 128 }, ones);
            interfaces[position].addresses.push((address, prefix));
        }
    }
    for interface in &mut interfaces {
        interface.serves_dns = served(process, interface);
        // Over loopback nobody gets an address, but asks for the time that is left of one (`dhcp_lease_time`).
        let dhcp = interface.serves_dns && !any(&process.no_dhcp_interfaces, &interface.name);
        interface.serves_dhcp = dhcp && !any(&process.no_dhcpv4_interfaces, &interface.name);
        let listed = process.tftp_interfaces.is_empty() || any(&process.tftp_interfaces, &interface.name);
        let tftp = served(process, interface) || any(&process.tftp_interfaces, &interface.name);
        interface.serves_tftp = tftp && listed && !any(&process.no_dhcp_interfaces, &interface.name);
    }
    Ok(interfaces)
}

/// `interface`, `except-interface` and `listen-address` for one interface. Loopback is always allowed beside an `interface` list.
fn served(process: &Process, interface: &Interface) -> bool {
    let by_address = interface.addresses.iter().any(|(address, _)| process.listen_addresses.contains(address));
    if any(&process.except_interfaces, &interface.name) {
        return by_address;
    }
    let unrestricted = process.interfaces.is_empty() && process.listen_addresses.is_empty();
    let loopback = interface.loopback && !process.interfaces.is_empty();
    unrestricted || loopback || by_address || any(&process.interfaces, &interface.name)
}

fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.split_once('*') {
        Some((start, _)) => name.starts_with(start),
        None => pattern == name,
    })
}

/// The addresses that listening sockets are bound to when the wildcard is not (`bind-interfaces`, `bind-dynamic`).
pub fn bound_addresses(process: &Process, interfaces: &[Interface]) -> Vec<(IpAddr, u32)> {
    debug_assert!(process.bind != BindMode::Wildcard);
    let only_listed = process.interfaces.is_empty() && !process.listen_addresses.is_empty();
    let mut bound = Vec::new();
    for interface in interfaces.iter().filter(|interface| interface.serves_dns) {
        let named = any(&process.interfaces, &interface.name) || interface.loopback;
        for (address, _) in &interface.addresses {
            let listed = process.listen_addresses.contains(address);
            let excepted = any(&process.except_interfaces, &interface.name);
            let wanted =
                if only_listed || excepted { listed } else { listed || process.interfaces.is_empty() || named };
            if wanted {
                bound.push((*address, interface.index));
            }
        }
    }
    bound
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    match address.family()? {
        AddressFamily::Inet => address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip())),
        AddressFamily::Inet6 => address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())),
        _ => None,
    }
}

fn ones(mask: IpAddr) -> u8 {
    match mask {
        IpAddr::V4(mask) => u32::from(mask).count_ones() as u8,
        IpAddr::V6(mask) => u128::from(mask).count_ones() as u8,
    }
}

/// Asked by ioctl, which needs no file.
#[expect(unsafe_code, reason = "SIOCGIFMTU has no safe wrapper")]
fn mtu(name: &str) -> u32 {
    const ETHERNET: u32 = 1500;
    let flags = SockFlag::SOCK_CLOEXEC;
    let Ok(any) = socket(AddressFamily::Inet, SockType::Datagram, flags, None) else { return ETHERNET };
    // SAFETY: the request is zero-initialised, its name is cut to leave a final NUL, and the kernel writes within it.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().take(15).zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        if libc::ioctl(any.as_raw_fd(), libc::SIOCGIFMTU as _, &raw mut request) == 0 {
            request.ifr_ifru.ifru_mtu.max(0) as u32
        } else {
            ETHERNET
        }
    }
}

/// A socket that becomes readable when a link or an address comes or goes. What it says is not read: [`list`] asks anew.
pub fn monitor() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
    let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;
    bind(netlink.as_raw_fd(), &NetlinkAddr::new(0, groups as u32))?;
    Ok(netlink)
}

/// A socket on which the kernel tells of neighbors that come and go, for the net worker.
pub fn neighbor_monitor() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
    bind(netlink.as_raw_fd(), &NetlinkAddr::new(0, libc::RTMGRP_NEIGH as u32))?;
    Ok(netlink)
}

/// Throws away what the monitor has to say.
pub fn drain(monitor: &OwnedFd) {
    let mut buffer = [0; 4096];
    // ENOBUFS says that some word was lost, which is fine: there is more to read then, or nothing.
    while matches!(nix::unistd::read(monitor, &mut buffer), Ok(1..) | Err(Errno::ENOBUFS)) {}
}

/// Is this one of our own addresses?
pub fn owns(interfaces: &[Interface], address: IpAddr) -> bool {
    interfaces.iter().any(|interface| interface.addresses.iter().any(|(own, _)| *own == address))
}

/// The wildcard address of the family of `address`.
pub fn wildcard_like(address: SocketAddr) -> IpAddr {
    match address {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}
