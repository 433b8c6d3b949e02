//! The script process, as the parent sees it: started once, before the parent confines itself, and told of events.
//!
//! It cannot be started later: what the parent starts then is under the parent's own Landlock rules and filter, and scripts must not be.
//! Nothing here waits for it. Events that it does not take are kept up to a bound and then dropped; it hears of all leases again when there
//! is room.
#![expect(unsafe_code, reason = "fork, and exec by descriptor")]

use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use ipc::channel::{ChannelError, receive_bytes, send_bytes};
use ipc::event::Event;
use ipc::frame;
use ipc::log::Batch;
use ipc::script::{Identity, Setup, ToParent, ToScript};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{ForkResult, Pid, fork};
use serde::de::DeserializeOwned;

use crate::accounts;
use crate::config::Config;
use crate::failure::Failure;
use crate::spawn::{self, Nursery};

/// Most bytes of events kept for a script process that does not take them. It takes all it can get into a queue of its own, so they are
/// kept only while it is stopped or being replaced.
const QUEUE_BYTES_MAX: usize = 16 << 20;
/// How long an end waits for the script process to take what is left.
const FLUSH: Duration = Duration::from_secs(2);

/// The script process.
pub struct ScriptProcess {
    pid: Pid,
    control: OwnedFd,
    log: OwnedFd,
    queue: VecDeque<Vec<u8>>,
    queued_bytes: usize,
    lost: u32,
    started: bool,
}

/// What it said.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<M> {
    /// This.
    Message(M),
    /// Nothing more for now.
    Nothing,
    /// What is no message, or the end: it is not to be heard again.
    Closed,
}

/// What to run, from the configuration; `None` when nobody is to be told. Fails when `dhcp-scriptuser` does not exist.
pub fn setup(config: &Config, root: bool) -> Result<Option<Setup>, Failure> {
    let script = &config.script;
    if !script.wanted() {
        return Ok(None);
    }
    let user = script.user.as_deref().unwrap_or("root");
    let account = accounts::user(user).ok_or_else(|| {
        Failure::configuration(format!("unknown user or group: {user}")).about(&["dhcp-scriptuser"], user)
    })?;
    let bytes = |path: &std::path::PathBuf| path.as_os_str().as_bytes().to_vec();
    Ok(Some(Setup {
        program: script.program.as_ref().map(bytes),
        lua: script.lua.as_ref().map(bytes),
        identity: (root && account.uid != 0).then_some(Identity { uid: account.uid, gid: account.gid }),
        log_dhcp: config.dhcp.as_ref().is_some_and(|dhcp| dhcp.log_dhcp),
        debug: config.process.debug,
    }))
}

impl ScriptProcess {
    /// Starts it. Must run while the parent is not confined and has blocked no signal.
    pub fn start(nursery: &Nursery, setup: Setup) -> io::Result<ScriptProcess> {
        let (control, their_control) = ipc::channel::pair()?;
        let (log, their_log) = ipc::channel::pair()?;
        spawn::enlarge_send_buffer(&control);
        // SAFETY: the parent has one thread, so the child may do anything.
        let pid = match unsafe { fork() }? {
            ForkResult::Parent { child } => child,
            ForkResult::Child => become_it(nursery.program(), nursery.null(), &their_control, &their_log, setup.debug),
        };
        let mut process =
            ScriptProcess { pid, control, log, queue: VecDeque::new(), queued_bytes: 0, lost: 0, started: false };
        process.send(&ToScript::Setup(setup));
        Ok(process)
    }

    /// Has it begun to take events?
    pub fn has_started(&self) -> bool {
        self.started
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The control channel.
    pub fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    /// The channel of log lines.
    pub fn log(&self) -> BorrowedFd<'_> {
        self.log.as_fd()
    }

    /// Does anything wait to be sent?
    pub fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Tells it of an event, now or later; never waits.
    pub fn tell(&mut self, event: Event) {
        self.send(&ToScript::Event(event));
    }

