//! `wardctl config show`: the effective configuration, with the source of each setting.
//!
//! Files that are included are expanded in place, settings that others override are left out, and so are repetitions of what is only said.

use std::collections::HashMap;
use std::io::IsTerminal as _;

use serde::Serialize;

use super::Subject;
use crate::config::journal::{Journal, Occurrence, Source};
use crate::config::keys::{Argument, Place};
use crate::config::text::reveal_text;
use crate::config::written::written;
use crate::config::{Config, diagnosis, line, survey};

/// Where comments begin, if the line leaves room.
const COMMENT_COLUMN: usize = 40;
/// Longest line that has its comment behind it, in bytes.
const LINE_BYTES_MAX: usize = 120;
/// Options whose files were read in their place.
const INCLUDING: [&str; 3] = ["conf-file", "conf-dir", "conf-script"];

/// The configuration and the status.
pub(super) fn answer(subject: &Subject, json: bool) -> (Vec<u8>, u8) {
    let (config, journal, refusals) = survey(&subject.command_line());
    let Some(config) = config else {
        eprint!("{}", diagnosis::report("dnsmasq", &refusals, diagnosis::Style::of_stderr()));
        return (Vec::new(), refusals.status());
    };
    if !json {
        let text = text(&journal);
        // In a pipe the bytes count; a terminal must not be steered by them.
        let terminal = std::io::stdout().is_terminal();
        let lines =
            |text: &[u8]| text.split(|&byte| byte == b'\n').map(diagnosis::visible).collect::<Vec<_>>().join("\n");
        return (if terminal { lines(&text).into_bytes() } else { text }, 0);
    }
    match serde_json::to_vec_pretty(&Shown::of(&journal, &config)) {
        Ok(mut text) => {
            text.push(b'\n');
            (text, 0)
        }
        Err(error) => {
            eprintln!("wardctl: {error}");
            (Vec::new(), super::STATUS_OUTPUT)
        }
    }
}

/// The settings that count, in the order read.
pub fn effective(journal: &Journal) -> Vec<Occurrence<'_>> {
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (index, found) in journal.occurrences().enumerate() {
        let name = found.row.shared_name();
        if found.row.once {
            last.insert(name, index);
        } else if found.row.argument == Argument::None {
            last.entry(name).or_insert(index);
        }
    }
    let counts = |&(index, found): &(usize, Occurrence<'_>)| {
        !INCLUDING.contains(&found.row.name)
            && found.row.place == Place::Both
            && last.get(found.row.shared_name()).is_none_or(|&only| only == index)
    };
    journal.occurrences().enumerate().filter(counts).map(|(_, found)| found).collect()
}

/// As one file.
pub fn text(journal: &Journal) -> Vec<u8> {
    let mut text = Vec::new();
    for found in effective(journal) {
        let line = written(found.row.shared_name(), found.value);
        let comment = format!("# {}", diagnosis::visible(found.place().as_bytes()));
        let width = String::from_utf8_lossy(&line).chars().count();
        let mut whole = line.clone();
        whole.extend(" ".repeat(COMMENT_COLUMN.saturating_sub(width).max(2)).as_bytes());
        whole.extend(comment.as_bytes());
        let same = match (line::entry(&whole), line::entry(&line)) {
            (Ok(with), Ok(without)) => with == without,
            _ => false,
        };
        if same && line.len() <= LINE_BYTES_MAX {
            text.extend(whole);
        } else {
            text.extend(comment.as_bytes());
            text.push(b'\n');
            text.extend(line);
        }
        text.push(b'\n');
    }
    text
}

/// As JSON.
#[derive(Serialize)]
struct Shown<'a> {
    /// What was written, in the order read.
    settings: Vec<Setting<'a>>,
    /// What it comes to.
    tree: &'a Config,
}

#[derive(Serialize)]
struct Setting<'a> {
    option: &'static str,
    value: Option<String>,
    source: Origin<'a>,
    /// From 1; none on the command line.
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Origin<'a> {
    CommandLine,
    File { path: std::borrow::Cow<'a, str> },
    Script { command: &'a str },
    Stdin,
    Elsewhere,
}

impl<'a> Shown<'a> {
    fn of(journal: &'a Journal, config: &'a Config) -> Shown<'a> {
        let setting = |found: Occurrence<'a>| Setting {
            option: found.row.shared_name(),
            value: found.value.map(reveal_text),
            source: match found.source {
                Source::CommandLine => Origin::CommandLine,
                Source::File(path) => Origin::File { path: path.to_string_lossy() },
                Source::Script(command) => Origin::Script { command },
                Source::Stdin => Origin::Stdin,
                Source::Text | Source::Elsewhere => Origin::Elsewhere,
            },
            line: Some(found.line).filter(|&line| line > 0),
        };
        Shown { settings: effective(journal).into_iter().map(setting).collect(), tree: config }
    }
}
