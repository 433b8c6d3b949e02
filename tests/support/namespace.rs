//! A named network namespace, and running programs and threads inside it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, setns};

/// What the names of our namespaces begin with, so that leftovers of a killed run can be recognized.
pub const PREFIX: &str = "wardmasq-";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A network namespace made by `ip netns`, removed on drop.
///
/// Programs started through it see `/etc/netns/NAME/…` in place of the files of that name in `/etc`.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one with loopback up. `purpose` becomes part of the name.
    pub fn new(purpose: &str) -> Namespace {
        assert!(nix::unistd::geteuid().is_root(), "this test makes network namespaces and needs root: use tests/all");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{purpose}", std::process::id());
        ip(&["netns", "add", &name]);
        let namespace = Namespace { name };
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    /// Its name, as `ip netns` lists it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` on this namespace.
    pub fn ip(&self, arguments: &[&str]) {
        let mut all = vec!["-n", &self.name];
        all.extend(arguments);
        ip(&all);
    }

    /// A command that will run inside; add arguments and start it. The process that results is the program itself.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        need(program);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program).stdin(Stdio::null());
        command
    }

    /// Runs a program to its end, whatever that is.
    pub fn output(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program).args(arguments).output().expect("run a program in a namespace")
    }

    /// Runs a program that must succeed; returns what it printed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.output(program, arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {}\n{text}\n{errors}", output.status);
        text
    }

    /// The IPv4 address of an interface, if it has one, without its length.
    pub fn address(&self, interface: &str) -> Option<String> {
        let text = self.run("ip", &["-4", "-o", "addr", "show", "dev", interface]);
        let (_, rest) = text.split_once(" inet ")?;
        rest.split_once('/').map(|(address, _)| address.to_owned())
    }

    /// Starts a thread inside.
    pub fn spawn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let handle = self.open();
        std::thread::spawn(move || {
            // Network namespaces belong to threads, so the rest of the test stays where it is.
            setns(handle, CloneFlags::CLONE_NEWNET).expect("enter a network namespace");
            work()
        })
    }

    /// Puts a file in place of `/etc/NAME` for the programs started from now on. The file must exist in `/etc`.
    pub fn set_etc_file(&self, name: &str, content: &str) {
        let directory = format!("/etc/netns/{}", self.name);
        fs::create_dir_all(&directory).expect("make the namespace's etc directory");
        let mut file = File::create(format!("{directory}/{name}")).expect("make the namespace's etc file");
        file.write_all(content.as_bytes()).expect("write the namespace's etc file");
    }

    fn open(&self) -> File {
        File::open(format!("/run/netns/{}", self.name)).expect("open a network namespace")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).stderr(Stdio::null()).status();
        let _ = fs::remove_dir_all(format!("/etc/netns/{}", self.name));
    }
}

/// Runs `ip`, which must succeed.
pub fn ip(arguments: &[&str]) {
    need(Path::new("ip"));
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output().expect("run ip");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {errors}", arguments.join(" "));
}

/// Panics with the Debian package to install when a program that the tests use is missing.
pub fn need(program: &Path) {
    if program.is_absolute() {
        assert!(program.exists(), "{} is missing", program.display());
        return;
    }
    const PLACES: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    if PLACES.iter().any(|place| Path::new(place).join(program).exists()) {
        return;
    }
    let name = program.to_string_lossy();
    let package = match name.as_ref() {
        "ip" => "iproute2",
        "dig" => "bind9-dnsutils",
        "kdig" => "knot-dnsutils",
        "tftp" => "tftp-hpa",
        "dhclient" => "isc-dhcp-client",
        "dhcpcd" => "dhcpcd-base",
        "getent" => "libc-bin",
        "nft" => "nftables",
        other => other,
    };
    panic!("the program {name} is missing; on Debian: apt-get install {package}");
}
