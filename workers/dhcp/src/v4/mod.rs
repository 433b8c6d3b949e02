//! One DHCPv4 request from the packet to what is to be done (RFC 2131): what all kinds of message have in common.

mod bootp;
mod discover;
mod inform;
mod leasequery;
pub(crate) mod pxe;
mod reclaim;
mod release;
mod request;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use dhcproto::v4::MessageType;
use ipc::config::dhcp::{ClientIdRule, HostRule, INFINITE, PoolMode};
use ipc::config::pxe::BootServer;
use ipc::dhcp::Contact;
use ipc::lease::{Lease, LeaseChange};
use ipc::link::{HardwareAddress, Interface};
use ipc::log::Line;
use ipc::time::Now;

use crate::client_name::{self, Name, Said};
use crate::engine::{Arrival, Port};
use crate::event;
use crate::host_rules::Likeness;
use crate::lines;
use crate::option_name;
use crate::options::{self, Terms};
use crate::packet::{BROADCAST_FLAG, HEADER_BYTES, Packet, walk};
use crate::pool::{self, Network};
use crate::relay::RelayWord;
use crate::reply::Reply;
use crate::state::{Config, State};
use crate::tags::Tags;
use crate::v4::pxe::Pxe;

/// Shortest lease time a client can ask for, in seconds.
const LEASE_TIME_MIN_S: u32 = 120;
/// Longest hardware address that the kernel's neighbor table takes through its classic interface.
pub(crate) const NEIGHBOR_BYTES_MAX: u8 = 14;
/// A line of requested options is broken once it is longer than this.
const REQUESTED_LINE_BYTES: usize = 40;

/// One request and what has been found out about it.
pub(crate) struct Exchange<'s> {
    pub(crate) config: &'s Config,
    pub(crate) packet: &'s Packet<'s>,
    pub(crate) arrival: Arrival,
    /// The interface's name.
    pub(crate) interface: &'s str,
    /// Came in on the loopback interface, where nobody answers an echo but ourselves.
    pub(crate) loopback: bool,
    /// Our first address on the interface, for want of a better one.
    pub(crate) fallback: Ipv4Addr,
    /// The networks that may serve the client.
    pub(crate) networks: Vec<Network<'s>>,
    /// The subnet that options 82 or 118 name, to be echoed.
    pub(crate) selector: Option<Ipv4Addr>,
    /// The server id that a relay agent wants (sub-option 11, or `dhcp-proxy`), or that the client knows us by.
    pub(crate) server_override: Option<Ipv4Addr>,
    /// Did the client send to us alone?
    pub(crate) unicast: bool,
    /// `chaddr`.
    pub(crate) hardware: HardwareAddress,
    /// Option 61, unless it is to be ignored.
    pub(crate) client_id: Option<Vec<u8>>,
    /// The address of the client's lease, which is found by option 61 even if the client's rule says that it is to be ignored (`id:*`).
    held: Option<Ipv4Addr>,
    /// The tags that were set, the pool's included once it is known.
    pub(crate) set_tags: Tags<'s>,
    /// The same and those that follow from them.
    pub(crate) tags: Tags<'s>,
    /// The same, but for the pool's.
    pub(crate) bare_tags: Tags<'s>,
    /// The `dhcp-host` line of the client.
    pub(crate) rule: Option<&'s HostRule>,
    /// What the client says of its name.
    pub(crate) said: Said,
    /// The name it will have.
    pub(crate) name: Option<Name>,
    /// What it says of itself as a PXE client, if it is one.
    pub(crate) pxe: Option<Pxe<'s>>,
    /// Option 55; without it, everything is sent.
    pub(crate) requested: Option<&'s [u8]>,
    /// Must the answer be broadcast (`dhcp-broadcast`)?
    pub(crate) force_broadcast: bool,
    /// Is the client not to be served?
    pub(crate) ignored: bool,
    /// Log lines so far.
    pub(crate) lines: Vec<Line>,
}

/// What is to be done about a request.
pub(crate) enum Outcome {
    /// Nothing.
    Silence,
    /// Ask this address for the client of this hash whether it is taken, and judge the request again afterwards.
    Ask(Ipv4Addr, u32),
    /// Send this.
    Answer(Answer),
    /// Have these changes recorded, then send the answer if there is one.
    Record(Vec<LeaseChange>, Option<Answer>),
}

