//! What happens when: a queue of events by pretend time.

use std::collections::BTreeMap;

/// Events to come. Those of one moment happen in the order in which they were planned.
#[derive(Debug)]
pub struct Agenda<E> {
    events: BTreeMap<(u64, u64), E>,
    planned: u64,
}

impl<E> Agenda<E> {
    /// An empty one.
    pub fn new() -> Agenda<E> {
        Agenda { events: BTreeMap::new(), planned: 0 }
    }

    /// Plans an event at a time in milliseconds.
    pub fn plan(&mut self, at_ms: u64, event: E) {
        self.planned += 1;
        self.events.insert((at_ms, self.planned), event);
    }

    /// When the next event happens.
    pub fn next_ms(&self) -> Option<u64> {
        self.events.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// The next event.
    pub fn take(&mut self) -> Option<E> {
        self.events.pop_first().map(|(_, event)| event)
    }

    /// Drops the events of which `keep` is not true.
    pub fn retain(&mut self, keep: impl Fn(&E) -> bool) {
        self.events.retain(|_, event| keep(event));
    }
}
