//! `dhcp_lease_time` and `dhcp_release`: ours, with either server.

use std::path::PathBuf;
use std::process::Output;

use support::dhcp_client::machine;
use support::{DhcpClient, Lan, Server, Subject, wait_until};

const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndhcp-range=10.77.0.100,10.77.0.150,1h\n";

/// A program that was built beside ours.
fn tool(name: &str) -> PathBuf {
    Subject::Ours.program().with_file_name(name)
}

fn run(lan: &Lan, name: &str, arguments: &[&str]) -> Output {
    lan.server.command(tool(name)).args(arguments).output().expect("run the tool")
}

#[test]
fn a_lease_is_asked_for_and_given_back() {
    let lan = Lan::new(1);
    let server = Server::start(&lan.server, CONFIG);
    let lease = || DhcpClient::new(1).lease(machine(7)).address.to_string();
    let address = lan.clients[0].spawn(lease).join().expect("the client ends");
    let left = run(&lan, "dhcp_lease_time", &[&address]);
    let text = String::from_utf8(left.stdout).expect("plain text");
    assert!(left.status.success() && (text.starts_with("59m") || text == "1h"), "{text:?}");

    let held = || server.leases().iter().any(|line| line.contains(&address));
    wait_until("the lease to be in the file", held);
    let released = run(&lan, "dhcp_release", &["lan0", &address, "02:10:00:00:00:07"]);
    assert!(released.status.success() && released.stderr.is_empty(), "{released:?}");
    wait_until("the lease to be gone", || !held());
    assert_eq!(run(&lan, "dhcp_lease_time", &[&address]).status.code(), Some(1));
}
