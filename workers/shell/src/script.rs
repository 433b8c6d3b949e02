//! The script process: events on one side, the administrator's program on the other.
//!
//! It is two processes. The *keeper* is started by the parent before that confines itself, and does nothing but wait: should the other die,
//! it starts it again, which the confined parent could not. The *runner* takes events and calls the script, one call at a time. Neither
//! is confined, since whatever confines them would confine scripts as well.
#![expect(unsafe_code, reason = "fork, and the signal mask between fork and exec")]

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ipc::boot::{CONTROL, LOG};
use ipc::channel::{receive_bytes, send_bytes};
use ipc::log::{LINES_MAX, Line, Severity};
use ipc::script::{Identity, Setup, ToParent, ToScript};
use ipc::{MESSAGE_BYTES_MAX, frame};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, fork, pipe2, read, setgid, setgroups, setuid};
use script::{Action, Call, Ending, Engine, Input, LuaCall, Outbox, is_ours};

use crate::boot::{exit_now, own};
use crate::line::Log;

/// Wait before a runner that died is replaced.
const RESTART_WAIT: Duration = Duration::from_millis(500);
/// How long log lines wait for a parent that does not read, in milliseconds. Afterwards they are lost, and counted.
const LOG_WAIT_MS: u16 = 2_000;
/// Output taken at once.
const OUTPUT_BYTES: usize = 4096;
/// Output taken in a second, in bytes. A script that prints without end waits for the next one, and the log has room for others.
const OUTPUT_BYTES_PER_SECOND: usize = 64 * 1024;
const SECOND: Duration = Duration::from_secs(1);
/// So many pieces fill a pipe.
const PIPE_PIECES: usize = 16;
/// Events taken in one turn, so that output is taken as well.
const EVENTS_PER_TURN: usize = 256;

/// Be the script process.
pub(crate) fn run() -> ! {
    // Whoever ends the daemon's processes by signal must not end this one before its queue: the parent's end of the channel tells.
    let mut blocked = SigSet::all();
    for fault in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGILL, Signal::SIGFPE, Signal::SIGABRT, Signal::SIGTRAP] {
        blocked.remove(fault);
    }
    blocked.thread_set_mask().expect("signals can be blocked");
    let _ = nix::sys::prctl::set_name(c"wardmasq-script");
    let control = own(CONTROL);
    let mut log = Log::new(own(LOG));
    let Some(setup) = first_message(&control) else { exit_now(0) };
    if let Some(Err(errno)) = setup.identity.map(become_user) {
        let text = format!("script process cannot change user: {}", errno.desc());
        log.write(&mut vec![Line { severity: Severity::Error, text }]);
        exit_now(1);
    }
    keep(&control, log, &setup)
}