/// A packet to send.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The packet.
    pub(crate) bytes: Vec<u8>,
    /// From which port of ours.
    pub(crate) port: Port,
    /// Kernel index of the interface, or 0 for whichever leads there.
    pub(crate) interface: u32,
    /// To whom.
    pub(crate) to: SocketAddrV4,
    /// Given when the client cannot answer ARP yet.
    pub(crate) neighbor: Option<HardwareAddress>,
    /// Log lines that are true once it leaves.
    pub(crate) lines: Vec<Line>,
    /// How long it is held back first, in seconds.
    pub(crate) delay_s: u32,
}

impl Answer {
    /// Sends it to everybody on the interface instead.
    pub(crate) fn broadcast(&mut self) {
        self.to.set_ip(Ipv4Addr::BROADCAST);
        self.neighbor = None;
    }
}

/// Judges one request. Besides what is to be done: log lines, and what the parent is to know of who caused a change.
pub(crate) fn judge(
    config: &Config,
    state: &mut State,
    packet: &Packet<'_>,
    arrival: Arrival,
    now: Now,
) -> (Outcome, Vec<Line>, Option<Box<Contact>>) {
    let Some(interface) = state.interfaces.get(&arrival.interface) else { return (Outcome::Silence, Vec::new(), None) };
    let interface = Rc::clone(state.bridge_of(config, interface).unwrap_or(interface));
    if !interface.serves_dhcp {
        return (Outcome::Silence, Vec::new(), None);
    }
    if packet.kind() == Some(MessageType::LeaseQuery) && arrival.port == Port::Server {
        let (outcome, lines) = leasequery::answer(config, state, &interface, packet, arrival, now);
        return (outcome, lines, None);
    }
    let mut exchange = match Exchange::open(config, state, &interface, packet, arrival) {
        Ok(exchange) => exchange,
        Err(lines) => return (Outcome::Silence, lines, None),
    };
    if packet.giaddr().is_some() {
        for network in exchange.networks.iter().filter(|network| network.router != Some(network.local)) {
            if let Some(router) = network.router {
                state.routers.entry(network.position).or_insert(router);
            }
        }
    }
    if let Some(outcome) = pxe::answer(&mut exchange) {
        return (outcome, exchange.lines, None);
    }
    let outcome = match packet.kind() {
        Some(MessageType::Discover) => discover::discover(&mut exchange, state, now),
        Some(MessageType::Request) => request::request(&mut exchange, state, now),
        Some(MessageType::Decline) => release::decline(&mut exchange, state, now),
        Some(MessageType::Release) => release::release(&mut exchange, state),
        Some(MessageType::Inform) => inform::inform(&mut exchange, state, now),
        None => bootp::bootp(&mut exchange, state, now),
        _ => Outcome::Silence,
    };
    let contact = match &outcome {
        Outcome::Record(changes, _) => {
            let is_new = |change: &LeaseChange| match change {
                LeaseChange::Put(lease) => state.leases.of_address(lease.address).is_none(),
                LeaseChange::Remove(_) => false,
            };
            event::contact(&exchange, changes.iter().any(is_new))
        }
        _ => None,
    };
    (outcome, exchange.lines, contact)
}

/// # Finding out
impl<'s> Exchange<'s> {
    /// Gathers what there is to know about a request; only lines when nobody here is responsible for it.
    fn open(
        config: &'s Config,
        state: &State,
        interface: &'s Interface,
        packet: &'s Packet<'s>,
        arrival: Arrival,
    ) -> Result<Exchange<'s>, Vec<Line>> {
        let slice = &config.slice;
        let Some((fallback, _)) = interface.addresses4().next() else {
            let text = format!("DHCP packet received on {} which has no address", interface.name);
            return Err(vec![lines::warning(text)]);
        };
        let relay = RelayWord::read(packet);
        let selector = relay.link.or_else(|| packet.address(118));
        let networks = networks_of(config, interface, packet, &relay, selector, fallback, &state.routers);
        if networks.is_empty() {
            let via = match (selector, packet.giaddr()) {
                (Some(subnet), _) => format!("with subnet selector {subnet}"),
                (None, Some(giaddr)) => format!("via {giaddr}"),
                (None, None) => format!("via {}", interface.name),
            };
            return Err(vec![lines::warning(format!("no address range available for DHCP request {via}"))]);
        }

