//! The spot of a fault: the line as written, and which bytes of it are to blame. What a diagnosis is drawn from.

use std::ops::Range;

use super::blame::{Blame, Part, Wanted};
use super::journal::Source;
use super::keys::Row;
use super::line_place;
use super::text::reveal;

/// Where exactly a fault is.
#[derive(Clone, Debug)]
pub struct Spot {
    /// Where the line came from.
    pub(crate) source: Source,
    /// Its number, from 1.
    pub(crate) number: u32,
    /// The line without its newline, as bytes in no particular encoding; of a long one the part around the place.
    pub(crate) line: Vec<u8>,
    /// In which column of the whole line the place begins, in characters from 1.
    pub(crate) column: usize,
    /// The bytes to blame.
    pub(crate) bytes: Range<usize>,
    /// What would have been right there.
    pub(crate) wanted: Wanted,
    /// The option, unless there is none of that name.
    pub(crate) row: Option<&'static Row>,
    /// Something to know about it.
    pub(crate) note: Option<String>,
}

/// Most bytes of a line that are kept before the place, of the place, and behind it: more than anybody wants to see.
const SIDE_BYTES_MAX: usize = 4096;

impl Spot {
    /// In a line of a file, a script or standard input.
    pub(crate) fn in_line(source: &Source, number: u32, line: &[u8], blame: Option<Blame>) -> Spot {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let nothing = Blame { part: Part::Value(0..0), wanted: Wanted::Form, row: None, note: None };
        let open_quote = line_place::open_quote(line);
        let blame = match (blame, &open_quote) {
            (Some(blame), _) => blame,
            (None, Some(_)) => Blame { wanted: "a closing quote".into(), ..nothing },
            (None, None) => nothing,
        };
        let bytes = match &blame.part {
            Part::Keyword => line_place::keyword(line),
            Part::Value(range) if !range.is_empty() => line_place::value(line, range.clone()),
            Part::Value(_) | Part::Field(..) => open_quote.unwrap_or_else(|| line_place::content(line)),
        };
        Spot::cut(source.clone(), number, line, bytes, blame)
    }

    /// On the command line. `word` is the one to blame; `value` says where in it the option's value begins, if there is one.
    pub(crate) fn on_command_line(words: &[String], word: usize, value: Option<usize>, blame: Option<Blame>) -> Spot {
        let mut line = Vec::new();
        let mut bytes = 0..0;
        let blame = blame.unwrap_or(Blame { part: Part::Keyword, wanted: Wanted::Form, row: None, note: None });
        for (index, text) in words.iter().enumerate() {
            if index > 0 {
                line.push(b' ');
            }
            let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_=./,:@%+#".contains(c));
            line.extend(if plain { None } else { Some(b'\'') });
            if index == word {
                let part = match (&blame.part, value) {
                    (Part::Value(range), Some(start)) if !range.is_empty() => start + range.start..start + range.end,
                    (Part::Value(_), Some(start)) => start..text.len(),
                    (Part::Keyword, _) => 0..text.find('=').unwrap_or(text.len()),
                    _ => 0..text.len(),
                };
                let shown = |end: usize| line.len() + reveal(text.get(..end).unwrap_or(text)).len();
                bytes = shown(part.start)..shown(part.end);
            }
            line.extend(reveal(text));
            line.extend(if plain { None } else { Some(b'\'') });
        }
        Spot::cut(Source::CommandLine, 1, &line, bytes, blame)
    }

    /// With as much of the line as is wanted.
    fn cut(source: Source, number: u32, line: &[u8], bytes: Range<usize>, blame: Blame) -> Spot {
        let (before, rest) = line.split_at(bytes.start.min(line.len()));
        let column: usize =
            before.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum();
        let length = bytes.end.saturating_sub(before.len()).min(rest.len()).min(SIDE_BYTES_MAX);
        let kept = &before[before.len().saturating_sub(SIDE_BYTES_MAX)..];
        let bytes = kept.len()..kept.len() + length;
        let line = [kept, &rest[..rest.len().min(length + SIDE_BYTES_MAX)]].concat();
        Spot { source, number, line, column: column + 1, bytes, wanted: blame.wanted, row: blame.row, note: blame.note }
    }
}
