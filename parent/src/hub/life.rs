//! Life and death of workers: starting, noticing the end, killing what lingers, pausing what asks for too much.

use std::os::fd::{AsFd as _, OwnedFd, RawFd};
use std::rc::Rc;

use ipc::boot::{Boot, Place};
use ipc::control::ToWorker;
use ipc::frame;
use ipc::role::{Generation, Role};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::SockProtocol;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::{DRAIN_MS, End, Hub, RoleState, State, interest, now_ms};
use crate::broker;
use crate::files;
use crate::interfaces;
use crate::permit::Phase;
use crate::spawn::Side;
use crate::worker::{Sent, Worker};

impl Hub {
    /// Begins to replace the worker of a role. Two dhcp workers must never decide about leases at once, so the old one drains first; for
    /// the others the old one serves until the new one does.
    pub(super) fn replace(&mut self, role: Role) {
        if role == Role::Dhcp {
            for index in 0..self.workers.len() {
                if self.workers[index].role == role && self.workers[index].phase == Phase::Serving {
                    self.drain(index);
                    return;
                }
            }
        }
        self.start_later(role, 0);
    }

    pub(super) fn start_later(&mut self, role: Role, wait_ms: u64) {
        if let Some(state) = self.roles.get_mut(&role) {
            state.start_at_ms = Some(if wait_ms == 0 { 0 } else { now_ms() + wait_ms });
        }
    }

    pub(super) fn drain(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        worker.phase = Phase::Draining;
        let limit = DRAIN_MS.iter().find(|(role, _)| *role == worker.role).map_or(0, |(_, limit)| *limit);
        worker.kill_at_ms = Some(now_ms() + limit);
        self.send::<()>(index, &ToWorker::Drain, Vec::new());
    }

    /// Starts the workers whose time has come.
    pub(super) fn start_due(&mut self) -> Option<End> {
        let now = now_ms();
        let due = |(role, state): (&Role, &RoleState)| state.start_at_ms.filter(|at| *at <= now).map(|_| *role);
        let roles: Vec<Role> = self.roles.iter().filter_map(due).collect();
        for role in roles {
            if let Some(state) = self.roles.get_mut(&role) {
                state.start_at_ms = None;
                state.generation += 1;
                state.restarts.started(now);
            }
            match self.nursery.spawn(role) {
                Ok(Side::Parent(newborn)) => {
                    let generation = Generation(self.roles[&role].generation);
                    let mut worker = Worker::new(role, generation, newborn.pid, newborn.control, newborn.log);
                    worker.upstreams = Rc::clone(&self.upstreams);
                    let watched = self
                        .watch_fd(worker.control(), true, false)
                        .and_then(|()| self.watch_fd(worker.log(), true, false));
                    self.workers.push(worker);
                    if watched.is_err() || !self.send_boot(self.workers.len() - 1, None) {
                        return Some(End::CannotStart);
                    }
                }
                Ok(Side::WorkerWithoutExec) => return Some(End::BecomeWorker(role)),
                Err(error) => {
                    self.log.error(&format!("cannot start the {} worker: {}", role.word(), files::reason(&error)));
                    if self.state == State::Starting {
                        return Some(End::CannotStart);
                    }
                    let wait = self.roles.get_mut(&role).map_or(0, |state| state.restarts.died(now));
                    self.start_later(role, wait.max(100));
                }
            }
        }
        None
    }

    /// Sends the boot message with copies of everything the role needs. False when a copy could not be made.
    pub(super) fn send_boot(&mut self, index: usize, probe: Option<u32>) -> bool {
        let role = self.workers[index].role;
        let mut places = vec![Place::Slice];
        let mut descriptors = vec![self.slices[&role].as_fd()];
        if let (Role::Dns, Some(routes)) = (role, &self.routes) {
            places.push(Place::Routes);
            descriptors.push(routes.as_fd());
        }
        for listening in self.sockets.iter().filter(|listening| listening.role == role) {
            places.push(listening.place);
            descriptors.push(listening.socket.as_fd());
        }
        if role == Role::Dhcp
            && let Some(echo) = &self.echo
        {
            places.push(Place::Echo);
            descriptors.push(echo.receiver().as_fd());
        }
        let netlink = if role == Role::Net { self.netlink_sockets() } else { Ok(Vec::new()) };
        let Ok(netlink) = netlink else { return false };
        for (place, socket) in &netlink {
            places.push(*place);
            descriptors.push(socket.as_fd());
        }
        let directories = if role == Role::Tftp { &self.directories[..] } else { &[] };
        for directory in directories {
            places.push(Place::Directory);
            descriptors.push(directory.as_fd());
        }
        if let Some(root) = self.nursery.empty_root() {
            places.push(Place::EmptyRoot);
            descriptors.push(root);
        }
        let boot = Boot {
            role,
            generation: self.workers[index].generation,
            places,
            seed: broker::random(),
            user_namespace: self.nursery.has_user_namespace(role),
            uid: self.nursery.uid(role),
            directories: directories.len() as u32,
            capture: if self.capture.is_some() { self.config.process.dumpmask } else { 0 },
            strict: self.config.process.strict_sandbox,
            probe,
        };
        let copies: Result<Vec<OwnedFd>, _> = descriptors.iter().map(|fd| fd.try_clone_to_owned()).collect();
        let mut bytes = Vec::new();
        let (Ok(copies), Ok(())) = (copies, frame::encode(&boot, &mut bytes)) else { return false };
        self.workers[index].send_encoded(bytes, copies) != Sent::Hung
    }

