//! Who gives up a connection when there are as many as `max-tcp-connections` allows.
//!
//! dnsmasq turns newcomers away, so that one client with connections shuts everybody out. Here, if no silent client makes room, the one
//! with the most connections loses its oldest, unless the newcomer would then have more than it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Front;
use crate::exchange::{Ask, Exchange};
use crate::input::Handle;
use crate::outbox::Outbox;

impl Front {
    /// Is there room for a connection from this address, perhaps because somebody else has lost one?
    pub(super) fn take_seat(&mut self, newcomer: IpAddr, exchange: &mut Exchange, out: &mut Outbox) -> bool {
        if self.streams.len() < self.streams_max as usize {
            return true;
        }
        let Some(oldest) = self.oldest_of_the_greediest(newcomer) else { return false };
        if let Some(ticket) = self.streams.get(&oldest).and_then(|stream| stream.waiting) {
            self.waiting.remove(ticket);
            exchange.asks.push(Ask::Forget { ticket });
        }
        self.close(oldest, out);
        true
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
