//! Files that add to the configuration of DHCP, on their way to the dhcp worker.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipc::config::dhcp::{ConfiguredOption, HostRule};
use ipc::control::ToWorker;
use ipc::role::Role;
use ipc::{MESSAGE_BYTES_MAX, dhcp, frame};
use serde::Serialize;

use super::Hub;
use crate::dhcp_files::{self, Content, Kind, Known};
use crate::known_hosts::name_to_place;
use crate::permit::Phase;

/// Bytes of rules and options in one message, about.
const PIECE_BYTES: usize = MESSAGE_BYTES_MAX / 2;

/// What was sent of each file.
#[derive(Default)]
pub(super) struct FileRules(BTreeMap<PathBuf, Sent>);

struct Sent {
    /// The number by which the worker knows the file.
    number: u32,
    /// The addresses that its rules give away.
    addresses: BTreeSet<Ipv4Addr>,
    /// The names by which its rules are to get addresses.
    names: BTreeSet<String>,
}

impl FileRules {
    /// The names by which rules of files are to get addresses.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.values().flat_map(|sent| &sent.names)
    }
}

impl Hub {
    /// Reads all files and tells a new dhcp worker what is in them.
    pub(super) fn send_dhcp_files(&mut self, index: usize) {
        for (_, sent) in std::mem::take(&mut self.file_rules.0) {
            self.territory.take_file(&sent.addresses, &BTreeSet::new());
        }
        let mut known = Known::default();
        if self.config.dhcp_files.ethers
            && let Some(slice) = &self.config.dhcp
        {
            known.add(&slice.host_rules);
        }
        for (path, kind) in dhcp_files::paths(&self.config.dhcp_files) {
            let content = dhcp_files::read(&path, kind, &known);
            if self.config.dhcp_files.ethers {
                known.add(&content.rules);
            }
            self.send_dhcp_file(index, path, content);
        }
        self.renew_wanted_hosts();
    }

    /// A file of a watched directory is new or has changed.
    pub(super) fn dhcp_file_changed(&mut self, path: PathBuf, kind: Kind) {
        let serves = |phase| matches!(phase, Phase::Ready | Phase::Serving);
        let hears = self.workers.iter().position(|worker| worker.role == Role::Dhcp && serves(worker.phase));
        // A worker that is still to come will read it anyway.
        let Some(index) = hears else { return };
        self.log.info(&format!("inotify: {} new or modified", path.display()));
        let content = dhcp_files::read(&path, kind, &Known::default());
        self.send_dhcp_file(index, path, content);
        self.renew_wanted_hosts();
    }

    fn send_dhcp_file(&mut self, index: usize, path: PathBuf, content: Content) {
        let Content { rules, options, lines } = content;
        for (speaker, severity, text) in lines {
            self.log.write(speaker, severity, &text);
        }
        let addresses: BTreeSet<Ipv4Addr> = rules.iter().filter_map(|rule| rule.address).collect();
        let names = rules.iter().filter_map(name_to_place).collect();
        let next = self.file_rules.0.len() as u32;
        let fresh = Sent { number: next, addresses: BTreeSet::new(), names: BTreeSet::new() };
        let sent = self.file_rules.0.entry(path).or_insert(fresh);
        sent.names = names;
        let before = std::mem::replace(&mut sent.addresses, addresses);
        self.territory.take_file(&before, &sent.addresses);
        let file = sent.number;
        for (rules, options, last) in pieces(rules, options) {
            let message = dhcp::ToWorker::FileRules { file, rules, options, last };
            self.send(index, &ToWorker::Role(message), Vec::new());
        }
    }
}

/// Parts the content of a file into pieces that fit a message. A single entry that does not is left out: nobody writes one.
fn pieces(rules: Vec<HostRule>, options: Vec<ConfiguredOption>) -> Vec<(Vec<HostRule>, Vec<ConfiguredOption>, bool)> {
    let mut pieces = vec![(Vec::new(), Vec::new(), false)];
    let mut filled = 0;
    let mut scratch = Vec::new();
    let mut room = |pieces: &mut Vec<_>, size: usize| {
        if filled > 0 && filled + size > PIECE_BYTES {
            pieces.push((Vec::new(), Vec::new(), false));
            filled = 0;
        }
        filled += size;
        size <= PIECE_BYTES
    };
    for rule in rules {
        if room(&mut pieces, size(&rule, &mut scratch))
            && let Some(piece) = pieces.last_mut()
        {
            piece.0.push(rule);
        }
    }
    for option in options {
        if room(&mut pieces, size(&option, &mut scratch))
            && let Some(piece) = pieces.last_mut()
        {
            piece.1.push(option);
        }
    }
    if let Some(piece) = pieces.last_mut() {
        piece.2 = true;
    }
    pieces
}

fn size<T: Serialize>(value: &T, scratch: &mut Vec<u8>) -> usize {
    scratch.clear();
    match frame::encode(value, scratch) {
        Ok(()) => scratch.len(),
        Err(_) => usize::MAX / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_comes_in_pieces_that_fit() {
        let rule = |number: usize| HostRule { name: Some(format!("host-{number}")), ..HostRule::default() };
        let huge = HostRule { name: Some("x".repeat(MESSAGE_BYTES_MAX)), ..HostRule::default() };
        let mut rules: Vec<HostRule> = (0..20_000).map(rule).collect();
        rules.insert(5_000, huge);
        let pieces = pieces(rules, Vec::new());
        assert!(pieces.len() > 2);
        assert!(pieces.iter().rev().skip(1).all(|(_, _, last)| !last) && pieces.last().unwrap().2);
        let mut bytes = Vec::new();
        let mut names = Vec::new();
        for (rules, options, last) in pieces {
            names.extend(rules.iter().map(|rule| rule.name.clone().unwrap()));
            let message = ToWorker::Role(dhcp::ToWorker::FileRules { file: 1, rules, options, last });
            bytes.clear();
            frame::encode(&message, &mut bytes).unwrap();
        }
        assert_eq!(names, (0..20_000).map(|number| format!("host-{number}")).collect::<Vec<_>>());
    }

    #[test]
    fn an_empty_file_is_one_empty_piece() {
        assert_eq!(pieces(Vec::new(), Vec::new()), [(Vec::new(), Vec::new(), true)]);
    }
}
