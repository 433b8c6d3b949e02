//! The configuration language against dnsmasq itself: fresh lines, made by changing recorded ones, are put before both programs.
//!
//! Needs the reference (`WARDMASQ_REFERENCE`) and root for a namespace without network, where no name of a server resolves. The seed is
//! printed; `WARDMASQ_SEED` repeats a run and `WARDMASQ_LINES` sets its length.

mod escaped;
mod mutation;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use support::effort::amount;
use support::{Dice, Directory, Namespace, Subject};

/// Lines that are put before both programs when nothing else is said.
const LINES: usize = 2_000;
/// What the system's resolver says depends on its mood, but for the fact that it finds nothing.
const RESOLVER: [&str; 3] = ["Cannot resolve server name", "Name or service not known", "Temporary failure"];
/// Keywords whose lines read files, run programs, or end the reading.
const LEFT_OUT: [&str; 7] = ["conf-file", "conf-dir", "conf-script", "servers-file", "help", "version", "test"];

/// What a program said of a line: its exit status (`None`: it crashed) and its words.
type Verdict = (Option<i32>, String);

#[test]
fn fresh_lines_are_judged_as_dnsmasq_judges_them() {
    let reference = Subject::Theirs.program();
    let ours = Subject::Ours.program();
    let mut dice = Dice::announced();
    let wanted = amount("WARDMASQ_LINES", LINES);
    let recorded = recorded_lines();
    let namespace = Namespace::new("language");
    let directory = Directory::new();
    let (mut judged, mut crashes, mut accepted) = (0, 0, 0);
    let mut disagreements = Vec::new();
    while judged < wanted {
        let line = mutation::fresh(&recorded, &mut dice);
        if !is_comparable(&line) {
            continue;
        }
        let file = directory.write("line.conf", &line);
        let theirs = verdict(&namespace, &reference, &file);
        let Some(status) = theirs.0 else {
            // What crashes the reference is ours to refuse.
            crashes += 1;
            continue;
        };
        judged += 1;
        accepted += usize::from(status == 0);
        let mine = verdict(&namespace, &ours, &file);
        if !agree(&mine, &theirs) && !is_known(&line, &mine, &theirs) {
            disagreements
                .push(format!("{:?}\n  dnsmasq: {theirs:?}\n  ours:    {mine:?}", String::from_utf8_lossy(&line)));
        }
    }
    eprintln!(
        "{judged} lines, {accepted} accepted, {crashes} crashed the reference, {} disagreements",
        disagreements.len()
    );
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

/// What `wardctl config show` makes of a line that dnsmasq accepts, dnsmasq accepts too.
#[test]
fn what_is_shown_is_accepted_by_dnsmasq() {
    let reference = Subject::Theirs.program();
    let wardctl = Subject::Ours.program().with_file_name("wardctl");
    assert!(wardctl.exists(), "{} is missing: cargo build -p wardmasq", wardctl.display());
    let namespace = Namespace::new("shown");
    let directory = Directory::new();
    let mut accepted = 0;
    let mut refused = Vec::new();
    for line in recorded_lines().into_iter().filter(|line| is_comparable(line)) {
        let file = directory.write("line.conf", &line);
        if verdict(&namespace, &reference, &file).0 != Some(0) {
            continue;
        }
        let shown = namespace.command(&wardctl).args(["config", "show"]).arg(&file).output().expect("run wardctl");
        if !shown.status.success() {
            // Refused by us: for another test to judge.
            continue;
        }
        accepted += 1;
        let again = directory.write("shown.conf", &shown.stdout);
        let verdict = verdict(&namespace, &reference, &again);
        if verdict.0 != Some(0) {
            refused.push(format!("{:?}\n  {verdict:?}", String::from_utf8_lossy(&shown.stdout)));
        }
    }
    eprintln!("{accepted} lines were accepted, shown, and put before dnsmasq again");
    assert!(accepted > 1000, "only {accepted} lines");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The recorded lines whose verdict does not depend on a locale.
fn recorded_lines() -> Vec<Vec<u8>> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/config/lines.tsv");
    let text = fs::read_to_string(table).expect("read the recorded lines");
    let rows = text.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[2] == "C").map(|row| escaped::unescape(row[3])).collect()
}

/// Lines that both programs can be asked about without doing something else, and that lie in the language we share: names beyond ASCII are
/// refused by us in every locale.
fn is_comparable(line: &[u8]) -> bool {
    let key: String = line.iter().take_while(|byte| **byte != b'=').map(|byte| char::from(*byte)).collect();
    // Control characters are how dnsmasq marks quoted ones within itself.
    line.iter().all(|byte| (b' '..0x7f).contains(byte) || *byte == b'\t')
        && !LEFT_OUT.contains(&key.trim())
        && !line.to_ascii_lowercase().windows(4).any(|part| part == b"xn--")
}

fn verdict(namespace: &Namespace, program: &Path, file: &Path) -> Verdict {
    let output = namespace
        .command(program)
        .env("LC_ALL", "C")
        .arg("--test")
        .arg(format!("--conf-file={}", file.display()))
        .stdin(Stdio::null())
        .output()
        .expect("run a program under test");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = text.lines().find(|line| !line.is_empty()).unwrap_or_default();
    let words = first.split_once(": ").map_or(first, |(_, words)| words);
    (output.status.code().filter(|status| *status < 128), words.to_owned())
}

fn agree(ours: &Verdict, theirs: &Verdict) -> bool {
    let resolver = |words: &str| RESOLVER.iter().any(|part| words.contains(part));
    match (ours.0, theirs.0) {
        (Some(0), Some(0)) => true,
        (Some(ours_status), Some(theirs_status)) => {
            ours_status == theirs_status && (ours.1 == theirs.1 || resolver(&ours.1) && resolver(&theirs.1))
        }
        _ => false,
    }
}

/// Differences that `docs/differences.md` names.
fn is_known(line: &[u8], ours: &Verdict, theirs: &Verdict) -> bool {
    let starts = |key: &str| line.starts_with(key.as_bytes());
    let said = |verdict: &Verdict, words: &str| verdict.1.starts_with(words);
    // Bad hex in dns-rr is a configuration error and no lack of memory.
    (starts("dns-rr") && theirs.0 == Some(4) && ours.0 == Some(1))
        // A number for an option that only dnsmasq itself sends is called too long there, whatever else may be wrong.
        || ((starts("dhcp-option") || starts("dhcp-match"))
            && said(theirs, "dhcp-option too long")
            && (ours.0 == Some(0) || said(ours, "illegal dhcp-match")))
        // Digits and a star in one byte of a pattern: the pattern's length is -1 there.
        || (starts("dhcp-match") && line.contains(&b'*') && theirs.0 == Some(0) && said(ours, "bad dhcp-option"))
        // Two aliases with a blank behind them are the same one there.
        || (starts("cname") && (said(theirs, "duplicate CNAME") || said(theirs, "CNAME loop")) && line.windows(2).any(|pair| pair == b" ,"))
        // The name in this message has lost its letters there.
        || (starts("cname") && said(theirs, "CNAME loop involving ") && said(ours, "CNAME loop involving "))
}
