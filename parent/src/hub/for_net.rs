//! Between dns and net: questions to the kernel are checked, numbered and passed on, and so are the answers. Not a byte of netlink is
//! written or read here.

use std::os::fd::AsRawFd as _;

use ipc::control::ToWorker;
use ipc::dns;
use ipc::event::Event;
use ipc::net;
use ipc::role::{Generation, Role};

use super::{Hub, now_ms};
use crate::errands::{Errand, ErrandKind};
use crate::neighbors::Change;
use crate::permit::Phase;

impl Hub {
    pub(super) fn net_says(&mut self, index: usize, message: net::ToParent) -> bool {
        let by = self.workers[index].generation;
        match message {
            net::ToParent::Serving => true,
            net::ToParent::NeighborsStart => {
                self.neighbors.start();
                self.config.watches_neighbors()
            }
            net::ToParent::Neighbor { interface, address, hardware } => {
                let changes = self.neighbors.heard(interface, address, hardware);
                self.tell_neighbors(changes);
                self.config.watches_neighbors()
            }
            net::ToParent::NeighborsEnd => {
                let gone = self.neighbors.end();
                self.tell_neighbors(gone);
                self.config.watches_neighbors()
            }
            net::ToParent::Seen { ticket, facts } => {
                let Some(errand) = self.errands.answered(ticket, ErrandKind::Look, by) else { return false };
                self.answer_errand(errand, Some(facts), None);
                true
            }
            net::ToParent::Filled { ticket, outcomes } => {
                let Some(errand) = self.errands.answered(ticket, ErrandKind::Fill, by) else { return false };
                if outcomes.len() > net::OUTCOMES_MAX {
                    return false;
                }
                self.answer_errand(errand, None, Some(outcomes));
                true
            }
        }
    }

    fn tell_neighbors(&mut self, changes: Vec<Change>) {
        for Change { known, hardware, address } in changes {
            self.tell_script(Event::Neighbor { known, hardware, address });
        }
    }

    /// Passes a question of a dns worker on to the net worker. If there is none, dns hears so at once.
    pub(super) fn send_errand(
        &mut self,
        index: usize,
        ticket: u32,
        kind: ErrandKind,
        message: impl FnOnce(u32) -> net::ToWorker,
    ) {
        let errand = Errand { asker: self.workers[index].generation, ticket, kind };
        let best = |phase| self.workers.iter().position(|worker| worker.role == Role::Net && worker.phase == phase);
        let to = best(Phase::Serving).or_else(|| best(Phase::Ready));
        let coming = best(Phase::Spawned);
        match (to, self.errands.number()) {
            (Some(to), Some(number)) => {
                self.errands.sent(number, errand, self.workers[to].generation);
                self.send(to, &ToWorker::Role(message(number)), Vec::new());
            }
            (None, Some(number)) if coming.is_some() => self.errands.wait(number, errand, message(number)),
            (to, number) => {
                self.answer_errand(errand, None, None);
                if let (Some(silent), None) = (to.or(coming), number) {
                    self.replace_silent_net(silent);
                }
            }
        }
    }

    /// There is no room for a further errand: the net worker has not answered for too long to be alive in any useful sense.
    fn replace_silent_net(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        // Once is enough: by then it is gone.
        if worker.kill_at_ms.is_none() {
            worker.kill_at_ms = Some(now_ms() + 1_000);
            let fd = worker.control().as_raw_fd();
            self.condemn(fd, "does not answer");
        }
    }

    /// A net worker is ready: it is told to begin, and gets what has waited for it.
    pub(super) fn prime_net(&mut self, index: usize) {
        self.send(index, &ToWorker::Role(net::ToWorker::Start), Vec::new());
        for message in self.errands.give(self.workers[index].generation) {
            self.send(index, &ToWorker::Role(message), Vec::new());
        }
    }

    /// A net worker is gone, and nobody else will do its errands.
    pub(super) fn net_gone(&mut self, generation: Generation) {
        for errand in self.errands.lost(generation) {
            self.answer_errand(errand, None, None);
        }
    }

    fn answer_errand(
        &mut self,
        errand: Errand,
        facts: Option<net::ClientFacts>,
        outcomes: Option<Vec<net::SetOutcome>>,
    ) {
        let asked = |worker: &crate::worker::Worker| worker.role == Role::Dns && worker.generation == errand.asker;
        let Some(index) = self.workers.iter().position(asked) else { return };
        let ticket = errand.ticket;
        let message = match errand.kind {
            ErrandKind::Look => dns::ToWorker::Facts { ticket, facts },
            ErrandKind::Fill => dns::ToWorker::SetsFilled { ticket, outcomes },
        };
        self.send_dns(index, message, Vec::new());
    }
}
