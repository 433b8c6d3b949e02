//! The C library's resolver, as every ordinary program uses it.

use std::sync::Arc;

use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, AAAA, Record};
use support::{Answer, Directory, Lan, Namespace, Server, Upstream};

fn use_the_server(client: &Namespace) {
    client
        .set_etc_file("resolv.conf", &format!("nameserver {SERVER_ADDRESS}\nsearch home.example\noptions timeout:4\n"));
    client.set_etc_file("nsswitch.conf", "hosts: files dns\n");
}

/// The distinct addresses that getaddrinfo finds.
fn addresses(client: &Namespace, name: &str) -> Vec<String> {
    let output = client.output("getent", &["ahosts", name]);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn getaddrinfo_finds_both_families() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.50 printer.home.example\nfd77::50 printer.home.example\n");
    let _server =
        Server::start_in(&lan.server, directory, "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nlocal=/home.example/\n");
    let client = &lan.clients[0];
    use_the_server(client);
    assert_eq!(addresses(client, "printer.home.example"), ["10.77.0.50", "fd77::50"]);
    assert_eq!(addresses(client, "printer"), ["10.77.0.50", "fd77::50"], "by the search list");
    assert!(addresses(client, "absent.home.example").is_empty());
}

#[test]
fn getaddrinfo_and_gethostbyaddr_reach_upstream_names() {
    let lan = Lan::with_addresses(1);
    let _upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |query| match (query.name.as_str(), query.kind) {
        ("www.example", A) => Answer::Records(vec![
            Record::cname("host.example", 60),
            Record::a([192, 0, 2, 1].into(), 60).of("host.example"),
        ]),
        ("www.example", AAAA) => Answer::Records(vec![
            Record::cname("host.example", 60),
            Record::aaaa("2001:db8::1".parse().expect("an address"), 60).of("host.example"),
        ]),
        _ => Answer::NoSuchName,
    });
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.50 printer.home.example\n");
    let config = format!("no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nserver={}\n", UPSTREAMS[0]);
    let _server = Server::start_in(&lan.server, directory, &config);
    let client = &lan.clients[0];
    use_the_server(client);
    for _ in 0..2 {
        assert_eq!(addresses(client, "www.example"), ["192.0.2.1", "2001:db8::1"]);
    }
    let reverse = client.run("getent", &["hosts", "10.77.0.50"]);
    assert!(reverse.contains("printer.home.example"), "{reverse}");
}
