//! What the dhcp worker asks for: lease changes, neighbor entries, echo requests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::SystemTime;

use ipc::config::prefix::Prefix;
use ipc::control::ToWorker;
use ipc::dhcp::{self, Neighbor};
use ipc::link::Interface;
use ipc::log::Severity;
use ipc::role::Role;

use super::{Hub, PendingCommit, now_ms};
use crate::broker;
use crate::files;
use crate::leases::turn::Turn;
use crate::log::Speaker;

impl Hub {
    pub(super) fn dhcp_says(&mut self, index: usize, message: dhcp::ToParent) -> bool {
        match message {
            dhcp::ToParent::Serving => true,
            dhcp::ToParent::Commit { ticket, changes, neighbor, contact } => {
                if contact.iter().flat_map(|contact| &contact.word).any(|word| !word.is_bounded()) {
                    return false;
                }
                // Judged and recorded at the end of this turn, together with all others.
                let worker = self.workers[index].control().as_raw_fd();
                self.commits.push(PendingCommit { worker, ticket, changes, neighbor, contact });
                true
            }
            dhcp::ToParent::SetNeighbor { ticket, neighbor } => {
                let done = self.set_neighbor(&neighbor);
                self.send(index, &ToWorker::Role(dhcp::ToWorker::NeighborSet { ticket, done }), Vec::new());
                true
            }
            dhcp::ToParent::Ping(address) => {
                let allowed = self.territory.holds(address);
                if let (true, Some(echo)) = (allowed, &mut self.echo) {
                    echo.send(address);
                }
                allowed
            }
        }
    }

    /// Sets a neighbor entry if the address may be leased and the interface serves DHCP.
    pub(super) fn set_neighbor(&self, neighbor: &Neighbor) -> bool {
        let bridges = self.config.dhcp.iter().flat_map(|dhcp| &dhcp.bridges);
        let alias = |i: &Interface| bridges.clone().any(|bridge| bridge.has(&i.name));
        let serves = |i: &&Interface| i.index == neighbor.interface && (i.serves_dhcp || alias(i));
        let leased = self.store.get(neighbor.address).is_some();
        match self.interfaces.iter().find(serves) {
            Some(interface) if self.territory.holds(neighbor.address) || leased || self.relays_to(neighbor) => {
                broker::set_neighbor(&interface.name, neighbor).is_ok()
            }
            _ => false,
        }
    }

    /// Is the address on a network whose clients are relayed? Which of its addresses are given out only the server knows.
    fn relays_to(&self, neighbor: &Neighbor) -> bool {
        let Some(dhcp) = &self.config.dhcp else { return false };
        let locals = dhcp.relays.iter().map(|route| route.local);
        let locals: Vec<Ipv4Addr> = locals.chain(dhcp.split_relays.iter().map(|route| route.local)).collect();
        let interface = self.interfaces.iter().find(|interface| interface.index == neighbor.interface);
        interface.into_iter().flat_map(|interface| &interface.addresses).any(|(own, length)| {
            let relayed = locals.iter().any(|local| IpAddr::V4(*local) == *own);
            relayed && Prefix::cut(*own, *length).contains(neighbor.address.into())
        })
    }

    /// Writes renewed leases when their time has come, and sees to it that it will (`lease-journal`).
    pub(super) fn write_late_leases(&mut self) {
        if self.write_leases_at_ms.is_some_and(|at| at <= now_ms()) {
            self.write_leases();
        }
        if let (None, Some(delay_s), true) =
            (self.write_leases_at_ms, self.config.process.lease_journal_s, self.store.has_late())
        {
            self.write_leases_at_ms = Some(now_ms() + u64::from(delay_s) * 1000);
        }
    }

    /// Writes renewed leases now.
    pub(super) fn write_leases(&mut self) {
        self.write_leases_at_ms = None;
        if let Err(error) = self.store.write_late() {
            let path = self.store.path().map(|path| path.display().to_string()).unwrap_or_default();
            self.log.error(&format!("failed to write {path}: {}", files::reason(&error)));
        }
    }

    /// Judges and records the commits of this turn with one write and one sync, and only then answers.
    pub(super) fn record_commits(&mut self) {
        if self.commits.is_empty() {
            return;
        }
        let mut commits = std::mem::take(&mut self.commits);
        let now_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut turn = Turn::default();
        let (mut accepted, mut events) = (Vec::new(), Vec::new());
        for commit in &mut commits {
            let judged = self.territory.judge(&self.store, &turn, &commit.changes, now_s);
            if let Err(refusal) = judged {
                self.log.write(
                    Speaker::Worker(Role::Dhcp),
                    Severity::Warning,
                    &format!("lease change refused: {refusal:?}"),
                );
            } else {
                events.extend(self.events_of(commit, &turn));
                commit.changes.drain(..).for_each(|change| turn.take(&self.store, change));
            }
            accepted.push(judged.is_ok());
        }
        let recorded = match self.store.record(turn.changes()) {
            Ok(()) => true,
            Err(error) => {
                let path = self.store.path().map(|path| path.display().to_string()).unwrap_or_default();
                self.log.error(&format!("failed to write {path}: {}", files::reason(&error)));
                false
            }
        };
        if recorded {
            for change in turn.changes() {
                self.publish(change);
            }
            self.tell_leases(events);
        }
        let mut answers: BTreeMap<RawFd, Vec<dhcp::ToWorker>> = BTreeMap::new();
        for (commit, accepted) in commits.into_iter().zip(accepted) {
            let (ticket, answers) = (commit.ticket, answers.entry(commit.worker).or_default());
            if accepted && recorded {
                if commit.neighbor.is_some_and(|neighbor| !self.set_neighbor(&neighbor)) {
                    answers.push(dhcp::ToWorker::NeighborSet { ticket, done: false });
                }
                answers.push(dhcp::ToWorker::Committed(ticket));
            } else {
                answers.push(dhcp::ToWorker::NotCommitted(ticket));
            }
        }
        for (worker, answers) in answers {
            if let Some(index) = self.workers.iter().position(|other| other.owns(worker)) {
                self.send_together(index, answers);
            }
        }
    }
}
