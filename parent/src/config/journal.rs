//! Where every option was written: eight bytes for an occurrence, and eight more for all of the same option on the lines that follow, so
//! that a list of a million names costs next to nothing.

use std::fs;
use std::path::{Path, PathBuf};

use super::keys::{self, Row};
use super::line;
use super::text::{reveal_text, standing_alone};

/// What text came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The arguments.
    CommandLine,
    /// A file.
    File(PathBuf),
    /// What this command printed.
    Script(String),
    /// Standard input.
    Stdin,
    /// A text without a name.
    Text,
    /// One of more sources than can be told apart.
    Elsewhere,
}

impl Source {
    /// The end of dnsmasq's message about a line of it.
    pub(crate) fn place(&self, line: u32) -> String {
        match self {
            Source::CommandLine | Source::Elsewhere => String::new(),
            Source::File(path) => format!(" at line {line} of {}", path.display()),
            Source::Script(command) => format!(" in output from {command}"),
            Source::Stdin => format!(" at line {line} of stdin"),
            Source::Text => format!(" at line {line}"),
        }
    }

    /// The place of a line in short: `FILE:LINE`.
    pub(crate) fn label(&self, line: u32) -> String {
        match self {
            Source::CommandLine => "command line".to_owned(),
            Source::File(path) => format!("{}:{line}", path.display()),
            Source::Script(command) => format!("output from {command}:{line}"),
            Source::Stdin => format!("stdin:{line}"),
            Source::Text => format!("line {line}"),
            Source::Elsewhere => "one of many files".to_owned(),
        }
    }
}

/// Every option that was taken, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    sources: Vec<Source>,
    entries: Vec<Entry>,
    /// The value of each entry, if values are kept.
    values: Option<Vec<Option<String>>>,
    /// Where reading is now.
    position: Position,
}

/// A place in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    source: u16,
    /// Counted from 1; 0 on the command line.
    pub(crate) line: u32,
}

/// One occurrence. The option is a number too, since a reference would double the size.
///
/// With the number [`AGAIN`] in place of the option: the entry before occurs that many more times, on the lines that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    row: u16,
    source: u16,
    line: u32,
}

impl Entry {
    /// Is this the same option, on the line behind `first` and `more` lines after it?
    fn follows(self, first: Entry, more: u32) -> bool {
        let next = first.line.checked_add(more).and_then(|line| line.checked_add(1));
        (self.row, self.source, Some(self.line)) == (first.row, first.source, next) && first.row != AGAIN
    }
}

/// No option has this number.
const AGAIN: u16 = u16::MAX;

/// One occurrence, for those who read a journal.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'a> {
    /// The option.
    pub row: &'static Row,
    /// Where it was written.
    pub source: &'a Source,
    /// In which line, from 1; 0 on the command line.
    pub line: u32,
    /// Its value, if values are kept; some characters of it may be hidden.
    pub(crate) value: Option<&'a str>,
}

impl Journal {
    /// An empty one; reading begins at the command line.
    pub(crate) fn new() -> Journal {
        let position = Position { source: 0, line: 0 };
        Journal { sources: vec![Source::CommandLine], entries: Vec::new(), values: None, position }
    }

    /// One that keeps the text of values as well.
    pub(crate) fn with_values() -> Journal {
        Journal { values: Some(Vec::new()), ..Journal::new() }
    }

    /// From here on lines come from `source`. Returns what to hand to [`Journal::close`] at its end.
    pub(crate) fn open(&mut self, source: Source) -> Position {
        // The highest number is kept for what no longer has one of its own.
        let number = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        match number {
            u16::MAX => {
                if self.sources.len() == usize::from(u16::MAX) {
                    self.sources.push(Source::Elsewhere);
                }
            }
            _ => self.sources.push(source),
        }
        std::mem::replace(&mut self.position, Position { source: number, line: 0 })
    }

    /// Reading goes on where it was before.
    pub(crate) fn close(&mut self, before: Position) {
        self.position = before;
    }

    /// The number of the line that is read next.
    pub(crate) fn set_line(&mut self, line: u32) {
        self.position.line = line;
    }

    /// Enters one option.
    pub(crate) fn enter(&mut self, row: &'static Row, value: Option<&str>) {
        let Position { source, line } = self.position;
        let entry = Entry { row: keys::number(row), source, line };
        match &mut self.entries[..] {
            [.., first, Entry { row: AGAIN, line: more, .. }] if entry.follows(*first, *more) => *more += 1,
            [.., only] if entry.follows(*only, 0) => self.entries.push(Entry { row: AGAIN, source, line: 1 }),
            _ => self.entries.push(entry),
        }
        if let Some(values) = &mut self.values {
            values.push(value.map(str::to_owned));
        }
    }

