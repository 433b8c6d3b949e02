//! Kea's perfdhcp: many machines at once.

use std::path::Path;

use support::lan::{CLIENT_INTERFACE, SERVER_ADDRESS};
use support::{Lan, Server};

const PROGRAM: &str = "/usr/sbin/perfdhcp";
const CONFIG: &str = "port=0\nno-ping\nquiet-dhcp\ninterface=lan0\ndhcp-range=10.77.0.20,10.77.0.250,1h\n";

/// The numbers that follow `label` in its report: first of offers, then of acknowledgements.
fn told(report: &str, label: &str) -> Vec<u32> {
    let of = |line: &str| line.strip_prefix(label).and_then(|rest| rest.trim().parse().ok());
    report.lines().filter_map(of).collect()
}

#[test]
fn perfdhcp_gets_leases_for_many() {
    support::namespace::need(Path::new(PROGRAM));
    let lan = Lan::with_addresses(1);
    let server = Server::start(&lan.server, CONFIG);
    // So many machines, so many of them a second, for so many seconds.
    let arguments = ["-4", "-l", CLIENT_INTERFACE, "-R", "100", "-r", "50", "-p", "3"];
    let address = SERVER_ADDRESS.to_string();
    let output = lan.clients[0].output(PROGRAM, &[&arguments[..], &[&address]].concat());
    let report = String::from_utf8_lossy(&output.stdout);
    let (sent, received) = (told(&report, "sent packets:"), told(&report, "received packets:"));
    let ([asked, requested], [offered, acknowledged]) = (&sent[..], &received[..]) else {
        panic!("{report}\n{}", String::from_utf8_lossy(&output.stderr));
    };
    // It ends without a look at what is on the way.
    let on_the_way = 2;
    assert!(*asked > 100 && offered + on_the_way >= *asked && requested == offered, "{report}");
    // Two that ask in the same moment may be offered the same address, as with dnsmasq; one of them is refused then.
    assert!(*acknowledged * 10 >= *requested * 9, "{report}");
    let leases = u32::try_from(server.leases().len()).expect("a hundred at most");
    assert!(leases <= 100 && leases + (asked - acknowledged) >= 100, "{leases} leases\n{report}");
}
