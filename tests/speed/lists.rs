//! A block list of a million names: reading it, starting with it, holding it, answering from it.

use std::io::BufRead as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use support::lan::UPSTREAMS;
use support::message::{A, Record, encode_query};
use support::processes::{family, memory_kib};
use support::{Answer, Directory, Lan, Server, Upstream};

use crate::contestant::Contestant;
use crate::measure::{Questions, answers, pin, start_once};
use crate::table::{Figures, Rows};

/// Names of the list.
pub const NAMES: usize = 1_000_000;
/// Readings per round.
const READINGS: usize = 5;

/// What is measured.
pub const ROWS: Rows = &[
    ("reading, and splitting into lines", "ms"),
    ("reading line by line, keeping none", "ms"),
    ("--test", "ms"),
    ("start to first answer", "ms"),
    ("memory (PSS of all processes), no list", "KiB"),
    ("memory with the list, at start", "KiB"),
    ("memory with the list, many names asked", "KiB"),
    ("memory beyond no list, per name", "B"),
    ("blocked answer, CPU", "us"),
    ("blocked answers at saturation", "per s"),
    ("cached answer, CPU", "us"),
];

/// A server that forwards.
pub const CONFIG: &str = "\
interface=lan0
bind-interfaces
no-hosts
no-resolv
server=198.51.100.53
";

/// Name number `number` of the list: 15 or 16 bytes on average, each another.
pub fn name(number: usize) -> String {
    const WORDS: [&str; 8] = ["ads", "track", "click", "pixel", "metrics", "banner", "stats", "beacon"];
    const ZONES: [&str; 6] = ["com", "net", "org", "com", "example", "io"];
    // An odd factor keeps numbers below 2^20 apart.
    let mixed = (number * 0x9_e375) & 0xf_ffff;
    format!("{}{mixed:05x}.{}", WORDS[mixed % WORDS.len()], ZONES[mixed / 8 % ZONES.len()])
}

/// Everything, once.
pub fn all(lan: &Lan, contestant: &Contestant, figures: &mut Figures) {
    let directory = Directory::new();
    let list: String = (0..NAMES).map(|number| format!("address=/{}/\n", name(number))).collect();
    let own = format!("pid-file={0}/pid\ndhcp-leasefile={0}/leases\n", directory.path().display());
    let path = directory.write("start.conf", format!("{own}{CONFIG}{list}"));
    let file_kib = (list.len() / 1024).max(1);

    for _ in 0..READINGS {
        let start = Instant::now();
        let text = std::fs::read(&path).expect("read the list");
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        assert!(lines.len() > NAMES);
        figures.add("reading, and splitting into lines", start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let file = std::fs::File::open(&path).expect("open the list");
        let mut reader = std::io::BufReader::new(file);
        let mut line = Vec::new();
        let mut bytes = 0;
        while reader.read_until(b'\n', &mut line).expect("read the list") > 0 {
            bytes += line.len();
            line.clear();
        }
        assert!(bytes / 1024 >= file_kib);
        figures.add("reading line by line, keeping none", start.elapsed().as_secs_f64() * 1e3);

        let start = Instant::now();
        let status = Command::new(&contestant.program)
            .arg("--test")
            .arg("-C")
            .arg(&path)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("run the program");
        assert!(status.success(), "the list is refused");
        figures.add("--test", start.elapsed().as_secs_f64() * 1e3);
    }

    let (program, query) = (contestant.program.clone(), encode_query(1, &name(NAMES / 2), A));
    // Both say that there is no such name; REFUSED comes from nobody who has read the list.
    let answered = |reply: &[u8]| reply.get(3).is_some_and(|flags| flags & 0x0f == 3);
    let start = move || start_once(&program, &path, &query, answered);
    let taken = lan.server.spawn(start).join().expect("measure a start");
    figures.add("start to first answer", taken.as_secs_f64() * 1e3);

    let _upstream =
        Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Records(vec![Record::a([192, 0, 2, 1].into(), 3600)]));
    let directory = Arc::new(directory);
    let launch = |config: &str| {
        let directory = Arc::clone(&directory);
        let server = Server::launch_program(&lan.server, &contestant.program, directory, config, &[]);
        server.wait_for_line("started, version");
        // The list of upstreams comes from the process that answers, when it is ready.
        server.wait_for_line("using nameserver 198.51.100.53#53");
        server
    };
    let server = launch(CONFIG);
    let none_kib = memory_kib(&family(server.pid()));
    figures.add("memory (PSS of all processes), no list", none_kib as f64);
    drop(server);

    let server = launch(&format!("{CONFIG}{list}"));
    let processes = family(server.pid());
    figures.add("memory with the list, at start", memory_kib(&processes) as f64);
    for pid in &processes {
        pin(*pid, 0);
    }
    let (cpu, per_second) = answers(lan, &processes, Questions::Listed);
    figures.add("blocked answer, CPU", cpu);
    figures.add("blocked answers at saturation", per_second);
    figures.add("cached answer, CPU", answers(lan, &processes, Questions::Cached).0);
    let full_kib = memory_kib(&processes);
    figures.add("memory with the list, many names asked", full_kib as f64);
    figures.add("memory beyond no list, per name", (full_kib - none_kib) as f64 * 1024.0 / NAMES as f64);
    server.stop();
}
