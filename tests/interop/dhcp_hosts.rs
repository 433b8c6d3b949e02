//! What DHCP takes from hosts files: addresses for names, names for addresses, boot servers.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::dhcp_client::{DISCOVER, Hardware, OFFER};
use support::{DhcpClient, Directory, Lan, Server, wait_for, wait_until};

const CONFIG: &str = "no-resolv\nno-hosts\nno-ping\ninterface=lan0\ndomain=lan.example\naddn-hosts=DIR/hosts\n\
                      dhcp-range=10.77.0.100,10.77.0.150,1h\n";

/// Machine number `last`.
fn hardware(last: u8) -> Hardware {
    [2, 0, 0, 0, 7, last]
}

/// Leases an address for a machine that calls itself so: the end of the address.
fn lease(lan: &Lan, last: u8, name: &'static str) -> u8 {
    let options = [(12, name.as_bytes().to_vec()), (55, vec![1, 12])];
    let options = if name.is_empty() { options[1..].to_vec() } else { options.to_vec() };
    let lease = move || DhcpClient::new(u32::from(last)).lease_with(hardware(last), &options);
    lan.clients[0].spawn(lease).join().expect("the client ends").octets()[3]
}

/// The end of the address that a machine is offered.
fn offer(lan: &Lan, last: u8) -> Option<u8> {
    let ask = move || DhcpClient::new(u32::from(last)).discover(hardware(last), Duration::from_secs(1));
    Some(lan.clients[0].spawn(ask).join().expect("the client ends")?.address.octets()[3])
}

/// The name that the lease of an address has in the file; `*`: none.
fn name_of(server: &Server, last: u8) -> String {
    let address = format!("10.77.0.{last}");
    wait_for("the lease to be in the file", || {
        let lines = server.leases();
        let fields = lines.iter().map(|line| line.split(' ').collect::<Vec<_>>());
        fields.into_iter().find(|fields| fields[2] == address).map(|fields| fields[3].to_owned())
    })
}

fn dynamic(last: u8) -> bool {
    (100..=150).contains(&last)
}

#[test]
fn host_rules_without_address_get_that_of_their_name() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write(
        "hosts",
        "10.77.0.20 box\n10.77.0.21 two\n10.77.0.22 two\n10.77.0.23 dup1 dup2\n10.77.0.24 full.lan.example\n10.88.0.9 far\n\
         10.77.0.25 own\n10.77.0.26 taken\n10.77.0.27 first shared\n10.77.0.28 shared\n10.77.0.29 Capital\nfd00::1 six\n",
    );
    directory.write("rules/one", "02:00:00:00:07:10,filed\n");
    let names =
        ["box", "two", "dup1", "dup2", "full.lan.example", "far", "own,10.77.0.26", "taken", "shared", "capital"];
    let mut config = format!("{CONFIG}dhcp-hostsdir=DIR/rules\nhost-record=rec,10.77.0.30\n");
    for (index, name) in names.iter().chain(&["six", "rec", "absent"]).enumerate() {
        config += &format!("dhcp-host=02:00:00:00:07:{:02x},{name}\n", index + 1);
    }
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    server.wait_for_line("two has more than one address in hostsfile, using 10.77.0.21 for DHCP");
    server.wait_for_line("shared has more than one address in hostsfile, using 10.77.0.28 for DHCP");
    server.wait_for_line("duplicate IP address 10.77.0.23 (dup1) in dhcp-config directive");
    assert!(server.wait_for_line("duplicate IP address 10.77.0.26 (taken) in dhcp-config directive").contains("-dhcp"));
    let offered: Vec<u8> = (1..=13).filter_map(|last| offer(&lan, last)).collect();
    let expected = [Some(20), Some(21), None, Some(23), None, None, Some(26), None, Some(28), Some(29), None, Some(30)];
    for (index, (offered, expected)) in offered.iter().zip(expected.iter().chain(&[None])).enumerate() {
        assert!(expected.map_or(dynamic(*offered), |expected| expected == *offered), "{}: {offered}", index + 1);
    }
    assert_eq!(offered.len(), 13);
    // Nobody else gets an address that belongs to a host.
    assert_eq!(lease(&lan, 1, "says"), 20);
    assert_eq!(name_of(&server, 20), "box");
    // A rule that belongs to another network gives no name.
    let far = lease(&lan, 6, "says");
    assert_eq!(name_of(&server, far), "says");

    // A rule of a file; then another address, by SIGHUP.
    assert!(offer(&lan, 0x10).is_some_and(dynamic));
    directory.write("hosts", "10.77.0.31 box\n10.77.0.32 filed\n");
    let seen = server.lines().len();
    server.signal(Signal::SIGHUP);
    server.wait_for_line_after(seen, "rules/one");
    wait_until("the new hosts to count", || offer(&lan, 0x10) == Some(32));
    assert_eq!(offer(&lan, 1), Some(31));
    assert!(offer(&lan, 2).is_some_and(dynamic));
}

#[test]
fn a_rule_for_ipv6_is_none_of_ipv4() {
    let lan = Lan::new(1);
    let config = "port=0\nno-ping\ninterface=lan0\ndhcp-range=10.77.0.100,10.77.0.150,1h\nlog-dhcp\n\
                  dhcp-host=02:00:00:00:07:01,six,[fd00::1]\ndhcp-host=02:00:00:00:07:02,both,[fd00::2],10.77.0.9\n";
    let server = Server::start(&lan.server, config);
    let six = lease(&lan, 1, "says");
    assert_eq!(name_of(&server, six), "says");
    server.wait_for_line("tags: known-othernet, lan0");
    assert_eq!(lease(&lan, 2, "says2"), 9);
    assert_eq!(name_of(&server, 9), "both");
}

