//! What DNS has the kernel do and say: address sets, connection marks, hardware addresses of clients.

use std::net::{Ipv4Addr, Ipv6Addr};

use support::lan::{UPSTREAMS, client_hardware};
use support::message::{A, AAAA, Record};
use support::{Answer, Lan, Server, Subject, Upstream};

use crate::dig::dig;

const FIRST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const SECOND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const SIXTH: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5);

/// The sets that these tests fill.
const TABLE: &str = "
add table inet t
add set inet t plain { type ipv4_addr; }
add set inet t other { type ipv4_addr; }
add set inet t six { type ipv6_addr; }
add set inet t ranges { type ipv4_addr; flags interval; }
add set inet t taken { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
add set inet t merged { type ipv4_addr; flags interval; auto-merge; elements = { 192.0.2.0/24 } }
add set inet t timed { type ipv4_addr; flags timeout; timeout 1h; }
add table ip t
add set ip t old { type ipv4_addr; }
";

/// Two addresses of each name, the last ones of their kind for `last.…`, and a chain.
fn upstream(lan: &Lan) -> Upstream {
    Upstream::start(&lan.upstream, UPSTREAMS[0], |query| match (query.name.as_str(), query.kind) {
        ("alias.example", A) => {
            Answer::Records(vec![Record::cname("target.example", 60), Record::a(FIRST, 60).of("target.example")])
        }
        (name, A) if name.starts_with("last.") => Answer::Records(vec![Record::a(Ipv4Addr::BROADCAST, 60)]),
        (_, A) => Answer::Records(vec![Record::a(FIRST, 60), Record::a(SECOND, 60)]),
        (_, AAAA) => Answer::Records(vec![Record::aaaa(SIXTH, 60)]),
        _ => Answer::Records(vec![Record::a(FIRST, 60)]),
    })
}

fn config(extra: &str) -> String {
    format!("no-resolv\nno-hosts\nlog-queries\nserver={}\n{extra}", UPSTREAMS[0])
}

fn make_sets(lan: &Lan) {
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        lan.server.run("nft", &[line]);
    }
}

/// The elements of a set of nftables, in order.
fn elements(lan: &Lan, set: &str) -> Vec<String> {
    let words: Vec<&str> = ["list", "set"].into_iter().chain(set.split(' ')).collect();
    let text = lan.server.run("nft", &words);
    let Some((_, inside)) = text.split_once("elements = {") else { return Vec::new() };
    let inside = inside.split_once('}').expect("a closing brace").0;
    let mut elements: Vec<String> =
        inside.split(',').filter_map(|element| element.split_whitespace().next()).map(str::to_owned).collect();
    elements.sort();
    elements
}

/// The members of an IP set, in order.
fn members(lan: &Lan, set: &str) -> Vec<String> {
    let text = lan.server.run("ipset", &["list", set]);
    let inside = text.split_once("Members:").expect("a list of members").1;
    let mut members: Vec<String> = inside.split_whitespace().map(str::to_owned).collect();
    members.sort();
    members
}

/// The log lines about sets and replies since `seen` and up to that of this reply, without what stands in front of them and without
/// guesses at what was meant.
fn told(server: &Server, seen: usize, last: &str) -> Vec<String> {
    server.wait_for_line_after(seen, last);
    let lines = server.lines();
    let texts = lines.iter().skip(seen).filter_map(|line| line.split_once("]: ").map(|(_, text)| text));
    let about_sets =
        |text: &&str| text.starts_with("ipset ") || text.starts_with("nftset ") || text.starts_with("reply ");
    texts.filter(about_sets).map(|text| text.split("; did you mean").next().unwrap_or(text).to_owned()).collect()
}

