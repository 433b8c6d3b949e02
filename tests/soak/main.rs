//! Many queries of all kinds to the running program: is every answer right, and do memory and descriptors stay where they are?
//!
//! ```text
//! cargo run --release -p wardmasq-tests --bin soak -- --binary PATH [--queries N]
//! ```
//!
//! Names say what is right about them ([`kind::Kind`]): some are cached, some are in a hosts file, some are asked for once, some do not exist, and
//! some have upstreams that are slow, fail, refuse or say nothing. Needs root (network namespaces). Ends with status 1 if anything is wrong.

mod client;
mod health;
mod kind;
mod upstream;

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::lan::UPSTREAMS;
use support::{Directory, Lan, Server, Subject, processes};

use client::Tally;
use health::Health;

/// Queries over UDP for each one over TCP.
const UDP_PER_TCP: u64 = 50;
/// How much of all queries is warm-up: tables fill, and the allocator finds its size.
const WARM_UP: f64 = 0.2;
/// What all processes together may grow after that, in KiB.
const GROWTH_KIB: u64 = 1024;
/// How long the last upstream may be waited for (40 s), and some more.
const AFTERMATH: Duration = Duration::from_secs(60);

fn main() {
    let (mut binary, mut queries) = (None, 10_000_000u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--binary" => binary = Some(std::fs::canonicalize(&value).expect("--binary names the program")),
            "--queries" => queries = value.parse().expect("--queries takes a number"),
            _ => {
                eprintln!("usage: soak [--binary PATH] [--queries N]");
                std::process::exit(2);
            }
        }
    }
    let faults = run(&binary.unwrap_or_else(|| Subject::Ours.program()), queries);
    faults.iter().for_each(|fault| println!("FAULT: {fault}"));
    std::process::exit(i32::from(!faults.is_empty()));
}

/// Asks everything; what was wrong.
fn run(binary: &Path, queries: u64) -> Vec<String> {
    let lan = Lan::with_addresses(2);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", kind::hosts());
    let _upstream = upstream::Upstream::start(&lan);
    let config = format!(
        "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\ncache-size=1000\nserver={}\nserver=/dead.example/{}\n",
        UPSTREAMS[0], UPSTREAMS[1]
    );
    let server = Server::launch_program(&lan.server, binary, directory, &config, &[]);
    server.wait_for_line("names");
    server.wait_for_line("started, version");
    let workers = processes::family(server.pid());
    let fresh = Health::of(&workers);

    let asked = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let udp = {
        let asked = Arc::clone(&asked);
        lan.clients[0].spawn(move || client::ask_by_udp(queries, &asked))
    };
    let tcp = {
        let over = Arc::clone(&over);
        lan.clients[1].spawn(move || client::ask_by_tcp(queries / UDP_PER_TCP, &over))
    };
    let begun = Instant::now();
    let mut samples: Vec<(f64, Health)> = Vec::new();
    while !udp.is_finished() {
        std::thread::sleep(Duration::from_millis(500));
        let done = asked.load(Ordering::Relaxed);
        let health = Health::of(&workers);
        progress(done, queries, begun.elapsed(), &health);
        samples.push((done as f64 / queries as f64, health));
    }
    over.store(true, Ordering::Relaxed);
    let mut tally = udp.join().expect("the UDP client ends");
    let by_tcp = tcp.join().expect("the TCP client ends");
    let taken = begun.elapsed();

    // Questions to the dead upstream are still in flight, each with a descriptor.
    let end = Instant::now();
    let mut last = Health::of(&workers);
    while last.descriptors > fresh.descriptors && end.elapsed() < AFTERMATH {
        std::thread::sleep(Duration::from_millis(500));
        last = Health::of(&workers);
    }
    let warm = samples.iter().filter(|(part, _)| *part < WARM_UP).map(|(_, health)| *health);
    let warm = warm.reduce(Health::most).unwrap_or(fresh);
    let later = samples.iter().filter(|(part, _)| *part >= WARM_UP).map(|(_, health)| *health);
    let later = later.reduce(Health::most).unwrap_or(last);
    tally.add(&by_tcp);
    report(
        &tally,
        taken,
        &[("at the start", fresh), ("most while warming up", warm), ("most afterwards", later), ("at the end", last)],
    );

    let mut faults = tally.wrong.clone();
    if later.resident_kib > warm.resident_kib + GROWTH_KIB {
        faults.push(format!("memory grew from {} to {} KiB", warm.resident_kib, later.resident_kib));
    }
    if last.descriptors > fresh.descriptors {
        faults.push(format!("{} descriptors at the start, {} at the end", fresh.descriptors, last.descriptors));
    }
    if processes::family(server.pid()) != workers {
        faults.push("a process was replaced".to_owned());
    }
    // Some answers may be lost on a machine that is busy otherwise; a server that forgets questions loses more.
    if tally.lost() * 1000 > tally.asked() {
        faults.push(format!("{} of {} queries have no answer", tally.lost(), tally.asked()));
    }
    server.stop();
    faults
}

/// A line that replaces itself, for who watches.
fn progress(done: u64, all: u64, taken: Duration, health: &Health) {
    if std::io::stderr().is_terminal() {
        let rate = done as f64 / taken.as_secs_f64();
        let (part, memory) = (100 * done / all.max(1), health.resident_kib);
        eprint!("\r{done} of {all} ({part} %), {rate:.0} per s, {memory} KiB, {} descriptors   ", health.descriptors);
    }
}

fn report(tally: &Tally, taken: Duration, healths: &[(&str, Health)]) {
    let mut text = String::new();
    let _ = writeln!(text, "\r{:<28} {:>12} {:>12} {:>12}", "queries", "asked", "right", "no answer");
    for (kind, asked, right, lost) in tally.rows() {
        let _ = writeln!(text, "{kind:<28} {asked:>12} {right:>12} {lost:>12}");
    }
    let rate = tally.asked() as f64 / taken.as_secs_f64();
    let _ = writeln!(
        text,
        "{:<28} {:>12} wrong: {}; {:.0} s, {rate:.0} per s",
        "together",
        tally.asked(),
        tally.wrong.len(),
        taken.as_secs_f64()
    );
    let _ = writeln!(text, "\n{:<28} {:>12} {:>12}", "all processes", "RSS, KiB", "descriptors");
    for (when, health) in healths {
        let _ = writeln!(text, "{when:<28} {:>12} {:>12}", health.resident_kib, health.descriptors);
    }
    println!("{text}");
}
