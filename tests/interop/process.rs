//! The server as init scripts and other programs meet it: exit codes, daemon mode, pid file, signals, log file.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, mpsc};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use support::lan::CLIENT_INTERFACE;
use support::wait::PATIENCE;
use support::{Directory, Lan, Namespace, Server, Subject, wait_for, wait_until};

use crate::dig::dig;

/// Runs the program under test until it returns and has let go of its output, as whoever captures that output waits for.
fn run(namespace: &Namespace, arguments: &[&str]) -> Output {
    let mut command = namespace.command(Subject::chosen().program());
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("start the program under test");
    let (done, output) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let output = output.recv_timeout(PATIENCE).expect("the program returns and lets go of its output");
    output.expect("wait for the program under test")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a configuration and returns the argument that names it.
fn config_argument(directory: &Directory, text: &str) -> String {
    let text = text.replace("DIR", directory.path().to_str().expect("a plain path"));
    format!("--conf-file={}", directory.write("conf", text).display())
}

#[test]
fn a_configuration_is_checked_without_starting() {
    let namespace = Namespace::new("check");
    let directory = Directory::new();
    let good = run(&namespace, &["--test", &config_argument(&directory, "domain=lan.example\ncache-size=500\n")]);
    assert_eq!((good.status.code(), errors(&good).contains("syntax check OK")), (Some(0), true));

    let bad = run(&namespace, &["--test", &config_argument(&directory, "domain=lan.example\nno-such-option=1\n")]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(errors(&bad).contains("line 2"), "{}", errors(&bad));
    let bad = run(&namespace, &["--test", &config_argument(&directory, "cache-size=many\n")]);
    assert_eq!(bad.status.code(), Some(1));
    let bad = run(&namespace, &["--test", "--conf-file=/absent/conf"]);
    assert_eq!(bad.status.code(), Some(3), "{}", errors(&bad));
}

#[test]
fn under_the_name_of_dnsmasq_it_says_what_other_programs_parse() {
    let namespace = Namespace::new("version");
    let directory = Directory::new();
    let link = directory.join("dnsmasq");
    symlink(Subject::chosen().program(), &link).expect("make a link");
    let output = namespace.command(&link).arg("--version").output().expect("run the program under test");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("Dnsmasq version 2.93 ")), "{text}");
    let options = lines.next().expect("a second line");
    assert!(options.starts_with("Compile time options: "), "{text}");
    let words: Vec<&str> = options.split(' ').collect();
    assert!(words.contains(&"DHCP") && words.contains(&"TFTP"), "{text}");
}

#[test]
fn a_port_that_is_taken_is_a_network_error() {
    let lan = Lan::with_addresses(0);
    let _first = Server::start(&lan.server, "no-resolv\nno-hosts\n");
    let directory = Directory::new();
    let config = config_argument(&directory, "no-resolv\nno-hosts\npid-file=DIR/pid\n");
    let second = run(&lan.server, &["--keep-in-foreground", &config]);
    assert_eq!(second.status.code(), Some(2), "{}", errors(&second));
    assert!(errors(&second).contains("Address already in use"), "{}", errors(&second));
    assert!(errors(&second).contains("53"), "{}", errors(&second));
}

#[test]
fn the_daemon_serves_when_the_command_returns_and_frees_its_ports_when_killed() {
    let lan = Lan::with_addresses(1);
    let directory = Directory::new();
    let config = config_argument(
        &directory,
        "no-resolv\nno-hosts\naddress=/here.example/192.0.2.7\npid-file=DIR/pid\nlog-facility=DIR/log\n",
    );
    let _end = EndOf(&directory);
    // The second round shows that a killed server leaves nothing in the way of the next.
    for end in [Signal::SIGKILL, Signal::SIGTERM] {
        let start = run(&lan.server, &[&config]);
        assert!(start.status.success(), "{}", errors(&start));
        let pid: i32 = directory.read("pid").trim().parse().expect("a pid file when the command returns");
        let reply = dig(&lan.clients[0], &["here.example", "A", "+tries=1"]);
        assert_eq!(reply.data(), ["192.0.2.7"]);
        signal::kill(Pid::from_raw(pid), end).expect("signal the daemon");
        // Nobody here is its parent, so it is gone when it is gone or waits for init to notice.
        wait_until("the daemon to end", || has_ended(pid));
    }
}

/// Ends the daemon whose pid file is in this directory, should a test fail before it does so.
struct EndOf<'test>(&'test Directory);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        // Our daemon removes the file at its end; the reference may not be allowed to.
        if let Ok(pid) = self.0.read("pid").trim().parse()
            && std::thread::panicking()
            && !has_ended(pid)
        {
            let _ = signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

fn has_ended(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => true,
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
    }
}

