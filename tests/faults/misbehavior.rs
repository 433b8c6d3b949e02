//! A worker that panics, aborts, runs in circles, overflows its stack or faults ends, is replaced, and nobody else notices.
//!
//! The parent of a `probe` build takes real-time signal MIN + role * 5 + deed as the order to let a worker go wrong.

use std::time::Instant;

use nix::libc;
use support::processes::{ROLES, worker};
use support::{Server, probe, wait_until};

use crate::service::{answers, lan, single_process, start_program};

/// In the order of `ipc::control::Misbehavior`.
const DEEDS: [&str; 5] = ["panic", "abort", "loop", "overflow", "fault"];

#[test]
fn a_worker_that_goes_wrong_is_replaced_while_the_others_answer() {
    if single_process() {
        return;
    }
    let lan = lan();
    let server = start_program(&lan, &probe::program());
    for (role_index, role) in ROLES.into_iter().enumerate() {
        for (deed_index, deed) in DEEDS.into_iter().enumerate() {
            let before = worker(server.pid(), role, None);
            let seen = server.lines().len();
            let start = Instant::now();
            order(&server, role_index * DEEDS.len() + deed_index);
            for other in ROLES.into_iter().filter(|other| *other != role) {
                assert!(answers(&lan, other), "{other} does not answer while {role} is busy with: {deed}");
            }
            let line = server.wait_for_line_after(seen, &format!("{role} worker"));
            let after = worker(server.pid(), role, Some(before));
            wait_until(&format!("{role} to answer after: {deed}"), || answers(&lan, role));
            eprintln!("{role} {deed}: {before} -> {after}, answering after {:?}: {line}", start.elapsed());
        }
    }
}

fn order(server: &Server, number: usize) {
    let signal = libc::SIGRTMIN() + i32::try_from(number).expect("few deeds");
    // The typed call knows no real-time signals.
    let status = std::process::Command::new("kill")
        .args([format!("-{signal}"), server.pid().to_string()])
        .status()
        .expect("run kill");
    assert!(status.success(), "signal {signal} could not be sent");
}
