//! udhcpc, dhcpcd and dhclient, driven alike.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use support::lan::CLIENT_INTERFACE;
use support::{Directory, Namespace, wait_for, wait_until};

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client of BusyBox.
    Udhcpc,
    /// Roy Marples' client.
    Dhcpcd,
    /// ISC's client.
    Dhclient,
}

/// What a client was given, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// The address.
    pub address: String,
    /// The netmask, dotted.
    pub mask: String,
    /// Option 3.
    pub router: String,
    /// Option 6.
    pub dns: String,
    /// Option 15.
    pub domain: String,
    /// Option 42.
    pub ntp: String,
    /// Option 51, in seconds.
    pub lease_s: String,
}

/// A client that is running on the interface of a namespace.
#[derive(Debug)]
pub struct Client<'lan> {
    kind: Kind,
    namespace: &'lan Namespace,
    here: Directory,
    child: Option<Child>,
}

impl<'lan> Client<'lan> {
    /// Starts the program in the foreground with this host name. It keeps running when it has a lease.
    pub fn start(kind: Kind, namespace: &'lan Namespace, name: &str) -> Client<'lan> {
        Client::start_with(kind, namespace, name, |_| {})
    }

    /// Like [`Client::start`]; `prepare` may put files (an old lease) into the client's directory first.
    pub fn start_with(
        kind: Kind,
        namespace: &'lan Namespace,
        name: &str,
        prepare: impl FnOnce(&Directory),
    ) -> Client<'lan> {
        let here = Directory::new();
        let path = here.path().to_str().expect("a plain path");
        here.write_script("script", &SCRIPT.replace("HERE", path));
        here.write("dhclient.conf", DHCLIENT_CONFIG.replace("NAME", name));
        here.write("dhcpcd.conf", DHCPCD_CONFIG.replace("NAME", name));
        here.write("name", name);
        prepare(&here);
        let mut client = Client { kind, namespace, here, child: None };
        client.launch();
        client
    }