#[test]
fn leases_are_named_after_their_addresses() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write(
        "hosts",
        "10.77.0.20 plain\n10.77.0.21 full.lan.example\n10.77.0.22 other.domain\n10.77.0.23 one two\n10.77.0.24 loses\n\
         10.77.0.25 _odd\n10.77.0.140 stood\n10.77.0.141 stood.here\n",
    );
    let mut config = format!("{CONFIG}dhcp-ignore-names=tag:ignored\ndhcp-mac=set:ignored,02:00:00:00:07:04\n");
    for last in 0..6 {
        let name = if last == 4 { ",wins" } else { "" };
        config += &format!("dhcp-host=02:00:00:00:07:{:02x},10.77.0.{}{name}\n", last + 1, last + 20);
    }
    directory.write("run/leases", "0 02:00:00:00:07:40 10.77.0.140 mine *\n0 02:00:00:00:07:41 10.77.0.141 kept *\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    wait_until("the lease to be renamed", || name_of(&server, 140) == "stood");
    assert_eq!(name_of(&server, 141), "kept");
    for (last, said) in [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e"), (6, "f")] {
        assert_eq!(lease(&lan, last, said), last + 19);
    }
    let named: Vec<String> = (20..26).map(|last| name_of(&server, last)).collect();
    assert_eq!(named, ["plain", "full", "c", "one", "wins", "f"]);
    server.wait_for_line("DHCPACK(lan0) 10.77.0.20 02:00:00:00:07:01 plain");

    // Nobody else can take such a name, and who has it must give it away.
    let thief = lease(&lan, 0x20, "plain");
    assert_eq!(name_of(&server, thief), "*");
    let before = lease(&lan, 0x21, "later");
    assert_eq!(name_of(&server, before), "later");
    directory.write("hosts", "10.77.0.20 later\n");
    server.signal(Signal::SIGHUP);
    wait_until("the lease to be named again", || name_of(&server, 20) == "later");
    wait_until("the name to be taken away", || name_of(&server, before) == "*");
    assert_eq!(name_of(&server, 21), "full", "what is gone takes no name away");
}

#[test]
fn a_file_of_a_watched_directory_counts_at_once() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "");
    directory.write("hosts.d/one", "");
    directory.write("run/leases", "0 02:00:00:00:07:40 10.77.0.140 * *\n");
    let config = format!("{CONFIG}expand-hosts\nhostsdir=DIR/hosts.d\ndhcp-host=02:00:00:00:07:01,box\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    assert!(offer(&lan, 1).is_some_and(dynamic));
    directory.write("hosts.d/two", "10.77.0.40 box\n10.77.0.140 stands\n");
    wait_until("the host to have its address", || offer(&lan, 1) == Some(40));
    wait_until("the lease to have its name", || name_of(&server, 140) == "stands");
    fs::rename(directory.write("hosts.d/.two", "10.77.0.41 box\n"), directory.join("hosts.d/two"))
        .expect("move a file");
    wait_until("the host to have its new address", || offer(&lan, 1) == Some(41));
}

#[test]
fn boot_servers_are_looked_up_and_take_turns() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.8 boot\n10.77.0.7 boot\n10.77.0.6 boot\nfd00::1 six\n");
    let config = format!(
        "{CONFIG}dhcp-boot=file,,BOOT\ndhcp-boot=tag:six,file,,six\ndhcp-mac=set:six,02:00:00:00:07:02\n\
         dhcp-boot=tag:rec,file,,rec\ndhcp-mac=set:rec,02:00:00:00:07:03\nhost-record=rec,10.77.0.9\n"
    );
    let server = Server::start_in(&lan.server, directory, &config);
    let three = |last| {
        let client = move || {
            let mut client = DhcpClient::new(u32::from(last));
            let ask = move |_| {
                let options = [(55, vec![1])];
                let xid = client.send_with(DISCOVER, hardware(last), Ipv4Addr::UNSPECIFIED, &options);
                client
                    .answer_to(xid, Duration::from_secs(1))
                    .filter(|reply| reply.kind == OFFER)
                    .map(|reply| reply.next_server)
            };
            (0..3).filter_map(ask).map(|server| server.octets()[3]).collect::<BTreeSet<u8>>()
        };
        lan.clients[0].spawn(client).join().expect("the client ends")
    };
    assert_eq!(three(1), BTreeSet::from([6, 7, 8]));
    assert_eq!(three(3), BTreeSet::from([9]));
    assert_eq!(three(2), BTreeSet::from([0]));
    server.wait_for_line("No IPv4 address found for six");
}

#[test]
fn without_dns_there_are_no_hosts() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts", "10.77.0.20 box\n10.77.0.21 named\n10.77.0.8 boot\n");
    let config = format!(
        "port=0\n{CONFIG}dhcp-boot=file,,boot\ndhcp-host=02:00:00:00:07:01,box\ndhcp-host=02:00:00:00:07:02,10.77.0.21\n\
         host-record=boot,10.77.0.9\n"
    );
    let server = Server::start_in(&lan.server, directory, &config);
    assert!(offer(&lan, 1).is_some_and(dynamic));
    server.wait_for_line("No IPv4 address found for boot");
    assert_eq!(lease(&lan, 2, ""), 21);
    assert_eq!(name_of(&server, 21), "*");
}
