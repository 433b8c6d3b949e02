//! Which `dhcp-host` line fits a client.
//!
//! Rules come by the thousand from `dhcp-hostsfile`, so all but those with wildcards are found through maps, and the rules of a file that
//! has changed are exchanged without a look at the others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Range;

use ipc::config::dhcp::{ClientIdRule, HardwarePattern, HostRule};
use ipc::known_host::KnownName;
use ipc::lease::Lease;
use ipc::link::HardwareAddress;
use ipc::log::Line;

use crate::hosts::Hosts;
use crate::lines;
use crate::pool::Network;
use crate::tags::Tags;

/// What a client shows of itself when a rule is sought.
#[derive(Clone, Copy)]
pub(crate) struct Likeness<'a> {
    /// Option 61.
    pub(crate) client_id: Option<&'a [u8]>,
    /// `chaddr`.
    pub(crate) hardware: HardwareAddress,
    /// The host name it gives.
    pub(crate) name: Option<&'a str>,
}

/// Where a rule stands among the others: the lower, the earlier it is tried.
type Rank = i64;

/// The rules, and maps to find them by.
#[derive(Debug, Default)]
pub(crate) struct HostRules {
    rules: BTreeMap<Rank, HostRule>,
    by_client_id: Index<Vec<u8>>,
    by_hardware: Index<Vec<u8>>,
    by_name: Index<String>,
    by_address: Index<Ipv4Addr>,
    with_wildcards: BTreeSet<Rank>,
    /// Those that have a name and no address of their own, but at times one from hosts files.
    /// True: they have IPv6 addresses of their own.
    placed_by_name: BTreeMap<Rank, bool>,
    /// The ranks of the rules of each file.
    files: BTreeMap<u32, Range<Rank>>,
}

/// Ranks of rules by something that is in them: one flat set, since there may be a hundred thousand of each.
#[derive(Debug)]
struct Index<K>(BTreeSet<(K, Rank)>);

impl<K> Default for Index<K> {
    fn default() -> Index<K> {
        Index(BTreeSet::new())
    }
}

impl<K: Ord + Clone> Index<K> {
    /// The ranks of the rules that have `key`, in order.
    fn ranks(&self, key: K) -> impl Iterator<Item = Rank> {
        self.0.range((key.clone(), Rank::MIN)..=(key, Rank::MAX)).map(|(_, rank)| *rank)
    }

    fn set(&mut self, key: K, rank: Rank, there: bool) {
        if there {
            self.0.insert((key, rank));
        } else {
            self.0.remove(&(key, rank));
        }
    }
}

/// # Making
impl HostRules {
    /// The rules of the slice, in order.
    pub(crate) fn new(rules: Vec<HostRule>) -> HostRules {
        let mut made = HostRules::default();
        made.insert(0, rules);
        made
    }

    /// Replaces the rules of a file. They go before all others.
    pub(crate) fn replace_file(&mut self, file: u32, rules: Vec<HostRule>) {
        if let Some(before) = self.files.remove(&file) {
            for rank in before {
                if let Some(rule) = self.rules.remove(&rank) {
                    self.index(rank, &rule, false);
                }
                self.placed_by_name.remove(&rank);
            }
        }
        let end = self.rules.first_key_value().map_or(0, |(first, _)| (*first).min(0));
        let start = end - i64::try_from(rules.len()).unwrap_or(0);
        self.insert(start, rules);
        self.files.insert(file, start..end);
    }

    fn insert(&mut self, first: Rank, rules: Vec<HostRule>) {
        for (rank, rule) in (first..).zip(rules) {
            if rule.name.is_some() && rule.address.is_none() {
                self.placed_by_name.insert(rank, rule.ipv6);
            }
            self.index(rank, &rule, true);
            self.rules.insert(rank, rule);
        }
    }

