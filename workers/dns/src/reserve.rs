//! Connected sockets of one upstream that wait for a question. A port is as hard to guess as it is new, so a socket serves one question,
//! as long as there are few; the reserve saves the round trip to the parent while there is traffic, and is empty when there is none.
//! Under load a socket rests after its question and serves again, when many others have served in between
//! ([decision 12](../../../docs/decisions/0012-ports.md)).

use std::collections::VecDeque;

use crate::input::Handle;

/// Most sockets kept or asked for beyond those needed now.
const TARGET_MAX: u32 = 32;
/// A socket that nobody needed for so long is closed, and none is used at a greater age.
const LIFETIME_MS: u64 = 1000;
/// Sockets that rest, at least, before the one that has rested longest serves again: so many questions in a row have ports of their own.
pub(crate) const RESTING_MIN: usize = 256;
/// Sockets that rest, at most.
const RESTING_MAX: usize = RESTING_MIN + 2 * TARGET_MAX as usize;
/// Questions that a socket serves.
const QUESTIONS_MAX: u8 = 16;

/// A connected socket, and what it has behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// The socket.
    pub socket: Handle,
    /// When it came.
    born_ms: u64,
    /// How many questions it was taken for.
    questions: u8,
}

impl Port {
    /// A socket that has just come.
    pub fn new(socket: Handle, now_ms: u64) -> Port {
        Port { socket, born_ms: now_ms, questions: 1 }
    }

    /// This was its last question.
    pub fn wear_out(&mut self) {
        self.questions = QUESTIONS_MAX;
    }

    fn dies_ms(&self) -> u64 {
        self.born_ms + LIFETIME_MS
    }
}

/// The spare sockets of one upstream.
#[derive(Debug, Default)]
pub(crate) struct Reserve {
    /// Not used yet, oldest first.
    ready: VecDeque<Port>,
    /// Used; whose question ended first comes first.
    resting: VecDeque<Port>,
    /// Asked for and not yet here.
    wanted: u32,
    /// How many of `wanted` were asked for under a former meaning of the index.
    stale: u32,
    /// Sockets to keep ahead of need; doubles when a question found none, halves when one was not needed.
    target: u32,
}

impl Reserve {
    /// A socket for a question.
    pub fn take(&mut self, now_ms: u64) -> Option<Port> {
        if let Some(port) = self.ready.pop_front() {
            return Some(port);
        }
        if self.resting.len() >= RESTING_MIN
            && let Some(port) = self.resting.pop_front_if(|port| port.dies_ms() > now_ms)
        {
            return Some(Port { questions: port.questions + 1, ..port });
        }
        self.target = (self.target * 2).clamp(1, TARGET_MAX);
        None
    }

    /// Takes a socket back whose question is answered. False: it has served enough, or there is no such demand, and it must be closed.
    pub fn give_back(&mut self, port: Port, now_ms: u64) -> bool {
        let rests = self.target == TARGET_MAX
            && self.resting.len() < RESTING_MAX
            && port.questions < QUESTIONS_MAX
            && port.dies_ms() > now_ms;
        if rests {
            self.resting.push_back(port);
        }
        rests
    }

    /// A socket has come. False: it belongs to nobody any more and must be closed.
    pub fn arrived(&mut self) -> bool {
        self.wanted = self.wanted.saturating_sub(1);
        let fresh = self.stale == 0;
        self.stale = self.stale.saturating_sub(1);
        fresh
    }

    /// `count` sockets will not come. How many of those were wanted still?
    pub fn refused(&mut self, count: u32) -> u32 {
        self.wanted = self.wanted.saturating_sub(count);
        let stale = self.stale.min(count);
        self.stale -= stale;
        self.target = 0;
        count - stale
    }

    /// Keeps a socket that nobody needs now.
    pub fn keep(&mut self, port: Port) {
        self.ready.push_back(port);
    }

    /// How many sockets to ask for, when `queued` questions wait for one.
    pub fn need(&mut self, queued: usize) -> u32 {
        let queued = u32::try_from(queued).unwrap_or(u32::MAX);
        let coming = self.wanted - self.stale;
        let rested = (self.resting.len() + 1).saturating_sub(RESTING_MIN);
        let present = coming.saturating_add((self.ready.len() + rested) as u32);
        // Asking again only when half the reserve is gone makes messages fewer and larger.
        if coming >= queued && present >= queued.saturating_add(self.target / 2) {
            return 0;
        }
        let ahead = queued.saturating_add(self.target).saturating_sub(present);
        // Who waits has found those that rest too old.
        let count = ahead.max(queued.saturating_sub(coming));
        self.wanted = self.wanted.saturating_add(count);
        count
    }

    /// A socket that was not needed for too long, to be closed. Call until there is none.
    pub fn unused(&mut self, now_ms: u64) -> Option<Handle> {
        let late = |port: &mut Port| port.dies_ms() <= now_ms;
        let port = match self.ready.pop_front_if(late) {
            Some(port) => {
                self.target /= 2;
                port
            }
            None => self.resting.pop_front_if(late)?,
        };
        // An idle upstream keeps no memory either.
        for queue in [&mut self.ready, &mut self.resting] {
            if queue.is_empty() {
                queue.shrink_to_fit();
            }
        }
        Some(port.socket)
    }

