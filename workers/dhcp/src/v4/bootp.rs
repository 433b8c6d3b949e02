//! Requests without a message type: BOOTP (RFC 951, RFC 1542), whose clients keep an address for ever.

use std::net::Ipv4Addr;

use ipc::config::dhcp::INFINITE;
use ipc::lease::{Lease, LeaseChange};
use ipc::time::Now;

use super::{Exchange, Outcome, discover, expires_s, request};
use crate::lines;
use crate::options::{self, Terms};
use crate::pool::{self, Choice};
use crate::reply::Reply;
use crate::state::State;

/// Gives the client its address, or says in the log why not.
pub(super) fn bootp(exchange: &mut Exchange<'_>, state: &mut State, now: Now) -> Outcome {
    if exchange.identity().is_empty() {
        return Outcome::Silence;
    }
    if exchange.rule.is_some_and(|rule| rule.ignore) {
        return refuse(exchange, None, "disabled");
    }
    let file = lines::printable(exchange.packet.file());
    if !file.is_empty() {
        exchange.set_tags.set(file);
    }
    exchange.set_tags.set("bootp");
    exchange.follow_tags();
    exchange.bare_tags = exchange.tags.clone();
    if exchange.tags.pass_any(&exchange.config.slice.ignore) {
        return refuse(exchange, None, "ignored");
    }
    let held = exchange.lease(state).map(|lease| lease.address);
    let configured = exchange.rule.and_then(|rule| rule.address);
    let choice = match configured {
        Some(address) => Ok(address),
        None if exchange.tags.pass_any(&exchange.config.slice.bootp_dynamic) => {
            let usable = |address: &Ipv4Addr| {
                pool::giving(&exchange.networks, *address, &exchange.tags).is_some()
                    && exchange.config.rules.of_address(*address).is_none()
            };
            match held.filter(usable).map_or_else(|| discover::choose(exchange, state, now), Choice::Take) {
                Choice::Take(address) => Ok(address),
                Choice::Ask(address) => return Outcome::Ask(address, pool::hash(exchange.identity())),
                Choice::Exhausted => Err("no address available"),
            }
        }
        None => Err("no address configured"),
    };
    exchange.say_tags();
    let address = match choice {
        Ok(address) => address,
        Err(text) => return refuse(exchange, None, text),
    };
    if held != Some(address) && !state.leases.is_free(address) {
        return refuse(exchange, Some(address), "address in use");
    }
    let Some(network) = pool::narrow(&exchange.networks, address, &exchange.tags).copied() else {
        return refuse(exchange, Some(address), "wrong network");
    };
    let given_up = held.filter(|held| *held != address);
    let others = state.leases.count() - usize::from(held.is_some());
    if others >= usize::try_from(exchange.config.slice.lease_max).unwrap_or(usize::MAX) {
        return refuse(exchange, Some(address), "no leases left");
    }
    exchange.enter(&network);

    let mut changes: Vec<LeaseChange> = given_up.into_iter().map(LeaseChange::Remove).collect();
    let lease_name = request::name_for(exchange, state, address, given_up, &mut changes);
    // What the lease remembers from a time when its holder spoke DHCP stays.
    let own = exchange.lease(state).filter(|lease| lease.address == address);
    let (client_id, provenance) = own.map_or((None, None), |own| (own.client_id.clone(), own.provenance.clone()));
    let lease_time_s = exchange.rule.and_then(|rule| rule.lease_time_s).unwrap_or(INFINITE);
    changes.push(LeaseChange::Put(Lease {
        address,
        hardware: exchange.hardware,
        client_id,
        name: lease_name,
        expires_s: expires_s(lease_time_s, now),
        provenance,
    }));

    let name = exchange.name.as_ref().map(|name| name.label.as_str());
    let mut reply = Reply::to_bootp(exchange.packet);
    reply.set_yiaddr(address);
    let terms = Terms::new(Some(&network), address, name, INFINITE);
    let mut lines = Vec::new();
    options::fill(exchange, &terms, &mut reply, &mut lines);
    lines.extend(exchange.message("BOOTP", Some(address), "", ""));
    if exchange.force_broadcast {
        reply.set_broadcast_flag();
    }
    Outcome::Record(changes, Some(exchange.address(reply, address, lines)))
}

fn refuse(exchange: &mut Exchange<'_>, address: Option<Ipv4Addr>, text: &str) -> Outcome {
    exchange.say("BOOTP", address, "", text);
    Outcome::Silence
}
