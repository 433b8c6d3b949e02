//! DNS answers that the server gives from its own files and configuration.

use nix::sys::signal::Signal;
use support::lan::UPSTREAMS;
use support::message::Record;
use support::{Answer, Directory, Lan, Server, Upstream};

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::dig::{dig, dig_at, kdig, reverse_name};

const HOSTS: &str = "10.77.0.50 printer.home.example printer-alias.home.example\nfd77::50 printer.home.example\n";

fn with_hosts(lan: &Lan) -> Server {
    let directory = Arc::new(Directory::new());
    directory.write("hosts", HOSTS);
    Server::start_in(&lan.server, directory, "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\n")
}

#[test]
fn names_of_a_hosts_file_are_answered_by_udp_and_tcp() {
    let lan = Lan::with_addresses(1);
    let _server = with_hosts(&lan);
    let client = &lan.clients[0];
    for transport in ["+notcp", "+tcp"] {
        for name in ["printer.home.example", "printer-alias.home.example", "PRINTER.Home.Example"] {
            let reply = dig(client, &[name, "A", transport]);
            assert_eq!(reply.status, "NOERROR");
            assert_eq!(reply.data(), ["10.77.0.50"]);
            assert!(reply.has_flag("aa") && reply.has_flag("ra"), "{reply:?}");
        }
        assert_eq!(dig(client, &["printer.home.example", "AAAA", transport]).data(), ["fd77::50"]);
        assert_eq!(dig(client, &["-x", "10.77.0.50", transport]).data(), ["printer.home.example."]);
        assert_eq!(dig(client, &["-x", "fd77::50", transport]).data(), ["printer.home.example."]);
        let nothing = dig(client, &["printer.home.example", "MX", transport]);
        assert!(nothing.answers.is_empty(), "{nothing:?}");
    }
}

#[test]
fn kdig_is_answered_by_udp_and_tcp() {
    let lan = Lan::with_addresses(1);
    let _server = with_hosts(&lan);
    let client = &lan.clients[0];
    for transport in ["+notcp", "+tcp"] {
        assert_eq!(kdig(client, &["printer.home.example", "A", transport]).data(), ["10.77.0.50"]);
        assert_eq!(kdig(client, &["printer.home.example", "AAAA", transport]).data(), ["fd77::50"]);
        assert_eq!(kdig(client, &["-x", "10.77.0.50", transport]).data(), ["printer.home.example."]);
        assert_eq!(kdig(client, &["elsewhere.example", "A", transport]).status, "REFUSED");
    }
}

#[test]
fn the_server_is_reached_over_ipv6_and_loopback() {
    let lan = Lan::with_addresses(0);
    let _server = with_hosts(&lan);
    for (address, transport) in [("::1", "+notcp"), ("::1", "+tcp"), ("127.0.0.1", "+notcp"), ("127.0.0.1", "+tcp")] {
        let reply = dig_at(&lan.server, address, &["printer.home.example", "A", transport]);
        assert_eq!(reply.data(), ["10.77.0.50"]);
    }
}

#[test]
fn a_long_block_list_holds_before_and_after_a_reload() {
    let lan = Lan::with_addresses(1);
    let _upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| {
        Answer::Records(vec![Record::a(Ipv4Addr::new(192, 0, 2, 1), 60)])
    });
    let mut config = format!("no-resolv\nno-hosts\nserver={}\n", UPSTREAMS[0]);
    for number in 0..20_000 {
        let answer = ["", "#", "10.77.9.9"][number % 3];
        writeln!(config, "address=/ads{number}.example/{answer}").expect("a string takes any text");
    }
    config.push_str("address=/*tail.example/10.77.9.8\naddress=/ads3.example/10.77.9.7\nserver=/x.ads4.example/#\n");
    let server = Server::start(&lan.server, &config);
    let client = &lan.clients[0];
    for reload in [false, true] {
        if reload {
            let seen = server.lines().len();
            server.signal(Signal::SIGHUP);
            server.wait_for_line_after(seen, "cleared cache");
        }
        assert_eq!(dig(client, &["ads0.example", "A"]).status, "NXDOMAIN");
        assert_eq!(dig(client, &["www.ads19998.example", "A"]).status, "NXDOMAIN");
        assert_eq!(dig(client, &["ads1.example", "A"]).data(), ["0.0.0.0"]);
        assert_eq!(dig(client, &["Ads1.Example", "AAAA"]).data(), ["::"]);
        assert_eq!(dig(client, &["a.b.ads2.example", "A"]).data(), ["10.77.9.9"]);
        assert_eq!(dig(client, &["ads3.example", "A"]).data(), ["10.77.9.7"]);
        assert_eq!(dig(client, &["curtail.example", "A"]).data(), ["10.77.9.8"]);
        for free in ["ads20000.example", "xads0.example", "example", "x.ads4.example", "y.x.ads4.example"] {
            assert_eq!(dig(client, &[free, "A"]).data(), ["192.0.2.1"], "{free}");
        }
    }
}

