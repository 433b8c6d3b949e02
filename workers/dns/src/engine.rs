//! The front door: hands each input to the side that it concerns, and carries messages between the two sides until both are quiet.

use std::net::SocketAddr;

use ipc::config::dns::DnsSlice;
use ipc::config::route_table::RouteTable;
use ipc::config::routes::{self, RouteScope, RouteTarget};
use ipc::config::routing::{LOCALS_LOGGED, Routing};
use ipc::dns::ToParent;
use ipc::known_host::WantedHosts;
use ipc::time::Now;

use crate::exchange::Exchange;
use crate::front::Front;
use crate::input::Input;
use crate::lines;
use crate::outbox::{Action, Outbox};
use crate::random::Random;
use crate::resolv;
use crate::routes::Routes;
use crate::upstream::UpstreamSide;

/// Most upstreams that are listed in the log.
const SERVERS_LOGGED: usize = 30;

/// The DNS core: see the crate documentation.
#[derive(Debug)]
pub struct Engine {
    front: Front,
    upstream: UpstreamSide,
    exchange: Exchange,
    /// Configured upstreams.
    configured: Vec<SocketAddr>,
    /// Upstreams of the resolv file.
    resolved: Vec<SocketAddr>,
    /// Routes that the log lists, and how many domains without upstreams are not among them.
    listed: routes::Routes,
    more_locals: u32,
    port: u16,
    clear_on_reload: bool,
    announced: bool,
    started: bool,
    /// A hosts file was named since the start.
    hosts_named: bool,
    /// What DHCP wants to know of hosts files, as far as it has come.
    wanted: WantedHosts,
}

impl Engine {
    /// Builds an engine from its slice of the configuration and its routes; `seed` feeds every random choice and must be
    /// unpredictable.
    pub fn new(slice: DnsSlice, routing: Routing, seed: [u8; 32]) -> Engine {
        let mut random = Random::new(seed);
        let defaults = routing.groups.first().is_some_and(|group| !group.upstreams.is_empty());
        let routes = Routes::new(RouteTable::new(routing.table), defaults);
        let front = Front::new(&slice, routes, &mut random);
        let upstream = UpstreamSide::new(&slice, routing.groups, random);
        Engine {
            front,
            upstream,
            exchange: Exchange::default(),
            configured: slice.upstreams,
            resolved: Vec::new(),
            listed: routing.listed,
            more_locals: routing.more_locals,
            port: slice.port,
            clear_on_reload: slice.clear_on_reload,
            announced: false,
            started: false,
            hosts_named: false,
            wanted: WantedHosts::default(),
        }
    }

