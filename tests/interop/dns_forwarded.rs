//! DNS answers that come from upstream servers.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::lan::UPSTREAMS;
use support::message::{A, Record};
use support::{Answer, Directory, Lan, Server, Upstream, wait_until};

use crate::dig::dig;

const REFUSED: u8 = 5;
const FIRST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

fn both(extra: &str) -> String {
    format!("no-resolv\nno-hosts\n{extra}server={}\nserver={}\n", UPSTREAMS[0], UPSTREAMS[1])
}

fn answering(lan: &Lan, which: usize, address: Ipv4Addr) -> Upstream {
    Upstream::start(&lan.upstream, UPSTREAMS[which], move |query| match query.kind {
        A => Answer::Records(vec![Record::a(address, 300)]),
        _ => Answer::Records(Vec::new()),
    })
}

#[test]
fn an_answer_is_relayed_and_then_comes_from_the_cache() {
    let lan = Lan::with_addresses(2);
    let upstream = answering(&lan, 0, FIRST);
    let _server = Server::start(&lan.server, &format!("no-resolv\nno-hosts\nserver={}\n", UPSTREAMS[0]));
    for client in &lan.clients {
        let reply = dig(client, &["www.example", "A"]);
        assert_eq!(reply.status, "NOERROR");
        assert_eq!(reply.data(), ["192.0.2.1"]);
        assert!(reply.has_flag("ra") && !reply.has_flag("aa"), "{reply:?}");
    }
    assert_eq!(upstream.count("www.example"), 1);
    assert_eq!(dig(&lan.clients[0], &["www.example", "A", "+tcp"]).data(), ["192.0.2.1"]);
    assert_eq!(upstream.count("www.example"), 1);
}

/// `neg-ttl`: how long a denial is kept that does not say so itself, which of missing records goes for addresses alone.
#[test]
fn denials_without_soa_are_kept_on_request() {
    let lan = Lan::with_addresses(1);
    let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |query| match query.name.split('.').next() {
        Some("absent") => Answer::NoSuchName,
        Some("alias") => Answer::Records(vec![Record::cname("empty.example", 60)]),
        _ => Answer::Records(Vec::new()),
    });
    for (line, kept) in [("", false), ("neg-ttl=60\n", true)] {
        let server = Server::start(&lan.server, &format!("no-resolv\nno-hosts\n{line}server={}\n", UPSTREAMS[0]));
        for (owner, kind, keeps) in [
            ("absent", "A", true),
            ("absent", "SRV", true),
            ("empty", "A", true),
            ("empty", "AAAA", true),
            ("empty", "SRV", false),
        ] {
            let name = format!("{owner}.{kind}.kept-{kept}.example");
            (0..2).for_each(|_| drop(dig(&lan.clients[0], &[&name, kind])));
            assert_eq!(upstream.count(&name), if kept && keeps { 1 } else { 2 }, "{name}");
        }
        // The way to what is missing is kept even if that is not.
        let name = format!("alias.kept-{kept}.example");
        ["SRV", "CNAME"].iter().for_each(|kind| drop(dig(&lan.clients[0], &[&name, kind])));
        assert_eq!(upstream.count(&name), if kept { 1 } else { 2 }, "{name}");
        server.stop();
    }
}

#[test]
fn chains_errors_and_empty_answers_are_relayed() {
    let lan = Lan::with_addresses(1);
    let _upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |query| match query.name.as_str() {
        "alias.example" => {
            Answer::Records(vec![Record::cname("target.example", 60), Record::a(FIRST, 60).of("target.example")])
        }
        "empty.example" => Answer::Records(Vec::new()),
        "broken.example" => Answer::Error(2),
        "text.example" => Answer::Records(vec![Record::txt("hello there", 60)]),
        _ => Answer::NoSuchName,
    });
    let _server = Server::start(&lan.server, &format!("no-resolv\nno-hosts\nserver={}\n", UPSTREAMS[0]));
    let client = &lan.clients[0];
    for _ in 0..2 {
        assert_eq!(dig(client, &["alias.example", "A"]).data(), ["192.0.2.1", "target.example."]);
        assert_eq!(dig(client, &["absent.example", "A"]).status, "NXDOMAIN");
        let empty = dig(client, &["empty.example", "A"]);
        assert_eq!((empty.status.as_str(), empty.answers.len()), ("NOERROR", 0));
        assert_eq!(dig(client, &["broken.example", "A"]).status, "SERVFAIL");
        assert_eq!(dig(client, &["text.example", "TXT"]).data(), ["\"hello there\""]);
    }
}

