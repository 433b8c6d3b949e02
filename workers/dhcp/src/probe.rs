//! Asking an address whether it is taken before it is offered (ICMP echo), and remembering the answer for a while.
//!
//! Only the offer that needs the answer waits; its request is kept here and judged again afterwards. (dnsmasq serves no DHCP
//! client at all while it waits.)

use std::net::Ipv4Addr;

use crate::engine::Arrival;

/// How long an answer is waited for.
const WAIT_MS: u64 = 3_000;
/// How long an answer, or its absence, is believed.
const MEMORY_MS: u64 = 30_000;
/// Most addresses asked within [`MEMORY_MS`]: 60 % of what one after the other would allow. Beyond that addresses are taken
/// unasked, as in dnsmasq, so this is also the most that is ever remembered.
const PROBES_MAX: usize = 6;

/// The addresses asked lately.
#[derive(Debug, Default)]
pub(crate) struct Probes(Vec<Probe>);

#[derive(Debug)]
struct Probe {
    address: Ipv4Addr,
    /// The hash of the client it is meant for.
    hash: u32,
    since_ms: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting(Request),
    Silent,
    Answered,
}

/// A request that waits for an answer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The datagram.
    pub(crate) bytes: Vec<u8>,
    /// How it came.
    pub(crate) arrival: Arrival,
}

/// May an address be offered to a client?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Yes.
    Free,
    /// It must be asked first, or has been asked and not had its time yet.
    Ask,
    /// No: somebody answers there, or it has just been offered to another client.
    Taken,
}

impl Probes {
    /// Judges an address for the client with this hash. With `asking` off nothing is asked that is not remembered.
    pub(crate) fn judge(&mut self, address: Ipv4Addr, hash: u32, asking: bool, now_ms: u64) -> Judgement {
        self.forget(now_ms);
        match self.0.iter().find(|probe| probe.address == address) {
            Some(Probe { state: State::Answered, .. }) => Judgement::Taken,
            Some(probe) if probe.hash != hash => Judgement::Taken,
            Some(Probe { state: State::Waiting(_), .. }) => Judgement::Ask,
            Some(_) => Judgement::Free,
            None if !asking || self.0.len() >= PROBES_MAX => Judgement::Free,
            None => Judgement::Ask,
        }
    }

    /// Has this address been asked for the client with this hash, and has nobody answered?
    pub(crate) fn is_silent(&self, address: Ipv4Addr, hash: u32) -> bool {
        let silent = |probe: &Probe| probe.hash == hash && matches!(probe.state, State::Silent);
        self.0.iter().any(|probe| probe.address == address && silent(probe))
    }

    /// Keeps `request` until the address has had its time. True when an echo request must be sent: the address is not
    /// being asked already, in which case the newer request takes the place of the older.
    pub(crate) fn ask(&mut self, address: Ipv4Addr, hash: u32, request: Request, now_ms: u64) -> bool {
        if let Some(probe) = self.0.iter_mut().find(|probe| probe.address == address) {
            if let State::Waiting(older) = &mut probe.state {
                *older = request;
            }
            return false;
        }
        if self.0.len() >= PROBES_MAX {
            return false;
        }
        self.0.push(Probe { address, hash, since_ms: now_ms, state: State::Waiting(request) });
        true
    }

    /// Somebody answered from this address. Was it one of ours, and who waited for it?
    pub(crate) fn answered(&mut self, address: Ipv4Addr) -> Option<Option<Request>> {
        let probe = self.0.iter_mut().find(|probe| probe.address == address)?;
        match std::mem::replace(&mut probe.state, State::Answered) {
            State::Waiting(request) => Some(Some(request)),
            State::Silent => Some(None),
            State::Answered => None,
        }
    }

    /// The requests whose address had its time and stayed silent.
    pub(crate) fn due(&mut self, now_ms: u64) -> Vec<Request> {
        let mut due = Vec::new();
        for probe in &mut self.0 {
            if matches!(probe.state, State::Waiting(_)) && probe.since_ms + WAIT_MS <= now_ms {
                probe.since_ms = now_ms;
                if let State::Waiting(request) = std::mem::replace(&mut probe.state, State::Silent) {
                    due.push(request);
                }
            }
        }
        due
    }

