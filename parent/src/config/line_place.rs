//! From a place in a value back to the place in the line that it was read from. Only faults need this.

use std::ops::Range;

use super::line;
use super::text::reveal;

/// Where the keyword lies.
pub(crate) fn keyword(line: &[u8]) -> Range<usize> {
    let Some(read) = Read::of(line) else { return content(line) };
    let text = read.text.as_str();
    let key = text.split_once('=').map_or(text, |(key, _)| key).trim_matches(' ');
    read.place(key)
}

/// Where these bytes of the value lie.
pub(crate) fn value(line: &[u8], bytes: Range<usize>) -> Range<usize> {
    let Some(read) = Read::of(line) else { return content(line) };
    let value = read.text.trim_matches(' ').split_once('=').map(|(_, value)| value.trim_start_matches(' '));
    match value.and_then(|value| value.get(bytes)) {
        Some(field) => read.place(field),
        None => content(line),
    }
}

/// Where text begins that a quote opens and none closes, up to the end.
pub(crate) fn open_quote(line: &[u8]) -> Option<Range<usize>> {
    let mut rest = line.iter().enumerate();
    // A quote right behind a closing one is a character like others.
    let (mut after_quote, mut after_blank) = (false, true);
    while let Some((start, &byte)) = rest.next() {
        match byte {
            0 => return None,
            b'#' if after_blank => return None,
            b'"' if !after_quote => {
                loop {
                    match rest.next() {
                        None | Some((_, 0)) => return Some(start..content(line).end.max(start + 1)),
                        Some((_, b'"')) => break,
                        Some((at, b'\\')) if line.get(at + 1).is_some_and(|next| b"\"\\tnbre".contains(next)) => {
                            rest.next();
                        }
                        Some(_) => {}
                    }
                }
                after_quote = true;
                continue;
            }
            byte => after_blank = matches!(byte, b' ' | b'\t'..=b'\r'),
        }
        after_quote = false;
    }
    None
}

/// Where anything but blanks lies.
pub(crate) fn content(line: &[u8]) -> Range<usize> {
    let start = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let end = line.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(start, |last| last + 1);
    start..end
}

/// A line that was read once more, with a memory of what came from where.
#[derive(Debug)]
struct Read {
    text: String,
    /// Where stretches begin: in the text, and in the line.
    stretches: Vec<(usize, usize)>,
    line_bytes: usize,
}

impl Read {
    fn of(line: &[u8]) -> Option<Read> {
        let mut stretches = Vec::new();
        let text = line::traced(line, &mut |in_text, in_line| stretches.push((in_text, in_line))).ok()?;
        Some(Read { text, stretches, line_bytes: line.len() })
    }

    /// Where a slice of the text lies in the line.
    fn place(&self, slice: &str) -> Range<usize> {
        let start = slice.as_ptr().addr() - self.text.as_ptr().addr();
        let end = start + slice.len();
        let first = self.origin(start);
        // The end is the end of the last character, not the beginning of what follows: a closing quote may lie between.
        let Some(last) = slice.chars().next_back() else { return first..first };
        let last_start = end - last.len_utf8();
        let last_origin = self.origin(last_start);
        let escaped = self.stretches.iter().any(|&(in_text, _)| in_text == last_start)
            && self.next_origin(last_start).is_some_and(|next| next == last_origin + 2)
            && reveal(&self.text[last_start..end]).len() == 1;
        let length = if escaped { 2 } else { reveal(&self.text[last_start..end]).len() };
        first..(last_origin + length).min(self.line_bytes)
    }

    /// Where the character that begins at this offset of the text lies in the line.
    fn origin(&self, offset: usize) -> usize {
        let index = self.stretches.partition_point(|&(in_text, _)| in_text <= offset);
        let Some(&(in_text, in_line)) = index.checked_sub(1).and_then(|index| self.stretches.get(index)) else {
            return 0;
        };
        (in_line + reveal(&self.text[in_text..offset]).len()).min(self.line_bytes)
    }

    fn next_origin(&self, offset: usize) -> Option<usize> {
        let index = self.stretches.partition_point(|&(in_text, _)| in_text <= offset);
        self.stretches.get(index).map(|&(_, in_line)| in_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, field: &str) -> String {
        let entry = line::entry(line.as_bytes()).unwrap().unwrap();
        let text = entry.value.unwrap();
        let start = super::super::text::reveal_text(&text).find(field).unwrap();
        // Offsets in the revealed text and in the text itself agree where nothing is hidden before the field.
        let hidden: usize = text
            .char_indices()
            .scan(0, |shown, (at, c)| {
                let here = (*shown, at);
                *shown += reveal(c.encode_utf8(&mut [0; 4])).len();
                Some(here)
            })
            .find(|&(shown, _)| shown == start)
            .unwrap()
            .1;
        let length: usize = text[hidden..]
            .chars()
            .scan(0, |shown, c| {
                let more = *shown < field.len();
                *shown += reveal(c.encode_utf8(&mut [0; 4])).len();
                more.then_some(c.len_utf8())
            })
            .sum();
        let range = value(line.as_bytes(), hidden..hidden + length);
        String::from_utf8_lossy(&line.as_bytes()[range]).into_owned()
    }

    #[test]
    fn quotes_and_escapes_shift_places() {
        assert_eq!(marked("server = 192.0.2.1#x53 # c", "x53"), "x53");
        assert_eq!(marked("\tdomain=  \"a b\" c,d", "d"), "d");
        assert_eq!(marked("domain=\"a\\\"b\",c", "c"), "c");
        assert_eq!(marked("domain=\"1,2\",zz", "1,2"), "1,2");
        assert_eq!(marked("domain=\"a\\tb\"x", "\t"), "\\t");
        assert_eq!(marked("a=\u{e4}\u{20ac},b", "b"), "b");
        assert_eq!(marked("a=\"\u{e4}1\",b", "b"), "b");
    }

    /// The walk over quotes agrees with the reader about which lines lack one.
    #[test]
    fn an_open_quote_is_found() {
        assert_eq!(open_quote(b"a=\"b\\\"c\" \"d  "), Some(9..11));
        assert_eq!(open_quote(b"a=\"b\" # \""), None);
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..50_000 {
            let line: Vec<u8> = (0..next(10)).map(|_| b"\"\"\\# \ta\0\xC3t"[next(10)]).collect();
            assert_eq!(open_quote(&line).is_some(), line::content(&line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_keyword_has_a_place() {
        let line = b"  no-such = 3";
        assert_eq!(&line[keyword(line)], b"no-such");
        assert_eq!(keyword(b"\"open"), 0..5);
        assert_eq!(value(b"port", 0..1), 0..4);
    }

    #[test]
    fn bytes_that_are_no_text_have_places() {
        let line = b"a=\xff\xfe,b";
        assert_eq!(value(line, 0..3), 2..3);
        assert_eq!(value(line, 6..8), 4..6);
    }
}
