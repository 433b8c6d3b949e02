//! Which message is legal from a worker in which phase. Anything else ends the worker.
//!
//! A worker's life, in the words that the logs use too: Spawned (boot message sent), Ready (confined, state being sent), Serving,
//! Draining, Gone. A captured worker can say whatever it likes, but only this, and only now.

use ipc::config::kernel_set::KernelSets;
use ipc::net::{ADDRESSES_MAX, Filling};
use ipc::role::Role;
use ipc::{dhcp, dns, net, tftp};

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The boot message has been sent.
    Spawned,
    /// It has confined itself; its state is on the way to it.
    Ready,
    /// It serves clients.
    Serving,
    /// It has been told to finish.
    Draining,
}

/// What a worker said, as far as legality goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Ready`.
    Ready,
    /// `Drained`.
    Drained,
    /// `Serving` of any role.
    Serving,
    /// `ResolvUpstreams`: in answer to a resolv file only.
    ResolvUpstreams,
    /// `KnownHosts`: in answer to `WantHosts` only.
    KnownHosts,
    /// A request for sockets, a commit, a neighbor entry, a ping: work on behalf of clients.
    Work,
}

/// Is `kind` legal in `phase`? `resolv_files_owed` is how many resolv files the worker has not yet answered for, and
/// `hosts_owed` how many questions about hosts files.
pub fn legal(phase: Phase, kind: Kind, resolv_files_owed: u32, hosts_owed: usize) -> bool {
    match kind {
        Kind::Ready => phase == Phase::Spawned,
        Kind::Serving => phase == Phase::Ready,
        Kind::ResolvUpstreams => phase >= Phase::Ready && resolv_files_owed > 0,
        Kind::KnownHosts => phase >= Phase::Ready && hosts_owed > 0,
        // Serving is announced before the first client is heard, so work before it is a lie.
        Kind::Work => phase >= Phase::Serving,
        Kind::Drained => phase == Phase::Draining,
    }
}

/// How much work a role may ask for: units that are there at once and come back each second. Far beyond what clients can cause; a
/// captured worker that asks for more is not read for a while, and the parent has time for the others.
pub const fn units_per_second(role: Role) -> u32 {
    match role {
        // Sockets for questions in flight.
        Role::Dns => 65_536,
        // Commits, neighbor entries, echo requests.
        Role::Dhcp => 65_536,
        // Sockets for transfers.
        Role::Tftp => 4_096,
        // Answers, of which it owes one for each question of dns.
        Role::Net => 131_072,
    }
}

/// What a worker may still ask for. Pure: time is an argument.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    per_second: u32,
    units: u32,
    refilled_ms: u64,
}

impl Allowance {
    /// A full allowance.
    pub fn new(per_second: u32, now_ms: u64) -> Allowance {
        Allowance { per_second, units: per_second, refilled_ms: now_ms }
    }

    /// Takes `cost` units. `Some`: they were not all there, and the worker is not to be read before this time.
    pub fn take(&mut self, cost: u32, now_ms: u64) -> Option<u64> {
        if now_ms.saturating_sub(self.refilled_ms) >= 1_000 {
            *self = Allowance::new(self.per_second, now_ms);
        }
        let enough = self.units >= cost;
        self.units = self.units.saturating_sub(cost);
        (!enough).then_some(self.refilled_ms + 1_000)
    }
}

/// The kind of a dns message.
pub fn dns_kind(message: &dns::ToParent) -> Kind {
    match message {
        dns::ToParent::Serving => Kind::Serving,
        dns::ToParent::ResolvUpstreams(_) => Kind::ResolvUpstreams,
        dns::ToParent::KnownHosts { .. } => Kind::KnownHosts,
        dns::ToParent::WantUdp { .. }
        | dns::ToParent::WantTcp { .. }
        | dns::ToParent::WantFacts { .. }
        | dns::ToParent::FillSets { .. } => Kind::Work,
    }
}

/// What a dns message costs of the allowance: sockets, addresses for sets.
pub fn dns_cost(message: &dns::ToParent) -> u32 {
    match message {
        dns::ToParent::WantUdp { count, .. } => *count,
        dns::ToParent::FillSets { filling, .. } => filling.addresses.len() as u32,
        _ => 1,
    }
}

