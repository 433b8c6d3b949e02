//! What the kernel says about the processes of a running server.

use std::fs;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::wait_for;

/// The words of the roles, as in process titles (`wardmasq-dns`).
pub const ROLES: [&str; 3] = ["dns", "dhcp", "tftp"];

/// The children of a process, whichever of its threads made them.
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>()).collect()
}

/// A process and everything below it.
pub fn family(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(parent) = all.get(next) {
        all.extend(children(*parent));
        next += 1;
    }
    all
}

/// Is there such a process, and is it more than a zombie?
pub fn alive(pid: i32) -> bool {
    status(pid, "State").is_some_and(|state| !state.starts_with(['Z', 'X']))
}

/// One line of `/proc/PID/status`, without its label.
pub fn status(pid: i32, label: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':')).map(|value| value.trim().to_owned())
}

/// The worker of this role below `parent`, as soon as there is exactly one, other than `before`.
pub fn worker(parent: i32, role: &str, before: Option<i32>) -> i32 {
    let title = format!("wardmasq-{role}");
    wait_for(&format!("one {title} below process {parent}"), || {
        let named = |pid: &i32| status(*pid, "Name").as_deref() == Some(&title) && alive(*pid);
        let found: Vec<i32> = children(parent).into_iter().filter(named).collect();
        match found[..] {
            [only] if Some(only) != before => Some(only),
            _ => None,
        }
    })
}

/// Ends a process that belongs to a server of this test.
pub fn kill(pid: i32) {
    signal::kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill a process of the server");
}

/// Nanoseconds that these processes have computed so far.
pub fn computed_ns(pids: &[i32]) -> u64 {
    let of_task = |path: &std::path::Path| -> Option<u64> {
        fs::read_to_string(path.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    let tasks = pids.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten().flatten();
    tasks.filter_map(|task| of_task(&task.path())).sum()
}

/// As [`computed_ns`], with what their children computed that have ended; that part in units of the kernel's clock tick.
pub fn computed_with_children_ns(pids: &[i32]) -> u64 {
    const TICKS_PER_SECOND: u64 = 100;
    let of_children = |pid: &i32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name, which may hold anything; cutime and cstime are fields 16 and 17 of the line.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(13..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        Some(ticks * (1_000_000_000 / TICKS_PER_SECOND))
    };
    computed_ns(pids) + pids.iter().filter_map(of_children).sum::<u64>()
}

/// How often these processes have gone to sleep so far: each was woken as often.
pub fn sleeps(pids: &[i32]) -> u64 {
    let count = |pid: &i32| status(*pid, "voluntary_ctxt_switches")?.parse::<u64>().ok();
    pids.iter().filter_map(count).sum()
}

/// Proportional memory of these processes together, in KiB.
pub fn memory_kib(pids: &[i32]) -> u64 {
    let of_one = |pid: &i32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    pids.iter().filter_map(of_one).sum()
}
