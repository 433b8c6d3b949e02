//! A client as RFC 2131 section 4.4 has it, with the troubles of real ones: it restarts, leaves, comes back, changes its mind.

use std::net::Ipv4Addr;

use support::Dice;

use crate::wire::{ACK, DECLINE, DISCOVER, Message, NAK, OFFER, RELEASE, REQUEST, Reply};

/// How long a client waits for an answer before it asks again, in milliseconds.
const RETRY_MS: u64 = 4_000;
/// How often it asks before it begins anew.
const ATTEMPTS: u32 = 4;

/// One client.
#[derive(Clone, Debug)]
pub struct Client {
    pub hardware: [u8; 6],
    name: Option<String>,
    xid: u32,
    state: State,
    /// The address that it had, for a restart.
    remembered: Option<Ipv4Addr>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Not there.
    Off,
    /// Looking for a server, and how often in vain.
    Selecting { attempts: u32 },
    /// Has asked for what it was offered, or for what it had.
    Requesting { address: Ipv4Addr, server: Option<Ipv4Addr>, attempts: u32 },
    /// Has an address until then; the last word of the server was so long ago.
    Bound(Bound),
}

/// An address that a client uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
    pub since_ms: u64,
    pub until_ms: u64,
}

/// What a client does next: what it says, if anything, and when it looks up again.
pub type Deed = (Option<Message>, u64);

impl Client {
    /// One that is off.
    pub fn new(number: u8, dice: &mut Dice) -> Client {
        // Some share a name.
        let name = (dice.below(3) > 0).then(|| format!("machine-{}", dice.below(12)));
        Client {
            hardware: [2, 0, 0, 0, 0, number],
            name,
            xid: u32::from(number) << 16,
            state: State::Off,
            remembered: None,
        }
    }

    /// The address that it uses at this moment.
    pub fn bound(&self, now_ms: u64) -> Option<Bound> {
        match self.state {
            State::Bound(bound) if now_ms < bound.until_ms => Some(bound),
            _ => None,
        }
    }

    /// Its time has come.
    pub fn wake(&mut self, now_ms: u64, dice: &mut Dice) -> Deed {
        match self.state {
            State::Off => self.switch_on(now_ms, dice),
            State::Selecting { attempts } => self.discover(attempts + 1, now_ms),
            State::Requesting { attempts: 0, .. } => self.discover(0, now_ms),
            State::Requesting { address, server, attempts } => self.request(address, server, attempts - 1, now_ms),
            State::Bound(bound) => self.go_on(bound, now_ms, dice),
        }
    }

    /// Hears an answer to what it said last. A deed only if it does something at once.
    pub fn hear(&mut self, reply: &Reply, now_ms: u64, dice: &mut Dice) -> Option<Deed> {
        if reply.hardware != self.hardware || reply.xid != self.xid {
            return None;
        }
        match (reply.kind, self.state) {
            (OFFER, State::Selecting { .. }) => Some(self.request(reply.address, reply.server, ATTEMPTS, now_ms)),
            (ACK, State::Requesting { address, .. }) if reply.address == address => {
                if dice.below(40) == 0 {
                    // Somebody else seems to use it.
                    let mut message = self.message(DECLINE);
                    (message.requested, message.server) = (Some(address), reply.server);
                    (self.state, self.remembered) = (State::Off, None);
                    return Some((Some(message), now_ms + 10_000));
                }
                Some(self.bind(reply, now_ms))
            }
            (ACK, State::Bound(bound)) if reply.address == bound.address => Some(self.bind(reply, now_ms)),
            (NAK, State::Requesting { .. } | State::Bound(_)) => {
                self.remembered = None;
                Some(self.discover(0, now_ms))
            }
            _ => None,
        }
    }

    fn bind(&mut self, reply: &Reply, now_ms: u64) -> Deed {
        let length_ms = u64::from(reply.lease_time_s.expect("a lease time")) * 1000;
        self.remembered = Some(reply.address);
        self.state = State::Bound(Bound {
            address: reply.address,
            server: reply.server.expect("a server id"),
            since_ms: now_ms,
            until_ms: now_ms + length_ms,
        });
        (None, now_ms + length_ms / 2)
    }

    fn switch_on(&mut self, now_ms: u64, dice: &mut Dice) -> Deed {
        match self.remembered {
            Some(address) if dice.below(4) > 0 => self.request(address, None, ATTEMPTS, now_ms),
            _ => self.discover(0, now_ms),
        }
    }

    /// Half of the lease is over, or a renewal has had no answer.
    fn go_on(&mut self, bound: Bound, now_ms: u64, dice: &mut Dice) -> Deed {
        if now_ms >= bound.until_ms {
            return self.discover(0, now_ms);
        }
        match dice.below(14) {
            0 => {
                self.state = State::Off;
                let mut message = self.message(RELEASE);
                (message.ciaddr, message.server, message.unicast) = (Some(bound.address), Some(bound.server), true);
                (Some(message), now_ms + pause_ms(dice))
            }
            // Gone without a word; what it had runs on.
            1 => {
                self.state = State::Off;
                (None, now_ms + pause_ms(dice))
            }
            2 => {
                self.state = State::Off;
                (None, now_ms + 20_000)
            }
            _ => {
                // Renewing, then rebinding (RFC 2131 section 4.4.5); less and less often before the end.
                let mut message = self.message(REQUEST);
                let length_ms = bound.until_ms - bound.since_ms;
                message.ciaddr = Some(bound.address);
                message.unicast = now_ms < bound.since_ms + length_ms / 8 * 7;
                let again_ms = ((bound.until_ms - now_ms) / 2).max(RETRY_MS);
                (Some(message), (now_ms + again_ms).min(bound.until_ms))
            }
        }
    }

    fn discover(&mut self, attempts: u32, now_ms: u64) -> Deed {
        self.state = State::Selecting { attempts };
        let mut message = self.message(DISCOVER);
        message.requested = self.remembered;
        // Where there is nothing to be had, less and less often.
        (Some(message), now_ms + (RETRY_MS << attempts.min(7)))
    }

    fn request(&mut self, address: Ipv4Addr, server: Option<Ipv4Addr>, attempts: u32, now_ms: u64) -> Deed {
        self.state = State::Requesting { address, server, attempts };
        let mut message = self.message(REQUEST);
        (message.requested, message.server) = (Some(address), server);
        (Some(message), now_ms + RETRY_MS)
    }

    fn message(&mut self, kind: u8) -> Message {
        self.xid += 1;
        Message {
            kind,
            xid: self.xid,
            hardware: self.hardware,
            ciaddr: None,
            requested: None,
            server: None,
            name: self.name.clone(),
            unicast: false,
        }
    }
}

/// From a minute to a day.
fn pause_ms(dice: &mut Dice) -> u64 {
    60_000 << dice.below(11)
}
