//! What the dhcp worker may do.

use crate::base::{self, MIB};
use crate::table::{Call, Test, WorkerPolicy, arg, call};

const CALLS: &[Call] = &[call("sendmsg", libc::SYS_sendmsg)
    .when(&[arg(0, Test::Sockets)])
    .why("replies by the interface they belong to; never on the echo socket, which could forge packets")];

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "dhcp",
    calls: &[base::CALLS, CALLS],
    killed: base::KILLED,
    namespaces: base::NAMESPACES,
    // Leases and host rules live here. Nothing arrives after confinement.
    limits: &base::limits(256 * MIB, 16),
    reads_directories: false,
};