    /// Takes one event and adds what should be done to `out`.
    pub fn handle(&mut self, input: Input<'_>, now: Now, out: &mut Outbox) {
        let (front, upstream, exchange) = (&mut self.front, &mut self.upstream, &mut self.exchange);
        let now_ms = now.monotonic_ms;
        match input {
            Input::Datagram { arrival, bytes } => front.datagram(arrival, bytes, now, exchange, out),
            Input::Accepted { stream, arrival } => front.accepted(stream, arrival, now, exchange, out),
            Input::StreamBytes { stream, bytes } => front.stream_bytes(stream, bytes, now, exchange, out),
            Input::StreamClosed { stream } => front.stream_closed(stream, exchange),
            Input::UdpSockets { upstream: index, mark, sockets } => {
                upstream.udp_sockets((index, mark), sockets, now_ms, exchange, out)
            }
            Input::TcpSocket { ticket, socket } => upstream.tcp_socket(ticket, socket, now_ms, out),
            Input::NoSocket { upstream: index, mark, ticket: None, count } => {
                upstream.no_udp_socket((index, mark), count, now_ms, exchange, out);
            }
            Input::NoSocket { ticket: Some(ticket), .. } => upstream.no_tcp_socket(ticket, now_ms, exchange, out),
            Input::UpstreamDatagram { socket, bytes } => upstream.datagram(socket, bytes, now_ms, exchange, out),
            Input::UpstreamConnected { socket } => upstream.connected(socket, now_ms, out),
            Input::UpstreamBytes { socket, bytes } => upstream.bytes(socket, bytes, now_ms, exchange, out),
            Input::UpstreamFailed { socket } => upstream.failed(socket, now_ms, exchange, out),
            Input::Facts { ticket, facts } => front.facts(ticket, facts, now, exchange, out),
            Input::SetsFilled { ticket, outcomes } => front.sets_filled(ticket, outcomes, now, exchange, out),
            Input::HostsFile { path, content } => self.hosts_file(path, content, out),
            Input::HostsFileChanged { path, content } => {
                out.lines.push(lines::hosts_changed(path));
                front.local.forget_hosts(path, &mut out.lines);
                self.hosts_file(path, content, out);
            }
            Input::HostsFileGone { path } => {
                out.lines.push(lines::hosts_gone(path));
                front.local.forget_hosts(path, &mut out.lines);
            }
            Input::WantHosts { wanted, last } => self.want_hosts(wanted, last, out),
            Input::ResolvFile { path, content } => self.resolv_file(path, content, now_ms, out),
            Input::Interfaces(interfaces) => {
                front.local.set_interfaces(&interfaces);
                front.access.set_interfaces(interfaces);
            }
            Input::LeaseName(lease) => front.local.put_lease(&lease, &mut out.lines),
            Input::LeaseNameGone(address) => front.local.remove_lease(address),
            Input::Start => {
                self.announce(out);
                // Otherwise the line about a hosts file says that everything was read anew.
                if !self.hosts_named {
                    out.lines.push(lines::cleared_cache());
                }
                self.upstream.probe(now_ms, &mut self.exchange, out);
                self.started = true;
                out.actions.push(Action::Tell(ToParent::Serving));
            }
            Input::Drain => front.drain(now),
            Input::DumpStatistics { utc_offset_s } => front.dump(now, utc_offset_s, &mut out.lines),
            Input::Deadline => {
                front.tick(now, exchange, out);
                upstream.tick(now_ms, exchange, out);
            }
        }
        self.settle(now, out);
    }

    /// When to call again with `Input::Deadline`, in milliseconds of the monotonic clock. An idle engine has none.
    pub fn deadline(&self) -> Option<u64> {
        self.front.deadline().into_iter().chain(self.upstream.deadline()).min()
    }

    /// After `Drain`: is nothing owed to any client any more?
    pub fn idle(&self) -> bool {
        self.front.is_idle()
    }

    /// Carries messages between the sides until neither has anything to say.
    fn settle(&mut self, now: Now, out: &mut Outbox) {
        let exchange = &mut self.exchange;
        while !exchange.asks.is_empty() || !exchange.answers.is_empty() {
            for ask in std::mem::take(&mut exchange.asks) {
                self.upstream.ask(&ask, now.monotonic_ms, exchange, out);
            }
            for answer in std::mem::take(&mut exchange.answers) {
                self.front.answer(&answer, now, exchange, out);
            }
        }
        exchange.bytes.clear();
        exchange.bytes.shrink_to(4096);
        if self.upstream.loop_found() {
            self.announced = false;
            self.announce(out);
        }
        self.upstream.flush(out);
    }

    fn hosts_file(&mut self, path: &str, content: Result<&[u8], &str>, out: &mut Outbox) {
        self.announce(out);
        self.hosts_named = true;
        match content {
            Ok(content) => self.front.local.read_hosts(path, content, &mut out.lines),
            Err(reason) => out.lines.push(lines::hosts_unreadable(path, reason)),
        }
    }

    fn want_hosts(&mut self, mut piece: WantedHosts, last: bool, out: &mut Outbox) {
        self.wanted.names.append(&mut piece.names);
        self.wanted.networks.append(&mut piece.networks);
        if !last {
            return;
        }
        let known = self.front.local.known_hosts(&std::mem::take(&mut self.wanted), &mut out.lines);
        let mut pieces = known.pieces().peekable();
        while let Some(known) = pieces.next() {
            let last = pieces.peek().is_none();
            out.actions.push(Action::Tell(ToParent::KnownHosts { known, last }));
        }
    }

