//! What hosts files say, on its way to dhcp. The parent opens the files, dns reads them, and dhcp learns from here what it has to know
//! of them: whenever that may have changed, the parent asks the dns workers, and passes the answer of the latest on.

use std::rc::Rc;

use ipc::control::ToWorker;
use ipc::known_host::KnownHosts;
use ipc::role::Role;
use ipc::{dhcp, dns};

use super::{Hub, now_ms};
use crate::known_hosts::{OwedAnswer, Wanted};
use crate::permit::Phase;
use crate::worker::Worker;

/// How long dhcp waits at its start for dns to have read hosts files, in milliseconds. It must not wait for ever for one that has been
/// captured.
const WAIT_MS: u64 = 3_000;

/// What was asked, and what is known.
#[derive(Default)]
pub(super) struct Hosts {
    wanted: Rc<Wanted>,
    known: KnownHosts,
    /// A dhcp worker is ready and starts when hosts are known, or at this time, in monotonic milliseconds.
    pub start_dhcp_at_ms: Option<u64>,
}

impl Hub {
    /// Asks a dns worker that has just been told all hosts files.
    pub(super) fn ask_for_hosts(&mut self, index: usize) {
        if !self.config.dhcp.as_ref().is_some_and(|slice| slice.serves()) {
            return;
        }
        let wanted = Rc::clone(&self.hosts.wanted);
        let mut pieces = wanted.message().pieces().collect::<Vec<_>>().into_iter().peekable();
        while let Some(piece) = pieces.next() {
            let last = pieces.peek().is_none();
            self.send_dns(index, dns::ToWorker::WantHosts { wanted: piece, last }, Vec::new());
        }
        self.workers[index].hosts_owed.push_back(OwedAnswer::to(wanted));
    }

    /// Asks all dns workers, since hosts files have changed.
    pub(super) fn ask_all_for_hosts(&mut self) {
        self.dns_workers().into_iter().for_each(|index| self.ask_for_hosts(index));
    }

    /// Looks whether something else is wanted now, and asks for it.
    pub(super) fn renew_wanted_hosts(&mut self) {
        let Some(slice) = self.config.dhcp.as_ref().filter(|_| self.roles.contains_key(&Role::Dns)) else { return };
        let wanted = Wanted::new(slice, self.file_rules.names(), &self.interfaces);
        if wanted != *self.hosts.wanted {
            self.hosts.wanted = Rc::new(wanted);
            self.ask_all_for_hosts();
        }
    }

    /// Takes a piece of an answer; false when it is none.
    pub(super) fn take_known_hosts(&mut self, index: usize, piece: KnownHosts, last: bool) -> bool {
        let worker = &mut self.workers[index];
        let Some(owed) = worker.hosts_owed.front_mut() else { return false };
        if !owed.take(piece, last) {
            return false;
        }
        if !last {
            return true;
        }
        let answer = worker.hosts_owed.pop_front();
        // Only the latest answer counts, of the latest generation.
        let (generation, more) = (worker.generation, !worker.hosts_owed.is_empty());
        let outdated = self.workers.iter().any(|other| other.role == Role::Dns && other.generation > generation);
        if let Some(answer) = answer.filter(|_| !more && !outdated) {
            let known = answer.finish();
            if known != self.hosts.known {
                self.territory.place(self.hosts.wanted.placed(&known));
                self.hosts.known = known;
                let hears = |worker: &Worker| {
                    worker.role == Role::Dhcp && matches!(worker.phase, Phase::Ready | Phase::Serving)
                };
                if let Some(dhcp) = self.workers.iter().position(hears) {
                    self.send_known_hosts(dhcp);
                }
            }
        }
        true
    }

    fn send_known_hosts(&mut self, index: usize) {
        let mut pieces = self.hosts.known.pieces().collect::<Vec<_>>().into_iter().peekable();
        while let Some(known) = pieces.next() {
            let message = dhcp::ToWorker::KnownHosts { known, last: pieces.peek().is_none() };
            self.send(index, &ToWorker::Role(message), Vec::new());
        }
    }

    /// Has a dhcp worker that is otherwise ready started as soon as hosts files are read.
    pub(super) fn start_dhcp_later(&mut self) {
        self.hosts.start_dhcp_at_ms = Some(now_ms() + WAIT_MS);
    }

    /// Starts the dhcp worker that waits for it.
    pub(super) fn start_waiting_dhcp(&mut self) {
        let Some(at) = self.hosts.start_dhcp_at_ms else { return };
        if self.dns_is_reading() && now_ms() < at {
            return;
        }
        self.hosts.start_dhcp_at_ms = None;
        let waits = |worker: &Worker| worker.role == Role::Dhcp && worker.phase == Phase::Ready;
        if let Some(index) = self.workers.iter().position(waits) {
            self.send_known_hosts(index);
            self.send(index, &ToWorker::Role(dhcp::ToWorker::Start), Vec::new());
        }
    }

    /// Is a dns worker about to tell what hosts files say?
    fn dns_is_reading(&self) -> bool {
        let reads = |worker: &Worker| match worker.phase {
            Phase::Spawned | Phase::Ready => true,
            Phase::Serving => !worker.hosts_owed.is_empty(),
            Phase::Draining => false,
        };
        let starts = self.roles.get(&Role::Dns).and_then(|state| state.start_at_ms).is_some_and(|at| at <= now_ms());
        starts || self.workers.iter().any(|worker| worker.role == Role::Dns && reads(worker))
    }
}
