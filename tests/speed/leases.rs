//! DHCP with many leases, beside dnsmasq and Kea: exchanges and renewals per second, what each costs in processor time and in bytes written,
//! and how long a start takes. Every figure for several numbers of leases, since that is where servers differ.
//!
//! Machines speak through a relay agent, so that no server has to tell the kernel about neighbors that are not there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::dhcp_client::{ACK, DISCOVER, NAK, OFFER, REQUEST};
use support::processes::{computed_ns, family};
use support::wire::{Datagram, Mac};
use support::{Directory, Namespace, Wire};

use crate::contestant::Contestant;
use crate::measure::pin;

/// Leases that are there before.
const COUNTS: [u32; 4] = [0, 1_000, 10_000, 60_000];
/// How long each load lasts, and how long before that nothing is counted.
const LOAD: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_millis(500);
/// Exchanges in progress at once.
const AT_ONCE: u32 = 32;
/// After so long a machine asks again.
const RETRY: Duration = Duration::from_secs(4);
/// How long a start may take: dnsmasq reads 60,000 leases in two minutes.
const START_MAX: Duration = Duration::from_secs(400);

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER_MAC: Mac = [2, 0, 0, 0, 0, 1];
/// The relay agent.
const AGENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const AGENT_MAC: Mac = [2, 0, 0, 0, 0, 2];
/// First and last address of the pool.
const POOL: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 1, 0, 1), Ipv4Addr::new(10, 4, 255, 254));
/// Numbers of machines that are new; smaller ones have a lease already.
const FIRST_NEW: u32 = 1 << 20;

/// What was measured of one program with one number of leases.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    start_s: f64,
    exchanges_per_s: f64,
    exchange_us: f64,
    exchange_bytes: f64,
    renewals_per_s: f64,
    renewal_us: f64,
    renewal_bytes: f64,
}

