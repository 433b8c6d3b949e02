//! What the dhcp worker may do.

use crate::base::{self, MIB};
use crate::table::WorkerPolicy;

/// The table.
pub const POLICY: WorkerPolicy = WorkerPolicy {
    role: "dhcp",
    calls: &[base::CALLS],
    killed: base::KILLED,
    capabilities: &[],
    namespaces: base::NAMESPACES,
    // Leases and host rules live here. Nothing arrives after confinement.
    limits: &base::limits(256 * MIB, 16),
    reads_directories: false,
};
