//! Ends a worker that computes without ever returning to its loop.
//!
//! A timer of *CPU time* ticks only while the process computes, so an idle worker is never woken. Two ticks without a turn of
//! the loop in between mean that one batch has taken a whole second of computing: the process ends, and the parent starts
//! another. (A ping by the parent would find the same thing, at the price of waking everybody for ever.)

use std::sync::atomic::{AtomicU32, Ordering};

/// Exit status that tells the parent why.
pub const STATUS: i32 = 102;
/// CPU time between two ticks, in microseconds.
const TICK_US: libc::suseconds_t = 500_000;

static TURNS: AtomicU32 = AtomicU32::new(0);
/// How many ticks without a turn end the process.
static PATIENCE: AtomicU32 = AtomicU32::new(1);
static TURNS_AT_LAST_TICK: AtomicU32 = AtomicU32::new(u32::MAX);

/// Marks a turn of the loop.
pub fn turn() {
    TURNS.fetch_add(1, Ordering::Relaxed);
    PATIENCE.store(1, Ordering::Relaxed);
}

/// Says that a file of so many bytes is going to be read within this turn: half a second of computing is allowed for each MiB, which is far
/// more than it takes and still has an end.
pub fn expect_work(bytes: usize) {
    let ticks = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    PATIENCE.store(ticks.saturating_add(1), Ordering::Relaxed);
}

/// Starts the timer. Must come before the filter, which allows neither call.
#[expect(unsafe_code, reason = "signal handlers and interval timers have no safe wrapper that fits")]
pub fn start() {
    extern "C" fn tick(_: libc::c_int) {
        let turns = TURNS.load(Ordering::Relaxed);
        if TURNS_AT_LAST_TICK.swap(turns, Ordering::Relaxed) == turns && PATIENCE.fetch_sub(1, Ordering::Relaxed) <= 1 {
            // SAFETY: `_exit` is async-signal-safe and does not return.
            unsafe { libc::_exit(STATUS) };
        }
    }
    let period = libc::timeval { tv_sec: 0, tv_usec: TICK_US };
    let timer = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: the handler touches three atomics and calls `_exit` only; all structures live across the calls and are
    // zero-initialised where not set.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = tick as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut());
        libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut());
    }
}