#[test]
fn the_system_hosts_file_is_read_and_read_again_on_sighup() {
    let lan = Lan::with_addresses(1);
    lan.server.set_etc_file("hosts", "127.0.0.1 localhost\n10.77.0.51 scanner\n");
    let server = Server::start(&lan.server, "no-resolv\n");
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["scanner", "A"]).data(), ["10.77.0.51"]);
    lan.server.set_etc_file("hosts", "127.0.0.1 localhost\n10.77.0.52 scanner\n10.77.0.53 camera\n");
    let seen = server.lines().len();
    server.signal(Signal::SIGHUP);
    server.wait_for_line_after(seen, "read /etc/hosts");
    support::wait_until("the new hosts file to be in force", || {
        dig(client, &["scanner", "A"]).data() == ["10.77.0.52"]
    });
    assert_eq!(dig(client, &["camera", "A"]).data(), ["10.77.0.53"]);
}

#[test]
fn a_directory_of_hosts_files_is_read() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts.d/one", "10.77.0.61 one.example\n");
    directory.write("hosts.d/two", "10.77.0.62 two.example\n");
    directory.write("hosts.d/two~", "10.77.0.63 backup.example\n");
    let _server = Server::start_in(&lan.server, directory, "no-resolv\nno-hosts\naddn-hosts=DIR/hosts.d\n");
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["one.example", "A"]).data(), ["10.77.0.61"]);
    assert_eq!(dig(client, &["two.example", "A"]).data(), ["10.77.0.62"]);
    assert_eq!(dig(client, &["backup.example", "A"]).status, "REFUSED");
}

#[test]
fn a_configured_address_covers_the_names_below_it() {
    let lan = Lan::with_addresses(1);
    let config = "no-resolv\nno-hosts\naddress=/here.example/192.0.2.7\naddress=/here.example/2001:db8::7\n\
                  address=/only4.example/192.0.2.8\naddress=/null.example/#\n";
    let _server = Server::start(&lan.server, config);
    let client = &lan.clients[0];
    for name in ["here.example", "www.here.example", "a.b.here.example"] {
        assert_eq!(dig(client, &[name, "A"]).data(), ["192.0.2.7"]);
        assert_eq!(dig(client, &[name, "AAAA"]).data(), ["2001:db8::7"]);
    }
    assert_eq!(dig(client, &["www.null.example", "A"]).data(), ["0.0.0.0"]);
    assert_eq!(dig(client, &["www.null.example", "AAAA"]).data(), ["::"]);
    assert_eq!(dig(client, &["nothere.example", "A"]).status, "REFUSED");
}

#[test]
fn a_local_domain_is_never_forwarded() {
    let lan = Lan::with_addresses(1);
    let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| records("192.0.2.99"));
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.50 printer.home.example\n");
    let config = format!(
        "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nserver={}\nlocal=/home.example/\naddress=/blocked.example/\n",
        UPSTREAMS[0]
    );
    let _server = Server::start_in(&lan.server, directory, &config);
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["printer.home.example", "A"]).data(), ["10.77.0.50"]);
    let nodata = dig(client, &["printer.home.example", "AAAA"]);
    assert_eq!((nodata.status.as_str(), nodata.answers.len()), ("NOERROR", 0));
    assert_eq!(dig(client, &["absent.home.example", "A"]).status, "NXDOMAIN");
    assert_eq!(dig(client, &["blocked.example", "A"]).status, "NXDOMAIN");
    assert_eq!(dig(client, &["elsewhere.example", "A"]).data(), ["192.0.2.99"]);
    assert_eq!(upstream.count("absent.home.example"), 0);
    assert_eq!(upstream.count("printer.home.example"), 0);
    assert_eq!(upstream.count("blocked.example"), 0);
}

