//! An option as a line of a file: what [`super::line`] reads, written again. Quotes stand where they are needed and nowhere else.

use super::line;

/// The line, without its newline, from which this key and value are read.
///
/// Values of the command line can hold what no line can: blanks at their ends, tabs and line breaks that are not hidden. They are written
/// in quotes, which hide them.
pub(crate) fn written(key: &str, value: Option<&str>) -> Vec<u8> {
    let Some(value) = value else { return key.as_bytes().to_vec() };
    let plain = with_quotes(key, value, false);
    match line::entry(&plain) {
        Ok(Some(entry)) if entry.value.as_deref() == Some(value) => plain,
        _ => with_quotes(key, value, true),
    }
}

/// Where a character of a value can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Within quotes only: it is hidden, or means something outside.
    Within,
    /// Outside only: quotes would hide it.
    Outside,
    /// It is the same within and outside.
    Either,
}

/// U+F600 + byte: a byte that stands for itself; U+F700 + byte: a hidden byte. See [`super::text`].
const RAW: std::ops::Range<u32> = 0xF600..0xF700;
const HIDDEN: std::ops::Range<u32> = 0xF700..0xF800;

/// `apart`: bytes that are no text are kept apart, so that two of them never make a character together.
fn with_quotes(key: &str, value: &str, apart: bool) -> Vec<u8> {
    let characters: Vec<char> = value.chars().collect();
    let places = places(&characters);
    let mut bytes = key.as_bytes().to_vec();
    bytes.push(b'=');
    let mut within = false;
    let mut beyond_ascii = false;
    for (&character, &place) in characters.iter().zip(&places) {
        if (place == Where::Within) != within {
            bytes.push(b'"');
            within = !within;
        }
        let code = u32::from(character);
        let byte = (code & 0xFF) as u8;
        if RAW.contains(&code) {
            if apart && beyond_ascii && !within {
                bytes.extend(b"\"\"");
            }
            bytes.push(byte);
        } else if HIDDEN.contains(&code) || (within && character.is_ascii()) {
            push_within(byte, &mut bytes);
        } else {
            bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        beyond_ascii = !character.is_ascii() && !HIDDEN.contains(&code);
    }
    if within {
        bytes.push(b'"');
    }
    bytes
}

fn push_within(byte: u8, bytes: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => bytes.extend([b'\\', byte]),
        b'\t' => bytes.extend(b"\\t"),
        b'\n' => bytes.extend(b"\\n"),
        b'\r' => bytes.extend(b"\\r"),
        8 => bytes.extend(b"\\b"),
        27 => bytes.extend(b"\\e"),
        byte => bytes.push(byte),
    }
}

/// Where every character goes. Those that may go either way join quotes beside them, so that `"hello world"` stays in one piece.
fn places(characters: &[char]) -> Vec<Where> {
    let mut places: Vec<Where> = characters.iter().map(|&character| place(character)).collect();
    for end in [0, characters.len().wrapping_sub(1)] {
        if characters.get(end) == Some(&' ') {
            places[end] = Where::Within;
        }
    }
    let mut start = 0;
    while let Some(offset) = places[start..].iter().position(|&place| place == Where::Either) {
        let first = start + offset;
        let end = places[first..].iter().position(|&place| place != Where::Either).map_or(places.len(), |n| first + n);
        let quoted = |index: Option<usize>| index.and_then(|index| places.get(index)) == Some(&Where::Within);
        let place = if quoted(first.checked_sub(1)) || quoted(Some(end)) { Where::Within } else { Where::Outside };
        places[first..end].fill(place);
        start = end;
    }
    // Behind a blank, `#` would begin a comment; quoted text in between changes nothing.
    let mut after_blank = false;
    for (place, &character) in places.iter_mut().zip(characters) {
        if *place == Where::Outside {
            if after_blank && character == '#' {
                *place = Where::Within;
            } else {
                after_blank = character == ' ';
            }
        }
    }
    places
}

fn place(character: char) -> Where {
    match character {
        '"' | '\t'..='\r' => Where::Within,
        ':' | ',' | '.' | ' ' | '\u{8}' | '\u{1B}' => Where::Outside,
        hexadecimal if hexadecimal.is_ascii_hexdigit() => Where::Outside,
        hidden if HIDDEN.contains(&u32::from(hidden)) => Where::Within,
        raw if RAW.contains(&u32::from(raw)) => Where::Outside,
        _ => Where::Either,
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::from_bytes;
    use super::*;

    fn again(line: &str) -> String {
        let entry = line::entry(line.as_bytes()).unwrap().unwrap();
        String::from_utf8(written(&entry.key, entry.value.as_deref())).unwrap()
    }

    #[test]
    fn quotes_stand_where_they_are_needed() {
        for same in [
            "port=53",
            "domain-needed",
            "domain=",
            "domain=#",
            "txt-record=a,\"hello, world\"",
            "txt-record=a,\"say \\\"no\\\"\"",
            "a=x y#z",
            "a=x \"#\"z",
            "a=\"\\t\\e\"",
            "a=b\\c",
            "a=\"b\\\\c\"",
        ] {
            assert_eq!(again(same), same);
        }
        assert_eq!(again(" server = \"face\"  # why"), "server=\"face\"");
        assert_eq!(again("a=\"xyz\""), "a=xyz");
        assert_eq!(again("a = b = c"), "a=b = c");
    }

    #[test]
    fn what_only_a_command_line_can_hold_is_hidden() {
        assert_eq!(written("a", Some(&from_bytes(b" x "))), b"a=\" x \"");
        assert_eq!(written("a", Some(&from_bytes(b"x\ny"))), b"a=\"x\\ny\"");
    }

    /// Every line that can be read comes back the same, key and value, to the last hidden character.
    #[test]
    fn writing_is_the_inverse_of_reading() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let pieces: [&[u8]; 22] = [
            b"\"",
            b"\"",
            b"\\",
            b"#",
            b" ",
            b"\t",
            b",",
            b".",
            b"a",
            b"9",
            b"x",
            b"\xC3",
            b"\xA4",
            b"\x80",
            b"\xE2",
            "\u{F631}".as_bytes(),
            "\u{F731}".as_bytes(),
            "ä".as_bytes(),
            b"\\t",
            b"\x0B",
            b"\x1B",
            b"=",
        ];
        let mut read = 0;
        for _ in 0..50_000 {
            let mut line = b"key=".to_vec();
            (0..next(12)).for_each(|_| line.extend(pieces[next(pieces.len())]));
            let Ok(Some(entry)) = line::entry(&line) else { continue };
            read += 1;
            let again = written(&entry.key, entry.value.as_deref());
            let shown = String::from_utf8_lossy(&again).into_owned();
            assert_eq!(line::entry(&again), Ok(Some(entry)), "{} -> {shown}", String::from_utf8_lossy(&line));
        }
        assert!(read > 10_000, "only {read} lines could be read");
    }
}