    /// The client with this hash has gone elsewhere: nothing is held for it any more.
    pub(crate) fn release(&mut self, hash: u32) {
        self.0.retain(|probe| probe.hash != hash || matches!(probe.state, State::Answered));
    }

    /// When the first waiting request is due.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        let waiting = self.0.iter().filter(|probe| matches!(probe.state, State::Waiting(_)));
        waiting.map(|probe| probe.since_ms + WAIT_MS).min()
    }

    fn forget(&mut self, now_ms: u64) {
        self.0.retain(|p| matches!(p.state, State::Waiting(_)) || now_ms.saturating_sub(p.since_ms) <= MEMORY_MS);
    }
}

/// The sender of an echo reply, if `bytes` is a whole IPv4 packet that holds one (RFC 791, RFC 792).
pub(crate) fn echo_sender(bytes: &[u8]) -> Option<Ipv4Addr> {
    let version_and_length = *bytes.first()?;
    let header_bytes = usize::from(version_and_length & 15) * 4;
    let echo_reply = *bytes.get(header_bytes)? == 0;
    let sound = version_and_length >> 4 == 4 && header_bytes >= 20 && *bytes.get(9)? == 1;
    let source: [u8; 4] = bytes.get(12..16)?.try_into().ok()?;
    (sound && echo_reply).then_some(Ipv4Addr::from(source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Port;
    use std::net::SocketAddrV4;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn request() -> Request {
        let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
        Request {
            bytes: vec![1],
            arrival: Arrival { interface: 1, source, destination: Ipv4Addr::BROADCAST, port: Port::Server },
        }
    }

    #[test]
    fn a_silent_address_is_held_for_its_client_for_thirty_seconds() {
        let mut probes = Probes::default();
        assert_eq!(probes.judge(ADDRESS, 7, true, 0), Judgement::Ask);
        assert!(probes.ask(ADDRESS, 7, request(), 0));
        assert!(!probes.ask(ADDRESS, 7, request(), 10));
        assert_eq!(probes.judge(ADDRESS, 8, true, 10), Judgement::Taken);
        assert_eq!(probes.deadline_ms(), Some(3_000));
        assert!(probes.due(2_999).is_empty());
        assert_eq!(probes.due(3_000).len(), 1);
        assert_eq!(probes.deadline_ms(), None);
        assert_eq!(probes.judge(ADDRESS, 7, true, 33_000), Judgement::Free);
        assert_eq!(probes.judge(ADDRESS, 8, true, 33_000), Judgement::Taken);
        assert_eq!(probes.judge(ADDRESS, 8, true, 33_001), Judgement::Ask);
    }

    #[test]
    fn after_six_in_thirty_seconds_nothing_is_asked() {
        let mut probes = Probes::default();
        for last in 1..=6 {
            assert!(probes.ask(Ipv4Addr::new(10, 0, 0, last), 7, request(), 0));
        }
        assert_eq!(probes.judge(Ipv4Addr::new(10, 0, 0, 7), 7, true, 0), Judgement::Free);
        assert!(!probes.ask(Ipv4Addr::new(10, 0, 0, 7), 7, request(), 0));
    }

    #[test]
    fn an_answer_frees_the_request_and_blocks_the_address() {
        let mut probes = Probes::default();
        probes.ask(ADDRESS, 7, request(), 0);
        assert!(matches!(probes.answered(ADDRESS), Some(Some(_))));
        assert!(probes.answered(ADDRESS).is_none());
        assert_eq!(probes.judge(ADDRESS, 7, true, 1), Judgement::Taken);
        assert_eq!(probes.deadline_ms(), None);
    }

    #[test]
    fn only_whole_echo_replies_have_a_sender() {
        let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(echo_sender(&bytes), Some(ADDRESS));
        for length in 0..21 {
            assert_eq!(echo_sender(&bytes[..length]), None);
        }
        bytes[20] = 8;
        assert_eq!(echo_sender(&bytes), None);
        bytes[0] = 0x41;
        assert_eq!(echo_sender(&bytes), None);
    }
}
