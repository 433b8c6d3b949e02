//! Every parser of foreign bytes, fed with valid messages, all their truncations, and seeded mutations of them.
//!
//! A target is a function of bytes that must return, whatever the bytes are. `README.md` says how to run the same functions
//! under libFuzzer. `WARDMASQ_FUZZ_RUNS` sets the number of mutations per target, `WARDMASQ_SEED` repeats a run.

mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mutate::mutate;
use support::Dice;
use support::effort::amount;
use targets::Target;

/// One input may take this long, in a debug build on a busy machine.
const SLOW: Duration = Duration::from_secs(2);

fn run(target: &Target) {
    let runs = amount("WARDMASQ_FUZZ_RUNS", 5000_u32);
    let mut dice = Dice::announced();
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{} has no corpus", target.name);
    feed(target, &[]);
    for seed in &seeds {
        for end in 0..=seed.len() {
            feed(target, &seed[..end]);
        }
    }
    for _ in 0..runs {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        let other = &seeds[dice.below(seeds.len())];
        for _ in 0..=dice.below(4) {
            mutate(&mut bytes, other, &mut dice);
        }
        feed(target, &bytes);
    }
}

fn feed(target: &Target, bytes: &[u8]) {
    let start = Instant::now();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))) {
        eprintln!("{} fails on {} bytes: {}", target.name, bytes.len(), hex(bytes));
        std::panic::resume_unwind(panic);
    }
    let taken = start.elapsed();
    assert!(taken < SLOW, "{} takes {taken:?} for {} bytes: {}", target.name, bytes.len(), hex(bytes));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A test per target, so that a failure names its parser.
macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(targets::named(stringify!($name)));
        })*

        #[test]
        fn every_target_is_run() {
            let run = [$(stringify!($name)),*];
            let missing: Vec<&str> = targets::ALL.iter().map(|target| target.name).filter(|name| !run.contains(name)).collect();
            assert!(missing.is_empty(), "targets without a test: {missing:?}");
        }
    };
}

targets! {
    dns_query
    dns_reply
    dns_query_rules
    dns_reply_rules
    dns_client_stream
    dns_upstream_stream
    dns_hosts
    dns_resolv
    dhcp_packet
    dhcp_packet_twice
    dhcp_echo
    tftp_request
    tftp_transfer
    config_file
    config_servers
    config_late_lines
    route_table
    netlink_answer
    frame
}
