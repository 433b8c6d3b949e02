//! Which domain an address belongs to (`domain=`).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::prefix::Prefix;
use crate::link::Interface;

/// The domains of DHCP names and simple host names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domains {
    /// `domain=NAME`.
    pub default: Option<String>,
    /// The other forms of `domain`, in the order in which they are to be tried (the last line of the file first).
    pub conditional: Vec<ConditionalDomain>,
}

/// The domain of some hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionalDomain {
    /// The domain; the empty one is none.
    pub domain: String,
    /// Which hosts.
    pub hosts: DomainHosts,
}

/// Which hosts have a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DomainHosts {
    /// Those with an address from the first to the last, both of one family. If the last comes before the first, none.
    Range(IpAddr, IpAddr),
    /// Those on the networks of this interface.
    Interface {
        /// Its name.
        name: String,
        /// Its networks, as far as [`Domains::follow`] has heard.
        #[serde(skip)]
        networks: Vec<Prefix>,
    },
}

impl Domains {
    /// The domain of `address`, if it has one.
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        match self.conditional.iter().find(|rule| rule.hosts.contains(address)) {
            Some(rule) => Some(rule.domain.as_str()).filter(|domain| !domain.is_empty()),
            None => self.default.as_deref(),
        }
    }

    /// Takes note of the networks that interfaces are on now.
    pub fn follow(&mut self, interfaces: &[Interface]) {
        for rule in &mut self.conditional {
            if let DomainHosts::Interface { name, networks } = &mut rule.hosts {
                let there = interfaces.iter().filter(|interface| interface.name == *name);
                let addresses = there.flat_map(|interface| &interface.addresses);
                *networks = addresses.map(|(address, length)| Prefix::cut(*address, *length)).collect();
            }
        }
    }
}

impl DomainHosts {
    fn contains(&self, address: IpAddr) -> bool {
        match self {
            DomainHosts::Range(first, last) => {
                first.is_ipv4() == address.is_ipv4() && *first <= address && address <= *last
            }
            DomainHosts::Interface { networks, .. } => networks.iter().any(|network| network.contains(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_names_the_domain() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let rule = |domain: &str, hosts| ConditionalDomain { domain: domain.to_owned(), hosts };
        let mut domains = Domains {
            default: Some("rest".to_owned()),
            conditional: vec![
                rule("wire", DomainHosts::Interface { name: "eth0".to_owned(), networks: Vec::new() }),
                rule("", DomainHosts::Range(address("10.6.0.0"), address("10.6.0.255"))),
                rule("range", DomainHosts::Range(address("10.0.0.0"), address("10.255.255.255"))),
            ],
        };
        let of = |domains: &Domains| {
            ["10.5.0.7", "10.6.0.7", "10.7.0.7", "fd00::7", "192.0.2.1"]
                .map(|text| domains.of(address(text)).map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(&domains), [some("range"), None, some("range"), some("rest"), some("rest")]);
        let interface = Interface {
            index: 2,
            name: "eth0".to_owned(),
            addresses: vec![(address("10.5.0.1"), 24), (address("fd00::1"), 64)],
            mtu: 1500,
            loopback: false,
            serves_dns: true,
            serves_dhcp: true,
            serves_tftp: true,
        };
        domains.follow(&[interface]);
        assert_eq!(of(&domains), [some("wire"), None, some("range"), some("wire"), some("rest")]);
        domains.follow(&[]);
        assert_eq!(of(&domains)[0], some("range"));
    }
}