        let mut exchange = Exchange::assemble(config, interface, packet, arrival, networks, fallback);
        let mut lease = state.leases.of_client(exchange.client_id.as_deref(), exchange.hardware);
        if exchange.client_id.is_none() && !slice.ignore_client_id && packet.kind().is_some() {
            // A client that leaves its id out this time is still the one that we know.
            exchange.client_id = lease.and_then(|lease| lease.client_id.clone());
            if exchange.client_id.is_some() {
                lease = state.leases.of_client(exchange.client_id.as_deref(), exchange.hardware);
            }
        }
        exchange.held = lease.map(|lease| lease.address);
        exchange.log_client();
        exchange.find_tags_and_rule();
        Ok(exchange)
    }

    /// What a request says, and nothing yet that follows from it.
    fn assemble(
        config: &'s Config,
        interface: &'s Interface,
        packet: &'s Packet<'s>,
        arrival: Arrival,
        networks: Vec<Network<'s>>,
        fallback: Ipv4Addr,
    ) -> Exchange<'s> {
        let slice = &config.slice;
        let relay = RelayWord::read(packet);
        // BOOTP knows neither client ids nor names that clients give, and its answers have room for what there is.
        let bootp = packet.kind().is_none();
        let mut exchange = Exchange {
            config,
            packet,
            arrival,
            interface: &interface.name,
            loopback: interface.loopback,
            fallback,
            networks,
            selector: relay.link.or_else(|| packet.address(118)),
            server_override: relay.server_id.or_else(|| {
                let through = |agents: &Vec<Ipv4Addr>, agent| agents.is_empty() || agents.contains(&agent);
                packet.giaddr().filter(|agent| slice.proxies.as_ref().is_some_and(|agents| through(agents, *agent)))
            }),
            unicast: arrival.destination != Ipv4Addr::BROADCAST,
            hardware: packet.hardware(),
            client_id: packet
                .client_id()
                .filter(|_| !slice.ignore_client_id && packet.option(53).is_some())
                .map(<[u8]>::to_vec),
            held: None,
            set_tags: Tags::default(),
            tags: Tags::default(),
            bare_tags: Tags::default(),
            rule: None,
            said: if bootp { Said::default() } else { client_name::said(packet, slice.client_update) },
            name: None,
            pxe: Pxe::of(&slice.pxe, packet),
            requested: packet.option(55).filter(|_| !bootp).map(up_to_end),
            force_broadcast: false,
            ignored: false,
            lines: Vec::new(),
        };
        exchange.forget_tags();
        exchange
    }

    fn find_tags_and_rule(&mut self) {
        let Config { slice, rules, .. } = self.config;
        self.set_tags = Tags::of(self.interface, self.packet, slice);
        self.follow_tags();

        let likeness = Likeness { client_id: self.client_id.as_deref(), hardware: self.hardware, name: None };
        let mut rule = rules.find(likeness, Some(&self.networks), &self.tags);
        let mut known_elsewhere = rule.is_none() && rules.find(likeness, None, &self.tags).is_some();
        if let Some(name) = rule.and_then(|rule| rule.name.as_deref()) {
            let domain = rule.and_then(|rule| rule.domain.clone());
            self.name = Some(Name { label: name.to_owned(), domain, configured: true });
        } else {
            self.name = self.said.name.clone();
            if let (None, Some(name)) = (rule, &self.name) {
                // A rule with hardware address or client id would have been found already; taking it by name alone would let
                // anybody claim it.
                let by_name = Likeness { name: Some(&name.label), ..likeness };
                let unclaimed = |rule: &&HostRule| rule.hardware.is_empty() && rule.client_id.is_none();
                rule = rules.find(by_name, Some(&self.networks), &self.tags).filter(unclaimed);
                known_elsewhere &= rule.is_none();
            }
        }
        if rule.is_some() {
            self.set_tags.set("known");
        } else if known_elsewhere {
            self.set_tags.set("known-othernet");
        }
        if let Some(name) = &self.said.name {
            self.set_tags.set_for_name(&slice.name_matches, name);
        }
        // The last one written is set first, as the `tags:` line shows.
        for tag in rule.iter().flat_map(|rule| rule.set_tags.iter().rev()) {
            self.set_tags.set(tag);
        }
        self.follow_tags();
        if rule.is_some_and(|rule| rule.client_id == Some(ClientIdRule::Ignore)) {
            self.client_id = None;
        }
        self.rule = rule;
        self.ignored = rule.is_some_and(|rule| rule.ignore) || self.tags.pass_any(&slice.ignore);
        // Only here dnsmasq does not look at tags that follow from others.
        self.force_broadcast = self.set_tags.pass_any(&slice.broadcast);
        self.bare_tags = self.tags.clone();
    }

    /// What the client is hashed and logged by: its hardware address, or what its client id says in place of one.
    fn identity(&self) -> &[u8] {
        match (self.hardware.used(), self.client_id.as_deref()) {
            // The type byte of an id that holds a hardware address is left out.
            ([], Some([kind, address @ ..])) if address.len() >= 3 && *kind == self.hardware.kind => address,
            ([], Some(id)) if id.len() > 3 => id,
            (used, _) => used,
        }
    }

    /// `ciaddr`, unless the client looks for a server or asks for an address beside it: it has none to speak of then (RFC 2131
    /// section 4.3.2).
    pub(crate) fn own_address(&self) -> Option<Ipv4Addr> {
        let means_it = self.packet.address(50).is_none() && self.packet.kind() != Some(MessageType::Discover);
        self.packet.ciaddr().filter(|_| means_it)
    }

    /// An answer with nothing in it yet.
    fn reply(&self) -> Reply {
        let mut reply = Reply::to(self.packet);
        if self.own_address().is_none() {
            reply.clear_ciaddr();
        }
        reply
    }

    /// Must addresses be asked whether somebody has them?
    fn asks(&self) -> bool {
        !self.config.slice.no_ping && !self.loopback
    }

    /// The client's lease.
    fn lease<'l>(&self, state: &'l State) -> Option<&'l Lease> {
        state.leases.of_address(self.held?)
    }

    /// The name that hosts files have for an address.
    fn name_in_hosts(&self, address: Ipv4Addr) -> Option<&'s str> {
        self.config.hosts.name_of(address, &self.config.slice.domains)
    }

    /// The address of a boot server, or a line about its name.
    pub(crate) fn look_up(&self, server: &BootServer, lines: &mut Vec<Line>) -> Option<Ipv4Addr> {
        match server {
            BootServer::Address(address) => Some(*address),
            BootServer::Name(name) => {
                let found = self.config.hosts.server(name);
                if found.is_none() {
                    lines.push(lines::warning(format!("No IPv4 address found for {name}")));
                }
                found
            }
        }
    }

    /// Sets the tag of the pool that serves the client.
    fn enter(&mut self, network: &Network<'s>) {
        if let Some(tag) = &network.pool.set_tag {
            self.set_tags.set(tag);
            self.follow_tags();
        }
    }

    fn follow_tags(&mut self) {
        self.tags = self.set_tags.with_following(&self.config.slice.tag_if);
    }

    /// The server id of answers about an address of `network`.
    fn server_id(&self, network: Option<&Network<'_>>) -> Ipv4Addr {
        self.server_override.or(network.map(|network| network.local)).unwrap_or(self.fallback)
    }

    /// Seconds to lease an address for: the rule's time, else the pool's, or less if the client asks for less.
    fn lease_time_s(&self, network: &Network<'_>) -> u32 {
        let most = self.rule.and_then(|rule| rule.lease_time_s).unwrap_or(network.pool.lease_time_s);
        self.packet.number(51).map_or(most, |asked| asked.max(LEASE_TIME_MIN_S).min(most))
    }
}

