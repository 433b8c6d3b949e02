//! Replies and ICMP errors that somebody else sends.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, bind, sendto, socket};
use support::lan::UPSTREAMS;
use support::message::{A, Record, encode_query};
use support::{Lan, Server};

use crate::tap::{TRUTH, Tap, ask, bound, client, hears, hears_nothing};

const LIE: [u8; 4] = [6, 6, 6, 6];
const NAME: &str = "www.bank.example";
/// The server's address on the side of the upstreams.
const SOURCE: [u8; 4] = [198, 51, 100, 1];

fn config(servers: usize) -> String {
    let lines = UPSTREAMS[..servers].iter().map(|address| format!("server={address}\n"));
    format!("no-resolv\nno-hosts\nlog-queries\n{}", lines.collect::<String>())
}

/// D15: a reply with the right id, the right question and the right destination port counts only from the address and the port that were
/// asked.
#[test]
fn d15_a_reply_from_elsewhere_is_not_heard() {
    let lan = Lan::with_addresses(1);
    let tap = Tap::new(&lan, UPSTREAMS[0]);
    let elsewhere: [SocketAddr; 4] =
        [(UPSTREAMS[1], 53).into(), (UPSTREAMS[0], 5353).into(), (UPSTREAMS[0], 54).into(), (UPSTREAMS[1], 54).into()];
    let forgers: Vec<UdpSocket> = elsewhere.map(|at| bound(&lan.upstream, at)).into();
    let server = Server::start(&lan.server, &config(1));
    let client = client(&lan.clients[0]);
    for round in 0..3 {
        ask(&client, round, NAME);
        let (query, to) = tap.query();
        let lie = query.reply(0, &[Record::a(LIE.into(), 3600)], 0);
        for forger in &forgers {
            forger.send_to(&lie, to).expect("send a lie");
        }
        // Ids near by, from the right place, and the right id at the ports near by.
        for off in 1..50u16 {
            let mut other = lie.clone();
            other[..2].copy_from_slice(&query.id.wrapping_add(off).to_be_bytes());
            tap.0.send_to(&other, to).expect("send a lie");
            let _ = tap.0.send_to(&lie, SocketAddr::new(to.ip(), to.port().wrapping_add(off).max(1024)));
        }
        tap.answer(&query, to);
        hears(&client, &TRUTH);
        // Too late for this question, and no question of its own.
        tap.0.send_to(&lie, to).expect("send a lie");
        hears_nothing(&client);
    }
    assert_eq!(server.count_lines("6.6.6.6"), 0);
    server.stop();
}

/// D17: a thousand clients with one question make one query, from one port with one id.
#[test]
fn d17_equal_questions_of_many_make_one_query() {
    let lan = Lan::with_addresses(1);
    let tap = Tap::new(&lan, UPSTREAMS[0]);
    let _server = Server::start(&lan.server, &config(1));
    let clients: Vec<UdpSocket> = (0..100).map(|_| client(&lan.clients[0])).collect();
    for (number, client) in clients.iter().enumerate() {
        (0..10).for_each(|id| client.send(&encode_query((number * 10 + id) as u16, NAME, A)).map(drop).expect("ask"));
    }
    let (query, to) = tap.query();
    tap.0.set_nonblocking(true).expect("stop waiting");
    // Who is not heard before this is answered by the cache.
    tap.0.send_to(&query.reply(0, &[Record::a(TRUTH.into(), 60)], 0), to).expect("answer");
    // `dns-forward-max` and one wait for the answer; no client's ten are all beyond that.
    assert!(clients.iter().take(15).all(|client| support::uninterrupted(|| client.recv(&mut [0; 512])).is_ok()));
    assert!(support::uninterrupted(|| tap.0.recv_from(&mut [0; 512])).is_err(), "there was a second query");
}

/// A raw socket that sends ICMP from an upstream's address.
fn icmp(lan: &Lan, from: IpAddr) -> OwnedFd {
    let open = move || {
        let raw =
            socket(AddressFamily::Inet, SockType::Raw, SockFlag::empty(), SockProtocol::Icmp).expect("a raw socket");
        let IpAddr::V4(from) = from else { panic!("an IPv4 address") };
        bind(raw.as_raw_fd(), &SockaddrIn::from(std::net::SocketAddrV4::new(from, 0))).expect("bind a raw socket");
        raw
    };
    lan.upstream.spawn(open).join().expect("open a raw socket")
}

