//! Measures wardmasq and dnsmasq in turn, in one run on one machine, and prints them side by side.
//!
//! ```text
//! cargo run --release -p wardmasq-tests --bin speed -- --ours PATH --reference PATH [--rounds N] [--lists | --dns | --leases [PICTURE.svg]]
//! ```
//!
//! Instead of everything with a small configuration: `--lists` a block list of a million names, `--dns` many hosts, full caches,
//! connections, and upstreams that lose packets, `--leases` DHCP with up to 60,000 leases, beside Kea as well.
//!
//! Needs root (network namespaces) and a release build of wardmasq. Times of shared machines are noise and the ratios are less
//! so: each round measures both programs, in changing order, and the table shows medians. CPU time is what the kernel
//! charged to all processes of a server together.

mod contestant;
mod dns;
mod leases;
mod lists;
mod measure;
mod table;

use std::path::PathBuf;

use contestant::Contestant;
use support::{Lan, Subject};
use table::Figures;

/// Measures one program once.
type Measure = fn(&Lan, &Contestant, &mut Figures);

fn main() {
    let mut ours = None;
    let mut reference = None;
    let mut rounds = 3;
    let (mut rows, mut measure): (_, Measure) = (table::ROWS, measure::all);
    let (mut only_leases, mut picture) = (false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--ours" => ours = Some(absolute(&value())),
            "--reference" => reference = Some(absolute(&value())),
            "--rounds" => rounds = value().parse().expect("--rounds takes a number"),
            "--lists" => (rows, measure) = (lists::ROWS, lists::all),
            "--dns" => (rows, measure) = (dns::ROWS, dns::all),
            "--leases" => (only_leases, picture) = (true, arguments.next().map(PathBuf::from)),
            _ => {
                eprintln!(
                    "usage: speed [--ours PATH] [--reference PATH] [--rounds N] [--lists | --dns | --leases [PICTURE.svg]]"
                );
                std::process::exit(2);
            }
        }
    }
    let contestants = [
        Contestant { name: "wardmasq", program: ours.unwrap_or_else(|| Subject::Ours.program()) },
        Contestant { name: "dnsmasq", program: reference.unwrap_or_else(|| Subject::Theirs.program()) },
    ];
    if only_leases {
        leases::run(&contestants, picture.as_deref());
        return;
    }
    let lan = measure::lan();
    let mut figures = [Figures::new(rows), Figures::new(rows)];
    for round in 0..rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for who in order {
            eprintln!("round {}: {}", round + 1, contestants[who].name);
            measure(&lan, &contestants[who], &mut figures[who]);
        }
    }
    table::print(&contestants, &figures);
}

/// Programs are started from elsewhere, so a path must hold there too.
fn absolute(path: &str) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
