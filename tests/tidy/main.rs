//! Checks on the source itself: the habits that no compiler enforces, each with the reason in its message.
//!
//! These are text searches, not parsers: simple enough to trust, and wrong in a way that is easy to see.

mod crates;
mod manifest;
mod sources;

use sources::{File, root, rust_files, tracked_text_files};

/// The cores: protocol logic without system calls.
const CORES: [&str; 5] = ["workers/dns", "workers/dhcp", "workers/tftp", "workers/net", "workers/script"];

/// Everything found wrong, so that one run names all places.
fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_source_file_opens_with_its_purpose() {
    let silent = rust_files().into_iter().filter(|file| !file.text.starts_with("//!"));
    none("files that do not begin with `//!`", silent.map(|file| file.path).collect());
}

#[test]
fn nothing_is_left_half_done() {
    const MARKS: [&str; 3] = ["todo!(", "unimplemented!(", "dbg!("];
    let found = code_lines().filter(|line| MARKS.iter().any(|mark| line.code.contains(mark)));
    none("unfinished code", found.map(|line| line.place()).collect());
}

#[test]
fn no_file_is_named_for_everything() {
    const VAGUE: [&str; 8] = ["util", "utils", "common", "manager", "helper", "helpers", "misc", "shared"];
    let found = tracked_text_files()
        .into_iter()
        .filter(|file| file.path.split('/').any(|part| VAGUE.contains(&part.split('.').next().unwrap_or(part))));
    none("files or folders whose name says nothing", found.map(|file| file.path).collect());
}

#[test]
fn no_path_of_the_machine_it_was_written_on() {
    let checkout = root().display().to_string();
    let marks = [checkout.as_str(), "/home/", "/Users/"];
    let mut found = Vec::new();
    for file in tracked_text_files() {
        if file.path.starts_with("tests/tidy/") || file.path == "Cargo.lock" {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    none("paths that exist on one machine only", found);
}

#[test]
fn unsafe_code_lives_in_known_files_with_reasons() {
    // A new name here is a decision: the file must be small, its functions safe to call.
    const KNOWN: &[&str] = &[
        "ipc/src/channel.rs",
        "parent/src/",
        "policy/src/apply/raw.rs",
        "policy/tests/",
        "workers/dns/tests/hits.rs",
        "workers/shell/src/boot.rs",
        "workers/shell/src/datagram.rs",
        "workers/shell/src/lua.rs",
        "workers/shell/src/probe.rs",
        "workers/shell/src/script.rs",
        "workers/shell/src/stream.rs",
        "workers/shell/src/watchdog.rs",
    ];
    const WORD: [&str; 4] = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
    let mut found = Vec::new();
    for line in code_lines().filter(|line| WORD.iter().any(|word| line.code.contains(word))) {
        if !KNOWN.iter().any(|known| line.path.starts_with(known)) {
            found.push(format!("{}: not in the list of files that may", line.place()));
        } else if !line.has_safety_comment() {
            found.push(format!("{}: no SAFETY comment", line.place()));
        }
    }
    none("unsafe code", found);
}

#[test]
fn cores_forbid_unsafe_code_and_reach_for_nothing() {
    let mut found = Vec::new();
    for core in CORES {
        let library = sources::read(&format!("{core}/src/lib.rs"));
        if !library.contains("#![forbid(unsafe_code)]") {
            found.push(format!("{core}/src/lib.rs lacks #![forbid(unsafe_code)]"));
        }
        // A nested clippy.toml replaces the one at the root, so it must repeat what that one says.
        let lints = sources::read(&format!("{core}/clippy.toml"));
        for line in sources::read("clippy.toml").lines().filter(|line| !line.is_empty()) {
            if !lints.contains(line) {
                found.push(format!("{core}/clippy.toml lacks the root's `{line}`"));
            }
        }
        for call in ["std::time::Instant::now", "std::time::SystemTime::now"] {
            if !lints.contains(call) {
                found.push(format!("{core}/clippy.toml does not disallow {call}"));
            }
        }
        for section in ["disallowed-methods", "disallowed-types"] {
            if !lints.contains(section) {
                found.push(format!("{core}/clippy.toml has no {section}"));
            }
        }
    }
    none("cores that could reach outside", found);
}

#[test]
fn the_frozen_codec_is_named_in_one_file() {
    let found = code_lines().filter(|line| line.path != "ipc/src/frame.rs" && line.code.contains("bincode::"));
    none("files that name bincode", found.map(|line| line.place()).collect());
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let text = sources::read("Cargo.toml");
    let ours = ["ipc", "policy", "shell", "dns", "dhcp", "tftp", "net", "script", "parent"];
    let mut found = Vec::new();
    let mut above = "";
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = manifest::key(line);
            if !above.starts_with('#') && !ours.contains(&name) {
                found.push(name.to_owned());
            }
        }
        above = line;
    }
    none("dependencies without a comment in the line above", found);
}

#[test]
fn every_public_type_of_ipc_is_part_of_a_conversation() {
    let files = rust_files();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("ipc/src/")) {
        for name in public_types(&file.text) {
            let elsewhere = files.iter().any(|other| other.path != file.path && mentions(&other.text, name));
            if !elsewhere {
                found.push(format!("{}: {name}", file.path));
            }
        }
    }
    none("types in ipc that nobody else mentions", found);
}

/// One line of code without its comment.
struct Line<'a> {
    path: &'a str,
    number: usize,
    code: &'a str,
    /// This line, a dozen before it, and two behind.
    around: &'a [&'a str],
}

impl Line<'_> {
    fn place(&self) -> String {
        format!("{}:{}", self.path, self.number)
    }

    /// One of the lines around says why.
    fn has_safety_comment(&self) -> bool {
        self.around.iter().any(|line| line.contains("SAFETY"))
            || self.code.contains("unsafe fn")
            || self.code.contains("unsafe extern")
    }
}

/// Every line of every source file but those of this test, which name what they look for.
fn code_lines() -> impl Iterator<Item = Line<'static>> {
    let files: &'static [File] = Box::leak(rust_files().into_boxed_slice());
    files.iter().filter(|file| !file.path.starts_with("tests/tidy/")).flat_map(|file| {
        let lines: &'static [&'static str] = Box::leak(file.text.lines().collect::<Vec<_>>().into_boxed_slice());
        lines.iter().enumerate().map(|(index, line)| Line {
            path: &file.path,
            number: index + 1,
            code: line.split("//").next().unwrap_or(line),
            around: &lines[index.saturating_sub(12)..lines.len().min(index + 3)],
        })
    })
}

fn public_types(text: &str) -> Vec<&str> {
    let starts = ["pub struct ", "pub enum ", "pub trait ", "pub type "];
    let names = text.lines().filter_map(|line| starts.iter().find_map(|start| line.strip_prefix(start)));
    names.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(rest)).collect()
}

fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(word);
        let after = text[at + name.len()..].chars().next().is_some_and(word);
        !before && !after
    })
}
