//! After a `kill -9` of the first process nothing holds its ports: a service manager can start the next server at once.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use support::lan::SERVER_ADDRESS;
use support::processes::{alive, family};
use support::wait_until;

use crate::service::{lan, start};

/// Generous for a slow shared machine; the printed figure is the interesting one.
const LIMIT: Duration = Duration::from_secs(1);

#[test]
fn all_ports_can_be_bound_again_after_the_parent_is_killed() {
    let lan = lan();
    let mut server = start(&lan);
    let family = family(server.pid());
    let killed = Instant::now();
    let binding = lan.server.spawn(move || {
        while killed.elapsed() < LIMIT {
            if all_free() {
                return Some(killed.elapsed());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        None
    });
    server.kill();
    let after = binding.join().expect("the binding thread ends");
    eprintln!("ports free {after:?} after the kill");
    assert!(after.is_some(), "a port was still held {LIMIT:?} after the kill");
    wait_until("every worker to be gone", || !family.iter().any(|pid| alive(*pid)));
}

fn all_free() -> bool {
    let dns = UdpSocket::bind((SERVER_ADDRESS, 53)).is_ok() && TcpListener::bind((SERVER_ADDRESS, 53)).is_ok();
    dns && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 67)).is_ok() && UdpSocket::bind((SERVER_ADDRESS, 69)).is_ok()
}
