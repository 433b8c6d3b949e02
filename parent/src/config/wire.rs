//! Which interfaces and subnets are one wire to DHCP: `shared-network` and `bridge-interface`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipc::config::wire::{BridgeAliases, SharedArrival, SharedNetwork};

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::reach::Reach;
use super::text::{fields, reveal_text, split};

/// Longest name of an interface, in bytes (`IFNAMSIZ` without its NUL).
const INTERFACE_BYTES_MAX: usize = 15;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// One `shared-network` of either family.
enum Shared {
    V4(SharedNetwork<Ipv4Addr>),
    V6(SharedNetwork<Ipv6Addr>),
}

/// `shared-network = (INTERFACE | ADDRESS) "," ADDRESS`.
pub(crate) fn shared_network(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let value = value.unwrap_or_default();
    let network = network(value, draft.reach).ok_or_else(|| {
        let (arrival, subnet) = split(value, ',');
        let field = subnet.filter(|subnet| subnet.parse::<IpAddr>().is_err()).unwrap_or(arrival);
        Fault::from("bad shared-network").at(field, "an address, or an interface that exists and an address")
    })?;
    match network {
        Shared::V4(network) => draft.dhcp.shared_networks.push(network),
        Shared::V6(network) => draft.unserved.shared_networks6.push(network),
    }
    Ok(())
}

fn network(value: &str, reach: Reach) -> Option<Shared> {
    let (arrival, subnet) = split(value, ',');
    let subnet = subnet?;
    if let Ok(address) = arrival.parse() {
        return Some(Shared::V4(SharedNetwork {
            arrival: SharedArrival::Address(address),
            subnet: subnet.parse().ok()?,
        }));
    }
    if let Ok(address) = arrival.parse() {
        return Some(Shared::V6(SharedNetwork {
            arrival: SharedArrival::Address(address),
            subnet: subnet.parse().ok()?,
        }));
    }
    let interface = reveal_text(arrival);
    reach.step_out().ok()?;
    nix::net::if_::if_nametoindex(interface.as_str()).ok()?;
    match subnet.parse() {
        Ok(subnet) => Some(Shared::V4(SharedNetwork { arrival: SharedArrival::Interface(interface), subnet })),
        Err(_) => Some(Shared::V6(SharedNetwork {
            arrival: SharedArrival::Interface(interface),
            subnet: subnet.parse().ok()?,
        })),
    }
}

/// `bridge-interface = BRIDGE "," ALIAS {"," ALIAS}`. Lines about one bridge add up; aliases that no interface can have are
/// passed over.
pub(crate) fn bridge_interface(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad bridge-interface");
    let (bridge, aliases) = split(value.ok_or_else(bad)?, ',');
    let bridge = reveal_text(bridge);
    let fits = |name: &String| name.len() <= INTERFACE_BYTES_MAX;
    let aliases = aliases.filter(|_| fits(&bridge)).ok_or_else(bad).at(&bridge, "an interface and its aliases")?;
    let aliases = fields(aliases).map(reveal_text).filter(|alias| !alias.is_empty() && fits(alias));
    let bridges = &mut draft.dhcp.bridges;
    match bridges.iter_mut().find(|known| known.bridge == bridge) {
        Some(known) => known.aliases.extend(aliases),
        None => bridges.push(BridgeAliases { aliases: aliases.collect(), bridge }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(value: &str, reach: Reach) -> Option<SharedNetwork<Ipv4Addr>> {
        match network(value, reach)? {
            Shared::V4(network) => Some(network),
            Shared::V6(_) => None,
        }
    }

    #[test]
    fn families_must_agree() {
        let subnet = Ipv4Addr::new(192, 168, 4, 1);
        let arrival = SharedArrival::Interface("lo".into());
        assert_eq!(four("lo,192.168.4.1", Reach::System), Some(SharedNetwork { arrival, subnet }));
        assert_eq!(four("lo,192.168.4.1", Reach::TextOnly), None);
        let arrival = SharedArrival::Address(Ipv4Addr::new(192, 168, 3, 1));
        assert_eq!(four("192.168.3.1 , 192.168.4.1", Reach::System), Some(SharedNetwork { arrival, subnet }));
        assert!(matches!(network("fd00::1,fd01::1", Reach::System), Some(Shared::V6(_))));
        for bad in ["lo", "lo,", "lo,lo", "192.168.3.1,fd00::1", "fd00::1,192.168.3.1", "no such,192.168.4.1"] {
            assert!(network(bad, Reach::System).is_none(), "{bad}");
        }
    }

    #[test]
    fn lines_about_one_bridge_add_up() {
        let mut draft = Draft::new();
        bridge_interface(&mut draft, Some("br0,tap*,,a-very-long-interface-name")).unwrap();
        bridge_interface(&mut draft, Some("br0,eth1")).unwrap();
        assert_eq!(draft.dhcp.bridges[0].aliases, ["tap*", "eth1"]);
        let bad = Err(Fault::from("bad bridge-interface"));
        assert_eq!(bridge_interface(&mut draft, Some("br0")), bad);
        assert_eq!(bridge_interface(&mut draft, Some("sixteenchars-if0,tap0")), bad);
    }
}
