//! Host rules and options from files and watched directories.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::dhcp_client::{DISCOVER, OFFER};
use support::{DhcpClient, Directory, Lan, Server, wait_until};

const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndhcp-range=10.77.0.100,10.77.0.150,1h\n";

/// What machine `last` is offered: the end of its address and the SIP servers (option 120), if an offer comes within a second.
fn offer(lan: &Lan, last: u8) -> Option<(u8, Vec<u8>)> {
    let ask = move || {
        let mut client = DhcpClient::new(u32::from(last));
        let xid = client.send_with(DISCOVER, [2, 0, 0, 0, 6, last], Ipv4Addr::UNSPECIFIED, &[(55, vec![1, 120])]);
        client.answer_to(xid, Duration::from_secs(1)).filter(|reply| reply.kind == OFFER)
    };
    let reply = lan.clients[0].spawn(ask).join().expect("the client ends")?;
    Some((reply.address.octets()[3], reply.options.get(&120).cloned().unwrap_or_default()))
}

fn address(lan: &Lan, last: u8) -> Option<u8> {
    offer(lan, last).map(|(address, _)| address)
}

fn dynamic(address: Option<u8>) -> bool {
    address.is_some_and(|address| (100..=150).contains(&address))
}

#[test]
fn files_are_read_at_start_and_at_sighup() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write(
        "hosts",
        "02:00:00:00:06:01,10.77.0.21\n02:00:00:00:06:01,10.77.0.22\n# nothing\nbad:line:zz\n02:00:00:00:06:03,10.77.0.24\n",
    );
    directory.write("many/a", "02:00:00:00:06:05,10.77.0.25\n");
    directory.write("many/b", "02:00:00:00:06:06,10.77.0.26\n");
    directory.write("many/.hidden", "02:00:00:00:06:07,10.77.0.27\n");
    directory.write("options", "option:sip-server,1.1.1.1\noption:bogus,3\n");
    let config = format!(
        "{CONFIG}dhcp-hostsfile=DIR/hosts\ndhcp-hostsfile=DIR/many\ndhcp-optsfile=DIR/options\ndhcp-hostsfile=DIR/absent\n\
         dhcp-host=02:00:00:00:06:03,10.77.0.27\ndhcp-option=option:sip-server,9.9.9.9\n"
    );
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    let at = |name: &str| directory.join(name).display().to_string();
    server.wait_for_line(&format!("cannot read {}: No such file or directory", at("absent")));
    server.wait_for_line(&format!("bad hex constant at line 4 of {}", at("hosts")));
    server.wait_for_line(&format!("bad dhcp-option at line 2 of {}", at("options")));
    for name in ["hosts", "many/a", "many/b", "options"] {
        assert!(server.wait_for_line(&format!("read {}", at(name))).contains("-dhcp"));
    }
    // Later lines go before earlier ones, and files before the configuration.
    assert_eq!(offer(&lan, 1), Some((22, vec![1, 1, 1, 1, 1])));
    assert_eq!((address(&lan, 3), address(&lan, 5), address(&lan, 6)), (Some(24), Some(25), Some(26)));
    assert!(dynamic(address(&lan, 7)));

    directory.write("hosts", "02:00:00:00:06:01,10.77.0.29\n");
    directory.write("options", "");
    fs::remove_file(directory.join("many/b")).expect("remove a file");
    let seen = server.lines().len();
    server.signal(Signal::SIGHUP);
    server.wait_for_line_after(seen, &format!("read {}", at("hosts")));
    wait_until("the new rules to count", || offer(&lan, 1) == Some((29, vec![1, 9, 9, 9, 9])));
    assert_eq!((address(&lan, 3), address(&lan, 5)), (Some(27), Some(25)));
    assert!(dynamic(address(&lan, 6)));
}

#[test]
fn files_of_watched_directories_count_at_once() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts.d/one", "02:00:00:00:06:04,10.77.0.35\n");
    directory.write("options.d/one", "option:sip-server,5.5.5.5\n");
    let config = format!("{CONFIG}dhcp-hostsdir=DIR/hosts.d\ndhcp-optsdir=DIR/options.d\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    assert_eq!(offer(&lan, 4), Some((35, vec![1, 5, 5, 5, 5])));

    let two = directory.write("hosts.d/two", "02:00:00:00:06:05,10.77.0.36\n");
    server.wait_for_line(&format!("inotify: {} new or modified", two.display()));
    assert!(server.wait_for_line(&format!("read {}", two.display())).contains("-dhcp"));
    wait_until("the new host to count", || address(&lan, 5) == Some(36));
    // A file that is gone counts until SIGHUP.
    fs::remove_file(&two).expect("remove a file");
    directory.write("options.d/two", "option:sip-server,6.6.6.6\n");
    wait_until("the new option to count", || offer(&lan, 4) == Some((35, vec![1, 6, 6, 6, 6])));
    assert_eq!(address(&lan, 5), Some(36));
    // A file that is moved into place: its host is not served, and then is.
    let hidden = directory.write("hosts.d/.three", "02:00:00:00:06:06,ignore\n");
    fs::rename(hidden, directory.join("hosts.d/three")).expect("move a file");
    wait_until("the host to be ignored", || address(&lan, 6).is_none());
    directory.write("hosts.d/three", "02:00:00:00:06:06\n");
    wait_until("the host to be served again", || dynamic(address(&lan, 6)));

    let seen = server.lines().len();
    server.signal(Signal::SIGHUP);
    server.wait_for_line_after(seen, "hosts.d/one");
    wait_until("the removed file to be forgotten", || dynamic(address(&lan, 5)));
    assert_eq!(address(&lan, 4), Some(35));
}

#[test]
fn a_lease_takes_the_name_that_a_file_gives_it() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    directory.write("hosts.d/one", "");
    directory.write("run/leases", "0 02:00:00:00:06:09 10.77.0.120 * *\n");
    let config = format!("{CONFIG}dhcp-hostsdir=DIR/hosts.d\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    directory.write("hosts.d/one", "02:00:00:00:06:09,printer\n");
    wait_until("the lease to have its name", || server.leases().iter().any(|line| line.contains(" printer ")));
}

#[test]
fn a_watched_directory_that_is_not_there_is_named() {
    let lan = Lan::new(1);
    let config = format!("{CONFIG}dhcp-hostsdir=/absent/directory\n");
    let server = Server::start(&lan.server, &config);
    server.wait_for_line("bad dynamic directory /absent/directory: No such file or directory");
    assert!(dynamic(address(&lan, 1)));
}
