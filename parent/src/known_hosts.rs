//! What DHCP wants to know of hosts files, and whether an answer of a dns worker says no more than that. Pure.
//!
//! A captured dns worker may lie about what it was asked, but only about that: about the names that host rules and boot servers have without
//! an address, and about the names of addresses on the networks that DHCP serves.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use ipc::NAME_BYTES_MAX;
use ipc::config::dhcp::{DhcpSlice, HostRule};
use ipc::config::prefix::Prefix;
use ipc::known_host::{
    ADDRESSES_PER_NAME_MAX, ENTRIES_MAX, KnownAddress, KnownHosts, KnownName, NAMED_ADDRESSES_MAX, WantedHosts,
};
use ipc::lease::name_is_legal;
use ipc::link::Interface;

/// What is asked of hosts files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names that host rules have without an address, in small letters.
    rules: BTreeSet<String>,
    /// Names of boot servers, in small letters.
    servers: BTreeSet<String>,
    /// The networks that DHCP serves.
    networks: Vec<Prefix>,
}

impl Wanted {
    /// What this configuration asks for, with these names that rules of files have.
    pub fn new<'a>(slice: &DhcpSlice, in_files: impl Iterator<Item = &'a String>, interfaces: &[Interface]) -> Wanted {
        let network = |netmask: Ipv4Addr, first| Prefix::cut(first, u32::from(netmask).leading_ones() as u8);
        let networks = slice.pools.iter().map(|pool| {
            let netmask = pool.netmask_near(interfaces).unwrap_or_else(|| pool.netmask_elsewhere());
            network(netmask, IpAddr::V4(pool.first & netmask))
        });
        let mut distinct: Vec<Prefix> = Vec::new();
        for network in networks {
            if !distinct.contains(&network) {
                distinct.push(network);
            }
        }
        let rules = slice.host_rules.iter().filter_map(name_to_place).chain(in_files.cloned()).collect();
        Wanted { rules, servers: slice.server_names().collect(), networks: distinct }
    }

    /// The same for a dns worker.
    pub fn message(&self) -> WantedHosts {
        WantedHosts { names: self.rules.union(&self.servers).cloned().collect(), networks: self.networks.clone() }
    }

    fn serves(&self, address: Ipv4Addr) -> bool {
        self.networks.iter().any(|network| network.contains(address.into()))
    }

    /// The addresses that rules get by their names, if they are on networks that DHCP serves.
    pub fn placed(&self, known: &KnownHosts) -> BTreeSet<Ipv4Addr> {
        let of_rules = known.names.iter().filter(|known| self.rules.contains(&known.name));
        of_rules.flat_map(|known| &known.addresses).copied().filter(|address| self.serves(*address)).collect()
    }
}

/// The name by which a rule is to get its address, in small letters.
pub fn name_to_place(rule: &HostRule) -> Option<String> {
    rule.name.as_ref().filter(|_| rule.address.is_none()).map(|name| name.to_ascii_lowercase())
}

/// An answer that a dns worker owes: what it was asked, and what has come.
#[derive(Debug)]
pub struct OwedAnswer {
    wanted: Rc<Wanted>,
    names: BTreeMap<String, KnownName>,
    addresses: BTreeMap<Ipv4Addr, KnownAddress>,
}

impl OwedAnswer {
    /// Nothing has come yet.
    pub fn to(wanted: Rc<Wanted>) -> OwedAnswer {
        OwedAnswer { wanted, names: BTreeMap::new(), addresses: BTreeMap::new() }
    }

    /// Takes a piece; false when it says more than was asked, says something twice, or is no progress.
    pub fn take(&mut self, piece: KnownHosts, last: bool) -> bool {
        let KnownHosts { names, addresses } = piece;
        if names.len() > ENTRIES_MAX || addresses.len() > ENTRIES_MAX {
            return false;
        }
        if names.is_empty() && addresses.is_empty() && !last {
            return false;
        }
        let names_are_legal = names
            .into_iter()
            .all(|known| self.is_legal(&known) && self.names.insert(known.name.clone(), known).is_none());
        let addresses_are_legal = addresses.into_iter().all(|known| {
            self.wanted.serves(known.address)
                && name_is_legal(&known.name)
                && known.domain.as_ref().is_none_or(|domain| domain_is_legal(domain))
                && self.addresses.insert(known.address, known).is_none()
        });
        names_are_legal && addresses_are_legal && self.addresses.len() <= NAMED_ADDRESSES_MAX
    }

