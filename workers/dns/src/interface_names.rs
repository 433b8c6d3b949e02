//! `interface-name` and `dynamic-host`: names whose addresses are those of an interface, or lie in its networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipc::config::record::{Families, InterfaceHost, InterfaceName};
use ipc::link::Interface;

use crate::hash::{Map, SeededState};
use crate::known::{Ancestors, Table};
use crate::name::Name;

/// The names, and what they stand for now.
#[derive(Debug)]
pub(crate) struct InterfaceNames {
    /// In the order written.
    configured: Vec<InterfaceName>,
    /// By name in wire form, lower case. A name whose interface is missing is here too, without addresses.
    names: Map<Box<[u8]>, Vec<IpAddr>>,
    reverse: Map<IpAddr, Name>,
}

impl InterfaceNames {
    pub fn new(
        configured: &[InterfaceName],
        names: SeededState,
        reverse: SeededState,
        ancestors: &mut Ancestors,
    ) -> InterfaceNames {
        let mut table = InterfaceNames {
            configured: configured.to_vec(),
            names: Map::with_hasher(names),
            reverse: Map::with_hasher(reverse),
        };
        table.update(&[]);
        table.names.keys().for_each(|name| ancestors.add(name, Table::Configuration));
        table
    }

    /// Works out all addresses anew.
    pub fn update(&mut self, interfaces: &[Interface]) {
        self.names.clear();
        self.reverse.clear();
        let mut before = None;
        for line in &self.configured {
            // Of lines about one interface that stand together, the first says how its addresses are called.
            let first = before.replace(&line.interface) != Some(&line.interface);
            let Some(name) = Name::from_text(line.name.as_bytes()) else { continue };
            let addresses = self.names.entry(name.lowered().wire().into()).or_default();
            let own = interfaces.iter().filter(|interface| interface.name == line.interface);
            for (own, bits) in own.flat_map(|interface| interface.addresses.iter().copied()) {
                let Some(address) = address(&line.addresses, own, bits) else { continue };
                addresses.push(address);
                if first {
                    self.reverse.entry(address).or_insert(name);
                }
            }
        }
    }

    /// The addresses of this name (wire form, lower case), if it is one of these names. It then has no other addresses.
    pub fn addresses(&self, name: &[u8]) -> Option<&[IpAddr]> {
        if self.configured.is_empty() {
            return None;
        }
        self.names.get(name).map(Vec::as_slice)
    }

    /// The name of an address of an interface.
    pub fn name(&self, address: IpAddr) -> Option<&Name> {
        self.reverse.get(&address)
    }
}

fn address(wanted: &InterfaceHost, own: IpAddr, bits: u8) -> Option<IpAddr> {
    match (wanted, own) {
        // Nobody else could use it.
        (_, IpAddr::V6(v6)) if v6.is_unicast_link_local() => None,
        (InterfaceHost::Same(Families::Both), _)
        | (InterfaceHost::Same(Families::Ipv4), IpAddr::V4(_))
        | (InterfaceHost::Same(Families::Ipv6), IpAddr::V6(_)) => Some(own),
        (InterfaceHost::Within { ipv4: Some(host), .. }, IpAddr::V4(net)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            Some(Ipv4Addr::from(u32::from(net) & mask | u32::from(*host) & !mask).into())
        }
        (InterfaceHost::Within { ipv6: Some(host), .. }, IpAddr::V6(net)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            Some(Ipv6Addr::from(u128::from(net) & mask | u128::from(*host) & !mask).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_interface() {
        let line = |name: &str, addresses| InterfaceName { name: name.into(), interface: "eth0".into(), addresses };
        let within = InterfaceHost::Within { ipv4: Some([0, 0, 0, 9].into()), ipv6: "::9".parse().ok() };
        let lines = [
            line("I.lan", InterfaceHost::Same(Families::Both)),
            line("v4.lan", InterfaceHost::Same(Families::Ipv4)),
            line("dyn.lan", within),
        ];
        let state = SeededState::new([5; 16]);
        let mut ancestors = Ancestors::new(state.clone());
        let mut table = InterfaceNames::new(&lines, state.clone(), state, &mut ancestors);
        assert!(ancestors.contains(b"\x03lan\0"), "whatever the interface has");
        assert_eq!(table.addresses(b"\x01i\x03lan\0"), Some(&[][..]));
        assert_eq!(table.addresses(b"\x01x\x03lan\0"), None);
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        table.update(&[Interface {
            index: 2,
            name: "eth0".into(),
            addresses: vec![(parse("10.1.0.1"), 24), (parse("fe80::1"), 64), (parse("fd77::1"), 64)],
            mtu: 1500,
            loopback: false,
            serves_dns: true,
            serves_dhcp: false,
            serves_tftp: false,
        }]);
        assert_eq!(table.addresses(b"\x01i\x03lan\0"), Some(&[parse("10.1.0.1"), parse("fd77::1")][..]));
        assert_eq!(table.addresses(b"\x02v4\x03lan\0"), Some(&[parse("10.1.0.1")][..]));
        assert_eq!(table.addresses(b"\x03dyn\x03lan\0"), Some(&[parse("10.1.0.9"), parse("fd77::9")][..]));
        assert_eq!(table.name(parse("fd77::1")), Name::from_text(b"I.lan").as_ref());
        assert_eq!(table.name(parse("10.1.0.9")), None);
    }
}
