//! Byte strings in hexadecimal, with holes where a pattern allows them.

use ipc::config::dhcp::HardwarePattern;

/// Longest hardware address, in bytes (RFC 951: `chaddr`). Further bytes are ignored.
const HARDWARE_BYTES_MAX: usize = 16;

/// Groups of hex digits separated by `:`, `-` or blanks; long groups are split in pairs from their left, a group `*` is a
/// hole. `None` when anything else occurs.
pub(crate) fn pattern(text: &str) -> Option<Vec<Option<u8>>> {
    beginning(text, usize::MAX)
}

/// As [`pattern`], at least as far as `most` bytes go: groups behind them are not looked at.
fn beginning(text: &str, most: usize) -> Option<Vec<Option<u8>>> {
    let mut bytes = Vec::new();
    for group in text.split([':', '-', ' ']) {
        if bytes.len() >= most {
            break;
        }
        if group == "*" {
            bytes.push(None);
            continue;
        }
        if !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for pair in group.as_bytes().chunks(2) {
            let pair = std::str::from_utf8(pair).ok()?;
            bytes.push(Some(u8::from_str_radix(pair, 16).ok()?));
        }
    }
    Some(bytes)
}

/// As [`pattern`] where holes mean nothing: they become zeros.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    Some(pattern(text)?.into_iter().map(Option::unwrap_or_default).collect())
}

/// A hardware address with holes; a first group that ends in `-` is the type if `:` follows somewhere, and `11-22-33` is
/// type 11 hexadecimal.
pub(crate) fn hardware(text: &str) -> Option<HardwarePattern> {
    let (kind, rest) = match text.find([':', '-', ' ']) {
        Some(end) if text[end..].starts_with('-') => (kind(&text[..end])?, &text[end + 1..]),
        _ => (None, text),
    };
    let mut bytes = beginning(rest, HARDWARE_BYTES_MAX)?;
    bytes.truncate(HARDWARE_BYTES_MAX);
    Some(HardwarePattern { kind, bytes })
}

/// The type in front of an address; `None` inside for an empty one. Of more than two digits the last two count.
fn kind(text: &str) -> Option<Option<u8>> {
    if text.is_empty() {
        return Some(None);
    }
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    let value = u32::from_str_radix(text.get(text.len().saturating_sub(8)..)?, 16).ok()?;
    Some(Some((value & 0xFF) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_split_in_pairs() {
        assert_eq!(pattern("012345"), Some(vec![Some(1), Some(0x23), Some(0x45)]));
        assert_eq!(pattern("123:*::a"), Some(vec![Some(0x12), Some(3), None, Some(0xA)]));
        assert_eq!(pattern("1*"), None);
        assert_eq!(pattern("6g"), None);
        assert_eq!(pattern(""), Some(vec![]));
    }

    #[test]
    fn a_type_stands_in_front() {
        let address = hardware("06-00:11:*").unwrap();
        assert_eq!((address.kind, address.bytes), (Some(6), vec![Some(0), Some(0x11), None]));
        assert_eq!(hardware("11:22").unwrap().kind, None);
        assert_eq!(hardware("zz-00:20"), None);
        assert_eq!(hardware(&"11:".repeat(20)).unwrap().bytes.len(), 16);
        assert!(hardware(&("11:".repeat(16) + "zz")).is_some() && hardware(&("11:".repeat(15) + "zz")).is_none());
    }
}
