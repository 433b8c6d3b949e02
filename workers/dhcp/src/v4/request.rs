//! DHCPREQUEST: accept an offer, confirm, extend, or refuse (RFC 2131 section 4.3.2).

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use ipc::lease::{Lease, LeaseChange, PROVENANCE_BYTES_MAX, Provenance};
use ipc::log::Line;
use ipc::time::Now;

use super::{Exchange, Outcome, expires_s};
use crate::client_name::{self, Claim, Name};
use crate::host_rules;
use crate::lines;
use crate::options::{self, Terms};
use crate::pool::{self, Network};
use crate::state::State;

/// What a client wants.
#[derive(Clone, Copy)]
struct Wish {
    address: Ipv4Addr,
    /// Is the address leased to the client already?
    held: bool,
    /// The client's lease of another address, which ends in any case: the client has moved on.
    given_up: Option<Ipv4Addr>,
    how: How,
    fuzz: u16,
}

/// How it came to want it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// It was offered to it just now.
    Selecting,
    /// It is about to be offered to it, and taken at once.
    RapidCommit,
    /// It had it before.
    Again,
}

/// Judges a DHCPREQUEST. Which state the client is in shows in what it sends (RFC 2131 section 4.3.6).
pub(super) fn request(exchange: &mut Exchange<'_>, state: &mut State, now: Now) -> Outcome {
    if exchange.ignored {
        return Outcome::Silence;
    }
    let authoritative = exchange.config.slice.authoritative;
    let held = exchange.lease(state).map(|lease| lease.address);
    let mut refusal = None;
    let mut how = How::Again;
    let mut fuzz = 0;

    let address = if let Some(address) = exchange.packet.address(50) {
        if let Some(server) = exchange.packet.address(54) {
            how = How::Selecting;
            if !is_for_us(exchange, state, server) {
                state.probes.release(pool::hash(exchange.identity()));
                if !authoritative || exchange.server_override.is_some() {
                    return Outcome::Silence;
                }
                refusal = Some("wrong server-ID");
            }
        } else {
            match held {
                None if !authoritative => return Outcome::Silence,
                Some(held) if held != address => refusal = Some("wrong address"),
                _ => {}
            }
        }
        address
    } else {
        // Renewing or rebinding. The lease may be missing when we are the only server: that heals a lost lease file.
        let Some(address) = exchange.own_address() else { return Outcome::Silence };
        if held.map_or(!authoritative, |held| held != address) {
            // A client rebinding asks everybody, so the lease may be another server's. Asked alone, we know it is wrong.
            if !exchange.unicast {
                return Outcome::Silence;
            }
            exchange.unicast = false;
            refusal = Some("lease not found");
        }
        fuzz = state.random.next_u16();
        address
    };
    exchange.say("DHCPREQUEST", Some(address), "", "");
    let given_up = held.filter(|held| how == How::Selecting && *held != address);
    let wish = Wish { address, held: held == Some(address), given_up, how, fuzz };
    match refusal.map_or_else(|| check(exchange, state, wish, now), Err) {
        Ok(network) => make(exchange, state, wish, network, now),
        Err(text) => refuse(exchange, wish, text),
    }
}

/// Leases the address that was about to be offered (RFC 4039). When that fails nothing is sent.
pub(super) fn rapid_commit(exchange: &mut Exchange<'_>, state: &State, address: Ipv4Addr, now: Now) -> Outcome {
    let held = exchange.lease(state).map(|lease| lease.address);
    let given_up = held.filter(|held| *held != address);
    let wish = Wish { address, held: held == Some(address), given_up, how: How::RapidCommit, fuzz: 0 };
    match check(exchange, state, wish, now) {
        Ok(network) => make(exchange, state, wish, network, now),
        Err(text) => {
            exchange.say("NOANSWER", Some(address), "", text);
            Outcome::Silence
        }
    }
}