/// The networks a request belongs to: of the subnet it names, else of the relay agent, else of its own address, else of the
/// interface.
fn networks_of<'s>(
    config: &'s Config,
    interface: &Interface,
    packet: &Packet<'_>,
    relay: &RelayWord,
    selector: Option<Ipv4Addr>,
    fallback: Ipv4Addr,
    routers: &BTreeMap<usize, Ipv4Addr>,
) -> Vec<Network<'s>> {
    let slice = &config.slice;
    let local = pool::local_networks(slice, interface);
    if let Some(inside) = selector.or(packet.giaddr()) {
        // A relay agent on our own network changes nothing about it; elsewhere it is the router for want of a better one, by the address that
        // clients are to see of it.
        let own = local
            .iter()
            .find(|network| network.router.is_some() && network.includes(inside))
            .map(|network| network.local);
        let (ours, router) = (own.unwrap_or(fallback), own.or(relay.server_id).or(packet.giaddr()));
        let mut networks = pool::remote_networks(slice, inside, ours, router);
        if own.is_none() {
            recall_routers(&mut networks, &local, routers);
        }
        return networks;
    }
    // Who asks for an address beside it has none to speak of.
    match packet.ciaddr().filter(|_| packet.address(50).is_none()) {
        Some(own) if !local.iter().any(|network| network.includes(own)) => {
            let mut distant = pool::remote_networks(slice, own, fallback, None);
            recall_routers(&mut distant, &local, routers);
            if distant.is_empty() { local } else { distant }
        }
        _ => local,
    }
}

