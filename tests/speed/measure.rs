//! The measurements of one program in one round.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::dhcp_client::{ACK, DISCOVER, OFFER, REQUEST, machine};
use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, PTR, Record, encode_query};
use support::processes::{computed_ns, family, memory_kib, sleeps};
use support::{Answer, DhcpClient, Directory, Lan, Server, Upstream, tftp_client};

use crate::contestant::Contestant;
use crate::table::Figures;
use crate::{dns, lists};

/// Starts per round.
const STARTS: usize = 7;
/// How long an idle server is watched.
const IDLE: Duration = Duration::from_secs(5);
/// How long a server answers at saturation.
const SATURATION: Duration = Duration::from_secs(3);
/// Names asked for; they fit every cache.
const NAMES: usize = 100;
/// Exchanges per round: each leaves a lease.
const EXCHANGES: u32 = 1000;
/// Exchanges in progress at once.
const EXCHANGES_AT_ONCE: usize = 16;
/// From one name of a list to the next that is asked for: far apart, and through all of them.
const STEP: usize = 99_991;
/// Bytes of the file for TFTP.
const FILE_BYTES: usize = 4 << 20;

const CONFIG: &str = "\
interface=lan0
bind-interfaces
no-hosts
no-resolv
server=198.51.100.53
addn-hosts=DIR/hosts
dhcp-range=10.77.1.1,10.77.30.250,255.255.0.0,1h
dhcp-lease-max=5000
dhcp-authoritative
no-ping
enable-tftp
tftp-root=DIR/tftp
quiet-dhcp
quiet-tftp
";

/// A network wide enough for many leases.
pub fn lan() -> Lan {
    let lan = Lan::new(1);
    lan.server.ip(&["addr", "add", "10.77.0.1/16", "dev", "lan0"]);
    lan.server.ip(&["addr", "del", "10.77.0.1/24", "dev", "lan0"]);
    // No start waits for the detection of duplicate IPv6 addresses.
    lan.server.ip(&["-6", "addr", "flush", "dev", "lan0"]);
    lan.clients[0].ip(&["addr", "add", "10.77.0.2/16", "dev", "eth0"]);
    lan
}

/// Everything, once.
pub fn all(lan: &Lan, contestant: &Contestant, figures: &mut Figures) {
    let directory = Directory::new();
    directory.write("hosts", "10.77.9.9 printer\n");
    directory.write("tftp/file", vec![7; FILE_BYTES]);
    let directory = Arc::new(directory);
    starts(lan, contestant, &directory, figures);

    let _upstream =
        Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Records(vec![Record::a([192, 0, 2, 1].into(), 3600)]));
    let server = Server::launch_program(&lan.server, &contestant.program, directory, CONFIG, &[]);
    server.wait_for_line("started, version");
    server.wait_for_line("names");
    let processes = family(server.pid());
    std::thread::sleep(Duration::from_secs(1));
    let before = sleeps(&processes);
    std::thread::sleep(IDLE);
    figures.add("idle wake-ups", (sleeps(&processes) - before) as f64 / IDLE.as_secs_f64());
    figures.add("idle memory (PSS of all processes)", memory_kib(&processes) as f64);

    // Server and load on processors of their own, as far as there are two.
    for pid in &processes {
        pin(*pid, 0);
    }
    let (cpu, per_second) = answers(lan, &processes, Questions::Cached);
    figures.add("cached answer, CPU", cpu);
    figures.add("cached answers at saturation", per_second);
    figures.add("answer from the hosts file, CPU", answers(lan, &processes, Questions::Hosts).0);
    figures.add("forwarded answer, CPU", answers(lan, &processes, Questions::Fresh).0);
    exchanges(lan, &processes, figures);
    transfer(lan, &processes, figures);
    figures.add("memory after the load", memory_kib(&processes) as f64);
    server.stop();
}

fn starts(lan: &Lan, contestant: &Contestant, directory: &Arc<Directory>, figures: &mut Figures) {
    let config = CONFIG.replace("DIR", directory.path().to_str().expect("a plain path"));
    let own = format!("pid-file={0}/pid\ndhcp-leasefile={0}/leases\n", directory.path().display());
    let path = directory.write("start.conf", own + &config);
    for _ in 0..STARTS {
        let (program, path) = (contestant.program.clone(), path.clone());
        let query = encode_query(1, "printer", A);
        // Not yet its own answer, but the server's refusal before the hosts file is read, does not count.
        let answered = |reply: &[u8]| reply.ends_with(&[10, 77, 9, 9]);
        let start = move || start_once(&program, &path, &query, answered);
        let taken = lan.server.spawn(start).join().expect("measure a start");
        figures.add("start to first answer", taken.as_secs_f64() * 1e3);
    }
}

/// From the moment before fork and exec to the first reply that passes for an answer.
pub fn start_once(program: &PathBuf, config: &PathBuf, query: &[u8], answered: fn(&[u8]) -> bool) -> Duration {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
    socket.connect(SocketAddr::from((SERVER_ADDRESS, 53))).expect("connect a socket");
    socket.set_read_timeout(Some(Duration::from_millis(1))).expect("set a timeout");
    let mut reply = [0; 512];
    let start = Instant::now();
    let mut child = Command::new(program)
        .arg("--keep-in-foreground")
        .arg("--log-facility=-")
        .arg("-C")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start the program");
    let taken = loop {
        assert!(start.elapsed() < Duration::from_secs(10), "no answer from {}", program.display());
        if socket.send(query).is_err() {
            std::thread::sleep(Duration::from_micros(100));
        }
        match socket.recv(&mut reply) {
            Ok(length) if answered(&reply[..length]) => break start.elapsed(),
            _ => {}
        }
    };
    let pid = i32::try_from(child.id()).expect("pids are small");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("stop the program");
    child.wait().expect("wait for the program");
    taken
}

