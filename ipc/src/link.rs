//! Interfaces and hardware addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

/// A network interface as the parent sees it now. The parent sends the whole list whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Kernel index.
    pub index: u32,
    /// Name, at most 15 bytes.
    pub name: String,
    /// Addresses with their prefix lengths, in kernel order.
    pub addresses: Vec<(IpAddr, u8)>,
    /// MTU in bytes.
    pub mtu: u32,
    /// True for the loopback interface.
    pub loopback: bool,
    /// May DNS queries be served that arrive here (`interface`, `except-interface`)?
    pub serves_dns: bool,
    /// May DHCP be served here (`no-dhcp-interface` and the above)?
    pub serves_dhcp: bool,
    /// May TFTP be served here (`enable-tftp=IF`, and the above)?
    pub serves_tftp: bool,
}

impl Interface {
    /// The IPv4 addresses with their netmasks.
    pub fn addresses4(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.addresses.iter().filter_map(|(address, length)| match address {
            IpAddr::V4(address) => Some((*address, netmask4(*length))),
            IpAddr::V6(_) => None,
        })
    }
}

/// The netmask of this length.
pub fn netmask4(length: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0))
}

/// A hardware address as in a BOOTP header (RFC 951: `htype`, `hlen`, `chaddr`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HardwareAddress {
    /// ARP hardware type; 1 is Ethernet.
    pub kind: u8,
    /// Number of bytes in use, at most 16.
    pub length: u8,
    /// The bytes; those from `length` on are zero.
    pub bytes: [u8; 16],
}

impl HardwareAddress {
    /// Builds from the bytes in use; `None` when there are more than 16.
    pub fn new(kind: u8, used: &[u8]) -> Option<HardwareAddress> {
        let mut bytes = [0; 16];
        bytes.get_mut(..used.len())?.copy_from_slice(used);
        Some(HardwareAddress { kind, length: used.len() as u8, bytes })
    }

    /// The bytes in use.
    pub fn used(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length).min(16)]
    }
}

/// The text of logs and of the lease file: lower-case hex with colons; a type other than Ethernet in front, as `06-`.
impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != 1 {
            write!(f, "{:02x}-", self.kind)?;
        }
        for (position, byte) in self.used().iter().enumerate() {
            write!(f, "{}{byte:02x}", if position == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netmasks_have_their_length() {
        assert_eq!(netmask4(0), Ipv4Addr::UNSPECIFIED);
        assert_eq!(netmask4(24), Ipv4Addr::new(255, 255, 255, 0));
        assert_eq!(netmask4(32), Ipv4Addr::BROADCAST);
    }
}