#[test]
fn a_log_file_is_opened_anew_on_sigusr2() {
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    // The file belongs to whom the server runs as, and so must its directory be open to it.
    fs::create_dir(directory.join("logs")).expect("make a directory");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(directory.join("logs"), everybody).expect("set permissions");
    let config = "no-resolv\nno-hosts\nlog-queries\nlog-facility=DIR/logs/log\naddress=/here.example/192.0.2.7\n";
    let server = Server::launch(&lan.server, Arc::clone(&directory), config, &[]);
    wait_until("the log file to begin", || directory.read("logs/log").contains("started, version"));
    dig(&lan.clients[0], &["one.here.example", "A"]);
    wait_until("the query to be logged", || directory.read("logs/log").contains("query[A] one.here.example from"));

    fs::rename(directory.join("logs/log"), directory.join("logs/old")).expect("rotate the log");
    server.signal(Signal::SIGUSR2);
    wait_until("a new log file", || directory.join("logs/log").exists());
    dig(&lan.clients[0], &["two.here.example", "A"]);
    wait_until("the query to be logged", || directory.read("logs/log").contains("query[A] two.here.example from"));
    assert!(!directory.read("logs/old").contains("two.here.example"));
    server.stop();
}

#[test]
fn statistics_are_logged_on_sigusr1() {
    let lan = Lan::with_addresses(1);
    let server = Server::start(&lan.server, "no-resolv\nno-hosts\ncache-size=321\naddress=/here.example/192.0.2.7\n");
    for name in ["one.here.example", "two.here.example"] {
        dig(&lan.clients[0], &[name, "A"]);
    }
    server.signal(Signal::SIGUSR1);
    server.wait_for_line("cache size 321, 0/0 cache insertions re-used unexpired cache entries.");
    server.wait_for_line("queries forwarded 0, queries answered locally 2");
}

#[test]
fn the_first_process_is_the_installed_program_with_its_own_arguments() {
    let lan = Lan::with_addresses(0);
    let server = Server::start(&lan.server, "no-resolv\nno-hosts\n");
    let program = fs::canonicalize(Subject::chosen().program()).expect("the program is there");
    let arguments = fs::read(format!("/proc/{}/cmdline", server.pid())).expect("the server runs");
    let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
    // The reference is started through a wrapper with a loader of its own.
    if Subject::chosen() == Subject::Ours {
        let running = fs::read_link(format!("/proc/{}/exe", server.pid())).expect("the server runs");
        assert_eq!(running, program);
        assert!(arguments.starts_with(&*Subject::Ours.program().to_string_lossy()), "{arguments}");
    }
    assert!(arguments.contains("--keep-in-foreground --conf-file="), "{arguments}");
    let pid = wait_for("the pid file", || fs::read_to_string(server.directory().join("run/pid")).ok());
    assert_eq!(pid.trim(), server.pid().to_string());
    assert!(Path::new(&format!("/proc/{}", pid.trim())).exists());
}

#[test]
fn bind_dynamic_follows_interfaces() {
    let lan = Lan::new(1);
    let client = &lan.clients[0];
    client.ip(&["addr", "add", "10.88.0.9/24", "dev", CLIENT_INTERFACE]);
    client.ip(&["addr", "add", "10.88.1.9/24", "dev", CLIENT_INTERFACE]);
    let config = "no-resolv\nno-hosts\nhost-record=h.example,192.0.2.7\nbind-dynamic\ninterface=late0\nenable-tftp\n";
    let _server = Server::start(&lan.server, config);
    let ask = |address: &str| {
        let at = format!("@{address}");
        let reply =
            client.command("dig").args([&*at, "+tries=1", "+timeout=1", "+short", "h.example"]).output().unwrap();
        String::from_utf8_lossy(&reply.stdout).contains("192.0.2.7")
    };
    let listens = |address: &str| {
        let sockets = lan.server.command("ss").args(["-Hlun"]).output().unwrap();
        String::from_utf8_lossy(&sockets.stdout).contains(&format!("{address}:69 "))
    };
    for _ in 0..2 {
        lan.server.ip(&["link", "add", "late0", "type", "bridge"]);
        lan.server.ip(&["link", "set", "port0", "master", "late0"]);
        lan.server.ip(&["addr", "add", "10.88.0.1/24", "dev", "late0"]);
        lan.server.ip(&["link", "set", "late0", "up"]);
        wait_until("the late interface is served", || ask("10.88.0.1"));
        wait_until("TFTP is served there too", || listens("10.88.0.1"));
        lan.server.ip(&["addr", "add", "10.88.1.1/24", "dev", "late0"]);
        wait_until("its second address is served", || ask("10.88.1.1"));
        assert!(!listens("10.77.0.1"), "another interface is not served");
        lan.server.ip(&["link", "del", "late0"]);
        wait_until("its sockets are gone", || !listens("10.88.0.1"));
    }
}
