//! DHCPINFORM: options for a client that has its address from elsewhere (RFC 2131 section 4.3.5).

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use ipc::config::dhcp::INFINITE;
use ipc::time::Now;

use super::{Exchange, Outcome};
use crate::options::Terms;
use crate::pool;
use crate::reply::Reply;
use crate::state::State;

/// Answers with options only; no lease is made or changed.
pub(super) fn inform(exchange: &mut Exchange<'_>, state: &State, now: Now) -> Outcome {
    let own = exchange.own_address();
    exchange.say(
        "DHCPINFORM",
        Some(own.unwrap_or(Ipv4Addr::UNSPECIFIED)),
        "",
        if exchange.ignored { "ignored" } else { "" },
    );
    let Some(address) = own.filter(|_| !exchange.ignored) else { return Outcome::Silence };

    let network = pool::narrow(&exchange.networks, address, &exchange.tags).copied();
    if let Some(network) = &network {
        exchange.enter(network);
    }
    exchange.say_tags();
    let by_address = state.leases.of_address(address).filter(|_| exchange.lease(state).is_none());
    let lease = exchange.lease(state).or(by_address);
    let said = || exchange.name.as_ref().map(|name| name.label.clone());
    let in_hosts = || exchange.name_in_hosts(address).map(str::to_owned);
    let name = by_address.and_then(|lease| lease.name.clone()).or_else(said).or_else(in_hosts);
    let acknowledged = exchange.message("DHCPACK", Some(address), name.as_deref().unwrap_or_default(), "");

    let mut reply = Reply::to(exchange.packet);
    reply.put(53, &[MessageType::Ack.into()]);
    reply.put_address(54, exchange.server_id(network.as_ref()));
    // RFC 2131 forbids a lease time here, yet the tool that shows remaining lease times asks for it.
    if let Some(lease) = lease.filter(|_| exchange.requested.as_ref().is_none_or(|list| list.contains(&51))) {
        let left_s = u32::try_from(lease.expires_s.saturating_sub(now.wall_s)).unwrap_or(INFINITE);
        reply.put_number(51, if lease.expires_s == 0 { INFINITE } else { left_s });
    }
    let terms = Terms::new(network.as_ref(), address, name.as_deref(), INFINITE);
    Outcome::Answer(exchange.grant(reply, &terms, acknowledged.into_iter().collect()))
}
