//! The parent's event loop: the only place that sees every descriptor.
//!
//! It waits for signals, for messages and log lines of workers, and for word that interfaces or resolv files changed; it starts, drains
//! and replaces workers. It sleeps without a timeout unless a worker is to be started later or killed if it lingers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::time::SystemTime;

use ipc::boot::{Boot, Place};
use ipc::control::{ToParent, ToWorker};
use ipc::dhcp::{Neighbor, Ticket};
use ipc::lease::{Lease, LeaseChange};
use ipc::link::Interface;
use ipc::log::{Batch, LINES_MAX, Severity};
use ipc::role::{Generation, Role};
use ipc::{MESSAGE_BYTES_MAX, dhcp, dns, frame, tftp};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use serde::Serialize;

use crate::broker::{self, Echo, Ports};
use crate::commit::Territory;
use crate::config::{Config, UpstreamSource};
use crate::files;
use crate::interfaces;
use crate::leases::store::Store;
use crate::listen::Listening;
use crate::log::Log;
use crate::permit::{self, Kind, Phase};
use crate::service_manager;
use crate::spawn::{Nursery, Side, sealed};
use crate::supervisor::Restarts;
use crate::watch::Watch;
use crate::worker::{Heard, Sent, Worker};

/// Messages taken from one worker in one turn, so that none can keep the others waiting.
const MESSAGES_PER_TURN: usize = 64;
/// How long a drained worker may take to finish, in milliseconds: DNS answers what it owes, TFTP its transfers.
const DRAIN_MS: [(Role, u64); 3] = [(Role::Dns, 30_000), (Role::Dhcp, 5_000), (Role::Tftp, 300_000)];

/// Everything the parent holds while it runs.
pub struct Hub {
    config: Config,
    nursery: Nursery,
    sockets: Vec<Listening>,
    echo: Option<Echo>,
    directories: Vec<OwnedFd>,
    slices: BTreeMap<Role, OwnedFd>,
    store: Store,
    territory: Territory,
    ports: Ports,
    log: Log,
    epoll: Epoll,
    signals: SignalFd,
    monitor: OwnedFd,
    watch: Option<Watch>,
    interfaces: Vec<Interface>,
    workers: Vec<Worker>,
    roles: BTreeMap<Role, RoleState>,
    resolv: Resolv,
    commits: Vec<PendingCommit>,
    buffer: Vec<u8>,
    state: State,
}

/// What starting hands to the hub.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// Prepared rooms.
    pub nursery: Nursery,
    /// Listening sockets.
    pub sockets: Vec<Listening>,
    /// The ping check's sockets.
    pub echo: Option<Echo>,
    /// TFTP roots that are there, in order.
    pub directories: Vec<OwnedFd>,
    /// The leases.
    pub store: Store,
    /// The log.
    pub log: Log,
    /// Signals, blocked and readable here.
    pub signals: SignalFd,
    /// Interface changes.
    pub monitor: OwnedFd,
    /// Resolv file changes.
    pub watch: Option<Watch>,
    /// The interfaces at start.
    pub interfaces: Vec<Interface>,
}

#[derive(Default)]
struct RoleState {
    generation: u32,
    restarts: Restarts,
    /// Start a worker at this time, in monotonic milliseconds.
    start_at_ms: Option<u64>,
    /// Another reload was asked for while one was under way.
    reload_again: bool,
}

/// Which resolv file is in use.
#[derive(Default)]
struct Resolv {
    current: Option<(PathBuf, SystemTime)>,
    complained: bool,
}

struct PendingCommit {
    worker: RawFd,
    ticket: Ticket,
    changes: Vec<LeaseChange>,
    neighbor: Option<Neighbor>,
}

/// Where the parent itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for the first worker of each role to serve.
    Starting,
    /// Serving.
    Running,
    /// A reload is under way.
    Reloading,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SIGTERM, or SIGINT in debug mode; the exit status.
    Asked(u8),
    /// A worker could not be started at all.
    CannotStart,
    /// We are a worker now: exec was refused, and the caller must become this role.
    BecomeWorker(Role),
}