#[test]
fn plain_names_stay_here_with_domain_needed() {
    let lan = Lan::with_addresses(1);
    let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], |_| records("192.0.2.99"));
    let config = format!("no-resolv\nno-hosts\ndomain-needed\nserver={}\n", UPSTREAMS[0]);
    let _server = Server::start(&lan.server, &config);
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["plain", "A"]).status, "NXDOMAIN");
    assert_eq!(dig(client, &["plain", "AAAA"]).status, "NXDOMAIN");
    assert_eq!(dig(client, &["dotted.example", "A"]).data(), ["192.0.2.99"]);
    assert_eq!(upstream.count("plain"), 0);
}

#[test]
fn private_reverse_lookups_stay_here_with_bogus_priv() {
    let lan = Lan::with_addresses(1);
    let upstream =
        Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Records(vec![Record::txt("not a name", 60)]));
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "192.168.5.5 known.example\n");
    let config = format!("no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nbogus-priv\nserver={}\n", UPSTREAMS[0]);
    let _server = Server::start_in(&lan.server, directory, &config);
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["-x", "192.168.5.5"]).data(), ["known.example."]);
    for address in ["192.168.1.1", "10.1.2.3", "172.20.0.1", "fd12::1", "fe80::1"] {
        assert_eq!(dig(client, &["-x", address]).status, "NXDOMAIN", "{address}");
    }
    assert_eq!(upstream.queries(), []);
    dig(client, &["-x", "8.8.8.8"]);
    assert_eq!(upstream.count(&reverse_name(Ipv4Addr::new(8, 8, 8, 8))), 1);
}

#[test]
fn simple_names_gain_the_domain_with_expand_hosts() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.50 printer\n10.77.0.51 full.other.example\n");
    let config = "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nexpand-hosts\ndomain=home.example\n";
    let _server = Server::start_in(&lan.server, directory, config);
    let client = &lan.clients[0];
    assert_eq!(dig(client, &["printer", "A"]).data(), ["10.77.0.50"]);
    assert_eq!(dig(client, &["printer.home.example", "A"]).data(), ["10.77.0.50"]);
    assert_eq!(dig(client, &["-x", "10.77.0.50"]).data(), ["printer.home.example."]);
    assert_eq!(dig(client, &["-x", "10.77.0.51"]).data(), ["full.other.example."]);
}

#[test]
fn a_query_without_upstream_is_refused() {
    let lan = Lan::with_addresses(1);
    let _server = Server::start(&lan.server, "no-resolv\nno-hosts\n");
    for transport in ["+notcp", "+tcp"] {
        assert_eq!(dig(&lan.clients[0], &["www.example", "A", transport]).status, "REFUSED");
    }
}

#[test]
fn the_version_is_told_unless_no_ident() {
    let lan = Lan::with_addresses(1);
    let server = Server::start(&lan.server, "no-resolv\nno-hosts\n");
    let reply = dig(&lan.clients[0], &["CH", "TXT", "version.bind"]);
    assert_eq!(reply.data(), ["\"dnsmasq-2.93\""]);
    server.stop();
    let _server = Server::start(&lan.server, "no-resolv\nno-hosts\nno-ident\n");
    let reply = dig(&lan.clients[0], &["CH", "TXT", "version.bind"]);
    // As for any name below .bind that has no text.
    assert_eq!((reply.status.as_str(), reply.answers.len()), ("NOTIMP", 0));
}

#[test]
fn edns_is_answered_with_edns_and_its_absence_without() {
    let lan = Lan::with_addresses(1);
    let _server = with_hosts(&lan);
    let with = dig(&lan.clients[0], &["printer.home.example", "A", "+edns=0", "+bufsize=4096", "+nocookie"]);
    assert!(with.text.contains("EDNS: version: 0, flags:; udp: 1232"), "{}", with.text);
    let without = dig(&lan.clients[0], &["printer.home.example", "A", "+noedns"]);
    assert!(!without.text.contains("EDNS"), "{}", without.text);
}

