//! DNS where it gets large or goes wrong: many hosts, full caches, connections, upstreams that lose packets.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, Record, encode_query};
use support::processes::{computed_with_children_ns, family};
use support::{Answer, Directory, Lan, Server, Upstream};

use crate::contestant::Contestant;
use crate::lists::CONFIG;
use crate::measure::{Questions, answers, pin};
use crate::table::{Figures, Rows};

/// Hosts of the large hosts file.
pub const HOSTS: usize = 100_000;
/// Connections per round.
const CONNECTIONS: u32 = 4_000;
/// Clients that make them, each one after another.
const CONNECTING: u32 = 8;
/// Questions to an upstream that loses packets.
const LOSSY_QUESTIONS: u64 = 1_000;
/// How long a reply of that upstream takes.
const LOSSY_DELAY: Duration = Duration::from_millis(20);
/// When a client asks again, and gives up after the last: as a stub resolver with three attempts.
const PATIENCE: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(3), Duration::from_secs(3)];

/// What is measured.
pub const ROWS: Rows = &[
    ("start with 100,000 hosts, to first answer", "ms"),
    ("address out of 100,000 hosts, CPU", "us"),
    ("name out of 100,000 hosts, CPU", "us"),
    ("forwarded answer, cache of 150 full, CPU", "us"),
    ("forwarded answer, cache of 10,000 full, CPU", "us"),
    ("connection with one question, CPU", "us"),
    ("answered, 5 % of exchanges lost", "%"),
    ("answered, 30 % of exchanges lost", "%"),
    ("slowest answer, 30 % lost", "ms"),
];

/// The address of host number `number`.
pub fn host(number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 128, 0, 0).to_bits() + number as u32)
}

/// Everything, once.
pub fn all(lan: &Lan, contestant: &Contestant, figures: &mut Figures) {
    let directory = Directory::new();
    let hosts: String = (0..HOSTS).map(|number| format!("{} host{number}.lan\n", host(number))).collect();
    directory.write("hosts", hosts);
    let directory = Arc::new(directory);
    let launch = |extra: &str| {
        let config = format!("{CONFIG}{extra}");
        let server = Server::launch_program(&lan.server, &contestant.program, Arc::clone(&directory), &config, &[]);
        server.wait_for_line("using nameserver 198.51.100.53#53");
        for pid in family(server.pid()) {
            pin(pid, 0);
        }
        server
    };

    {
        let _upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| {
            Answer::Records(vec![Record::a([192, 0, 2, 1].into(), 3600)])
        });
        let begun = Instant::now();
        let server = launch("addn-hosts=DIR/hosts\n");
        server.wait_for_line("100000 names");
        figures.add("start with 100,000 hosts, to first answer", begun.elapsed().as_secs_f64() * 1e3);
        let processes = family(server.pid());
        figures.add("address out of 100,000 hosts, CPU", answers(lan, &processes, Questions::ManyHosts).0);
        figures.add("name out of 100,000 hosts, CPU", answers(lan, &processes, Questions::ManyAddresses).0);
        drop(server);

        for (row, size) in
            [("forwarded answer, cache of 150 full, CPU", 150), ("forwarded answer, cache of 10,000 full, CPU", 10_000)]
        {
            let server = launch(&format!("cache-size={size}\n"));
            let processes = family(server.pid());
            fill(lan, size);
            figures.add(row, answers(lan, &processes, Questions::Fresh).0);
        }

        let server = launch("host-record=host.lan,10.1.2.3\n");
        let before = computed_with_children_ns(&family(server.pid()));
        let asking = lan.clients[0].spawn(connections);
        asking.join().expect("ask over TCP");
        let spent = computed_with_children_ns(&family(server.pid())) - before;
        figures.add("connection with one question, CPU", spent as f64 / 1e3 / f64::from(CONNECTIONS));
    }

    for (loss, row) in [(5, "answered, 5 % of exchanges lost"), (30, "answered, 30 % of exchanges lost")] {
        let seen = AtomicU64::new(0);
        let _upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], move |_| {
            // Spread evenly by the golden ratio, so that no luck comes into it.
            let number = seen.fetch_add(1, Ordering::Relaxed);
            if number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (loss << 32) / 100 {
                return Answer::Silence;
            }
            Answer::Late(LOSSY_DELAY, vec![Record::a([192, 0, 2, 1].into(), 3600)])
        });
        let _server = launch("fast-dns-retry=100,9000\ndns-forward-max=2000\n");
        let (answered, slowest) = lan.clients[0].spawn(ask_patiently).join().expect("ask a lossy upstream");
        figures.add(row, answered as f64 * 100.0 / LOSSY_QUESTIONS as f64);
        if loss == 30 {
            figures.add("slowest answer, 30 % lost", slowest.as_secs_f64() * 1e3);
        }
    }
}