impl Hub {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> std::io::Result<Hub> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let territory = parts.config.dhcp.as_ref().map(Territory::new).unwrap_or_default();
        let mut hub = Hub {
            ports: Ports::new(&parts.config.process),
            config: parts.config,
            nursery: parts.nursery,
            sockets: parts.sockets,
            echo: parts.echo,
            directories: parts.directories,
            slices: BTreeMap::new(),
            store: parts.store,
            territory,
            log: parts.log,
            epoll,
            signals: parts.signals,
            monitor: parts.monitor,
            watch: parts.watch,
            interfaces: parts.interfaces,
            workers: Vec::new(),
            roles: BTreeMap::new(),
            resolv: Resolv::default(),
            commits: Vec::new(),
            // Zero-filled by the system: only the pages that messages have reached cost memory.
            buffer: vec![0; MESSAGE_BYTES_MAX],
            state: State::Starting,
        };
        hub.watch_fd(hub.signals.as_fd(), true, false)?;
        hub.watch_fd(hub.monitor.as_fd(), true, false)?;
        if let Some(watch) = &hub.watch {
            hub.watch_fd(watch.as_fd(), true, false)?;
        }
        if hub.config.process.port != 0 {
            hub.add_role(Role::Dns, &hub.config.dns.clone())?;
        }
        if let Some(slice) = hub.config.dhcp.take() {
            hub.add_role(Role::Dhcp, &slice)?;
            hub.config.dhcp = Some(slice);
        }
        if let Some(slice) = hub.config.tftp.take() {
            hub.add_role(Role::Tftp, &slice)?;
            hub.config.tftp = Some(slice);
        }
        Ok(hub)
    }

    fn add_role<S: Serialize>(&mut self, role: Role, slice: &S) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        frame::encode_slice(slice, &mut bytes).map_err(std::io::Error::other)?;
        self.slices.insert(role, sealed(&bytes)?);
        self.roles.insert(role, RoleState { start_at_ms: Some(0), ..RoleState::default() });
        Ok(())
    }

    fn watch_fd(&self, fd: BorrowedFd<'_>, read: bool, write: bool) -> Result<(), Errno> {
        self.epoll.add(fd, interest(fd, read, write))
    }

    /// Runs until asked to end. `started` is called once, when every role serves.
    pub fn run(&mut self, mut started: impl FnMut()) -> End {
        let mut events = [EpollEvent::empty(); 16];
        loop {
            if let Some(end) = self.start_due() {
                return end;
            }
            let count = match self.epoll.wait(&mut events, self.timeout()) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(errno) => panic!("epoll_wait: {errno}"),
            };
            for event in &events[..count] {
                if let Some(end) = self.event(event.data() as RawFd, event.events()) {
                    return end;
                }
            }
            self.record_commits();
            self.kill_lingering();
            self.resume_paused();
            if self.state != State::Running && self.settled() {
                if self.state == State::Starting {
                    started();
                }
                service_manager::ready();
                self.state = State::Running;
            }
        }
    }

    /// Does every role have a serving worker and none on the way?
    fn settled(&self) -> bool {
        let serving = |role: &Role| self.workers.iter().any(|w| w.role == *role && w.phase == Phase::Serving);
        let coming = self.workers.iter().any(|w| w.phase < Phase::Serving);
        !coming && self.roles.iter().all(|(role, state)| serving(role) && state.start_at_ms.is_none())
    }

    fn event(&mut self, fd: RawFd, flags: EpollFlags) -> Option<End> {
        if fd == self.signals.as_fd().as_raw_fd() {
            return self.signal();
        }
        if fd == self.monitor.as_raw_fd() {
            self.interfaces_changed();
        } else if self.watch.as_ref().is_some_and(|watch| watch.as_fd().as_raw_fd() == fd) {
            if let Some(watch) = &self.watch {
                watch.drain();
            }
            self.resolv_changed();
        } else if let Some(index) = self.workers.iter().position(|worker| worker.owns(fd)) {
            if self.workers[index].log().as_raw_fd() == fd {
                self.log_lines(index);
            } else {
                if flags.contains(EpollFlags::EPOLLOUT) && self.workers[index].flush() {
                    self.watch_control(index);
                }
                if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
                    self.messages(fd);
                }
            }
        }
        None
    }

    fn timeout(&self) -> EpollTimeout {
        let starts = self.roles.values().filter_map(|state| state.start_at_ms);
        let kills = self.workers.iter().filter_map(|worker| worker.kill_at_ms);
        let resumes = self.workers.iter().filter_map(|worker| worker.paused_until_ms);
        match starts.chain(kills).chain(resumes).min() {
            None => EpollTimeout::NONE,
            Some(at) => {
                let wait_ms = at.saturating_sub(now_ms()).min(i32::MAX as u64) as i32;
                EpollTimeout::try_from(wait_ms).unwrap_or(EpollTimeout::ZERO)
            }
        }
    }
}

