//! Names that DHCP published.

use std::net::IpAddr;

use ipc::dns::LeaseName;

use crate::cache_table::{CacheTable, Origin, Row, Value};
use crate::hash::{Map, SeededState};
use crate::known::{Ancestors, Table};
use crate::name::Name;

/// Most leased addresses with a name. The parent bounds leases far below; beyond this a name is not taken.
pub(crate) const LEASES_MAX: usize = 1_000_000;

/// Leased addresses and their names, both ways.
#[derive(Debug)]
pub(crate) struct LeaseNames {
    leases: Map<IpAddr, Lease>,
    names: Map<Box<[u8]>, Vec<IpAddr>>,
}

#[derive(Debug)]
struct Lease {
    /// Wire form, as spelled; the first is what the reverse entry says.
    names: Vec<Box<[u8]>>,
    expires_s: u64,
}

impl LeaseNames {
    pub fn new(leases: SeededState, names: SeededState) -> LeaseNames {
        LeaseNames { leases: Map::with_hasher(leases), names: Map::with_hasher(names) }
    }

    /// Publishes a lease: its name with the domain, and alone unless `dhcp-fqdn` is set.
    pub fn put(&mut self, lease: &LeaseName, fqdn_only: bool, ancestors: &mut Ancestors) {
        self.remove(lease.address, ancestors);
        if self.leases.len() >= LEASES_MAX {
            return;
        }
        let full = lease.domain.as_ref().map(|domain| [lease.name.as_bytes(), b".", domain.as_bytes()].concat());
        let alone = (!fqdn_only).then_some(lease.name.as_bytes());
        let spelled: Vec<Name> = full.as_deref().into_iter().chain(alone).filter_map(Name::from_text).collect();
        let names: Vec<Box<[u8]>> =
            spelled.iter().filter(|name| !name.is_root()).map(|name| name.wire().into()).collect();
        for name in &names {
            let lowered = name.to_ascii_lowercase();
            ancestors.add(&lowered, Table::Leases);
            self.names.entry(lowered.into()).or_default().push(lease.address);
        }
        self.leases.insert(lease.address, Lease { names, expires_s: lease.expires_s });
    }

    /// Forgets the name of an address.
    pub fn remove(&mut self, address: IpAddr, ancestors: &mut Ancestors) {
        let Some(lease) = self.leases.remove(&address) else { return };
        for name in lease.names {
            let lowered = name.to_ascii_lowercase();
            ancestors.remove(&lowered);
            if let Some(addresses) = self.names.get_mut(&*lowered) {
                if let Some(position) = addresses.iter().position(|known| *known == address) {
                    addresses.swap_remove(position);
                }
                if addresses.is_empty() {
                    self.names.remove(&*lowered);
                }
            }
        }
    }

    /// Writes a row for each name of each lease.
    pub fn list(&self, table: &mut CacheTable<'_>) {
        for (address, lease) in &self.leases {
            for (position, name) in lease.names.iter().enumerate() {
                let (value, origin) = (Value::Address(*address), Origin::Lease { expires_s: lease.expires_s });
                let reverse = position == 0;
                table.row(&Row { name: Some(name), value, forward: true, reverse, negative: false, origin });
            }
        }
    }

    /// The addresses of a name (wire form, lower case).
    pub fn addresses(&self, name: &[u8]) -> &[IpAddr] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The name of an address, as spelled, in wire form.
    pub fn name(&self, address: IpAddr) -> Option<&[u8]> {
        self.leases.get(&address)?.names.first().map(|name| &**name)
    }

    /// Is this the name of a lease?
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.contains_key(name)
    }

    /// The TTL of the records of a lease: `ttl`, but no more than what is left of it.
    pub fn ttl(&self, address: IpAddr, ttl: u32, wall_s: u64) -> u32 {
        match self.leases.get(&address) {
            Some(lease) if lease.expires_s != 0 => {
                ttl.min(u32::try_from(lease.expires_s.saturating_sub(wall_s)).unwrap_or(u32::MAX))
            }
            _ => ttl,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> (LeaseNames, Ancestors) {
        let state = SeededState::new([1; 16]);
        (LeaseNames::new(state.clone(), state.clone()), Ancestors::new(state))
    }

    fn lease(address: &str, name: &str, domain: Option<&str>) -> LeaseName {
        let address = address.parse().unwrap();
        LeaseName { address, name: name.to_owned(), domain: domain.map(str::to_owned), expires_s: 1000 }
    }

    #[test]
    fn names_come_and_go() {
        let (mut leases, mut ancestors) = tables();
        leases.put(&lease("10.0.0.5", "Host", Some("lan")), false, &mut ancestors);
        let address: IpAddr = "10.0.0.5".parse().unwrap();
        assert_eq!(leases.addresses(b"\x04host\x03lan\0"), [address]);
        assert_eq!(leases.addresses(b"\x04host\0"), [address]);
        assert_eq!(leases.name(address), Some(&b"\x04Host\x03lan\0"[..]));
        assert!(ancestors.contains(b"\x03lan\0"));
        assert_eq!((leases.ttl(address, 300, 900), leases.ttl(address, 50, 900)), (100, 50));
        leases.put(&lease("10.0.0.5", "new", None), false, &mut ancestors);
        assert!(!leases.contains(b"\x04host\0") && leases.contains(b"\x03new\0"));
        leases.remove(address, &mut ancestors);
        assert!(leases.name(address).is_none() && !ancestors.contains(b"\0"));
    }

    #[test]
    fn only_the_full_name_with_dhcp_fqdn() {
        let (mut leases, mut ancestors) = tables();
        leases.put(&lease("10.0.0.5", "host", Some("lan")), true, &mut ancestors);
        assert!(!leases.contains(b"\x04host\0") && leases.contains(b"\x04host\x03lan\0"));
    }
}