    /// Gives rules that have a name and no address the one that hosts files have for the name. What there is to say of it comes in the order
    /// of the rules.
    pub(crate) fn place_by_name(&mut self, hosts: &Hosts) -> Vec<Line> {
        let mut lines = Vec::new();
        for (rank, ipv6) in &self.placed_by_name {
            let Some(rule) = self.rules.get_mut(rank) else { continue };
            rule.ipv6 = *ipv6;
            if let Some(before) = rule.address.take() {
                self.by_address.set(before, *rank, false);
            }
        }
        for rank in self.placed_by_name.keys() {
            let Some(rule) = self.rules.get_mut(rank) else { continue };
            let Some(name) = rule.name.as_deref() else { continue };
            let Some(KnownName { addresses, primary, ipv6, .. }) = hosts.addresses(name) else { continue };
            rule.ipv6 |= ipv6;
            let address = match (addresses.as_slice(), primary) {
                ([address], _) => *address,
                (_, None) => continue,
                (_, Some(primary)) => {
                    let text = format!("{name} has more than one address in hostsfile, using {primary} for DHCP");
                    lines.push(lines::warning(text));
                    *primary
                }
            };
            if self.by_address.ranks(address).next().is_some() {
                let text = format!("duplicate IP address {address} ({name}) in dhcp-config directive");
                lines.push(lines::warning(text));
            } else {
                rule.address = Some(address);
                self.by_address.set(address, *rank, true);
            }
        }
        lines
    }

    fn index(&mut self, rank: Rank, rule: &HostRule, there: bool) {
        if let Some(ClientIdRule::Is(id)) = &rule.client_id {
            self.by_client_id.set(id.clone(), rank, there);
        }
        for pattern in &rule.hardware {
            match exact(pattern) {
                Some(bytes) => self.by_hardware.set(bytes, rank, there),
                None if there => drop(self.with_wildcards.insert(rank)),
                None => drop(self.with_wildcards.remove(&rank)),
            }
        }
        if let Some(name) = &rule.name {
            self.by_name.set(name.to_ascii_lowercase(), rank, there);
        }
        if let Some(address) = rule.address {
            self.by_address.set(address, rank, there);
        }
    }
}

/// # Finding
impl HostRules {
    /// The rule for a client: by client id, then by whole hardware address, then by name, then by the hardware pattern
    /// with the fewest wildcards. Rules with passing tag tests come before those without tests; a rule whose address
    /// belongs to none of `networks` does not count. Without `networks`, neither this nor the name is looked at.
    pub(crate) fn find(
        &self,
        client: Likeness<'_>,
        networks: Option<&[Network<'_>]>,
        tags: &Tags<'_>,
    ) -> Option<&HostRule> {
        if self.rules.is_empty() {
            return None;
        }
        [true, false].into_iter().find_map(|tagged| {
            let usable = |rule: &HostRule| {
                (!tagged || !rule.tests.is_empty()) && tags.pass(&rule.tests) && placed(rule, networks)
            };
            self.find_usable(client, networks.is_some(), &usable)
        })
    }

    fn find_usable(
        &self,
        client: Likeness<'_>,
        by_name_too: bool,
        usable: &dyn Fn(&HostRule) -> bool,
    ) -> Option<&HostRule> {
        let first = |ranks: &mut dyn Iterator<Item = Rank>, also: &dyn Fn(&HostRule) -> bool| {
            ranks.filter_map(|rank| self.rules.get(&rank)).find(|rule| also(rule) && usable(rule))
        };
        let of_id = |id: &[u8]| first(&mut self.by_client_id.ranks(id.to_vec()), &|_| true);
        let by_id = client.client_id.and_then(|id| {
            // Some clients put a zero type byte before an id that is plain text; the configuration has it without.
            let plain = id.split_first().filter(|(kind, _)| **kind == 0).map(|(_, plain)| plain);
            of_id(id).or_else(|| of_id(plain?))
        });
        by_id
            .or_else(|| {
                let used = client.hardware.used();
                first(&mut self.by_hardware.ranks(used.to_vec()), &|rule| has_hardware(rule, client.hardware))
                    .filter(|_| !used.is_empty())
            })
            .or_else(|| {
                let name = client.name.filter(|_| by_name_too)?;
                first(&mut self.by_name.ranks(name.to_ascii_lowercase()), &|_| true)
            })
            .or_else(|| {
                let candidates = self.with_wildcards.iter().filter_map(|rank| self.rules.get(rank));
                let mut best: Option<(usize, &HostRule)> = None;
                for rule in candidates.filter(|rule| usable(rule)) {
                    let matching = rule.hardware.iter().filter(|p| exact(p).is_none() && fits(p, client.hardware));
                    let known = matching.map(|p| p.bytes.iter().flatten().count()).max();
                    // At least one byte must be given, and the first of equals wins.
                    if let Some(known) = known.filter(|known| *known > best.map_or(0, |(most, _)| most)) {
                        best = Some((known, rule));
                    }
                }
                best.map(|(_, rule)| rule)
            })
    }

    /// The first rule that gives away this address.
    pub(crate) fn of_address(&self, address: Ipv4Addr) -> Option<&HostRule> {
        self.rules.get(&self.by_address.ranks(address).next()?)
    }

    /// The name that the configuration gives to the holder of a lease, for this address.
    pub(crate) fn configured_name(&self, lease: &Lease) -> Option<&str> {
        let rule = self.find(holder(lease), None, &Tags::default())?;
        rule.name.as_deref().filter(|_| rule.address.is_none_or(|address| address == lease.address))
    }

    /// Does the holder of a lease have its name from the configuration, whichever address it got?
    pub(crate) fn gave_name(&self, lease: &Lease) -> bool {
        let Some(name) = &lease.name else { return false };
        let gives = |rule: &HostRule| rule.name.as_ref().is_some_and(|given| given.eq_ignore_ascii_case(name));
        self.find_usable(holder(lease), false, &gives).is_some()
    }
}

fn holder(lease: &Lease) -> Likeness<'_> {
    Likeness { client_id: lease.client_id.as_deref(), hardware: lease.hardware, name: None }
}