#[test]
fn the_sets_have_an_address_when_the_client_has_it() {
    let lan = Lan::with_addresses(1);
    let _upstream = upstream(&lan);
    make_sets(&lan);
    lan.server.run("ipset", &["create", "hosts", "hash:ip"]);
    lan.server.run("ipset", &["create", "hosts6", "hash:ip", "family", "inet6"]);
    lan.server.run("ipset", &["create", "nets", "hash:net"]);
    let server = Server::start(
        &lan.server,
        &config("ipset=/example/hosts,hosts6,nets\nnftset=/example/inet#t#plain,inet#t#timed,t#old,6#inet#t#six\n"),
    );
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["www.example", "A"]).data(), ["192.0.2.5", "192.0.2.6"]);
    for set in ["inet t plain", "inet t timed", "ip t old"] {
        assert_eq!(elements(&lan, set), ["192.0.2.5", "192.0.2.6"], "{set}");
    }
    assert_eq!(members(&lan, "hosts"), ["192.0.2.5", "192.0.2.6"]);
    assert_eq!(members(&lan, "nets"), ["192.0.2.5", "192.0.2.6"]);
    assert!(members(&lan, "hosts6").is_empty() && elements(&lan, "inet t six").is_empty());
    assert_eq!(dig(client, &["www.example", "AAAA", "+tcp"]).data(), ["2001:db8::5"]);
    if Subject::chosen() == Subject::Theirs {
        // Its process for TCP answers before the one that fills the sets knows; that one is done when it answers again.
        server.wait_for_line("nftset add 6 inet t six 2001:db8::5");
        dig(client, &["www.example", "A"]);
    }
    assert_eq!(elements(&lan, "inet t six"), ["2001:db8::5"]);
    assert_eq!(members(&lan, "hosts6"), ["2001:db8::5"]);

    // Not from the cache, and not for other types.
    for (program, arguments) in [("ipset", &["flush", "hosts"][..]), ("nft", &["flush set inet t plain"])] {
        lan.server.run(program, arguments);
    }
    assert_eq!(dig(client, &["www.example", "A"]).data().len(), 2);
    dig(client, &["any.example", "ANY"]);
    assert!(members(&lan, "hosts").is_empty() && elements(&lan, "inet t plain").is_empty());
    // An address that is there already is no trouble, and a chain counts by the name asked for.
    lan.server.run("ipset", &["add", "hosts", "192.0.2.5"]);
    assert_eq!(dig(client, &["alias.example", "A"]).data(), ["192.0.2.5", "target.example."]);
    assert_eq!(members(&lan, "hosts"), ["192.0.2.5"]);
    assert_eq!(elements(&lan, "inet t plain"), ["192.0.2.5"]);
    drop(server);
}

#[test]
fn intervals_have_an_end() {
    let lan = Lan::with_addresses(1);
    let _upstream = upstream(&lan);
    make_sets(&lan);
    let server = Server::start(&lan.server, &config("nftset=inet#t#ranges,inet#t#merged,inet#t#taken,inet#t#plain\n"));
    let client = &lan.clients[0];
    let seen = server.lines().len();
    assert_eq!(dig(client, &["www.example", "A"]).data().len(), 2);
    assert_eq!(dig(client, &["last.example", "A"]).data(), ["255.255.255.255"]);
    // Neighbors may be shown as one interval.
    let ranges = elements(&lan, "inet t ranges");
    assert!(
        ranges == ["192.0.2.5", "192.0.2.6", "255.255.255.255"] || ranges == ["192.0.2.5-192.0.2.6", "255.255.255.255"]
    );
    assert_eq!(elements(&lan, "inet t merged"), ["192.0.2.0/24", "255.255.255.255"]);
    assert_eq!(elements(&lan, "inet t taken"), ["192.0.2.0/24", "255.255.255.255"]);
    assert_eq!(elements(&lan, "inet t plain"), ["192.0.2.5", "192.0.2.6", "255.255.255.255"]);
    let overlap = "nftset inet t taken Error: interval overlaps with an existing one";
    assert_eq!(told(&server, seen, "reply last.example").iter().filter(|line| *line == overlap).count(), 2);
}

#[test]
fn the_longest_domain_decides_and_the_log_tells() {
    let lan = Lan::with_addresses(1);
    let _upstream = upstream(&lan);
    make_sets(&lan);
    lan.server.run("ipset", &["create", "hosts", "hash:ip"]);
    let lines = "ipset=/#/hosts\nnftset=/b.example/inet#t#plain\nnftset=/b.example/inet#t#other\n\
                 nftset=/example/4#inet#t#ranges,6#inet#t#six,inet#t#nowhere,inet#t#six,odd#t#x\n";
    let server = Server::start(&lan.server, &config(lines));
    let client = &lan.clients[0];
    let seen = server.lines().len();
    dig(client, &["last.b.example", "A"]);
    dig(client, &["last.example", "A"]);
    dig(client, &["last.net", "A"]);
    // Of two lines for one domain the first counts.
    assert_eq!(elements(&lan, "inet t plain"), ["255.255.255.255"]);
    assert!(elements(&lan, "inet t other").is_empty());
    assert_eq!(
        told(&server, seen, "reply last.net"),
        [
            "ipset add hosts 255.255.255.255 ",
            "nftset add inet t plain 255.255.255.255 b.example",
            "reply last.b.example is 255.255.255.255",
            "ipset add hosts 255.255.255.255 ",
            "nftset add 4 inet t ranges 255.255.255.255 example",
            "nftset inet t nowhere Error: No such file or directory",
            "nftset inet t six Error: Could not resolve hostname: Address family for hostname not supported",
            "nftset odd t x Error: syntax error, unexpected string",
            "reply last.example is 255.255.255.255",
            "ipset add hosts 255.255.255.255 ",
            "reply last.net is 255.255.255.255",
        ]
    );
}