/// What the table and the picture show: how it is called, and which figure it is.
type Row = (&'static str, fn(&Figures) -> f64);

const ROWS: [Row; 7] = [
    ("start to first answer, s", |figures| figures.start_s),
    ("DORA, per s", |figures| figures.exchanges_per_s),
    ("DORA, CPU, us", |figures| figures.exchange_us),
    ("DORA, bytes written", |figures| figures.exchange_bytes),
    ("renewals, per s", |figures| figures.renewals_per_s),
    ("renewal, CPU, us", |figures| figures.renewal_us),
    ("renewal, bytes written", |figures| figures.renewal_bytes),
];

/// Measures all, prints a table, and draws the curves into `picture` if one is wanted.
pub fn run(ours_and_theirs: &[Contestant], picture: Option<&Path>) {
    let mut contestants = ours_and_theirs.to_vec();
    let kea = PathBuf::from("/usr/sbin/kea-dhcp4");
    if kea.exists() {
        contestants.push(Contestant { name: "Kea", program: kea });
    } else {
        eprintln!("kea-dhcp4 is not installed, so only two programs are compared");
    }
    let (server, outside) = network();
    let mut measured: Vec<Vec<Figures>> = vec![Vec::new(); contestants.len()];
    for leases in COUNTS {
        for (contestant, figures) in contestants.iter().zip(&mut measured) {
            eprintln!("{} with {leases} leases", contestant.name);
            figures.push(measure(&server, &outside, contestant, leases));
        }
    }
    print(&contestants, &measured);
    if let Some(path) = picture {
        fs::write(path, draw(&contestants, &measured)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn network() -> (Namespace, Namespace) {
    let (server, outside) = (Namespace::new("server"), Namespace::new("outside"));
    server.ip(&["link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", outside.name()]);
    server.ip(&["link", "set", "lan0", "address", "02:00:00:00:00:01", "up"]);
    server.ip(&["addr", "add", &format!("{SERVER}/8"), "dev", "lan0"]);
    outside.ip(&["link", "set", "eth0", "address", "02:00:00:00:00:02", "up"]);
    server.ip(&["neigh", "add", &AGENT.to_string(), "lladdr", "02:00:00:00:00:02", "dev", "lan0", "nud", "permanent"]);
    (server, outside)
}

fn measure(server: &Namespace, outside: &Namespace, contestant: &Contestant, leases: u32) -> Figures {
    let directory = Directory::new();
    let start = Instant::now();
    let child = if contestant.name == "Kea" {
        start_kea(server, contestant, &directory, leases)
    } else {
        start_dnsmasq(server, contestant, &directory, leases)
    };
    let server_process = Running(child);
    let answered = outside.spawn(|| Machines::new().await_answer()).join().expect("wait for an answer");
    let mut figures = Figures { start_s: (answered - start).as_secs_f64(), ..Figures::default() };
    let processes = family(i32::try_from(server_process.0.id()).expect("pids are small"));
    for pid in &processes {
        pin(*pid, 0);
    }
    if leases > 0 {
        let load = Load::renewals(leases);
        let told = load.put_on(outside, &processes);
        (figures.renewals_per_s, figures.renewal_us, figures.renewal_bytes) = told;
    }
    let told = Load::exchanges().put_on(outside, &processes);
    (figures.exchanges_per_s, figures.exchange_us, figures.exchange_bytes) = told;
    figures
}

/// A server that ends with the measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).expect("pids are small");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// The lease of machine number `number`.
fn lease(number: u32) -> Ipv4Addr {
    // Far apart, so that they do not stand in each other's way.
    const STRIDE: u32 = 4;
    Ipv4Addr::from(u32::from(POOL.0) + number * STRIDE)
}

fn hardware(number: u32) -> [u8; 6] {
    // An odd factor keeps them apart, and as far from each other as those of real machines.
    let [a, b, c, d] = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
    [2, 0x10, a, b, c, d]
}

fn colons(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

fn start_dnsmasq(server: &Namespace, contestant: &Contestant, directory: &Directory, leases: u32) -> Child {
    let ends = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs()) + 86_400;
    let mut text = String::new();
    for number in 0..leases {
        let _ = writeln!(text, "{ends} {} {} * *", colons(hardware(number)), lease(number));
    }
    directory.write("leases", text);
    let place = directory.path().display();
    let (first, last) = POOL;
    let config = directory.write(
        "conf",
        format!(
            "port=0\ninterface=lan0\nbind-interfaces\nno-ping\nquiet-dhcp\ndhcp-lease-max=1000000\ndhcp-authoritative\n\
             dhcp-range={first},{last},255.0.0.0,1d\npid-file={place}/pid\ndhcp-leasefile={place}/leases\nlog-facility=-\n"
        ),
    );
    let mut command = server.command(&contestant.program);
    command.arg("--keep-in-foreground").arg(format!("--conf-file={}", config.display()));
    quiet(&mut command).spawn().expect("start the server")
}

fn start_kea(server: &Namespace, contestant: &Contestant, directory: &Directory, leases: u32) -> Child {
    let ends = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs()) + 86_400;
    let mut text =
        "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"
            .to_owned();
    for number in 0..leases {
        let _ = writeln!(text, "{},{},,86400,{ends},1,0,0,,0,", lease(number), colons(hardware(number)));
    }
    let file = directory.write("kea-leases4.csv", text);
    let (first, last) = POOL;
    let config = directory.write(
        "kea.json",
        format!(
            r#"{{"Dhcp4": {{"interfaces-config": {{"interfaces": ["lan0"], "dhcp-socket-type": "udp"}},
                "lease-database": {{"type": "memfile", "persist": true, "name": "{}", "lfc-interval": 0}},
                "valid-lifetime": 86400, "authoritative": true,
                "subnet4": [{{"id": 1, "subnet": "10.0.0.0/8", "pools": [{{"pool": "{first} - {last}"}}]}}],
                "loggers": [{{"name": "kea-dhcp4", "severity": "FATAL", "output_options": [{{"output": "stdout"}}]}}]}}}}"#,
            file.display()
        ),
    );
    let mut command = server.command(&contestant.program);
    command.arg("-c").arg(config).env("KEA_PIDFILE_DIR", directory.path()).env("KEA_LOCKFILE_DIR", "none");
    quiet(&mut command).spawn().expect("start the server")
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Who speaks, and in which way.
#[derive(Clone, Copy)]
struct Load {
    /// Machines begin with this one; `None` in the second place: there is no last.
    machines: (u32, Option<u32>),
    kind: u8,
}

