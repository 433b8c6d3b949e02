//! DHCPRELEASE and DHCPDECLINE: a client gives an address back, or found it taken (RFC 2131 sections 4.3.3 and 4.3.4).

use ipc::lease::LeaseChange;
use ipc::time::Now;

use super::{Exchange, Outcome};
use crate::lines;
use crate::pool;
use crate::state::State;

/// How long the address of a host rule is not used after it was declined.
const DECLINE_MS: u64 = 600_000;

/// Ends the lease.
pub(super) fn release(exchange: &mut Exchange<'_>, state: &State) -> Outcome {
    let Some(address) = exchange.own_address() else { return Outcome::Silence };
    let Some(network) = pool::narrow(&exchange.networks, address, &exchange.tags).copied() else {
        return Outcome::Silence;
    };
    if exchange.packet.address(54) != Some(exchange.server_id(Some(&network))) {
        return Outcome::Silence;
    }
    let known = exchange.lease(state).is_some_and(|lease| lease.address == address);
    exchange.say("DHCPRELEASE", Some(address), "", if known { "" } else { "unknown lease" });
    if known { Outcome::Record(vec![LeaseChange::Remove(address)], None) } else { Outcome::Silence }
}

/// Ends the lease and sees to it that the client gets another address next time.
pub(super) fn decline(exchange: &mut Exchange<'_>, state: &mut State, now: Now) -> Outcome {
    let ours = exchange.server_id(exchange.networks.first());
    if exchange.packet.address(54) != Some(ours) {
        return Outcome::Silence;
    }
    let Some(address) = exchange.packet.address(50) else { return Outcome::Silence };
    let text = lines::printable(exchange.packet.option(56).unwrap_or_default());
    exchange.say("DHCPDECLINE", Some(address), "", &text);

    if exchange.rule.and_then(|rule| rule.address) == Some(address) {
        let time = lines::duration((DECLINE_MS / 1000) as u32);
        exchange.lines.push(lines::warning(format!("disabling DHCP static address {address} for {time}")));
        state.declined.insert(address, now.monotonic_ms + DECLINE_MS);
    } else {
        for network in &exchange.networks {
            if let Some(epoch) = state.epochs.get_mut(network.position) {
                *epoch = epoch.wrapping_add(1);
            }
        }
    }
    let held = exchange.lease(state).is_some_and(|lease| lease.address == address);
    if held { Outcome::Record(vec![LeaseChange::Remove(address)], None) } else { Outcome::Silence }
}
