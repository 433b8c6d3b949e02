//! Clients that are not served, bytes that do not belong in names, and files that are too much.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use support::lan::{SERVER_ADDRESS, SERVER_INTERFACE, UPSTREAMS};
use support::message::{A, encode_query};
use support::processes::{status, worker};
use support::{Directory, Lan, Server};

use crate::tap::{Recorder, TRUTH, Tap, ask, bound, client, hears, hears_nothing};

fn config() -> String {
    format!("no-resolv\nno-hosts\ncache-size=0\nserver={}\n", UPSTREAMS[0])
}

/// D12, A09: with `local-service`, which packages set, who is not of a local network gets nothing at all, and nothing is asked for them.
#[test]
fn d12_strangers_get_no_answer() {
    const STRANGER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
    let lan = Lan::with_addresses(1);
    lan.clients[0].ip(&["addr", "add", "203.0.113.9/32", "dev", "eth0"]);
    lan.server.ip(&["route", "add", "203.0.113.0/24", "dev", SERVER_INTERFACE]);
    let upstream = Recorder::start(&lan, UPSTREAMS[0]);
    let server = Server::start(&lan.server, &(config() + "local-service\n"));
    let stranger = bound(&lan.clients[0], SocketAddr::from((STRANGER, 0)));
    stranger.connect((SERVER_ADDRESS, 53)).expect("connect to the server");
    for number in 0..50 {
        ask(&stranger, number, &format!("n{number}.example"));
    }
    hears_nothing(&stranger);
    assert_eq!(upstream.seen(), []);
    assert_eq!(server.count_lines("ignoring query from non-local network 203.0.113.9"), 1);
    // The way is open: a neighbor is answered.
    let neighbor = client(&lan.clients[0]);
    ask(&neighbor, 1, "www.example");
    hears(&neighbor, &TRUTH);
    server.stop();
}

/// D01: datagrams of every length, up to the longest there can be; the worker lives on.
#[test]
fn d01_datagrams_of_every_length() {
    let lan = Lan::with_addresses(1);
    let _upstream = Recorder::start(&lan, UPSTREAMS[0]);
    let server = Server::start(&lan.server, &config());
    let before = worker(server.pid(), "dns", None);
    let client = client(&lan.clients[0]);
    for fill in [0, 0xc0, 0xff] {
        for length in (0..1500).chain((1500..65_507).step_by(997)).chain([65_507]) {
            let mut bytes = encode_query(7, "www.example", A);
            // What follows counts as an additional record.
            bytes[11] = 1;
            bytes.resize(length, fill);
            client.send(&bytes).expect("send a datagram");
        }
    }
    // Some were queries; what matters is that the next one is answered, by the same worker.
    let fresh = crate::tap::client(&lan.clients[0]);
    ask(&fresh, 9, "after.example");
    hears(&fresh, &TRUTH);
    assert_eq!(worker(server.pid(), "dns", None), before);
    server.stop();
}

/// A21: one event is one line, whatever bytes the name has; no control character gets into the log.
#[test]
fn a21_names_of_any_bytes_make_one_clean_line_each() {
    let lan = Lan::with_addresses(1);
    let tap = Tap::new(&lan, UPSTREAMS[0]);
    let server = Server::start(&lan.server, &(config() + "log-queries\n"));
    let client = client(&lan.clients[0]);
    for byte in 0..=255u8 {
        let mut query = vec![0, byte, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 6];
        query.extend([b'a', byte, byte, b'\n', b'"', byte]);
        query.extend([7, b'e', b'x', b'a', b'm', b'p', b'l', b'e', 0, 0, 16, 0, 1]);
        client.send(&query).expect("ask");
        let mut heard = [0; 512];
        let (length, to) = support::uninterrupted(|| tap.0.recv_from(&mut heard)).expect("it is forwarded");
        // A TXT record of these bytes, which the log shows.
        let mut reply = heard[..12 + query.len() - 12].to_vec();
        reply[..2].copy_from_slice(&heard[..2]);
        reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        reply.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 7, 6, b'x', byte, byte, b'\n', 0x1b, byte]);
        assert!(length >= query.len());
        tap.0.send_to(&reply, to).expect("answer");
        hears(&client, &[b'\n', 0x1b, byte]);
    }
    server.wait_for_line("reply <name unprintable>");
    support::wait_until("all lines to come", || server.count_lines(" reply <name unprintable> is ") == 256);
    let lines = server.lines();
    for (word, count) in [("query[TXT]", 256), ("forwarded", 256), ("reply", 256)] {
        let found = lines.iter().filter(|line| line.contains(&format!(" {word} <name unprintable>"))).count();
        assert_eq!(found, count, "{word}");
    }
    let known = ["query[TXT] ", "forwarded ", "reply "];
    for line in lines.iter().skip_while(|line| !line.contains("query[TXT]")) {
        assert!(known.iter().any(|word| line.contains(word)), "a line of its own: {line:?}");
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
    server.stop();
}

/// Writes a hosts file of nearly so many bytes, whose addresses begin with `first`; tells how many names it holds.
fn write_hosts(directory: &Directory, name: &str, first: u8, bytes: usize) -> u32 {
    let mut file = std::io::BufWriter::new(std::fs::File::create(directory.join(name)).expect("make a file"));
    let (mut written, mut number) = (0, 0u32);
    while written < bytes {
        let [_, a, b, c] = number.to_be_bytes();
        let line = format!("{first}.{a}.{b}.{c} n{number}.{name}.example\n");
        file.write_all(line.as_bytes()).expect("write a line");
        (written, number) = (written + line.len(), number + 1);
    }
    file.flush().expect("write it all");
    number
}

/// A23, A27: hosts files of the longest kind fit into the worker's memory; longer ones, and ones without end, are reported and not read.
#[test]
fn a23_hosts_files_are_read_within_limits() {
    const BYTES: usize = 64 << 20;
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    let number = write_hosts(&directory, "long", 10, BYTES - 100);
    // The next one does not fit beside it. As in dnsmasq, the last line's file is read first.
    write_hosts(&directory, "other", 11, BYTES - 100);
    directory.write("longer", vec![b'\n'; BYTES + 1]);
    let config =
        "no-resolv\nno-hosts\naddn-hosts=DIR/other\naddn-hosts=DIR/longer\naddn-hosts=/dev/zero\naddn-hosts=DIR/long\n";
    let server = Server::start_in(&lan.server, directory, config);
    server.wait_for_line(&format!("read {}/long - {number} names", server.directory().path().display()));
    for file in ["/longer", "/dev/zero"] {
        let line = server.wait_for_line(&format!("{file}: "));
        assert!(line.ends_with("File too large"), "{line}");
    }
    server.wait_for_line("/other are kept");
    let client = client(&lan.clients[0]);
    for which in [0, 1, number / 2, number - 1] {
        let [_, a, b, c] = which.to_be_bytes();
        ask(&client, 1, &format!("n{which}.long.example"));
        hears(&client, &[10, a, b, c]);
    }
    let dns = worker(server.pid(), "dns", None);
    println!("{number} names: {}", status(dns, "VmPeak").unwrap_or_default());
    server.stop();
}