impl Load {
    /// New machines get a lease each.
    fn exchanges() -> Load {
        Load { machines: (FIRST_NEW, None), kind: DISCOVER }
    }

    /// Machines that have a lease renew it, in turn.
    fn renewals(leases: u32) -> Load {
        Load { machines: (0, Some(leases)), kind: REQUEST }
    }

    /// Per second, processor time in microseconds, and bytes written.
    fn put_on(self, outside: &Namespace, processes: &[i32]) -> (f64, f64, f64) {
        let processes = processes.to_vec();
        let work = move || {
            pin(0, 1);
            let mut machines = Machines::new();
            machines.speak(self, WARM_UP);
            let (cpu, bytes) = (computed_ns(&processes), written(&processes));
            let (done, taken) = machines.speak(self, LOAD);
            let (cpu, bytes) = (computed_ns(&processes) - cpu, written(&processes) - bytes);
            let count = f64::from(done.max(1));
            (f64::from(done) / taken.as_secs_f64(), cpu as f64 / 1e3 / count, bytes as f64 / count)
        };
        outside.spawn(work).join().expect("put a load on")
    }
}

/// Bytes that these processes have written so far, to whatever it was.
fn written(processes: &[i32]) -> u64 {
    let of = |pid: &i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok())
    };
    processes.iter().filter_map(of).sum()
}

/// All machines, behind one relay agent.
struct Machines {
    wire: Wire,
    next: u32,
    /// Machine by transaction, and when it spoke.
    open: BTreeMap<u32, Instant>,
}

impl Machines {
    fn new() -> Machines {
        Machines { wire: Wire::new("eth0"), next: 0, open: BTreeMap::new() }
    }

    /// Asks until somebody answers.
    fn await_answer(&mut self) -> Instant {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < START_MAX, "the server does not answer");
            self.send(FIRST_NEW - 1, DISCOVER, None, None);
            let deadline = Instant::now() + Duration::from_millis(2);
            if self.wire.receive(SERVER_MAC, deadline, |_| None).is_some_and(|reply| kind(&reply.payload) == OFFER) {
                return Instant::now();
            }
        }
    }

    /// Keeps so many exchanges in progress for a while: how many were completed, and in what time.
    fn speak(&mut self, load: Load, time: Duration) -> (u32, Duration) {
        let begin = Instant::now();
        let (first, last) = load.machines;
        let mut done = 0;
        while begin.elapsed() < time {
            while self.open.len() < AT_ONCE as usize {
                let number = first + last.map_or(self.next, |last| self.next % (last - first));
                self.next += 1;
                // A short round may come back to a machine that still waits.
                self.open.insert(number, Instant::now());
                self.begin(load, number);
            }
            let Some(reply) = self.wire.receive(SERVER_MAC, Instant::now() + Duration::from_millis(50), |_| None)
            else {
                self.retry(load);
                continue;
            };
            let number = xid(&reply.payload);
            if !self.open.contains_key(&number) {
                continue;
            }
            match kind(&reply.payload) {
                OFFER => {
                    let address = address(&reply.payload);
                    self.send(number, REQUEST, Some(address), Some(SERVER));
                }
                ACK => {
                    self.open.remove(&number);
                    done += 1;
                }
                // Two were offered the same address, which some servers do; one begins again.
                NAK => self.begin(load, number),
                other => panic!("machine {number} is answered with a message of type {other}"),
            }
        }
        (done, begin.elapsed())
    }

    fn begin(&self, load: Load, number: u32) {
        self.send(number, load.kind, None, None);
    }

    fn retry(&mut self, load: Load) {
        let late: Vec<u32> =
            self.open.iter().filter(|(_, since)| since.elapsed() > RETRY).map(|(number, _)| *number).collect();
        for number in late {
            self.open.insert(number, Instant::now());
            self.begin(load, number);
        }
    }

    /// A message: to renew, `number` has its lease in `ciaddr`; else `requested` is option 50 and `server` option 54.
    fn send(&self, number: u32, kind: u8, requested: Option<Ipv4Addr>, server: Option<Ipv4Addr>) {
        let mut message = vec![1, 1, 6, 1];
        message.extend(number.to_be_bytes());
        message.extend([0; 4]);
        let renews = kind == REQUEST && requested.is_none();
        message.extend(if renews { lease(number) } else { Ipv4Addr::UNSPECIFIED }.octets());
        message.extend([0; 8]);
        message.extend(AGENT.octets());
        message.extend(hardware(number));
        message.resize(236, 0);
        message.extend([99, 130, 83, 99, 53, 1, kind]);
        for (code, address) in [(50, requested), (54, server)] {
            if let Some(address) = address {
                message.extend([code, 4]);
                message.extend(address.octets());
            }
        }
        message.extend([55, 4, 1, 3, 6, 15, 255]);
        message.resize(300, 0);
        self.wire.send(&Datagram {
            from_mac: AGENT_MAC,
            to_mac: SERVER_MAC,
            from: (AGENT, 67),
            to: (SERVER, 67),
            payload: message,
        });
    }
}

