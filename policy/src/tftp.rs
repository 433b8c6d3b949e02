//! What the tftp worker may do.

use crate::base::{self, MIB};
use crate::table::{Call, Test, WorkerPolicy, arg, call};

const CALLS: &[Call] = &[
    call("sendmsg", libc::SYS_sendmsg)
        .when(&[arg(0, Test::Sockets)])
        .why("errors from port 69, from the address that was asked"),
    call("recvfrom", libc::SYS_recvfrom).why("acknowledgements on a connected transfer socket"),
    call("openat2", libc::SYS_openat2).why(
        "files below the roots. The filter cannot see the path or the resolve flags: Landlock is the wall, which allows \
         reading below the handed directories and nothing else",
    ),
];

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "tftp",
    calls: &[base::CALLS, CALLS, base::FILE_CALLS],
    killed: base::KILLED,
    namespaces: base::NAMESPACES,
    // A block per transfer, no file content. Descriptors: a socket and a file for each of the transfers; `tftp-max` beyond
    // this number is cut by the parent.
    limits: &base::limits(256 * MIB, 2048),
    reads_directories: true,
};
