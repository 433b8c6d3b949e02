//! The pools that serve a request, and which of their addresses a new client is offered.

use std::net::Ipv4Addr;

use ipc::config::dhcp::{DhcpSlice, Pool, PoolMode};
use ipc::config::wire::SharedArrival;
use ipc::link::Interface;

use crate::host_rules::HostRules;
use crate::lease_view::LeaseView;
use crate::probe::{Judgement, Probes};
use crate::tags::Tags;

/// A pool as it applies to one request: with the masks and addresses that come from where the request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network<'s> {
    /// The `dhcp-range` line.
    pub(crate) pool: &'s Pool,
    /// Its position in the slice.
    pub(crate) position: usize,
    /// Netmask, written or taken from the interface.
    pub(crate) netmask: Ipv4Addr,
    /// Broadcast address, written or computed.
    pub(crate) broadcast: Ipv4Addr,
    /// Our own address towards the client.
    pub(crate) local: Ipv4Addr,
    /// The router that is announced unless configured: ourselves, or the relay agent.
    pub(crate) router: Option<Ipv4Addr>,
}

impl Network<'_> {
    /// Is `address` on this network?
    pub(crate) fn includes(&self, address: Ipv4Addr) -> bool {
        same_network(address, self.pool.first, self.netmask)
    }

    /// Is `address` one that this pool gives to everybody?
    fn gives(&self, address: Ipv4Addr) -> bool {
        self.pool.mode == PoolMode::Dynamic && self.pool.first <= address && address <= self.pool.last
    }
}

/// Gives pools without netmask that of the interface whose network they lie in, so that relay agents there see the same network.
pub(crate) fn take_netmasks(pools: &mut [Pool], interfaces: &[Interface]) {
    for pool in pools.iter_mut().filter(|pool| pool.netmask.is_none()) {
        pool.netmask = pool.netmask_near(interfaces);
    }
}

/// The networks of a client on the interface itself, in the order in which they are tried: as in the file, those that only share the wire
/// behind the others.
///
/// Nobody knows the router of a network that only shares the wire (`shared-network`).
pub(crate) fn local_networks<'s>(slice: &'s DhcpSlice, interface: &Interface) -> Vec<Network<'s>> {
    let (mut networks, mut sharing): (Vec<Network<'s>>, Vec<Network<'s>>) = Default::default();
    for (local, interface_netmask) in interface.addresses4() {
        let arrives = |arrival: &SharedArrival<_>| match arrival {
            SharedArrival::Interface(name) => *name == interface.name,
            SharedArrival::Address(address) => *address == local,
        };
        for (position, pool) in slice.pools.iter().enumerate() {
            let netmask = pool.netmask.unwrap_or(interface_netmask);
            if networks.iter().chain(&sharing).any(|network| network.position == position) {
                continue;
            }
            if around(pool, netmask, local) {
                networks.push(network(pool, position, netmask, local, Some(local)));
            } else if shares(slice, pool, arrives) {
                sharing.push(network(pool, position, pool.netmask_elsewhere(), local, None));
            }
        }
    }
    networks.reverse();
    sharing.reverse();
    networks.extend(sharing);
    networks
}

/// The networks that contain `inside`, or share the wire with it: of a client behind a relay agent, or one that names its subnet.
pub(crate) fn remote_networks<'s>(
    slice: &'s DhcpSlice,
    inside: Ipv4Addr,
    local: Ipv4Addr,
    router: Option<Ipv4Addr>,
) -> Vec<Network<'s>> {
    let (mut networks, mut sharing) = (Vec::new(), Vec::new());
    for (position, pool) in slice.pools.iter().enumerate().rev() {
        let netmask = pool.netmask_elsewhere();
        if around(pool, netmask, inside) {
            networks.push(network(pool, position, netmask, local, router));
        } else if shares(slice, pool, |arrival| *arrival == SharedArrival::Address(inside)) {
            sharing.push(network(pool, position, netmask, local, None));
        }
    }
    networks.extend(sharing);
    networks
}

fn around(pool: &Pool, netmask: Ipv4Addr, inside: Ipv4Addr) -> bool {
    same_network(inside, pool.first, netmask) && same_network(inside, pool.last, netmask)
}

/// Is the pool on the same wire as what arrives so?
fn shares(slice: &DhcpSlice, pool: &Pool, arrives: impl Fn(&SharedArrival<Ipv4Addr>) -> bool) -> bool {
    let mut lines = slice.shared_networks.iter();
    lines.any(|line| arrives(&line.arrival) && around(pool, pool.netmask_elsewhere(), line.subnet))
}

fn network(pool: &Pool, position: usize, netmask: Ipv4Addr, local: Ipv4Addr, router: Option<Ipv4Addr>) -> Network<'_> {
    let broadcast = pool.broadcast.unwrap_or((pool.first & netmask) | !netmask);
    Network { pool, position, netmask, broadcast, local, router }
}

/// The network whose pool may give `address` to a client with these tags.
pub(crate) fn giving<'n, 's>(
    networks: &'n [Network<'s>],
    address: Ipv4Addr,
    tags: &Tags<'_>,
) -> Option<&'n Network<'s>> {
    if networks.iter().any(|network| network.router == Some(address)) {
        return None;
    }
    networks.iter().find(|network| network.gives(address) && tags.pass(&network.pool.tests))
}

