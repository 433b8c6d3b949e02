//! A reload is not noticed: no question is lost, no transfer breaks.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::Record;
use support::{Answer, Load, Server, Upstream, tftp_client};

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
    let mut hosts = String::new();
    for number in 0..HOSTS {
        let _ = writeln!(hosts, "10.78.{}.{} host{number}", number / 250, number % 250 + 1);
    }
    directory.write("hosts", hosts);
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
    for _ in 0..RELOADS {
        let seen = server.lines().len();
        server.signal(Signal::SIGHUP);
        server.wait_for_line_after(seen, &format!("- {HOSTS} names"));
        std::thread::sleep(BETWEEN);
    }
    let under_way = !transfer.is_finished();
    let lasted = start.elapsed();
    let tally = load.finish();
    let content = transfer.join().expect("the transfer's thread ends");
    eprintln!("{RELOADS} reloads in {lasted:?}: {tally:?}");
    assert_eq!((tally.lost(), tally.failed), (0, 0), "{tally:?}");
    assert_eq!(content.expect("the transfer ends well"), large, "the file arrived changed");
    assert!(under_way, "the transfer was over before the last reload");
}
