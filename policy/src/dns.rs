//! What the dns worker may do.

use crate::base::{self, MIB};
use crate::table::{Call, Test, WorkerPolicy, arg, call};

const CALLS: &[Call] = &[
    call("accept4", libc::SYS_accept4).when(&[arg(0, Test::Sockets)]).why("a client's TCP connection"),
    call("getpeername", libc::SYS_getpeername)
        .when(&[arg(0, Test::Later)])
        .why("who made a TCP connection; which upstream a socket leads to, for copies of packets (`dumpfile`)"),
    call("getsockname", libc::SYS_getsockname)
        .when(&[arg(0, Test::Later)])
        .why("which of our addresses a TCP connection was made to; where a query leaves from, for copies of packets"),
];

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "dns",
    calls: &[base::CALLS, CALLS],
    killed: base::KILLED,
    capabilities: &[],
    namespaces: base::NAMESPACES,
    // Cache, hosts and block lists live here. Descriptors: 150 queries in flight at several upstreams each, sockets that rest, TCP
    // connections to upstreams, and the clients' connections.
    limits: &base::limits(1024 * MIB, 4096),
    reads_directories: false,
};
