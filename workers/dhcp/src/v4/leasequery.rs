//! DHCPLEASEQUERY: an access concentrator asks who has an address, or which one a client has (RFC 4388, RFC 6148).

use std::net::{IpAddr, Ipv4Addr};

use dhcproto::v4::MessageType;
use ipc::config::dhcp::{INFINITE, PoolMode};
use ipc::lease::Lease;
use ipc::link::Interface;
use ipc::log::Line;
use ipc::time::Now;

use super::{Exchange, Outcome};
use crate::engine::Arrival;
use crate::lines;
use crate::options::{self, Terms};
use crate::packet::Packet;
use crate::pool;
use crate::reply::Reply;
use crate::state::{Config, State};
use crate::tags::Tags;

/// Answers a query if it comes through an agent that may ask; no lease is made or changed.
pub(super) fn answer(
    config: &Config,
    state: &State,
    interface: &Interface,
    packet: &Packet<'_>,
    arrival: Arrival,
    now: Now,
) -> (Outcome, Vec<Line>) {
    let slice = &config.slice;
    let (Some(askers), Some(agent)) = (&slice.leasequery, packet.giaddr()) else {
        return (Outcome::Silence, Vec::new());
    };
    if !askers.is_empty() && !askers.iter().any(|asker| asker.contains(IpAddr::V4(agent))) {
        let text = format!("leasequery from {agent} not permitted");
        return (Outcome::Silence, vec![lines::warning(text)]);
    }
    let Some((fallback, _)) = interface.addresses4().next() else { return (Outcome::Silence, Vec::new()) };
    let lease = match packet.ciaddr() {
        Some(address) => state.leases.of_address(address),
        None => state.leases.of_client(packet.client_id(), packet.hardware()),
    };
    let networks = lease.map_or_else(Vec::new, |lease| {
        let mut networks = pool::local_networks(slice, interface);
        networks.retain(|network| network.includes(lease.address));
        if networks.is_empty() {
            networks = pool::remote_networks(slice, lease.address, fallback, None);
        }
        networks
    });
    let mut exchange = Exchange::assemble(config, interface, packet, arrival, networks, fallback);
    exchange.say_about_query("DHCPLEASEQUERY", packet.ciaddr(), &format!("from {agent}"));

    let answer = match (lease, packet.ciaddr()) {
        (Some(lease), _) => active(&mut exchange, lease, now),
        (None, Some(address)) if gives(&exchange, address) => {
            without_lease(&mut exchange, MessageType::LeaseUnassigned, "DHCPLEASEUNASSIGNED", Some(address))
        }
        (None, _) => without_lease(&mut exchange, MessageType::LeaseUnknown, "DHCPLEASEUNKNOWN", None),
    };
    (answer, exchange.lines)
}

/// Is it an address that anybody could get?
fn gives(exchange: &Exchange<'_>, address: Ipv4Addr) -> bool {
    let mut dynamic = exchange.config.slice.pools.iter().filter(|pool| pool.mode == PoolMode::Dynamic);
    dynamic.any(|pool| pool.first <= address && address <= pool.last)
}

fn without_lease(exchange: &mut Exchange<'_>, kind: MessageType, word: &str, ciaddr: Option<Ipv4Addr>) -> Outcome {
    exchange.say_about_query(word, exchange.packet.ciaddr(), "");
    let mut reply = Reply::to_query(exchange.packet, exchange.packet.hardware(), ciaddr, None);
    reply.put(53, &[kind.into()]);
    Outcome::Answer(exchange.address(reply, Ipv4Addr::BROADCAST, Vec::new()))
}

fn active(exchange: &mut Exchange<'_>, lease: &Lease, now: Now) -> Outcome {
    let asked = |code: u8| exchange.requested.as_ref().is_none_or(|list| list.contains(&code));
    let network = exchange.networks.iter().find(|network| network.includes(lease.address)).copied();
    let provenance = lease.provenance.as_deref();
    let agent_info = provenance.and_then(|provenance| provenance.agent_info.as_deref()).filter(|_| asked(82));
    let vendor_class = provenance.and_then(|provenance| provenance.vendor_class.as_deref()).filter(|_| asked(60));

    let mut reply = Reply::to_query(exchange.packet, lease.hardware, Some(lease.address), agent_info);
    reply.put(53, &[MessageType::LeaseActive.into()]);
    if let Some(id) = lease.client_id.as_ref().filter(|_| asked(61)) {
        reply.put(61, id);
    }
    let left_s = if lease.expires_s == 0 {
        INFINITE
    } else {
        u32::try_from(lease.expires_s.saturating_sub(now.wall_s)).unwrap_or(INFINITE)
    };
    if asked(51) {
        reply.put_number(51, left_s);
    }
    // The lease remembers when it ends, not when it began; the configured time tells.
    let whole_s = exchange.rule.and_then(|rule| rule.lease_time_s).or(network.map(|network| network.pool.lease_time_s));
    let lease_time_s = if left_s == INFINITE { INFINITE } else { whole_s.unwrap_or(left_s).max(left_s) };
    if let Some(network) = &network {
        exchange.enter(network);
    }
    exchange.say_tags();
    let label = lines::hex(lease.hardware.used());
    let name = lease.name.as_deref();
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(exchange.message_about("DHCPLEASEACTIVE", Some(lease.address), &label, name.unwrap_or_default(), ""));
    let elapsed_s = lease_time_s - left_s;
    let terms = Terms { elapsed_s: Some(elapsed_s), ..Terms::new(network.as_ref(), lease.address, name, lease_time_s) };
    options::fill(exchange, &terms, &mut reply, &mut lines);
    if let Some(class) = vendor_class {
        reply.put(60, class);
    }
    Outcome::Answer(exchange.address(reply, Ipv4Addr::BROADCAST, lines))
}

impl Exchange<'_> {
    /// Logs a message about an address, or about a client; one that is not known is not named.
    fn say_about_query(&mut self, kind: &str, address: Option<Ipv4Addr>, rest: &str) {
        let slice = &self.config.slice;
        if slice.quiet_dhcp && !slice.log_dhcp {
            return;
        }
        let client = if self.identity().is_empty() { String::new() } else { format!("{} ", self.label()) };
        let address = address.map(|address| format!("{address} ")).unwrap_or_default();
        let text = format!("{kind}({}) {address}{client}{rest}", self.interface);
        self.lines.push(if slice.log_dhcp { self.detail(&text) } else { lines::info(text) });
    }

    /// Nothing but the interface's tag: a query is not the client's.
    pub(super) fn forget_tags(&mut self) {
        self.set_tags = Tags::default();
        self.set_tags.set(self.interface);
        self.follow_tags();
        self.bare_tags = self.tags.clone();
    }
}
