//! klibc's ipconfig, the client of early user space.

use std::path::Path;

use support::lan::{CLIENT_INTERFACE, SERVER_ADDRESS};
use support::{Directory, Lan, Server};

const PROGRAM: &str = "/usr/lib/klibc/bin/ipconfig";
const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndomain=lan\ndhcp-range=10.77.0.100,10.77.0.150,1h\n\
                      dhcp-option=option:root-path,/srv/root\ndhcp-boot=kernel\n";
/// It leaves what it has learnt in /run, hence a view of the file system of its own.
const START: &str = "mount -t tmpfs none /run && \"$1\" -t 20 \"$2\" && cp /run/net-eth0.conf \"$3\"";

#[test]
fn ipconfig_gets_a_lease() {
    support::namespace::need(Path::new(PROGRAM));
    let lan = Lan::new(1);
    let server = Server::start(&lan.server, CONFIG);
    let (here, client) = (Directory::new(), &lan.clients[0]);
    let told = here.join("told");
    let parameters = format!("::::early:{CLIENT_INTERFACE}:dhcp");
    client.run("sh", &["-c", START, "sh", PROGRAM, &parameters, told.to_str().expect("a plain path")]);

    let line = server.leases().into_iter().find(|line| line.contains(" 02:00:00:00:01:00 ")).expect("a lease");
    let words: Vec<&str> = line.split(' ').collect();
    // It sends no client id.
    assert_eq!(words[3..], ["early", "*"], "{line}");
    let told = here.read("told");
    for (name, value) in [
        ("PROTO", "dhcp"),
        ("IPV4ADDR", words[2]),
        ("IPV4NETMASK", "255.255.255.0"),
        ("IPV4BROADCAST", "10.77.0.255"),
        ("IPV4GATEWAY", &SERVER_ADDRESS.to_string()),
        ("HOSTNAME", "early"),
        ("DNSDOMAIN", "lan"),
        ("ROOTSERVER", &SERVER_ADDRESS.to_string()),
        ("ROOTPATH", "/srv/root"),
        ("filename", "kernel"),
        ("DHCPLEASETIME", "3600"),
    ] {
        assert!(told.lines().any(|line| line == format!("{name}='{value}'")), "{name} is not {value} in\n{told}");
    }
}
