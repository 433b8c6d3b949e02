//! Every forbidden deed, tried in a fresh worker of every role.
//!
//! A `probe` build that finds `WARDMASQ_PROBE=ROLE` in its environment makes a real start of that role for each deed it knows,
//! confined as always, and prints a line per deed: group, name, and what came of it.

use std::collections::BTreeMap;

use support::processes::ROLES;
use support::{Directory, Namespace, probe};

/// Hostile deeds by group. Group `must` holds what a worker needs to be able to do.
const HOSTILE: [&str; 6] = ["file", "net", "proc", "priv", "mem", "abi"];
/// Fewer would mean that the list was lost, not that the worker is safe.
const DEEDS_MIN: usize = 40;

/// What came of one deed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Works,
    Refused(i32),
    Killed(i32),
}

struct Deed {
    group: String,
    name: String,
    outcome: Outcome,
}

#[test]
fn every_hostile_deed_is_refused_in_every_role() {
    for role in ROLES.into_iter().chain(["net"]) {
        let deeds = attempt(role);
        let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for deed in &deeds {
            let count = counts.entry(deed.group.as_str()).or_default();
            match deed.outcome {
                Outcome::Works => count[0] += 1,
                Outcome::Refused(_) => count[1] += 1,
                Outcome::Killed(_) => count[2] += 1,
            }
        }
        eprintln!("{role}: {:>8} {:>8} {:>8} {:>8}", "group", "works", "refused", "killed");
        for (group, [works, refused, killed]) in &counts {
            eprintln!("{role}: {group:>8} {works:>8} {refused:>8} {killed:>8}");
        }
        let wrong = deeds.iter().filter(|deed| (deed.outcome == Outcome::Works) != (deed.group == "must"));
        let wrong: Vec<String> =
            wrong.map(|deed| format!("{} {}: {:?}", deed.group, deed.name, deed.outcome)).collect();
        assert!(wrong.is_empty(), "{role}: hostile deeds that work, or needed ones that do not: {wrong:#?}");
        for group in HOSTILE {
            assert!(counts.contains_key(group), "{role}: no deed of group {group} was tried");
        }
        assert!(counts.contains_key("must"), "{role}: nothing was seen to work, so the refusals prove nothing");
        let hostile = deeds.iter().filter(|deed| deed.group != "must").count();
        assert!(hostile >= DEEDS_MIN, "{role}: only {hostile} hostile deeds were tried");
    }
}

fn attempt(role: &str) -> Vec<Deed> {
    let namespace = Namespace::new("probe");
    let directory = Directory::new();
    directory.write("tftp/file", "content");
    let inside = |name: &str| directory.join(name).display().to_string();
    let output = namespace
        .command(probe::program())
        .env("WARDMASQ_PROBE", role)
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"])
        .args(["--log-facility=-".to_owned(), "--no-ping".to_owned(), "--dhcp-range=127.0.0.10,127.0.0.20".to_owned()])
        .args([format!("--pid-file={}", inside("pid")), format!("--dhcp-leasefile={}", inside("leases"))])
        .args(["--enable-tftp".to_owned(), format!("--tftp-root={}", inside("tftp"))])
        // Without it there is no net worker.
        .args((role == "net").then_some("--ipset=/example/set"))
        .output()
        .expect("run the probe build");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{role}: {}\n{text}\n{errors}", output.status);
    text.lines().map(|line| parse(line).unwrap_or_else(|| panic!("{role}: not a result: {line:?}"))).collect()
}

fn parse(line: &str) -> Option<Deed> {
    let [group, name, outcome] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
    let outcome = match outcome.split_once(' ') {
        None if outcome == "works" => Outcome::Works,
        Some(("errno", number)) => Outcome::Refused(number.parse().ok()?),
        Some(("killed", number)) => Outcome::Killed(number.parse().ok()?),
        _ => return None,
    };
    Some(Deed { group: group.to_owned(), name: name.to_owned(), outcome })
}
