//! Connected sockets of one upstream that wait for a question. Each is used for one question only, so that its port is as random as
//! the id; the reserve saves the round trip to the parent while there is traffic, and is empty when there is none.

use std::collections::VecDeque;

use crate::input::Handle;

/// Most sockets kept or asked for beyond those needed now.
const TARGET_MAX: u32 = 32;
/// A socket that nobody needed for so long is closed.
const UNUSED_MS: u64 = 1000;

/// The spare sockets of one upstream.
#[derive(Debug, Default)]
pub(crate) struct Reserve {
    /// With the time of arrival, oldest first.
    ready: VecDeque<(Handle, u64)>,
    /// Asked for and not yet here.
    wanted: u32,
    /// How many of `wanted` were asked for under a former meaning of the index.
    stale: u32,
    /// Sockets to keep ahead of need; doubles when a question found none, halves when one was not needed.
    target: u32,
}

impl Reserve {
    /// A socket for a question.
    pub fn take(&mut self) -> Option<Handle> {
        let taken = self.ready.pop_front();
        if taken.is_none() {
            self.target = (self.target * 2).clamp(1, TARGET_MAX);
        }
        taken.map(|(socket, _)| socket)
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
    pub fn keep(&mut self, socket: Handle, now_ms: u64) {
        self.ready.push_back((socket, now_ms));
    }

    /// How many sockets to ask for, when `queued` questions wait for one.
    pub fn need(&mut self, queued: usize) -> u32 {
        let queued = u32::try_from(queued).unwrap_or(u32::MAX);
        let coming = self.wanted - self.stale;
        let present = coming.saturating_add(self.ready.len() as u32);
        // Asking again only when half the reserve is gone makes messages fewer and larger.
        if coming >= queued && present >= queued.saturating_add(self.target / 2) {
            return 0;
        }
        let count = queued.saturating_add(self.target).saturating_sub(present);
        self.wanted = self.wanted.saturating_add(count);
        count
    }

    /// A socket that was not needed for too long, to be closed. Call until there is none.
    pub fn unused(&mut self, now_ms: u64) -> Option<Handle> {
        let (_, since) = self.ready.front()?;
        if since + UNUSED_MS > now_ms {
            return None;
        }
        self.target /= 2;
        if self.ready.len() == 1 {
            // An idle upstream keeps no memory either.
            return std::mem::take(&mut self.ready).pop_front().map(|(socket, _)| socket);
        }
        self.ready.pop_front().map(|(socket, _)| socket)
    }

    /// When [`Reserve::unused`] will have something.
    pub fn deadline(&self) -> Option<u64> {
        self.ready.front().map(|(_, since)| since + UNUSED_MS)
    }

    /// Is there no socket, nor any on its way?
    pub fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.wanted == 0
    }

    /// Takes a socket that failed out of the reserve. Was it there?
    pub fn forget(&mut self, socket: Handle) -> bool {
        let before = self.ready.len();
        self.ready.retain(|(ready, _)| *ready != socket);
        self.ready.len() < before
    }

    /// The index now means another upstream: what is on its way belongs to nobody. Yields the sockets to close.
    pub fn retire(&mut self) -> impl Iterator<Item = Handle> {
        self.stale = self.wanted;
        self.target = 0;
        std::mem::take(&mut self.ready).into_iter().map(|(socket, _)| socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_grows_with_need_and_vanishes_without() {
        let mut reserve = Reserve::default();
        assert!(reserve.take().is_none());
        assert_eq!(reserve.need(1), 2);
        assert_eq!(reserve.need(1), 0);
        assert!(reserve.arrived() && reserve.arrived());
        reserve.keep(Handle(2), 50);
        assert_eq!(reserve.need(0), 0);
        assert_eq!(reserve.take(), Some(Handle(2)));
        reserve.keep(Handle(3), 60);
        assert_eq!(reserve.deadline(), Some(1060));
        assert_eq!((reserve.unused(1059), reserve.unused(1060)), (None, Some(Handle(3))));
        assert_eq!((reserve.deadline(), reserve.need(0)), (None, 0));
    }

    #[test]
    fn sockets_of_a_former_upstream_are_not_used() {
        let mut reserve = Reserve::default();
        reserve.take();
        assert_eq!(reserve.need(1), 2);
        assert_eq!(reserve.retire().count(), 0);
        assert_eq!(reserve.need(1), 1);
        assert!(!reserve.arrived());
        assert_eq!(reserve.refused(1), 0);
        assert!(reserve.arrived());
    }
}