    /// When [`Reserve::unused`] will have something.
    pub fn deadline(&self) -> Option<u64> {
        self.ready.front().into_iter().chain(self.resting.front()).map(Port::dies_ms).min()
    }

    /// Is there no socket, nor any on its way?
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.resting.is_empty() && self.wanted == 0
    }

    /// Takes a socket that failed out of the reserve. Was it there?
    pub fn forget(&mut self, socket: Handle) -> bool {
        let before = self.ready.len() + self.resting.len();
        self.ready.retain(|port| port.socket != socket);
        self.resting.retain(|port| port.socket != socket);
        self.ready.len() + self.resting.len() < before
    }

    /// The index now means another upstream: what is on its way belongs to nobody. Yields the sockets to close.
    pub fn retire(&mut self) -> impl Iterator<Item = Handle> {
        self.stale = self.wanted;
        self.target = 0;
        let resting = std::mem::take(&mut self.resting);
        std::mem::take(&mut self.ready).into_iter().chain(resting).map(|port| port.socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reserve that has been asked for more than it had, often.
    fn busy() -> Reserve {
        let mut reserve = Reserve::default();
        while reserve.target < TARGET_MAX {
            assert_eq!(reserve.take(0), None);
        }
        reserve
    }

    #[test]
    fn the_reserve_grows_with_need_and_vanishes_without() {
        let mut reserve = Reserve::default();
        assert!(reserve.take(0).is_none());
        assert_eq!(reserve.need(1), 2);
        assert_eq!(reserve.need(1), 0);
        assert!(reserve.arrived() && reserve.arrived());
        reserve.keep(Port::new(Handle(2), 50));
        assert_eq!(reserve.need(0), 0);
        let port = reserve.take(55).unwrap();
        assert_eq!(port.socket, Handle(2));
        assert!(!reserve.give_back(port, 56), "there is no demand for it");
        reserve.keep(Port::new(Handle(3), 60));
        assert_eq!(reserve.deadline(), Some(1060));
        assert_eq!((reserve.unused(1059), reserve.unused(1060)), (None, Some(Handle(3))));
        assert_eq!((reserve.deadline(), reserve.need(0)), (None, 0));
    }

    #[test]
    fn a_socket_serves_again_after_many_others_and_while_it_is_young() {
        let mut reserve = busy();
        let rest = |reserve: &mut Reserve, number: usize| {
            assert!(reserve.give_back(Port::new(Handle(number as u32), 10 + number as u64), 400));
        };
        (0..RESTING_MIN - 1).for_each(|number| rest(&mut reserve, number));
        assert_eq!(reserve.take(400), None);
        rest(&mut reserve, RESTING_MIN - 1);
        assert_eq!(reserve.take(1010), None, "it is too old");
        assert_eq!(reserve.take(1009).unwrap().socket, Handle(0));
        assert_eq!(reserve.take(1009), None);
        // A rest is no demand: who rests too long goes, and the target stays.
        assert_eq!((reserve.deadline(), reserve.unused(1011)), (Some(1011), Some(Handle(1))));
        assert_eq!(reserve.target, TARGET_MAX);
        assert_eq!(reserve.retire().count(), RESTING_MIN - 2);
    }

    #[test]
    fn who_finds_all_that_rest_too_old_gets_a_new_socket() {
        let mut reserve = busy();
        let late = 10 + LIFETIME_MS;
        for number in 0..RESTING_MAX as u32 {
            assert!(reserve.give_back(Port::new(Handle(number), 10), 11));
        }
        assert_eq!(reserve.take(late), None);
        assert_eq!(reserve.need(1), 1);
        assert_eq!(reserve.take(late), None);
        assert_eq!(reserve.need(2), 1);
        assert_eq!(reserve.need(2), 0, "they are on their way");
    }

    #[test]
    fn a_socket_serves_so_many_questions_and_no_more() {
        let mut reserve = busy();
        let mut port = Port::new(Handle(1), 0);
        for _ in 1..QUESTIONS_MAX {
            assert!(reserve.give_back(port, 1));
            reserve.resting.extend((2..=RESTING_MIN as u32).map(|other| Port::new(Handle(other), 0)));
            port = reserve.take(1).unwrap();
            reserve.resting.clear();
        }
        assert!(!reserve.give_back(port, 1));
        let mut found = Port::new(Handle(2), 0);
        found.wear_out();
        assert!(!reserve.give_back(found, 1));
        for number in 0..RESTING_MAX as u32 {
            assert!(reserve.give_back(Port::new(Handle(number), 0), 1));
        }
        assert!(!reserve.give_back(Port::new(Handle(0), 0), 1), "there are enough");
    }

    #[test]
    fn sockets_of_a_former_upstream_are_not_used() {
        let mut reserve = Reserve::default();
        reserve.take(0);
        assert_eq!(reserve.need(1), 2);
        assert_eq!(reserve.retire().count(), 0);
        assert_eq!(reserve.need(1), 1);
        assert!(!reserve.arrived());
        assert_eq!(reserve.refused(1), 0);
        assert!(reserve.arrived());
    }
}
