//! The parent's event loop: the only place that sees every descriptor.
//!
//! It waits for signals, for messages and log lines of workers, and for word that interfaces or resolv files changed; it starts, drains
//! and replaces workers. It sleeps without a timeout unless a worker is to be started later or killed if it lingers.
//!
//! Here are the loop, signals and the machine around us; `life` starts, replaces and buries workers, `talk` speaks with them, and
//! `for_dns`, `for_dhcp`, `for_tftp` and `for_net` do what each role asks for; `for_hosts` carries what hosts files say from dns to dhcp;
//! `for_script` tells of what has happened.

mod dns_slice;
mod for_dhcp;
mod for_dhcp_files;
mod for_dns;
mod for_hosts;
mod for_net;
mod for_script;
mod for_tftp;
mod life;
#[cfg(feature = "probe")]
mod probe;
mod talk;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use ipc::config::net::NetSlice;
use ipc::control::ToWorker;
use ipc::dhcp::{Contact, Neighbor, Ticket};
use ipc::lease::LeaseChange;
use ipc::link::Interface;
use ipc::role::Role;
use ipc::{MESSAGE_BYTES_MAX, dhcp, dns, frame, tftp};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::waitpid;
use serde::Serialize;

use crate::broker::{Echo, Ports};
use crate::capture::CaptureFile;
use crate::commit::Territory;
use crate::config::feature::Feature;
use crate::config::{BindMode, Config};
use crate::errands::Errands;
use crate::interfaces;
use crate::lease_events::Contacts;
use crate::leases::store::Store;
use crate::listen::{self, Listening};
use crate::log::{self, Log};
use crate::neighbors::Neighbors;
use crate::permit::Phase;
use crate::script::ScriptProcess;
use crate::service_manager;
use crate::spawn::{Nursery, sealed};
use crate::supervisor::Restarts;
use crate::upstreams::Upstreams;
use crate::watch::Watch;
use crate::worker::Worker;
use for_dhcp_files::FileRules;
use for_hosts::Hosts;

/// Messages taken from one worker in one turn, so that none can keep the others waiting.
const MESSAGES_PER_TURN: usize = 64;
/// How often resolv files are looked at where no watch tells of changes, in milliseconds.
const POLL_MS: u64 = 1_000;
/// How long a drained worker may take to finish, in milliseconds: DNS answers what it owes, TFTP its transfers.
const DRAIN_MS: [(Role, u64); 4] =
    [(Role::Dns, 30_000), (Role::Dhcp, 5_000), (Role::Tftp, 300_000), (Role::Net, 1_000)];

/// Everything the parent holds while it runs.
pub struct Hub {
    config: Config,
    nursery: Nursery,
    sockets: Vec<Listening>,
    echo: Option<Echo>,
    directories: Vec<OwnedFd>,
    slices: BTreeMap<Role, OwnedFd>,
    /// The table of routes, when it does not ride in the dns slice. It is not mapped here.
    routes: Option<OwnedFd>,
    /// What the next dns worker may ask sockets for.
    upstreams: Rc<Upstreams>,
    store: Store,
    territory: Territory,
    file_rules: FileRules,
    hosts: Hosts,
    ports: Ports,
    log: Log,
    capture: Option<CaptureFile>,
    epoll: Epoll,
    signals: SignalFd,
    monitor: OwnedFd,
    watch: Option<Watch>,
    interfaces: Vec<Interface>,
    workers: Vec<Worker>,
    roles: BTreeMap<Role, RoleState>,
    resolv: Resolv,
    commits: Vec<PendingCommit>,
    /// When renewed leases are to be written that have not been yet, in monotonic milliseconds.
    write_leases_at_ms: Option<u64>,
    errands: Errands,
    script: Option<ScriptProcess>,
    contacts: Contacts,
    neighbors: Neighbors,
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
    /// Where copies of packets go.
    pub capture: Option<CaptureFile>,
    /// Signals, blocked and readable here.
    pub signals: SignalFd,
    /// Interface changes.
    pub monitor: OwnedFd,
    /// Changes of resolv files and of directories of hosts files.
    pub watch: Option<Watch>,
    /// The interfaces at start.
    pub interfaces: Vec<Interface>,
    /// Who hears of leases.
    pub script: Option<ScriptProcess>,
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
    /// When to look for changes, in monotonic milliseconds; `None`: a watch tells, or nobody wants to know.
    look_at_ms: Option<u64>,
    complained: bool,
}