    fn is_legal(&self, known: &KnownName) -> bool {
        let asked = self.wanted.rules.contains(&known.name) || self.wanted.servers.contains(&known.name);
        asked
            && (usize::from(!known.ipv6)..=ADDRESSES_PER_NAME_MAX).contains(&known.addresses.len())
            && known.primary.is_none_or(|primary| known.addresses.contains(&primary))
    }

    /// All that has come.
    pub fn finish(self) -> KnownHosts {
        KnownHosts { names: self.names.into_values().collect(), addresses: self.addresses.into_values().collect() }
    }
}

fn domain_is_legal(domain: &str) -> bool {
    domain.len() <= NAME_BYTES_MAX && domain.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use ipc::config::dhcp::{Boot, Pool, PoolMode};
    use ipc::config::pxe::BootServer;

    use super::*;

    fn wanted() -> Wanted {
        let pool = Pool {
            first: Ipv4Addr::new(10, 0, 0, 10),
            last: Ipv4Addr::new(10, 0, 0, 20),
            netmask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            broadcast: None,
            mode: PoolMode::Dynamic,
            lease_time_s: 3600,
            set_tag: None,
            tests: Vec::new(),
        };
        let rule = |name: &str, address| HostRule { name: Some(name.to_owned()), address, ..HostRule::default() };
        let boot = Boot {
            file: String::new(),
            server_name: None,
            next_server: Some(BootServer::Name("Boot.lan".into())),
            tests: Vec::new(),
        };
        let slice = DhcpSlice {
            pools: vec![pool.clone(), pool],
            host_rules: vec![rule("Box", None), rule("placed", Some(Ipv4Addr::new(10, 0, 0, 9)))],
            boot: vec![boot],
            ..DhcpSlice::default()
        };
        Wanted::new(&slice, ["filed".to_owned()].iter(), &[])
    }

    fn named(name: &str, lasts: &[u8]) -> KnownHosts {
        let addresses = lasts.iter().map(|last| Ipv4Addr::new(10, 0, 0, *last)).collect();
        KnownHosts {
            names: vec![KnownName { name: name.into(), addresses, primary: None, ipv6: false }],
            addresses: Vec::new(),
        }
    }

    fn addressed(address: [u8; 4], name: &str) -> KnownHosts {
        let known = KnownAddress { address: address.into(), name: name.into(), domain: None };
        KnownHosts { names: Vec::new(), addresses: vec![known] }
    }

    fn is_taken(pieces: &[KnownHosts]) -> bool {
        let mut owed = OwedAnswer::to(Rc::new(wanted()));
        pieces.iter().all(|piece| owed.take(piece.clone(), false))
    }

    #[test]
    fn what_is_wanted_follows_from_the_configuration() {
        let message = wanted().message();
        assert_eq!(message.names, ["boot.lan", "box", "filed"]);
        assert_eq!(message.networks, [Prefix::cut(Ipv4Addr::new(10, 0, 0, 0).into(), 24)]);
    }

    #[test]
    fn an_answer_says_what_was_asked_once_and_nothing_else() {
        for good in [named("box", &[1, 200]), named("boot.lan", &[1; 16]), addressed([10, 0, 0, 99], "h")] {
            assert!(is_taken(std::slice::from_ref(&good)), "{good:?}");
            assert!(!is_taken(&[good.clone(), good.clone()]), "{good:?}");
        }
        let mut stranger = named("box", &[1]);
        stranger.names[0].primary = Some(Ipv4Addr::new(10, 0, 0, 2));
        let mut domain = addressed([10, 0, 0, 5], "h");
        domain.addresses[0].domain = Some("a\nb".into());
        let many = KnownHosts { names: Vec::new(), addresses: vec![domain.addresses[0].clone(); ENTRIES_MAX + 1] };
        let bad = [
            named("placed", &[9]),
            named("other", &[1]),
            named("box", &[]),
            named("box", &[1; 17]),
            addressed([10, 0, 1, 1], "h"),
            addressed([10, 0, 0, 1], "h.lan"),
            addressed([10, 0, 0, 1], "h\n"),
            stranger,
            domain,
            many,
            KnownHosts::default(),
        ];
        for bad in bad {
            assert!(!is_taken(std::slice::from_ref(&bad)), "{bad:?}");
        }
        assert!(OwedAnswer::to(Rc::new(wanted())).take(KnownHosts::default(), true));
    }

    #[test]
    fn rules_are_placed_on_networks_of_dhcp_alone() {
        let mut known = named("box", &[30]);
        known.names[0].addresses.push(Ipv4Addr::new(192, 0, 2, 1));
        known.append(named("boot.lan", &[40]));
        assert_eq!(Vec::from_iter(wanted().placed(&known)), [Ipv4Addr::new(10, 0, 0, 30)]);
    }
}
