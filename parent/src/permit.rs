//! Which message is legal from a worker in which phase. Anything else ends the worker.
//!
//! A worker's life, in the words that the logs use too: Spawned (boot message sent), Ready (confined, state being sent), Serving,
//! Draining, Gone. A captured worker can say whatever it likes, but only this, and only now.

use ipc::{dhcp, dns, tftp};

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
    /// A request for sockets, a commit, a neighbor entry, a ping: work on behalf of clients.
    Work,
}

/// Is `kind` legal in `phase`? `resolv_files_owed` is how many resolv files the worker has not yet answered for.
pub fn legal(phase: Phase, kind: Kind, resolv_files_owed: u32) -> bool {
    match kind {
        Kind::Ready => phase == Phase::Spawned,
        Kind::Serving => phase == Phase::Ready,
        Kind::ResolvUpstreams => phase >= Phase::Ready && resolv_files_owed > 0,
        // Serving is announced before the first client is heard, so work before it is a lie.
        Kind::Work => phase >= Phase::Serving,
        Kind::Drained => phase == Phase::Draining,
    }
}

/// The kind of a dns message.
pub fn dns_kind(message: &dns::ToParent) -> Kind {
    match message {
        dns::ToParent::Serving => Kind::Serving,
        dns::ToParent::ResolvUpstreams(_) => Kind::ResolvUpstreams,
        dns::ToParent::WantUdp { .. } | dns::ToParent::WantTcp { .. } => Kind::Work,
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
        tftp::ToParent::WantTransfer { .. } => Kind::Work,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_legal_twice_or_too_early() {
        assert!(legal(Phase::Spawned, Kind::Ready, 0));
        for phase in [Phase::Ready, Phase::Serving, Phase::Draining] {
            assert!(!legal(phase, Kind::Ready, 0));
        }
        assert!(!legal(Phase::Spawned, Kind::Work, 0) && !legal(Phase::Ready, Kind::Work, 0));
        assert!(!legal(Phase::Serving, Kind::Drained, 0) && legal(Phase::Draining, Kind::Drained, 0));
        assert!(!legal(Phase::Serving, Kind::Serving, 0));
    }

    #[test]
    fn upstreams_are_named_once_per_resolv_file() {
        assert!(!legal(Phase::Serving, Kind::ResolvUpstreams, 0));
        assert!(legal(Phase::Serving, Kind::ResolvUpstreams, 1));
        assert!(!legal(Phase::Spawned, Kind::ResolvUpstreams, 1));
    }
}