/// Does a server id mean us: the address the client reaches us by, or any other of ours?
fn is_for_us(exchange: &mut Exchange<'_>, state: &State, server: Ipv4Addr) -> bool {
    if let Some(wanted) = exchange.server_override {
        return wanted == server;
    }
    if exchange.networks.iter().any(|network| network.local == server) || exchange.fallback == server {
        return true;
    }
    if state.is_ours(server) {
        // The client must hear the id it knows.
        exchange.server_override = Some(server);
        return true;
    }
    false
}

/// May the client have what it wants? The network it belongs to, or the text of the refusal.
fn check<'s>(exchange: &mut Exchange<'s>, state: &State, wish: Wish, now: Now) -> Result<Network<'s>, &'static str> {
    let address = wish.address;
    let rules = &exchange.config.rules;
    let configured = exchange.rule.and_then(|rule| rule.address);
    let Some(network) = pool::narrow(&exchange.networks, address, &exchange.tags).copied() else {
        // The client has moved here from elsewhere. It must hear of it whatever network it thinks it is on.
        exchange.unicast = false;
        return Err("wrong network");
    };
    if pool::giving(&exchange.networks, address, &exchange.tags).is_none() && configured != Some(address) {
        return Err("address not available");
    }
    // Only if a DISCOVER is sure to be answered with the configured address, else the client would go round in circles.
    if let Some(configured) = configured.filter(|configured| wish.how == How::Again && *configured != address) {
        let routes = exchange.networks.iter().any(|network| network.router == Some(configured));
        let in_the_way = state.leases.of_address(configured).is_some();
        if !routes && !in_the_way && !state.is_declined(configured, now.monotonic_ms) {
            return Err("static lease available");
        }
    }
    if rules.of_address(address).is_some_and(|rule| exchange.rule.is_none_or(|own| !std::ptr::eq(rule, own))) {
        return Err("address reserved");
    }
    if !wish.held
        && let Some(other) = state.leases.of_address(address)
    {
        // The addresses of one rule are one host's, which may have several interfaces.
        if !exchange.rule.is_some_and(|rule| host_rules::has_hardware(rule, other.hardware)) {
            return Err("address in use");
        }
        let text = format!("abandoning lease to {} of {address}", lines::hex(other.hardware.used()));
        exchange.lines.push(lines::warning(text));
    }
    if exchange.identity().is_empty() {
        return Err("no unique-id");
    }
    let lease_max = usize::try_from(exchange.config.slice.lease_max).unwrap_or(usize::MAX);
    let others = state.leases.count() - usize::from(wish.given_up.is_some());
    if state.leases.of_address(address).is_none() && others >= lease_max {
        return Err("no leases left");
    }
    Ok(network)
}

/// Makes or extends the lease: the changes to record, and the acknowledgement that waits for them.
fn make<'s>(exchange: &mut Exchange<'s>, state: &State, wish: Wish, network: Network<'s>, now: Now) -> Outcome {
    let Wish { address, given_up, how, fuzz, .. } = wish;
    exchange.enter(&network);
    exchange.say_tags();

    if exchange.name.as_ref().is_none_or(|name| !name.configured)
        && let Some(label) = exchange.name_in_hosts(address)
    {
        exchange.name = Some(Name { label: label.to_owned(), domain: None, configured: true });
    }
    if exchange.name.as_ref().is_some_and(|name| !name.configured)
        && exchange.tags.pass_any(&exchange.config.slice.ignore_names)
    {
        exchange.name = None;
    }
    if exchange.name.is_none() && exchange.tags.pass_any(&exchange.config.slice.generate_names) {
        exchange.name = client_name::generated(exchange.identity());
    }
    if let Some((label, domain)) = exchange.name.as_ref().and_then(|name| Some((&name.label, name.domain.as_ref()?)))
        && exchange.config.slice.domains.of(address.into()).is_none_or(|ours| !ours.eq_ignore_ascii_case(domain))
    {
        exchange.lines.push(lines::warning(format!("Ignoring domain {domain} for DHCP host name {label}")));
    }

    let mut changes: Vec<LeaseChange> = given_up.into_iter().map(LeaseChange::Remove).collect();
    let lease_name = name_for(exchange, state, address, given_up, &mut changes);
    let lease_time_s = exchange.lease_time_s(&network);
    // A host whose interfaces take turns keeps the client id that one of them has shown.
    let kept_id = || state.leases.of_address(address)?.client_id.clone();
    changes.push(LeaseChange::Put(Lease {
        address,
        hardware: exchange.hardware,
        client_id: exchange.client_id.clone().or_else(kept_id),
        name: lease_name,
        expires_s: expires_s(lease_time_s, now),
        provenance: provenance(exchange, state, address),
    }));

    let name = exchange.name.as_ref().map(|name| name.label.as_str());
    let acknowledged = exchange.message("DHCPACK", Some(address), name.unwrap_or_default(), "");
    let mut reply = exchange.reply();
    reply.set_yiaddr(address);
    reply.put(53, &[MessageType::Ack.into()]);
    reply.put_address(54, exchange.server_id(Some(&network)));
    reply.put_number(51, lease_time_s);
    if how == How::RapidCommit {
        reply.put(80, &[]);
    }
    let terms = Terms { fuzz, ..Terms::new(Some(&network), address, name, lease_time_s) };
    let answer = exchange.grant(reply, &terms, acknowledged.into_iter().collect());
    Outcome::Record(changes, Some(answer))
}