/// Asks for so many names that the cache is full.
fn fill(lan: &Lan, size: usize) {
    let asking = lan.clients[0].spawn(move || {
        let socket = socket();
        let mut reply = [0; 512];
        for number in 0..size + size / 10 {
            socket.send(&encode_query(number as u16, &format!("full{number}.example"), A)).expect("send a question");
            socket.recv(&mut reply).expect("an answer from upstream");
        }
    });
    asking.join().expect("fill the cache");
}

/// Asks one question on each of many connections.
fn connections() {
    let clients: Vec<_> = (0..CONNECTING).map(|_| std::thread::spawn(connections_of_one)).collect();
    for client in clients {
        client.join().expect("ask over TCP");
    }
}

fn connections_of_one() {
    pin(0, 1);
    let query = encode_query(7, "host.lan", A);
    let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
    let mut reply = [0; 512];
    for _ in 0..CONNECTIONS / CONNECTING {
        let mut stream = TcpStream::connect(SocketAddr::from((SERVER_ADDRESS, 53))).expect("connect");
        stream.write_all(&framed).expect("send a question");
        let mut have = 0;
        while have < 2 || have < 2 + usize::from(u16::from_be_bytes([reply[0], reply[1]])) {
            let got = stream.read(&mut reply[have..]).expect("an answer");
            assert!(got > 0, "the connection ended before its answer");
            have += got;
        }
    }
}

/// Asks many questions at once, each again when its patience runs out; how many were answered, and how long the slowest took.
fn ask_patiently() -> (u64, Duration) {
    let socket = socket();
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set a timeout");
    let begun = Instant::now();
    let question = |id: u64| encode_query(id as u16, &format!("lossy{id}.example"), A);
    let mut open: Vec<bool> = vec![false; LOSSY_QUESTIONS as usize];
    let mut left = LOSSY_QUESTIONS;
    let mut slowest = Duration::ZERO;
    let mut reply = [0; 512];
    let mut round_ends = Duration::ZERO;
    for patience in PATIENCE {
        let round_begun = begun.elapsed();
        for id in 0..LOSSY_QUESTIONS {
            if !open[id as usize] {
                socket.send(&question(id)).expect("send a question");
                // The upstream makes a thread for each answer: not all at once.
                std::thread::sleep(Duration::from_micros(500));
            }
            take(&socket, &mut reply, &mut open, &mut left, Duration::from_micros(1));
        }
        round_ends = round_ends.max(round_begun) + patience;
        while left > 0 && begun.elapsed() < round_ends {
            if take(&socket, &mut reply, &mut open, &mut left, Duration::from_millis(20)) {
                slowest = begun.elapsed();
            }
        }
    }
    (LOSSY_QUESTIONS - left, slowest)
}

/// Takes an answer, if one comes within this time.
fn take(socket: &UdpSocket, reply: &mut [u8], open: &mut [bool], left: &mut u64, wait: Duration) -> bool {
    socket.set_read_timeout(Some(wait)).expect("set a timeout");
    let Ok(length) = socket.recv(reply) else { return false };
    let id = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
    let good = length > 12 && reply[3] & 0x0f == 0 && reply[7] == 1 && !std::mem::replace(&mut open[id], true);
    *left -= u64::from(good);
    good
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
    socket.connect(SocketAddr::from((SERVER_ADDRESS, 53))).expect("connect a socket");
    socket.set_read_timeout(Some(Duration::from_secs(2))).expect("set a timeout");
    socket
}