#[test]
fn questions_carry_the_mark_of_the_clients_connection() {
    let lan = Lan::with_addresses(3);
    let _upstream = upstream(&lan);
    for line in [
        "add table inet m",
        "add chain inet m in { type filter hook prerouting priority 0; }",
        "add rule inet m in ip saddr 10.77.0.10 ct mark set 7",
        "add rule inet m in ip saddr 10.77.0.11 ct mark set 9",
        "add chain inet m out { type filter hook output priority 0; }",
        "add counter inet m seven",
        "add counter inet m nine",
        "add counter inet m none",
        "add rule inet m out ip daddr 198.51.100.53 udp dport 53 mark 7 counter name seven",
        "add rule inet m out ip daddr 198.51.100.53 udp dport 53 mark 9 counter name nine",
        "add rule inet m out ip daddr 198.51.100.53 udp dport 53 mark 0 counter name none",
    ] {
        lan.server.run("nft", &[line]);
    }
    let count = |name: &str| -> u64 {
        let text = lan.server.run("nft", &["list", "counter", "inet", "m", name]);
        text.split_once("packets ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).expect("a count")
    };
    let _server = Server::start(&lan.server, &config("conntrack\n"));
    for round in 1..=3 {
        for (number, client) in lan.clients.iter().enumerate() {
            let name = format!("n{number}.round{round}.example");
            assert_eq!(dig(client, &[&name, "A"]).data().len(), 2);
        }
        assert_eq!([count("seven"), count("nine"), count("none")], [round; 3]);
    }
    assert_eq!(dig(&lan.clients[0], &["tcp.example", "A", "+tcp"]).data().len(), 2);
    assert_eq!([count("seven"), count("nine"), count("none")], [3; 3]);
}

#[test]
fn a_list_decides_by_mark_what_may_be_resolved() {
    let lan = Lan::with_addresses(2);
    let _upstream = upstream(&lan);
    for line in [
        "add table inet m",
        "add chain inet m in { type filter hook prerouting priority 0; }",
        "add rule inet m in ip saddr 10.77.0.10 ct mark set 0x17",
    ] {
        lan.server.run("nft", &[line]);
    }
    // Without `conntrack` the reference gives the capability up that it needs for its lists, and lets everything through.
    let lines = "conntrack\nconnmark-allowlist-enable=15\nconnmark-allowlist=7/15,*.good.example/local.example\n\
                 connmark-allowlist=8,*\nhost-record=local.example,192.0.2.9\nhost-record=other.example,192.0.2.9\n";
    let server = Server::start(&lan.server, &config(lines));
    let (restricted, free) = (&lan.clients[0], &lan.clients[1]);
    let cases: [(&[&str], &str); 7] = [
        (&["www.good.example", "A"], "NOERROR"),
        (&["WWW.GOOD.EXAMPLE", "A", "+tcp"], "NOERROR"),
        (&["good.example", "A"], "REFUSED"),
        (&["a.b.good.example", "A"], "REFUSED"),
        (&["local.example", "A"], "NOERROR"),
        (&["other.example", "A"], "REFUSED"),
        (&["_x.good.example", "A"], "REFUSED"),
    ];
    for (question, status) in cases {
        let reply = dig(restricted, question);
        assert_eq!(reply.status, status, "{question:?}");
        assert_eq!(reply.text.contains("EDE: 15 (Blocked)"), status == "REFUSED", "{}", reply.text);
        assert_eq!(dig(free, question).status, "NOERROR", "{question:?}");
    }
    server.wait_for_line("config error is REFUSED (EDE: blocked)");
    server.wait_for_line("Invalid DNS name: Invalid character _.");
}

#[test]
fn the_clients_hardware_address_goes_upstream() {
    let lan = Lan::with_addresses(1);
    let upstream = upstream(&lan);
    let _server = Server::start(&lan.server, &config("add-mac\nadd-mac=base64\n"));
    let hardware = client_hardware(0);
    let bytes: Vec<u8> = hardware.split(':').map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect();
    let binary = [&[0xfd, 0xe9, 0, 6][..], &bytes].concat();
    // 02:00:00:00:01:00 in base64.
    let text = b"\xfe\x31\x00\x08AgAAAAEA";
    for arguments in [&["www.example", "A"][..], &["www.example", "A"], &["www.example", "A", "+tcp"]] {
        assert_eq!(dig(&lan.clients[0], arguments).data().len(), 2);
    }
    // None of the three came from the cache.
    let queries = upstream.queries();
    assert_eq!(queries.len(), 3);
    for query in queries {
        for option in [&binary[..], text] {
            assert!(query.rest.windows(option.len()).any(|part| part == option), "{:02x?}", query.rest);
        }
    }
    // The server itself is nobody's neighbor.
    for _ in 0..2 {
        assert_eq!(crate::dig::dig_at(&lan.server, "127.0.0.1", &["own.example", "A"]).data().len(), 2);
    }
    assert_eq!(upstream.count("own.example"), 1);
    let query = upstream.queries().pop().expect("a query");
    assert!(!query.rest.windows(2).any(|part| part == [0xfd, 0xe9]));
}

#[test]
fn what_is_built_in_is_told() {
    let lan = Lan::new(0);
    let output = lan.server.output(Subject::chosen().program().to_str().expect("a plain path"), &["--version"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in ["conntrack", "ipset", "nftset"] {
        assert!(text.split_whitespace().any(|found| found == word), "{word}: {text}");
    }
}
