//! Connection marks: `conntrack`, `connmark-allowlist-enable`, `connmark-allowlist`.

use std::num::NonZeroU32;

use ipc::config::mark::{Allowlist, NamePattern};

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::number::{number, unsigned};
use super::text::reveal_text;

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 253;
/// Longest label, in bytes (RFC 1035 section 2.3.4), its stars not counted.
const LABEL_BYTES_MAX: usize = 63;
/// Most stars in one label.
const STARS_MAX: usize = 2;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `connmark-allowlist-enable = [MASK]`.
pub(crate) fn enable(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let mask = match value {
        None => NonZeroU32::MAX,
        Some(text) => nonzero(text)?,
    };
    draft.dns.marks.mask = Some(mask);
    Ok(())
}

/// `connmark-allowlist = MARK ["/" MASK] ["," PATTERN {"/" PATTERN}]`. Blanks are not tolerated anywhere. A line without patterns
/// does nothing, so a mark that no rule could have is accepted there.
pub(crate) fn allowlist(draft: &mut Draft, value: Value<'_>) -> Outcome {
    // Quotes hide nothing here, not even a comma.
    let value = reveal_text(value.ok_or(Fault::Value)?);
    let value = value.as_str();
    let (numbers, patterns) = match value.split_once(',') {
        Some((numbers, patterns)) => (numbers, Some(patterns)),
        None => (value, None),
    };
    let (mark, mask) = match numbers.split_once('/') {
        Some((mark, mask)) => (mark, Some(mask)),
        None => (numbers, None),
    };
    let Some(patterns) = patterns else {
        let digits = |text: &str| !text.is_empty() && number(text).is_some();
        if !digits(mark) || !mask.is_none_or(digits) {
            return Err(Fault::Value);
        }
        draft.process.warnings.push(format!("connmark-allowlist={value} without names has no effect"));
        return Ok(());
    };
    let mark = nonzero(mark)?;
    let mask = mask.map_or(Ok(NonZeroU32::MAX), nonzero)?;
    let known = draft.dns.marks.allowlists.iter().any(|list| list.mark == mark && list.mask == mask);
    if mark.get() & !mask.get() != 0 || known {
        return Err(Fault::Value.at(numbers, "a mark within its mask that has no list yet"));
    }
    let wanted = |text| pattern(text).ok_or(Fault::Value).at(text, "* or a name of at least two labels");
    let patterns = patterns.split('/').map(wanted).collect::<Result<_, _>>()?;
    draft.dns.marks.allowlists.push(Allowlist { mark, mask, patterns });
    Ok(())
}

fn nonzero(text: &str) -> Result<NonZeroU32, Fault> {
    unsigned(text).and_then(NonZeroU32::new).ok_or(Fault::Value).at(text, "a number from 1 on")
}

/// A pattern: the last two labels are plain, and the last one is neither a number nor `local`, which is not asked of us
/// (RFC 6762 section 3).
fn pattern(text: &str) -> Option<NamePattern> {
    if text == "*" {
        return Some(NamePattern::All);
    }
    let text = text.to_ascii_lowercase();
    let labels: Vec<&str> = text.split('.').collect();
    let (plain_from, last) = (labels.len().checked_sub(2)?, *labels.last()?);
    let stars = |label: &str| label.bytes().filter(|&byte| byte == b'*').count();
    let plain = labels.iter().skip(plain_from).all(|label| stars(label) == 0);
    let well_formed = labels.iter().all(|label| {
        let stars = stars(label);
        label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*'))
            && !label.is_empty()
            && label.len() - stars <= LABEL_BYTES_MAX
            && stars <= STARS_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    let public = last != "local" && !last.bytes().all(|byte| byte.is_ascii_digit());
    (plain && well_formed && public && text.len() <= PATTERN_BYTES_MAX).then_some(NamePattern::Labels(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for good in ["*", "*.example.com", "a*b*.example.com", "a.local.com", "**.example.com", "EXAMPLE.com"] {
            assert!(pattern(good).is_some(), "{good}");
        }
        for bad in
            ["", "**", "example", "example.com.", "a..example.com", "www.*.com", "a.local", "a.1", "-a.b.c", "a b.c"]
        {
            assert_eq!(pattern(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_mark_and_mask_may_have_one_list() {
        let mut draft = Draft::new();
        allowlist(&mut draft, Some("1/15,*/a.example")).unwrap();
        allowlist(&mut draft, Some("1,*")).unwrap();
        assert_eq!(draft.dns.marks.allowlists[0].patterns.len(), 2);
        for bad in ["1,*", "16/15,*", "0,*", "1 ,*", "2,"] {
            assert_eq!(allowlist(&mut draft, Some(bad)), Err(Fault::Value), "{bad}");
        }
        assert_eq!(allowlist(&mut draft, Some("0")), Ok(()));
        assert_eq!(draft.dns.marks.allowlists.len(), 2);
    }
}
