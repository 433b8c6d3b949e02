//! Clients that take more than their share: of connections, of questions, of memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, encode_query};
use support::processes::{status, worker};
use support::{Lan, Server};

use crate::tap::{Recorder, TRUTH, ask, bound, client, hears};

/// How long a patient client waits.
const PATIENCE: Duration = Duration::from_secs(10);

fn connect(lan: &Lan, number: usize) -> TcpStream {
    let connect = || TcpStream::connect((SERVER_ADDRESS, 53)).expect("connect to the server");
    let stream = lan.clients[number].spawn(connect).join().expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    stream
}

fn ask_by(stream: &mut TcpStream, name: &str) {
    let query = encode_query(1, name, A);
    let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
    stream.write_all(&framed).expect("ask");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("an answer");
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).expect("a whole answer");
    assert!(reply.len() > 12);
}

/// R13: connections that say nothing, little, or half a question do not keep others from being served, and are closed in the end.
#[test]
fn r13_idle_connections_of_one_client_do_not_shut_others_out() {
    let lan = Lan::with_addresses(2);
    let config = "no-resolv\nno-hosts\nmax-tcp-connections=20\naddress=/here.example/192.0.2.1\n";
    let server = Server::start(&lan.server, config);
    let mut held: Vec<TcpStream> = (0..20).map(|_| connect(&lan, 0)).collect();
    for (number, stream) in held.iter_mut().enumerate() {
        // Nothing, a byte, a length, half a question.
        stream.write_all(&[0, 40, 1, 2, 3, 4][..[0, 1, 2, 6][number % 4]]).expect("say a little");
    }
    for _ in 0..5 {
        let start = Instant::now();
        ask_by(&mut connect(&lan, 1), "www.here.example");
        assert!(start.elapsed() < PATIENCE);
    }
    // The greedy one has lost one for each newcomer that found all taken, the oldest first, and keeps the rest.
    assert_eq!(held[0].read(&mut [0; 1]).expect("an end"), 0);
    let last = held.last_mut().expect("twenty");
    last.set_read_timeout(Some(Duration::from_millis(100))).expect("set a timeout");
    assert!(last.read(&mut [0; 1]).is_err(), "the youngest is still open");
    server.stop();
}

/// A27: a flood of questions that nobody answers costs neither the worker nor more memory than the tables' limits, and is over when it is
/// over.
#[test]
fn a27_a_flood_without_answers_is_survived_in_bounded_memory() {
    let lan = Lan::with_addresses(2);
    // Bound, and never read.
    let silent = bound(&lan.upstream, (UPSTREAMS[1], 53).into());
    let _upstream = Recorder::start(&lan, UPSTREAMS[0]);
    let config =
        format!("no-resolv\nno-hosts\nserver=/example/{}\nserver=/flood.example/{}\n", UPSTREAMS[0], UPSTREAMS[1]);
    let server = Server::start(&lan.server, &config);
    let dns = worker(server.pid(), "dns", None);
    let resident = || -> u64 {
        let text = status(dns, "VmRSS").expect("it is there");
        text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number of KiB")
    };
    let before = resident();
    let flood = client(&lan.clients[0]);
    flood.set_nonblocking(true).expect("do not wait");
    let good = client(&lan.clients[1]);
    for number in 0..60_000u32 {
        ask(&flood, number as u16, &format!("r{number}.flood.example"));
        while flood.recv(&mut [0; 512]).is_ok() {}
        if number % 5000 == 0 {
            ask(&good, 1, &format!("good{number}.example"));
            hears(&good, &TRUTH);
        }
    }
    let grown = resident().saturating_sub(before);
    println!("{before} KiB, and {grown} KiB more");
    assert!(grown < 8 * 1024, "{grown} KiB more than before");
    assert_eq!(worker(server.pid(), "dns", None), dns, "it is the same worker");
    drop(silent);
    server.stop();
}
