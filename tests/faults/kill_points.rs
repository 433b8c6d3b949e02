//! The server is killed at hundreds of random moments while clients come, renew and go. No acknowledged lease is ever lost.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::dhcp_client::{ACK, DISCOVER, NAK, OFFER, REQUEST, machine};
use support::effort::amount;
use support::lan::SERVER_ADDRESS;
use support::processes::{self, alive};
use support::{DhcpClient, Dice, Server, Subject, wait_until};

use crate::leases::{LEASE_TIME_S, read, wall_s};
use crate::service;

/// Machines that come and go; more than can act at once, fewer than the pool.
const MACHINES: usize = 60;
/// Machines that act at the same time, so that their commits share a write.
const AT_ONCE: usize = 5;

/// What the clients know.
#[derive(Debug, Default)]
struct Promises {
    /// Machine -> its address and the earliest end of its lease, as last acknowledged and not given back.
    held: BTreeMap<u32, (Ipv4Addr, u64)>,
    acknowledged: u64,
    released: u64,
    /// What must never happen.
    broken: Vec<String>,
}

impl Promises {
    fn acknowledge(&mut self, machine: u32, address: Ipv4Addr, asked_s: u64) {
        let other = self.held.iter().find(|(other, held)| **other != machine && held.0 == address);
        if let Some((other, _)) = other {
            self.broken.push(format!("{address} was given to machine {machine} while {other} holds it"));
        }
        self.held.insert(machine, (address, asked_s + LEASE_TIME_S));
        self.acknowledged += 1;
    }
}

#[test]
fn no_acknowledged_lease_is_lost_wherever_the_server_is_killed() {
    if Subject::chosen() == Subject::Theirs {
        eprintln!("passed over: dnsmasq writes the file after it has answered");
        return;
    }
    let points = amount("WARDMASQ_KILL_POINTS", 250_u32);
    let mut dice = Dice::announced();
    let lan = service::lan();
    let directory = service::directory();
    let promises = Arc::new(Mutex::new(Promises::default()));
    let start = Instant::now();
    for point in 0..points {
        let mut server = Server::launch(&lan.server, Arc::clone(&directory), service::CONFIG, &[]);
        // Now and then the start itself is the moment.
        if point % 5 != 0 {
            server.wait_for_line("started, version");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let client = {
            let (stop, promises, seed) = (Arc::clone(&stop), Arc::clone(&promises), dice.roll());
            lan.clients[0].spawn(move || act(&stop, &promises, Dice::new(seed)))
        };
        std::thread::sleep(Duration::from_micros(dice.below(60_000) as u64));
        let family = processes::family(server.pid());
        server.kill();
        wait_until("every worker to be gone", || !family.iter().any(|pid| alive(*pid)));
        stop.store(true, Ordering::Relaxed);
        client.join().expect("the clients end");
        let promises = promises.lock().expect("no panic while held");
        assert!(promises.broken.is_empty(), "point {point}: {:#?}", promises.broken);
        let file = read(&server.lease_path());
        for (number, (address, expires_s)) in &promises.held {
            let kept = file.iter().any(|lease| {
                lease.address == *address && lease.hardware == machine(*number) && lease.expires_s >= *expires_s
            });
            assert!(
                kept,
                "point {point}: machine {number} was promised {address} until {expires_s}, and the file says {file:#?}"
            );
        }
    }
    let mut promises = promises.lock().expect("no panic while held");
    eprintln!(
        "{points} kill points in {:?}: {} acknowledged, {} released, {} held",
        start.elapsed(),
        promises.acknowledged,
        promises.released,
        promises.held.len()
    );
    assert!(promises.acknowledged > u64::from(points), "the clients had too little to do");

    // The last word: a restarted server knows every one of them.
    let _server = Server::start_in(&lan.server, directory, service::CONFIG);
    let held = std::mem::take(&mut promises.held);
    let check = lan.clients[0].spawn(move || {
        let mut client = DhcpClient::new(0x7000_0000);
        for (number, (address, _)) in held {
            let reply = client.reboot(machine(number), address, Duration::from_secs(5)).expect("a renewal is answered");
            assert_eq!((reply.kind, reply.address), (ACK, address), "machine {number} after the last restart");
        }
    });
    check.join().expect("every lease is known after the last restart");
}

/// Lets some machines come, renew or go at once, again and again.
fn act(stop: &AtomicBool, promises: &Mutex<Promises>, mut dice: Dice) {
    let mut client = DhcpClient::new(dice.roll() as u32);
    while !stop.load(Ordering::Relaxed) {
        // Transaction -> machine and the time of its latest request.
        let mut open: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
        for _ in 0..AT_ONCE {
            let number = dice.below(MACHINES) as u32;
            if open.values().any(|(other, _)| *other == number) {
                continue;
            }
            let hardware = machine(number);
            let held = promises.lock().expect("no panic while held").held.get(&number).copied();
            let xid = match (held, dice.below(4)) {
                (Some((address, _)), 0) => {
                    let mut promises = promises.lock().expect("no panic while held");
                    // From here on the file may keep the lease or not: nobody hears an answer.
                    promises.held.remove(&number);
                    promises.released += 1;
                    drop(promises);
                    client.release(hardware, address, SERVER_ADDRESS);
                    continue;
                }
                (Some((address, _)), 1 | 2) => {
                    client.send(REQUEST, hardware, Ipv4Addr::UNSPECIFIED, Some(address), None)
                }
                _ => client.send(DISCOVER, hardware, Ipv4Addr::UNSPECIFIED, None, None),
            };
            open.insert(xid, (number, wall_s()));
        }
        // An answer of a killed server may still be on its way: hear it, since it counts.
        while !open.is_empty() {
            let Some(reply) = client.receive(Duration::from_millis(20)) else { break };
            let Some((number, asked_s)) = open.remove(&reply.xid) else { continue };
            match reply.kind {
                OFFER => {
                    let asked_s = wall_s();
                    let xid =
                        client.send(REQUEST, machine(number), Ipv4Addr::UNSPECIFIED, Some(reply.address), reply.server);
                    open.insert(xid, (number, asked_s));
                }
                ACK => promises.lock().expect("no panic while held").acknowledge(number, reply.address, asked_s),
                NAK => {
                    let mut promises = promises.lock().expect("no panic while held");
                    if let Some((address, _)) = promises.held.get(&number).copied() {
                        promises.broken.push(format!("machine {number} was refused its own {address}"));
                    }
                }
                other => promises.lock().expect("no panic while held").broken.push(format!("a reply of type {other}")),
            }
        }
    }
}
