//! Netlink messages and attributes (`linux/netlink.h`): written, and read again.
//!
//! A message is a header of 16 bytes (length, type, flags, sequence number, port) and a payload; payloads of the families used here begin
//! with a fixed part and go on with attributes: length, type, value, padded to four bytes. Numbers are in the byte order of the
//! machine, apart from those of netfilter's attributes.

/// Bytes of a message's header.
const HEADER: usize = 16;
/// The type of a message that reports an error or, with error 0, success.
const ERROR: u16 = 2;
/// Flag of every request.
const REQUEST: u16 = 0x01;
/// Flag of a request whose success is to be reported.
pub(crate) const ACK: u16 = 0x04;
/// Flag of an attribute that consists of attributes.
const NESTED: u16 = 0x8000;
/// Flag of an attribute in network byte order.
pub(crate) const NET_BYTE_ORDER: u16 = 0x4000;
/// An errno for an answer that is none.
const BAD_MESSAGE: i32 = 74;

/// Begins a message behind those that `out` holds. Returns where, for [`end`].
pub(crate) fn begin(out: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
    out.extend_from_slice(&sequence.to_ne_bytes());
    out.extend_from_slice(&[0; 4]);
    start
}

/// Ends the message that began at `start`.
pub(crate) fn end(out: &mut [u8], start: usize) {
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

/// Appends an attribute, padded. Values are far shorter than 64 KiB.
pub(crate) fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let start = begin_nested(out, kind);
    out.extend_from_slice(value);
    end_attribute(out, start);
    out[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
}

/// Appends an attribute that is a text with a zero byte at its end.
pub(crate) fn text(out: &mut Vec<u8>, kind: u16, value: &str) {
    attribute(out, kind, &[value.as_bytes(), &[0]].concat());
}

/// Begins an attribute that consists of attributes. Returns where, for [`end_attribute`].
pub(crate) fn begin_nested(out: &mut Vec<u8>, kind: u16) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(kind | NESTED).to_ne_bytes());
    start
}

/// Ends the attribute that began at `start`.
pub(crate) fn end_attribute(out: &mut Vec<u8>, start: usize) {
    let length = (out.len() - start) as u16;
    out[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The answer to the request with this sequence number: the payload of the first message of type `kind`, or nothing but success.
///
/// Errors: the errno that the kernel reports, or EBADMSG when it says nothing that makes sense.
pub(crate) fn answer(bytes: &[u8], sequence: u32, kind: u16) -> Result<&[u8], i32> {
    for message in Messages(bytes).filter(|message| message.sequence == sequence) {
        match message.kind {
            ERROR => return success(message.payload).map(|()| &[][..]),
            other if other == kind => return Ok(message.payload),
            _ => {}
        }
    }
    Err(BAD_MESSAGE)
}

/// Every message in what the kernel has sent: its type and its payload.
pub(crate) fn all(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    Messages(bytes).map(|message| (message.kind, message.payload))
}

/// Did all requests succeed whose outcome `bytes` reports, and is there one? For messages that are judged together.
pub(crate) fn verdict(bytes: &[u8]) -> Result<(), i32> {
    let mut result = Err(BAD_MESSAGE);
    for message in Messages(bytes).filter(|message| message.kind == ERROR) {
        success(message.payload)?;
        result = Ok(());
    }
    result
}

fn success(payload: &[u8]) -> Result<(), i32> {
    match payload.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)) {
        Some(0) => Ok(()),
        // The kernel reports the negative of the errno.
        Some(negative) => Err(negative.checked_neg().unwrap_or(BAD_MESSAGE)),
        None => Err(BAD_MESSAGE),
    }
}

/// One message of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message<'a> {
    kind: u16,
    sequence: u32,
    payload: &'a [u8],
}

/// The messages of an answer, up to the first that is cut short.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let (header, _) = self.0.split_first_chunk::<HEADER>()?;
        let word = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let payload = self.0.get(HEADER..word(0) as usize)?;
        self.0 = self.0.get((word(0) as usize).next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind: u16::from_ne_bytes([header[4], header[5]]), sequence: word(8), payload })
    }
}

/// Attributes, up to the first that is cut short: type without its flags, and value.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a>(pub &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of this type.
    pub fn value(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The value of the first attribute of this type, as a number in network byte order.
    pub fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.value(kind)?.try_into().ok()?))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let [a, b, c, d] = *self.0.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([c, d]) & !(NESTED | NET_BYTE_ORDER), value))
    }
}

/// Answers for tests and for the pretend kernel of the engine's.
#[cfg(test)]
pub(crate) mod pretend {
    use super::*;

    /// A message that reports this errno, or success.
    pub fn report(out: &mut Vec<u8>, sequence: u32, errno: i32) {
        let start = begin(out, ERROR, 0, sequence);
        out.extend_from_slice(&(-errno).to_ne_bytes());
        out.extend_from_slice(&[0; HEADER]);
        end(out, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let start = begin(&mut bytes, 7, ACK, 9);
        attribute(&mut bytes, 1, &[1, 2, 3]);
        let nested = begin_nested(&mut bytes, 2);
        text(&mut bytes, 3, "abcd");
        end_attribute(&mut bytes, nested);
        end(&mut bytes, start);
        pretend::report(&mut bytes, 9, 0);
        assert_eq!(bytes.len() % 4, 0);
        let attributes = Attributes(answer(&bytes, 9, 7).unwrap());
        assert_eq!(attributes.value(1), Some(&[1, 2, 3][..]));
        assert_eq!(Attributes(attributes.value(2).unwrap()).value(3), Some(&b"abcd\0"[..]));
        assert_eq!(attributes.clone().count(), 2);
        assert_eq!(answer(&bytes, 9, 8), Ok(&[][..]));
        assert_eq!(answer(&bytes, 8, 7), Err(BAD_MESSAGE));
    }

    #[test]
    fn one_failure_is_the_failure_of_all() {
        let mut bytes = Vec::new();
        assert_eq!(verdict(&bytes), Err(BAD_MESSAGE));
        pretend::report(&mut bytes, 1, 0);
        assert_eq!(verdict(&bytes), Ok(()));
        pretend::report(&mut bytes, 2, 17);
        assert_eq!(verdict(&bytes), Err(17));
    }

    #[test]
    fn lengths_that_lie_end_the_reading() {
        for length in [0u32, 15, 21, u32::MAX] {
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend_from_slice(&[0; 16]);
            assert_eq!(Messages(&bytes).count(), 0, "{length}");
        }
        for length in [0u16, 3, 9, u16::MAX] {
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend_from_slice(&[0; 6]);
            assert_eq!(Attributes(&bytes).count(), 0, "{length}");
        }
    }
}
