//! Questions asked upstream over TCP: one question at a time on a connection, upstreams tried one after another. A connection that
//! has served is kept for the next question for a while (RFC 7766 section 6.2.1).

use std::net::SocketAddr;

use crate::input::Handle;
use crate::wire::Question;

/// A connection must be made within this time.
pub(crate) const CONNECT_MS: u64 = 5000;
/// A reply must come within this time.
pub(crate) const ANSWER_MS: u64 = 10_000;
/// A connection that nobody needs is kept for so long.
pub(crate) const IDLE_MS: u64 = 5000;
/// Most connections kept for one upstream.
pub(crate) const IDLE_MAX: usize = 4;
/// Most bytes of a reply with its length prefix.
const REPLY_BYTES_MAX: usize = 2 + 65_535;

/// One question over TCP.
#[derive(Debug)]
pub(crate) struct Call {
    pub group: u32,
    /// The mark of its sockets.
    pub mark: u32,
    pub query: Box<[u8]>,
    pub question: Question,
    /// The upstreams still to be tried, the next one last.
    pub rest: Vec<u32>,
    pub state: CallState,
}

/// The upstream that is being tried.
#[derive(Debug)]
pub(crate) struct Trial {
    pub upstream: u32,
    pub address: SocketAddr,
    pub id: u16,
    /// When the question was begun with this upstream.
    pub begun_ms: u64,
    /// The connection has served before, so its end says nothing about the upstream.
    pub reused: bool,
}

/// How far a call is.
#[derive(Debug)]
pub(crate) enum CallState {
    /// Nobody is being tried.
    Idle,
    /// A socket was asked for under this ticket.
    Wanted { trial: Trial, socket_ticket: u32 },
    /// The connection is being made.
    Connecting { trial: Trial, socket: Handle, until_ms: u64 },
    /// The question was sent.
    Sent { trial: Trial, socket: Handle, until_ms: u64, received: Vec<u8> },
}

impl CallState {
    pub fn deadline(&self) -> Option<u64> {
        match self {
            CallState::Idle | CallState::Wanted { .. } => None,
            CallState::Connecting { until_ms, .. } | CallState::Sent { until_ms, .. } => Some(*until_ms),
        }
    }

    pub fn socket(&self) -> Option<Handle> {
        match self {
            CallState::Idle | CallState::Wanted { .. } => None,
            CallState::Connecting { socket, .. } | CallState::Sent { socket, .. } => Some(*socket),
        }
    }
}

/// Adds bytes to what was received; a whole message comes out as its range. `Err`: the upstream sends more than it announced.
pub(crate) fn gather(received: &mut Vec<u8>, bytes: &[u8]) -> Result<Option<std::ops::Range<usize>>, ()> {
    let room = REPLY_BYTES_MAX.saturating_sub(received.len());
    received.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    let Some(length) = crate::wire::u16_at(received, 0) else { return Ok(None) };
    let end = 2 + usize::from(length);
    match received.len() {
        have if have < end => Ok(None),
        have if have == end && bytes.len() <= room => Ok(Some(2..end)),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_when_its_announced_length_is_there_and_nothing_more() {
        let mut received = Vec::new();
        assert_eq!(gather(&mut received, &[0]), Ok(None));
        assert_eq!(gather(&mut received, &[2, 7]), Ok(None));
        assert_eq!(gather(&mut received, &[8]), Ok(Some(2..4)));
        assert_eq!(gather(&mut received, &[9]), Err(()));
        let mut received = Vec::new();
        assert_eq!(gather(&mut received, &[0xff; 70_000]), Err(()));
        assert!(received.len() <= 65_537);
    }
}
