//! What is wrong with a configuration, for people: below dnsmasq's message the line as written with the place marked, what would have been
//! right there, and what was probably meant.
//!
//! Lines are foreign bytes: what could steer a terminal is shown as a symbol.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::blame::Wanted;
use super::journal::Source;
use super::nearest::nearest;
use super::refusal::{ConfigError, Refusals};
use super::spot::Spot;

/// Most characters of a line that are shown on either side of the place, and most of the place itself.
const SIDE_CHARACTERS_MAX: usize = 100;
/// Most words to choose from that are listed.
const WORDS_MAX: usize = 10;

/// How diagnoses look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without colors.
    Plain,
    /// With the colors of a terminal.
    Colored,
}

impl Style {
    /// For standard error: colored on a terminal, unless the user says otherwise (no-color.org).
    pub fn of_stderr() -> Style {
        let asked_not = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == OsStr::new("dumb"));
        if std::io::stderr().is_terminal() && !asked_not && !dumb { Style::Colored } else { Style::Plain }
    }
}

/// All errors of a reading, each as dnsmasq says it and then as we show it.
pub fn report(program: &str, refusals: &Refusals, style: Style) -> String {
    let mut text = String::new();
    for error in &refusals.errors {
        text += &one(program, error, style);
    }
    if refusals.more > 0 {
        let _ = write!(text, "\n{program}: and {} more\n", refusals.more);
    }
    text
}

/// One error.
pub fn one(program: &str, error: &ConfigError, style: Style) -> String {
    format!("\n{program}: {}\n", visible(error.text.as_bytes())) + &below(program, error, Level::ERROR, style)
}

/// What is accepted and was hardly meant.
pub fn doubt(program: &str, doubt: &ConfigError, style: Style) -> String {
    let mut text = format!("\n{program}: warning: {}\n", visible(doubt.text.as_bytes()));
    text += &below(program, doubt, Level::WARNING, style);
    text
}

/// What stands below the message.
fn below(program: &str, error: &ConfigError, level: Level<'static>, style: Style) -> String {
    let mut text = error.spot.as_ref().map(|spot| drawn(spot, level, style)).unwrap_or_default();
    if let Some(remedy) = &error.remedy {
        let _ = writeln!(text, "{program}: {}", visible(remedy.as_bytes()));
    }
    text
}

/// The line with its mark, and what would have been right.
fn drawn(spot: &Spot, level: Level<'static>, style: Style) -> String {
    let (line, mark) = window(&spot.line, &spot.bytes);
    let blamed = spot.line.get(spot.bytes.clone()).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let blamed = blamed.trim_start_matches('-').trim_end_matches(['=', ' ']);
    // What the drawing would take for the column, counting in what is left of a long line.
    let column = line[..mark.start].chars().count() + 1;
    let mut annotation = AnnotationKind::Primary.span(mark);
    if let Some(label) = label(spot.wanted) {
        annotation = annotation.label(label);
    }
    let snippet = Snippet::source(line).annotation(annotation).fold(false);
    let number = spot.number as usize;
    let mut group = Group::with_level(level);
    group = match &spot.source {
        Source::CommandLine => group.element(snippet.line_numbering(false)),
        source => {
            let path = visible(source_path(source).as_bytes());
            let snippet = snippet.line_start(number);
            if spot.column == column {
                group.element(snippet.path(path))
            } else {
                group.element(Origin::path(path).line(number).char_column(spot.column)).element(snippet)
            }
        }
    };
    if let Some(row) = spot.row {
        let expected = format!("{}{} ({})", row.name, row.form, row.help);
        group = group.element(Level::NOTE.with_name("form").message(expected));
    }
    if let Some(note) = &spot.note {
        group = group.element(Level::NOTE.message(visible(note.as_bytes())));
    }
    if let Some(word) = nearest(blamed, spot.wanted.words()) {
        group = group.element(Level::HELP.message(format!("did you mean `{word}`?")));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    };
    renderer.render(&[group]) + "\n"
}

fn source_path(source: &Source) -> String {
    match source {
        Source::File(path) => path.display().to_string(),
        Source::Script(command) => format!("output from {command}"),
        Source::Stdin => "stdin".to_owned(),
        Source::CommandLine | Source::Text | Source::Elsewhere => String::new(),
    }
}

