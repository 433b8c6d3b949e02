//! A full pool and `dhcp-reclaim`.

mod support;

use std::net::Ipv4Addr;

use dhcp::Input;
use ipc::config::dhcp::DhcpSlice;
use ipc::dhcp::ToParent;
use ipc::lease::Lease;
use support::*;

fn echo_from(address: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![0; 28];
    bytes[0] = 0x45;
    bytes[9] = 1;
    bytes[12..16].copy_from_slice(&address.octets());
    bytes
}

/// A pool of two addresses, both leased; .10 has been silent for longer.
fn full(reclaim: bool) -> Server {
    let slice = DhcpSlice { pools: vec![pool(10, 11, 3600)], no_ping: false, reclaim, ..slice() };
    let lease = |last, machine, expires_s| Lease {
        address: ip(last),
        hardware: hardware(machine),
        client_id: None,
        name: None,
        expires_s,
        provenance: None,
    };
    Server::with_leases(slice, vec![lease(11, 2, WALL_S + 2000), lease(10, 3, WALL_S + 1000)])
}

#[test]
fn without_the_option_there_is_no_address() {
    let mut server = full(false);
    assert!(server.ask(&Ask::new(DISCOVER, 9).bytes()).is_empty());
    assert_eq!(server.last_line(), "DHCPDISCOVER(eth0) 02:00:00:00:02:09 no address available");
    assert!(server.told.is_empty());
}

#[test]
fn the_lease_of_the_most_silent_client_that_does_not_answer_is_reclaimed() {
    let mut server = full(true);
    assert!(server.ask(&Ask::new(DISCOVER, 9).bytes()).is_empty());
    assert_eq!(server.told, [ToParent::Ping(ip(10))]);
    server.pass(3_000);
    // The lease is over before its address is offered.
    assert_eq!(server.sent.len(), 1);
    assert_eq!(server.sent[0].yiaddr(), ip(10));
    assert!(server.lines.iter().any(|line| line.starts_with("reclaiming 192.168.77.10 from 02:00:00:00:02:03")));
    assert_eq!((server.lease(10), server.lease(11).is_some()), (None, true));
    server.sent.clear();
    let granted = server.ask(&Ask::new(REQUEST, 9).wants(ip(10)).selects(SERVER).bytes());
    assert_eq!(granted[0].kind(), (ACK, String::new()));
}

#[test]
fn whoever_answers_keeps_its_lease() {
    let mut server = full(true);
    server.ask(&Ask::new(DISCOVER, 9).bytes());
    server.give(Input::Echo { bytes: &echo_from(ip(10)) });
    server.give(Input::Echo { bytes: &echo_from(ip(11)) });
    assert_eq!(server.told, [ToParent::Ping(ip(10)), ToParent::Ping(ip(11))]);
    assert!(server.sent.is_empty());
    assert_eq!(server.last_line(), "DHCPDISCOVER(eth0) 02:00:00:00:02:09 no address available");
    assert!(server.lease(10).is_some() && server.lease(11).is_some());
}

#[test]
fn where_nobody_may_be_asked_nothing_is_reclaimed() {
    let slice = DhcpSlice { pools: vec![pool(10, 10, 3600)], no_ping: true, reclaim: true, ..slice() };
    let mut server = Server::new(slice);
    server.ask(&Ask::new(DISCOVER, 2).bytes());
    server.ask(&Ask::new(REQUEST, 2).wants(ip(10)).selects(SERVER).bytes());
    assert!(server.ask(&Ask::new(DISCOVER, 9).bytes()).is_empty());
}
