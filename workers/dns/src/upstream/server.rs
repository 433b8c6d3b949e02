//! One upstream server, and the sockets that lead to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use super::Flight;
use crate::exchange::Ticket;
use crate::hash::Map;
use crate::input::Handle;
use crate::outbox::{Action, Outbox};
use crate::reserve::{Port, Reserve};

#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    pub(super) pool: Pool,
    /// The same for each mark (`conntrack`), as long as there is anything in them.
    pub(super) marked: BTreeMap<u32, Pool>,
    /// All questions leave from one port, so one socket carries them and only the id tells them apart.
    pub(super) shared: Option<Shared>,
    /// Connections that have served; the longest idle first.
    pub(super) idle: VecDeque<Idle>,
    /// The loop probe that is to be sent to it.
    pub(super) probe: Option<u32>,
    /// It leads back here.
    pub(super) looping: bool,
}

/// A connection that has served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    pub(super) socket: Handle,
    /// What it carries, and so must its next question.
    pub(super) mark: u32,
    /// When it is closed.
    pub(super) until_ms: u64,
}

/// Sockets for one question each, and who waits for one. No socket changes its pool.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) reserve: Reserve,
    /// Attempts that wait for a socket.
    pub(super) queue: VecDeque<(Ticket, usize)>,
}

/// The one socket of an upstream with a fixed source port. It carries no mark, since it carries everybody's questions.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) socket: Option<Handle>,
    pub(super) wanted: bool,
    pub(super) flights: BTreeMap<u16, (Ticket, usize)>,
}

impl Upstream {
    pub(super) fn new(address: SocketAddr, one_port: bool) -> Upstream {
        let shared = one_port.then(Shared::default);
        let (pool, marked, idle) = (Pool::default(), BTreeMap::new(), VecDeque::new());
        Upstream { address, pool, marked, shared, idle, probe: None, looping: false }
    }

    /// A socket for a question with this mark, if there is one.
    pub(super) fn take_port(&mut self, mark: u32, now_ms: u64) -> Option<Port> {
        match &self.shared {
            Some(shared) => shared.socket.map(|socket| Port::new(socket, now_ms)),
            None => self.pool(mark).reserve.take(now_ms),
        }
    }

    /// The pool of a mark.
    pub(super) fn pool(&mut self, mark: u32) -> &mut Pool {
        if mark == 0 || self.shared.is_some() { &mut self.pool } else { self.marked.entry(mark).or_default() }
    }

    /// All pools with their marks.
    pub(super) fn pools(&self) -> impl Iterator<Item = (u32, &Pool)> {
        std::iter::once((0, &self.pool)).chain(self.marked.iter().map(|(mark, pool)| (*mark, pool)))
    }

    pub(super) fn pools_mut(&mut self) -> impl Iterator<Item = (u32, &mut Pool)> {
        std::iter::once((0, &mut self.pool)).chain(self.marked.iter_mut().map(|(mark, pool)| (*mark, pool)))
    }
}

impl Pool {
    /// Is nothing in it and nothing on its way to it?
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.reserve.is_idle()
    }
}

impl Shared {
    /// How many sockets to ask for when so many questions wait.
    pub(super) fn need(&mut self, queued: usize) -> u32 {
        let need = self.socket.is_none() && !self.wanted && queued > 0;
        self.wanted |= need;
        u32::from(need)
    }
}

/// Closes the waiting sockets of an upstream whose index gets another meaning, and collects the attempts that waited for one.
pub(super) fn retire(
    upstream: &mut Upstream,
    sockets: &mut Map<Handle, Flight>,
    orphans: &mut Vec<(Ticket, usize)>,
    out: &mut Outbox,
) {
    orphans.extend(upstream.pools_mut().flat_map(|(_, pool)| pool.queue.drain(..)));
    (upstream.probe, upstream.looping) = (None, false);
    for Idle { socket, .. } in upstream.idle.drain(..) {
        sockets.remove(&socket);
        out.actions.push(Action::CloseUpstream { socket });
    }
    if let Some(shared) = &mut upstream.shared {
        let Shared { socket, flights, .. } = std::mem::take(shared);
        orphans.extend(flights.into_values());
        if let Some(socket) = socket {
            sockets.remove(&socket);
            out.actions.push(Action::CloseUpstream { socket });
        }
    }
    for (_, pool) in upstream.pools_mut() {
        for socket in pool.reserve.retire() {
            sockets.remove(&socket);
            out.actions.push(Action::CloseUpstream { socket });
        }
    }
}
