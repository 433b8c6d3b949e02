//! Waiting for something to become true, with a deadline.

use std::io;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up. Generous, since the machines of continuous integration are slow and
/// shared; a passing test never waits this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_millis(5);

/// Asks `attempt` again and again until it yields a value. Panics with `what` when [`PATIENCE`] is over.
pub fn wait_for<T>(what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    wait_at_most(PATIENCE, || what.to_owned(), attempt)
}

/// Like [`wait_for`], with a patience of its own. What was waited for is told when it is over.
pub fn wait_at_most<T>(patience: Duration, what: impl FnOnce() -> String, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        if start.elapsed() >= patience {
            panic!("waited {patience:?} in vain for {}", what());
        }
        std::thread::sleep(STEP);
    }
}

/// Like [`wait_for`], for a plain condition.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Makes a system call again that was interrupted: a machine that is stopped for a moment, as snapshots do, interrupts calls with a time limit.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
