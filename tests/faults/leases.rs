//! A lease that a client has been told of is in the lease file at that moment.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use support::dhcp_client::{ACK, Hardware, machine};
use support::{DhcpClient, Lan, Server, Subject, wait_until};

use crate::service::{CONFIG, directory, lan, start};

/// The lease time of the tests' configuration.
pub const LEASE_TIME_S: u64 = 3600;

/// One line of dnsmasq's lease file: expiry, hardware address, address, name, client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLease {
    /// Seconds since the epoch.
    pub expires_s: u64,
    /// Whose it is.
    pub hardware: Hardware,
    /// The address.
    pub address: Ipv4Addr,
}

/// Reads a lease file as it is now. Lines that are no lease (blank, or cut short by a crash) do not count; of two lines for
/// one address the later one does.
pub fn read(path: &Path) -> Vec<FileLease> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut leases: Vec<FileLease> = Vec::new();
    for lease in text.lines().filter_map(parse) {
        leases.retain(|other| other.address != lease.address);
        leases.push(lease);
    }
    leases
}

fn parse(line: &str) -> Option<FileLease> {
    let [expires, hardware, address, _name, _client_id] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
    let bytes: Option<Vec<u8>> = hardware.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    Some(FileLease {
        expires_s: expires.parse().ok()?,
        hardware: bytes?.try_into().ok()?,
        address: address.parse().ok()?,
    })
}

/// Seconds since the epoch.
pub fn wall_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[test]
fn an_acknowledged_lease_is_in_the_file_when_the_client_hears_of_it() {
    if Subject::chosen() == Subject::Theirs {
        eprintln!("passed over: dnsmasq writes the file after it has answered");
        return;
    }
    let lan = lan();
    let server = start(&lan);
    let path = server.lease_path();
    let count = lan.clients[0].spawn(move || {
        let mut client = DhcpClient::new(1);
        let patience = Duration::from_secs(5);
        for number in 0..100 {
            let asked_s = wall_s();
            let granted = client.lease(machine(number));
            let expected = |lease: &FileLease| {
                lease.address == granted.address
                    && lease.hardware == machine(number)
                    && lease.expires_s >= asked_s + LEASE_TIME_S
            };
            assert!(read(&path).iter().any(expected), "{granted:?} is not in the file");
            let again = client.reboot(machine(number), granted.address, patience).expect("a renewal is answered");
            assert_eq!((again.kind, again.address), (ACK, granted.address), "a renewal keeps the address");
            assert!(read(&path).iter().any(expected), "{granted:?} is not in the file after its renewal");
        }
        read(&path).len()
    });
    assert_eq!(count.join().expect("the client ends"), 100, "the file holds exactly what was granted");
}

/// Has machine 1 confirm its lease until it lasts longer than to `before_s`; to when it lasts then.
fn renew(lan: &Lan, address: Ipv4Addr, before_s: u64) -> u64 {
    let confirm = move || {
        wait_until("the next second", || wall_s() + LEASE_TIME_S > before_s);
        DhcpClient::new(5).reboot(machine(1), address, Duration::from_secs(5)).expect("a renewal is answered");
    };
    lan.clients[0].spawn(confirm).join().expect("the client ends");
    wall_s() + LEASE_TIME_S
}

#[test]
fn with_a_journal_renewals_are_written_late_and_no_promise_is_broken() {
    if Subject::chosen() == Subject::Theirs {
        eprintln!("passed over: the option is ours");
        return;
    }
    let lan = lan();
    let config = format!("{CONFIG}lease-journal=1h\n");
    let server = Server::start_in(&lan.server, directory(), &config);
    let address =
        lan.clients[0].spawn(|| DhcpClient::new(4).lease(machine(1)).address).join().expect("the client ends");
    let in_file = |server: &Server| read(&server.lease_path())[..].first().copied().expect("a lease");
    let first = in_file(&server);
    let renewed_s = renew(&lan, address, first.expires_s);
    assert_eq!(in_file(&server), first, "a renewal is not written at once");

    // An orderly end writes it.
    let files = server.stop();
    let mut server = Server::start_in(&lan.server, files, &config);
    let second = in_file(&server);
    assert!(second.expires_s > first.expires_s && second.expires_s <= renewed_s, "{second:?} {renewed_s}");

    // A crash costs it; the next start lets every lease last longer by as much as may have been lost.
    renew(&lan, address, second.expires_s);
    let files = std::sync::Arc::clone(server.directory());
    server.kill();
    let server = Server::start_in(&lan.server, files, &config);
    assert_eq!(in_file(&server), second);
    let other = move || DhcpClient::new(6).reboot(machine(2), address, Duration::from_secs(5)).map(|reply| reply.kind);
    assert_ne!(lan.clients[0].spawn(other).join().expect("the client ends"), Some(ACK), "it is not another's to have");
}