/// Waits for what the parent sends before everything else; `None` when it is gone.
fn first_message(control: &OwnedFd) -> Option<Setup> {
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    loop {
        let mut waiting = [PollFd::new(control.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut waiting, PollTimeout::NONE);
        match receive_bytes(control.as_fd(), &mut bytes, 0) {
            Ok(None) => {}
            Ok(Some((length, _))) if length > 0 => {
                return match frame::decode(&bytes[..length]) {
                    Ok(ToScript::Setup(setup)) => Some(setup),
                    _ => None,
                };
            }
            _ => return None,
        }
    }
}

fn become_user(identity: Identity) -> nix::Result<()> {
    setgroups(&[])?;
    setgid(Gid::from_raw(identity.gid))?;
    setuid(Uid::from_raw(identity.uid))
}

/// Starts the runner, and again when it dies, until it has done all there is.
fn keep(control: &OwnedFd, mut log: Log, setup: &Setup) -> ! {
    loop {
        // SAFETY: this process has one thread.
        let runner = match unsafe { fork() } {
            Ok(ForkResult::Child) => take_events(control, log, setup),
            Ok(ForkResult::Parent { child }) => child,
            Err(_) => {
                std::thread::sleep(RESTART_WAIT);
                continue;
            }
        };
        let how = loop {
            match waitpid(runner, None) {
                Ok(WaitStatus::Exited(_, 0)) => exit_now(0),
                Ok(WaitStatus::Exited(_, status)) => break format!("ended with status {status}"),
                Ok(WaitStatus::Signaled(_, signal, _)) => break format!("was ended by {signal}"),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => break format!("is lost: {}", errno.desc()),
            }
        };
        let text = format!("script process {runner} {how}; starting another, which tells all leases again");
        log.write(&mut vec![Line { severity: Severity::Error, text }]);
        std::thread::sleep(RESTART_WAIT);
    }
}

/// Takes events until the channel ends and the queue is empty.
fn take_events(control: &OwnedFd, log: Log, setup: &Setup) -> ! {
    let mut runner = Runner {
        control,
        log,
        setup,
        engine: Engine::new(setup),
        outbox: Outbox::default(),
        call: None,
        #[cfg(feature = "lua")]
        program: None,
        open: true,
        buffer: vec![0; MESSAGE_BYTES_MAX],
        taken: (Instant::now(), 0),
    };
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    let signals = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
    let signals = signals.expect("signals can be read");
    #[cfg(feature = "lua")]
    if let Some(path) = &setup.lua {
        match crate::lua::Program::load(Path::new(OsStr::from_bytes(path))) {
            Ok(program) => runner.program = Some(program),
            Err(text) => {
                runner.tell(ToParent::Failed(text));
                exit_now(0);
            }
        }
    }
    runner.tell(ToParent::Started);
    loop {
        let pause = runner.pause();
        let output = runner.call.as_ref().and_then(|call| call.output.as_ref()).filter(|_| pause.is_none());
        let mut waiting = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        waiting.extend(output.map(|output| PollFd::new(output.as_fd(), PollFlags::POLLIN)));
        waiting.extend(runner.open.then(|| PollFd::new(control.as_fd(), PollFlags::POLLIN)));
        let timeout =
            pause.map_or(PollTimeout::NONE, |pause| PollTimeout::try_from(pause).unwrap_or(PollTimeout::ZERO));
        let _ = poll(&mut waiting, timeout);
        while let Ok(Some(_)) = signals.read_signal() {}
        runner.take_messages();
        if runner.pause().is_none() {
            runner.take_output();
        }
        runner.look_for_end();
    }
}

struct Runner<'s> {
    control: &'s OwnedFd,
    log: Log,
    setup: &'s Setup,
    engine: Engine,
    outbox: Outbox,
    call: Option<Running>,
    /// The Lua program.
    #[cfg(feature = "lua")]
    program: Option<crate::lua::Program>,
    /// Does the parent still hold its end of the channel?
    open: bool,
    buffer: Vec<u8>,
    /// When the present second began, and the bytes of output taken in it.
    taken: (Instant, usize),
}

/// A call of the script that is under way.
struct Running {
    child: Child,
    /// What it prints; `None` in debug mode, and when it has closed it.
    output: Option<OwnedFd>,
}

