//! A worker that is killed is replaced, and nobody else notices.

use std::time::Instant;

use support::processes::{self, ROLES, worker};
use support::wait_until;

use crate::service::{answers, lan, single_process, start};

#[test]
fn each_killed_worker_is_replaced_while_the_others_answer() {
    if single_process() {
        return;
    }
    let lan = lan();
    let server = start(&lan);
    for role in ROLES {
        let others: Vec<&str> = ROLES.into_iter().filter(|other| *other != role).collect();
        let before: Vec<i32> = others.iter().map(|other| worker(server.pid(), other, None)).collect();
        let victim = worker(server.pid(), role, None);
        let seen = server.lines().len();
        let killed = Instant::now();
        processes::kill(victim);
        for other in &others {
            assert!(answers(&lan, other), "{other} does not answer while {role} is being replaced");
        }
        server.wait_for_line_after(seen, &format!("{role} worker"));
        let next = worker(server.pid(), role, Some(victim));
        wait_until(&format!("{role} to answer again"), || answers(&lan, role));
        eprintln!("{role}: process {victim} killed, {next} answers after at most {:?}", killed.elapsed());
        let after: Vec<i32> = others.iter().map(|other| worker(server.pid(), other, None)).collect();
        assert_eq!(before, after, "killing {role} replaced other workers too");
    }
}

#[test]
fn a_worker_that_is_killed_again_and_again_comes_back_every_time() {
    if single_process() {
        return;
    }
    let lan = lan();
    let server = start(&lan);
    let mut victim = worker(server.pid(), "dns", None);
    for _ in 0..3 {
        processes::kill(victim);
        victim = worker(server.pid(), "dns", Some(victim));
    }
    wait_until("dns to answer again", || answers(&lan, "dns"));
    assert!(answers(&lan, "dhcp") && answers(&lan, "tftp"));
}
