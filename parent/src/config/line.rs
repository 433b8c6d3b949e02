//! One line of a file: quotes, comments, blanks, then key and value.

use std::borrow::Cow;

use super::fault::Fault;
use super::text::{every, push_bytes, push_quoted};

/// A key and, if there was a `=`, a value, which may be empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The keyword, as written.
    pub(crate) key: Cow<'a, str>,
    /// What stood behind the `=`.
    pub(crate) value: Option<Cow<'a, str>>,
}

/// Reads one line, with or without its newline. `None`: the line is empty or a comment.
pub(crate) fn entry(line: &[u8]) -> Result<Option<Entry<'_>>, Fault> {
    match str::from_utf8(line) {
        Ok(text) => entry_of_text(text, ""),
        Err(_) => unusual(line),
    }
}

/// As [`entry`], for a line that is known to be UTF-8. `key`: one that it probably has.
pub(crate) fn entry_of_text<'a>(line: &'a str, key: &str) -> Result<Option<Entry<'a>>, Fault> {
    match plain(line, key) {
        Some(found) => Ok(found),
        None => unusual(line.as_bytes()),
    }
}

/// Reads a line of which nothing needs a second look: no quote, no byte beyond printable ASCII, no blank but at its ends, and so no
/// comment but from its beginning on. Block lists consist of such lines. `None`: it is another kind of line.
fn plain<'a>(line: &'a str, key: &str) -> Option<Option<Entry<'a>>> {
    let text = match line.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => line,
        _ => line.trim_matches(|character| matches!(character, ' ' | '\t'..='\r')),
    };
    if matches!(text.as_bytes(), [] | [b'#', ..]) {
        return Some(None);
    }
    if !every(text.as_bytes(), |byte| (b'!'..=b'~').contains(&byte) & (byte != b'"')) {
        return None;
    }
    let value = text.strip_prefix(key).and_then(|rest| rest.strip_prefix('='));
    let parts = value.filter(|_| !key.is_empty()).map(|value| (&text[..key.len()], value));
    Some(Some(match parts.or_else(|| text.split_once('=')) {
        Some((key, value)) => Entry { key: Cow::Borrowed(key), value: Some(Cow::Borrowed(value)) },
        None => Entry { key: Cow::Borrowed(text), value: None },
    }))
}

fn unusual<'a>(line: &[u8]) -> Result<Option<Entry<'a>>, Fault> {
    let text = content(line)?;
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(None);
    }
    let owned = |text: &str| Cow::Owned(text.to_owned());
    Ok(Some(match text.split_once('=') {
        Some((key, value)) => {
            Entry { key: owned(key.trim_end_matches(' ')), value: Some(owned(value.trim_start_matches(' '))) }
        }
        None => Entry { key: owned(text), value: None },
    }))
}

/// What is left of a line when quotes and comments have been dealt with.
pub(crate) fn content(line: &[u8]) -> Result<String, Fault> {
    traced(line, &mut |_, _| {})
}

/// As [`content`]. `trace` hears where each stretch begins, in the result and in the line; within one, byte follows byte.
pub(crate) fn traced(line: &[u8], trace: &mut impl FnMut(usize, usize)) -> Result<String, Fault> {
    let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut text = String::with_capacity(line.len());
    let whole = line.len();
    let mut rest = line;
    // Quoted text leaves this as it was, so a `#` right behind a closing quote may or may not begin a comment.
    let mut after_blank = true;
    let mut after_quote = false;
    while let Some((&byte, tail)) = rest.split_first() {
        trace(text.len(), whole - rest.len());
        match byte {
            b'"' if !after_quote => {
                rest = quoted(tail, &mut text, &mut |in_text, left| trace(in_text, whole - left))?;
                after_quote = true;
                continue;
            }
            b'#' if after_blank => break,
            b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C => {
                text.push(' ');
                after_blank = true;
                rest = tail;
            }
            _ => {
                // A whole run at once, so that UTF-8 sequences stay together.
                let special = |byte: &u8| matches!(byte, b'"' | b'#' | b' ' | b'\t'..=b'\r');
                let length = 1 + tail.iter().position(special).unwrap_or(tail.len());
                let (run, after) = rest.split_at(length);
                push_bytes(&mut text, run);
                after_blank = false;
                rest = after;
            }
        }
        after_quote = false;
    }
    Ok(text)
}

