//! Leaving the terminal: two forks, and a foreground process that ends when the start is complete, with its status.
#![expect(unsafe_code, reason = "fork")]

use std::io;
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2, read, setsid, write};

/// The daemon's line to the foreground process.
pub struct Foreground {
    pipe: Option<OwnedFd>,
}

impl Foreground {
    /// No foreground process: we never left the terminal.
    pub fn none() -> Foreground {
        Foreground { pipe: None }
    }

    /// Becomes a daemon. Returns in the daemon only; the calling process waits for [`Foreground::release`] and exits with its status.
    pub fn leave() -> io::Result<Foreground> {
        let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC)?;
        if let Some(child) = fork()? {
            drop(write_end);
            let mut status = [5u8];
            let _ = read(&read_end, &mut status);
            let _ = waitpid(child, None);
            std::process::exit(i32::from(status[0]));
        }
        drop(read_end);
        setsid()?;
        if fork()?.is_some() {
            std::process::exit(0);
        }
        std::env::set_current_dir("/")?;
        Ok(Foreground { pipe: Some(write_end) })
    }

    /// Ends the foreground process with this status.
    pub fn release(&mut self, status: u8) {
        if let Some(pipe) = self.pipe.take() {
            let _ = write(&pipe, &[status]);
        }
    }
}

fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the process has one thread, so the child may go on with anything.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(Pid::from_raw(pid))),
    }
}

/// The null device, opened while it may be.
pub fn null_device() -> io::Result<OwnedFd> {
    Ok(std::fs::File::options().read(true).write(true).open("/dev/null")?.into())
}

/// Points standard input, output and error at `null`. `keep_error`: all but standard error (the log goes there).
pub fn close_terminal(null: &OwnedFd, keep_error: bool) {
    let _ = nix::unistd::dup2_stdin(null);
    let _ = nix::unistd::dup2_stdout(null);
    if !keep_error {
        let _ = nix::unistd::dup2_stderr(null);
    }
}
