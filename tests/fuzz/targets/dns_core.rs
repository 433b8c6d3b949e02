//! The DNS core, from every side that strangers can reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use dns::{Action, Arrival, Engine, Handle, Input, Outbox};
use ipc::config::dns::DnsSlice;
use ipc::config::routes::{Route, RouteScope, RouteTarget};
use ipc::config::routing::Routing;
use ipc::dns::ToParent;
use ipc::link::Interface;
use ipc::time::Now;

pub(super) const NOW: Now = Now { monotonic_ms: 1_000_000, wall_s: 1_700_000_000 };
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
const INTERFACE: u32 = 2;
const CLIENT_STREAM: Handle = Handle(1000);

pub(super) fn arrival() -> Arrival {
    Arrival { socket: 0, peer: SocketAddr::new(CLIENT, 5353), local: SERVER, interface: INTERFACE }
}

fn engine(out: &mut Outbox) -> Engine {
    engine_of(slice(), out)
}

/// A server with one upstream, a hosts file, and fixed answers.
pub(super) fn slice() -> DnsSlice {
    let route = |scope, target| Route { scope, target };
    DnsSlice {
        port: 53,
        upstreams: vec![SocketAddr::from(([192, 0, 2, 53], 53))],
        routes: [
            route(RouteScope::All, RouteTarget::Upstream(0)),
            route(RouteScope::Domain("fixed.test"), RouteTarget::Address(SERVER)),
            route(RouteScope::Domain("none.test"), RouteTarget::NoData),
        ]
        .into_iter()
        .collect(),
        cache_size: 150,
        edns_packet_max: 1232,
        dns_forward_max: 150,
        max_tcp_connections: 20,
        bogus_priv: true,
        expand_hosts: true,
        log_queries: ipc::config::dns::LogQueries { on: true, extra: true, ..Default::default() },
        version: "dnsmasq-2.93".to_owned(),
        ..DnsSlice::default()
    }
}

