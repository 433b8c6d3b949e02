//! Talking to workers: what is sent, what is heard, whether it was legal, and their log lines.

use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use ipc::capture::Captured;
use ipc::control::{ToParent, ToWorker};
use ipc::lease::Lease;
use ipc::log::{Batch, LINES_MAX, Severity};
use ipc::role::Role;
use ipc::{dhcp, dns, frame, net, tftp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Hub, MESSAGES_PER_TURN, now_ms};
use crate::files;
use crate::log::Speaker;
use crate::permit::{self, Kind, Phase};
use crate::worker::{Heard, Sent, Worker};

impl Hub {
    pub(super) fn send<M: Serialize>(&mut self, index: usize, message: &ToWorker<M>, descriptors: Vec<OwnedFd>) {
        let sent = self.workers[index].send(message, descriptors);
        self.sent(index, sent);
    }

    pub(super) fn send_together<M: Serialize>(&mut self, index: usize, messages: Vec<M>) {
        let sent = self.workers[index].send_together(messages.into_iter().map(ToWorker::Role));
        self.sent(index, sent);
    }

    fn sent(&mut self, index: usize, sent: Sent) {
        match sent {
            Sent::Done => {}
            Sent::Queued => self.watch_control(index),
            Sent::Hung => {
                let fd = self.workers[index].control().as_raw_fd();
                self.condemn(fd, "does not read its messages");
            }
        }
    }

    pub(super) fn send_dns(&mut self, index: usize, message: dns::ToWorker, descriptors: Vec<OwnedFd>) {
        self.send(index, &ToWorker::Role(message), descriptors);
    }

    pub(super) fn messages(&mut self, fd: RawFd) {
        for _ in 0..MESSAGES_PER_TURN {
            let Some(index) = self.workers.iter().position(|worker| worker.owns(fd)) else { return };
            let more = match self.workers[index].role {
                Role::Dns => self.message::<dns::ToParent>(index, permit::dns_kind, permit::dns_cost, Self::dns_says),
                Role::Dhcp => self.message::<dhcp::ToParent>(index, permit::dhcp_kind, |_| 1, Self::dhcp_says),
                Role::Tftp => self.message::<tftp::ToParent>(index, permit::tftp_kind, |_| 1, Self::tftp_says),
                Role::Net => self.message::<net::ToParent>(index, permit::net_kind, |_| 1, Self::net_says),
            };
            if !more {
                return;
            }
            let paused = |worker: &Worker| worker.owns(fd) && worker.paused_until_ms.is_some();
            if self.workers.iter().any(paused) {
                return;
            }
        }
    }

