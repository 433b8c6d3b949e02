//! Loop probes on their way out, and what comes of those that return.

use super::UpstreamSide;
use super::attempts::send;
use crate::exchange::{Answer, Exchange};
use crate::input::Handle;
use crate::loops;
use crate::outbox::{Action, Outbox};

impl UpstreamSide {
    /// Sends loop probes to the upstreams without a domain, if they are wanted. Earlier ones mean nothing any more.
    pub fn probe(&mut self, now_ms: u64, exchange: &mut Exchange, out: &mut Outbox) {
        if !self.loop_detect {
            return;
        }
        self.probes.clear();
        let members = self.groups.first().map(|group| group.members.clone()).unwrap_or_default();
        for index in members {
            let Some(entry) = self.upstreams.get_mut(index as usize) else { continue };
            let mut number = self.random.next();
            while self.probes.contains_key(&number) {
                number = number.wrapping_add(1);
            }
            self.probes.insert(number, index);
            entry.probe = Some(number);
            self.sockets_moved = true;
            if let Some(port) = entry.take_port(0, now_ms) {
                self.sockets.remove(&port.socket);
                self.send_probe(index, port.socket, out);
            }
        }
        exchange.answers.push(Answer::Probing { numbers: self.probes.keys().copied().collect() });
    }

    /// Sends the probe that an upstream is owed. Nobody waits for a reply.
    pub(super) fn send_probe(&mut self, upstream: u32, socket: Handle, out: &mut Outbox) {
        let Some(entry) = self.upstreams.get_mut(upstream as usize) else { return };
        let Some(number) = entry.probe.take() else { return };
        send(&loops::query(number), self.random.next() as u16, socket, out);
        if entry.shared.is_none() {
            out.actions.push(Action::CloseUpstream { socket });
        }
    }

    /// A probe came back: its upstream is not used any more.
    pub(super) fn returned(&mut self, number: u32) {
        let Some(index) = self.probes.remove(&number) else { return };
        if let Some(group) = self.groups.first_mut() {
            group.leave_out(index);
        }
        if let Some(upstream) = self.upstreams.get_mut(index as usize) {
            upstream.looping = true;
        }
        self.loop_found = true;
    }

    /// Was a loop found since the last call?
    pub fn loop_found(&mut self) -> bool {
        std::mem::take(&mut self.loop_found)
    }

    /// Does this upstream lead back here?
    pub fn is_looping(&self, index: usize) -> bool {
        self.upstreams.get(index).is_some_and(|upstream| upstream.looping)
    }
}