fn label(wanted: Wanted) -> Option<String> {
    match wanted {
        Wanted::Something(text) => Some(format!("expected {text}")),
        Wanted::Words(words) if words.len() <= WORDS_MAX => Some(match words {
            [word] => format!("expected {word}"),
            words => format!("expected one of {}", words.join(", ")),
        }),
        Wanted::Words(_) => Some("not one of the known words".to_owned()),
        Wanted::Names(_) => Some("no DHCP option has this name".to_owned()),
        Wanted::Keyword => Some("no such option".to_owned()),
        Wanted::Form => None,
    }
}

/// As much of a line as fits, fit to be shown, and where the mark lies in that.
fn window(line: &[u8], bytes: &Range<usize>) -> (String, Range<usize>) {
    let start = bytes.start.min(line.len());
    let end = bytes.end.clamp(start, line.len());
    let (before, rest) = line.split_at(start);
    let (marked, after) = rest.split_at(end - start);
    // A character is at most four bytes: what is cut away here need not even be looked at.
    let reach = 4 * SIDE_CHARACTERS_MAX;
    let tail = visible(&before[before.len().saturating_sub(reach)..]);
    let cut = tail.char_indices().rev().nth(SIDE_CHARACTERS_MAX - 1).map_or(0, |(at, _)| at);
    let whole = before.len() <= reach && cut == 0;
    let mut text = if whole { tail } else { format!("…{}", &tail[cut..]) };
    let from = text.len();
    text += &clipped(marked, reach);
    let to = text.len();
    text += &clipped(after, reach);
    (text, from..to)
}

fn clipped(bytes: &[u8], reach: usize) -> String {
    let text = visible(&bytes[..bytes.len().min(reach)]);
    match text.char_indices().nth(SIDE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if bytes.len() > reach => text + "…",
        None => text,
    }
}

/// Bytes as text that only shows: control characters become their pictures, what is no text and what turns the direction of text
/// becomes U+FFFD.
pub fn visible(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.extend(chunk.valid().chars().map(picture));
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
    }
    text
}

fn picture(character: char) -> char {
    match character {
        '\t' => ' ',
        '\0'..='\x1F' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7F' => '\u{2421}',
        '\u{80}'..='\u{9F}'
        | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}' => char::REPLACEMENT_CHARACTER,
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(line: &[u8], bytes: Range<usize>, wanted: Wanted) -> Spot {
        let source = Source::File("/etc/dnsmasq.conf".into());
        Spot { source, number: 3, line: line.to_owned(), column: bytes.start + 1, bytes, wanted, row: None, note: None }
    }

    #[test]
    fn a_line_is_drawn_with_its_place_marked() {
        let spot = spot(b"prot=53", 0..4, Wanted::Keyword);
        let expected = " --> /etc/dnsmasq.conf:3:1\n  |\n3 | prot=53\n  | ^^^^ no such option\n  |\n  = help: did you mean `port`?\n";
        assert_eq!(drawn(&spot, Level::ERROR, Style::Plain), expected);
        assert!(drawn(&spot, Level::ERROR, Style::Colored).contains("\x1b["));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = b"port=\x1b[2Jx\x07\x9b\xc2\x9b\xe2\x80\xaeq\r";
        let spot = spot(hostile, 5..hostile.len(), "a port".into());
        let drawn = drawn(&spot, Level::ERROR, Style::Plain);
        assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
        assert!(drawn.contains("port=\u{241B}[2Jx\u{2407}\u{FFFD}\u{FFFD}\u{FFFD}q\u{240D}"), "{drawn}");
        let error = ConfigError::new(1, "bad \x1b[1m".to_owned());
        assert!(!one("dnsmasq", &error, Style::Plain).contains('\x1b'));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = [vec![b'a'; 5000], b"XYZ".to_vec(), vec![b'b'; 1_000_000]].concat();
        let (text, mark) = window(&line, &(5000..5003));
        assert_eq!(&text[mark], "XYZ");
        assert_eq!(text.chars().count(), 2 * (SIDE_CHARACTERS_MAX + 1) + 3);
        let (text, mark) = window(b"short", &(9..12));
        assert_eq!((text.as_str(), mark), ("short", 5..5));
    }
}