#[test]
fn the_second_upstream_answers_when_the_first_is_silent() {
    let lan = Lan::with_addresses(1);
    let _dead = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Silence);
    let alive = answering(&lan, 1, SECOND);
    let _server = Server::start(&lan.server, &both(""));
    for name in ["one.example", "two.example", "three.example"] {
        assert_eq!(dig(&lan.clients[0], &[name, "A"]).data(), ["192.0.2.2"]);
        assert!(alive.count(name) > 0);
    }
}

#[test]
fn the_second_upstream_answers_when_nobody_listens_on_the_first() {
    let lan = Lan::with_addresses(1);
    let _alive = answering(&lan, 1, SECOND);
    let _server = Server::start(&lan.server, &both(""));
    assert_eq!(dig(&lan.clients[0], &["one.example", "A"]).data(), ["192.0.2.2"]);
    assert_eq!(dig(&lan.clients[0], &["two.example", "A", "+tcp"]).data(), ["192.0.2.2"]);
}

#[test]
fn the_second_upstream_answers_when_the_first_refuses() {
    for order in ["", "strict-order\n"] {
        let lan = Lan::with_addresses(1);
        let refusing = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Error(REFUSED));
        let willing = answering(&lan, 1, SECOND);
        let _server = Server::start(&lan.server, &both(order));
        assert_eq!(dig(&lan.clients[0], &["www.example", "A"]).data(), ["192.0.2.2"], "{order:?}");
        assert!(refusing.count("www.example") > 0);
        assert!(willing.count("www.example") > 0);
    }
}

#[test]
fn a_refusal_by_all_is_relayed() {
    let lan = Lan::with_addresses(1);
    let _first = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Error(REFUSED));
    let _second = Upstream::start(&lan.upstream, UPSTREAMS[1], |_| Answer::Error(REFUSED));
    let _server = Server::start(&lan.server, &both(""));
    assert_eq!(dig(&lan.clients[0], &["www.example", "A"]).status, "REFUSED");
}

#[test]
fn a_domain_has_its_own_upstream() {
    let lan = Lan::with_addresses(1);
    let general = answering(&lan, 0, FIRST);
    let special = answering(&lan, 1, SECOND);
    let config = format!(
        "no-resolv\nno-hosts\nserver={}\nserver=/corp.example/{}\nserver=/open.corp.example/#\n",
        UPSTREAMS[0], UPSTREAMS[1]
    );
    let _server = Server::start(&lan.server, &config);
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["www.corp.example", "A"]).data(), ["192.0.2.2"]);
    assert_eq!(dig(client, &["www.example", "A"]).data(), ["192.0.2.1"]);
    assert_eq!(dig(client, &["www.open.corp.example", "A"]).data(), ["192.0.2.1"]);
    assert_eq!(general.count("www.corp.example"), 0);
    assert_eq!(special.count("www.example"), 0);
}

#[test]
fn an_answer_too_long_for_udp_is_fetched_by_tcp() {
    let lan = Lan::with_addresses(1);
    let many: Vec<Record> = (1..=200).map(|last| Record::a(Ipv4Addr::new(192, 0, 2, last), 60)).collect();
    let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], move |_| Answer::OnlyOverTcp(many.clone()));
    let _server = Server::start(&lan.server, &format!("no-resolv\nno-hosts\nserver={}\n", UPSTREAMS[0]));
    let reply = dig(&lan.clients[0], &["many.example", "A"]);
    assert_eq!(reply.answers.len(), 200);
    assert!(upstream.queries().iter().any(|query| query.tcp));
}

#[test]
fn equal_questions_are_asked_once() {
    let lan = Lan::with_addresses(2);
    let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| {
        Answer::Late(Duration::from_millis(1000), vec![Record::a(FIRST, 60)])
    });
    let _server = Server::start(&lan.server, &format!("no-resolv\nno-hosts\nserver={}\n", UPSTREAMS[0]));
    std::thread::scope(|scope| {
        let ask = |client| move || dig(client, &["slow.example", "A", "+tries=1", "+time=10"]);
        let first = scope.spawn(ask(&lan.clients[0]));
        wait_until("the question to go upstream", || upstream.count("slow.example") == 1);
        let second = scope.spawn(ask(&lan.clients[1]));
        assert_eq!(first.join().expect("no panic").data(), ["192.0.2.1"]);
        assert_eq!(second.join().expect("no panic").data(), ["192.0.2.1"]);
    });
    assert_eq!(upstream.count("slow.example"), 1);
}