struct PendingCommit {
    worker: RawFd,
    ticket: Ticket,
    changes: Vec<LeaseChange>,
    neighbor: Option<Neighbor>,
    contact: Option<Box<Contact>>,
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
            routes: None,
            upstreams: Rc::default(),
            store: parts.store,
            territory,
            file_rules: FileRules::default(),
            hosts: Hosts::default(),
            log: parts.log,
            capture: parts.capture,
            epoll,
            signals: parts.signals,
            monitor: parts.monitor,
            watch: parts.watch,
            interfaces: parts.interfaces,
            workers: Vec::new(),
            roles: BTreeMap::new(),
            resolv: Resolv::default(),
            commits: Vec::new(),
            write_leases_at_ms: None,
            errands: Errands::default(),
            script: parts.script,
            contacts: Contacts::default(),
            neighbors: Neighbors::default(),
            // Zero-filled by the system: only the pages that messages have reached cost memory.
            buffer: vec![0; MESSAGE_BYTES_MAX],
            state: State::Starting,
        };
        hub.config.dns.domains.follow(&hub.interfaces);
        let process = &hub.config.process;
        if !Feature::Inotify.built() && process.port != 0 && !process.no_poll && !process.resolv_files.is_empty() {
            hub.resolv.look_at_ms = Some(now_ms() + POLL_MS);
        }
        hub.watch_fd(hub.signals.as_fd(), true, false)?;
        hub.watch_fd(hub.monitor.as_fd(), true, false)?;
        if let Some(watch) = &hub.watch {
            hub.watch_fd(watch.as_fd(), true, false)?;
        }
        hub.prime_script()?;
        if hub.config.process.port != 0 {
            hub.make_dns_slice()?;
            hub.add_role(Role::Dns);
        }
        if hub.config.asks_kernel() {
            let slice = NetSlice::of(&hub.config.dns.sets);
            hub.set_slice(Role::Net, &slice)?;
            hub.add_role(Role::Net);
        }
        if let Some(slice) = hub.config.dhcp.take() {
            hub.set_slice(Role::Dhcp, &slice)?;
            hub.add_role(Role::Dhcp);
            hub.config.dhcp = Some(slice);
            hub.renew_wanted_hosts();
        }
        if let Some(slice) = hub.config.tftp.take() {
            hub.set_slice(Role::Tftp, &slice)?;
            hub.add_role(Role::Tftp);
            hub.config.tftp = Some(slice);
        }
        Ok(hub)
    }

    fn set_slice<S: Serialize>(&mut self, role: Role, slice: &S) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        frame::encode_slice(slice, &mut bytes).map_err(std::io::Error::other)?;
        self.slices.insert(role, sealed(&bytes)?);
        Ok(())
    }

    fn add_role(&mut self, role: Role) {
        self.roles.insert(role, RoleState { start_at_ms: Some(0), ..RoleState::default() });
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
            self.look_at_resolv_files();
            self.record_commits();
            self.write_late_leases();
            self.start_waiting_dhcp();
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
        if self.script_owns(fd) {
            return self.script_ready(fd);
        }
        if fd == self.monitor.as_raw_fd() {
            self.interfaces_changed();
        } else if self.watch.as_ref().is_some_and(|watch| watch.as_fd().as_raw_fd() == fd) {
            let changes = self.watch.as_ref().map(Watch::changes).unwrap_or_default();
            self.files_changed(changes);
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
        let timers = [self.resolv.look_at_ms, self.write_leases_at_ms, self.hosts.start_dhcp_at_ms];
        match starts.chain(kills).chain(resumes).chain(timers.into_iter().flatten()).min() {
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
                Ok(Signal::SIGCHLD) => {
                    let end = self.children();
                    if end.is_some() {
                        return end;
                    }
                }
                #[cfg(feature = "probe")]
                Err(_) => self.misbehave(info.ssi_signo as i32),
                _ => {}
            }
        }
        None
    }

    fn end(&mut self, signal: &str, status: u8) -> End {
        service_manager::stopping();
        self.record_commits();
        self.write_leases();
        if let Some(script) = &mut self.script {
            script.flush_at_end();
        }
        self.end_workers();
        self.log.info(&format!("exiting on receipt of {signal}"));
        End::Asked(status)
    }

    fn end_workers(&mut self) {
        let pids: Vec<_> = self.workers.iter().map(|worker| worker.pid).collect();
        for pid in &pids {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        for pid in pids {
            let _ = waitpid(pid, None);
        }
    }

    fn dump_statistics(&mut self) {
        let utc_offset_s = log::utc_offset_s();
        for index in 0..self.workers.len() {
            if self.workers[index].role == Role::Dns && self.workers[index].phase == Phase::Serving {
                self.send::<dns::ToWorker>(index, &ToWorker::DumpStatistics { utc_offset_s }, Vec::new());
            }
        }
    }

    /// SIGHUP: the files that dnsmasq reads again are opened again, by starting the next generation of each worker with the same
    /// sockets.
    fn reload(&mut self) {
        self.renew_dns_slice();
        self.tell_all_leases();
        if self.state == State::Running {
            service_manager::reloading();
            // Also if nobody can be replaced yet: whoever has announced a reload must announce its end.
            self.state = State::Reloading;
        }
        // The file may have been replaced without an event that we saw (no-poll).
        self.resolv.current = None;
        let roles: Vec<Role> = self.roles.keys().copied().collect();
        for role in roles {
            self.renew(role);
        }
    }

    /// Replaces the worker of a role: at once if it serves, or as soon as the one that is on its way does.
    fn renew(&mut self, role: Role) {
        let of_role = |phase: fn(Phase) -> bool| self.workers.iter().any(|w| w.role == role && phase(w.phase));
        let on_its_way = of_role(|phase| phase < Phase::Serving) || !of_role(|phase| phase == Phase::Serving);
        let Some(state) = self.roles.get_mut(&role) else { return };
        if on_its_way || state.start_at_ms.is_some() {
            state.reload_again = true;
            return;
        }
        if self.state == State::Running {
            self.state = State::Reloading;
        }
        self.replace(role);
    }
}