/// Processor time per answer, and answers per second, while one client asks as fast as it gets answers.
pub fn answers(lan: &Lan, processes: &[i32], questions: Questions) -> (f64, f64) {
    let before = computed_ns(processes);
    let asking = lan.clients[0].spawn(move || ask_at_saturation(questions));
    let (answers, taken) = asking.join().expect("ask at saturation");
    let spent = computed_ns(processes) - before;
    (spent as f64 / 1e3 / answers as f64, answers as f64 / taken.as_secs_f64())
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Questions {
    /// Few names, all cached.
    Cached,
    /// A name of the hosts file.
    Hosts,
    /// Names never asked before.
    Fresh,
    /// Names of a block list.
    Listed,
    /// Names of a large hosts file.
    ManyHosts,
    /// Addresses of a large hosts file.
    ManyAddresses,
}

impl Questions {
    /// Question number `number` for the wire.
    fn question(self, number: usize) -> Vec<u8> {
        let name = match self {
            Questions::Cached => format!("name{}.example", number % NAMES),
            Questions::Hosts => "printer".to_owned(),
            Questions::Fresh => format!("fresh{number}.example"),
            Questions::Listed => lists::name(number * STEP % lists::NAMES),
            Questions::ManyHosts => format!("host{}.lan", number * STEP % dns::HOSTS),
            Questions::ManyAddresses => {
                let [a, b, c, d] = dns::host(number * STEP % dns::HOSTS).octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
        };
        let kind = if self == Questions::ManyAddresses { PTR } else { A };
        encode_query(number as u16, &name, kind)
    }

    /// Questions sent before the answers are read. Forwarded ones stay well below dnsmasq's limit of 150 in flight.
    fn burst(self) -> usize {
        if self == Questions::Fresh { 32 } else { 64 }
    }
}

fn ask_at_saturation(questions: Questions) -> (u64, Duration) {
    pin(0, 1);
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
    socket.connect(SocketAddr::from((SERVER_ADDRESS, 53))).expect("connect a socket");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("set a timeout");
    let mut reply = [0; 512];
    if questions == Questions::Cached {
        for number in 0..NAMES {
            socket.send(&questions.question(number)).expect("send a question");
            socket.recv(&mut reply).expect("an answer from upstream");
        }
    }
    let start = Instant::now();
    let mut answers = 0;
    let mut next = 0;
    while start.elapsed() < SATURATION {
        for _ in 0..questions.burst() {
            socket.send(&questions.question(next)).expect("send a question");
            next += 1;
        }
        for _ in 0..questions.burst() {
            // A lost one costs a pause, and shows in the answers per second.
            answers += u64::from(socket.recv(&mut reply).is_ok());
        }
    }
    (answers, start.elapsed())
}

fn exchanges(lan: &Lan, processes: &[i32], figures: &mut Figures) {
    let before = computed_ns(processes);
    let taken = lan.clients[0].spawn(exchange_all).join().expect("exchange");
    let spent = computed_ns(processes) - before;
    figures.add("DORA, CPU", spent as f64 / 1e3 / f64::from(EXCHANGES));
    figures.add("DORA, 16 at once", f64::from(EXCHANGES) / taken.as_secs_f64());
}

fn exchange_all() -> Duration {
    pin(0, 1);
    let mut client = DhcpClient::new(1);
    let start = Instant::now();
    let mut open: BTreeMap<u32, u32> = BTreeMap::new();
    let mut waiting: Vec<u32> = (0..EXCHANGES).rev().collect();
    let mut done = 0;
    while done < EXCHANGES {
        while open.len() < EXCHANGES_AT_ONCE {
            let Some(number) = waiting.pop() else { break };
            let xid = client.send(DISCOVER, machine(number), Ipv4Addr::UNSPECIFIED, None, None);
            open.insert(xid, number);
        }
        let Some(reply) = client.receive(Duration::from_secs(1)) else {
            // Silence: as a client would, begin again.
            assert!(start.elapsed() < Duration::from_secs(120), "{done} exchanges in two minutes");
            waiting.extend(std::mem::take(&mut open).into_values());
            continue;
        };
        let Some(number) = open.remove(&reply.xid) else { continue };
        match reply.kind {
            OFFER => {
                let (hardware, address) = (machine(number), Some(reply.address));
                let xid = client.send(REQUEST, hardware, Ipv4Addr::UNSPECIFIED, address, reply.server);
                open.insert(xid, number);
            }
            ACK => done += 1,
            _ => waiting.push(number),
        }
    }
    start.elapsed()
}

fn transfer(lan: &Lan, processes: &[i32], figures: &mut Figures) {
    let before = computed_ns(processes);
    let read = lan.clients[0].spawn(|| {
        pin(0, 1);
        tftp_client::read(SERVER_ADDRESS, "file", Duration::ZERO)
    });
    let content = read.join().expect("transfer").expect("the transfer ends well");
    assert_eq!(content.len(), FILE_BYTES);
    let spent = computed_ns(processes) - before;
    figures.add("TFTP, CPU per MB (blocks of 512)", spent as f64 / 1e6 / (FILE_BYTES as f64 / 1e6));
}

/// Keeps a process (0: the calling thread) on one processor, if that processor exists.
pub fn pin(pid: i32, processor: usize) {
    if std::thread::available_parallelism().map_or(1, usize::from) > processor {
        let mut set = CpuSet::new();
        if set.set(processor).is_ok() {
            let _ = sched_setaffinity(Pid::from_raw(pid), &set);
        }
    }
}