fn xid(payload: &[u8]) -> u32 {
    payload.get(4..8).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?))).unwrap_or(0)
}

fn address(payload: &[u8]) -> Ipv4Addr {
    Ipv4Addr::new(payload[16], payload[17], payload[18], payload[19])
}

/// Option 53, which every server puts first.
fn kind(payload: &[u8]) -> u8 {
    payload.get(242).copied().filter(|_| payload[240] == 53).unwrap_or(0)
}

fn print(contestants: &[Contestant], measured: &[Vec<Figures>]) {
    print!("{:<26} {:>8}", "", "leases");
    for contestant in contestants {
        print!(" {:>12}", contestant.name);
    }
    for other in &contestants[1..] {
        print!(" {:>12}", format!("of {}", other.name));
    }
    println!();
    for (name, figure) in ROWS {
        for (index, leases) in COUNTS.iter().enumerate() {
            let values: Vec<f64> = measured.iter().map(|figures| figure(&figures[index])).collect();
            if values.iter().all(|value| *value == 0.0) {
                continue;
            }
            print!("{name:<26} {leases:>8}");
            for value in &values {
                print!(" {value:>12.2}");
            }
            for other in &values[1..] {
                print!(" {:>12.3}", values[0] / other);
            }
            println!();
        }
    }
}

/// The curves as SVG: one diagram per figure, leases to the right, both scales logarithmic.
fn draw(contestants: &[Contestant], measured: &[Vec<Figures>]) -> String {
    const COLORS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];
    const WIDTH: f64 = 300.0;
    const HEIGHT: f64 = 200.0;
    const COLUMNS: usize = 2;
    let rows = ROWS.len().div_ceil(COLUMNS);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"sans-serif\" font-size=\"11\">\n",
        WIDTH * COLUMNS as f64,
        HEIGHT * rows as f64 + 20.0
    );
    for (position, contestant) in contestants.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"14\" fill=\"{}\">{}</text>",
            20 + 100 * position,
            COLORS[position],
            contestant.name
        );
    }
    for (position, (name, figure)) in ROWS.iter().enumerate() {
        let (left, top) = ((position % COLUMNS) as f64 * WIDTH, 20.0 + (position / COLUMNS) as f64 * HEIGHT);
        let values = measured.iter().flatten().map(figure).filter(|value| *value > 0.0);
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let x = |leases: u32| left + 40.0 + f64::from(leases.max(100)).log10() / 5.0 * (WIDTH - 60.0) - 90.0;
        let y =
            |value: f64| top + HEIGHT - 30.0 - (value / low).log10() / (high / low * 1.01).log10() * (HEIGHT - 60.0);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\">{name}</text>", left + 20.0, top + 18.0);
        for (contestant, figures) in measured.iter().enumerate() {
            let points: Vec<String> = COUNTS
                .iter()
                .zip(figures)
                .filter(|(_, figures)| figure(figures) > 0.0)
                .map(|(leases, figures)| format!("{:.1},{:.1}", x(*leases), y(figure(figures))))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{}\"/>",
                COLORS[contestant],
                points.join(" ")
            );
            let last = figures.last().map(figure).unwrap_or_default();
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\">{last:.3}</text>",
                x(COUNTS[3]) + 4.0,
                y(last),
                COLORS[contestant]
            );
        }
    }
    svg + "</svg>\n"
}