/// Networks elsewhere keep the router that the first request of a relay agent has named, so that it is also there for clients that come
/// without agent, to renew. Those that share the wire with the interface keep none.
fn recall_routers(networks: &mut [Network<'_>], local: &[Network<'_>], routers: &BTreeMap<usize, Ipv4Addr>) {
    for network in networks.iter_mut().filter(|network| !local.iter().any(|near| near.position == network.position)) {
        network.router = routers.get(&network.position).copied().or(network.router);
    }
}

/// A list of requested options, which option 255 ends.
fn up_to_end(list: &[u8]) -> &[u8] {
    list.split(|code| *code == 255).next().unwrap_or_default()
}

/// # Answering
impl Exchange<'_> {
    /// Fills in the rest of an answer that grants something, and decides where it goes.
    fn grant(&self, mut reply: Reply, terms: &Terms<'_>, mut lines: Vec<Line>) -> Answer {
        options::fill(self, terms, &mut reply, &mut lines);
        if self.force_broadcast {
            reply.set_broadcast_flag();
        }
        self.address(reply, terms.address, lines)
    }

    /// Decides where a finished reply goes: to the relay agent, to the address the client has, to everybody, or to the address
    /// it is about to get.
    fn address(&self, reply: Reply, yiaddr: Ipv4Addr, mut lines: Vec<Line>) -> Answer {
        let slice = &self.config.slice;
        if slice.log_dhcp {
            self.log_header(&reply, &mut lines);
        }
        let bytes = reply.finish();
        let broadcast = u16::from_be_bytes([bytes[10], bytes[11]]) & BROADCAST_FLAG != 0;
        let keeps_ciaddr = bytes[12..16] != [0; 4];

        if slice.log_dhcp {
            lines.extend(broadcast.then(|| self.detail("broadcast response")));
            self.log_options(bytes.get(HEADER_BYTES..).unwrap_or_default(), &mut lines);
        }

        let client = |address| SocketAddrV4::new(address, slice.client_port);
        let usable_hardware = self.hardware.kind != 0 && (1..=NEIGHBOR_BYTES_MAX).contains(&self.hardware.length);
        let source = self.arrival.source;
        let (interface, to, neighbor) = if self.arrival.port == Port::Pxe {
            (0, source, None)
        } else if let Some(giaddr) = self.packet.giaddr() {
            (0, SocketAddrV4::new(giaddr, slice.server_port), None)
        } else if let Some(ciaddr) = self.packet.ciaddr().filter(|_| keeps_ciaddr) {
            // The port is believed as well when the client speaks from the address it says it has; an INFORM is answered to where
            // it came from in any case.
            let believed = *source.ip() == ciaddr || self.packet.kind() == Some(MessageType::Inform);
            let reachable = source.port() != 0 && !source.ip().is_unspecified();
            (0, if believed && reachable { source } else { client(ciaddr) }, None)
        } else if broadcast || !usable_hardware {
            (self.arrival.interface, client(Ipv4Addr::BROADCAST), None)
        } else {
            (self.arrival.interface, client(yiaddr), Some(self.hardware))
        };
        Answer { bytes, port: self.arrival.port, interface, to, neighbor, lines, delay_s: 0 }
    }
}

