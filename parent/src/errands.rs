//! What dns workers have had the net worker asked for, until it answers. Pure: no time, no sockets.
//!
//! Tickets of dns come back to dns only; the net worker sees numbers of the parent's own, which are used once. An answer to a number that
//! was not given to just this worker is a lie.

use std::collections::BTreeMap;

use ipc::net::ToWorker;
use ipc::role::Generation;

/// Most errands under way. A further one fails at once, and the net worker that owes so many answers is replaced.
const ERRANDS_MAX: usize = 4096;

/// Everything under way.
#[derive(Default)]
pub struct Errands {
    entries: BTreeMap<u32, (Errand, Stage)>,
    last: u32,
}

/// One question of a dns worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Which dns worker.
    pub asker: Generation,
    /// Its ticket.
    pub ticket: u32,
    /// What it asked for.
    pub kind: ErrandKind,
}

/// Kinds of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrandKind {
    /// Facts about a client.
    Look,
    /// Addresses for sets.
    Fill,
}

enum Stage {
    /// The net worker is still confining itself.
    Waiting(ToWorker),
    /// It was given to this net worker.
    Sent(Generation),
}

impl Errands {
    /// The number of a new errand, if there is room for one.
    pub fn number(&mut self) -> Option<u32> {
        if self.entries.len() >= ERRANDS_MAX {
            return None;
        }
        self.last = self.last.wrapping_add(1);
        Some(self.last)
    }

    /// Remembers that an errand was given to this net worker.
    pub fn sent(&mut self, number: u32, errand: Errand, to: Generation) {
        self.entries.insert(number, (errand, Stage::Sent(to)));
    }

    /// Keeps an errand until a net worker is ready.
    pub fn wait(&mut self, number: u32, errand: Errand, message: ToWorker) {
        self.entries.insert(number, (errand, Stage::Waiting(message)));
    }

    /// A net worker is ready: the messages that have waited for it, in order.
    pub fn give(&mut self, to: Generation) -> Vec<ToWorker> {
        let stages = self.entries.values_mut().map(|(_, stage)| stage);
        let waiting = stages.filter(|stage| matches!(stage, Stage::Waiting(_)));
        let given = waiting.filter_map(|stage| match std::mem::replace(stage, Stage::Sent(to)) {
            Stage::Waiting(message) => Some(message),
            Stage::Sent(_) => None,
        });
        given.collect()
    }

    /// The errand that a net worker has answered. `None`: it was given none of that number and kind.
    pub fn answered(&mut self, number: u32, kind: ErrandKind, by: Generation) -> Option<Errand> {
        match self.entries.get(&number) {
            Some((errand, Stage::Sent(to))) if *to == by && errand.kind == kind => {
                self.entries.remove(&number).map(|(errand, _)| errand)
            }
            _ => None,
        }
    }

    /// A net worker is gone: what it was given, and what waited for a worker, will not be answered.
    pub fn lost(&mut self, gone: Generation) -> Vec<Errand> {
        let is_lost = |stage: &Stage| match stage {
            Stage::Waiting(_) => true,
            Stage::Sent(to) => *to == gone,
        };
        let numbers: Vec<u32> =
            self.entries.iter().filter(|(_, (_, stage))| is_lost(stage)).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.entries.remove(&number)).map(|(errand, _)| errand).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Generation = Generation(1);
    const SECOND: Generation = Generation(2);

    fn errand(ticket: u32) -> Errand {
        Errand { asker: FIRST, ticket, kind: ErrandKind::Fill }
    }

    #[test]
    fn only_who_was_asked_can_answer_and_only_once() {
        let mut errands = Errands::default();
        let number = errands.number().unwrap();
        errands.sent(number, errand(9), SECOND);
        assert_eq!(errands.answered(number, ErrandKind::Fill, FIRST), None);
        assert_eq!(errands.answered(number, ErrandKind::Look, SECOND), None);
        assert_eq!(errands.answered(number + 1, ErrandKind::Fill, SECOND), None);
        assert_eq!(errands.answered(number, ErrandKind::Fill, SECOND), Some(errand(9)));
        assert_eq!(errands.answered(number, ErrandKind::Fill, SECOND), None);
    }

    #[test]
    fn what_waits_is_given_in_order_and_lost_with_its_worker() {
        let mut errands = Errands::default();
        let numbers: Vec<u32> = (0..3).map(|_| errands.number().unwrap()).collect();
        errands.wait(numbers[0], errand(0), ToWorker::Start);
        errands.sent(numbers[1], errand(1), FIRST);
        assert_eq!(errands.give(SECOND), [ToWorker::Start]);
        errands.wait(numbers[2], errand(2), ToWorker::Start);
        assert_eq!(errands.lost(SECOND), [errand(0), errand(2)]);
        assert_eq!(errands.lost(FIRST), [errand(1)]);
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut errands = Errands::default();
        for ticket in 0..ERRANDS_MAX as u32 {
            let number = errands.number().unwrap();
            errands.sent(number, errand(ticket), FIRST);
        }
        assert_eq!(errands.number(), None);
    }
}
