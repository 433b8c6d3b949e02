//! Which domain an address belongs to (`domain=`).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The domains of DHCP names and simple host names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domains {
    /// `domain=NAME`.
    pub default: Option<String>,
    /// `domain=NAME,RANGE`, in the order in which they are to be tried (the last line of the file first).
    pub conditional: Vec<DomainRange>,
}

/// One `domain=NAME,RANGE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRange {
    /// The domain.
    pub domain: String,
    /// First address of the range.
    pub first: IpAddr,
    /// Last address of the range.
    pub last: IpAddr,
}

impl Domains {
    /// The domain of `address`, if it has one.
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        let inside =
            |range: &&DomainRange| range.first <= address && address <= range.last && same_family(range.first, address);
        self.conditional.iter().find(inside).map(|range| range.domain.as_str()).or(self.default.as_deref())
    }
}

fn same_family(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}