/// # Logging
impl Exchange<'_> {
    /// The client in log lines.
    fn label(&self) -> String {
        lines::hex(self.identity())
    }

    /// The line of a message, unless `quiet-dhcp` hides it.
    fn message(&self, kind: &str, address: Option<Ipv4Addr>, name: &str, error: &str) -> Option<Line> {
        if self.hides(error) { None } else { self.message_about(kind, address, &self.label(), name, error) }
    }

    /// Is a message left out of the log (`quiet-dhcp`)?
    fn hides(&self, error: &str) -> bool {
        self.config.slice.quiet_dhcp && !self.config.slice.log_dhcp && error.is_empty()
    }

    /// The same about somebody else than who sent the request.
    fn message_about(
        &self,
        kind: &str,
        address: Option<Ipv4Addr>,
        label: &str,
        name: &str,
        error: &str,
    ) -> Option<Line> {
        if self.hides(error) {
            return None;
        }
        let text = lines::message(kind, self.interface, address, label, name, error);
        Some(if self.config.slice.log_dhcp { self.detail(&text) } else { lines::info(text) })
    }

    /// Logs a message now.
    fn say(&mut self, kind: &str, address: Option<Ipv4Addr>, name: &str, error: &str) {
        let line = self.message(kind, address, name, error);
        self.lines.extend(line);
    }

    /// Logs the tags, with `log-dhcp`.
    fn say_tags(&mut self) {
        if self.config.slice.log_dhcp {
            self.lines.push(self.detail(&format!("tags: {}", self.tags)));
        }
    }

    /// A line with the transaction in front.
    fn detail(&self, text: &str) -> Line {
        lines::info(format!("{} {text}", self.packet.xid()))
    }

    fn log_client(&mut self) {
        if !self.config.slice.log_dhcp {
            return;
        }
        let mut texts = Vec::new();
        for network in &self.networks {
            let pool = network.pool;
            texts.push(match pool.mode {
                PoolMode::Dynamic => format!("available DHCP range: {} -- {}", pool.first, pool.last),
                PoolMode::Static | PoolMode::Proxy => {
                    format!("available DHCP subnet: {}/{}", pool.first, network.netmask)
                }
            });
        }
        texts.extend(self.packet.option(60).map(|class| format!("vendor class: {}", lines::printable(class))));
        texts.extend(self.packet.option(77).map(|class| format!("user class: {}", lines::printable(class))));
        texts.extend(self.said.name.as_ref().map(|name| format!("client provides name: {}", name.whole())));
        self.lines.extend(texts.iter().map(|text| self.detail(text)).collect::<Vec<_>>());
    }

    /// Logs what the header of a reply says.
    fn log_header(&self, reply: &Reply, lines: &mut Vec<Line>) {
        match reply.file_options() {
            Some(options) => self.log_options(options, lines),
            None => lines.extend(printable_name("bootfile name: ", reply.file()).map(|text| self.detail(&text))),
        }
        match reply.sname_options() {
            Some(options) => self.log_options(options, lines),
            None => lines.extend(printable_name("server name: ", reply.sname()).map(|text| self.detail(&text))),
        }
        lines.extend(reply.siaddr().map(|address| self.detail(&format!("next server: {address}"))));
    }

    fn log_options(&self, field: &[u8], lines: &mut Vec<Line>) {
        for (code, value) in walk(field) {
            let (name, text) = (option_name::name(code), option_name::value_text(code, value));
            lines.push(self.detail(&format!("sent size:{:3} option:{code:3} {name}  {text}", value.len())));
        }
    }

    /// Logs what the client asks for.
    pub(crate) fn log_requested(&self, lines: &mut Vec<Line>) {
        if !self.config.slice.log_dhcp {
            return;
        }
        let mut text = String::new();
        let mut codes = self.requested.unwrap_or_default().iter().copied().peekable();
        while let Some(code) = codes.next() {
            let name = option_name::name(code);
            let (colon, comma) =
                (if name.is_empty() { "" } else { ":" }, if codes.peek().is_some() { ", " } else { "" });
            text.push_str(&format!("{code}{colon}{name}{comma}"));
            if comma.is_empty() || text.len() > REQUESTED_LINE_BYTES {
                lines.push(self.detail(&format!("requested options: {text}")));
                text.clear();
            }
        }
    }
}

fn printable_name(what: &str, text: &[u8]) -> Option<String> {
    (!text.is_empty()).then(|| format!("{what}{}", lines::printable(text)))
}

/// When a lease that is granted now ends, in the words of the store.
fn expires_s(lease_time_s: u32, now: Now) -> u64 {
    if lease_time_s == INFINITE { 0 } else { now.wall_s + u64::from(lease_time_s) }
}
