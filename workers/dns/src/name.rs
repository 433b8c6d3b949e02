//! A domain name in wire form, held inline: what the tables are keyed by.
//!
//! RFC 1035, sections 3.1 and 4.1.4. Letter case is kept as read; [`Name::lowered`] gives the form that keys use. Host names in text
//! form come from files and the configuration, never from a packet.

use std::fmt;

use crate::wire::HEADER;

/// Most bytes of a name on the wire, the root label included (RFC 1035, section 2.3.4).
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// Most compression pointers in one name: a name has no more labels. Without a limit, a message of 64 KiB could make every one of its
/// names a walk of thousands of steps.
const POINTERS_MAX: usize = 127;

/// A whole name, uncompressed.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    bytes: [u8; NAME_BYTES_MAX],
    length: u8,
}

/// Why bytes are no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NameError {
    /// The message ends inside the name.
    Cut,
    /// A compression pointer does not point backwards, or into the header, there are too many, or the name is too long.
    Pointer,
    /// Label type 0x40 (RFC 6891, section 5: the bit-string labels of RFC 2673).
    BitString,
    /// Label type 0x80.
    Reserved,
}

impl Name {
    /// The root.
    pub const ROOT: Name = Name { bytes: [0; NAME_BYTES_MAX], length: 1 };

    /// Reads the name at `offset` of a message, following compression pointers, which must point backwards, and not into the header.
    ///
    /// Returns the name and the offset after it.
    pub fn read(message: &[u8], offset: usize) -> Result<(Name, usize), NameError> {
        let mut name = Name { bytes: [0; NAME_BYTES_MAX], length: 0 };
        let mut at = offset;
        // Every jump must land before all that was read so far, so the walk ends.
        let mut floor = offset;
        let mut pointers = 0;
        let mut after = None;
        loop {
            let head = *message.get(at).ok_or(NameError::Cut)?;
            match head & 0xc0 {
                0x00 => {
                    let label = message.get(at..at + 1 + usize::from(head)).ok_or(NameError::Cut)?;
                    let start = usize::from(name.length);
                    let room = name.bytes.get_mut(start..start + label.len()).ok_or(NameError::Pointer)?;
                    room.copy_from_slice(label);
                    name.length += label.len() as u8;
                    at += label.len();
                    if head == 0 {
                        return Ok((name, after.unwrap_or(at)));
                    }
                }
                0xc0 => {
                    let low = *message.get(at + 1).ok_or(NameError::Cut)?;
                    let target = usize::from(head & 0x3f) << 8 | usize::from(low);
                    after.get_or_insert(at + 2);
                    pointers += 1;
                    if target >= floor || target < HEADER || pointers > POINTERS_MAX {
                        return Err(NameError::Pointer);
                    }
                    floor = target;
                    at = target;
                }
                0x40 => return Err(NameError::BitString),
                _ => return Err(NameError::Reserved),
            }
        }
    }

    /// Makes a name from text: labels parted by dots, one final dot allowed. `None` when a label is empty or longer than 63 bytes,
    /// or the name is too long. An empty text is the root.
    pub fn from_text(text: &[u8]) -> Option<Name> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        let mut name = Name { bytes: [0; NAME_BYTES_MAX], length: 0 };
        if !text.is_empty() {
            for label in text.split(|byte| *byte == b'.') {
                if label.is_empty() || label.len() > 63 {
                    return None;
                }
                let start = usize::from(name.length);
                let room = name.bytes.get_mut(start..start + 1 + label.len())?;
                room[0] = label.len() as u8;
                room[1..].copy_from_slice(label);
                name.length += 1 + label.len() as u8;
            }
        }
        *name.bytes.get_mut(usize::from(name.length))? = 0;
        name.length += 1;
        Some(name)
    }

    /// Makes a name from uncompressed wire bytes that were checked before.
    pub fn from_wire(wire: &[u8]) -> Option<Name> {
        Name::read(wire, 0).ok().filter(|(_, end)| *end == wire.len()).map(|(name, _)| name)
    }

    /// The wire form.
    pub fn wire(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The same name in lower case.
    pub fn lowered(mut self) -> Name {
        // Length bytes are at most 63 and thus no letters.
        self.bytes[..usize::from(self.length)].make_ascii_lowercase();
        self
    }

    /// Are both the same name, whatever the case?
    pub fn same(&self, other: &Name) -> bool {
        self.wire().eq_ignore_ascii_case(other.wire())
    }

    /// Is this the root?
    pub fn is_root(&self) -> bool {
        self.length == 1
    }

    /// Is this one label, below the root?
    pub fn is_unqualified(&self) -> bool {
        let mut suffixes = suffixes(self.wire());
        !self.is_root() && suffixes.nth(1).is_some_and(|rest| rest.len() == 1)
    }

    /// The name without its first label; the root stays the root.
    pub fn parent(&self) -> Name {
        suffixes(self.wire()).nth(1).and_then(Name::from_wire).unwrap_or(Name::ROOT)
    }
}