/// An engine that has started.
pub(super) fn engine_of(slice: DnsSlice, out: &mut Outbox) -> Engine {
    let routing = Routing::build(&slice.routes, [7; 16]).expect("a short list");
    let mut engine = Engine::new(slice, routing, [7; 32]);
    let interface = Interface {
        index: INTERFACE,
        name: "lan0".to_owned(),
        addresses: vec![(SERVER, 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: true,
    };
    engine.handle(Input::Interfaces(vec![interface]), NOW, out);
    engine.handle(Input::HostsFile { path: "/etc/hosts", content: Ok(HOSTS) }, NOW, out);
    engine.handle(Input::Start, NOW, out);
    engine
}

const HOSTS: &[u8] = b"127.0.0.1 localhost\n10.0.0.7 printer printer.lan # comment\n::1 localhost\n";

/// What came of one input.
#[derive(Default)]
pub(super) struct Served {
    /// What was sent upstream: the socket and the bytes.
    pub asked: Vec<(Handle, Vec<u8>)>,
    /// What clients got over UDP.
    pub replies: Vec<Vec<u8>>,
}

/// Gives the engine what it asks the parent for, and collects what it sends.
pub(super) fn serve(engine: &mut Engine, out: &mut Outbox) -> Served {
    let mut served = Served::default();
    let mut next = 1;
    for _ in 0..8 {
        let actions = std::mem::take(&mut out.actions);
        let bytes = std::mem::take(&mut out.bytes);
        out.clear();
        if actions.is_empty() {
            break;
        }
        for action in actions {
            match action {
                Action::SendUpstream { socket, bytes: range } => served.asked.push((socket, bytes[range].to_vec())),
                Action::Tell(ToParent::WantUdp { upstream, count, mark }) => {
                    let sockets: Vec<Handle> = (next..next + count).map(Handle).collect();
                    next += count;
                    engine.handle(Input::UdpSockets { upstream, mark, sockets: &sockets }, NOW, out);
                }
                Action::Tell(ToParent::WantTcp { ticket, .. }) => {
                    let socket = Handle(500 + next);
                    next += 1;
                    engine.handle(Input::TcpSocket { ticket, socket }, NOW, out);
                    engine.handle(Input::UpstreamConnected { socket }, NOW, out);
                }
                Action::Reply { bytes: range, to } => {
                    assert_eq!(to, arrival(), "a reply to somebody else");
                    served.replies.push(bytes[range].to_vec());
                }
                Action::StreamReply { bytes: range, .. } => {
                    let reply = &bytes[range];
                    let length = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
                    assert_eq!(length, reply.len() - 2, "a length that is not the reply's");
                }
                _ => {}
            }
        }
    }
    served
}

/// A reply must carry the id of the client's query, on every path, and be one.
pub(super) fn check(replies: &[Vec<u8>], id: &[u8]) {
    for reply in replies {
        assert!(reply.len() >= 12 && reply[2] & 0x80 != 0, "not a reply: {reply:02x?}");
        assert_eq!(&reply[..2], id, "another id than the query's");
    }
}

/// A datagram from a client.
pub fn query(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    engine.handle(Input::Datagram { arrival: arrival(), bytes }, NOW, &mut out);
    let served = serve(&mut engine, &mut out);
    check(&served.replies, bytes.get(..2).unwrap_or_default());
    let later = Now { monotonic_ms: NOW.monotonic_ms + 60_000, wall_s: NOW.wall_s + 60 };
    engine.handle(Input::Deadline, later, &mut out);
    engine.handle(Input::DumpStatistics { utc_offset_s: 3600 }, later, &mut out);
}

/// A datagram from the upstream, with the id that the engine chose, and then the same question from the cache.
pub fn reply(bytes: &[u8]) {
    answers_from(bytes);
}

/// Answer counts of the replies that the client got.
fn answers_from(bytes: &[u8]) -> Vec<u16> {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    let question = message(0x1234, 0x0100, "www.example.test", 1, &[]);
    engine.handle(Input::Datagram { arrival: arrival(), bytes: &question }, NOW, &mut out);
    let sent = serve(&mut engine, &mut out).asked;
    let Some((socket, asked)) = sent.first() else { panic!("nothing was asked upstream") };
    let mut bytes = bytes.to_vec();
    for (to, from) in bytes.iter_mut().zip(&asked[..2]) {
        *to = *from;
    }
    engine.handle(Input::UpstreamDatagram { socket: *socket, bytes: &bytes }, NOW, &mut out);
    let mut replies = serve(&mut engine, &mut out).replies;
    let later = Now { monotonic_ms: NOW.monotonic_ms + 1000, wall_s: NOW.wall_s + 1 };
    engine.handle(Input::Datagram { arrival: arrival(), bytes: &question }, later, &mut out);
    replies.extend(serve(&mut engine, &mut out).replies);
    check(&replies, &question[..2]);
    engine.handle(Input::UpstreamFailed { socket: *socket }, later, &mut out);
    replies.iter().map(|reply| u16::from_be_bytes([reply[6], reply[7]])).collect()
}

#[test]
fn the_corpus_reaches_the_cache() {
    assert_eq!(answers_from(&reply_seeds()[0]), [1, 1], "one answer from upstream and one from the cache");
}

/// Bytes from a client's connection, in two pieces.
pub fn client_stream(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    engine.handle(Input::Accepted { stream: CLIENT_STREAM, arrival: arrival() }, NOW, &mut out);
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        engine.handle(Input::StreamBytes { stream: CLIENT_STREAM, bytes: piece }, NOW, &mut out);
        serve(&mut engine, &mut out);
    }
    engine.handle(Input::StreamClosed { stream: CLIENT_STREAM }, NOW, &mut out);
}

/// Bytes from an upstream's connection, with the id that the engine chose, in two pieces.
pub fn upstream_stream(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    engine.handle(Input::Accepted { stream: CLIENT_STREAM, arrival: arrival() }, NOW, &mut out);
    let question = framed(&message(0x1234, 0x0100, "www.example.test", 1, &[]));
    engine.handle(Input::StreamBytes { stream: CLIENT_STREAM, bytes: &question }, NOW, &mut out);
    let sent = serve(&mut engine, &mut out).asked;
    let Some((socket, asked)) = sent.first() else { panic!("nothing was asked upstream") };
    let mut bytes = bytes.to_vec();
    for (to, from) in bytes.iter_mut().skip(2).zip(asked.get(2..4).unwrap_or_default()) {
        *to = *from;
    }
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for piece in [first, second] {
        engine.handle(Input::UpstreamBytes { socket: *socket, bytes: piece }, NOW, &mut out);
        serve(&mut engine, &mut out);
    }
    engine.handle(Input::UpstreamFailed { socket: *socket }, NOW, &mut out);
    serve(&mut engine, &mut out);
}

/// A hosts file.
pub fn hosts(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    engine.handle(Input::HostsFile { path: "/etc/more-hosts", content: Ok(bytes) }, NOW, &mut out);
    let question = message(1, 0x0100, "printer", 1, &[]);
    engine.handle(Input::Datagram { arrival: arrival(), bytes: &question }, NOW, &mut out);
}

/// A resolv file.
pub fn resolv(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    engine.handle(Input::ResolvFile { path: "/etc/resolv.conf", content: bytes }, NOW, &mut out);
}

/// A message with one question and ready-made records behind it; `records` says to which count each belongs.
pub(super) fn message(id: u16, flags: u16, name: &str, kind: u16, records: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend(flags.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    for (section, record) in records {
        bytes[5 + 2 * section] += 1;
        bytes.extend(*record);
    }
    bytes
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

pub(super) const OPT: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
const OPT_COOKIE_SUBNET: &[u8] =
    &[0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 23, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2];
const A_RECORD: &[u8] = &[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1];
const CNAME_RECORD: &[u8] = &[0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 8, 5, b'o', b't', b'h', b'e', b'r', 0xc0, 16];
const SOA_RECORD: &[u8] = &[
    0xc0, 16, 0, 6, 0, 1, 0, 0, 0, 60, 0, 24, 0xc0, 16, 0xc0, 16, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0,
    0, 5,
];

/// Queries of many kinds.
pub fn query_seeds() -> Vec<Vec<u8>> {
    vec![
        message(1, 0x0100, "printer", 1, &[]),
        message(2, 0x0100, "Printer.LAN", 28, &[(3, OPT)]),
        message(3, 0x0100, "www.example.test", 1, &[(3, OPT_COOKIE_SUBNET)]),
        message(4, 0x0100, "7.0.0.10.in-addr.arpa", 12, &[]),
        message(5, 0x0100, "a.fixed.test", 255, &[]),
        message(6, 0x0100, "b.none.test", 16, &[]),
        message(7, 0x2800, "www.example.test", 6, &[]),
        [&message(8, 0x0100, "version.bind", 16, &[])[..28], &[0, 3]].concat(),
        message(9, 0x0110, &["x"; 120].join("."), 1, &[(3, OPT)]),
    ]
}

/// Replies to a question for www.example.test.
pub fn reply_seeds() -> Vec<Vec<u8>> {
    let name = "www.example.test";
    vec![
        message(0, 0x8180, name, 1, &[(1, A_RECORD)]),
        message(0, 0x8180, name, 1, &[(1, CNAME_RECORD), (1, A_RECORD), (3, OPT)]),
        message(0, 0x8183, name, 1, &[(2, SOA_RECORD)]),
        message(0, 0x8180, name, 1, &[(2, SOA_RECORD), (3, OPT_COOKIE_SUBNET)]),
        message(0, 0x8380, name, 1, &[]),
        message(0, 0x8185, name, 1, &[]),
        message(0, 0x8182, name, 1, &[(3, OPT)]),
    ]
}

/// Queries with their lengths in front, several in a row.
pub fn stream_seeds() -> Vec<Vec<u8>> {
    let all: Vec<Vec<u8>> = query_seeds().iter().map(|query| framed(query)).collect();
    [all.clone(), vec![all.concat()]].concat()
}

/// Replies with their lengths in front.
pub fn reply_stream_seeds() -> Vec<Vec<u8>> {
    reply_seeds().iter().map(|reply| framed(reply)).collect()
}

/// Hosts files.
pub fn hosts_seeds() -> Vec<Vec<u8>> {
    vec![
        HOSTS.to_vec(),
        b"fe80::1%eth0 link\r\n\t10.1.2.3\tone two three.four.\n".to_vec(),
        b"1.2.3.4 \xc3\xa9t\xc3\xa9 bad..name -x _y x_\n#\n\n300.1.1.1 nobody\n".to_vec(),
    ]
}

/// Resolv files.
pub fn resolv_seeds() -> Vec<Vec<u8>> {
    vec![
        b"# made by hand\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch example.test\n".to_vec(),
        b"nameserver fe80::1%eth0\r\nserver 192.0.2.2#5353\noptions edns0\nnameserver\n".to_vec(),
    ]
}
