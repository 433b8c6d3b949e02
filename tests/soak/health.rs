//! What the kernel says of the processes of the server.

use support::processes::status;

/// Memory and descriptors of all processes together.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// Resident memory, pages shared between them counted once for each.
    pub resident_kib: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Health {
    /// Of these processes, now.
    pub fn of(pids: &[i32]) -> Health {
        let resident = |pid: &i32| status(*pid, "VmRSS")?.split(' ').next()?.parse::<u64>().ok();
        let open = |pid: &i32| std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        Health { resident_kib: pids.iter().filter_map(resident).sum(), descriptors: pids.iter().map(open).sum() }
    }

    /// The larger of both figures.
    pub fn most(self, other: Health) -> Health {
        Health {
            resident_kib: self.resident_kib.max(other.resident_kib),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }
}
