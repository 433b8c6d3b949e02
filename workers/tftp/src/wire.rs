//! Packets in and out (RFC 1350 section 5, RFC 2347).

/// Longest text in an error packet, in bytes: every client can take a packet of the default block size.
const ERROR_TEXT_BYTES_MAX: usize = 511;

/// Error codes of RFC 1350 section 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// See the text.
    Undefined = 0,
    /// File not found.
    NotFound = 1,
    /// Access violation.
    Denied = 2,
    /// Illegal operation.
    Illegal = 4,
}

/// How a file travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it is.
    Octet,
    /// Line ends as CR LF.
    Netascii,
}

/// A packet to port 69.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// RRQ. `name` is empty when it is missing; `mode` is `None` when it is missing or unknown.
    Read { name: &'a [u8], mode: Option<Mode>, options: Fields<'a> },
    /// WRQ.
    Write,
}

/// A packet to a transfer's socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// This block has arrived, and all before it.
    Ack(u16),
    /// The client gives up.
    Error { code: u16, text: &'a [u8] },
}

/// Strings that end in NUL. What follows the last NUL is not a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (field, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        Some(field)
    }
}

/// Reads a packet to port 69. `None`: neither RRQ nor WRQ, which is not answered.
pub fn request(bytes: &[u8]) -> Option<Request<'_>> {
    let (opcode, rest) = number(bytes)?;
    match opcode {
        1 => {
            let mut fields = Fields(rest);
            let name = fields.next().unwrap_or_default();
            let mode = fields.next().and_then(|word| {
                if word.eq_ignore_ascii_case(b"octet") {
                    Some(Mode::Octet)
                } else if word.eq_ignore_ascii_case(b"netascii") {
                    Some(Mode::Netascii)
                } else {
                    None
                }
            });
            Some(Request::Read { name, mode, options: fields })
        }
        2 => Some(Request::Write),
        _ => None,
    }
}

/// Reads a packet to a transfer's socket. `None`: nothing that a client says there.
pub fn answer(bytes: &[u8]) -> Option<Answer<'_>> {
    let (opcode, rest) = number(bytes)?;
    let (value, rest) = number(rest)?;
    match opcode {
        4 => Some(Answer::Ack(value)),
        5 => Some(Answer::Error { code: value, text: Fields(rest).next().unwrap_or_default() }),
        _ => None,
    }
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*number), rest))
}

/// Appends an error packet.
pub fn error(code: ErrorCode, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 5, 0, code as u8]);
    out.extend(text.bytes().take(ERROR_TEXT_BYTES_MAX));
    out.push(0);
}

/// Appends the head of a data packet. Block numbers wrap to 0.
pub fn data(block: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 3]);
    out.extend_from_slice(&(block as u16).to_be_bytes());
}

/// Appends the head of an option acknowledgement.
pub fn option_acknowledgement(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 6]);
}

/// Appends one option and its value.
pub fn option(name: &str, value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_without_its_nul_is_no_string() {
        assert!(matches!(request(b"\0\x01a.txt"), Some(Request::Read { name: b"", mode: None, .. })));
        assert!(matches!(request(b"\0\x01a.txt\0octet"), Some(Request::Read { name: b"a.txt", mode: None, .. })));
    }

    #[test]
    fn the_mode_is_read_without_regard_to_case() {
        let packet = b"\0\x01a\0NetASCII\0blksize\08\0";
        let Some(Request::Read { mode, options, .. }) = request(packet) else { panic!("a request") };
        assert_eq!(mode, Some(Mode::Netascii));
        assert_eq!(options.collect::<Vec<_>>(), [&b"blksize"[..], b"8"]);
    }

    #[test]
    fn other_packets_are_nothing() {
        for bytes in [&b""[..], b"\0", b"\0\x03\0\x01", b"\0\x09abc"] {
            assert_eq!(request(bytes), None);
        }
        for bytes in [&b""[..], b"\0\x04", b"\0\x04\0", b"\0\x01\0\x01", b"\0\x05\0"] {
            assert_eq!(answer(bytes), None);
        }
    }

    #[test]
    fn a_long_error_text_is_cut() {
        let mut packet = Vec::new();
        error(ErrorCode::NotFound, &"x".repeat(2000), &mut packet);
        assert_eq!(packet.len(), 4 + ERROR_TEXT_BYTES_MAX + 1);
        assert_eq!(packet.last(), Some(&0));
    }
}
