//! What lease scripts are called with: arguments and variables, event by event.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use support::{Directory, wait_until};

use crate::site::FENCE_NAME;

/// Writes its arguments and variables, each with a NUL behind it, between their number and a full stop.
pub const SCRIPT: &str = "#!/bin/sh\n{ printf '%s\\0' \"$#\" \"$@\"; env -0 | grep -az '^DNSMASQ_' | LC_ALL=C sort -z; printf '.\\0'; } >> DIR/events\n";

/// Variables that tell the time, and what may have passed between two leases on a busy machine, in seconds.
const TIMES: [&str; 2] = ["DNSMASQ_LEASE_EXPIRES", "DNSMASQ_TIME_REMAINING"];
const SECONDS: u64 = 2;

/// One call.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Event {
    fn is_about_fence(&self) -> bool {
        self.arguments.get(1).is_some_and(|hardware| hardware == FENCE_NAME)
    }

    fn is_same(&self, other: &Event) -> bool {
        let same = |name: &str, mine: &str, yours: &str| match (mine.parse::<u64>(), yours.parse::<u64>()) {
            (Ok(mine), Ok(yours)) if TIMES.contains(&name) => mine.abs_diff(yours) <= SECONDS,
            _ => mine == yours,
        };
        let mut variables = self.variables.iter().zip(&other.variables);
        self.arguments == other.arguments
            && self.variables.len() == other.variables.len()
            && variables.all(|((name, mine), (other, yours))| name == other && same(name, mine, yours))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.arguments.join(" "))?;
        self.variables
            .iter()
            .try_for_each(|(name, value)| write!(f, " {}={value:?}", name.trim_start_matches("DNSMASQ_")))
    }
}

/// All events until the fence's lease has ended so many times, without those of the fence.
pub fn heard(directory: &Directory, ends: usize) -> Vec<Event> {
    let mut events = Vec::new();
    wait_until("the script to hear that the fence is gone", || {
        events = read(directory);
        events.iter().filter(|event| event.is_about_fence() && event.arguments[0] == "del").count() >= ends
    });
    events.retain(|event| !event.is_about_fence());
    events
}

fn read(directory: &Directory) -> Vec<Event> {
    let bytes = fs::read(directory.join("events")).unwrap_or_default();
    // Control characters are left out of what clients have said; dnsmasq passes them on.
    let clean = |field: &[u8]| String::from_utf8_lossy(field).chars().filter(|letter| !letter.is_control()).collect();
    let mut fields = bytes.split(|byte| *byte == 0).map(clean);
    let mut events = Vec::new();
    while let Some(count) = fields.next().and_then(|count: String| count.parse().ok()) {
        let arguments: Vec<String> = fields.by_ref().take(count).collect();
        let mut variables = BTreeMap::new();
        let ended = loop {
            let Some(field) = fields.next() else { break false };
            match field.split_once('=') {
                Some((name, value)) => drop(variables.insert(name.to_owned(), value.to_owned())),
                None => break field == ".",
            }
        };
        if ended {
            events.push(Event { arguments, variables });
        }
    }
    events
}

/// The first event in which two scripts differ, lease by lease: dnsmasq tells one event each time it has looked for packets, so that what
/// the next message does to another lease may go before what the last one still has to tell.
pub fn difference(ours: &[Event], theirs: &[Event]) -> Option<String> {
    let (ours, theirs) = (by_address(ours), by_address(theirs));
    let addresses: BTreeSet<&String> = ours.keys().chain(theirs.keys()).copied().collect();
    addresses.into_iter().find_map(|address| {
        let of = |events: &BTreeMap<&String, Vec<Event>>| events.get(address).cloned().unwrap_or_default();
        difference_of_lease(&of(&ours), &of(&theirs))
    })
}

fn by_address(events: &[Event]) -> BTreeMap<&String, Vec<Event>> {
    let mut leases: BTreeMap<&String, Vec<Event>> = BTreeMap::new();
    for event in events {
        if let Some(address) = event.arguments.get(2) {
            leases.entry(address).or_default().push(event.clone());
        }
    }
    // dnsmasq at times tells of the same thing twice.
    leases.values_mut().for_each(|events| events.dedup_by(|later, earlier| later.is_same(earlier)));
    leases
}

fn difference_of_lease(ours: &[Event], theirs: &[Event]) -> Option<String> {
    let same = |at: usize| match (ours.get(at), theirs.get(at)) {
        (Some(mine), Some(yours)) => mine.is_same(yours),
        _ => false,
    };
    let at = (0..ours.len().max(theirs.len())).find(|at| !same(*at))?;
    let around = |events: &[Event]| {
        let from = at.saturating_sub(2).min(events.len());
        let texts: Vec<String> = events[from..(at + 2).min(events.len())].iter().map(Event::to_string).collect();
        texts.join("\n      ")
    };
    Some(format!("  our script:\n      {}\n  dnsmasq's:\n      {}", around(ours), around(theirs)))
}
