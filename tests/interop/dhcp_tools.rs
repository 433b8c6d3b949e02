//! `dhcp_lease_time` and `dhcp_release`: ours, with either server.

use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use support::dhcp_client::machine;
use support::{DhcpClient, Directory, Lan, Server, Subject, wait_until};

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

/// We have no DHCPv6 to be asked, so the reference is: this runs when it is under test.
#[test]
fn an_ipv6_lease_is_given_back_to_the_reference() {
    if Subject::chosen() == Subject::Ours {
        return;
    }
    const SERVER_ID: &str = "00:01:00:01:2a:bb:cc:dd:02:00:00:00:00:01";
    const CLIENT_ID: &str = "00:03:00:01:02:10:00:00:00:07";
    let lan = Lan::new(1);
    lan.server.ip(&["addr", "add", "fd00::1/64", "dev", "lan0", "nodad"]);
    let directory = Arc::new(Directory::new());
    std::fs::create_dir_all(directory.join("run")).expect("make a directory");
    let lines = format!("duid {SERVER_ID}\n9999999999 1234 fd00::105 box {CLIENT_ID}\n");
    directory.write("run/leases", lines);
    let config = "port=0\ninterface=lan0\ndhcp-range=fd00::100,fd00::150,1h\n";
    let server = Server::start_in(&lan.server, directory, config);
    let held = || server.leases().iter().any(|line| line.contains("fd00::105"));
    let release = |client: &str| {
        let from = ["--iface", "lan0", "--server-id", SERVER_ID, "--client-id", client];
        run(&lan, "dhcp_release6", &[&from[..], &["--iaid", "1234", "--ip", "fd00::105"]].concat())
    };
    let strangers = release("00:03:00:01:02:10:00:00:00:08");
    // That there is no such binding is said further inside the reply, which the status does not tell of.
    assert!(strangers.status.success() && held(), "{strangers:?}");
    let released = release(CLIENT_ID);
    assert!(released.status.success(), "{released:?}");
    wait_until("the lease to be gone", || !held());
}