/// Sends "destination unreachable" (RFC 792) with this code about a datagram from `port` of the server to port 53 of an upstream. `mtu` has a
/// meaning for code 4 only (RFC 1191).
fn unreachable(raw: &OwnedFd, code: u8, mtu: u16, port: u16, upstream: [u8; 4]) {
    let mut packet = vec![3, code, 0, 0, 0, 0];
    packet.extend(mtu.to_be_bytes());
    // The header of the datagram that caused it, and eight bytes behind.
    packet.extend([0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(SOURCE);
    packet.extend(upstream);
    packet.extend(port.to_be_bytes());
    packet.extend([0, 53, 0, 40, 0, 0]);
    let sum: u32 = packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    let to = SockaddrIn::from(std::net::SocketAddrV4::new(SOURCE.into(), 0));
    sendto(raw.as_raw_fd(), &packet, &to, MsgFlags::empty()).expect("send an ICMP message");
}

/// A04: forged ICMP errors of every code neither end a question nor close its port; with another upstream there is one more query.
#[test]
fn a04_forged_icmp_errors_do_not_end_a_question() {
    let lan = Lan::with_addresses(1);
    let (first, second) = (Tap::new(&lan, UPSTREAMS[0]), Tap::new(&lan, UPSTREAMS[1]));
    let raw = icmp(&lan, UPSTREAMS[0].into());
    let client = client(&lan.clients[0]);
    for servers in [1, 2] {
        let server = Server::start(&lan.server, &config(servers));
        // The first to answer is asked first from now on.
        ask(&client, 1, "favorite.example");
        let (query, to) = first.query();
        if servers == 2 {
            second.query();
        }
        first.answer(&query, to);
        hears(&client, &TRUTH);
        for code in 0..16 {
            let name = format!("code{code}.example");
            ask(&client, 2, &name);
            let (query, to) = first.query();
            for _ in 0..3 {
                unreachable(&raw, code, 576, to.port(), UPSTREAMS[0].octets());
            }
            // The one who is asked instead says nothing; the true answer is as late as it likes.
            if servers == 2 {
                // Ports (3), protocols (2) and the like are final for the kernel; hosts that cannot be reached now (0, 1, 5 ...) are not.
                second.0.set_read_timeout(Some(std::time::Duration::from_millis(100))).expect("set a timeout");
                let _ = second.0.recv_from(&mut [0; 512]);
            } else {
                hears_nothing(&client);
            }
            first.answer(&query, to);
            hears(&client, &TRUTH);
        }
        server.stop();
    }
}

/// Fragments that arrived in the namespace of the upstreams.
fn fragments(lan: &Lan) -> u64 {
    let read = || std::fs::read_to_string("/proc/thread-self/net/snmp").expect("the kernel counts");
    let text = lan.upstream.spawn(read).join().expect("read counters");
    let mut ip = text.lines().filter_map(|line| line.strip_prefix("Ip: ")).map(|line| line.split(' '));
    let (mut names, mut values) = (ip.next().expect("names"), ip.next().expect("values"));
    let at = names.position(|name| name == "ReasmReqds").expect("a counter of fragments");
    values.nth(at).and_then(|value| value.parse().ok()).expect("a number")
}

/// A05: a forged "fragmentation needed" does not make us cut queries into pieces (and the socket of the question survives it).
#[test]
fn a05_queries_are_not_cut_into_fragments() {
    let lan = Lan::with_addresses(1);
    let tap = Tap::new(&lan, UPSTREAMS[0]);
    let raw = icmp(&lan, UPSTREAMS[0].into());
    let server = Server::start(&lan.server, &config(1));
    let client = client(&lan.clients[0]);
    for round in 0..3u8 {
        ask(&client, u16::from(round), &format!("small{round}.example"));
        let (query, to) = tap.query();
        unreachable(&raw, 4, 576, to.port(), UPSTREAMS[0].octets());
        tap.answer(&query, to);
        hears(&client, &TRUTH);
        // A query with padding (RFC 7830) of the longest kind that is served.
        let mut large = encode_query(7, &format!("large{round}.example"), A);
        large[11] = 1;
        let padding = 1232 - large.len() - 15;
        large.extend([0, 0, 41, 4, 208, 0, 0, 0, 0]);
        large.extend((padding as u16 + 4).to_be_bytes());
        large.extend([0, 12]);
        large.extend((padding as u16).to_be_bytes());
        large.resize(1232, 0);
        client.send(&large).expect("send a long question");
        let (query, to) = tap.query();
        tap.answer(&query, to);
        hears(&client, &TRUTH);
    }
    assert_eq!(fragments(&lan), 0);
    server.stop();
}
