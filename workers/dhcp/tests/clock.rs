//! Leases and a wall clock that jumps: the end of a lease is a moment of that clock, as in dnsmasq.

mod support;

use dhcp::Input;
use ipc::dhcp::ToParent;
use ipc::lease::{Lease, LeaseChange};
use support::*;

const DAY_S: u64 = 86_400;

/// A server with one lease that lasts an hour.
fn leased() -> Server {
    let lease = Lease {
        address: ip(17),
        hardware: hardware(2),
        client_id: None,
        name: None,
        expires_s: WALL_S + 3600,
        provenance: None,
    };
    Server::with_leases(slice(), vec![lease])
}

#[test]
fn a_clock_that_jumps_ahead_ends_leases() {
    let mut server = leased();
    server.parent = Parent::Slow;
    server.now.wall_s += DAY_S;
    server.ask(&Ask::new(INFORM, 9).at(ip(99)).bytes());
    let Some(ToParent::Commit { changes, .. }) = server.told.pop() else { panic!("{:?}", server.told) };
    assert_eq!(changes, [LeaseChange::Remove(ip(17))]);
}

#[test]
fn a_clock_that_jumps_back_lets_leases_last_and_wakes_nobody_for_nothing() {
    let mut server = leased();
    let before_ms = server.engine.deadline().expect("a lease that ends");
    server.now.wall_s -= DAY_S;
    server.now.monotonic_ms = before_ms;
    server.give(Input::Deadline);
    assert!(server.lease(17).is_some());
    let after_ms = server.engine.deadline().expect("a lease that ends");
    assert!(after_ms >= before_ms + DAY_S * 1000, "{before_ms} {after_ms}");
}

#[test]
fn ends_at_the_edges_of_time_are_taken_as_they_are() {
    let lease = |last, expires_s| Lease {
        address: ip(last),
        hardware: hardware(last),
        client_id: None,
        name: None,
        expires_s,
        provenance: None,
    };
    let mut server = Server::with_leases(slice(), vec![lease(11, 1), lease(12, 0), lease(13, u64::MAX)]);
    server.give(Input::Deadline);
    assert!(server.lease(11).is_none());
    assert!(server.lease(12).is_some() && server.lease(13).is_some());
}