impl Runner<'_> {
    /// How long no output is to be taken, if it has come too fast.
    fn pause(&mut self) -> Option<Duration> {
        let (began, bytes) = self.taken;
        let left = SECOND.checked_sub(began.elapsed()).filter(|left| !left.is_zero());
        if left.is_none() {
            self.taken = (Instant::now(), 0);
        }
        left.filter(|_| bytes >= OUTPUT_BYTES_PER_SECOND).map(|left| left.max(Duration::from_millis(1)))
    }

    fn take_messages(&mut self) {
        for _ in 0..EVENTS_PER_TURN {
            if !self.open {
                return;
            }
            match receive_bytes(self.control.as_fd(), &mut self.buffer, 0) {
                Ok(None) => return,
                Ok(Some((length, _))) if length > 0 => {
                    let bytes = self.buffer[..length].to_vec();
                    self.hear(Input::Told(bytes));
                }
                _ => {
                    self.open = false;
                    self.hear(Input::Finish);
                }
            }
        }
    }

    /// Takes a piece of what the script prints; false when there is none.
    fn take_output(&mut self) -> bool {
        let Some(output) = self.call.as_ref().and_then(|call| call.output.as_ref()) else { return false };
        let mut piece = [0; OUTPUT_BYTES];
        match read(output, &mut piece) {
            Ok(0) => {
                self.call.as_mut().expect("it has just been read from").output = None;
                false
            }
            Ok(count) => {
                self.taken.1 += count;
                self.hear(Input::Output(&piece[..count]));
                true
            }
            Err(_) => false,
        }
    }

    fn look_for_end(&mut self) {
        let Some(Ok(Some(status))) = self.call.as_mut().map(|call| call.child.try_wait()) else { return };
        // What it has printed last, and no more than a pipe holds: what it has left running has nobody to print to, as with dnsmasq.
        for _ in 0..PIPE_PIECES {
            if !self.take_output() {
                break;
            }
        }
        self.call = None;
        self.hear(Input::Ended(match (status.code(), status.signal()) {
            (Some(status), _) => Ending::Exited(status),
            (None, signal) => Ending::Killed(signal.unwrap_or_default()),
        }));
    }

    fn hear(&mut self, input: Input<'_>) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            self.engine.handle(input, &mut self.outbox);
            let mut lines = std::mem::take(&mut self.outbox.lines);
            self.say(&mut lines);
            for action in std::mem::take(&mut self.outbox.actions) {
                match action {
                    Action::Run { lua, script } => {
                        if let Some(call) = lua {
                            self.tell_program(&call);
                        }
                        match script.map(|call| start(self.setup, &call)) {
                            Some(Ok(running)) => self.call = Some(running),
                            Some(Err(reason)) => next = Some(Input::Ended(Ending::NotStarted(reason))),
                            None => next = Some(Input::Ended(Ending::Exited(0))),
                        }
                    }
                    Action::Tell(message) => self.tell(message),
                    Action::Leave => {
                        #[cfg(feature = "lua")]
                        if let Some(program) = &self.program {
                            program.shut_down();
                        }
                        exit_now(0)
                    }
                }
            }
        }
    }

    /// Logs lines. A script that prints more than the parent takes is slowed down by that.
    fn say(&mut self, lines: &mut Vec<Line>) {
        while !lines.is_empty() {
            let mut waiting = [PollFd::new(self.log.as_fd(), PollFlags::POLLOUT)];
            let _ = poll(&mut waiting, LOG_WAIT_MS);
            let mut batch = lines.drain(..lines.len().min(LINES_MAX)).collect();
            self.log.write(&mut batch);
        }
    }

    /// Calls the Lua program.
    fn tell_program(&mut self, call: &LuaCall) {
        #[cfg(feature = "lua")]
        if let Some(line) = self.program.as_ref().and_then(|program| program.tell(call)) {
            self.say(&mut vec![line]);
        }
        #[cfg(not(feature = "lua"))]
        let _ = call;
    }

    fn tell(&self, message: ToParent) {
        let mut bytes = Vec::new();
        frame::encode(&message, &mut bytes).expect("our own messages are within the limit");
        // The parent always reads; should it be gone, the channel says so where messages are taken.
        let _ = send_bytes(self.control.as_fd(), &bytes, &[]);
    }
}

/// Starts the script; the reason when that fails.
fn start(setup: &Setup, call: &Call) -> Result<Running, String> {
    let path = setup.program.as_deref().unwrap_or_default();
    let refused = |error: io::Error| match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    };
    // A name without a slash is a file of the root directory, where scripts run. It is not searched for.
    let program = if path.contains(&b'/') { path.to_vec() } else { [&b"./"[..], path].concat() };
    let mut command = Command::new(Path::new(OsStr::from_bytes(&program)));
    command.args(call.arguments.iter().map(|argument| OsStr::from_bytes(argument)));
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name.as_bytes())) {
        command.env_remove(name);
    }
    command.envs(call.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
    command.current_dir("/").stdin(Stdio::null());
    let mut output = None;
    if !setup.debug {
        let (ours, theirs) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| errno.desc().to_owned())?;
        let nonblocking = nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&ours, nonblocking).map_err(|errno| errno.desc().to_owned())?;
        command.stdout(theirs.try_clone().map_err(refused)?).stderr(theirs);
        output = Some(ours);
    }
    // SAFETY: between fork and exec only system calls are made: no signal of ours is to be blocked or ignored in the script.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            SigSet::empty().thread_set_mask().map_err(io::Error::from)
        });
    }
    let child = command.spawn().map_err(refused)?;
    Ok(Running { child, output })
}