/// # The machine around us
impl Hub {
    fn look_at_resolv_files(&mut self) {
        let now = now_ms();
        if self.resolv.look_at_ms.is_some_and(|at| at <= now) {
            self.resolv.look_at_ms = Some(now + POLL_MS);
            self.resolv_changed();
        }
    }

    fn interfaces_changed(&mut self) {
        interfaces::drain(&self.monitor);
        let Ok(now) = interfaces::list(&self.config.process) else { return };
        if now == self.interfaces {
            return;
        }
        self.interfaces = now;
        self.config.dns.domains.follow(&self.interfaces);
        self.renew_wanted_hosts();
        for index in 0..self.workers.len() {
            if self.workers[index].phase == Phase::Spawned {
                continue;
            }
            let interfaces = self.interfaces.clone();
            match self.workers[index].role {
                Role::Dns => self.send_dns(index, dns::ToWorker::Interfaces(interfaces), Vec::new()),
                Role::Dhcp => self.send(index, &ToWorker::Role(dhcp::ToWorker::Interfaces(interfaces)), Vec::new()),
                Role::Tftp => self.send(index, &ToWorker::Role(tftp::ToWorker::Interfaces(interfaces)), Vec::new()),
                Role::Net => {}
            }
        }
        if self.config.process.bind == BindMode::Dynamic {
            self.follow_interfaces();
        }
    }

    /// `bind-dynamic`: a worker cannot be given another listening socket, since its filter knows those it began with by their numbers. So when
    /// addresses come or go, another one takes its place.
    fn follow_interfaces(&mut self) {
        let followed = listen::follow(&self.config, &self.interfaces, &mut self.sockets);
        for failure in followed.failures {
            self.log.warning(&failure);
        }
        for role in followed.roles {
            self.renew(role);
        }
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