/// The network that answers for `address`: one that gives it, else a static one around it, else any around it.
pub(crate) fn narrow<'n, 's>(
    networks: &'n [Network<'s>],
    address: Ipv4Addr,
    tags: &Tags<'_>,
) -> Option<&'n Network<'s>> {
    let around = |network: &&Network<'_>| network.includes(address) && tags.pass(&network.pool.tests);
    giving(networks, address, tags)
        .or_else(|| networks.iter().filter(around).find(|network| network.pool.mode == PoolMode::Static))
        .or_else(|| networks.iter().filter(around).find(|network| network.pool.mode != PoolMode::Proxy))
}

/// dnsmasq's hash of a client: its hardware address, or its client id when it has none.
///
/// Networks without a lease file rely on it to give clients the same address again.
pub(crate) fn hash(client: &[u8]) -> u32 {
    let mix = |sum: u32, byte: &u8| u32::from(*byte).wrapping_add(sum << 6).wrapping_add(sum << 16).wrapping_sub(sum);
    client.iter().fold(0, mix).max(1)
}

/// What the search for an address found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This one can be offered.
    Take(Ipv4Addr),
    /// This one can be offered if nobody answers there.
    Ask(Ipv4Addr),
    /// Every address is leased, reserved or answers.
    Exhausted,
}

/// Where addresses are sought and what stands in the way.
pub(crate) struct Search<'a> {
    /// The networks of the request.
    pub(crate) networks: &'a [Network<'a>],
    /// The tags of the request.
    pub(crate) tags: &'a Tags<'a>,
    /// The client's hash.
    pub(crate) hash: u32,
    /// Must addresses be asked first?
    pub(crate) asking: bool,
    /// `dhcp-sequential-ip`.
    pub(crate) sequential: bool,
    /// `dhcp-host` lines.
    pub(crate) rules: &'a HostRules,
    /// Leases.
    pub(crate) leases: &'a LeaseView,
    /// Answers to echo requests.
    pub(crate) probes: &'a mut Probes,
    /// Per pool of the slice, how far its start has moved: one step per refusal or answer.
    pub(crate) epochs: &'a mut [u32],
    /// Monotonic time.
    pub(crate) now_ms: u64,
}

/// The address to offer a client that has none.
///
/// Looks through the networks in order, first those whose tag tests pass, then those without tests, and starts inside
/// each at the client's hash, so that a client tends to get the same address again.
/// Cost: one look into the leases per address tried, at most the size of the pools.
pub(crate) fn choose(search: &mut Search<'_>) -> Choice {
    for tagged in [true, false] {
        for network in search.networks {
            let pool = network.pool;
            if pool.mode != PoolMode::Dynamic || (tagged && pool.tests.is_empty()) || !search.tags.pass(&pool.tests) {
                continue;
            }
            let found = choose_within(search, network);
            if found != Choice::Exhausted {
                return found;
            }
        }
    }
    Choice::Exhausted
}

fn choose_within(search: &mut Search<'_>, network: &Network<'_>) -> Choice {
    let (first, last) = (u32::from(network.pool.first), u32::from(network.pool.last));
    let size = u64::from(last.saturating_sub(first)) + 1;
    let epoch = search.epochs.get(network.position).copied().unwrap_or(0);
    let start = if search.sequential {
        let highest = search.leases.highest(network.pool.first, network.pool.last);
        highest.map_or(0, |address| u64::from(u32::from(address) - first) + 1) % size
    } else {
        u64::from(search.hash.wrapping_add(epoch)) % size
    };
    for step in 0..size {
        let address = Ipv4Addr::from(first.wrapping_add(((start + step) % size) as u32));
        if !presentable(address)
            || search.networks.iter().any(|network| network.router == Some(address) || network.local == address)
            || !search.leases.is_free(address)
            || search.rules.of_address(address).is_some()
        {
            continue;
        }
        if search.sequential
            && let Some(refusals) = search.epochs.get_mut(network.position).filter(|refusals| **refusals > 0)
        {
            // Without a hash there is no start to move; one free address is passed over for each refusal instead.
            *refusals -= 1;
            continue;
        }
        match search.probes.judge(address, search.hash, search.asking, search.now_ms) {
            Judgement::Free => return Choice::Take(address),
            Judgement::Ask => return Choice::Ask(address),
            Judgement::Taken => {}
        }
    }
    Choice::Exhausted
}

/// Some clients refuse .0 and .255 in what used to be class C space, even with a wider mask.
fn presentable(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    octets[0] & 0xe0 != 0xc0 || !matches!(octets[3], 0 | 255)
}

fn same_network(a: Ipv4Addr, b: Ipv4Addr, netmask: Ipv4Addr) -> bool {
    a & netmask == b & netmask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_dnsmasq() {
        // Recorded from dnsmasq 2.93 with a range of .10 to .20.
        for (mac, last) in [([2, 0, 0, 0, 2, 2], 17), ([2, 0, 0, 0, 2, 9], 13), ([2, 0, 0, 0, 2, 0xc], 16)] {
            assert_eq!(10 + hash(&mac) % 11, last, "{mac:?}");
        }
        assert_eq!(hash(&[]), 1);
    }

    #[test]
    fn class_c_ends_are_not_presentable() {
        assert!(!presentable(Ipv4Addr::new(192, 168, 0, 255)));
        assert!(!presentable(Ipv4Addr::new(192, 168, 1, 0)));
        assert!(presentable(Ipv4Addr::new(10, 0, 0, 255)));
        assert!(presentable(Ipv4Addr::new(192, 168, 1, 1)));
    }
}
