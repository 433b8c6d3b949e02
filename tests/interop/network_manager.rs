//! NetworkManager as a DHCP client.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Stdio};

use support::lan::{CLIENT_INTERFACE, SERVER_ADDRESS};
use support::{Directory, Lan, Server, wait_for, wait_until};

const PROGRAM: &str = "/usr/sbin/NetworkManager";
const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndomain=lan\ndhcp-range=10.77.0.100,10.77.0.150,1h\n";
const MANAGER: &str = "[main]\nplugins=keyfile\ndhcp=internal\ndns=none\nrc-manager=unmanaged\nno-auto-default=*\n";
const CONNECTION: &str = "[connection]\nid=lan\nuuid=5e4a5b0c-6c55-4b5e-9a39-1b43a7e1a0c1\ntype=ethernet\ninterface-name=eth0\n\
                          [ipv4]\nmethod=auto\ndhcp-hostname=desk\n[ipv6]\nmethod=disabled\n";
/// A bus on which there is nobody else.
const BUS: &str = "<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><policy context=\"default\">\
                   <allow own=\"*\"/><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/></policy></busconfig>";
/// It keeps its state at fixed places, hence a view of the file system of its own; and where it may not write to /sys it takes interfaces as they
/// are, without waiting for udev.
const START: &str = "cd \"$1\" && mount -o remount,ro /sys && mount -t tmpfs none /run &&
    mkdir -p /run/dbus /run/NetworkManager/system-connections && connection=/run/NetworkManager/system-connections/lan.nmconnection &&
    cp connection $connection && chmod 600 $connection && dbus-daemon --config-file=bus --fork --nopidfile &&
    exec \"$2\" --no-daemon --config=manager --config-dir=/run/none --state-file=/run/state --pid-file=/run/pid";

/// A client and the bus that it needs; both end with it.
struct Manager(Child);

impl Drop for Manager {
    fn drop(&mut self) {
        // The first process of their namespace is killed when this one is, and takes the others along.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn network_manager_gets_a_lease() {
    support::namespace::need(Path::new(PROGRAM));
    let lan = Lan::new(1);
    let server = Server::start(&lan.server, CONFIG);
    let here = Directory::new();
    for (name, text) in [("manager", MANAGER), ("connection", CONNECTION), ("bus", BUS)] {
        here.write(name, text);
    }
    let log = File::create(here.join("log")).expect("make a log file");
    let client = &lan.clients[0];
    let mut command = client.command("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", START, "sh"]);
    command.arg(here.path()).arg(PROGRAM).stdout(Stdio::null()).stderr(log);
    let _manager = Manager(command.spawn().expect("start NetworkManager"));

    let got = wait_for("NetworkManager to set its address", || client.address(CLIENT_INTERFACE));
    let line = wait_for("the lease to be in the file", || server.leases().into_iter().find(|line| line.contains(&got)));
    assert!(line.contains(" 02:00:00:00:01:00 ") && line.contains(" desk "), "{line}");
    let routes = || client.run("ip", &["-4", "route", "show", "default"]);
    wait_until("NetworkManager to set its route", || routes().contains(&SERVER_ADDRESS.to_string()));
}
