//! One line of a file: quotes, comments, blanks, then key and value.

use super::fault::Fault;
use super::text::{push_bytes, push_quoted};

/// A key and, if there was a `=`, a value, which may be empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The keyword, as written.
    pub(crate) key: String,
    /// What stood behind the `=`.
    pub(crate) value: Option<String>,
}

/// Reads one line, without its newline. `None`: the line is empty or a comment.
pub(crate) fn entry(line: &[u8]) -> Result<Option<Entry>, Fault> {
    let text = content(line)?;
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(match text.split_once('=') {
        Some((key, value)) => {
            Entry { key: key.trim_end_matches(' ').to_owned(), value: Some(value.trim_start_matches(' ').to_owned()) }
        }
        None => Entry { key: text.to_owned(), value: None },
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
