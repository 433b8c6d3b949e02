//! How hard source ports and ids are to guess (RFC 5452).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::UdpSocket;
use std::sync::Arc;

use nix::sys::signal::Signal;
use support::lan::UPSTREAMS;
use support::processes::worker;
use support::{Directory, Lan, Server};

use crate::tap::{Recorder, Seen, TRUTH, ask, client, hears};

/// Questions per worker.
const QUESTIONS: usize = 4096;
const BINS: usize = 64;
/// The default `max-port` is the highest, and `min-port` is this.
const PORT_MIN: usize = 1024;
/// How many standard deviations a statistic may be off: a true generator is, once in hundreds of millions.
const SIGMAS: f64 = 6.0;

/// Asks so many different questions, this many at a time.
fn ask_many(client: &UdpSocket, prefix: &str, count: usize, together: usize) {
    for first in (0..count).step_by(together) {
        let some = first..count.min(first + together);
        some.clone().for_each(|number| ask(client, number as u16, &format!("{prefix}{number}.example")));
        some.for_each(|_| hears(client, &TRUTH));
    }
}

/// Do numbers fall evenly into so many bins? (Pearson's chi-square, whose mean is the degrees of freedom and whose variance twice that.)
fn even(what: &str, bins: usize, values: impl Iterator<Item = usize>) {
    let mut counts = vec![0u32; bins];
    let mut total = 0.0;
    for value in values {
        counts[value] += 1;
        total += 1.0;
    }
    let expected = total / bins as f64;
    let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = bins as f64 - 1.0;
    let off = (chi_square - freedom) / (2.0 * freedom).sqrt();
    println!("{what}: chi-square {chi_square:.1} with {freedom} degrees of freedom");
    // The distribution leans to the right, so that the same bound on the left is generous.
    assert!(off.abs() < SIGMAS, "{what}: chi-square {chi_square:.1} with {freedom} degrees of freedom");
}

/// Do as many pairs agree as must by chance?
fn repeats(what: &str, values: &[usize], expected: f64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let pairs: usize = sorted.chunk_by(|a, b| a == b).map(|equal| equal.len() * (equal.len() - 1) / 2).sum();
    println!("{what}: {pairs} equal pairs, {expected:.0} expected");
    assert!((pairs as f64 - expected).abs() < SIGMAS * expected.sqrt(), "{what}: {pairs} pairs for {expected:.0}");
}

/// The queries that were the first from their ports: each of these ports was drawn for it, while later ones may have come from a port that
/// served again.
fn drawn(seen: &[Seen]) -> Vec<Seen> {
    let mut ports = BTreeSet::new();
    seen.iter().filter(|seen| ports.insert(seen.port)).copied().collect()
}

/// R04, R09: ports and ids of thousands of queries are even, repeat as often as chance demands, do not depend on the ones before, on each
/// other, or on those of the worker before.
#[test]
fn r04_ports_and_ids_look_random() {
    let lan = Lan::with_addresses(1);
    let upstream = Recorder::start(&lan, UPSTREAMS[0]);
    let server = Server::start(&lan.server, &format!("no-resolv\nno-hosts\ncache-size=0\nserver={}\n", UPSTREAMS[0]));
    let client = client(&lan.clients[0]);
    let mut workers: Vec<Vec<Seen>> = Vec::new();
    for generation in 0..2 {
        if generation > 0 {
            // Ports of the worker before would serve again until it has left.
            let before = worker(server.pid(), "dns", None);
            server.signal(Signal::SIGHUP);
            worker(server.pid(), "dns", Some(before));
        }
        let before = upstream.seen().len();
        // One at a time, so that most have a port drawn for them.
        ask_many(&client, &format!("g{generation}n"), QUESTIONS, 1);
        workers.push(upstream.seen().split_off(before));
    }
    let span = usize::from(u16::MAX) + 1 - PORT_MIN;
    for (generation, seen) in workers.iter().enumerate() {
        assert!(seen.len() >= QUESTIONS);
        let ids: Vec<usize> = seen.iter().map(|seen| usize::from(seen.id)).collect();
        let drawn = drawn(seen);
        let ports: Vec<usize> = drawn.iter().map(|seen| usize::from(seen.port)).collect();
        assert!(ports.len() >= QUESTIONS / 16);
        assert!(ports.iter().all(|port| *port >= PORT_MIN));
        let id_bin = |id: usize, bins: usize| (id * bins) >> 16;
        let port_bin = |port: usize, bins: usize| (port - PORT_MIN) * bins / span;
        even(&format!("worker {generation}: ids"), BINS, ids.iter().map(|id| id_bin(*id, BINS)));
        even(&format!("worker {generation}: ports"), BINS, ports.iter().map(|port| port_bin(*port, BINS)));
        let low = |values: &[usize]| values.iter().map(|value| value % BINS).collect::<Vec<_>>();
        even(&format!("worker {generation}: low bits of ids"), BINS, low(&ids).into_iter());
        even(&format!("worker {generation}: low bits of ports"), BINS, low(&ports).into_iter());
        let count = ids.len() as f64;
        repeats(&format!("worker {generation}: ids"), &ids, count * (count - 1.0) / 2.0 / 65_536.0);
        let steps = |values: &[usize]| {
            values.windows(2).map(|pair| id_bin((pair[1] + 65_536 - pair[0]) & 0xffff, BINS)).collect::<Vec<_>>()
        };
        even(&format!("worker {generation}: from id to id"), BINS, steps(&ids).into_iter());
        let pairs = |values: &[usize], bin: &dyn Fn(usize, usize) -> usize| {
            values.windows(2).map(|pair| 8 * bin(pair[0], 8) + bin(pair[1], 8)).collect::<Vec<_>>()
        };
        even(&format!("worker {generation}: port after port"), BINS, pairs(&ports, &port_bin).into_iter());
        let both = drawn.iter().map(|seen| 8 * id_bin(seen.id.into(), 8) + port_bin(seen.port.into(), 8));
        even(&format!("worker {generation}: ids with ports"), BINS, both);
    }
    let [first, second] = workers.try_into().expect("two workers");
    let (first, second) = (drawn(&first), drawn(&second));
    let of_both = [&first[..], &second].concat();
    let ports: Vec<usize> = of_both.iter().map(|seen| usize::from(seen.port)).collect();
    repeats("ports of both workers", &ports, first.len() as f64 * second.len() as f64 / span as f64);
    let side_by_side = |of: fn(&Seen) -> usize| first.iter().zip(&second).map(move |(a, b)| 8 * of(a) + of(b));
    even("ids of one worker with the other's", BINS, side_by_side(|seen| usize::from(seen.id) >> 13));
    even(
        "ports of one worker with the other's",
        BINS,
        side_by_side(|seen| (usize::from(seen.port) - 1024) * 8 / 64_512),
    );
}

