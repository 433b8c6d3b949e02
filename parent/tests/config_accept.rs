//! Runs recorded verdicts of dnsmasq 2.93 over our reader: single lines, command lines, and cases of several files.
//!
//! `known-differences.txt` names what we do otherwise on purpose; a row there that agrees fails the test, so that the list does
//! not go stale.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use corpus::{data, json_strings, rows, unescape};
use parent::config::{Loaded, load};

/// What the system's resolver says depends on where the test runs, but for the fact that it finds nothing.
const RESOLVER: [&str; 2] = ["Cannot resolve server name", "Name or service not known"];

/// Our verdict: exit status and text.
fn verdict(arguments: &[OsString]) -> (u8, String) {
    let mut all = vec![OsString::from("dnsmasq"), OsString::from("--test")];
    all.extend_from_slice(arguments);
    match load(&all) {
        Ok(Loaded::Print { status, .. }) => (status, String::new()),
        Ok(Loaded::Run(..)) => panic!("--test must not start anything"),
        Err(error) => (error.status, error.text),
    }
}

/// Does our verdict agree with a recorded one?
fn agrees(ours: &(u8, String), accepted: bool, exit: &str, text: &str, place: &str) -> bool {
    if accepted || ours.0 == 0 {
        return accepted == (ours.0 == 0);
    }
    if RESOLVER.contains(&text) {
        return RESOLVER.iter().any(|one| ours.1.contains(one));
    }
    let Some(rest) = ours.1.strip_prefix(text) else { return false };
    // `FILE:LINE`, or nothing in particular.
    let placed = match place.rsplit_once(':') {
        Some((file, line)) => rest.starts_with(&format!(" at line {line} of ")) && rest.ends_with(file),
        None => rest.is_empty() || rest.starts_with(" at line ") || rest.starts_with(" in output from "),
    };
    exit.parse() == Ok(ours.0) && placed
}

/// Known differences: option and a part of the line.
struct Differences(Vec<(String, String, bool)>);

impl Differences {
    fn read() -> Differences {
        let text = fs::read_to_string(data("known-differences.txt")).unwrap();
        let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
            let mut fields = line.split('\t');
            let (option, part) = (fields.next().unwrap(), fields.next().unwrap());
            assert!(fields.next().is_some_and(|reason| !reason.is_empty()), "no reason: {line}");
            (option.to_owned(), part.to_owned(), false)
        });
        Differences(rows.collect())
    }

    fn know(&mut self, option: &str, line: &str) -> bool {
        let found =
            self.0.iter_mut().find(|(name, part, _)| (name == "*" || name == option) && line.contains(part.as_str()));
        found.map(|row| row.2 = true).is_some()
    }

    fn assert_fresh(&self) {
        let stale: Vec<_> = self.0.iter().filter(|row| !row.2).collect();
        assert!(stale.is_empty(), "these differences are gone, remove them: {stale:?}");
    }
}

#[derive(Debug, Default)]
struct Counts {
    agree: u32,
    known: u32,
    other_locale: u32,
    standard_input: u32,
}

/// Every verdict in one test, since cases are run from their own directory and that belongs to the whole process.
#[test]
fn the_reader_agrees_with_dnsmasq() {
    let scratch = std::env::temp_dir().join(format!("config-accept-{}", std::process::id()));
    fs::create_dir_all(&scratch).unwrap();
    std::env::set_current_dir(&scratch).unwrap();
    let mut differences = Differences::read();
    let mut wrong = Vec::new();
    println!("lines: {:?}", single_lines(&scratch, &mut differences, &mut wrong));
    println!("command lines: {:?}", command_lines(&mut differences, &mut wrong));
    println!("cases: {:?}", cases(&mut differences, &mut wrong));
    std::env::set_current_dir("/").unwrap();
    fs::remove_dir_all(&scratch).unwrap();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    differences.assert_fresh();
}

fn single_lines(scratch: &Path, differences: &mut Differences, wrong: &mut Vec<String>) -> Counts {
    let mut counts = Counts::default();
    let mut by_option: BTreeMap<String, u32> = BTreeMap::new();
    let file = scratch.join("line.conf");
    for row in rows("lines.tsv") {
        let [_, option, locale, line, expected, exit, _, text, _] = &row[..] else { panic!("{row:?}") };
        let mut bytes = unescape(line);
        // In the C locale dnsmasq refuses names beyond ASCII; we take them as UTF-8 in every locale.
        let refused_by_locale = locale == "C" && !bytes.is_ascii() && expected == "reject";
        bytes.push(b'\n');
        fs::write(&file, bytes).unwrap();
        let ours = verdict(&[OsString::from("-C"), file.clone().into()]);
        let accepted = expected == "accept";
        if agrees(&ours, accepted, exit, text, "") {
            counts.agree += 1;
        } else if refused_by_locale {
            counts.other_locale += 1;
        } else if differences.know(option, line) {
            counts.known += 1;
        } else {
            *by_option.entry(option.clone()).or_default() += 1;
            wrong.push(format!("{line}\n    dnsmasq: {expected} {exit} {text}\n    ours: {ours:?}"));
        }
    }
    if !by_option.is_empty() {
        println!("{by_option:?}");
    }
    counts
}

fn command_lines(differences: &mut Differences, wrong: &mut Vec<String>) -> Counts {
    let mut counts = Counts::default();
    fs::write("main.conf", "").unwrap();
    for row in rows("command-lines.tsv") {
        let [_, line, expected, exit, _, text, _] = &row[..] else { panic!("{row:?}") };
        let arguments = json_strings(line);
        let ours = verdict(&arguments);
        if agrees(&ours, expected == "accept", exit, text, "") {
            counts.agree += 1;
        } else if differences.know("(command line)", line) {
            counts.known += 1;
        } else {
            wrong.push(format!("{line}\n    dnsmasq: {expected} {exit} {text}\n    ours: {ours:?}"));
        }
    }
    counts
}

fn cases(differences: &mut Differences, wrong: &mut Vec<String>) -> Counts {
    let mut counts = Counts::default();
    for row in rows("cases.tsv") {
        let [case, _, _, expected, exit, _, place, text, _] = &row[..] else { panic!("{row:?}") };
        let directory = data("cases").join(case);
        if directory.join("STDIN").exists() {
            counts.standard_input += 1;
            continue;
        }
        std::env::set_current_dir(&directory).unwrap();
        let mut arguments = match fs::read("ARGS.json") {
            Ok(list) => json_strings(&String::from_utf8(list).unwrap()),
            Err(_) => Vec::new(),
        };
        if !arguments.iter().any(|word| word == "-C") {
            arguments.extend(["-C", "main.conf"].map(OsString::from));
        }
        let ours = verdict(&arguments);
        let accepted = expected == "accept";
        if agrees(&ours, accepted, exit, text, place) {
            counts.agree += 1;
        } else if differences.know("(case)", case) {
            counts.known += 1;
        } else {
            wrong.push(format!("case {case}\n    dnsmasq: {expected} {exit} {text} {place}\n    ours: {ours:?}"));
        }
    }
    counts
}
