//! Domain names, as options write them.

use std::borrow::Cow;

use ipc::NAME_BYTES_MAX;

use super::blame::At as _;
use super::fault::Fault;
use super::feature::Feature;
use super::text::{every, reveal};

/// Longest label, in bytes (RFC 1035 section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// What to do about a name that is refused for its characters.
const ADVICE: &str = "this program was built without the feature `idn`: write the form that begins with xn--";

/// A domain name, without trailing dot; the empty text is the root. `refusal` is what the option says of a bad one.
///
/// Lower-case names of ASCII are kept as they are, whatever their shape. A name with a capital goes the way of internationalized
/// names, as in dnsmasq: see [`ipc::idn`].
pub(crate) fn domain(text: &str, refusal: Fault) -> Result<String, Fault> {
    listed_domain(text, refusal).map(Cow::into_owned)
}

/// As [`domain`], for long lists: without a copy of those names that need no change.
pub(crate) fn listed_domain(text: &str, refusal: Fault) -> Result<Cow<'_, str>, Fault> {
    if is_plain(text.as_bytes()) { Ok(Cow::Borrowed(text)) } else { unusual(text, refusal).map(Cow::Owned) }
}

/// Is this one of the short lower-case names that need no change, and that lists are full of?
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let plain = |byte: u8| (b'!'..=b'~').contains(&byte) & !byte.is_ascii_uppercase();
    bytes.len() <= LABEL_BYTES_MAX && bytes.last().is_some_and(|last| *last != b'.') && every(bytes, plain)
}

fn unusual(text: &str, refusal: Fault) -> Result<String, Fault> {
    checked(text, refusal).at(text, "a domain name")
}

fn checked(text: &str, refusal: Fault) -> Result<String, Fault> {
    let bytes = reveal(text);
    if bytes.is_empty() {
        return Ok(String::new());
    }
    if !bytes.is_ascii() && !Feature::Idn.built() {
        return Err(Fault::Advised(Box::new(refusal), ADVICE));
    }
    legal(bytes).ok_or(refusal)
}

fn legal(bytes: Vec<u8>) -> Option<String> {
    let (text, dotted) = match bytes.strip_suffix(b".") {
        Some(rest) => (rest, true),
        None => (&*bytes, false),
    };
    // Letters beyond ASCII do not count, as in dnsmasq.
    let visible = text.iter().any(|byte| byte.is_ascii_graphic() && *byte != b'.');
    if text.iter().any(u8::is_ascii_control) || !(visible || dotted) {
        return None;
    }
    let needs_form = |byte: &u8| byte.is_ascii_uppercase() || !byte.is_ascii();
    let name =
        if text.iter().any(needs_form) { ipc::idn::to_ascii(text)? } else { str::from_utf8(text).ok()?.to_owned() };
    let fits = name.len() <= NAME_BYTES_MAX && name.split('.').all(|label| label.len() <= LABEL_BYTES_MAX);
    fits.then_some(name)
}

/// A host name and the domain that was written behind it, if any. `refusal` is what the option says of a bad one.
pub(crate) fn host(text: &str, refusal: fn() -> Fault) -> Result<(String, Option<String>), Fault> {
    let name = domain(text, refusal())?;
    let (host, domain) = match name.split_once('.') {
        Some((host, domain)) => (host, Some(domain).filter(|domain| !domain.is_empty())),
        None => (name.as_str(), None),
    };
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // The root is no host, though the empty text is none at all.
    let root = name.is_empty() && !text.is_empty();
    if !root && host.bytes().all(inner) && !host.starts_with(['-', '_']) {
        Ok((host.to_owned(), domain.map(str::to_owned)))
    } else {
        Err(refusal().at(text, "a host name: letters, digits, - and _"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_what_the_long_way_makes_of_it() {
        let alphabet = b"ab0.-_*A ";
        let mut state = 3_u64;
        let mut plain = 0;
        for _ in 0..50_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = (state >> 58) as u32 % 24;
            let letters = (0..length).map(|position| alphabet[(state >> (position % 28)) as usize % alphabet.len()]);
            let text: String = letters.map(char::from).collect();
            if is_plain(text.as_bytes()) {
                assert_eq!(unusual(&text, Fault::Value), Ok(text.clone()));
                plain += 1;
            }
        }
        assert!(plain > 1_000, "{plain} plain names");
    }

    fn name(text: &str) -> Result<String, Fault> {
        domain(text, Fault::Value)
    }

    #[test]
    fn lower_case_names_may_have_any_shape() {
        for good in ["a..b", "a b", "-a-.example", "ab--c", "_x*/@!", &"a".repeat(63)] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        assert_eq!(name("a.example.").as_deref(), Ok("a.example"));
        assert_eq!(name(".").as_deref(), Ok(""));
        assert_eq!(name("").as_deref(), Ok(""));
        for bad in [&"a".repeat(64), &"a.".repeat(128), " ", "..x\u{7f}"] {
            assert_eq!(name(bad), Err(Fault::Value), "{bad}");
        }
    }

    #[test]
    fn a_capital_makes_the_rules_strict() {
        assert_eq!(name("A.EXAMPLE").as_deref(), Ok("a.example"));
        assert_eq!(name("Xn--Mnchen-3ya.De").as_deref(), Ok("xn--mnchen-3ya.de"));
        for bad in ["-A.example", "A-.example", "ab--C"] {
            assert_eq!(name(bad), Err(Fault::Value), "{bad}");
        }
    }

    #[test]
    fn names_beyond_ascii_are_converted_or_refused_with_advice() {
        if Feature::Idn.built() {
            assert_eq!(name("Ä.example").as_deref(), Ok("xn--4ca.example"));
            assert_eq!(name("☃.example"), Err(Fault::Value));
            return;
        }
        let (fault, _) = name("ä.example").unwrap_err().without_blame();
        assert!(matches!(fault, Fault::Advised(..)));
    }

    #[test]
    fn host_names_are_plain_and_keep_their_domain() {
        let refusal = || Fault::from("bad");
        assert_eq!(host("Fred.Example.com", refusal), Ok(("fred".into(), Some("example.com".into()))));
        assert_eq!(host("fred.", refusal), Ok(("fred".into(), None)));
        for bad in ["-fred", "_fred", "fr ed", "f*", "."] {
            assert_eq!(host(bad, refusal), Err(Fault::from("bad")));
        }
    }
}
