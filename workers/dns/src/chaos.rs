//! The CHAOS names that tell about the server (`version.bind` and its like).

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::cache::Cache;
use crate::name::{Name, Shown, labels};
use crate::statistics::Statistics;
use crate::wire::{CH, Question, rtype};

/// The names that are answered.
const NAMES: [&str; 10] = [
    "version.bind",
    "authors.bind",
    "copyright.bind",
    "cachesize.bind",
    "insertions.bind",
    "evictions.bind",
    "misses.bind",
    "hits.bind",
    "auth.bind",
    "servers.bind",
];

/// All names, for the table of known names.
pub(crate) fn names() -> impl Iterator<Item = Name> {
    NAMES.iter().filter_map(|text| Name::from_text(text.as_bytes()))
}

/// Is this (lower case) one of the names?
pub(crate) fn is_name(name: &Name) -> bool {
    names().any(|known| known == *name)
}

/// How a CHAOS question is dealt with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chaos {
    /// TXT RDATA, one record, and whether it is a counter, whose TTL is always 0.
    Text { rdata: Vec<u8>, counter: bool },
    /// In our care, but nothing is known about it.
    NotImplemented,
    /// None of our business.
    Foreign,
}

/// Answers a question of class CH.
pub(crate) fn answer(
    question: &Question,
    version: &str,
    cache: &Cache,
    statistics: &Statistics,
    upstreams: &[SocketAddr],
) -> Chaos {
    let ours = labels(question.name.wire()).last().is_some_and(|label| matches!(label, b"bind" | b"server"));
    if question.qclass != CH || !ours {
        return Chaos::Foreign;
    }
    if !matches!(question.qtype, rtype::TXT | rtype::ANY) {
        return Chaos::NotImplemented;
    }
    let name = Shown(question.name.wire()).to_string();
    let text = match name.as_str() {
        "version.bind" => version.to_owned(),
        "authors.bind" => "The wardmasq authors".to_owned(),
        "copyright.bind" => "Copyright (c) the wardmasq authors, MIT OR Apache-2.0".to_owned(),
        "cachesize.bind" => cache.capacity().to_string(),
        "insertions.bind" => cache.insertions.to_string(),
        "evictions.bind" => cache.evictions.to_string(),
        "misses.bind" => statistics.forwarded.to_string(),
        "hits.bind" => statistics.answered_locally.to_string(),
        "auth.bind" => "0".to_owned(),
        "servers.bind" => {
            let mut rdata = Vec::new();
            let mut text = String::new();
            for address in upstreams {
                let figures = statistics.figures(*address);
                text.clear();
                // Writing to a string cannot fail.
                let _ = write!(text, "{}#{} {} {}", address.ip(), address.port(), figures.sent, figures.failed);
                put_text(&mut rdata, &text);
            }
            return Chaos::Text { rdata, counter: true };
        }
        _ => return Chaos::NotImplemented,
    };
    let mut rdata = Vec::new();
    put_text(&mut rdata, &text);
    Chaos::Text { rdata, counter: !matches!(name.as_str(), "version.bind" | "authors.bind" | "copyright.bind") }
}

fn put_text(rdata: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(255)];
    rdata.push(bytes.len() as u8);
    rdata.extend_from_slice(bytes);
}
