//! Address prefixes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// An address and how many of its leading bits count. Bits behind those may be set; they mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// The prefix of this length, cut at the width of the address.
    pub fn cut(address: IpAddr, length: u8) -> Prefix {
        let width = if address.is_ipv4() { 32 } else { 128 };
        Prefix { address, length: length.min(width) }
    }

    /// The address, as written.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Leading bits that count: 0 to 32, or 0 to 128.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Does this address lie within?
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length)).unwrap_or(0);
                (u32::from(own) ^ u32::from(other)) & mask == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                (u128::from(own) ^ u128::from(other)) & mask == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_bits_decide() {
        let prefix = |text: &str, length| Prefix::cut(text.parse().unwrap(), length);
        let contains = |prefix: Prefix, text: &str| prefix.contains(text.parse().unwrap());
        assert!(contains(prefix("192.0.2.7", 24), "192.0.2.200") && !contains(prefix("192.0.2.7", 24), "192.0.3.7"));
        assert!(contains(prefix("0.0.0.0", 0), "255.1.1.1") && !contains(prefix("0.0.0.0", 0), "::1"));
        assert!(contains(prefix("fd00::", 8), "fdff::1") && !contains(prefix("::1", 200), "::2"));
    }
}