/// D18: however an upstream is named, its queries leave from random ports.
#[test]
fn d18_every_form_of_server_has_random_ports() {
    let lan = Lan::with_addresses(1);
    let address = UPSTREAMS[0];
    let upstream = Recorder::start(&lan, address);
    let client = client(&lan.clients[0]);
    let directory = Arc::new(Directory::new());
    directory.write("resolv.conf", format!("nameserver {address}\n"));
    directory.write("servers", format!("server={address}\n"));
    let forms = [
        format!("no-resolv\nserver={address}\n"),
        format!("no-resolv\nserver={address}#53\n"),
        format!("no-resolv\nserver={address}@198.51.100.1\n"),
        format!("no-resolv\nserver={address}@up0\n"),
        format!("no-resolv\nbind-interfaces\nserver={address}@up0\n"),
        format!("no-resolv\nserver=/example/{address}\n"),
        format!("no-resolv\nserver=/example/{address}@198.51.100.1\n"),
        format!("no-resolv\nserver={address}\nstrict-order\n"),
        format!("no-resolv\nserver={address}\nall-servers\n"),
        "no-resolv\nservers-file=DIR/servers\n".to_owned(),
        "resolv-file=DIR/resolv.conf\n".to_owned(),
    ];
    for (number, form) in forms.iter().enumerate() {
        let config = format!("no-hosts\ncache-size=0\n{form}");
        let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
        server.wait_for_line("using nameserver");
        let before = upstream.seen().len();
        ask_many(&client, &format!("f{number}n"), 128, 32);
        let seen = upstream.seen().split_off(before);
        let ports: BTreeSet<u16> = seen.iter().map(|seen| seen.port).collect();
        let ids: BTreeSet<u16> = seen.iter().map(|seen| seen.id).collect();
        // Of 128 out of 64512 hardly one is there twice.
        assert!(ports.len() >= 124 && ids.len() >= 124, "{form}: {} ports, {} ids", ports.len(), ids.len());
        assert_eq!(server.count_lines("fixed source port"), 0);
        server.stop();
    }
}

/// D18: a port is fixed only when the configuration says so, and then there is a warning; ids stay random.
#[test]
fn d18_a_fixed_port_is_fixed_on_request_and_with_a_warning() {
    let lan = Lan::with_addresses(1);
    let address = UPSTREAMS[0];
    let upstream = Recorder::start(&lan, address);
    let client = client(&lan.clients[0]);
    for form in [format!("query-port=5353\nserver={address}\n"), format!("server={address}@198.51.100.1#5353\n")] {
        let mut config = String::from("no-resolv\nno-hosts\ncache-size=0\n");
        config.write_str(&form).expect("a string takes any text");
        let server = Server::start(&lan.server, &config);
        server.wait_for_line("warning: queries from a fixed source port");
        let before = upstream.seen().len();
        ask_many(&client, "n", 128, 32);
        let seen = upstream.seen().split_off(before);
        assert!(seen.iter().all(|seen| seen.port == 5353), "{form}");
        let ids: BTreeSet<u16> = seen.iter().map(|seen| seen.id).collect();
        assert!(ids.len() >= 124, "{form}: {} ids", ids.len());
        server.stop();
    }
}
