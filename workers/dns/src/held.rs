//! Queries and replies that wait for word from the kernel, which the parent has another worker ask.
//!
//! Nothing waits for long: what has no answer after [`WAIT_MS`] goes on without it, and as long as nobody answers, nothing more is
//! held. One line in the log says so.

use std::collections::BTreeMap;

use ipc::log::Line;

use crate::lines;

/// How long the kernel's answer is waited for. Usually it takes less than a millisecond; a client asks again after some seconds.
pub(crate) const WAIT_MS: u64 = 500;
/// The line about trouble comes no more often than this.
const WARNING_MS: u64 = 5000;
/// Most queries and replies that wait. Beyond it they go on as if the kernel could not be asked.
const HELD_MAX: usize = 4096;

/// What waits, by ticket.
#[derive(Debug)]
pub(crate) struct HeldTable<T> {
    /// Each with the end of its time. Tickets grow, so the first was asked first.
    entries: BTreeMap<u32, (u64, T)>,
    last_ticket: u32,
    /// Nobody answered in time, and nobody has answered since.
    silent: bool,
    /// When the log was last told that something goes wrong, in this spell of trouble or before.
    told_ms: Option<u64>,
    /// It knows of this spell.
    told: bool,
}

impl<T> HeldTable<T> {
    pub fn new() -> HeldTable<T> {
        HeldTable { entries: BTreeMap::new(), last_ticket: 0, silent: false, told_ms: None, told: false }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A ticket for a question to the kernel.
    pub fn ticket(&mut self) -> u32 {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        self.last_ticket
    }

    /// Holds something until the question with this ticket is answered. Gives it back if it is not to wait.
    pub fn hold(&mut self, ticket: u32, what: T, now_ms: u64, lines: &mut Vec<Line>) -> Option<T> {
        if self.silent || self.entries.len() >= HELD_MAX {
            self.tell(now_ms, lines);
            return Some(what);
        }
        self.entries.insert(ticket, (now_ms + WAIT_MS, what));
        None
    }

    /// A question was answered; `asked`: by the kernel, and not in its stead. What waited for it.
    pub fn answered(&mut self, ticket: u32, asked: bool, now_ms: u64, lines: &mut Vec<Line>) -> Option<T> {
        if asked {
            self.silent = false;
            self.told = false;
        } else {
            self.tell(now_ms, lines);
        }
        self.entries.remove(&ticket).map(|(_, what)| what)
    }

    /// What has waited long enough. Call until there is nothing.
    pub fn overdue(&mut self, now_ms: u64, lines: &mut Vec<Line>) -> Option<T> {
        let (ticket, (until_ms, _)) = self.entries.first_key_value()?;
        if *until_ms > now_ms {
            return None;
        }
        let ticket = *ticket;
        self.silent = true;
        self.tell(now_ms, lines);
        self.entries.remove(&ticket).map(|(_, what)| what)
    }

    /// When [`HeldTable::overdue`] will have something.
    pub fn deadline(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(_, (until_ms, _))| *until_ms)
    }

    fn tell(&mut self, now_ms: u64, lines: &mut Vec<Line>) {
        let recently = self.told_ms.is_some_and(|told_ms| told_ms + WARNING_MS > now_ms);
        if !std::mem::replace(&mut self.told, true) && !recently {
            self.told_ms = Some(now_ms);
            lines.push(lines::kernel_not_asked());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_answers_goes_on_and_then_nothing_waits() {
        let (mut held, mut lines) = (HeldTable::new(), Vec::new());
        let (first, second) = (held.ticket(), held.ticket());
        assert_eq!(held.hold(first, "first", 0, &mut lines), None);
        assert_eq!(held.hold(second, "second", 10, &mut lines), None);
        assert_eq!(held.deadline(), Some(WAIT_MS));
        assert_eq!(held.answered(second, true, 10, &mut lines), Some("second"));
        assert_eq!(held.overdue(WAIT_MS - 1, &mut lines), None);
        assert_eq!((held.overdue(WAIT_MS, &mut lines), lines.len()), (Some("first"), 1));
        let third = held.ticket();
        assert_eq!(held.hold(third, "third", WAIT_MS, &mut lines), Some("third"));
        assert_eq!(held.answered(first, true, WAIT_MS, &mut lines), None);
        assert_eq!((held.hold(third, "third", WAIT_MS, &mut lines), lines.len()), (None, 1));
        assert_eq!(held.answered(third, false, WAIT_MS, &mut lines), Some("third"));
        assert!(held.is_empty() && lines.len() == 1, "said again too soon");
        held.answered(third, true, WAIT_MS, &mut lines);
        held.answered(third, false, WAIT_MS + WARNING_MS, &mut lines);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_full_table_holds_nothing_more() {
        let (mut held, mut lines) = (HeldTable::new(), Vec::new());
        for _ in 0..HELD_MAX {
            let ticket = held.ticket();
            assert_eq!(held.hold(ticket, (), 0, &mut lines), None);
        }
        let ticket = held.ticket();
        assert_eq!((held.hold(ticket, (), 0, &mut lines), lines.len()), (Some(()), 1));
    }
}
