//! The log: dnsmasq's lines to syslog, a file, or standard error, each under the name of the process that said it.
//!
//! Writing never blocks: a syslog that does not read loses lines, and the number lost is logged when it reads again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use ipc::log::{LINE_BYTES_MAX, Severity};
use ipc::role::Role;

use crate::config::LogTarget;

/// Where syslog listens.
const SYSLOG_SOCKET: &str = "/dev/log";
/// LOG_LOCAL0, the facility of debug mode.
const LOCAL0: u8 = 16;

/// The open log.
pub struct Log {
    program: String,
    sink: Sink,
    /// Lines go to standard error too.
    echo: bool,
    debug: bool,
    lost: u32,
}

/// Who says a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The parent.
    Parent,
    /// A worker.
    Worker(Role),
    /// A lease script.
    Script,
}

enum Sink {
    Syslog {
        facility: u8,
        socket: Option<UnixDatagram>,
    },
    File {
        path: PathBuf,
        file: File,
    },
    /// With time stamps when we are a daemon, as in dnsmasq.
    Stderr {
        stamped: bool,
    },
}

impl Log {
    /// Opens the log. `debug` is `no-daemon`: lines go to standard error too. `daemon`: we left the terminal.
    pub fn open(program: &str, target: &LogTarget, debug: bool, daemon: bool) -> io::Result<Log> {
        stamp();
        let sink = match target {
            LogTarget::Syslog(facility) => {
                Sink::Syslog { facility: if debug { LOCAL0 } else { *facility }, socket: None }
            }
            LogTarget::File(path) => Sink::File { path: path.clone(), file: open_file(path)? },
            LogTarget::Stderr => Sink::Stderr { stamped: daemon },
        };
        let echo = debug && !matches!(sink, Sink::Stderr { .. });
        Ok(Log { program: program.to_owned(), sink, echo, debug, lost: 0 })
    }

    /// The name under which somebody's lines appear. Called as dnsmasq, the lines of dns and net bear the plain name, as there.
    fn name(&self, speaker: Speaker) -> String {
        match speaker {
            Speaker::Parent => self.program.clone(),
            Speaker::Worker(Role::Dns | Role::Net) if self.program == "dnsmasq" => self.program.clone(),
            Speaker::Worker(role) => format!("{}-{}", self.program, role.word()),
            Speaker::Script => format!("{}-script", self.program),
        }
    }

    /// Writes how a process is confined. Called as dnsmasq, the log holds what dnsmasq's would, so only what is missing is told there.
    pub fn confined(&mut self, text: &str) {
        if self.program != "dnsmasq" || text.contains("; missing: ") {
            self.info(text);
        }
    }

    /// Writes one line of whoever said it.
    pub fn write(&mut self, speaker: Speaker, severity: Severity, text: &str) {
        let name = self.name(speaker);
        let mut text = printable(text);
        let pid = std::process::id();
        if self.echo {
            eprintln!("{name}: {text}");
        }
        cut(&mut text, LINE_BYTES_MAX - 64);
        match &mut self.sink {
            Sink::Stderr { stamped: false } if self.debug => eprintln!("{name}: {text}"),
            Sink::Stderr { stamped: false } => eprintln!("{name}[{pid}]: {text}"),
            Sink::Stderr { stamped: true } => eprintln!("{} {name}[{pid}]: {text}", stamp()),
            Sink::File { file, .. } => {
                let line = format!("{} {name}[{pid}]: {text}\n", stamp());
                if file.write_all(line.as_bytes()).is_err() {
                    self.lost = self.lost.saturating_add(1);
                }
            }
            Sink::Syslog { facility, socket } => {
                let priority = u32::from(*facility) * 8 + number(severity);
                let line = format!("<{priority}>{} {name}[{pid}]: {text}", stamp());
                if !send(socket, line.as_bytes()) {
                    self.lost = self.lost.saturating_add(1);
                } else if self.lost > 0 {
                    let lost = std::mem::take(&mut self.lost);
                    self.write(Speaker::Parent, Severity::Error, &format!("overflow: {lost} log entries lost"));
                }
            }
        }
    }

    /// One of the parent's own lines.
    pub fn info(&mut self, text: &str) {
        self.write(Speaker::Parent, Severity::Info, text);
    }

    /// One of the parent's own warnings.
    pub fn warning(&mut self, text: &str) {
        self.write(Speaker::Parent, Severity::Warning, text);
    }

    /// One of the parent's own errors.
    pub fn error(&mut self, text: &str) {
        self.write(Speaker::Parent, Severity::Error, text);
    }

    /// Closes and opens the log file again (SIGUSR2), after somebody has renamed it.
    pub fn reopen(&mut self) {
        if let Sink::File { path, file } = &mut self.sink {
            match open_file(path) {
                Ok(fresh) => *file = fresh,
                Err(error) => {
                    let line = format!("log failed: {error}");
                    let _ = writeln!(file, "{} {}[{}]: {line}", stamp(), self.program, std::process::id());
                }
            }
        }
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(libc::O_CLOEXEC).open(path)
}

/// Sends without waiting; connects again when the system log was restarted.
fn send(socket: &mut Option<UnixDatagram>, line: &[u8]) -> bool {
    for _ in 0..2 {
        if socket.is_none() {
            *socket = UnixDatagram::unbound()
                .ok()
                .filter(|fresh| fresh.set_nonblocking(true).is_ok() && fresh.connect(SYSLOG_SOCKET).is_ok());
        }
        match socket.as_ref().map(|socket| socket.send(line)) {
            None => return false,
            Some(Ok(_)) => return true,
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Some(Err(_)) => *socket = None,
        }
    }
    false
}

fn number(severity: Severity) -> u32 {
    match severity {
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Info => 6,
        Severity::Debug => 7,
    }
}

/// A worker's text may hold anything; a line of the log holds no control characters, so that none can forge another line.
fn printable(text: &str) -> String {
    if text.chars().all(|c| !c.is_control()) {
        return text.to_owned();
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

fn cut(text: &mut String, bytes_max: usize) {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// The time as syslog writes it: `Nov 25 03:00:00`. The first call reads the time zone, so it must come before confinement.
/// How far local time is from UTC now, in seconds.
pub fn utc_offset_s() -> i32 {
    i32::try_from(local_time().tm_gmtoff).unwrap_or(0)
}

fn stamp() -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let local = local_time();
    let month = MONTHS[(local.tm_mon.rem_euclid(12)) as usize];
    format!("{month} {:2} {:02}:{:02}:{:02}", local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec)
}

#[expect(unsafe_code, reason = "local time has no safe call")]
fn local_time() -> libc::tm {
    // SAFETY: both structures live here; localtime_r writes only the second. One thread, so the environment is quiet.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut local: libc::tm = std::mem::zeroed();
        libc::localtime_r(&now, &mut local);
        local
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_forge_another() {
        assert_eq!(printable("a\nb\u{7f}c"), "a\\nb\\u{7f}c");
        assert_eq!(printable("plain ä"), "plain ä");
    }

    #[test]
    fn roles_have_names_of_their_own() {
        let log = Log::open("wardmasq", &LogTarget::Stderr, false, false).unwrap();
        assert_eq!(log.name(Speaker::Worker(Role::Dns)), "wardmasq-dns");
        let log = Log::open("dnsmasq", &LogTarget::Stderr, false, false).unwrap();
        assert_eq!(
            (log.name(Speaker::Worker(Role::Dns)), log.name(Speaker::Worker(Role::Dhcp))),
            ("dnsmasq".into(), "dnsmasq-dhcp".into())
        );
    }
}