#[test]
fn a_changed_resolv_file_is_picked_up() {
    let lan = Lan::with_addresses(1);
    let _first = answering(&lan, 0, FIRST);
    let _second = answering(&lan, 1, SECOND);
    let directory = Arc::new(Directory::new());
    directory.write("resolv.conf", format!("nameserver {}\n", UPSTREAMS[0]));
    let server = Server::start_in(&lan.server, directory, "no-hosts\nresolv-file=DIR/resolv.conf\n");
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["one.example", "A"]).data(), ["192.0.2.1"]);
    // The reference compares modification times in whole seconds.
    let written = std::time::Instant::now();
    wait_until("the clock to show another second", || written.elapsed() > Duration::from_millis(1100));
    let directory = server.directory();
    directory.write("resolv.conf.new", format!("nameserver {}\n", UPSTREAMS[1]));
    let seen = server.lines().len();
    std::fs::rename(directory.join("resolv.conf.new"), directory.join("resolv.conf")).expect("replace the file");
    server.wait_for_line_after(seen, &format!("using nameserver {}#53", UPSTREAMS[1]));
    assert_eq!(dig(client, &["two.example", "A"]).data(), ["192.0.2.2"]);
}

#[test]
fn the_system_resolv_file_is_used_by_default() {
    let lan = Lan::with_addresses(1);
    let _upstream = answering(&lan, 1, SECOND);
    lan.server.set_etc_file("resolv.conf", &format!("search x.example\nnameserver {}\n", UPSTREAMS[1]));
    let _server = Server::start(&lan.server, "no-hosts\n");
    assert_eq!(dig(&lan.clients[0], &["www.example", "A"]).data(), ["192.0.2.2"]);
}

#[test]
fn a_servers_file_is_read_again_on_sighup() {
    let lan = Lan::with_addresses(1);
    let client = &lan.clients[0];
    let (_first, _second) = (answering(&lan, 0, FIRST), answering(&lan, 1, SECOND));
    let directory = Arc::new(Directory::new());
    let shown = directory.write("servers", format!("server={}\nnonsense\n", UPSTREAMS[0]));
    let config = format!("no-resolv\nno-hosts\nserver=/two.example/{}\nservers-file=DIR/servers\n", UPSTREAMS[1]);
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    server.wait_for_line(&format!("bad option at line 2 of {}", shown.display()));
    server.wait_for_line(&format!("using nameserver {}#53", UPSTREAMS[0]));
    assert_eq!(dig(client, &["www.example", "A"]).data(), ["192.0.2.1"]);
    assert_eq!(dig(client, &["two.example", "A"]).data(), ["192.0.2.2"]);

    let reload = |line: &str| {
        let seen = server.lines().len();
        server.signal(Signal::SIGHUP);
        server.wait_for_line_after(seen, line);
        server.wait_for_line_after(seen, "cleared cache");
    };
    directory.write("servers", format!("server=/www.example/{}\n", UPSTREAMS[1]));
    reload(&format!("using nameserver {}#53 for domain www.example", UPSTREAMS[1]));
    // The previous worker may still have this question.
    wait_until("the new file holds", || dig(client, &["www.example", "A"]).data() == ["192.0.2.2"]);
    assert_eq!(dig(client, &["other.example", "A"]).status, "REFUSED");

    // What cannot be read changes nothing.
    std::fs::remove_file(&shown).unwrap();
    reload(&format!("cannot read {}: No such file or directory", shown.display()));
    assert_eq!(dig(client, &["www.example", "A"]).data(), ["192.0.2.2"]);
}

#[test]
fn an_upstream_that_leads_back_is_found_and_left_out() {
    let lan = Lan::with_addresses(1);
    let config =
        format!("no-resolv\nno-hosts\nbind-interfaces\nlisten-address={}\nserver=198.51.100.1\n", UPSTREAMS[0]);
    let _forwarder = Server::start(&lan.upstream, &config);
    let _second = answering(&lan, 1, SECOND);
    let server = Server::start(&lan.server, &both("dns-loop-detect\nlog-queries\n"));
    server.wait_for_line(&format!("NOT using nameserver {}#53 - query loop detected", UPSTREAMS[0]));
    assert_eq!(dig(&lan.clients[0], &["www.example", "A"]).data(), ["192.0.2.2"]);
    assert_eq!(server.count_lines(&format!("forwarded www.example to {}", UPSTREAMS[0])), 0);
    // A question of the same shape that is no probe is forwarded.
    dig(&lan.clients[0], &["12345678.test", "TXT"]);
    assert_eq!(server.count_lines("forwarded 12345678.test"), 1);
}