    /// Waits until the client has told its script of a lease.
    pub fn binding(&self) -> Binding {
        let text = wait_for("the client to get a lease", || Some(self.here.read("binding")).filter(|t| !t.is_empty()));
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim().to_owned()
        };
        Binding {
            address: value("address"),
            mask: value("mask"),
            router: value("router"),
            dns: value("dns"),
            domain: value("domain"),
            ntp: value("ntp"),
            lease_s: value("lease"),
        }
    }

    /// Makes the client confirm its lease, and waits until it has done so. udhcpc renews, dhcpcd rebinds, and dhclient, which
    /// knows no such wish, is started again with its lease file.
    pub fn renew(&mut self) {
        std::fs::remove_file(self.here.join("binding")).expect("the client had a lease");
        let renewed = |client: &mut Self| !client.here.read("binding").is_empty();
        let what = "the client to renew its lease";
        match self.kind {
            Kind::Udhcpc => self.insist(what, Signal::SIGUSR1, renewed),
            Kind::Dhcpcd => self.insist(what, Signal::SIGHUP, renewed),
            Kind::Dhclient => {
                self.end(Signal::SIGTERM);
                self.launch();
                wait_until(what, || renewed(self));
            }
        }
    }

    /// Makes the client give its lease back and end.
    pub fn release(mut self) {
        match self.kind {
            Kind::Udhcpc => {
                let released = |client: &mut Self| client.here.read("events").ends_with("deconfig\n");
                self.insist("the client to give up its address", Signal::SIGUSR2, released);
                self.end(Signal::SIGTERM);
            }
            Kind::Dhcpcd => self.end(Signal::SIGALRM),
            Kind::Dhclient => {
                self.end(Signal::SIGTERM);
                self.namespace.run("dhclient", &self.dhclient_arguments("-r").each_ref().map(String::as_str));
            }
        }
    }

    /// Ends the client without a word to the server, and takes the address off the interface.
    pub fn vanish(mut self) {
        self.end(Signal::SIGKILL);
        self.namespace.ip(&["addr", "flush", "dev", CLIENT_INTERFACE]);
    }

    fn launch(&mut self) {
        let mut command = self.command();
        let log = std::fs::File::create(self.here.join("log")).expect("make a log file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("clone a descriptor")).stderr(log);
        self.child = Some(command.spawn().expect("start the client"));
    }

    fn command(&self) -> Command {
        let path = self.here.path().to_str().expect("a plain path");
        match self.kind {
            Kind::Udhcpc => {
                let name = self.here.read("name");
                let mut command = self.namespace.command("udhcpc");
                command.args(["-f", "-i", CLIENT_INTERFACE, "-t", "10", "-T", "1", "-A", "1", "-O", "ntpsrv"]);
                command.args(["-x", &format!("hostname:{name}"), "-s", &format!("{path}/script")]);
                command
            }
            Kind::Dhcpcd => {
                support::namespace::need("dhcpcd".as_ref());
                let mut command = self.namespace.command("sh");
                // dhcpcd keeps its state at fixed places, hence a view of the file system of its own.
                let run = "mount -t tmpfs none /run && mount -t tmpfs none /var/lib/dhcpcd && exec dhcpcd \"$@\"";
                command.args(["-c", run, "sh", "-B", "-4", "-f", &format!("{path}/dhcpcd.conf")]);
                command.args(["-c", &format!("{path}/script"), CLIENT_INTERFACE]);
                command
            }
            Kind::Dhclient => {
                let mut command = self.namespace.command("dhclient");
                command.args(self.dhclient_arguments("-d"));
                command
            }
        }
    }

    fn dhclient_arguments(&self, deed: &str) -> [String; 11] {
        let file = |name: &str| self.here.join(name).to_str().expect("a plain path").to_owned();
        let word = str::to_owned;
        [
            word("-4"),
            word(deed),
            word("-cf"),
            file("dhclient.conf"),
            word("-lf"),
            file("dhclient.leases"),
            word("-pf"),
            file("dhclient.pid"),
            word("-sf"),
            file("script"),
            word(CLIENT_INTERFACE),
        ]
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("pids are small"));
            signal::kill(pid, signal).expect("signal the client");
        }
    }

    fn end(&mut self, signal: Signal) {
        self.insist("the client to end", signal, |client| {
            client.child.as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))))
        });
        self.child = None;
    }

    /// Sends a signal until it has its effect: now and then dhcpcd loses one while it talks to its own privileged half.
    fn insist(&mut self, what: &str, signal: Signal, done: impl Fn(&mut Self) -> bool) {
        let mut sent: Option<Instant> = None;
        wait_until(what, || {
            if sent.is_none_or(|sent| sent.elapsed() > Duration::from_secs(2)) {
                self.signal(signal);
                sent = Some(Instant::now());
            }
            done(self)
        });
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {:?} ---\n{}\n{}", self.kind, self.here.read("log"), self.here.read("events"));
        }
        if let Some(mut child) = self.child.take() {
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("pids are small"));
            // Politely, because dhcpcd has processes of its own to end.
            let _ = signal::kill(pid, Signal::SIGTERM);
            for _ in 0..200 {
                if !matches!(child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What every client calls. They differ in the names of reasons and variables; dhcpcd sets its address itself.
const SCRIPT: &str = r#"#!/bin/sh
event=${1:-$reason}
case $event in
deconfig | EXPIRE | RELEASE | STOP) ip -4 addr flush dev eth0 ;;
PREINIT) ip link set eth0 up ;;
bound | renew | BOUND | RENEW | REBIND | REBOOT)
    address=${ip:-$new_ip_address}
    mask=${subnet:-$new_subnet_mask}
    ip -4 addr replace "$address/24" dev eth0
    cat >HERE/binding.new <<END
address=$address
mask=$mask
router=${router:-$new_routers}
dns=${dns:-$new_domain_name_servers}
domain=${domain:-$new_domain_name}
ntp=${ntpsrv:-$new_ntp_servers}
lease=${lease:-$new_dhcp_lease_time}
END
    mv HERE/binding.new HERE/binding
    ;;
esac
echo "$event" >>HERE/events
exit 0
"#;

const DHCLIENT_CONFIG: &str = r#"send host-name "NAME";
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, ntp-servers;
initial-interval 1;
timeout 30;
"#;

// Without ARP: dhcpcd would spend five seconds on asking whether anybody else has its address.
const DHCPCD_CONFIG: &str = "hostname NAME\nclientid\nnodelay\nnoarp\nnoipv4ll\n\
     option subnet_mask, routers, domain_name_servers, domain_name, ntp_servers, host_name\n\
     require dhcp_server_identifier\n";
