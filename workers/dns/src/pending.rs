//! Questions in flight upstream over UDP.
//!
//! One entry per question with one attempt per upstream asked. Tickets grow with time, so the ordered table is also the queue by age.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::exchange::Ticket;
use crate::input::Handle;
use crate::wire::Question;

/// A question counts against `dns-forward-max` for so long, and its entry may be taken for a newer one afterwards.
pub(crate) const YOUNG_MS: u64 = 10_000;
/// A question is given up after so long; until then a late reply is still delivered.
pub(crate) const LIFETIME_MS: u64 = 40_000;

/// One question in flight.
#[derive(Debug)]
pub(crate) struct Pending {
    pub group: u32,
    /// The mark of its sockets.
    pub mark: u32,
    /// The query as it is sent, but for the id.
    pub query: Box<[u8]>,
    pub question: Question,
    /// Which letters of the question are not the client's.
    pub flipped: u32,
    pub begun_ms: u64,
    pub attempts: Vec<Attempt>,
    /// Have all upstreams of the group been asked?
    pub asked_all: bool,
    /// When to repeat by ourselves, and the pause after that (`fast-dns-retry`).
    pub repeat: Option<Repeat>,
}

/// The schedule of `fast-dns-retry`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    pub at_ms: u64,
    pub pause_ms: u64,
    pub until_ms: u64,
}

/// One upstream that is asked.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Index of the upstream.
    pub upstream: u32,
    pub address: SocketAddr,
    pub id: u16,
    pub state: AttemptState,
    pub sent_ms: u64,
}

/// How far an attempt is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AttemptState {
    /// Waits for a socket.
    Queued,
    /// Sent, no reply yet.
    Sent(Handle),
    /// The upstream refused or failed to answer, or seems not to be there; the socket is kept for a repetition or a late reply.
    Refused(Handle),
    /// Could not be sent, or the socket failed.
    Failed,
}

impl Attempt {
    /// The socket, if there is one.
    pub fn socket(&self) -> Option<Handle> {
        match self.state {
            AttemptState::Sent(socket) | AttemptState::Refused(socket) => Some(socket),
            AttemptState::Queued | AttemptState::Failed => None,
        }
    }

    /// Can a reply still come?
    pub fn is_open(&self) -> bool {
        matches!(self.state, AttemptState::Queued | AttemptState::Sent(_))
    }
}

/// All questions in flight. Bounded: `dns-forward-max` young ones per group, and old ones make room.
#[derive(Debug, Default)]
pub(crate) struct PendingTable {
    entries: BTreeMap<Ticket, Pending>,
    /// Every ticket below this has aged and is no longer counted.
    aged_below: Ticket,
    /// Young questions by group.
    young: Vec<u32>,
}

impl PendingTable {
    /// Moves the mark of old age up to now.
    pub fn age(&mut self, now_ms: u64) {
        while let Some((ticket, entry)) = self.entries.range(self.aged_below..).next() {
            if entry.begun_ms + YOUNG_MS > now_ms {
                break;
            }
            self.aged_below = ticket + 1;
            if let Some(count) = self.young.get_mut(entry.group as usize) {
                *count -= 1;
            }
        }
    }

    /// Young questions of a group.
    pub fn young(&self, group: u32) -> u32 {
        self.young.get(group as usize).copied().unwrap_or(0)
    }

    /// Adds a question whose ticket is greater than all before.
    pub fn insert(&mut self, ticket: Ticket, pending: Pending) {
        let group = pending.group as usize;
        if self.young.len() <= group {
            self.young.resize(group + 1, 0);
        }
        self.young[group] += 1;
        self.entries.insert(ticket, pending);
    }

    pub fn get(&mut self, ticket: Ticket) -> Option<&mut Pending> {
        self.entries.get_mut(&ticket)
    }

    pub fn remove(&mut self, ticket: Ticket) -> Option<Pending> {
        let pending = self.entries.remove(&ticket)?;
        if ticket >= self.aged_below
            && let Some(count) = self.young.get_mut(pending.group as usize)
        {
            *count -= 1;
        }
        Some(pending)
    }

    /// The oldest question if it has aged: it may make room for a new one.
    pub fn oldest_aged(&self) -> Option<Ticket> {
        self.entries.first_key_value().map(|(ticket, _)| *ticket).filter(|ticket| *ticket < self.aged_below)
    }

    /// The oldest question if its life is over.
    pub fn expired(&self, now_ms: u64) -> Option<Ticket> {
        let (ticket, entry) = self.entries.first_key_value()?;
        (entry.begun_ms + LIFETIME_MS <= now_ms).then_some(*ticket)
    }

    /// Questions in flight.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the oldest expires.
    pub fn deadline(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(_, entry)| entry.begun_ms + LIFETIME_MS)
    }

    /// When the next repetition is due, over all questions. Only walked with `fast-dns-retry`.
    pub fn next_repeat(&self) -> Option<u64> {
        self.entries.values().filter_map(|entry| entry.repeat).map(|repeat| repeat.at_ms).min()
    }

    /// The questions that are due for a repetition.
    pub fn due(&self, now_ms: u64) -> Vec<Ticket> {
        let due = |entry: &Pending| entry.repeat.is_some_and(|repeat| repeat.at_ms <= now_ms);
        self.entries.iter().filter(|(_, entry)| due(entry)).map(|(ticket, _)| *ticket).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    fn pending(group: u32, begun_ms: u64) -> Pending {
        let question = Question { name: Name::ROOT, qtype: 1, qclass: 1, end: 17 };
        let query = Box::default();
        let attempts = Vec::new();
        Pending { group, mark: 0, query, question, flipped: 0, begun_ms, attempts, asked_all: false, repeat: None }
    }

    #[test]
    fn only_young_questions_of_the_group_count() {
        let mut table = PendingTable::default();
        table.insert(1, pending(0, 0));
        table.insert(2, pending(1, 0));
        table.insert(3, pending(0, 5000));
        table.age(9999);
        assert_eq!((table.young(0), table.young(1), table.oldest_aged()), (2, 1, None));
        table.age(10_000);
        assert_eq!((table.young(0), table.young(1), table.oldest_aged()), (1, 0, Some(1)));
        table.remove(1);
        table.remove(3);
        assert_eq!((table.young(0), table.len(), table.deadline()), (0, 1, Some(40_000)));
        assert_eq!((table.expired(39_999), table.expired(40_000)), (None, Some(2)));
    }
}
