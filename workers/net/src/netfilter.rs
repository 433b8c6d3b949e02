//! What the messages of netfilter's subsystems have in common (`linux/netfilter/nfnetlink.h`): a type that names the subsystem, and a
//! fixed part of four bytes: address family, version, and a number in network byte order.

use std::net::IpAddr;

use crate::netlink::begin;

/// Bytes of the fixed part.
pub(crate) const FIXED: usize = 4;
/// Address families (`linux/netfilter.h`).
pub(crate) const IPV4: u8 = 2;
pub(crate) const IPV6: u8 = 10;

/// Begins a message of a subsystem.
pub(crate) fn begin_for(
    out: &mut Vec<u8>,
    (subsystem, message): (u8, u8),
    flags: u16,
    sequence: u32,
    family: u8,
) -> usize {
    let start = begin(out, u16::from_be_bytes([subsystem, message]), flags, sequence);
    out.extend_from_slice(&[family, 0, 0, 0]);
    start
}

/// The type of a message of a subsystem.
pub(crate) const fn kind((subsystem, message): (u8, u8)) -> u16 {
    u16::from_be_bytes([subsystem, message])
}

/// The family of an address.
pub(crate) fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { IPV4 } else { IPV6 }
}

/// The bytes of an address.
pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
