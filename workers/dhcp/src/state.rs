//! What decisions are made from and what they leave behind, from one request to the next.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

use ipc::config::dhcp::DhcpSlice;
use ipc::lease::{Lease, LeaseChange};
use ipc::link::Interface;

use crate::client_name::Claim;
use crate::host_rules::HostRules;
use crate::hosts::Hosts;
use crate::lease_view::LeaseView;
use crate::probe::Probes;
use crate::random::Random;

/// What requests do not change.
#[derive(Debug)]
pub(crate) struct Config {
    /// The slice; its host rules have moved to `rules`.
    pub(crate) slice: DhcpSlice,
    /// `dhcp-host` lines.
    pub(crate) rules: HostRules,
    /// What hosts files say.
    pub(crate) hosts: Hosts,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    /// By kernel index.
    pub(crate) interfaces: BTreeMap<u32, Rc<Interface>>,
    /// Recorded leases.
    pub(crate) leases: LeaseView,
    /// Addresses asked lately.
    pub(crate) probes: Probes,
    /// Per pool of the slice, how far the start of the search has moved.
    pub(crate) epochs: Vec<u32>,
    /// Routers of networks elsewhere, by the pool's position: the first relay agent of each.
    pub(crate) routers: BTreeMap<usize, Ipv4Addr>,
    /// Addresses of host rules that a client declined, until a monotonic time. One entry per rule at most.
    pub(crate) declined: BTreeMap<Ipv4Addr, u64>,
    /// For spreading renewals.
    pub(crate) random: Random,
}

impl State {
    /// Is `address` one of ours on an interface where DHCP is served?
    pub(crate) fn is_ours(&self, address: Ipv4Addr) -> bool {
        let serving = self.interfaces.values().filter(|interface| interface.serves_dhcp);
        serving.flat_map(|interface| interface.addresses4()).any(|(ours, _)| ours == address)
    }

    /// The bridge that an interface is an alias of (`bridge-interface`).
    pub(crate) fn bridge_of(&self, config: &Config, interface: &Interface) -> Option<&Rc<Interface>> {
        let line = config.slice.bridges.iter().find(|line| line.has(&interface.name))?;
        self.interfaces.values().find(|interface| interface.name == line.bridge)
    }

    /// Was this address of a host rule declined lately?
    pub(crate) fn is_declined(&self, address: Ipv4Addr, now_ms: u64) -> bool {
        self.declined.get(&address).is_some_and(|until_ms| now_ms < *until_ms)
    }

    /// Who must give up `name` before the holder of `address` gets it? One name has one holder; the newer takes it,
    /// unless the older has it from the configuration and the newer has not.
    pub(crate) fn claim(&self, config: &Config, name: &str, configured: bool, address: Ipv4Addr) -> Claim {
        let Some(older) = self.leases.of_name(name).filter(|older| older.address != address) else {
            return Claim::Granted;
        };
        let of_address = || config.hosts.name_of(older.address, &config.slice.domains);
        let in_hosts = || of_address().is_some_and(|own| own.eq_ignore_ascii_case(name));
        let by_configuration = config.rules.gave_name(older) || in_hosts();
        if by_configuration && !configured { Claim::Refused } else { Claim::Taken(Box::new(older.clone())) }
    }

    /// The change that takes the name from a lease.
    pub(crate) fn nameless(lease: Lease) -> LeaseChange {
        LeaseChange::Put(Lease { name: None, ..lease })
    }
}
