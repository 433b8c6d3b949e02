//! Names that people write with other letters than DNS has (IDNA2008, RFC 5890 to 5893, with the mapping of UTS 46).
//!
//! Configuration and hosts files are read by different processes, and must make the same name of the same text.

/// The form that DNS has of a name with capitals or letters beyond ASCII: lower case, labels beyond ASCII as `xn--`. `None` if there is none.
///
/// Labels of ASCII alone may hold any characters, but no `-` at either end nor `--` in the third and fourth place unless what
/// follows `xn--` can be decoded. Empty labels are left to the caller.
#[cfg(feature = "idn")]
pub fn to_ascii(text: &[u8]) -> Option<String> {
    use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

    let forms = Uts46::new();
    let name = forms.to_ascii(text, AsciiDenyList::EMPTY, Hyphens::Check, DnsLength::Ignore).ok()?;
    let (readable, outcome) = forms.to_unicode(name.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Check);
    outcome.ok()?;
    let legal = |label: &str| label.is_ascii() || label.chars().all(is_permitted);
    readable.split('.').all(legal).then(|| name.into_owned())
}

/// As above, where only ASCII was built in.
#[cfg(not(feature = "idn"))]
pub fn to_ascii(text: &[u8]) -> Option<String> {
    let strict = |label: &str| {
        let doubled = label.as_bytes().get(2..4) == Some(b"--") && !label.starts_with("xn--");
        !label.starts_with('-') && !label.ends_with('-') && !doubled
    };
    let name = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?.to_ascii_lowercase();
    name.split('.').all(strict).then_some(name)
}

/// May it stand in a label beyond ASCII? (RFC 5892 section 2; contexts are the library's to judge, of what it leaves out the reference
/// does not judge either.) An underscore may, as in the reference.
#[cfg(feature = "idn")]
fn is_permitted(letter: char) -> bool {
    use icu_properties::CodePointMapData;
    use icu_properties::props::GeneralCategory as Category;

    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    }
    let exception = matches!(
        letter,
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' | '\u{30fb}'
    );
    let joiner = matches!(letter, '\u{200c}' | '\u{200d}');
    exception
        || joiner
        || matches!(
            CodePointMapData::<Category>::new().get(letter),
            Category::LowercaseLetter
                | Category::OtherLetter
                | Category::ModifierLetter
                | Category::NonspacingMark
                | Category::SpacingMark
                | Category::DecimalNumber
        )
}

#[cfg(all(test, feature = "idn"))]
mod tests {
    use super::*;

    /// What the reference (with libidn2, in a UTF-8 locale) makes of each, or that it refuses it.
    #[test]
    fn letters_are_converted_and_signs_refused() {
        for (text, name) in [
            ("Bücher.example", "xn--bcher-kva.example"),
            ("faß.de", "xn--fa-hia.de"),
            ("A_b.x", "a_b.x"),
            ("A!.x", "a!.x"),
            ("a*.ü", "a*.xn--tda"),
            ("ü_x.y", "xn--_x-wka.y"),
            ("ﬀ.x", "ff.x"),
            ("Ⅷ.x", "viii.x"),
            ("a。ü", "a.xn--tda"),
            ("l·l.x", "xn--ll-0ea.x"),
            ("XN--MNCHEN-3YA.x", "xn--mnchen-3ya.x"),
            ("İ.x", "xn--i-9bb.x"),
            ("ẞ.x", "xn--zca.x"),
            ("ς.x", "xn--3xa.x"),
            ("नमस्ते.x", "xn--h2bhs4b8d8a.x"),
            ("一々.x", "xn--u6j651g.x"),
        ] {
            assert_eq!(to_ascii(text.as_bytes()).as_deref(), Some(name), "{text}");
        }
        for text in [
            "☃.net",
            "-ü.x",
            "ab--ü.x",
            "Ü.-a",
            "1א.x",
            "ü!.x",
            "ö#.x",
            "ü+.x",
            "٠.x",
            "\u{200d}.x",
            "aB.xn--999999999",
        ] {
            assert_eq!(to_ascii(text.as_bytes()), None, "{text}");
        }
        assert_eq!(to_ascii(b"\xff.x"), None);
    }
}
