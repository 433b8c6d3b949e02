//! DHCPDISCOVER: choose an address and offer it (RFC 2131 section 4.3.1).

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use ipc::lease::LeaseChange;
use ipc::time::Now;

use super::reclaim::{Reclaim, reclaim};
use super::{Answer, Exchange, Outcome, request};
use crate::client_name::Name;
use crate::host_rules;
use crate::lines;
use crate::options::Terms;
use crate::pool::{self, Choice, Search};
use crate::probe::Judgement;
use crate::state::State;

/// Offers an address; with rapid commit leases it at once (RFC 4039).
pub(super) fn discover(exchange: &mut Exchange<'_>, state: &mut State, now: Now) -> Outcome {
    let asked_for = exchange.packet.address(50);
    if exchange.ignored {
        exchange.say("DHCPDISCOVER", None, "", "ignored");
        return Outcome::Silence;
    }
    let mut reclaimed = None;
    let (address, error) = match address_for(exchange, state, asked_for, now) {
        Choice::Take(address) => (Some(address), ""),
        Choice::Ask(address) => return Outcome::Ask(address, pool::hash(exchange.identity())),
        Choice::Exhausted if exchange.identity().is_empty() => (None, "no unique-id"),
        Choice::Exhausted => match reclaim(exchange, state, now) {
            Reclaim::Nothing => (None, "no address available"),
            Reclaim::Ask(address) => return Outcome::Ask(address, pool::hash(exchange.identity())),
            Reclaim::Take(address) => {
                reclaimed = Some(address);
                (reclaimed, "")
            }
        },
    };
    exchange.say("DHCPDISCOVER", asked_for, "", error);
    let Some(address) = address else { return Outcome::Silence };
    let Some(network) = pool::narrow(&exchange.networks, address, &exchange.tags).copied() else {
        return Outcome::Silence;
    };
    exchange.enter(&network);
    if let Some(lease) = reclaimed.and_then(|address| state.leases.of_address(address)) {
        let text = format!(
            "reclaiming {address} from {}: no address is free, and nobody answers there",
            lines::hex(lease.hardware.used())
        );
        exchange.lines.push(lines::warning(text));
    } else if exchange.config.slice.rapid_commit && exchange.packet.option(80).is_some() {
        return request::rapid_commit(exchange, state, address, now);
    }

    let delay_s = delay_s(exchange);
    exchange.say_tags();
    let offer = exchange.message("DHCPOFFER", Some(address), "", "");
    let lease_time_s = exchange.lease_time_s(&network);
    let mut reply = exchange.reply();
    reply.set_yiaddr(address);
    reply.put(53, &[MessageType::Offer.into()]);
    reply.put_address(54, exchange.server_id(Some(&network)));
    reply.put_number(51, lease_time_s);
    // A name is told before the lease is made when it is certain and not another than the client gave, or when option 81 asks for
    // an answer.
    let said = exchange.said.name.as_ref();
    let told = |name: &&Name| {
        exchange.said.fqdn_flags.is_some()
            || name.configured && said.is_none_or(|said| said.label.eq_ignore_ascii_case(&name.label))
    };
    let name = exchange.name.as_ref().filter(told).map(|name| name.label.as_str());
    let terms = Terms::new(Some(&network), address, name, lease_time_s);
    let answer = Answer { delay_s, ..exchange.grant(reply, &terms, offer.into_iter().collect()) };
    match reclaimed {
        // The lease ends before anybody is offered its address.
        Some(address) => Outcome::Record(vec![LeaseChange::Remove(address)], Some(answer)),
        None => Outcome::Answer(answer),
    }
}

/// How long an answer to somebody who looks for a server is held back (`dhcp-reply-delay`); said in the log.
pub(super) fn delay_s(exchange: &mut Exchange<'_>) -> u32 {
    let delay = exchange.config.slice.reply_delay.as_ref();
    let Some(delay) = delay.filter(|delay| delay.seconds > 0 && exchange.tags.pass(&delay.tests)) else { return 0 };
    exchange.lines.push(exchange.detail(&format!("reply delay: {}", delay.seconds)));
    delay.seconds
}

/// The address for a client, first that works: its rule's, the one it has, the one it asks for, one by its hash.
fn address_for(exchange: &mut Exchange<'_>, state: &mut State, asked_for: Option<Ipv4Addr>, now: Now) -> Choice {
    if let Some(address) = exchange.rule.and_then(|rule| rule.address) {
        match obstacle(exchange, state, address, now) {
            None => return Choice::Take(address),
            Some(because) => {
                let text = format!("not using configured address {address} because it {because}");
                exchange.lines.push(lines::warning(text));
            }
        }
    }
    let rules = &exchange.config.rules;
    let usable = |address| {
        pool::giving(&exchange.networks, address, &exchange.tags).is_some() && rules.of_address(address).is_none()
    };
    if let Some(lease) = exchange.lease(state).filter(|lease| usable(lease.address)) {
        return Choice::Take(lease.address);
    }
    let hash = pool::hash(exchange.identity());
    if let Some(address) = asked_for.filter(|address| usable(*address) && state.leases.is_free(*address)) {
        match state.probes.judge(address, hash, exchange.asks(), now.monotonic_ms) {
            Judgement::Free => return Choice::Take(address),
            Judgement::Ask => return Choice::Ask(address),
            Judgement::Taken => {}
        }
    }
    if exchange.identity().is_empty() {
        return Choice::Exhausted;
    }
    choose(exchange, state, now)
}

/// An address of a pool by the client's hash.
pub(super) fn choose(exchange: &Exchange<'_>, state: &mut State, now: Now) -> Choice {
    pool::choose(&mut Search {
        networks: &exchange.networks,
        tags: &exchange.tags,
        hash: pool::hash(exchange.identity()),
        asking: exchange.asks(),
        sequential: exchange.config.slice.sequential_ip,
        rules: &exchange.config.rules,
        leases: &state.leases,
        probes: &mut state.probes,
        epochs: &mut state.epochs,
        now_ms: now.monotonic_ms,
    })
}

/// Why the address of the client's rule cannot be used.
fn obstacle(exchange: &Exchange<'_>, state: &State, address: Ipv4Addr, now: Now) -> Option<String> {
    let own = exchange.lease(state).map(|lease| lease.address);
    let other = state.leases.of_address(address).filter(|lease| {
        Some(lease.address) != own && !exchange.rule.is_some_and(|rule| host_rules::has_hardware(rule, lease.hardware))
    });
    if let Some(lease) = other {
        return Some(format!("is leased to {}", lines::hex(lease.hardware.used())));
    }
    if exchange.networks.iter().any(|network| network.router == Some(address)) {
        return Some("is in use by the server or relay".to_owned());
    }
    state.is_declined(address, now.monotonic_ms).then(|| "was previously declined".to_owned())
}