    fn resolv_file(&mut self, path: &str, content: &[u8], now_ms: u64, out: &mut Outbox) {
        let mut resolved = resolv::read(content, self.front.access.interfaces());
        // dnsmasq drops the unspecified address without a word.
        resolved.retain(|address| !address.ip().is_unspecified());
        if resolved.is_empty() {
            out.lines.push(lines::no_servers(path));
        } else {
            out.lines.push(lines::reading(path));
        }
        let (port, access) = (self.port, &self.front.access);
        resolved.retain(|address| {
            let ours = address.port() == port && access.is_own(address.ip());
            if ours {
                out.lines.push(lines::ignoring_ourselves(*address));
            }
            !ours
        });
        self.resolved = resolved;
        self.upstream.set_resolv(&self.resolved, now_ms, &mut self.exchange, out);
        let all: Vec<SocketAddr> = self.configured.iter().chain(&self.resolved).copied().collect();
        self.front.set_upstreams(&all);
        self.front.set_defaults(self.upstream.has_defaults());
        let again = std::mem::replace(&mut self.announced, self.resolved.is_empty());
        self.announce(out);
        if again && self.clear_on_reload {
            self.front.cache.clear();
            out.lines.push(lines::cleared_cache());
        }
        out.actions.push(Action::Tell(ToParent::ResolvUpstreams(self.resolved.clone())));
        if self.started {
            self.upstream.probe(now_ms, &mut self.exchange, out);
        }
    }

    /// Lists the upstreams in the log, once; after a change of the resolv file again.
    fn announce(&mut self, out: &mut Outbox) {
        if self.announced {
            return;
        }
        self.announced = true;
        let (mut servers, mut standard, mut locals) = (Vec::new(), Vec::new(), Vec::new());
        for route in self.listed.iter() {
            if let RouteTarget::Upstream(index) = route.target {
                let Some(address) = self.configured.get(index as usize).copied() else { continue };
                if address.port() == self.port && self.front.access.is_own(address.ip()) {
                    self.upstream.ignore(index);
                    out.lines.push(lines::ignoring_ourselves(address));
                    continue;
                }
                servers.push(match route.scope {
                    RouteScope::All if self.upstream.is_looping(index as usize) => lines::looping_nameserver(address),
                    RouteScope::All => lines::using_nameserver(address),
                    RouteScope::Unqualified => lines::using_nameserver_unqualified(address),
                    RouteScope::Domain(domain) => lines::using_nameserver_for(address, domain),
                    RouteScope::Suffix(text) => lines::using_nameserver_for(address, &format!("*{text}")),
                });
                continue;
            }
            let domain = match route.scope {
                RouteScope::All => continue,
                RouteScope::Unqualified => "unqualified names",
                RouteScope::Domain(text) | RouteScope::Suffix(text) => text,
            };
            match route.target {
                RouteTarget::NoData => locals.push(lines::using_local_only(domain)),
                RouteTarget::Standard => standard.push(lines::using_standard(domain)),
                _ => {}
            }
        }
        servers.extend(self.resolved.iter().enumerate().map(|(position, address)| {
            match self.upstream.is_looping(self.configured.len() + position) {
                true => lines::looping_nameserver(*address),
                false => lines::using_nameserver(*address),
            }
        }));
        servers.append(&mut standard);
        self.front.set_defaults(self.upstream.has_defaults());
        let more_servers = servers.len().saturating_sub(SERVERS_LOGGED);
        let more_locals = locals.len().saturating_sub(LOCALS_LOGGED) + self.more_locals as usize;
        out.lines.extend(servers.into_iter().take(SERVERS_LOGGED));
        out.lines.extend(locals.into_iter().take(LOCALS_LOGGED));
        if more_locals > 0 {
            out.lines.push(lines::more_local(more_locals));
        }
        if more_servers > 0 {
            out.lines.push(lines::more_nameservers(more_servers));
        }
    }
}