#[test]
fn a_long_answer_is_truncated_by_udp_and_complete_by_tcp() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    let mut hosts = String::new();
    for last in 1..=60 {
        writeln!(hosts, "10.99.0.{last} many.example").expect("write to a string");
    }
    directory.write("hosts", hosts);
    let _server = Server::start_in(&lan.server, directory, "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\n");
    let client = &lan.clients[0];
    let cut = dig(client, &["many.example", "A", "+noedns", "+ignore"]);
    assert!(cut.has_flag("tc"), "{cut:?}");
    assert_eq!(cut.answers.len(), 0, "nothing rather than a part");
    let complete = dig(client, &["many.example", "A", "+noedns"]);
    assert!(!complete.has_flag("tc"));
    assert_eq!(complete.answers.len(), 60);
    // It fits into the datagram that EDNS allows.
    let large = dig(client, &["many.example", "A", "+edns=0", "+bufsize=1232", "+ignore"]);
    assert_eq!((large.has_flag("tc"), large.answers.len()), (false, 60));
}

#[test]
fn a_hosts_file_that_cannot_be_read_is_reported_and_survived() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", HOSTS);
    let config = "no-resolv\nno-hosts\naddn-hosts=DIR/absent\naddn-hosts=DIR/hosts\n";
    let server = Server::start_in(&lan.server, directory, config);
    server.wait_for_line("absent");
    assert_eq!(dig(&lan.clients[0], &["printer.home.example", "A"]).data(), ["10.77.0.50"]);
    let pid = fs::read_to_string(server.directory().join("run/pid")).expect("a pid file");
    assert_eq!(pid.trim(), server.pid().to_string());
    server.stop();
}

fn records(address: &str) -> Answer {
    Answer::Records(vec![Record::a(address.parse().expect("an address"), 60)])
}

#[test]
fn a_watched_directory_of_hosts_files_is_followed() {
    let lan = Lan::with_addresses(1);
    let client = &lan.clients[0];
    let directory = Arc::new(Directory::new());
    directory.write("watched/first", "10.77.0.51 first.home.example\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), "no-resolv\nno-hosts\nhostsdir=DIR/watched\n");
    let address = |name: &str| dig(client, &[name, "A"]).data().join(" ");
    let told = |change: &dyn Fn(), line: &str| {
        let seen = server.lines().len();
        change();
        server.wait_for_line_after(seen, line);
    };
    let change = |name: &'static str, text: &'static str| {
        let directory = &directory;
        move || drop(directory.write(name, text))
    };
    let watched = directory.join("watched");
    let path = |name: &str| format!("{}/{name}", watched.display());
    assert_eq!(address("first.home.example"), "10.77.0.51");

    told(&change("watched/second", "10.77.0.52 second.home.example\n"), &format!("read {} - 1 names", path("second")));
    assert_eq!(address("second.home.example"), "10.77.0.52");
    told(&change("watched/first", "10.77.0.53 new.home.example\n"), &format!("read {} - 1 names", path("first")));
    assert_eq!(address("new.home.example"), "10.77.0.53");
    assert_eq!(dig(client, &["first.home.example", "A"]).status, "REFUSED");
    let flushed = format!("inotify: flushed 1 names read from {}", path("second"));
    told(&|| fs::remove_file(path("second")).unwrap(), &flushed);
    assert_eq!(dig(client, &["second.home.example", "A"]).status, "REFUSED");
    // What an editor keeps beside it is not read: the file after it is.
    directory.write("watched/third~", "10.77.0.54 backup.home.example\n");
    told(&change("watched/third", "10.77.0.55 third.home.example\n"), &format!("read {} - 1 names", path("third")));
    assert_eq!(dig(client, &["backup.home.example", "A"]).status, "REFUSED");
    server.signal(Signal::SIGHUP);
    server.wait_for_line_after(0, &format!("read {} - 1 names", path("third")));
    assert_eq!(address("third.home.example"), "10.77.0.55");
}

#[test]
fn names_beyond_ascii_are_served_in_the_form_that_dns_has() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.56 Bücher.home.example\n");
    let config = "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nhost-record=faß.home.example,10.77.0.57\n";
    let _server = Server::start_in(&lan.server, directory, config);
    let client = &lan.clients[0];
    for (name, address) in [("xn--bcher-kva.home.example", "10.77.0.56"), ("xn--fa-hia.home.example", "10.77.0.57")] {
        assert_eq!(dig(client, &[name, "A"]).data(), [address]);
        assert_eq!(dig(client, &["-x", address]).data(), [format!("{name}.")]);
    }
}
