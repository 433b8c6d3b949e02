//! Messages as bytes, and back. The only file that names bincode.
//!
//! Measured traps of the format, and what stands against each: a length prefix can ask for more memory than there is (byte
//! limit); trailing bytes are accepted silently (the consumed length is compared); a sequence of zero-sized elements, a map or a
//! recursive type can cost unbounded work (message types contain none).

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{MESSAGE_BYTES_MAX, SLICE_BYTES_MAX};

/// Why bytes are no message. It never repeats their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes do not decode as the expected type, or are longer than the limit.
    Malformed,
    /// The message ended before the bytes did.
    TrailingBytes,
    /// The value does not fit the limit.
    TooLong,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FrameError::Malformed => "malformed message",
            FrameError::TrailingBytes => "trailing bytes after a message",
            FrameError::TooLong => "message too long",
        })
    }
}

impl std::error::Error for FrameError {}

/// Appends `message` to `buffer`. Fails, leaving `buffer` as it was, when it is longer than [`MESSAGE_BYTES_MAX`].
pub fn encode<M: Serialize>(message: &M, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
    encode_within::<MESSAGE_BYTES_MAX, M>(message, buffer)
}

/// Reads one message that fills `bytes` exactly.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, FrameError> {
    decode_within::<MESSAGE_BYTES_MAX, M>(bytes)
}

/// Reads the first of the messages that fill `bytes`, one behind the other: it, and how many bytes it has, at least one.
pub fn decode_first<M: DeserializeOwned>(bytes: &[u8]) -> Result<(M, usize), FrameError> {
    match decode_prefix::<MESSAGE_BYTES_MAX, M>(bytes) {
        Ok((_, 0)) => Err(FrameError::Malformed),
        read => read,
    }
}

/// As [`encode`], for a configuration slice.
pub fn encode_slice<M: Serialize>(slice: &M, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
    encode_within::<SLICE_BYTES_MAX, M>(slice, buffer)
}

/// As [`decode`], for a configuration slice.
pub fn decode_slice<M: DeserializeOwned>(bytes: &[u8]) -> Result<M, FrameError> {
    decode_within::<SLICE_BYTES_MAX, M>(bytes)
}

fn encode_within<const LIMIT: usize, M: Serialize>(message: &M, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
    let before = buffer.len();
    let config = bincode::config::standard().with_limit::<LIMIT>();
    let written = bincode::serde::encode_into_std_write(message, buffer, config);
    if written.is_err() || buffer.len() - before > LIMIT {
        buffer.truncate(before);
        return Err(FrameError::TooLong);
    }
    Ok(())
}

fn decode_within<const LIMIT: usize, M: DeserializeOwned>(bytes: &[u8]) -> Result<M, FrameError> {
    match decode_prefix::<LIMIT, M>(bytes)? {
        (message, length) if length == bytes.len() => Ok(message),
        _ => Err(FrameError::TrailingBytes),
    }
}

fn decode_prefix<const LIMIT: usize, M: DeserializeOwned>(bytes: &[u8]) -> Result<(M, usize), FrameError> {
    if bytes.len() > LIMIT {
        return Err(FrameError::Malformed);
    }
    let config = bincode::config::standard().with_limit::<LIMIT>();
    bincode::serde::decode_from_slice(bytes, config).map_err(|_| FrameError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::ToParent;
    use crate::dns;

    type Message = ToParent<dns::ToParent>;

    #[test]
    fn a_message_survives_the_wire() {
        let message = Message::Role(dns::ToParent::WantUdp { upstream: 3, count: 8, mark: 0 });
        let mut bytes = Vec::new();
        encode(&message, &mut bytes).unwrap();
        assert_eq!(decode::<Message>(&bytes), Ok(message));
    }

    #[test]
    fn messages_may_stand_one_behind_the_other() {
        let all = [Message::Drained, Message::Role(dns::ToParent::Serving), Message::Drained];
        let mut bytes = Vec::new();
        all.iter().for_each(|message| encode(message, &mut bytes).unwrap());
        let mut rest = &bytes[..];
        for message in all {
            let (read, length) = decode_first::<Message>(rest).unwrap();
            assert_eq!(read, message);
            rest = &rest[length..];
        }
        assert_eq!(rest, []);
        assert_eq!(decode_first::<Message>(rest), Err(FrameError::Malformed));
        assert_eq!(decode_first::<()>(&[0]), Err(FrameError::Malformed));
    }

    #[test]
    fn every_truncation_and_every_trailing_byte_is_refused() {
        let message = Message::Ready { confinement: "a b c".to_owned() };
        let mut bytes = Vec::new();
        encode(&message, &mut bytes).unwrap();
        for end in 0..bytes.len() {
            assert!(decode::<Message>(&bytes[..end]).is_err());
        }
        bytes.push(0);
        assert_eq!(decode::<Message>(&bytes), Err(FrameError::TrailingBytes));
    }

    #[test]
    fn a_hostile_length_is_an_error_and_not_an_allocation() {
        // Ready, then a string that claims 2^64-1 bytes.
        let bytes = [0, 253, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(decode::<Message>(&bytes), Err(FrameError::Malformed));
    }

    #[test]
    fn an_oversized_message_leaves_the_buffer_alone() {
        let message = Message::Ready { confinement: "x".repeat(MESSAGE_BYTES_MAX + 1) };
        let mut bytes = vec![7];
        assert_eq!(encode(&message, &mut bytes), Err(FrameError::TooLong));
        assert_eq!(bytes, [7]);
    }
}