/// Does the rule name this hardware address in full?
pub(crate) fn has_hardware(rule: &HostRule, hardware: HardwareAddress) -> bool {
    rule.hardware.iter().any(|pattern| exact(pattern).is_some() && fits(pattern, hardware))
}

/// Does a hardware address fit a pattern?
pub(crate) fn fits(pattern: &HardwarePattern, hardware: HardwareAddress) -> bool {
    let used = hardware.used();
    pattern.kind.is_none_or(|kind| kind == hardware.kind)
        && pattern.bytes.len() == used.len()
        && pattern.bytes.iter().zip(used).all(|(want, byte)| want.is_none_or(|want| want == *byte))
}

fn exact(pattern: &HardwarePattern) -> Option<Vec<u8>> {
    pattern.bytes.iter().copied().collect()
}

/// Does the rule belong to one of these networks, as far as addresses tell?
fn placed(rule: &HostRule, networks: Option<&[Network<'_>]>) -> bool {
    match (networks, rule.address) {
        (None, _) => true,
        (Some(_), None) => !rule.ipv6,
        (Some(networks), Some(address)) => networks.iter().any(|network| network.includes(address)),
    }
}

#[cfg(test)]
mod tests {
    use ipc::known_host::KnownHosts;

    use super::*;

    fn pattern(bytes: &[Option<u8>]) -> HardwarePattern {
        HardwarePattern { kind: None, bytes: bytes.to_vec() }
    }

    fn named(name: &str, hardware: Vec<HardwarePattern>) -> HostRule {
        HostRule { name: Some(name.into()), hardware, ..HostRule::default() }
    }

    fn found<'a>(rules: &'a HostRules, id: Option<&[u8]>, hardware: &[u8], name: Option<&str>) -> Option<&'a str> {
        let likeness = Likeness { client_id: id, hardware: HardwareAddress::new(1, hardware).unwrap(), name };
        rules.find(likeness, Some(&[]), &Tags::default())?.name.as_deref()
    }

    #[test]
    fn client_id_goes_before_hardware_before_name_before_wildcards() {
        let rules = HostRules::new(vec![
            named("loose", vec![pattern(&[Some(2), None, None])]),
            named("tight", vec![pattern(&[Some(2), Some(1), None])]),
            named("exact", vec![pattern(&[Some(2), Some(1), Some(9)])]),
            HostRule { client_id: Some(ClientIdRule::Is(b"me".to_vec())), ..named("id", vec![]) },
        ]);
        assert_eq!(found(&rules, Some(b"me"), &[2, 1, 9], None), Some("id"));
        assert_eq!(found(&rules, Some(b"\0me"), &[2, 1, 9], None), Some("id"));
        assert_eq!(found(&rules, Some(b"you"), &[2, 1, 9], None), Some("exact"));
        assert_eq!(found(&rules, None, &[2, 1, 8], Some("ID")), Some("id"));
        assert_eq!(found(&rules, None, &[2, 1, 8], None), Some("tight"));
        assert_eq!(found(&rules, None, &[2, 2, 8], None), Some("loose"));
        assert_eq!(found(&rules, None, &[3, 2, 8], None), None);
    }

    #[test]
    fn the_rules_of_a_file_go_first_and_are_replaced_alone() {
        let exact = |last: u8| vec![pattern(&[Some(2), Some(last)])];
        let mut rules = HostRules::new(vec![named("configured", exact(1)), named("other", exact(9))]);
        rules.replace_file(7, vec![named("a", exact(1)), named("a2", exact(1)), named("a3", exact(3))]);
        assert_eq!(found(&rules, None, &[2, 1], None), Some("a"));
        rules.replace_file(8, vec![named("b", exact(1))]);
        assert_eq!(found(&rules, None, &[2, 1], None), Some("b"));
        rules.replace_file(7, vec![named("c", exact(1))]);
        assert_eq!(found(&rules, None, &[2, 1], None), Some("c"), "what was read last goes first");
        assert_eq!(found(&rules, None, &[2, 3], None), None);
        rules.replace_file(7, vec![]);
        rules.replace_file(8, vec![]);
        assert_eq!(found(&rules, None, &[2, 1], None), Some("configured"));
        assert_eq!(found(&rules, None, &[2, 9], None), Some("other"));
        assert_eq!((rules.rules.len(), rules.by_hardware.0.len(), rules.by_name.0.len()), (2, 2, 2));
    }

    #[test]
    fn rules_without_address_get_that_of_their_name() {
        let address = |last| Ipv4Addr::new(10, 0, 0, last);
        let known = |name: &str, lasts: &[u8], primary: Option<u8>, ipv6| KnownName {
            name: name.into(),
            addresses: lasts.iter().map(|last| address(*last)).collect(),
            primary: primary.map(address),
            ipv6,
        };
        let own = HostRule { address: Some(address(9)), ..named("own", vec![]) };
        let names = ["one", "again", "two", "unclear", "six", "taken", "unknown"];
        let rules = names.iter().map(|name| named(name, vec![])).chain([own, named("one", vec![])]).collect();
        let mut rules = HostRules::new(rules);
        let names = vec![
            known("one", &[1], Some(1), false),
            known("again", &[1], None, false),
            known("two", &[2, 3], Some(3), true),
            known("unclear", &[4, 5], None, false),
            known("six", &[], None, true),
            known("taken", &[9], None, false),
        ];
        let mut hosts = Hosts::default();
        hosts.take(KnownHosts { names, addresses: Vec::new() }, true);
        let lines: Vec<String> = rules.place_by_name(&hosts).into_iter().map(|line| line.text).collect();
        assert_eq!(
            lines,
            [
                "duplicate IP address 10.0.0.1 (again) in dhcp-config directive",
                "two has more than one address in hostsfile, using 10.0.0.3 for DHCP",
                "duplicate IP address 10.0.0.9 (taken) in dhcp-config directive",
                "duplicate IP address 10.0.0.1 (one) in dhcp-config directive",
            ]
        );
        let at = |rules: &HostRules, last| rules.of_address(address(last)).and_then(|rule| rule.name.clone());
        assert_eq!(at(&rules, 1).as_deref(), Some("one"));
        assert_eq!((at(&rules, 2), at(&rules, 3).as_deref(), at(&rules, 4)), (None, Some("two"), None));
        assert_eq!(found(&rules, None, &[], Some("six")), None, "it belongs to a network of IPv6");
        hosts.take(KnownHosts::default(), true);
        assert!(rules.place_by_name(&hosts).is_empty());
        assert_eq!((at(&rules, 1), at(&rules, 9).as_deref()), (None, Some("own")));
        assert_eq!(found(&rules, None, &[], Some("six")), Some("six"));
    }

    #[test]
    fn a_written_type_must_match() {
        let typed = HardwarePattern { kind: Some(6), bytes: vec![Some(1), Some(2)] };
        assert!(fits(&typed, HardwareAddress::new(6, &[1, 2]).unwrap()));
        assert!(!fits(&typed, HardwareAddress::new(1, &[1, 2]).unwrap()));
    }
}
