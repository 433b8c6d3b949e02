//! Events that wait for the script, encoded, in order; bounded in bytes.

use std::collections::VecDeque;

/// Most bytes that wait. An event takes a hundred or two, so these are the events of some hundred thousand leases at once: what a start
/// or a reload tells of the largest networks. When full, new events are dropped and counted, and once the queue is empty all leases are
/// told again.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 << 20;

/// Counted for each event besides its bytes.
const EVENT_COST: usize = 48;

/// The events.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: VecDeque<Vec<u8>>,
    bytes: usize,
    lost: u32,
}

impl Queue {
    /// Adds an event behind all others, or counts it as lost.
    pub(crate) fn push(&mut self, event: Vec<u8>) {
        let cost = event.len() + EVENT_COST;
        if self.bytes + cost > QUEUE_BYTES_MAX {
            self.lost = self.lost.saturating_add(1);
        } else {
            self.bytes += cost;
            self.events.push_back(event);
        }
    }

    /// The next event.
    pub(crate) fn pop(&mut self) -> Option<Vec<u8>> {
        let event = self.events.pop_front()?;
        self.bytes -= event.len() + EVENT_COST;
        Some(event)
    }

    /// How many events were lost since this was last asked.
    pub(crate) fn take_lost(&mut self) -> u32 {
        std::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_loses_the_newest_and_counts() {
        let mut queue = Queue::default();
        let big = QUEUE_BYTES_MAX / 4;
        for _ in 0..6 {
            queue.push(vec![0; big - EVENT_COST]);
        }
        assert_eq!(queue.take_lost(), 2);
        assert!(queue.pop().is_some());
        queue.push(vec![1]);
        assert_eq!(queue.take_lost(), 0);
        assert_eq!(std::iter::from_fn(|| queue.pop()).last(), Some(vec![1]));
        assert_eq!(queue.bytes, 0);
    }
}
