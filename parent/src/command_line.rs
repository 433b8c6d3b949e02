//! Arguments, by the rules of GNU `getopt_long`, to the same keys and values that a file yields.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::config::blame::{Blame, Part};
use crate::config::dhcp_option_names::{NAMES_4, NAMES_6, Named};
use crate::config::draft::{Draft, Origin};
use crate::config::fault::{Fault, STATUS_CONFIGURATION};
use crate::config::journal::Journal;
use crate::config::keys::{self, Argument, Row};
use crate::config::spot::Spot;
use crate::config::text::{from_bytes, reveal_path};
use crate::config::{Config, ConfigError, Loaded, Refusals, feature, source};

/// The release of dnsmasq whose behavior we reproduce.
pub(crate) const DNSMASQ_VERSION: &str = "2.93";

/// The file that is read when the command line names none.
pub(crate) const DEFAULT_FILE: &str = "/etc/dnsmasq.conf";

/// Reads the command line and what it leads to; see [`crate::config::load`].
pub(crate) fn load(arguments: &[OsString], mut draft: Draft) -> Result<Loaded, Refusals> {
    let called = arguments.first().map(|name| from_bytes(Path::new(name).file_name().unwrap_or_default().as_bytes()));
    let as_dnsmasq = called.as_deref() == Some("dnsmasq");
    let words = words(arguments);
    let asked = match read(&mut draft, &words) {
        Ok(Asked::Version) => return Ok(print(version(as_dnsmasq))),
        Ok(Asked::Help) => return Ok(print(help(&words))),
        Ok(asked) => asked,
        Err(error) => return Err(with_last(draft.refusals, error)),
    };
    if !draft.refusals.errors.is_empty() {
        return Err(draft.refusals);
    }
    let test = asked == Asked::Test;
    let journal = std::mem::replace(&mut draft.journal, Journal::new());
    let config = draft.finish(test).map_err(|error| with_last(Refusals::default(), located(error, &journal)))?;
    if test {
        let text = "dnsmasq: syntax check OK.\n".to_owned();
        return Ok(Loaded::Print { text, to_stderr: true, status: 0 });
    }
    Ok(Loaded::Run(Box::new(config), Box::new(journal)))
}

/// As [`load`], for those who only look; see [`crate::config::survey`].
pub(crate) fn survey(arguments: &[OsString], mut draft: Draft) -> (Option<Config>, Journal, Refusals) {
    if let Err(error) = read(&mut draft, &words(arguments)) {
        draft.refusals.add(error);
    }
    let journal = std::mem::replace(&mut draft.journal, Journal::new());
    let mut refusals = std::mem::take(&mut draft.refusals);
    if !refusals.errors.is_empty() {
        return (None, journal, refusals);
    }
    match draft.finish_looking() {
        Ok((config, refused)) => {
            refusals.doubts.extend(refused.map(|error| {
                let error = located(error, &journal);
                ConfigError { text: format!("a start will fail: {}", error.text), ..error }
            }));
            (Some(config), journal, refusals)
        }
        Err(error) => {
            refusals.add(located(error, &journal));
            (None, journal, refusals)
        }
    }
}

/// A rule across options that was broken, with the places of those options.
fn located(mut error: ConfigError, journal: &Journal) -> ConfigError {
    error.remedy = error.remedy.or_else(|| journal.mentioned(&error.text));
    error
}

fn with_last(mut refusals: Refusals, error: ConfigError) -> Refusals {
    refusals.add(error);
    refusals
}

fn words(arguments: &[OsString]) -> Vec<String> {
    arguments.iter().skip(1).map(|word| from_bytes(word.as_bytes())).collect()
}

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// To start.
    Start,
    /// To check the configuration.
    Test,
    /// To print the version.
    Version,
    /// To print the options.
    Help,
}

/// Reads the words, then the files.
fn read(draft: &mut Draft, words: &[String]) -> Result<Asked, ConfigError> {
    let mut asked = Asked::Start;
    let mut file: Option<PathBuf> = None;
    let mut options = Options::new(words);
    loop {
        let (row, value) = match options.next() {
            Ok(None) => break,
            Ok(Some(taken)) => taken,
            Err(fault) => {
                draft.refuse(options.error(fault, None))?;
                continue;
            }
        };
        match row.name {
            "version" => return Ok(Asked::Version),
            "help" => return Ok(Asked::Help),
            "test" => asked = Asked::Test,
            // The first file named is read last; every further one at once. No name is as good as no option.
            "conf-file" if file.is_none() => file = value.filter(|value| !value.is_empty()).map(reveal_path),
            _ => {
                if let Err(fault) = draft.take(row, value, Origin::CommandLine) {
                    draft.refuse(options.error(fault, value))?;
                }
                if let Some(doubt) = draft.doubt.take() {
                    draft.add_doubt(options.error(doubt, value));
                }
            }
        }
    }
    let blank = |word: &str| word.bytes().all(|byte| byte.is_ascii_whitespace() || byte == 0x0B);
    if let Some(junk) = options.leftover.iter().find(|word| !blank(word)) {
        let error = ConfigError::new(STATUS_CONFIGURATION, "junk found in command line".to_owned());
        draft.refuse(error.in_spot(|| options.spot(junk, None, None)))?;
    }
    let read = match file {
        None => source::file(draft, Path::new(DEFAULT_FILE), false),
        Some(path) => source::file(draft, &path, true),
    };
    read.or_else(|fault| draft.refuse(fault.on_command_line()))?;
    Ok(asked)
}