/// What the agent and the client say of themselves, or what they said before. Kept only where somebody may ask for it.
fn provenance(exchange: &Exchange<'_>, state: &State, address: Ipv4Addr) -> Option<Box<Provenance>> {
    exchange.config.slice.leasequery.as_ref()?;
    let before = state.leases.of_address(address);
    let mut provenance = before.and_then(|lease| lease.provenance.as_deref().cloned()).unwrap_or_default();
    let said = |code| exchange.packet.option(code).filter(|value| (1..=PROVENANCE_BYTES_MAX).contains(&value.len()));
    if let Some(agent_info) = said(82) {
        provenance.agent_info = Some(agent_info.to_vec());
    }
    if let Some(vendor_class) = said(60) {
        provenance.vendor_class = Some(vendor_class.to_vec());
    }
    (provenance != Provenance::default()).then(|| Box::new(provenance))
}

/// The name that the lease of `address` will carry. Another lease that must lose it for that is added to `changes`.
pub(super) fn name_for(
    exchange: &Exchange<'_>,
    state: &State,
    address: Ipv4Addr,
    given_up: Option<Ipv4Addr>,
    changes: &mut Vec<LeaseChange>,
) -> Option<String> {
    // Another interface of the same host has its name, too.
    let present = || state.leases.of_address(address)?.name.clone();
    let Some(name) = &exchange.name else { return present() };
    match state.claim(exchange.config, &name.label, name.configured, address) {
        Claim::Refused => present(),
        Claim::Taken(older) if Some(older.address) != given_up => {
            changes.push(State::nameless(*older));
            Some(name.label.clone())
        }
        Claim::Taken(_) | Claim::Granted => Some(name.label.clone()),
    }
}

/// Refuses (RFC 2131 section 4.3.2).
fn refuse(exchange: &mut Exchange<'_>, wish: Wish, text: &str) -> Outcome {
    let address = wish.address;
    let lines: Vec<Line> = exchange.message("DHCPNAK", Some(address), "", text).into_iter().collect();
    let mut reply = exchange.reply();
    reply.put(53, &[MessageType::Nak.into()]);
    let network = pool::narrow(&exchange.networks, address, &exchange.tags).copied();
    reply.put_address(54, exchange.server_id(network.as_ref().or(exchange.networks.first())));
    reply.put(56, &options::text(text.as_bytes(), exchange.said.ends_with_nul));
    // On our own networks a broadcast reaches the client even if its address is wrong; a distant one hears only unicast.
    let on_link =
        |own| exchange.networks.iter().any(|network| network.includes(own) && network.includes(network.local));
    if !exchange.unicast || exchange.packet.giaddr().is_some() || exchange.own_address().is_none_or(on_link) {
        reply.set_broadcast();
    }
    let answer = exchange.address(reply, address, lines);
    match wish.given_up {
        Some(other) => Outcome::Record(vec![LeaseChange::Remove(other)], Some(answer)),
        None => Outcome::Answer(answer),
    }
}