    fn send(&mut self, message: &ToScript) {
        let mut bytes = Vec::new();
        // The parts of an event are bounded where they enter; one that is too long all the same is not told.
        if frame::encode(message, &mut bytes).is_err() {
            return;
        }
        if self.queue.is_empty() {
            match send_bytes(self.control.as_fd(), &bytes, &[]) {
                Err(ChannelError::Full) => {}
                // Gone: its death is noticed where deaths are noticed.
                _ => return,
            }
        }
        if self.queued_bytes + bytes.len() > QUEUE_BYTES_MAX {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        self.queued_bytes += bytes.len();
        self.queue.push_back(bytes);
    }

    /// Sends what waits, as far as there is room. Returns how many events were dropped, once nothing waits any more.
    pub fn flush(&mut self) -> u32 {
        while let Some(bytes) = self.queue.front() {
            match send_bytes(self.control.as_fd(), bytes, &[]) {
                Err(ChannelError::Full) => return 0,
                Ok(()) => {
                    self.queued_bytes -= bytes.len();
                    self.queue.pop_front();
                }
                Err(_) => {
                    self.queued_bytes = 0;
                    self.queue.clear();
                }
            }
        }
        std::mem::take(&mut self.lost)
    }

    /// The last flush: waits a while for room. Afterwards the channel may be closed, and the script process finishes its queue.
    pub fn flush_at_end(&mut self) {
        let start = Instant::now();
        loop {
            self.flush();
            let left = FLUSH.saturating_sub(start.elapsed());
            if self.queue.is_empty() || left.is_zero() {
                return;
            }
            let mut waiting = [PollFd::new(self.control.as_fd(), PollFlags::POLLOUT)];
            let _ = poll(&mut waiting, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO));
        }
    }

    /// The next message. [`ToParent::Started`] is told from the second time on: the process that had taken events has died.
    pub fn hear(&mut self, buffer: &mut [u8]) -> Heard<ToParent> {
        match hear(self.control.as_fd(), buffer) {
            Heard::Message(ToParent::Started) if !self.started => {
                self.started = true;
                self.hear(buffer)
            }
            heard => heard,
        }
    }

    /// The next batch of log lines.
    pub fn hear_log(&self, buffer: &mut [u8]) -> Heard<Batch> {
        hear(self.log.as_fd(), buffer)
    }
}

fn hear<M: DeserializeOwned>(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Heard<M> {
    match receive_bytes(socket, buffer, 0) {
        Ok(None) => Heard::Nothing,
        Ok(Some((length, _))) if length > 0 => frame::decode(&buffer[..length]).map_or(Heard::Closed, Heard::Message),
        _ => Heard::Closed,
    }
}

/// In the child: the script process, in a program of its own where exec is permitted, with the environment that the parent was started
/// with, which scripts inherit.
fn become_it(program: BorrowedFd<'_>, null: BorrowedFd<'_>, control: &OwnedFd, log: &OwnedFd, debug: bool) -> ! {
    let arguments = ["wardmasq-script", shell::WORKER_ARGUMENT, shell::SCRIPT_WORD];
    let arguments = arguments.map(|text| CString::new(text).expect("words hold no NUL"));
    let argv = [arguments[0].as_ptr(), arguments[1].as_ptr(), arguments[2].as_ptr(), std::ptr::null()];
    let variables: Vec<CString> = std::env::vars_os()
        .filter_map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok())
        .collect();
    let mut environment: Vec<*const libc::c_char> = variables.iter().map(|text| text.as_ptr()).collect();
    environment.push(std::ptr::null());
    // SAFETY: plain system calls on integers in a process of one thread; what exec reads is NUL-terminated and lives here.
    unsafe {
        // In debug mode scripts write where we do.
        let null = (!debug).then(|| null.as_raw_fd());
        spawn::take_places(program.as_raw_fd(), null, control.as_raw_fd(), log.as_raw_fd());
        libc::chdir(c"/".as_ptr());
        libc::syscall(
            libc::SYS_execveat,
            spawn::PROGRAM,
            c"".as_ptr(),
            argv.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
        libc::close(spawn::PROGRAM);
    }
    shell::run_script()
}
