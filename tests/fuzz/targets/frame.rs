//! Messages between processes: what a captured process could send.

use std::net::Ipv4Addr;

use ipc::boot::Boot;
use ipc::config::dhcp::DhcpSlice;
use ipc::config::dns::DnsSlice;
use ipc::config::routing::Routing;
use ipc::config::tftp::TftpSlice;
use ipc::control::{ToParent, ToWorker};
use ipc::dhcp::{Neighbor, Ticket};
use ipc::known_host::{KnownAddress, KnownHosts, KnownName};
use ipc::lease::{Lease, LeaseChange};
use ipc::link::HardwareAddress;
use ipc::log::{Batch, Line, Severity};
use ipc::{dhcp, dns, frame, tftp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads the bytes as every type that crosses a process boundary.
pub fn decode(bytes: &[u8]) {
    one_behind_the_other::<ToParent<dns::ToParent>>(bytes);
    one_behind_the_other::<ToParent<dhcp::ToParent>>(bytes);
    one_behind_the_other::<ToParent<tftp::ToParent>>(bytes);
    one_behind_the_other::<ToWorker<dns::ToWorker>>(bytes);
    one_behind_the_other::<ToWorker<dhcp::ToWorker>>(bytes);
    one_behind_the_other::<ToWorker<tftp::ToWorker>>(bytes);
    let _ = frame::decode::<Batch>(bytes);
    let _ = frame::decode::<Boot>(bytes);
    let _ = frame::decode_slice::<(DnsSlice, Routing)>(bytes);
    let _ = frame::decode_slice::<DhcpSlice>(bytes);
    let _ = frame::decode_slice::<TftpSlice>(bytes);
}

/// Reads as both ends of a channel do.
fn one_behind_the_other<M: DeserializeOwned>(mut bytes: &[u8]) {
    while let Ok((_, length)) = frame::decode_first::<M>(bytes) {
        bytes = &bytes[length..];
    }
}

fn encoded<M: Serialize>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes).expect("a short message");
    bytes
}

/// Messages that captured workers would like to forge.
pub fn seeds() -> Vec<Vec<u8>> {
    let hardware = HardwareAddress::new(1, &[2, 0, 0, 0, 0, 5]).expect("six bytes");
    let address = Ipv4Addr::new(10, 0, 0, 99);
    let lease = Lease {
        address,
        hardware,
        client_id: Some(vec![1, 2, 3]),
        name: Some("host".to_owned()),
        expires_s: 1_700_003_600,
        provenance: None,
    };
    let commit = dhcp::ToParent::Commit {
        ticket: Ticket(9),
        changes: vec![LeaseChange::Put(lease.clone()), LeaseChange::Remove(address)],
        neighbor: Some(Neighbor { interface: 2, address, hardware }),
        contact: None,
    };
    let known = KnownHosts {
        names: vec![KnownName { name: "host".to_owned(), addresses: vec![address], primary: None, ipv6: true }],
        addresses: vec![KnownAddress { address, name: "host".to_owned(), domain: Some("lan".to_owned()) }],
    };
    let lines = vec![Line { severity: Severity::Info, text: "query[A] host from 10.0.0.9".to_owned() }];
    vec![
        encoded(&ToParent::Role(commit)),
        encoded(&ToParent::<dns::ToParent>::Ready { confinement: "uid 1".to_owned() }),
        encoded(&ToParent::Role(dns::ToParent::WantUdp { upstream: 3, count: 8, mark: 0 })),
        encoded(&ToParent::Role(dns::ToParent::ResolvUpstreams(vec![([192, 0, 2, 1], 53).into()]))),
        encoded(&ToParent::Role(dns::ToParent::KnownHosts { known, last: true })),
        encoded(&ToParent::Role(tftp::ToParent::WantTransfer {
            ticket: 1,
            client: ([10, 0, 0, 9], 4000).into(),
            local: address.into(),
            interface: 2,
        })),
        encoded(&ToWorker::Role(dhcp::ToWorker::Leases(vec![lease]))),
        encoded(&ToWorker::Role(dns::ToWorker::HostsFile { path: "/etc/hosts".to_owned(), error: None })),
        encoded(&Batch { lines, captured: None, lost: 3 }),
    ]
}