/// Reads up to the closing quote and returns what follows it. `trace` hears where stretches begin, and how much of the line is left there.
fn quoted<'a>(mut rest: &'a [u8], text: &mut String, trace: &mut impl FnMut(usize, usize)) -> Result<&'a [u8], Fault> {
    loop {
        trace(text.len(), rest.len());
        let beyond_ascii = rest.iter().position(u8::is_ascii).unwrap_or(rest.len());
        let (run, after) = rest.split_at(beyond_ascii);
        push_bytes(text, run);
        trace(text.len(), after.len());
        rest = match after {
            [] => return Err(Fault::from("missing \"")),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', escaped @ (b'"' | b'\\' | b't' | b'n' | b'b' | b'r' | b'e'), tail @ ..] => {
                push_quoted(text, unescaped(*escaped));
                tail
            }
            [byte, tail @ ..] => {
                push_quoted(text, *byte);
                tail
            }
        };
    }
}

fn unescaped(letter: u8) -> u8 {
    match letter {
        b't' => b'\t',
        b'n' => b'\n',
        b'b' => 8,
        b'r' => b'\r',
        b'e' => 27,
        itself => itself,
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::reveal_text;
    use super::*;

    fn pair(line: &str) -> (String, Option<String>) {
        let entry = entry(line.as_bytes()).unwrap().unwrap();
        (reveal_text(&entry.key), entry.value.as_deref().map(reveal_text))
    }

    #[test]
    fn blanks_and_further_equals_signs() {
        assert_eq!(pair(" port = 53 \r"), ("port".into(), Some("53".into())));
        assert_eq!(pair("port = = 53"), ("port".into(), Some("= 53".into())));
        assert_eq!(pair("port="), ("port".into(), Some(String::new())));
        assert_eq!(pair("domain-needed\t# why"), ("domain-needed".into(), None));
        assert_eq!(pair("= 53"), (String::new(), Some("53".into())));
    }

    #[test]
    fn a_comment_needs_white_space_before_it() {
        assert_eq!(entry(b"\t# all"), Ok(None));
        assert_eq!(entry(b""), Ok(None));
        assert_eq!(entry(b"\0port=x"), Ok(None));
        assert_eq!(pair("a=b#c"), ("a".into(), Some("b#c".into())));
        assert_eq!(pair("a=\"b\"#c"), ("a".into(), Some("b#c".into())));
        assert_eq!(pair("a= \"b\"#c"), ("a".into(), Some("b".into())));
    }

    #[test]
    fn quotes_hide_and_escape() {
        assert_eq!(pair(r#"a="b, c" "d""#), ("a".into(), Some("b, c d".into())));
        assert_eq!(pair(r#"a="\"\\\t\x""#), ("a".into(), Some("\"\\\t\\x".into())));
        assert_eq!(pair("a=\"\u{e4}\u{20ac}9\""), ("a".into(), Some("\u{e4}\u{20ac}9".into())));
        let hidden = entry(b"domain=\"1,2\"").unwrap().unwrap();
        assert!(!hidden.value.unwrap().contains([',', '1']));
    }

    #[test]
    fn an_open_quote_is_refused() {
        for line in ["a=\"b", "a=\"b\"\"c\"", "a=b\"", r#"a="\""#] {
            assert_eq!(entry(line.as_bytes()), Err(Fault::from("missing \"")), "{line}");
        }
    }

    /// Lines between plain and unusual: whatever the short way takes, the long way takes for the same.
    #[test]
    fn both_ways_read_a_line_alike() {
        const PIECES: [&[u8]; 22] = [
            b"address=/",
            b"ads.example",
            b"/",
            b"address=/",
            b"192.0.2.1#53",
            b"#",
            b"=",
            b" ",
            b"\t",
            b"\r\n",
            b"\x0b",
            b"\0",
            b"\"",
            b"\\",
            b",",
            b"no-hosts",
            b"\x7f",
            b"\xc3\xa4",
            b"\xef\x9c\xac",
            b"\xff",
            b"A",
            b"*",
        ];
        let mut state = 5_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut short = 0;
        for _ in 0..200_000 {
            let kinds = if next(2) == 0 { 6 } else { PIECES.len() };
            let line: Vec<u8> = (0..next(9)).flat_map(|_| PIECES[next(kinds)]).copied().collect();
            let key = ["", "no-hosts", "server"][next(3)];
            if let Some(found) = str::from_utf8(&line).ok().and_then(|text| plain(text, key)) {
                assert_eq!(Ok(found), unusual(&line), "{line:?}");
                short += 1;
            }
        }
        assert!((50_000..190_000).contains(&short), "{short} lines went the short way");
    }

    #[test]
    fn no_bytes_can_upset_it() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..20_000 {
            let mut line = Vec::new();
            for _ in 0..(state >> 59) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let all = (state >> 40) as u8;
                line.push(if state >> 63 == 0 { all } else { b"\"\\#= \t,a1\0"[usize::from(all) % 10] });
            }
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let _ = entry(&line);
        }
    }
}
