//! A request as it arrived: a bounds-checked view of the BOOTP header (RFC 951) and the options behind it (RFC 2132).
//!
//! Options split over several places are joined (RFC 3396), and the `file` and `sname` fields are read as options when
//! option 52 says so. Nothing here trusts a length byte.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use ipc::lease::CLIENT_ID_BYTES_MAX;
use ipc::link::HardwareAddress;

/// Bytes in front of the options: header and magic cookie.
pub(crate) const HEADER_BYTES: usize = 240;
/// Where `sname` (64 bytes) begins.
pub(crate) const SNAME_AT: usize = 44;
/// Where `file` (128 bytes) begins.
pub(crate) const FILE_AT: usize = 108;
/// Marks the options of RFC 1497 and later.
pub(crate) const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// The broadcast bit of `flags` (RFC 2131 section 2).
pub(crate) const BROADCAST_FLAG: u16 = 0x8000;

/// A request of a client or relay agent.
pub(crate) struct Packet<'a> {
    bytes: &'a [u8],
    hardware: HardwareAddress,
    options: Options<'a>,
    file_holds_options: bool,
}

/// The values of options by code, all parts of one joined.
struct Options<'a> {
    values: Vec<Cow<'a, [u8]>>,
    /// One more than where the value of a code is in `values`; 0: there is none. Neither 0 nor 255 is a code, so that all have room.
    places: [u8; 256],
}

impl<'a> Options<'a> {
    /// No options; room for those of most packets.
    fn new() -> Options<'a> {
        Options { values: Vec::with_capacity(16), places: [0; 256] }
    }

    fn get(&self, code: u8) -> Option<&[u8]> {
        let place = self.places[usize::from(code)].checked_sub(1)?;
        self.values.get(usize::from(place)).map(|value| &**value)
    }

    /// Adds the options of one field, up to its end or the first one that does not fit.
    fn gather(&mut self, field: &'a [u8]) {
        for (code, part) in walk(field) {
            let place = &mut self.places[usize::from(code)];
            if let Some(value) = place.checked_sub(1).and_then(|place| self.values.get_mut(usize::from(place))) {
                value.to_mut().extend_from_slice(part);
            } else {
                self.values.push(Cow::Borrowed(part));
                *place = self.values.len() as u8;
            }
        }
    }
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when it is neither BOOTREQUEST nor BOOTREPLY with options, or claims a hardware address that does not fit.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Packet<'a>> {
        if bytes.get(HEADER_BYTES - 4..HEADER_BYTES)? != MAGIC_COOKIE || !matches!(bytes[0], 1 | 2) {
            return None;
        }
        // An address of no type is none (RFC 2131 section 2); who has only a client id (RFC 4361) gives no bytes either.
        if bytes[1] == 0 && bytes[2] != 0 {
            return None;
        }
        let hardware = HardwareAddress::new(bytes[1], bytes.get(28..44)?.get(..usize::from(bytes[2]))?)?;

        let mut options = Options::new();
        options.gather(bytes.get(HEADER_BYTES..)?);
        // RFC 3396 section 5: the options field first, then `file`, then `sname`.
        let overload = options.get(52).and_then(|value| value.first().copied()).unwrap_or(0);
        if overload & 1 != 0 {
            options.gather(bytes.get(FILE_AT..FILE_AT + 128)?);
        }
        if overload & 2 != 0 {
            options.gather(bytes.get(SNAME_AT..SNAME_AT + 64)?);
        }
        Some(Packet { bytes, hardware, options, file_holds_options: overload & 1 != 0 })
    }

    /// Is it a BOOTREQUEST, not a BOOTREPLY?
    pub(crate) fn is_request(&self) -> bool {
        self.bytes[0] == 1
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// `hops`.
    pub(crate) fn hops(&self) -> u8 {
        self.bytes[3]
    }

    /// Is the broadcast flag set?
    pub(crate) fn wants_broadcast(&self) -> bool {
        u16::from_be_bytes([self.bytes[10], self.bytes[11]]) & BROADCAST_FLAG != 0
    }

    /// `yiaddr`, if not zero.
    pub(crate) fn yiaddr(&self) -> Option<Ipv4Addr> {
        self.header_address(16)
    }

    /// Everything up to and including `chaddr`, which a reply repeats.
    pub(crate) fn head(&self) -> &'a [u8] {
        &self.bytes[..SNAME_AT]
    }

    /// The kind of message, if it is a DHCP message at all.
    pub(crate) fn kind(&self) -> Option<MessageType> {
        // Type 0 is none, so that the message is one of BOOTP.
        self.option(53)?.first().filter(|kind| **kind != 0).map(|kind| MessageType::from(*kind))
    }

    /// `xid`.
    pub(crate) fn xid(&self) -> u32 {
        u32::from_be_bytes([self.bytes[4], self.bytes[5], self.bytes[6], self.bytes[7]])
    }

    /// `ciaddr`, if not zero.
    pub(crate) fn ciaddr(&self) -> Option<Ipv4Addr> {
        self.header_address(12)
    }

    /// `giaddr`, if not zero.
    pub(crate) fn giaddr(&self) -> Option<Ipv4Addr> {
        self.header_address(24)
    }

    /// The text in `file`; empty when it holds options.
    pub(crate) fn file(&self) -> &'a [u8] {
        let text = self.bytes.get(FILE_AT..FILE_AT + 128).filter(|_| !self.file_holds_options).unwrap_or_default();
        text.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// `htype`, `hlen` and `chaddr`.
    pub(crate) fn hardware(&self) -> HardwareAddress {
        self.hardware
    }

    /// The value of an option, all its parts joined.
    pub(crate) fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.get(code)
    }

    /// The first address in an option.
    pub(crate) fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let value: [u8; 4] = self.option(code)?.get(..4)?.try_into().ok()?;
        Some(Ipv4Addr::from(value))
    }

    /// The 32-bit number in an option.
    pub(crate) fn number(&self, code: u8) -> Option<u32> {
        let value: [u8; 4] = self.option(code)?.get(..4)?.try_into().ok()?;
        Some(u32::from_be_bytes(value))
    }

    /// Option 61, if there is one of a usable length.
    pub(crate) fn client_id(&self) -> Option<&[u8]> {
        self.option(61).filter(|id| (1..=CLIENT_ID_BYTES_MAX).contains(&id.len()))
    }

    fn header_address(&self, at: usize) -> Option<Ipv4Addr> {
        let value: [u8; 4] = self.bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(value)).filter(|address| !address.is_unspecified())
    }
}

