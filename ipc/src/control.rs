//! The envelope of every message after the boot message: what all roles have in common.

use serde::{Deserialize, Serialize};

/// parent to worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker<M> {
    /// Stop taking new work, finish what is owed, answer `Drained`, and leave.
    Drain,
    /// Log the statistics (SIGUSR1).
    DumpStatistics {
        /// How far local time is from UTC, in seconds: workers have no table of time zones.
        utc_offset_s: i32,
    },
    /// A message of the role's own conversation.
    Role(M),
    /// Builds with the `probe` feature: misbehave in this way. Other builds treat it as an illegal message.
    Misbehave(Misbehavior),
}

/// worker to parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent<M> {
    /// Confined. Sent once; the text says what is in force and what this kernel lacks. The parent logs it, and only then sends
    /// anything else.
    Ready {
        /// One line for the log.
        confinement: String,
    },
    /// Answer to `Drain`: nothing is owed any more; the worker exits right after.
    Drained,
    /// A message of the role's own conversation.
    Role(M),
}

/// Ways for a worker to go wrong on purpose (fault tests).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Misbehavior {
    /// Panic.
    Panic,
    /// Call `abort`.
    Abort,
    /// Run in circles without ever returning to the loop.
    Loop,
    /// Overflow the stack.
    Overflow,
    /// Write to address zero.
    Fault,
}