fn print(text: String) -> Loaded {
    Loaded::Print { text, to_stderr: false, status: 0 }
}

/// The options of a command line, one after the other, and the words that are none.
#[derive(Debug)]
struct Options<'a> {
    all: &'a [String],
    words: std::slice::Iter<'a, String>,
    /// The word that is being looked at.
    word: &'a str,
    /// What is left of a word of short letters.
    letters: &'a str,
    leftover: Vec<&'a str>,
}

type Taken<'a> = Option<(&'static Row, Option<&'a str>)>;

impl<'a> Options<'a> {
    fn new(words: &'a [String]) -> Options<'a> {
        Options { all: words, words: words.iter(), word: "", letters: "", leftover: Vec::new() }
    }

    /// A fault of the option that was looked at last, or of its value.
    fn error(&self, fault: Fault, value: Option<&str>) -> ConfigError {
        let (fault, blame) = fault.without_blame();
        fault.on_command_line().in_spot(|| self.spot(self.word, value, blame))
    }

    /// Where that is.
    fn spot(&self, word: &str, value: Option<&str>, blame: Option<Blame>) -> Spot {
        let holds = |word: &&String, slice: &str| {
            let start = slice.as_ptr().addr().wrapping_sub(word.as_ptr().addr());
            word.get(start..).is_some_and(|rest| rest.starts_with(slice)).then_some(start)
        };
        let keyword = blame.as_ref().is_some_and(|blame| matches!(blame.part, Part::Keyword));
        let slice = value.filter(|_| !keyword).unwrap_or(word);
        let found = self.all.iter().enumerate().find_map(|(index, word)| Some((index, holds(&word, slice)?)));
        match found {
            Some((index, start)) => Spot::on_command_line(self.all, index, value.map(|_| start), blame),
            None => Spot::on_command_line(self.all, usize::MAX, None, blame),
        }
    }

    /// The next option; [`Fault::Value`] when it is unknown, ambiguous, or its value is missing or not wanted.
    fn next(&mut self) -> Result<Taken<'a>, Fault> {
        if !self.letters.is_empty() {
            return self.short().map(Some);
        }
        for word in self.words.by_ref() {
            self.word = word;
            if word == "--" {
                self.leftover.extend(self.words.by_ref().map(String::as_str));
                return Ok(None);
            }
            if let Some(long) = word.strip_prefix("--") {
                return self.long(long).map(Some);
            }
            match word.strip_prefix('-') {
                Some(letters) if !letters.is_empty() => {
                    self.letters = letters;
                    return self.short().map(Some);
                }
                _ => self.leftover.push(word),
            }
        }
        Ok(None)
    }

    fn long(&mut self, word: &'a str) -> Result<(&'static Row, Option<&'a str>), Fault> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let row = keys::find(name).or_else(|| abbreviated(name)).ok_or_else(|| Fault::Value.of_keyword(None))?;
        let value = match (row.argument, value) {
            (Argument::None, Some(_)) => return Err(Fault::Value.of_keyword(Some(row))),
            (Argument::Required, None) => {
                Some(self.words.next().ok_or_else(|| Fault::Value.of_keyword(Some(row)))?.as_str())
            }
            (_, value) => value,
        };
        Ok((row, value))
    }

    fn short(&mut self) -> Result<(&'static Row, Option<&'a str>), Fault> {
        let end = self.letters.char_indices().nth(1).map_or(self.letters.len(), |(position, _)| position);
        let (letter, rest) = self.letters.split_at(end);
        self.letters = "";
        let row = keys::all().find(|row| row.short.get(..1) == Some(letter)).ok_or(Fault::Value)?;
        if !row.short.ends_with(':') {
            self.letters = rest;
            return Ok((row, None));
        }
        let value = match rest {
            "" => self.words.next().ok_or_else(|| Fault::Value.of_keyword(Some(row)))?.as_str(),
            rest => rest,
        };
        Ok((row, Some(value)))
    }
}