/// The options of one field in order, up to option 255 or the first one that does not fit. Padding is left out.
pub(crate) fn walk(mut field: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let (&code, rest) = field.split_first()?;
            match code {
                0 => field = rest,
                255 => return None,
                _ => {
                    let (&length, rest) = rest.split_first()?;
                    let (value, rest) = rest.split_at_checked(usize::from(length))?;
                    field = rest;
                    return Some((code, value));
                }
            }
        }
    })
}

/// The parts of an option of several enterprises (RFC 3925): number and data, up to the first that does not fit.
pub(crate) fn walk_enterprises(mut value: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (number, rest) = value.split_first_chunk()?;
        let (&length, rest) = rest.split_first()?;
        let (data, rest) = rest.split_at_checked(usize::from(length))?;
        value = rest;
        Some((u32::from_be_bytes(*number), data))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..3].copy_from_slice(&[1, 1, 6]);
        bytes[236..].copy_from_slice(&MAGIC_COOKIE);
        bytes.extend_from_slice(options);
        bytes
    }

    #[test]
    fn split_and_overloaded_options_are_joined() {
        let mut bytes = packet(&[52, 1, 3, 12, 2, b'a', b'b', 53, 1, 1, 12, 1, b'c', 255, 12, 1, b'x']);
        bytes[FILE_AT..FILE_AT + 4].copy_from_slice(&[12, 1, b'd', 255]);
        bytes[SNAME_AT..SNAME_AT + 5].copy_from_slice(&[0, 12, 1, b'e', 255]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.option(12), Some(b"abcde".as_slice()));
        assert_eq!(packet.kind(), Some(MessageType::Discover));
    }

    #[test]
    fn an_option_that_leaves_the_packet_ends_the_walk() {
        let bytes = packet(&[53, 1, 1, 12, 9, b'a']);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.kind(), Some(MessageType::Discover));
        assert_eq!(packet.option(12), None);
    }

    #[test]
    fn hardware_addresses_longer_than_their_field_are_refused() {
        for length in 0..=255u8 {
            let mut bytes = packet(&[53, 1, 1, 255]);
            bytes[2] = length;
            assert_eq!(Packet::parse(&bytes).is_some(), length <= 16, "{length}");
        }
    }
}
