//! What the tftp worker may do.

use crate::base::{self, MIB};
use crate::table::{Call, Test, WorkerPolicy, arg, call};

const CALLS: &[Call] = &[
    call("openat2", libc::SYS_openat2).why(
        "files below the roots. The filter cannot see the path or the resolve flags: Landlock is the wall, which allows \
         reading below the handed directories and nothing else",
    ),
    call("pread64", libc::SYS_pread64).why("read a block of an open file"),
    call("fstat", libc::SYS_fstat).why("size and kind of an open file"),
    call("newfstatat", libc::SYS_newfstatat).when(&[arg(3, Test::OneOf(&[libc::AT_EMPTY_PATH as u32]))]).why(
        "how the C library spells fstat. The filter cannot see that the path is empty: in the empty root there is nothing \
         to ask about, and elsewhere it gives away attributes, never content",
    ),
];

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "tftp",
    calls: &[base::CALLS, CALLS],
    killed: base::KILLED,
    capabilities: &[],
    namespaces: base::NAMESPACES,
    // A block per transfer, no file content. Descriptors: a socket and a file for each of the transfers; `tftp-max` beyond
    // this number is cut by the parent.
    limits: &base::limits(256 * MIB, 2048),
    reads_directories: true,
};
