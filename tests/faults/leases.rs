//! A lease that a client has been told of is in the lease file at that moment.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use support::dhcp_client::{ACK, Hardware, machine};
use support::{DhcpClient, Subject};

use crate::service::{lan, start};

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
