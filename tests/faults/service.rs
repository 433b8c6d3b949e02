//! One server that offers all three services, and the question whether each of them answers.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use support::lan::SERVER_ADDRESS;
use support::message::{A, encode_query};
use support::{DhcpClient, Directory, Lan, Server, Subject, tftp_client, wait_until};

/// The name that the hosts file holds.
pub const HOST: &str = "printer";
/// Its address.
pub const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 9, 9);
/// What the TFTP root holds as `small`.
pub const SMALL_FILE: &[u8] = b"a small file\n";

/// DNS, DHCP and TFTP on the LAN's interface. `{NAMES}` names the hosts file that [`directory`] fills.
pub const CONFIG: &str = "\
interface=lan0
bind-interfaces
no-hosts
no-resolv
addn-hosts=DIR/hosts
dhcp-range=10.77.1.1,10.77.8.250,255.255.0.0,1h
dhcp-lease-max=5000
dhcp-authoritative
no-ping
enable-tftp
tftp-root=DIR/tftp
";

/// A directory with a hosts file and a TFTP root.
pub fn directory() -> Arc<Directory> {
    let directory = Directory::new();
    directory.write("hosts", format!("{HOST_ADDRESS} {HOST}\n"));
    directory.write("tftp/small", SMALL_FILE);
    Arc::new(directory)
}

/// A LAN whose network is wide enough for many leases.
pub fn lan() -> Lan {
    let lan = Lan::new(1);
    lan.server.ip(&["addr", "add", "10.77.0.1/16", "dev", "lan0"]);
    lan.server.ip(&["addr", "del", "10.77.0.1/24", "dev", "lan0"]);
    // No start waits for the detection of duplicate IPv6 addresses.
    lan.server.ip(&["-6", "addr", "flush", "dev", "lan0"]);
    let client = &lan.clients[0];
    client.ip(&["addr", "add", "10.77.0.2/16", "dev", "eth0"]);
    lan
}

/// Starts the server under test on such a LAN.
pub fn start(lan: &Lan) -> Server {
    let server = Server::start_in(&lan.server, directory(), CONFIG);
    wait_until("every service to answer", || answers(lan, "dns") && answers(lan, "dhcp") && answers(lan, "tftp"));
    server
}

/// Starts a program of the caller's choice.
pub fn start_program(lan: &Lan, program: &Path) -> Server {
    let server = Server::launch_program(&lan.server, program, directory(), CONFIG, &[]);
    server.wait_for_line("started, version");
    wait_until("every service to answer", || answers(lan, "dns") && answers(lan, "dhcp") && answers(lan, "tftp"));
    server
}

/// Does this service answer within a second?
pub fn answers(lan: &Lan, role: &str) -> bool {
    let role = role.to_owned();
    let ask = move || match role.as_str() {
        "dns" => dns_answers(),
        "dhcp" => {
            let number = std::process::id();
            DhcpClient::new(number).discover([2, 0x20, 0, 0, 0, 1], Duration::from_secs(1)).is_some()
        }
        "tftp" => tftp_client::read(SERVER_ADDRESS, "small", Duration::ZERO).as_deref() == Ok(SMALL_FILE),
        other => panic!("no such role: {other}"),
    };
    lan.clients[0].spawn(ask).join().expect("ask a service")
}

fn dns_answers() -> bool {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
    socket.set_read_timeout(Some(Duration::from_secs(1))).expect("set a timeout");
    let server: SocketAddr = (SERVER_ADDRESS, 53).into();
    if socket.connect(server).is_err() || socket.send(&encode_query(7, HOST, A)).is_err() {
        return false;
    }
    let mut reply = [0; 512];
    match support::uninterrupted(|| socket.recv(&mut reply)) {
        Ok(length) => reply[..length].ends_with(&HOST_ADDRESS.octets()),
        Err(_) => false,
    }
}

/// Is dnsmasq under test? Tests about workers have nothing to do then, and say so.
pub fn single_process() -> bool {
    let theirs = Subject::chosen() == Subject::Theirs;
    if theirs {
        eprintln!("passed over: dnsmasq is one process");
    }
    theirs
}
