//! systemd-networkd as a DHCP client.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::lan::{CLIENT_INTERFACE, SERVER_ADDRESS};
use support::{Directory, Lan, Server, wait_for, wait_until};

const PROGRAM: &str = "/lib/systemd/systemd-networkd";
const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndomain=lan\ndhcp-range=10.77.0.100,10.77.0.150,1h\n";
const NETWORK: &str = "[Match]\nName=eth0\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n\
                       [DHCPv4]\nClientIdentifier=mac\nHostname=desk\n";
/// It keeps its state at fixed places, hence a view of the file system of its own; and where it may not write to /sys it takes interfaces as they
/// are, without waiting for udev.
const START: &str = "mount -o remount,ro /sys && mount -t tmpfs none /run && mkdir -p /run/systemd/network /run/systemd/netif &&
    chown systemd-network:systemd-network /run/systemd/netif && cp \"$1\" /run/systemd/network/lan.network && exec \"$2\"";

#[test]
fn networkd_gets_a_lease() {
    support::namespace::need(Path::new(PROGRAM));
    let lan = Lan::new(1);
    let server = Server::start(&lan.server, CONFIG);
    let here = Directory::new();
    let network = here.write("network", NETWORK);
    let log = File::create(here.join("log")).expect("make a log file");
    let client = &lan.clients[0];
    let mut networkd = client
        .command("sh")
        .args(["-c", START, "sh"])
        .args([&network, Path::new(PROGRAM)])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("start systemd-networkd");

    let got = wait_for("networkd to set its address", || client.address(CLIENT_INTERFACE));
    let line = wait_for("the lease to be in the file", || server.leases().into_iter().find(|line| line.contains(&got)));
    assert!(line.contains(" 02:00:00:00:01:00 ") && line.contains(" desk "), "{line}");
    let routes = || client.run("ip", &["-4", "route", "show", "default"]);
    wait_until("networkd to set its route", || routes().contains(&SERVER_ADDRESS.to_string()));

    kill(Pid::from_raw(i32::try_from(networkd.id()).expect("pids are small")), Signal::SIGTERM).expect("stop networkd");
    assert!(networkd.wait().expect("networkd ends").success(), "{}", here.read("log"));
}
