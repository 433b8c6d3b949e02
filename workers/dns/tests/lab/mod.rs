//! A pretend shell: carries out the engine's actions against pretend clients, a pretend parent and pretend upstreams, under a pretend clock.
//! Replies are checked with an independent codec.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "this is test code, although it is not in a test function")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use dns::{Action, Arrival, Engine, Handle, Input, Outbox};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::{A, CNAME, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use ipc::config::dns::{DnsSlice, LogQueries};
use ipc::config::routes::{Route, RouteScope, RouteTarget};
use ipc::config::routing::Routing;
use ipc::dns::ToParent;
use ipc::link::Interface;
use ipc::time::Now;

/// What the engine sent to an upstream.
#[derive(Clone, Debug)]
pub struct Sent {
    pub upstream: u32,
    pub socket: Handle,
    /// Without length prefix.
    pub bytes: Vec<u8>,
    pub tcp: bool,
}

/// The pretend surroundings of an engine.
pub struct Lab {
    pub engine: Engine,
    pub now: Now,
    pub sent: Vec<Sent>,
    pub replies: Vec<(Arrival, Vec<u8>)>,
    pub stream_replies: Vec<(Handle, Vec<u8>)>,
    pub closed_streams: Vec<Handle>,
    pub told: Vec<ToParent>,
    pub lines: Vec<String>,
    /// Open sockets to upstreams: index, and whether TCP.
    pub sockets: BTreeMap<u32, (u32, bool)>,
    /// The marks of sockets, open or not.
    pub marks: BTreeMap<u32, u32>,
    /// Upstreams to which the parent can make no socket.
    pub unreachable: BTreeSet<u32>,
    /// Upstreams that refuse TCP connections.
    pub refusing: BTreeSet<u32>,
    /// The parent has not come to its messages yet.
    pub parent_busy: bool,
    next_socket: u32,
    out: Outbox,
}

/// A slice with dnsmasq's defaults and these upstreams for all names.
pub fn slice(upstreams: &[&str]) -> DnsSlice {
    DnsSlice {
        port: 53,
        upstreams: upstreams.iter().map(|text| text.parse().unwrap()).collect(),
        routes: (0..upstreams.len() as u32)
            .map(|index| Route { scope: RouteScope::All, target: RouteTarget::Upstream(index) })
            .collect(),
        cache_size: 150,
        edns_packet_max: 1232,
        dns_forward_max: 150,
        max_tcp_connections: 30,
        log_queries: LogQueries { on: true, ..LogQueries::default() },
        version: "dnsmasq-2.93".to_owned(),
        ..DnsSlice::default()
    }
}

pub fn domain(name: &str, target: RouteTarget) -> Route<'_> {
    Route { scope: RouteScope::Domain(name), target }
}

impl Lab {
    pub fn new(slice: DnsSlice) -> Lab {
        let routing = Routing::build(&slice.routes, [42; 16]).unwrap();
        let mut lab = Lab {
            engine: Engine::new(slice, routing, [42; 32]),
            now: Now { monotonic_ms: 1_000_000, wall_s: 1_700_000_000 },
            sent: Vec::new(),
            replies: Vec::new(),
            stream_replies: Vec::new(),
            closed_streams: Vec::new(),
            told: Vec::new(),
            lines: Vec::new(),
            sockets: BTreeMap::new(),
            marks: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            refusing: BTreeSet::new(),
            parent_busy: false,
            next_socket: 1000,
            out: Outbox::new(),
        };
        let loopback = Interface {
            index: 1,
            name: "lo".to_owned(),
            addresses: vec![("127.0.0.1".parse().unwrap(), 8)],
            mtu: 65536,
            loopback: true,
            serves_dns: true,
            serves_dhcp: false,
            serves_tftp: false,
        };
        lab.input(Input::Interfaces(vec![loopback]));
        lab.input(Input::Start);
        lab
    }

