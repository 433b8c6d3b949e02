//! A full pool (`dhcp-reclaim`, ours): the lease whose client has been silent for longest, and does not answer an echo request, goes to
//! the client that asks.

use std::net::Ipv4Addr;

use ipc::time::Now;

use super::Exchange;
use crate::pool;
use crate::probe::Judgement;
use crate::state::State;

/// Leases looked at for one request, from the most silent on: of those, not all are in the pools of the request.
const LEASES_LOOKED_AT_MAX: usize = 4096;
/// Addresses asked for one client at most, before it is told that there is none. Each costs it three seconds.
const ADDRESSES_ASKED_MAX: usize = 4;

/// What is to be done for a client that finds every address taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reclaim {
    /// Nothing can be.
    Nothing,
    /// Ask this address, and judge the request again.
    Ask(Ipv4Addr),
    /// Nobody answers here: its lease may end.
    Take(Ipv4Addr),
}

/// Looks for a lease to reclaim. Without echo requests (`no-ping`) there is none, since nobody could tell.
pub(super) fn reclaim(exchange: &Exchange<'_>, state: &mut State, now: Now) -> Reclaim {
    if !exchange.config.slice.reclaim || !exchange.asks() {
        return Reclaim::Nothing;
    }
    let hash = pool::hash(exchange.identity());
    let usable = |address: &Ipv4Addr| {
        pool::giving(&exchange.networks, *address, &exchange.tags).is_some()
            && exchange.config.rules.of_address(*address).is_none()
            && !state.leases.is_changing(*address)
    };
    let silent = state.leases.by_silence().take(LEASES_LOOKED_AT_MAX).map(|lease| lease.address);
    for address in silent.filter(usable).take(ADDRESSES_ASKED_MAX) {
        match state.probes.judge(address, hash, true, now.monotonic_ms) {
            Judgement::Ask => return Reclaim::Ask(address),
            Judgement::Free if state.probes.is_silent(address, hash) => return Reclaim::Take(address),
            // Free unasked: too much has been asked lately.
            Judgement::Free => return Reclaim::Nothing,
            Judgement::Taken => {}
        }
    }
    Reclaim::Nothing
}
