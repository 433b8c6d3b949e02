//! Text of the configuration, some of whose characters are hidden from parsing.
//!
//! Quotes in a file hide separators, digits and the like: a hidden comma does not separate, a hidden digit makes no number, until
//! the field is revealed to be stored. Configuration is bytes in no particular encoding, so both facts are kept in a Rust
//! string by means of private-use characters: one block for hidden bytes, one for bytes that are not UTF-8. Such characters
//! in the input are kept as their bytes, so nothing is lost and nothing can be forged.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// U+F600 + byte: a byte that stands for itself.
const RAW: u32 = 0xF600;
/// U+F700 + byte: a hidden byte.
const HIDDEN: u32 = 0xF700;

/// Bytes as text, nothing hidden.
pub(crate) fn from_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    push_bytes(&mut text, bytes);
    text
}

/// Appends bytes, nothing hidden.
pub(crate) fn push_bytes(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if (RAW..RAW + 0x200).contains(&u32::from(character)) {
                character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| text.push(coded(RAW, byte)));
            } else {
                text.push(character);
            }
        }
        chunk.invalid().iter().for_each(|&byte| text.push(coded(RAW, byte)));
    }
}

/// Appends a quoted ASCII byte, hidden if it is one of those that quotes hide.
pub(crate) fn push_quoted(text: &mut String, byte: u8) {
    if byte.is_ascii_hexdigit() || matches!(byte, b':' | b',' | b'.' | b' ' | b'\t' | b'\n' | b'\r' | 8 | 27) {
        text.push(coded(HIDDEN, byte));
    } else {
        text.push(char::from(byte));
    }
}

fn coded(block: u32, byte: u8) -> char {
    char::from_u32(block + u32::from(byte)).expect("the private use area holds no surrogates")
}

/// The bytes that the text stands for, hidden ones included.
pub(crate) fn reveal(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character) {
            code @ RAW..0xF800 => bytes.push((code & 0xFF) as u8),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// As [`reveal`], for values that are compared or looked up as text; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn reveal_text(text: &str) -> String {
    String::from_utf8_lossy(&reveal(text)).into_owned()
}

/// As [`reveal_text`], without a copy where nothing is hidden.
pub(crate) fn revealed(text: &str) -> Cow<'_, str> {
    // What is hidden is not ASCII.
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(reveal_text(text)) }
}

/// As [`reveal`], for paths.
pub(crate) fn reveal_path(text: &str) -> PathBuf {
    PathBuf::from(OsString::from_vec(reveal(text)))
}

/// Do all bytes pass? Asks for eight at a time, so that long lists of short texts are read quickly.
#[inline]
pub(crate) fn every(bytes: &[u8], test: impl Fn(u8) -> bool + Copy) -> bool {
    let all = |bytes: &[u8; 8]| bytes.iter().fold(true, |passed, byte| passed & test(*byte));
    match bytes.last_chunk() {
        // The last eight overlap those before them.
        Some(last) => bytes.as_chunks().0.iter().all(all) && all(last),
        None => bytes.iter().all(|byte| test(*byte)),
    }
}

/// Where `part` stands in `text` and is not the middle of a word.
pub(crate) fn standing_alone(text: &str, part: &str) -> impl Iterator<Item = usize> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let starts = text.match_indices(part).map(|(start, _)| start);
    starts.filter(move |&start| {
        let (before, rest) = text.split_at(start);
        !before.ends_with(word) && !rest[part.len()..].starts_with(word)
    })
}

/// Cuts at the first `separator`; blanks beside it vanish.
pub(crate) fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before.trim_end_matches(' '), Some(after.trim_start_matches(' '))),
        None => (text, None),
    }
}

/// All fields of a comma list, at least one; blanks beside commas vanish.
pub(crate) fn fields(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (field, after) = split(rest?, ',');
        rest = after;
        Some(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        let mut all: Vec<u8> = (0..=255).collect();
        all.extend_from_slice("ä\u{F600}\u{F731}\u{10FFFF}".as_bytes());
        assert_eq!(reveal(&from_bytes(&all)), all);
    }

    #[test]
    fn hidden_characters_do_not_separate() {
        let mut text = String::from("a ");
        push_quoted(&mut text, b',');
        text.push_str(" b , c");
        assert_eq!(fields(&text).map(reveal_text).collect::<Vec<_>>(), ["a , b", "c"]);
    }

    #[test]
    fn input_cannot_forge_a_hidden_character() {
        let forged = from_bytes("\u{F72C}".as_bytes());
        assert_ne!(forged, "\u{F72C}");
        assert_eq!(reveal(&forged), "\u{F72C}".as_bytes());
    }
}
