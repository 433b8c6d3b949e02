//! Which interfaces and subnets are one wire to DHCPv4.

use serde::{Deserialize, Serialize};

/// One `shared-network`: clients that arrive so may get addresses of this subnet too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedNetwork<A> {
    /// How they arrive.
    pub arrival: SharedArrival<A>,
    /// An address of the subnet.
    pub subnet: A,
}

/// How requests arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharedArrival<A> {
    /// On the interface of this name, which was there when the configuration was read.
    Interface(String),
    /// On the interface that has this address, or from the relay that has it.
    Address(A),
}

/// `bridge-interface`: requests that arrive on an alias count as having arrived on the bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeAliases {
    /// The bridge.
    pub bridge: String,
    /// The aliases; a trailing `*` matches any tail.
    pub aliases: Vec<String>,
}

impl BridgeAliases {
    /// Is an interface of this name an alias of the bridge?
    pub fn has(&self, interface: &str) -> bool {
        self.aliases.iter().any(|alias| match alias.strip_suffix('*') {
            Some(beginning) => interface.starts_with(beginning),
            None => interface == alias,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_may_end_with_a_star() {
        let bridge = BridgeAliases { bridge: "br0".into(), aliases: vec!["tap*".into(), "eth1".into()] };
        for (name, alias) in [("tap", true), ("tap7", true), ("eth1", true), ("eth10", false), ("ta", false)] {
            assert_eq!(bridge.has(name), alias, "{name}");
        }
    }
}
