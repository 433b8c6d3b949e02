//! The worker that asks the kernel dies, or falls silent: DNS answers all the same.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, Record, encode_query};
use support::processes::{self, worker};
use support::{Answer, Lan, Server, Upstream, wait_until};

use crate::service::single_process;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
/// Far more than the half second for which a reply is held, far less than a client's patience.
const SOON: Duration = Duration::from_secs(3);

struct Site {
    lan: Lan,
    _upstream: Upstream,
    server: Server,
}

fn site() -> Site {
    let lan = Lan::with_addresses(1);
    let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Records(vec![Record::a(ADDRESS, 60)]));
    lan.server.run("ipset", &["create", "hosts", "hash:ip"]);
    let config = format!("no-resolv\nno-hosts\nserver={}\nipset=/example/hosts\n", UPSTREAMS[0]);
    let server = Server::start(&lan.server, &config);
    Site { lan, _upstream: upstream, server }
}

impl Site {
    /// Asks for a name that nobody asked for before; how long the answer took.
    fn ask(&self, name: &str) -> Duration {
        self.ask_each(vec![name.to_owned()])
    }

    /// Asks for such names, some at a time; how long the answers took.
    fn ask_each(&self, names: Vec<String>) -> Duration {
        let ask = move || {
            let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
            socket.set_read_timeout(Some(SOON)).expect("set a timeout");
            let server: SocketAddr = (SERVER_ADDRESS, 53).into();
            socket.connect(server).expect("reach the server");
            let start = Instant::now();
            for names in names.chunks(50) {
                for name in names {
                    socket.send(&encode_query(7, name, A)).expect("send a query");
                }
                for _ in names {
                    let mut reply = [0; 512];
                    let length = support::uninterrupted(|| socket.recv(&mut reply))
                        .unwrap_or_else(|error| panic!("no answer: {error}"));
                    assert!(reply[..length].ends_with(&ADDRESS.octets()), "another answer: {reply:?}");
                }
            }
            start.elapsed()
        };
        self.lan.clients[0].spawn(ask).join().expect("ask")
    }

    fn set_has_it(&self) -> bool {
        self.lan.server.run("ipset", &["list", "hosts"]).contains(&ADDRESS.to_string())
    }

    fn flush(&self) {
        self.lan.server.run("ipset", &["flush", "hosts"]);
    }

    /// Asks for ever new names until an answer leads to an entry in the set.
    fn wait_for_entries(&self, prefix: &str) {
        let mut number = 0;
        wait_until("the set to be filled again", || {
            number += 1;
            self.ask(&format!("{prefix}{number}.example"));
            self.set_has_it()
        });
    }
}

#[test]
fn a_dead_broker_is_replaced_while_dns_answers() {
    if single_process() {
        return;
    }
    let site = site();
    site.ask("first.example");
    assert!(site.set_has_it());
    let parent = site.server.pid();
    let dns = worker(parent, "dns", None);
    for round in 0..3 {
        site.flush();
        let net = worker(parent, "net", None);
        processes::kill(net);
        site.ask(&format!("after{round}.example"));
        worker(parent, "net", Some(net));
        site.wait_for_entries(&format!("again{round}-"));
    }
    assert_eq!(worker(parent, "dns", None), dns, "dns was replaced too");
}

#[test]
fn a_silent_broker_costs_one_wait_and_a_line() {
    if single_process() {
        return;
    }
    let site = site();
    let net = Pid::from_raw(worker(site.server.pid(), "net", None));
    site.ask("first.example");
    site.flush();
    signal::kill(net, Signal::SIGSTOP).expect("stop the broker");
    let seen = site.server.lines().len();
    let first = site.ask("slow.example");
    site.server.wait_for_line_after(seen, "the kernel cannot be asked");
    let second = site.ask("quick.example");
    assert!(!site.set_has_it());
    eprintln!("the first answer took {first:?}, the next one {second:?}");
    assert!(second < first, "every answer waits");
    signal::kill(net, Signal::SIGCONT).expect("let the broker go on");
    // What it was asked meanwhile is done at last, and then answers come after their entries again.
    wait_until("the set to be filled at last", || site.set_has_it());
    site.flush();
    site.wait_for_entries("again");
    site.flush();
    site.ask("last.example");
    assert!(site.set_has_it());
}

#[test]
fn a_broker_that_stays_silent_is_replaced() {
    if single_process() {
        return;
    }
    let site = site();
    let net = worker(site.server.pid(), "net", None);
    signal::kill(Pid::from_raw(net), Signal::SIGSTOP).expect("stop the broker");
    let seen = site.server.lines().len();
    // It may owe 4096 answers.
    for round in 0..9 {
        site.ask_each((0..500).map(|number| format!("n{number}.round{round}.example")).collect());
    }
    site.server.wait_for_line_after(seen, "does not answer; ending it");
    worker(site.server.pid(), "net", Some(net));
    site.flush();
    site.wait_for_entries("again");
    let lines = site.server.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("does not answer; ending it")).count(), 1);
}

#[test]
fn a_reload_loses_no_entry() {
    if single_process() {
        return;
    }
    let site = site();
    for round in 0..5 {
        signal::kill(Pid::from_raw(site.server.pid()), Signal::SIGHUP).expect("ask for a reload");
        for name in 0..10 {
            site.flush();
            site.ask(&format!("n{name}.round{round}.example"));
            assert!(site.set_has_it(), "round {round}, name {name}");
        }
    }
}
