//! Both clocks, read once per turn.

use ipc::time::Now;
use nix::time::{ClockId, clock_gettime};

/// Reads both clocks (through the vDSO: no system call).
pub fn now() -> Now {
    let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the monotonic clock exists");
    let wall = clock_gettime(ClockId::CLOCK_REALTIME).expect("the wall clock exists");
    Now {
        monotonic_ms: monotonic.tv_sec() as u64 * 1000 + monotonic.tv_nsec() as u64 / 1_000_000,
        wall_s: wall.tv_sec().max(0) as u64,
    }
}
