//! What is left behind: lines in the log, leases in the file.

use std::collections::BTreeMap;

use crate::site::is_about_fence;

/// What may have passed between two leases on a busy machine, in seconds.
const SECONDS: u64 = 2;

/// The first line in which two logs differ.
pub fn log_difference(ours: &[String], theirs: &[String]) -> Option<String> {
    let (ours, theirs) = (told(ours), told(theirs));
    let at = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))?;
    let around =
        |lines: &[&str]| lines[at.saturating_sub(4).min(lines.len())..(at + 3).min(lines.len())].join("\n      ");
    Some(format!("  our log:\n      {}\n  dnsmasq's:\n      {}", around(&ours), around(&theirs)))
}

/// What DHCP has said, but for the fence, and for names that DNS does not publish, of which dnsmasq tells again with every lease.
fn told(lines: &[String]) -> Vec<&str> {
    let texts = lines.iter().filter_map(|line| Some(line.split_once("-dhcp: ")?.1));
    texts.filter(|text| !is_about_fence(text) && !text.starts_with("not giving name ")).collect()
}

/// How two lease files differ. The order of lines is free.
pub fn lease_difference(ours: &[String], theirs: &[String]) -> Option<String> {
    let same = |mine: &BTreeMap<&str, u64>, yours: &BTreeMap<&str, u64>| {
        mine.len() == yours.len()
            && mine.iter().all(|(rest, ends)| yours.get(rest).is_some_and(|other| ends.abs_diff(*other) <= SECONDS))
    };
    let (mine, yours) = (leases(ours), leases(theirs));
    (!same(&mine, &yours)).then(|| format!("  our leases: {mine:#?}\n  dnsmasq's: {yours:#?}"))
}

/// Each lease without its time, and the time.
fn leases(lines: &[String]) -> BTreeMap<&str, u64> {
    let parts = lines.iter().filter_map(|line| line.split_once(' '));
    parts.map(|(ends, rest)| (rest, ends.parse().unwrap_or(u64::MAX))).collect()
}