/// The option that `prefix` begins, if it is only one, or one and its alias.
fn abbreviated(prefix: &str) -> Option<&'static Row> {
    let mut rows = keys::all().filter(|row| row.name.starts_with(prefix));
    let first = rows.next()?;
    let same = |row: &Row| row.shared_name() == first.shared_name() && row.argument == first.argument;
    rows.all(same).then_some(first)
}

/// What `--version` prints: a line whose third word programs take for the version, a line of features, and the terms.
fn version(as_dnsmasq: bool) -> String {
    let ours = env!("CARGO_PKG_VERSION");
    let first = if as_dnsmasq {
        format!("Dnsmasq version {DNSMASQ_VERSION}  as reproduced by wardmasq {ours}")
    } else {
        format!("wardmasq {ours} (in place of dnsmasq {DNSMASQ_VERSION})")
    };
    let features = feature::words();
    format!(
        "{first}\nCompile time options: {features}\n\nThis software comes with ABSOLUTELY NO WARRANTY.\n\
         It is free software: you may redistribute it\nunder the terms of the MIT License or the Apache License 2.0.\n"
    )
}

/// What `--help` prints; `--help dhcp` and `--help dhcp6` list the names of DHCP options.
fn help(words: &[String]) -> String {
    match words {
        [_, topic] if topic == "dhcp" => names("Known DHCP options:", NAMES_4),
        [_, topic] if topic == "dhcp6" => names("Known DHCPv6 options:", NAMES_6),
        _ => usage(),
    }
}

fn names(heading: &str, rows: &[Named]) -> String {
    let shown = rows.iter().filter(|row| !row.internal).map(|row| format!("{:3} {}\n", row.code, row.name));
    format!("{heading}\n{}", shown.collect::<String>())
}

fn usage() -> String {
    let mut text = String::from("Usage: dnsmasq [options]\n\nValid options are:\n");
    for row in keys::all() {
        let short = row.short.get(..1).map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        let option = format!("{short} --{}{}", row.name, row.form);
        // An option that reaches into the column of texts has its text on a line of its own.
        let gap = if option.len() < TEXT_COLUMN { "" } else { "\n" };
        let indent = if gap.is_empty() { TEXT_COLUMN - option.len() } else { TEXT_COLUMN };
        let note = if row.built == keys::Built::No { " (no effect yet)" } else { "" };
        text += &format!("{option}{gap}{:indent$}{}{note}\n", "", row.help);
    }
    text
}

/// Where texts begin in the list of options.
const TEXT_COLUMN: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &[&str]) -> Result<Vec<String>, Fault> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut options = Options::new(&words);
        let mut taken = Vec::new();
        while let Some((row, value)) = options.next()? {
            taken.push(format!("{}={}", row.name, value.unwrap_or("-")));
        }
        taken.extend(options.leftover.iter().map(|word| format!("left {word}")));
        Ok(taken)
    }

    #[test]
    fn getopt_forms() {
        assert_eq!(
            taken(&["-hnp53", "-p", "54", "-p=55"]).unwrap(),
            ["no-hosts=-", "no-poll=-", "port=53", "port=54", "port==55"]
        );
        assert_eq!(
            taken(&["--port=", "--port", "", "x", "--log-queries", "extra"]).unwrap(),
            ["port=", "port=", "log-queries=-", "left x", "left extra"]
        );
        assert_eq!(taken(&["--", "--port=53", "-"]).unwrap(), ["left --port=53", "left -"]);
        assert_eq!(taken(&["-"]).unwrap(), ["left -"]);
    }

    #[test]
    fn abbreviations_must_fit_one_option() {
        assert_eq!(
            taken(&["--domain-n", "--filter-A", "--domain-s=a"]).unwrap(),
            ["domain-needed=-", "filter-A=-", "domain-suffix=a"]
        );
        for bad in ["--por=53", "--no", "--PORT=53", "--domain-needed=", "--port", "-u", "-?"] {
            assert_eq!(taken(&[bad]), Err(Fault::Value), "{bad}");
        }
    }

    #[test]
    fn help_lists_options_and_names_of_dhcp_options() {
        let told = |words: &[&str]| help(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert!(told(&["--help", "dhcp"]).starts_with("Known DHCP options:\n  1 netmask\n  2 time-offset\n"));
        assert_eq!(told(&["--help", "dhcp"]).lines().count(), 65);
        assert_eq!(told(&["-w", "dhcp6"]).lines().last(), Some("103 captive-portal"));
        let list = told(&["--help", "dhcp", "-d"]);
        assert!(list.contains("\n-p, --port=<port>                               answer DNS"), "{list}");
        assert!(list.lines().all(|line| line.starts_with(' ') || line.find("  ").is_none_or(|gap| gap < TEXT_COLUMN)));
    }

    #[test]
    fn the_third_word_of_the_version_is_a_version() {
        assert_eq!(version(true).split(' ').nth(2), Some("2.93"));
        assert!(version(false).starts_with("wardmasq 0."));
    }
}
