//! Who gives up a connection when there are as many as `max-tcp-connections` allows.
//!
//! dnsmasq turns newcomers away, so that one client with connections shuts everybody out. Here, if no silent client makes room, the one
//! with the most connections loses its oldest, unless the newcomer would then have more than it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipc::time::Now;

use super::Front;
use crate::exchange::{Ask, Exchange};
use crate::input::Handle;
use crate::outbox::Outbox;
use crate::tcp::Stream;

/// A client that has asked nothing for so long may have to make room for another.
const SILENCE_MS: u64 = 1_000;

impl Front {
    /// Is there room for a connection from this address, perhaps because somebody else has lost one?
    pub(super) fn make_room_for(
        &mut self,
        newcomer: IpAddr,
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) -> bool {
        if self.streams.len() < self.streams_max as usize {
            return true;
        }
        let loser = self.longest_silent(now).or_else(|| self.oldest_of_the_greediest(newcomer));
        let Some(loser) = loser else { return false };
        if let Some(ticket) = self.streams.get(&loser).and_then(|stream| stream.waiting) {
            self.waiting.remove(ticket);
            exchange.asks.push(Ask::Forget { ticket });
        }
        self.close(loser, out);
        true
    }

    /// The connection that owes us a question for the longest time.
    fn longest_silent(&self, now: Now) -> Option<Handle> {
        let silent = |stream: &Stream| stream.waiting.is_none() && stream.asked_ms() + SILENCE_MS <= now.monotonic_ms;
        let silent = self.streams.iter().filter(|(_, stream)| silent(stream));
        silent.min_by_key(|(_, stream)| stream.asked_ms()).map(|(handle, _)| *handle)
    }

    /// The oldest connection of the client that has the most, if it has at least two more than the newcomer.
    fn oldest_of_the_greediest(&self, newcomer: IpAddr) -> Option<Handle> {
        let mut held: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for stream in self.streams.values() {
            *held.entry(stream.arrival.peer.ip()).or_default() += 1;
        }
        let (greediest, most) = held.iter().map(|(client, count)| (*client, *count)).max_by_key(|(_, count)| *count)?;
        let its = self.streams.iter().filter(|(_, stream)| stream.arrival.peer.ip() == greediest);
        let oldest = its.min_by_key(|(handle, stream)| (stream.deadline(), handle.0)).map(|(handle, _)| *handle);
        oldest.filter(|_| most >= held.get(&newcomer).copied().unwrap_or(0) + 2)
    }
}
