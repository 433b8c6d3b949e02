//! Numbers and times, with dnsmasq's idea of what is one.

use super::blame::At as _;
use super::fault::Fault;
use super::text::reveal_text;

/// Zero or more digits, through a 64-bit value cut to 32 bits: nothing is 0, 4294967349 is 53, 2147483648 is negative.
pub(crate) fn number(text: &str) -> Option<i32> {
    let text = reveal_text(text);
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| saturating(&text) as i32)
}

/// A [`number`] that must be given and be one, or the option's value is an error.
pub(crate) fn required(value: Option<&str>) -> Result<i32, Fault> {
    value.and_then(number).ok_or(Fault::Value).at(value.unwrap_or_default(), "a number")
}

/// A [`number`] from 0 to 65535 after the cut.
pub(crate) fn number16(text: &str) -> Option<u16> {
    u16::try_from(number(text)?).ok()
}

/// A [`number`] from 0 to 255 after the cut.
pub(crate) fn number8(text: &str) -> Option<u8> {
    u8::try_from(number(text)?).ok()
}

/// Zero or more digits up to 4294967295; nothing is 0.
pub(crate) fn unsigned(text: &str) -> Option<u32> {
    let text = reveal_text(text);
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| u32::try_from(saturating(&text)).ok())?
}

/// The time to live that a [`number`] of a record stands for; -1, and what wraps to it, counts as not given.
pub(crate) fn ttl(number: i32) -> Option<u32> {
    (number != -1).then_some(number as u32)
}

/// As C's `atoi`: blanks, a sign, digits; anything else is 0.
pub(crate) fn loose(text: &str) -> i32 {
    let text = reveal_text(text);
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{B}', '\u{C}']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let value = saturating(&digits[..end]);
    (if negative { value.wrapping_neg() } else { value }) as i32
}

fn saturating(digits: &str) -> i64 {
    digits.bytes().fold(0_i64, |value, byte| value.saturating_mul(10).saturating_add(i64::from(byte - b'0')))
}

/// Seconds from leading digits and a final unit letter; blanks count as nothing. The unit is not checked here.
pub(crate) fn seconds(text: &str) -> u32 {
    let start = text.trim_start_matches(' ');
    let end = start.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(start.len());
    let unit = match text.bytes().last().map(|byte| byte.to_ascii_lowercase()) {
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        Some(b'w') => 604_800,
        _ => 1,
    };
    u32::try_from(saturating(&start[..end]).saturating_mul(unit)).unwrap_or(u32::MAX)
}

/// Is the text digits with an optional unit letter at its end? `blanks` says whether spaces may stand anywhere between.
pub(crate) fn is_time(text: &str, blanks: bool) -> bool {
    let digits = text.strip_suffix(['s', 'm', 'h', 'd', 'w', 'S', 'M', 'H', 'D', 'W']).unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit() || (blanks && byte == b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_at_32_bits() {
        assert_eq!(number(""), Some(0));
        assert_eq!(number("4294967349"), Some(53));
        assert_eq!(number("2147483648"), Some(i32::MIN));
        assert_eq!(number("99999999999999999999"), Some(-1));
        assert_eq!(number("-1"), None);
        assert_eq!(number16("4294967349"), Some(53));
        assert_eq!(number16("65536"), None);
    }

    #[test]
    fn loose_numbers_take_what_there_is() {
        assert_eq!(loose(" -5x"), -5);
        assert_eq!(loose("1-2"), 1);
        assert_eq!(loose("x"), 0);
        assert_eq!(loose("-9999999999999999999999"), 1);
    }

    #[test]
    fn times_have_units() {
        assert_eq!(seconds("12h"), 43_200);
        assert_eq!(seconds("2W"), 1_209_600);
        assert_eq!(seconds("s"), 0);
        assert_eq!(seconds("99999999999h"), u32::MAX);
        assert!(is_time("12h", false) && is_time("s", false) && !is_time("1h30m", false) && !is_time("1 h", false));
        assert!(is_time("1 h", true));
    }
}