/// The kind of a dhcp message.
pub fn dhcp_kind(message: &dhcp::ToParent) -> Kind {
    match message {
        dhcp::ToParent::Serving => Kind::Serving,
        dhcp::ToParent::Commit { .. } | dhcp::ToParent::SetNeighbor { .. } | dhcp::ToParent::Ping(_) => Kind::Work,
    }
}

/// The kind of a tftp message.
pub fn tftp_kind(message: &tftp::ToParent) -> Kind {
    match message {
        tftp::ToParent::Serving => Kind::Serving,
        tftp::ToParent::WantTransfer { .. } | tftp::ToParent::Sent { .. } => Kind::Work,
    }
}

/// May dns have these addresses put into these sets? Into those of configured lines, so many at a time; which addresses is its own affair.
pub fn filling_is_legal(filling: &Filling, sets: &KernelSets) -> bool {
    let known = |line: Option<u32>, lines: usize| line.is_none_or(|line| (line as usize) < lines);
    known(filling.ipset, sets.ipset.len())
        && known(filling.nftset, sets.nftset.len())
        && (filling.ipset.is_some() || filling.nftset.is_some())
        && (1..=ADDRESSES_MAX).contains(&filling.addresses.len())
}

/// The kind of a net message.
pub fn net_kind(message: &net::ToParent) -> Kind {
    match message {
        net::ToParent::Serving => Kind::Serving,
        net::ToParent::Seen { .. }
        | net::ToParent::Filled { .. }
        | net::ToParent::NeighborsStart
        | net::ToParent::Neighbor { .. }
        | net::ToParent::NeighborsEnd => Kind::Work,
    }
}

#[cfg(test)]
mod tests {
    use ipc::config::kernel_set::SetRule;

    use super::*;

    #[test]
    fn nothing_is_legal_twice_or_too_early() {
        assert!(legal(Phase::Spawned, Kind::Ready, 0, 0));
        for phase in [Phase::Ready, Phase::Serving, Phase::Draining] {
            assert!(!legal(phase, Kind::Ready, 0, 0));
        }
        assert!(!legal(Phase::Spawned, Kind::Work, 0, 0) && !legal(Phase::Ready, Kind::Work, 0, 0));
        assert!(!legal(Phase::Serving, Kind::Drained, 0, 0) && legal(Phase::Draining, Kind::Drained, 0, 0));
        assert!(!legal(Phase::Serving, Kind::Serving, 0, 0));
    }

    #[test]
    fn only_configured_sets_are_filled_and_not_with_too_much() {
        let rule = SetRule { domains: vec![String::new()], sets: vec!["s".to_owned()] };
        let sets = KernelSets { ipset: vec![rule], nftset: Vec::new() };
        let legal = |ipset, nftset, count: usize| {
            let filling = Filling { ipset, nftset, addresses: vec![[192, 0, 2, 1].into(); count] };
            filling_is_legal(&filling, &sets)
        };
        assert!(legal(Some(0), None, 1) && legal(Some(0), None, ADDRESSES_MAX));
        assert!(!legal(Some(1), None, 1) && !legal(Some(0), Some(0), 1) && !legal(Some(u32::MAX), None, 1));
        assert!(!legal(None, None, 1) && !legal(Some(0), None, 0) && !legal(Some(0), None, ADDRESSES_MAX + 1));
    }

    #[test]
    fn a_greedy_worker_waits_for_the_next_second() {
        let mut allowance = Allowance::new(10, 0);
        assert_eq!(allowance.take(9, 5), None);
        assert_eq!(allowance.take(2, 6), Some(1_000));
        assert_eq!(allowance.take(1, 999), Some(1_000));
        assert_eq!(allowance.take(10, 1_000), None);
    }

    #[test]
    fn upstreams_are_named_once_per_resolv_file() {
        assert!(!legal(Phase::Serving, Kind::ResolvUpstreams, 0, 0));
        assert!(legal(Phase::Serving, Kind::ResolvUpstreams, 1, 0));
        assert!(!legal(Phase::Spawned, Kind::ResolvUpstreams, 1, 0));
    }

    #[test]
    fn hosts_are_told_when_they_were_asked_for() {
        assert!(!legal(Phase::Serving, Kind::KnownHosts, 1, 0));
        assert!(legal(Phase::Ready, Kind::KnownHosts, 0, 1) && legal(Phase::Draining, Kind::KnownHosts, 0, 1));
        assert!(!legal(Phase::Spawned, Kind::KnownHosts, 0, 1));
    }
}
