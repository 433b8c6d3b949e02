//! When a worker is started again: at once, then later and later; other workers are not concerned. Pure: time is an argument.

/// Waits before successive restarts, in milliseconds; the last one repeats.
const DELAYS_MS: [u64; 7] = [0, 100, 300, 1_000, 3_000, 10_000, 30_000];
/// A worker that lived this long starts again with the first wait.
const HEALTHY_MS: u64 = 60_000;

/// The restart history of one role.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restarts {
    failures: usize,
    started_ms: u64,
}

impl Restarts {
    /// A worker of the role was started.
    pub fn started(&mut self, now_ms: u64) {
        self.started_ms = now_ms;
    }

    /// The worker died. How long to wait before the next start, in milliseconds.
    pub fn died(&mut self, now_ms: u64) -> u64 {
        if now_ms.saturating_sub(self.started_ms) >= HEALTHY_MS {
            self.failures = 0;
        }
        let delay = DELAYS_MS[self.failures.min(DELAYS_MS.len() - 1)];
        self.failures += 1;
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_health_forgives() {
        let mut restarts = Restarts::default();
        let mut now = 0;
        for expected in [0, 100, 300, 1_000, 3_000, 10_000, 30_000, 30_000] {
            restarts.started(now);
            now += 1;
            assert_eq!(restarts.died(now), expected);
        }
        restarts.started(now);
        now += HEALTHY_MS;
        assert_eq!(restarts.died(now), 0);
    }
}
