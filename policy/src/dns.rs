//! What the dns worker may do.

use crate::base::{self, MIB};
use crate::table::{Call, Test, WorkerPolicy, arg, call};

const CALLS: &[Call] = &[
    call("recvmmsg", libc::SYS_recvmmsg).why("a batch of queries or replies"),
    call("sendmmsg", libc::SYS_sendmmsg)
        .when(&[arg(0, Test::Sockets)])
        .why("a batch of answers from a port socket; a connected upstream socket cannot be aimed elsewhere with it"),
    call("sendmsg", libc::SYS_sendmsg).when(&[arg(0, Test::Sockets)]).why("one answer from a port socket"),
    call("recvfrom", libc::SYS_recvfrom).why("a reply on a connected upstream socket, bytes of a connection"),
    call("accept4", libc::SYS_accept4).when(&[arg(0, Test::Sockets)]).why("a client's TCP connection"),
    call("shutdown", libc::SYS_shutdown).when(&[arg(0, Test::Later)]).why("the end of a TCP connection"),
];

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "dns",
    calls: &[base::CALLS, CALLS, base::FILE_CALLS],
    killed: base::KILLED,
    namespaces: base::NAMESPACES,
    // Cache, hosts and block lists live here. Descriptors: 150 queries in flight at several upstreams each, their TCP
    // connections, and the clients' connections.
    limits: &base::limits(1024 * MIB, 4096),
    reads_directories: false,
};
