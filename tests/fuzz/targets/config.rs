//! The configuration's language: bytes to the tree, and the three kinds of files that are read later in the same language. Reading
//! stays within the text, so that no mutation can run a script or ask the resolver.

#[path = "../../conformance/escaped.rs"]
mod escaped;

use std::collections::HashSet;

use ipc::config::routing::Routing;
use parent::config::{late, reach};

/// Most routes that a byte of text can ask for: `rev-server=::1/1` stands for 72 letters of 128 zones.
const ROUTES_PER_BYTE: usize = 128;

/// A whole configuration, and the table of its routes.
pub fn file(bytes: &[u8]) {
    let Ok(config) = reach::read(bytes) else { return };
    assert!(config.dns.routes.len() <= ROUTES_PER_BYTE * bytes.len(), "more routes than the text can ask for");
    let routing = Routing::build(&config.dns.routes, [7; 16]).expect("a short text has few routes");
    let named = routing.groups.iter().flat_map(|group| &group.upstreams);
    assert!(
        named.into_iter().all(|index| (*index as usize) < config.dns.upstreams.len()),
        "an upstream without address"
    );
}

/// Lines of a servers file.
pub fn servers(bytes: &[u8]) {
    let (servers, errors) = reach::read_servers(bytes);
    assert_eq!(servers.upstreams.len(), servers.upstream_sources.len());
    assert!(errors.len() <= bytes.split(|byte| *byte == b'\n').count(), "more errors than lines");
}

/// Lines of `dhcp-hostsfile` and `dhcp-optsfile`.
pub fn late_lines(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = late::host(line, "");
        let _ = late::option(line, "");
    }
}

const LINES: &str = include_str!("../../conformance/config/lines.tsv");

/// The recorded lines: which option, what was said of it, and the line.
fn recorded() -> impl Iterator<Item = (&'static str, bool, Vec<u8>)> {
    LINES.lines().skip(1).filter_map(|row| {
        let columns: Vec<&str> = row.split('\t').collect();
        let (option, line, verdict) = (*columns.get(1)?, columns.get(3)?, columns.get(4)?);
        Some((option, *verdict == "accept", escaped::unescape(line)))
    })
}

/// For every option a recorded line that is accepted and one that is not, ten lines to a file; and files of more than one line.
pub fn file_seeds() -> Vec<Vec<u8>> {
    let mut seen = HashSet::new();
    let lines: Vec<Vec<u8>> =
        recorded().filter(|(option, accepted, _)| seen.insert((*option, *accepted))).map(|(.., line)| line).collect();
    let mut seeds = lines.clone();
    seeds.push(
        b"address=/a.example/b.example/192.0.2.1\nserver=/*.c/#\nlocal=//\n\n# text\naddress=/d/::1\r\nport=5353"
            .to_vec(),
    );
    seeds.push(b"cname=a,b\ncname=b,c\ncname=c,a\n".to_vec());
    seeds.push(b"rev-server=2001:db8::/31,192.0.2.1#5353@192.0.2.9#1024\ndomain=lan,10.0.0.0/9,local\n".to_vec());
    // Accepted lines together reach the checks across options.
    seen.clear();
    let accepted: Vec<Vec<u8>> = recorded()
        .filter(|(option, accepted, line)| *accepted && reach::read(line).is_ok() && seen.insert((*option, true)))
        .map(|(.., line)| line)
        .collect();
    seeds.extend(accepted.chunks(10).map(|lines| lines.join(&b'\n')));
    seeds
}

/// Servers, good and bad.
pub fn servers_seeds() -> Vec<Vec<u8>> {
    recorded().filter(|(option, ..)| matches!(*option, "server" | "rev-server")).map(|(.., line)| line).collect()
}

/// The values of `dhcp-host` and `dhcp-option`.
pub fn late_seeds() -> Vec<Vec<u8>> {
    let value = |line: Vec<u8>| line.iter().position(|byte| *byte == b'=').map(|at| line[at + 1..].to_vec());
    recorded()
        .filter(|(option, ..)| matches!(*option, "dhcp-host" | "dhcp-option"))
        .filter_map(|(.., line)| value(line))
        .collect()
}
