//! The server under a service manager: sockets handed over by name, readiness, reload and stop notices. dnsmasq has none of this.

use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use support::wait::PATIENCE;
use support::{Directory, Lan, Namespace, Subject};

use crate::dig::dig;

/// What the service manager hears, one notice at a time.
struct Notices(UnixDatagram);

impl Notices {
    fn at(directory: &Directory) -> Notices {
        let socket = UnixDatagram::bind(directory.join("notify")).expect("make the notify socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
        Notices(socket)
    }

    fn next(&self) -> String {
        let mut bytes = [0; 1024];
        let length = support::uninterrupted(|| self.0.recv(&mut bytes)).expect("a notice comes");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }
}

/// Starts the program with sockets at 3 and above, as a service manager does.
fn start(
    namespace: &Namespace,
    directory: &Directory,
    sockets: &[BorrowedFd<'_>],
    names: &str,
    extra: &[&str],
) -> Child {
    let mut places = String::new();
    for (position, socket) in sockets.iter().enumerate() {
        // A copy that the shell inherits, at a number that is in nobody's way.
        let copy = fcntl(socket, FcntlArg::F_DUPFD(100)).expect("copy a socket");
        places += &format!("exec {}<&{copy} {copy}<&-; ", 3 + position);
    }
    // The variable must hold the process id of the very program, which a shell knows before it becomes that program.
    let script = format!("{places} LISTEN_PID=$$ exec \"$0\" \"$@\"");
    let mut command = namespace.command("/bin/bash");
    command
        .args(["-c", &script])
        .arg(Subject::chosen().program())
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file"])
        .args(["--log-facility=-", "--address=/service.test/192.0.2.7"])
        .args(extra)
        .env("NOTIFY_SOCKET", directory.join("notify"))
        .env("LISTEN_FDS", sockets.len().to_string())
        .env("LISTEN_FDNAMES", names)
        .stderr(Stdio::piped());
    command.spawn().expect("start the server")
}

fn stop(mut child: Child) {
    let pid = Pid::from_raw(child.id() as i32);
    signal::kill(pid, Signal::SIGTERM).expect("stop the server");
    assert!(child.wait().expect("the server ends").success());
}

#[test]
fn readiness_reload_and_stop_are_announced() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::with_addresses(1);
    let directory = Directory::new();
    let notices = Notices::at(&directory);
    let child = start(&lan.server, &directory, &[], "", &[]);
    let ready = notices.next();
    assert!(ready.lines().any(|line| line == "READY=1"), "{ready}");
    assert!(ready.contains(&format!("MAINPID={}", child.id())), "{ready}");
    // Ready means serving.
    let answer = dig(&lan.clients[0], &["service.test", "A"]);
    assert_eq!(answer.data(), ["192.0.2.7"]);
    signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGHUP).expect("reload");
    let reloading = notices.next();
    assert!(reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert!(notices.next().contains("READY=1"));
    stop(child);
    assert!(notices.next().contains("STOPPING=1"));
}

/// The two sockets of a DNS socket unit, made inside the namespace.
fn port_53(namespace: &Namespace) -> (UdpSocket, TcpListener) {
    let make = || {
        let udp = UdpSocket::bind("0.0.0.0:53").expect("bind UDP port 53");
        let tcp = TcpListener::bind("0.0.0.0:53").expect("bind TCP port 53");
        (udp, tcp)
    };
    namespace.spawn(make).join().expect("make the sockets")
}

#[test]
fn sockets_that_are_handed_over_are_served() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::with_addresses(1);
    let directory = Directory::new();
    let notices = Notices::at(&directory);
    let (udp, tcp) = port_53(&lan.server);
    let child = start(&lan.server, &directory, &[udp.as_fd(), tcp.as_fd()], "dns:dns", &[]);
    assert!(notices.next().contains("READY=1"));
    assert_eq!(dig(&lan.clients[0], &["service.test", "A"]).data(), ["192.0.2.7"]);
    assert_eq!(dig(&lan.clients[0], &["+tcp", "service.test", "A"]).data(), ["192.0.2.7"]);
    stop(child);
    // The sockets are ours, and the service may start again on them.
    let again = start(&lan.server, &directory, &[udp.as_fd(), tcp.as_fd()], "dns:dns", &[]);
    while !notices.next().contains("READY=1") {}
    assert_eq!(dig(&lan.clients[0], &["service.test", "A"]).data(), ["192.0.2.7"]);
    stop(again);
}

#[test]
fn a_socket_that_does_not_fit_the_configuration_is_refused_by_name() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::with_addresses(0);
    let directory = Directory::new();
    let (udp, _tcp) = port_53(&lan.server);
    for (names, extra, expected) in [
        (
            "dns",
            "--port=5353",
            "socket dns of the service manager: it is bound to port 53, but the configuration says 5353",
        ),
        ("web", "--port=53", "socket web of the service manager: its name is not dns, dhcp or tftp"),
    ] {
        let child = start(&lan.server, &directory, &[udp.as_fd()], names, &[extra]);
        let output = child.wait_with_output().expect("the server gives up");
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(expected), "{errors}");
    }
}