    /// Fresh netlink sockets, so that no two net workers hear each other's answers.
    fn netlink_sockets(&self) -> Result<Vec<(Place, OwnedFd)>, nix::errno::Errno> {
        let dns = &self.config.dns;
        let mut sockets = Vec::new();
        if !dns.sets.is_empty() || dns.marks.wanted() {
            sockets.push((Place::NetlinkNetfilter, broker::netlink(SockProtocol::NetlinkNetFilter)?));
        }
        if dns.queries.add_mac.any() {
            sockets.push((Place::NetlinkRoute, broker::netlink(SockProtocol::NetlinkRoute)?));
        }
        if self.config.watches_neighbors() {
            sockets.push((Place::NeighborMonitor, interfaces::neighbor_monitor()?));
        }
        Ok(sockets)
    }

    pub(super) fn children(&mut self) -> Option<End> {
        loop {
            let (pid, how, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) => (pid, format!("ended with status {status}"), status),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, format!("was ended by {signal}"), -1),
                Ok(WaitStatus::StillAlive) | Err(_) => return None,
                Ok(_) => continue,
            };
            if self.script.as_ref().is_some_and(|script| script.pid() == pid) {
                let end = self.script_died(&how);
                if end.is_some() {
                    return end;
                }
            } else {
                self.died(pid, &how, status);
            }
        }
    }

    pub(super) fn died(&mut self, pid: nix::unistd::Pid, how: &str, status: i32) {
        let Some(index) = self.workers.iter().position(|worker| worker.pid == pid) else { return };
        // Its last words are still in its channels.
        while self.log_lines(index) {}
        let worker = &self.workers[index];
        let _ = self.epoll.delete(worker.control());
        let _ = self.epoll.delete(worker.log());
        let (role, phase, generation) = (worker.role, worker.phase, worker.generation);
        self.workers.remove(index);
        if role == Role::Net {
            self.net_gone(generation);
        }
        if phase == Phase::Draining {
            if status != 0 {
                self.log.error(&format!("{} worker {pid} {how} while finishing", role.word()));
            }
            // dhcp: the way is free for the next one.
            if !self.workers.iter().any(|w| w.role == role) && self.roles[&role].start_at_ms.is_none() {
                self.start_later(role, 0);
            }
            return;
        }
        let wait = self.roles.get_mut(&role).map_or(0, |state| state.restarts.died(now_ms()));
        let when = if wait == 0 { "now".to_owned() } else { format!("in {} s", wait as f64 / 1000.0) };
        let why = if status == 102 { " (it computed without end)" } else { "" };
        self.log.error(&format!("{} worker {pid} {how}{why}; starting another {when}", role.word()));
        self.start_later(role, wait);
    }

    pub(super) fn kill_lingering(&mut self) {
        if self.workers.iter().all(|worker| worker.kill_at_ms.is_none()) {
            return;
        }
        let now = now_ms();
        for worker in &mut self.workers {
            if worker.kill_at_ms.is_some_and(|at| at <= now) {
                worker.kill_at_ms = None;
                let _ = kill(worker.pid, Signal::SIGKILL);
            }
        }
    }

    /// Stops reading a worker that asks for more than its allowance.
    pub(super) fn pause(&mut self, index: usize, until_ms: u64) {
        let worker = &mut self.workers[index];
        if worker.paused_until_ms.replace(until_ms).is_none() {
            let text = format!(
                "{} worker {} asks for too much at once; not hearing it for a while",
                worker.role.word(),
                worker.pid
            );
            self.log.warning(&text);
        }
        self.watch_control(index);
    }

    pub(super) fn resume_paused(&mut self) {
        if self.workers.iter().all(|worker| worker.paused_until_ms.is_none()) {
            return;
        }
        let now = now_ms();
        for index in 0..self.workers.len() {
            if self.workers[index].paused_until_ms.is_some_and(|at| at <= now) {
                self.workers[index].paused_until_ms = None;
                self.watch_control(index);
            }
        }
    }

    /// Watches a control channel for what is wanted of it now.
    pub(super) fn watch_control(&self, index: usize) {
        let worker = &self.workers[index];
        let mut event = interest(worker.control(), worker.paused_until_ms.is_none(), worker.has_queue());
        let _ = self.epoll.modify(worker.control(), &mut event);
    }

    /// Ends a worker that said something illegal or does not listen.
    pub(super) fn condemn(&mut self, fd: RawFd, why: &str) {
        let Some(worker) = self.workers.iter().find(|worker| worker.owns(fd)) else { return };
        self.log.error(&format!("{} worker {} {why}; ending it", worker.role.word(), worker.pid));
        let _ = kill(worker.pid, Signal::SIGKILL);
        // It is not heard again; its death is noticed as any other.
        let _ = self.epoll.delete(worker.control());
    }
}