/// The wire form of a name and of each of its parents, the longest first, the root last.
pub(crate) fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(wire);
    std::iter::from_fn(move || {
        let this = rest?;
        let head = usize::from(*this.first()?);
        rest = if head == 0 { None } else { this.get(1 + head..) };
        Some(this)
    })
}

/// The labels of a name in wire form, the leftmost first, without the root.
pub(crate) fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    suffixes(wire).filter_map(|suffix| match suffix.first() {
        Some(&head) if head > 0 => suffix.get(1..1 + usize::from(head)),
        _ => None,
    })
}

/// Writes a name as the log shows it: dots between labels and nowhere else, `.` for the root, and no foreign control characters.
pub(crate) struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if labels(self.0).flatten().any(|byte| !matches!(byte, b' '..=b'~') || *byte == b'.') {
            return f.write_str("<name unprintable>");
        }
        if self.0.len() <= 1 {
            return f.write_str(".");
        }
        for (position, label) in labels(self.0).enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            f.write_str(std::str::from_utf8(label).unwrap_or("?"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Shown(self.wire()), f)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.wire() == other.wire()
    }
}

impl Eq for Name {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_wire_agree() {
        let name = Name::from_text(b"www.Example.com.").unwrap();
        assert_eq!(name.wire(), b"\x03www\x07Example\x03com\0");
        assert_eq!(name.lowered(), Name::from_text(b"www.example.com").unwrap());
        assert_eq!(Shown(name.wire()).to_string(), "www.Example.com");
        assert_eq!(name.parent(), Name::from_text(b"Example.com").unwrap());
        assert_eq!(Name::from_text(b""), Some(Name::ROOT));
        assert!(Name::from_text(b"host").unwrap().is_unqualified());
        assert!(!name.is_unqualified() && !Name::ROOT.is_unqualified());
    }

    #[test]
    fn impossible_text_is_refused() {
        let long = [b'a'; 64];
        let longest = [[b'a'; 63].as_slice(), &[b'b'; 63], &[b'c'; 63], &[b'd'; 61]].join(&b'.');
        assert!(Name::from_text(&longest).is_some());
        for bad in [b"a..b".as_slice(), b".a", &long, &[&longest[..], b"e"].concat()] {
            assert_eq!(Name::from_text(bad), None);
        }
    }

    #[test]
    fn pointers_must_go_back() {
        let message = b"header bytes\x01a\0\x01b\xc0\x0c\xc0\x13\xc0\x0f\xc0\x0b";
        assert_eq!(Name::read(message, 15).unwrap(), (Name::from_text(b"b.a").unwrap(), 19));
        assert_eq!(Name::read(message, 19), Err(NameError::Pointer));
        assert_eq!(Name::read(message, 21).unwrap(), (Name::from_text(b"b.a").unwrap(), 23));
        assert_eq!(Name::read(message, 23), Err(NameError::Pointer), "into the header");
        assert_eq!(Name::read(b"\x03ab", 0), Err(NameError::Cut));
        assert_eq!(Name::read(b"\x40", 0), Err(NameError::BitString));
        assert_eq!(Name::read(b"\x80", 0), Err(NameError::Reserved));
    }

    #[test]
    fn a_name_has_no_more_pointers_than_labels() {
        let mut message = [&[0; HEADER][..], b"\x01a\0"].concat();
        // Each points to the one before it, the first to the name.
        let at = |number: usize| HEADER + 1 + 2 * number;
        for number in 1..=POINTERS_MAX + 1 {
            let target = if number == 1 { HEADER } else { at(number - 1) };
            message.extend((0xc000 | target as u16).to_be_bytes());
        }
        assert!(Name::read(&message, at(POINTERS_MAX)).is_ok());
        assert_eq!(Name::read(&message, at(POINTERS_MAX + 1)), Err(NameError::Pointer));
    }

    #[test]
    fn a_name_of_256_bytes_is_refused() {
        let mut message = Vec::new();
        for _ in 0..128 {
            message.extend_from_slice(b"\x01a");
        }
        message.push(0);
        assert_eq!(Name::read(&message, 0), Err(NameError::Pointer));
        assert!(Name::read(&message, 2).is_ok());
    }

    #[test]
    fn names_cannot_forge_log_lines() {
        let name = Name::from_text(b"a\nb.c").unwrap();
        assert_eq!(Shown(name.wire()).to_string(), "<name unprintable>");
        assert_eq!(Shown(b"\x03a.b\0").to_string(), "<name unprintable>");
        assert_eq!(Shown(b"\x03a b\0").to_string(), "a b");
        assert_eq!(Shown(Name::ROOT.wire()).to_string(), ".");
    }
}