    /// Every occurrence, in the order taken.
    pub fn occurrences(&self) -> impl Iterator<Item = Occurrence<'_>> {
        let each = self.entries.iter().enumerate().flat_map(|(index, &entry)| {
            let (first, lines) = match index.checked_sub(1).and_then(|before| self.entries.get(before)) {
                Some(&before) if entry.row == AGAIN => (before, 1..entry.line.saturating_add(1)),
                _ => (entry, 0..1),
            };
            lines.map(move |further| Entry { line: first.line.saturating_add(further), ..first })
        });
        each.enumerate().filter_map(|(index, entry)| {
            let value = self.values.as_ref().and_then(|values| values.get(index)?.as_deref());
            let source = self.sources.get(usize::from(entry.source))?;
            Some(Occurrence { row: keys::numbered(entry.row)?, source, line: entry.line, value })
        })
    }

    /// Where the options that a text names (`--bind-dynamic`) were written.
    pub(crate) fn mentioned(&self, text: &str) -> Option<String> {
        let words = text.split([' ', '.']).filter_map(|word| word.strip_prefix("--"));
        let place = |name: &str| {
            let found = self.occurrences().filter(|found| found.row.name == name).last()?;
            Some(format!("{name}: {}", found.place()))
        };
        let places: Vec<_> = words.filter_map(place).collect();
        (!places.is_empty()).then(|| places.join(", "))
    }

    /// Where one of these options was given `value`, or was given at all when it was given once: `written at line 12 of FILE`.
    ///
    /// Values are not kept, so the lines in question are read again. That is for failures only.
    pub fn written(&self, options: &[&str], value: &str) -> Option<String> {
        let found: Vec<_> = self.occurrences().filter(|found| options.contains(&found.row.name)).collect();
        let one = match &found[..] {
            [] => return None,
            [only] => only,
            // What no file holds was written on the command line, if anything was written there.
            several => several
                .iter()
                .rev()
                .find(|found| found.holds(value))
                .or_else(|| several.iter().find(|found| *found.source == Source::CommandLine))?,
        };
        Some(match one.source {
            Source::CommandLine => format!("written as --{} on the command line", one.row.name),
            Source::Script(command) => format!("written in line {} of the output from {command}", one.line),
            Source::Elsewhere => return None,
            source => format!("written{}", source.place(one.line)),
        })
    }
}

impl Occurrence<'_> {
    /// Where it was written, in short: `FILE:LINE`.
    pub fn place(&self) -> String {
        self.source.label(self.line)
    }

    /// Is this the line that holds the value?
    fn holds(&self, value: &str) -> bool {
        let Source::File(path) = self.source else { return false };
        let Some(line) = line_of(path, self.line) else { return false };
        let Ok(Some(entry)) = line::entry(&line) else { return false };
        let text = reveal_text(entry.value.as_deref().unwrap_or_default());
        // A directory is found in the path of a file in it, too, but not the other way round.
        standing_alone(&text, value).any(|start| !text[..start].ends_with('/'))
    }
}

/// A line of a file, by its number.
fn line_of(path: &Path, number: u32) -> Option<Vec<u8>> {
    let bytes = fs::read(path).ok()?;
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    bytes.split(|&byte| byte == b'\n').nth(index).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_two_entries_of_eight_bytes() {
        assert_eq!(size_of::<Entry>(), 8);
        let mut journal = Journal::new();
        journal.open(Source::Stdin);
        let (address, server) = (keys::find("address").unwrap(), keys::find("server").unwrap());
        let written = [(1, address), (2, address), (3, address), (4, server), (5, server), (7, server), (8, address)];
        for (line, row) in written {
            journal.set_line(line);
            journal.enter(row, None);
        }
        assert_eq!(journal.entries.len(), 6);
        let told: Vec<_> = journal.occurrences().map(|found| (found.line, found.row.name)).collect();
        assert_eq!(told, written.map(|(line, row)| (line, row.name)));
    }

    #[test]
    fn sources_are_nested() {
        let row = keys::find("server").unwrap();
        let mut journal = Journal::with_values();
        journal.enter(row, Some("a"));
        let outside = journal.open(Source::Stdin);
        journal.set_line(3);
        let inside = journal.open(Source::File("/x".into()));
        journal.set_line(9);
        journal.enter(row, None);
        journal.close(inside);
        journal.enter(row, Some("b"));
        journal.close(outside);
        journal.enter(keys::find("sandbox").unwrap(), Some("strict"));
        let told: Vec<_> = journal
            .occurrences()
            .map(|found| (found.row.name, found.source.label(found.line), found.value.unwrap_or("-")))
            .collect();
        let place = |text: &str| text.to_owned();
        let expected = [
            ("server", place("command line"), "a"),
            ("server", place("/x:9"), "-"),
            ("server", place("stdin:3"), "b"),
            ("sandbox", place("command line"), "strict"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn more_sources_than_numbers_share_the_last_one() {
        let mut journal = Journal::new();
        for _ in 0..70_000 {
            journal.open(Source::Stdin);
        }
        journal.enter(keys::find("port").unwrap(), None);
        assert_eq!(journal.sources.len(), 65_536);
        assert_eq!(journal.occurrences().next().unwrap().source, &Source::Elsewhere);
    }

    #[test]
    fn a_value_is_found_again_in_its_file() {
        let path = std::env::temp_dir().join(format!("journal-{}", std::process::id()));
        fs::write(&path, "interface=eth0\n# x\ninterface = lo , eth1\ninterface=eth10\nport=54\n").unwrap();
        let mut journal = Journal::new();
        journal.open(Source::File(path.clone()));
        for (line, option) in [(1, "interface"), (3, "interface"), (4, "interface"), (5, "port")] {
            journal.set_line(line);
            journal.enter(keys::find(option).unwrap(), None);
        }
        let shown = path.display();
        assert_eq!(journal.written(&["interface"], "eth1"), Some(format!("written at line 3 of {shown}")));
        assert_eq!(journal.written(&["interface"], "eth2"), None);
        assert_eq!(journal.written(&["port"], "anything"), Some(format!("written at line 5 of {shown}")));
        fs::remove_file(&path).unwrap();
    }
}
