//! One run of the program under test in the foreground, with its log on a pipe.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::wait::PATIENCE;
use crate::{Directory, Namespace, Subject, processes, wait_for, wait_until};

/// A running server. It is stopped on drop, and its log is printed if the test is failing.
#[derive(Debug)]
pub struct Server {
    child: Child,
    directory: Arc<Directory>,
    log: Arc<Log>,
    status: Option<ExitStatus>,
}

#[derive(Debug, Default)]
struct Log {
    lines: Mutex<Lines>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    texts: Vec<String>,
    ended: bool,
}

impl Server {
    /// Starts the chosen subject in `namespace` with this configuration, in a directory of its own, and waits until it
    /// says that it has started. `DIR` in the configuration stands for the directory; pid file and lease file are there
    /// and the log goes to a pipe, unless the configuration says otherwise.
    pub fn start(namespace: &Namespace, config: &str) -> Server {
        Server::start_in(namespace, Arc::new(Directory::new()), config)
    }

    /// Like [`Server::start`], in a directory that the test has filled (hosts files, an old lease file) or uses again.
    pub fn start_in(namespace: &Namespace, directory: Arc<Directory>, config: &str) -> Server {
        let server = Server::launch(namespace, directory, config, &[]);
        server.wait_for_line("started, version");
        server
    }

    /// Starts the program without waiting for anything. `extra` arguments come last.
    pub fn launch(namespace: &Namespace, directory: Arc<Directory>, config: &str, extra: &[&str]) -> Server {
        Server::launch_program(namespace, &Subject::chosen().program(), directory, config, extra)
    }

    /// Like [`Server::launch`], with a program file of the caller's choice (a build with other features).
    pub fn launch_program(
        namespace: &Namespace,
        program: &Path,
        directory: Arc<Directory>,
        config: &str,
        extra: &[&str],
    ) -> Server {
        let path = directory.path().to_str().expect("a plain path");
        let mut whole = format!("{config}\n");
        // What the server may write is in directories without anything else, lest a rule about them hide that another is missing.
        fs::create_dir_all(directory.join("run")).expect("make a directory");
        for line in ["pid-file=DIR/run/pid\n", "dhcp-leasefile=DIR/run/leases\n", "log-facility=-\n"] {
            let key = &line[..=line.find('=').expect("a key and a value")];
            if !config.contains(key) {
                whole.push_str(line);
            }
        }
        if Subject::of(program) == Subject::Ours {
            // A call that no table lists ends the worker, so that a missing row shows at once.
            whole.push_str("sandbox=strict\n");
        }
        directory.write("conf", whole.replace("DIR", path));
        let mut command = namespace.command(program);
        if config.contains("connmark-") {
            // Elsewhere than in this locale the reference refuses marks that are well written.
            command.env("LC_ALL", "C");
        }
        command.arg("--keep-in-foreground").arg(format!("--conf-file={path}/conf")).args(extra);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the server under test");
        let pipe = child.stderr.take().expect("a pipe was asked for");
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                let Ok(line) = line else { break };
                writer.lines.lock().expect("no panic while held").texts.push(String::from_utf8_lossy(&line).into());
                writer.grown.notify_all();
            }
            writer.lines.lock().expect("no panic while held").ended = true;
            writer.grown.notify_all();
        });
        Server { child, directory, log, status: None }
    }

    /// The process that the pid file names: dnsmasq's only one, our parent.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("pids are small")
    }

    /// Where configuration, lease file and pid file are.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The path of the lease file.
    pub fn lease_path(&self) -> PathBuf {
        self.directory.join("run/leases")
    }

    /// The lease file's lines now, without blank ones (our file may hold some between two compactions).
    pub fn leases(&self) -> Vec<String> {
        let text = fs::read_to_string(self.lease_path()).unwrap_or_default();
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    }

    /// All log lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines.lock().expect("no panic while held").texts.clone()
    }

    /// Waits until a log line contains `text`; returns the first such line.
    pub fn wait_for_line(&self, text: &str) -> String {
        self.wait_for_line_after(0, text)
    }

    /// Waits until a log line, not counting the first `seen`, contains `text`. Take `seen` from `lines().len()` before
    /// causing the line.
    pub fn wait_for_line_after(&self, seen: usize, text: &str) -> String {
        let start = Instant::now();
        let mut lines = self.log.lines.lock().expect("no panic while held");
        loop {
            if let Some(line) = lines.texts.iter().skip(seen).find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = PATIENCE.checked_sub(start.elapsed());
            match left {
                Some(left) if !lines.ended => {
                    lines = self.log.grown.wait_timeout(lines, left).expect("no panic while held").0;
                }
                _ => {
                    let log = lines.texts.join("\n");
                    // Let go of the lock first: the log is read while the panic unwinds.
                    drop(lines);
                    panic!("the server's log has no line with {text:?}:\n{log}");
                }
            }
        }
    }

    /// How many log lines contain `text` so far.
    pub fn count_lines(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// Sends a signal to the server's first process.
    pub fn signal(&self, signal: Signal) {
        signal::kill(Pid::from_raw(self.pid()), signal).expect("signal the server");
    }

    /// Waits for the end of the server's first process.
    pub fn wait(&mut self) -> ExitStatus {
        if let Some(status) = self.status {
            return status;
        }
        let status = wait_for("the server to exit", || self.child.try_wait().expect("wait for the server"));
        self.status = Some(status);
        status
    }

    /// Stops the server with SIGTERM and expects an orderly end.
    pub fn stop(mut self) -> Arc<Directory> {
        // dnsmasq calls it an error if it is told to end before it has begun to wait for events.
        let state = || processes::status(self.pid(), "State").unwrap_or_default();
        wait_until("the server to wait for events", || !state().starts_with(['R', 'D']));
        self.signal(Signal::SIGTERM);
        let status = self.wait();
        assert!(status.success(), "the server ended with {status}");
        Arc::clone(&self.directory)
    }

    /// Kills the server's first process outright.
    pub fn kill(&mut self) {
        if self.status.is_none() {
            self.signal(Signal::SIGKILL);
            self.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.status.is_none() {
            // A program that is ours to reap cannot have been replaced by another one of the same number.
            let _ = signal::kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- log of the server ---\n{}\n-------------------------", self.lines().join("\n"));
        }
    }
}