    /// Takes what a worker has sent together; false when there is nothing (or never will be).
    fn message<M: DeserializeOwned>(
        &mut self,
        index: usize,
        kind: fn(&M) -> Kind,
        cost: fn(&M) -> u32,
        role: fn(&mut Hub, usize, M) -> bool,
    ) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let more = self.messages_of(index, &mut buffer, kind, cost, role);
        self.buffer = buffer;
        more
    }

    fn messages_of<M: DeserializeOwned>(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        kind: fn(&M) -> Kind,
        cost: fn(&M) -> u32,
        role: fn(&mut Hub, usize, M) -> bool,
    ) -> bool {
        let fd = self.workers[index].control().as_raw_fd();
        let length = match self.workers[index].hear(buffer) {
            Heard::Message(length) => length,
            Heard::Nothing => return false,
            Heard::Closed => {
                let _ = self.epoll.delete(self.workers[index].control());
                return false;
            }
            Heard::Illegal => {
                self.condemn(fd, "sent what is no message");
                return false;
            }
        };
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            let Ok((message, taken)) = frame::decode_first(rest) else {
                self.condemn(fd, "sent what is no message");
                return false;
            };
            rest = &rest[taken..];
            let Some(index) = self.workers.iter().position(|worker| worker.owns(fd)) else { return false };
            if !self.said(index, message, kind, cost, role) {
                return false;
            }
        }
        true
    }

    /// Takes one message; false when the worker has to go for it.
    fn said<M>(
        &mut self,
        index: usize,
        message: ToParent<M>,
        kind: fn(&M) -> Kind,
        cost: fn(&M) -> u32,
        role: fn(&mut Hub, usize, M) -> bool,
    ) -> bool {
        let fd = self.workers[index].control().as_raw_fd();
        let (said, work) = match &message {
            ToParent::Ready { .. } => (Kind::Ready, 0),
            ToParent::Drained => (Kind::Drained, 0),
            ToParent::Role(message) => (kind(message), cost(message)),
        };
        let worker = &self.workers[index];
        if !permit::legal(worker.phase, said, worker.resolv_owed, worker.hosts_owed.len()) {
            self.condemn(fd, &format!("said {said:?} while {:?}", worker.phase));
            return false;
        }
        if said == Kind::Work
            && let Some(until) = self.workers[index].allowance.take(work, now_ms())
        {
            self.pause(index, until);
        }
        let accepted = match message {
            ToParent::Ready { confinement } => {
                self.ready(index, &confinement);
                true
            }
            ToParent::Drained => true,
            ToParent::Role(_) if said == Kind::Serving => {
                self.serving(index);
                true
            }
            ToParent::Role(message) => role(self, index, message),
        };
        if !accepted {
            self.condemn(fd, "asked for what it may not have");
        }
        accepted
    }

    /// A worker is confined: tell it what it has to know.
    pub(super) fn ready(&mut self, index: usize, confinement: &str) {
        self.workers[index].phase = Phase::Ready;
        let worker = &self.workers[index];
        let uid = match self.nursery.uid(worker.role) {
            Some(uid) => format!("host uid {uid}, "),
            None => String::new(),
        };
        let line = format!("{} worker {} confined: {uid}{confinement}", worker.role.word(), worker.pid);
        self.log.confined(&line);
        let interfaces = self.interfaces.clone();
        match self.workers[index].role {
            Role::Dns => self.prime_dns(index, interfaces),
            Role::Dhcp => {
                self.send(index, &ToWorker::Role(dhcp::ToWorker::Interfaces(interfaces)), Vec::new());
                self.send_dhcp_files(index);
                let leases: Vec<Lease> = self.store.iter().cloned().collect();
                for some in leases.chunks(dhcp::LEASES_MAX) {
                    self.send(index, &ToWorker::Role(dhcp::ToWorker::Leases(some.to_vec())), Vec::new());
                }
                self.start_dhcp_later();
            }
            Role::Tftp => {
                self.send(index, &ToWorker::Role(tftp::ToWorker::Interfaces(interfaces)), Vec::new());
                self.send(index, &ToWorker::Role(tftp::ToWorker::Start), Vec::new());
            }
            Role::Net => self.prime_net(index),
        }
    }

    /// A worker serves: those it replaces may go.
    pub(super) fn serving(&mut self, index: usize) {
        self.workers[index].phase = Phase::Serving;
        let (role, pid) = (self.workers[index].role, self.workers[index].pid);
        for other in 0..self.workers.len() {
            let worker = &self.workers[other];
            if worker.role == role && worker.pid != pid && worker.phase == Phase::Serving {
                self.drain(other);
            }
        }
        let again = self.roles.get_mut(&role).is_some_and(|state| std::mem::take(&mut state.reload_again));
        if again {
            self.replace(role);
        }
    }

    /// Adds the copy of a packet to the capture file, which is given up when it cannot be written.
    fn capture(&mut self, captured: &Captured) {
        let Some(file) = self.capture.as_mut().filter(|_| captured.kind.is_in(self.config.process.dumpmask)) else {
            return;
        };
        match file.add(&captured.packet) {
            Ok(Some(number)) => self.log.info(&format!("dumping packet {number} mask 0x{:04x}", captured.kind as u32)),
            Ok(None) => {}
            Err(error) => {
                self.log.error(&format!("failed to write packet dump: {}", files::reason(&error)));
                self.capture = None;
            }
        }
    }

    /// Takes one batch of log lines; false when there is none.
    pub(super) fn log_lines(&mut self, index: usize) -> bool {
        let role = self.workers[index].role;
        let mut buffer = std::mem::take(&mut self.buffer);
        let heard = self.workers[index].hear_log::<Batch>(&mut buffer);
        self.buffer = buffer;
        match heard {
            Heard::Message(batch) => {
                if batch.lost > 0 {
                    self.log.write(
                        Speaker::Worker(role),
                        Severity::Error,
                        &format!("overflow: {} log entries lost", batch.lost),
                    );
                }
                for line in batch.lines.iter().take(LINES_MAX) {
                    self.log.write(Speaker::Worker(role), line.severity, &line.text);
                }
                if let Some(captured) = batch.captured {
                    self.capture(&captured);
                }
                true
            }
            Heard::Nothing => false,
            Heard::Closed => {
                let _ = self.epoll.delete(self.workers[index].log());
                false
            }
            Heard::Illegal => {
                let fd = self.workers[index].control().as_raw_fd();
                self.condemn(fd, "sent what is no log line");
                let _ = self.epoll.delete(self.workers[index].log());
                false
            }
        }
    }
}
