//! A reload is not noticed: no question is lost, no transfer breaks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::dhcp_client::{ACK, machine};
use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, Record, encode_query};
use support::{Answer, DhcpClient, Load, Server, Upstream, tftp_client};

use crate::service;

const RELOADS: u32 = 20;
const QUERIES_PER_SECOND: u32 = 5000;
const HOSTS: u64 = 1000;
/// Between two reloads, so that each one happens under load.
const BETWEEN: Duration = Duration::from_millis(150);

#[test]
fn twenty_reloads_under_load_lose_no_query_and_break_no_transfer() {
    let lan = service::lan();
    let _upstream =
        Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Records(vec![Record::a([192, 0, 2, 1].into(), 60)]));
    let directory = service::directory();
    let line = |number| format!("10.78.{}.{} host{number}\n", number / 250, number % 250 + 1);
    directory.write("hosts", (0..HOSTS).map(line).collect::<String>());
    let large: Vec<u8> = (0..2_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    directory.write("tftp/large", &large);
    let config = format!("{}server={}\n", service::CONFIG, UPSTREAMS[0]);
    let server = Server::start_in(&lan.server, directory, &config);
    server.wait_for_line("names");

    // 4,000 blocks, each acknowledged after a while: the transfer spans all reloads.
    let transfer = lan.clients[0].spawn(|| tftp_client::read(SERVER_ADDRESS, "large", Duration::from_millis(1)));
    let load =
        Load::start(&lan.clients[0], (SERVER_ADDRESS, 53).into(), QUERIES_PER_SECOND, |number| match number % 20 {
            // Never asked before: goes upstream.
            0 => format!("fresh{number}.example"),
            // From the cache, once it is there.
            1 => "again.example".to_owned(),
            _ => format!("host{}", number * 7 % HOSTS),
        });
    let start = Instant::now();
    while load.answered() < 1000 {
        assert!(start.elapsed() < Duration::from_secs(10), "the load gets no answers");
        std::thread::sleep(Duration::from_millis(5));
    }
    reload(&server, &format!("- {HOSTS} names"));
    let under_way = !transfer.is_finished();
    let lasted = start.elapsed();
    let tally = load.finish();
    let content = transfer.join().expect("the transfer's thread ends");
    eprintln!("{RELOADS} reloads in {lasted:?}: {tally:?}");
    assert_eq!((tally.lost(), tally.failed), (0, 0), "{tally:?}");
    assert_eq!(content.expect("the transfer ends well"), large, "the file arrived changed");
    assert!(under_way, "the transfer was over before the last reload");
}

#[test]
fn twenty_reloads_disturb_no_lease_and_no_connection() {
    let lan = service::lan();
    let server = service::start(&lan);
    let stop = Arc::new(AtomicBool::new(false));
    let leases = {
        let stop = Arc::clone(&stop);
        lan.clients[0].spawn(move || {
            let mut client = DhcpClient::new(1);
            let granted = client.lease(machine(1));
            let mut renewals = 0;
            while !stop.load(Ordering::Relaxed) {
                // Asked once: what waits in the kernel's queue is not lost either.
                let reply = client.reboot(machine(1), granted.address, Duration::from_secs(5));
                let reply = reply.unwrap_or_else(|| panic!("renewal number {renewals} is not answered"));
                assert_eq!((reply.kind, reply.address), (ACK, granted.address), "renewal number {renewals}");
                renewals += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            renewals
        })
    };
    let connections = {
        let stop = Arc::clone(&stop);
        lan.clients[0].spawn(move || {
            let mut connections = 0;
            while !stop.load(Ordering::Relaxed) {
                let answer = ask_over_tcp().unwrap_or_else(|error| panic!("connection number {connections}: {error}"));
                assert!(answer.ends_with(&service::HOST_ADDRESS.octets()), "connection number {connections}");
                connections += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            connections
        })
    };
    reload(&server, "- 1 names");
    stop.store(true, Ordering::Relaxed);
    let (renewals, connections): (u32, u32) =
        (leases.join().expect("every renewal succeeds"), connections.join().expect("every connection is served"));
    eprintln!("{RELOADS} reloads: {renewals} renewals, {connections} connections");
    assert!(renewals > RELOADS && connections > RELOADS, "too little happened");
}

fn ask_over_tcp() -> std::io::Result<Vec<u8>> {
    let patience = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((SERVER_ADDRESS, 53)), patience)?;
    stream.set_read_timeout(Some(patience))?;
    let query = encode_query(7, service::HOST, A);
    let mut framed = u16::try_from(query.len()).expect("a short query").to_be_bytes().to_vec();
    framed.extend(query);
    stream.write_all(&framed)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// Twenty times SIGHUP; `sign` is in the line that says that a hosts file has been read.
fn reload(server: &Server, sign: &str) {
    for _ in 0..RELOADS {
        let seen = server.lines().len();
        server.signal(Signal::SIGHUP);
        server.wait_for_line_after(seen, sign);
        std::thread::sleep(BETWEEN);
    }
    assert_eq!(server.count_lines("while finishing"), 0, "workers leave in peace");
}