    pub fn with_hosts(slice: DnsSlice, hosts: &str) -> Lab {
        let mut lab = Lab::new(slice);
        lab.input(Input::HostsFile { path: "/etc/hosts", content: Ok(hosts.as_bytes()) });
        lab
    }

    /// Feeds one input and carries out what follows from it.
    pub fn input(&mut self, input: Input<'_>) {
        self.out.clear();
        self.engine.handle(input, self.now, &mut self.out);
        let out = std::mem::take(&mut self.out);
        self.lines.extend(out.lines.iter().map(|line| line.text.clone()));
        for action in &out.actions {
            match action.clone() {
                Action::Reply { to, bytes } => self.replies.push((to, out.bytes[bytes].to_vec())),
                Action::StreamReply { stream, bytes } => {
                    let bytes = &out.bytes[bytes];
                    assert_eq!(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])), bytes.len() - 2);
                    self.stream_replies.push((stream, bytes[2..].to_vec()));
                }
                Action::CloseStream { stream } => self.closed_streams.push(stream),
                Action::SendUpstream { socket, bytes } => {
                    let (upstream, tcp) = self.sockets[&socket.0];
                    let bytes = out.bytes[bytes][if tcp { 2 } else { 0 }..].to_vec();
                    self.sent.push(Sent { upstream, socket, bytes, tcp });
                }
                Action::CloseUpstream { socket } => {
                    assert!(self.sockets.remove(&socket.0).is_some(), "closed {socket:?} twice");
                }
                Action::Tell(message) => self.told.push(message),
            }
        }
        self.out = out;
        if !self.parent_busy {
            self.parent_answers();
        }
    }

    /// The parent comes to its messages.
    pub fn parent_answers(&mut self) {
        self.parent_busy = false;
        for message in std::mem::take(&mut self.told) {
            match message {
                ToParent::WantUdp { upstream, count, mark } if self.unreachable.contains(&upstream) => {
                    self.input(Input::NoSocket { upstream, mark, ticket: None, count });
                }
                ToParent::WantUdp { upstream, count, mark } => {
                    assert!((1..=64).contains(&count));
                    let sockets: Vec<Handle> = (0..count).map(|_| self.socket(upstream, mark, false)).collect();
                    self.input(Input::UdpSockets { upstream, mark, sockets: &sockets });
                }
                ToParent::WantTcp { upstream, ticket, mark } if self.unreachable.contains(&upstream) => {
                    self.input(Input::NoSocket { upstream, mark, ticket: Some(ticket), count: 1 });
                }
                ToParent::WantTcp { upstream, ticket, mark } => {
                    let socket = self.socket(upstream, mark, true);
                    self.input(Input::TcpSocket { ticket, socket });
                    if self.refusing.contains(&upstream) {
                        self.sockets.remove(&socket.0);
                        self.input(Input::UpstreamFailed { socket });
                    } else {
                        self.input(Input::UpstreamConnected { socket });
                    }
                }
                other => self.told.push(other),
            }
        }
    }

    fn socket(&mut self, upstream: u32, mark: u32, tcp: bool) -> Handle {
        self.next_socket += 1;
        self.marks.insert(self.next_socket, mark);
        self.sockets.insert(self.next_socket, (upstream, tcp));
        Handle(self.next_socket)
    }

    /// Lets time pass, calling the engine at its deadlines.
    pub fn pass(&mut self, ms: u64) {
        let end = self.now.monotonic_ms + ms;
        while let Some(deadline) = self.engine.deadline().filter(|deadline| *deadline <= end) {
            self.now.monotonic_ms = self.now.monotonic_ms.max(deadline);
            self.input(Input::Deadline);
            assert!(
                self.engine.deadline().is_none_or(|next| next > self.now.monotonic_ms),
                "a deadline does not go away"
            );
        }
        self.now.wall_s += (end - self.now.monotonic_ms) / 1000;
        self.now.monotonic_ms = end;
    }

    /// A client's datagram.
    pub fn datagram(&mut self, port: u16, bytes: &[u8]) {
        self.input(Input::Datagram { arrival: arrival(port), bytes });
    }

    /// A client asks; the reply if there is one at once.
    pub fn ask(&mut self, name: &str, rtype: RecordType) -> Option<Message> {
        self.ask_bytes(&query(7, name, rtype))
    }

    pub fn ask_bytes(&mut self, bytes: &[u8]) -> Option<Message> {
        self.replies.clear();
        self.datagram(5353, bytes);
        self.reply()
    }

    /// The oldest reply that was not looked at yet.
    pub fn reply(&mut self) -> Option<Message> {
        if self.replies.is_empty() {
            return None;
        }
        let (_, bytes) = self.replies.remove(0);
        Some(Message::from_vec(&bytes).expect("a reply that decodes"))
    }

    /// The upstream answers this query.
    pub fn answer(&mut self, sent: &Sent, build: impl FnOnce(&mut Message)) {
        let mut message = response(&sent.bytes);
        build(&mut message);
        let bytes = message.to_vec().unwrap();
        self.answer_bytes(sent, &bytes);
    }

    pub fn answer_bytes(&mut self, sent: &Sent, bytes: &[u8]) {
        if sent.tcp {
            let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
            framed.extend_from_slice(bytes);
            for part in framed.chunks(7) {
                self.input(Input::UpstreamBytes { socket: sent.socket, bytes: part });
            }
        } else {
            self.input(Input::UpstreamDatagram { socket: sent.socket, bytes });
        }
    }

    /// Asks, lets the only upstream answer, and returns what the client gets.
    pub fn resolve(&mut self, name: &str, rtype: RecordType, build: impl FnOnce(&mut Message)) -> Message {
        self.sent.clear();
        assert!(self.ask(name, rtype).is_none(), "answered without asking upstream");
        let sent = self.sent.remove(0);
        self.answer(&sent, build);
        self.reply().expect("a reply")
    }

    /// The lines since the last call.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

