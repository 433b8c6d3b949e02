//! dhcp learns from dns what hosts files say, and depends on it for nothing else.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use support::dhcp_client::Hardware;
use support::processes::{self, worker};
use support::{DhcpClient, Directory, Lan, Server, wait_until};

use crate::service::single_process;

const CONFIG: &str = "no-resolv\nno-hosts\nno-ping\ninterface=lan0\nhostsdir=DIR/hosts.d\n\
                      dhcp-range=10.77.0.100,10.77.0.150,1h\ndhcp-host=02:00:00:00:08:01,box\n";
const BOX: Hardware = [2, 0, 0, 0, 8, 1];

fn offered(lan: &Lan) -> Option<Ipv4Addr> {
    let ask = || DhcpClient::new(1).discover(BOX, Duration::from_millis(500));
    Some(lan.clients[0].spawn(ask).join().expect("the client ends")?.address)
}

#[test]
fn dhcp_starts_without_an_answer_of_dns_and_knows_what_was_known() {
    if single_process() {
        return;
    }
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts.d/one", "10.77.0.20 box\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), CONFIG);
    let twenty = Some(Ipv4Addr::new(10, 77, 0, 20));
    assert_eq!(offered(&lan), twenty);

    // dns owes an answer and does not give it.
    let dns = Pid::from_raw(worker(server.pid(), "dns", None));
    signal::kill(dns, Signal::SIGSTOP).expect("stop the dns worker");
    directory.write("hosts.d/one", "10.77.0.21 box\n");
    let dhcp = worker(server.pid(), "dhcp", None);
    processes::kill(dhcp);
    worker(server.pid(), "dhcp", Some(dhcp));
    wait_until("dhcp to answer", || offered(&lan) == twenty);
    signal::kill(dns, Signal::SIGCONT).expect("let the dns worker go on");
    wait_until("the new file to count", || offered(&lan) == Some(Ipv4Addr::new(10, 77, 0, 21)));

    // When dns is replaced, the same holds, and dhcp is not bothered.
    processes::kill(dns.as_raw());
    worker(server.pid(), "dns", Some(dns.as_raw()));
    assert_eq!(offered(&lan), Some(Ipv4Addr::new(10, 77, 0, 21)));
}
