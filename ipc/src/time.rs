//! The two clocks, read once per batch by the shell and handed to a core as an argument.

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Milliseconds of the monotonic clock: for waiting and for cache lifetimes.
    pub monotonic_ms: u64,
    /// Seconds since the epoch: for lease expiry.
    pub wall_s: u64,
}