pub fn arrival(port: u16) -> Arrival {
    let peer = SocketAddr::new("127.0.0.1".parse().unwrap(), port);
    Arrival { socket: 0, peer, local: "127.0.0.1".parse().unwrap(), interface: 1 }
}

pub fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

pub fn query_message(id: u16, text: &str, rtype: RecordType) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name(text), rtype));
    message
}

pub fn query(id: u16, text: &str, rtype: RecordType) -> Vec<u8> {
    query_message(id, text, rtype).to_vec().unwrap()
}

pub fn query_edns(id: u16, text: &str, rtype: RecordType, payload: u16, dnssec_ok: bool) -> Vec<u8> {
    let mut message = query_message(id, text, rtype);
    let mut edns = Edns::new();
    edns.set_max_payload(payload);
    edns.set_dnssec_ok(dnssec_ok);
    message.set_edns(edns);
    message.to_vec().unwrap()
}

/// An empty response to a query, as from an upstream.
pub fn response(query: &[u8]) -> Message {
    let asked = Message::from_vec(query).unwrap();
    let mut message = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    message.metadata.recursion_desired = asked.metadata.recursion_desired;
    message.metadata.recursion_available = true;
    message.metadata.checking_disabled = asked.metadata.checking_disabled;
    message.metadata.authentic_data = true;
    message.add_queries(asked.queries);
    message
}

pub fn a(owner: &str, ttl: u32, address: [u8; 4]) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(A(address.into())))
}

pub fn cname(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

pub fn soa(owner: &str, ttl: u32, minimum: u32) -> Record {
    let data = SOA::new(name("ns.example.com."), name("host.example.com."), 1, 2, 3, 4, minimum);
    Record::from_rdata(name(owner), ttl, RData::SOA(data))
}

/// The addresses in the answer section.
pub fn addresses(message: &Message) -> Vec<String> {
    let address = |record: &Record| match &record.data {
        RData::A(a) => Some(a.0.to_string()),
        RData::AAAA(aaaa) => Some(aaaa.0.to_string()),
        _ => None,
    };
    message.answers.iter().filter_map(address).collect()
}
