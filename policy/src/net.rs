//! What the net worker may do: the one that holds a capability, and therefore the one that hears nobody but the parent and the kernel.

use caps::Capability;

use crate::base::{self, MIB};
use crate::table::{CapabilityRow, WorkerPolicy};

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "net",
    // Its netlink sockets are in fixed places; without an address, what is sent on them goes to the kernel.
    calls: &[base::CALLS],
    killed: base::KILLED,
    capabilities: &[CapabilityRow {
        capability: Capability::CAP_NET_ADMIN,
        why: "address sets and marks of connections. The kernel looks for it in the user namespace that the machine's network belongs \
              to, at each message and in its sender, not only in whoever opened the socket. So this worker has no user namespace, \
              nor others, which could not be made without one",
    }],
    namespaces: &[],
    // The names of sets live here. Nothing arrives after confinement.
    limits: &base::limits(64 * MIB, 16),
    reads_directories: false,
};