/// # Signals
impl Hub {
    fn signal(&mut self) -> Option<End> {
        while let Ok(Some(info)) = self.signals.read_signal() {
            match Signal::try_from(info.ssi_signo as i32) {
                Ok(Signal::SIGHUP) => self.reload(),
                Ok(Signal::SIGUSR1) => self.dump_statistics(),
                Ok(Signal::SIGUSR2) => self.log.reopen(),
                Ok(Signal::SIGTERM) => return Some(self.end("SIGTERM", 0)),
                Ok(Signal::SIGINT) if self.config.process.debug => return Some(self.end("SIGINT", 5)),
                Ok(Signal::SIGCHLD) => self.children(),
                _ => self.misbehave(info.ssi_signo as i32),
            }
        }
        None
    }

    fn end(&mut self, signal: &str, status: u8) -> End {
        service_manager::stopping();
        self.record_commits();
        let pids: Vec<_> = self.workers.iter().map(|worker| worker.pid).collect();
        for pid in &pids {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        for pid in pids {
            let _ = waitpid(pid, None);
        }
        self.log.info(&format!("exiting on receipt of {signal}"));
        End::Asked(status)
    }

    fn dump_statistics(&mut self) {
        if self.config.process.port != 0 {
            let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            self.log.write(Some(Role::Dns), Severity::Info, &format!("time {time}"));
        }
        for index in 0..self.workers.len() {
            if self.workers[index].role == Role::Dns && self.workers[index].phase == Phase::Serving {
                self.send::<dns::ToWorker>(index, &ToWorker::DumpStatistics, Vec::new());
            }
        }
    }

    /// SIGHUP: the files that dnsmasq reads again are opened again, by starting the next generation of each worker with the same
    /// sockets.
    fn reload(&mut self) {
        if self.state != State::Running {
            for state in self.roles.values_mut() {
                state.reload_again = true;
            }
            return;
        }
        service_manager::reloading();
        self.state = State::Reloading;
        // The file may have been replaced without an event that we saw (no-poll).
        self.resolv.current = None;
        let roles: Vec<Role> = self.roles.keys().copied().collect();
        for role in roles {
            self.replace(role);
        }
    }

    /// Begins to replace the worker of a role. Two dhcp workers must never decide about leases at once, so the old one drains first; for
    /// the others the old one serves until the new one does.
    fn replace(&mut self, role: Role) {
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

    fn start_later(&mut self, role: Role, wait_ms: u64) {
        if let Some(state) = self.roles.get_mut(&role) {
            state.start_at_ms = Some(if wait_ms == 0 { 0 } else { now_ms() + wait_ms });
        }
    }

    fn drain(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        worker.phase = Phase::Draining;
        let limit = DRAIN_MS.iter().find(|(role, _)| *role == worker.role).map_or(0, |(_, limit)| *limit);
        worker.kill_at_ms = Some(now_ms() + limit);
        self.send::<()>(index, &ToWorker::Drain, Vec::new());
    }
}

/// # Life and death of workers
impl Hub {
    /// Starts the workers whose time has come.
    fn start_due(&mut self) -> Option<End> {
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
                    let worker = Worker::new(role, generation, newborn.pid, newborn.control, newborn.log);
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
    fn send_boot(&mut self, index: usize, probe: Option<u32>) -> bool {
        let role = self.workers[index].role;
        let mut places = vec![Place::Slice];
        let mut descriptors = vec![self.slices[&role].as_fd()];
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
            strict: self.config.process.strict_sandbox,
            probe,
        };
        let copies: Result<Vec<OwnedFd>, _> = descriptors.iter().map(|fd| fd.try_clone_to_owned()).collect();
        let mut bytes = Vec::new();
        let (Ok(copies), Ok(())) = (copies, frame::encode(&boot, &mut bytes)) else { return false };
        self.workers[index].send_encoded(bytes, copies) != Sent::Hung
    }

    fn children(&mut self) {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) => self.died(pid, &format!("ended with status {status}"), status),
                Ok(WaitStatus::Signaled(pid, signal, _)) => self.died(pid, &format!("was ended by {signal}"), -1),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    fn died(&mut self, pid: nix::unistd::Pid, how: &str, status: i32) {
        let Some(index) = self.workers.iter().position(|worker| worker.pid == pid) else { return };
        // Its last words are still in its channels.
        while self.log_lines(index) {}
        let worker = &self.workers[index];
        let _ = self.epoll.delete(worker.control());
        let _ = self.epoll.delete(worker.log());
        let (role, phase) = (worker.role, worker.phase);
        self.workers.remove(index);
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

    fn kill_lingering(&mut self) {
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
    fn pause(&mut self, index: usize, until_ms: u64) {
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

    fn resume_paused(&mut self) {
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
    fn watch_control(&self, index: usize) {
        let worker = &self.workers[index];
        let mut event = interest(worker.control(), worker.paused_until_ms.is_none(), worker.has_queue());
        let _ = self.epoll.modify(worker.control(), &mut event);
    }

    /// Ends a worker that said something illegal or does not listen.
    fn condemn(&mut self, fd: RawFd, why: &str) {
        let Some(worker) = self.workers.iter().find(|worker| worker.owns(fd)) else { return };
        self.log.error(&format!("{} worker {} {why}; ending it", worker.role.word(), worker.pid));
        let _ = kill(worker.pid, Signal::SIGKILL);
        // It is not heard again; its death is noticed as any other.
        let _ = self.epoll.delete(worker.control());
    }
}

/// # Talking to workers
impl Hub {
    fn send<M: Serialize>(&mut self, index: usize, message: &ToWorker<M>, descriptors: Vec<OwnedFd>) {
        let worker = &mut self.workers[index];
        match worker.send(message, descriptors) {
            Sent::Done => {}
            Sent::Queued => self.watch_control(index),
            Sent::Hung => {
                let fd = worker.control().as_raw_fd();
                self.condemn(fd, "does not read its messages");
            }
        }
    }

    fn send_dns(&mut self, index: usize, message: dns::ToWorker, descriptors: Vec<OwnedFd>) {
        self.send(index, &ToWorker::Role(message), descriptors);
    }

    fn messages(&mut self, fd: RawFd) {
        for _ in 0..MESSAGES_PER_TURN {
            let Some(index) = self.workers.iter().position(|worker| worker.owns(fd)) else { return };
            let more = match self.workers[index].role {
                Role::Dns => self.message::<dns::ToParent>(index, permit::dns_kind, permit::dns_cost, Self::dns_says),
                Role::Dhcp => self.message::<dhcp::ToParent>(index, permit::dhcp_kind, |_| 1, Self::dhcp_says),
                Role::Tftp => self.message::<tftp::ToParent>(index, permit::tftp_kind, |_| 1, Self::tftp_says),
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

    /// Takes one message; false when there is none (or never will be).
    fn message<M: serde::de::DeserializeOwned>(
        &mut self,
        index: usize,
        kind: fn(&M) -> Kind,
        cost: fn(&M) -> u32,
        role: fn(&mut Hub, usize, M) -> bool,
    ) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let heard = self.workers[index].hear::<ToParent<M>>(&mut buffer);
        self.buffer = buffer;
        let fd = self.workers[index].control().as_raw_fd();
        let message = match heard {
            Heard::Message(message) => message,
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
        let (said, work) = match &message {
            ToParent::Ready { .. } => (Kind::Ready, 0),
            ToParent::Drained => (Kind::Drained, 0),
            ToParent::Role(message) => (kind(message), cost(message)),
        };
        let worker = &self.workers[index];
        if !permit::legal(worker.phase, said, worker.resolv_owed) {
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
    fn ready(&mut self, index: usize, confinement: &str) {
        self.workers[index].phase = Phase::Ready;
        let worker = &self.workers[index];
        let uid = match self.nursery.uid(worker.role) {
            Some(uid) => format!("host uid {uid}, "),
            None => String::new(),
        };
        let line = format!("{} worker {} confined: {uid}{confinement}", worker.role.word(), worker.pid);
        self.log.info(&line);
        let interfaces = self.interfaces.clone();
        match self.workers[index].role {
            Role::Dns => self.prime_dns(index, interfaces),
            Role::Dhcp => {
                self.send(index, &ToWorker::Role(dhcp::ToWorker::Interfaces(interfaces)), Vec::new());
                let leases: Vec<Lease> = self.store.iter().cloned().collect();
                for lease in leases {
                    self.send(index, &ToWorker::Role(dhcp::ToWorker::Lease(lease)), Vec::new());
                }
                self.send(index, &ToWorker::Role(dhcp::ToWorker::Start), Vec::new());
            }
            Role::Tftp => {
                self.send(index, &ToWorker::Role(tftp::ToWorker::Interfaces(interfaces)), Vec::new());
                self.send(index, &ToWorker::Role(tftp::ToWorker::Start), Vec::new());
            }
        }
    }

    fn prime_dns(&mut self, index: usize, interfaces: Vec<Interface>) {
        self.send_dns(index, dns::ToWorker::Interfaces(interfaces), Vec::new());
        for (path, opened) in files::hosts(&self.config.process) {
            let path = path.to_string_lossy().into_owned();
            let (error, descriptors) = match opened {
                Ok(file) => (None, vec![file]),
                Err(error) => (Some(files::reason(&error)), Vec::new()),
            };
            self.send_dns(index, dns::ToWorker::HostsFile { path, error }, descriptors);
        }
        let names: Vec<_> = self.store.iter().filter_map(|lease| self.lease_name(lease)).collect();
        for name in names {
            self.send_dns(index, dns::ToWorker::LeaseName(name), Vec::new());
        }
        self.pick_resolv_file();
        self.send_resolv_file(index);
        self.send_dns(index, dns::ToWorker::Start, Vec::new());
    }

    /// A worker serves: those it replaces may go.
    fn serving(&mut self, index: usize) {
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

    /// Takes one batch of log lines; false when there is none.
    fn log_lines(&mut self, index: usize) -> bool {
        let role = self.workers[index].role;
        let mut buffer = std::mem::take(&mut self.buffer);
        let heard = self.workers[index].hear_log::<Batch>(&mut buffer);
        self.buffer = buffer;
        match heard {
            Heard::Message(batch) => {
                if batch.lost > 0 {
                    self.log.write(Some(role), Severity::Error, &format!("overflow: {} log entries lost", batch.lost));
                }
                for line in batch.lines.iter().take(LINES_MAX) {
                    self.log.write(Some(role), line.severity, &line.text);
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

/// # What the dns worker asks for
impl Hub {
    fn dns_says(&mut self, index: usize, message: dns::ToParent) -> bool {
        match message {
            dns::ToParent::Serving => true,
            dns::ToParent::ResolvUpstreams(upstreams) => {
                let worker = &mut self.workers[index];
                worker.resolv_owed -= 1;
                if upstreams.len() > dns::RESOLV_UPSTREAMS_MAX {
                    return false;
                }
                worker.resolv_upstreams = upstreams;
                true
            }
            dns::ToParent::WantUdp { upstream, count } => {
                let Some((address, source)) = self.upstream(index, upstream) else { return false };
                if count == 0 || count > dns::SOCKETS_PER_MESSAGE_MAX {
                    return false;
                }
                let make = || broker::upstream_udp(address, &source, &self.ports);
                let sockets: Vec<OwnedFd> = (0..count).map_while(|_| make().ok()).collect();
                let missing = count - sockets.len() as u32;
                if !sockets.is_empty() {
                    self.send_dns(index, dns::ToWorker::UdpSockets { upstream }, sockets);
                }
                if missing > 0 {
                    self.send_dns(
                        index,
                        dns::ToWorker::NoSocket { upstream, ticket: None, count: missing },
                        Vec::new(),
                    );
                }
                true
            }
            dns::ToParent::WantTcp { upstream, ticket } => {
                let Some((address, source)) = self.upstream(index, upstream) else { return false };
                match broker::upstream_tcp(address, &source) {
                    Ok(socket) => self.send_dns(index, dns::ToWorker::TcpSocket { ticket }, vec![socket]),
                    Err(_) => {
                        let answer = dns::ToWorker::NoSocket { upstream, ticket: Some(ticket), count: 1 };
                        self.send_dns(index, answer, Vec::new());
                    }
                }
                true
            }
        }
    }

    /// The address behind an index: a configured upstream, or one that the resolv file named to this worker.
    fn upstream(&self, index: usize, upstream: u32) -> Option<(SocketAddr, UpstreamSource)> {
        let configured = &self.config.dns.upstreams;
        let upstream = upstream as usize;
        match configured.get(upstream) {
            Some(address) => {
                let source = self.config.process.upstream_sources.get(upstream).cloned().unwrap_or_default();
                Some((*address, source))
            }
            None => {
                let address = *self.workers[index].resolv_upstreams.get(upstream - configured.len())?;
                let port = self.config.process.query_port;
                Some((address, UpstreamSource { port, ..UpstreamSource::default() }))
            }
        }
    }

    /// Chooses among the resolv files; true when the choice or its content is new.
    fn pick_resolv_file(&mut self) -> bool {
        let process = &self.config.process;
        if process.resolv_files.is_empty() {
            return false;
        }
        let newest = files::newest(&process.resolv_files).map(|(path, changed)| (path.to_owned(), changed));
        if newest.is_none() && !self.resolv.complained {
            self.resolv.complained = true;
            for path in &process.resolv_files {
                let reason = match std::fs::metadata(path) {
                    Err(error) => files::reason(&error),
                    Ok(_) => continue,
                };
                self.log.warning(&format!("failed to access {}: {reason}", path.display()));
            }
        }
        if newest.is_some() {
            self.resolv.complained = false;
        }
        let new = newest.is_some() && newest != self.resolv.current;
        self.resolv.current = newest;
        new
    }

    fn send_resolv_file(&mut self, index: usize) {
        let Some((path, _)) = &self.resolv.current else { return };
        let path = path.clone();
        match files::open(&path) {
            Ok(file) => {
                self.workers[index].resolv_owed += 1;
                let path = path.to_string_lossy().into_owned();
                self.send_dns(index, dns::ToWorker::ResolvFile { path }, vec![file]);
            }
            Err(error) => {
                let line = format!("failed to access {}: {}", path.display(), files::reason(&error));
                self.log.warning(&line);
            }
        }
    }

    fn resolv_changed(&mut self) {
        if !self.pick_resolv_file() {
            return;
        }
        for index in 0..self.workers.len() {
            let worker = &self.workers[index];
            if worker.role == Role::Dns && matches!(worker.phase, Phase::Ready | Phase::Serving) {
                self.send_resolv_file(index);
            }
        }
    }

    fn lease_name(&self, lease: &Lease) -> Option<dns::LeaseName> {
        let address = IpAddr::V4(lease.address);
        Some(dns::LeaseName {
            address,
            name: lease.name.clone()?,
            domain: self.config.dns.domains.of(address).map(str::to_owned),
            expires_s: lease.expires_s,
        })
    }

    /// Tells every dns worker what became of a lease's name.
    fn publish(&mut self, change: &LeaseChange) {
        let message = match change {
            LeaseChange::Put(lease) => match self.lease_name(lease) {
                Some(name) => dns::ToWorker::LeaseName(name),
                None => dns::ToWorker::LeaseNameGone(IpAddr::V4(lease.address)),
            },
            LeaseChange::Remove(address) => dns::ToWorker::LeaseNameGone(IpAddr::V4(*address)),
        };
        for index in 0..self.workers.len() {
            if self.workers[index].role == Role::Dns && self.workers[index].phase >= Phase::Ready {
                self.send_dns(index, message.clone(), Vec::new());
            }
        }
    }
}

/// # What the dhcp worker asks for
impl Hub {
    fn dhcp_says(&mut self, index: usize, message: dhcp::ToParent) -> bool {
        match message {
            dhcp::ToParent::Serving => true,
            dhcp::ToParent::Commit { ticket, changes, neighbor } => {
                // Judged and recorded at the end of this turn, together with all others.
                let worker = self.workers[index].control().as_raw_fd();
                self.commits.push(PendingCommit { worker, ticket, changes, neighbor });
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
    fn set_neighbor(&self, neighbor: &Neighbor) -> bool {
        let serves = |i: &&Interface| i.index == neighbor.interface && i.serves_dhcp;
        let leased = self.store.get(neighbor.address).is_some();
        match self.interfaces.iter().find(serves) {
            Some(interface) if self.territory.holds(neighbor.address) || leased => {
                broker::set_neighbor(&interface.name, neighbor).is_ok()
            }
            _ => false,
        }
    }

    /// Judges and records the commits of this turn with one write and one sync, and only then answers.
    fn record_commits(&mut self) {
        if self.commits.is_empty() {
            return;
        }
        let commits = std::mem::take(&mut self.commits);
        let now_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut changes: Vec<LeaseChange> = Vec::new();
        let mut accepted = Vec::new();
        for commit in &commits {
            let judged = self.territory.judge(&self.store, &changes, &commit.changes, now_s);
            if let Err(refusal) = judged {
                self.log.write(Some(Role::Dhcp), Severity::Warning, &format!("lease change refused: {refusal:?}"));
            } else {
                changes.extend(commit.changes.iter().cloned());
            }
            accepted.push(judged.is_ok());
        }
        let recorded = match self.store.record(&changes) {
            Ok(()) => true,
            Err(error) => {
                let path = self.store.path().map(|path| path.display().to_string()).unwrap_or_default();
                self.log.error(&format!("failed to write {path}: {}", files::reason(&error)));
                false
            }
        };
        if recorded {
            for change in &changes {
                self.publish(change);
            }
        }
        for (commit, accepted) in commits.into_iter().zip(accepted) {
            let Some(index) = self.workers.iter().position(|worker| worker.owns(commit.worker)) else { continue };
            let ticket = commit.ticket;
            let answer = if accepted && recorded {
                if commit.neighbor.is_some_and(|neighbor| !self.set_neighbor(&neighbor)) {
                    let message = dhcp::ToWorker::NeighborSet { ticket, done: false };
                    self.send(index, &ToWorker::Role(message), Vec::new());
                }
                dhcp::ToWorker::Committed(ticket)
            } else {
                dhcp::ToWorker::NotCommitted(ticket)
            };
            self.send(index, &ToWorker::Role(answer), Vec::new());
        }
    }
}

/// # What the tftp worker asks for
impl Hub {
    fn tftp_says(&mut self, index: usize, message: tftp::ToParent) -> bool {
        match message {
            tftp::ToParent::Serving => true,
            tftp::ToParent::WantTransfer { ticket, client, local, interface } => {
                // The parent cannot see whether that client asked; it sees that the address is ours and the interface serves.
                let ours = interfaces::owns(&self.interfaces, local);
                let serves = self.interfaces.iter().any(|i| i.index == interface && i.serves_tftp);
                if !ours || !serves || client.port() == 0 || client.is_ipv4() != local.is_ipv4() {
                    let message = tftp::ToWorker::NoSocket { ticket };
                    self.send(index, &ToWorker::Role(message), Vec::new());
                    return true;
                }
                let range = self.config.process.tftp_port_range;
                let (message, sockets) = match broker::transfer(local, client, range) {
                    Ok(socket) => (tftp::ToWorker::TransferSocket { ticket }, vec![socket]),
                    Err(_) => (tftp::ToWorker::NoSocket { ticket }, Vec::new()),
                };
                self.send(index, &ToWorker::Role(message), sockets);
                true
            }
        }
    }
}

/// # The machine around us
impl Hub {
    fn interfaces_changed(&mut self) {
        interfaces::drain(&self.monitor);
        let Ok(now) = interfaces::list(&self.config.process) else { return };
        if now == self.interfaces {
            return;
        }
        self.interfaces = now;
        for index in 0..self.workers.len() {
            if self.workers[index].phase == Phase::Spawned {
                continue;
            }
            let interfaces = self.interfaces.clone();
            match self.workers[index].role {
                Role::Dns => self.send_dns(index, dns::ToWorker::Interfaces(interfaces), Vec::new()),
                Role::Dhcp => self.send(index, &ToWorker::Role(dhcp::ToWorker::Interfaces(interfaces)), Vec::new()),
                Role::Tftp => self.send(index, &ToWorker::Role(tftp::ToWorker::Interfaces(interfaces)), Vec::new()),
            }
        }
    }
}

/// # Builds for the fault and confinement tests
impl Hub {
    /// A real-time signal asks a worker to go wrong: role index times five plus the deed.
    #[cfg(feature = "probe")]
    fn misbehave(&mut self, signal: i32) {
        use ipc::control::Misbehavior::{Abort, Fault, Loop, Overflow, Panic};
        let number = (signal - libc::SIGRTMIN()) as usize;
        let (Some(role), Some(deed)) =
            (Role::ALL.get(number / 5), [Panic, Abort, Loop, Overflow, Fault].get(number % 5))
        else {
            return;
        };
        let serving = |worker: &Worker| worker.role == *role && worker.phase == Phase::Serving;
        if let Some(index) = self.workers.iter().position(serving) {
            self.send::<()>(index, &ToWorker::Misbehave(*deed), Vec::new());
        }
    }

    #[cfg(not(feature = "probe"))]
    fn misbehave(&mut self, _: i32) {}

    /// Starts one worker of `role` to try forbidden deed number `deed`; the lines it logs, and how it ended.
    #[cfg(feature = "probe")]
    pub fn probe(&mut self, role: Role, deed: u32) -> std::io::Result<(Vec<String>, WaitStatus)> {
        let Side::Parent(newborn) = self.nursery.spawn(role)? else { return Err(std::io::Error::other("no exec")) };
        let worker = Worker::new(role, Generation(deed), newborn.pid, newborn.control, newborn.log);
        self.workers.push(worker);
        let index = self.workers.len() - 1;
        self.send_boot(index, Some(deed));
        // A connected socket to misuse, and in the number's place our process id.
        let discard = SocketAddr::from(([127, 0, 0, 1], 9));
        let socket = broker::upstream_udp(discard, &UpstreamSource::default(), &self.ports)?;
        self.send_dns(index, dns::ToWorker::UdpSockets { upstream: std::process::id() }, vec![socket]);
        let status = waitpid(newborn.pid, None)?;
        let mut lines = Vec::new();
        let Some(worker) = self.workers.pop() else { return Ok((lines, status)) };
        while let Heard::Message(batch) = worker.hear_log::<Batch>(&mut self.buffer) {
            lines.extend(batch.lines.into_iter().map(|line| line.text));
        }
        Ok((lines, status))
    }
}

fn interest(fd: BorrowedFd<'_>, read: bool, write: bool) -> EpollEvent {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, read);
    flags.set(EpollFlags::EPOLLOUT, write);
    EpollEvent::new(flags, fd.as_raw_fd() as u64)
}

fn now_ms() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("the monotonic clock exists");
    now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000
}
