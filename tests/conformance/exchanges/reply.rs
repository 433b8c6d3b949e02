//! What counts as the same answer.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use support::wire::Datagram;

use crate::configuration::Configuration;
use crate::message::{Message, OPTIONS_AT, kind_name, told};

/// What may have passed between two answers on a busy machine, in seconds.
const SECONDS: u32 = 2;

/// An answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Option 53, 0 for none.
    pub kind: u8,
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// Option 54.
    pub server: Option<Ipv4Addr>,
    options: Vec<(u8, Vec<u8>)>,
}

impl Reply {
    /// Reads an answer; `None` when it is none.
    pub fn of(payload: &[u8]) -> Option<Reply> {
        let address = |bytes: &[u8]| Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(..4)?).ok()?));
        let mut options = Vec::new();
        let mut rest = payload.get(OPTIONS_AT..)?;
        while let [code, after @ ..] = rest {
            match code {
                0 => rest = after,
                255 => break,
                _ => {
                    let (length, after) = after.split_first()?;
                    let (value, after) = after.split_at_checked(usize::from(*length))?;
                    options.push((*code, value.to_vec()));
                    rest = after;
                }
            }
        }
        let of = |code: u8| options.iter().find(|(found, _)| *found == code).map(|(_, value)| value.clone());
        Some(Reply {
            kind: of(53).and_then(|value| value.first().copied()).unwrap_or(0),
            address: address(payload.get(16..)?)?,
            server: of(54).and_then(|value| address(&value)),
            options,
        })
    }
}

/// How two lists of answers to the last of these messages differ; `None` when they do not, or as `docs/differences.md` says.
pub fn difference(
    history: &[Message],
    configuration: &Configuration,
    ours: &[Datagram],
    theirs: &[Datagram],
) -> Option<String> {
    if history.iter().any(|message| !message.damage.is_empty() && message.repeats_option()) {
        return None;
    }
    let proxied = configuration.lines.iter().any(|line| line.starts_with("dhcp-proxy"));
    let alike = |(mine, yours)| same(history, proxied, mine, yours);
    let same = ours.len() == theirs.len() && ours.iter().zip(theirs).all(alike);
    (!same).then(|| format!("  ours:{}\n  dnsmasq:{}", tell(ours), tell(theirs)))
}

fn same(history: &[Message], proxied: bool, ours: &Datagram, theirs: &Datagram) -> bool {
    let Some((message, before)) = history.split_last() else { return false };
    let route = |datagram: &Datagram| (datagram.to_mac, datagram.to);
    // The kernel does not take neighbors of other hardware types on an Ethernet; the reference asks by ARP then for an address that nobody
    // has yet.
    let unreachable = message.hardware.0 != 1 && ours.to.0.is_broadcast();
    if route(ours) != route(theirs) && !unreachable
        || ours.from != theirs.from
        || ours.payload.len() != theirs.payload.len()
    {
        return false;
    }
    let (mut ours, mut theirs) = (ours.payload.clone(), theirs.payload.clone());
    // The reference answers everybody with the server id that a relay agent wanted once.
    let elsewhere = |earlier: &Message| earlier.giaddr != message.giaddr || earlier.overrides_server();
    let relayed = before.iter().any(|earlier| !earlier.giaddr.is_unspecified() && elsewhere(earlier));
    let overridden = before.iter().any(Message::overrides_server) || relayed && proxied;
    let number = |payload: &[u8], at: usize| Some(u32::from_be_bytes(payload.get(at..at + 4)?.try_into().ok()?));
    let places = numbers(&theirs);
    // Seven times such a lease time is too much for the reference.
    let long = |&(at, code): &(usize, u8)| code == 51 && number(&ours, at).is_some_and(|time| time > u32::MAX / 7);
    let overflows = places.iter().any(long);
    for (at, code) in places {
        let (Some(mine), Some(yours)) = (number(&ours, at), number(&theirs, at)) else { continue };
        // Times that are left run; renewals are spread at random.
        let free = matches!(code, 58 | 59) && (overflows || !message.ciaddr.is_unspecified());
        if free || code == 54 && overridden || code != 54 && mine.abs_diff(yours) <= SECONDS {
            ours[at..at + 4].fill(0);
            theirs[at..at + 4].fill(0);
        }
    }
    ours == theirs
}

/// Where the times of an answer are (options 51, 58, 59 and 91), and the server id.
fn numbers(payload: &[u8]) -> Vec<(usize, u8)> {
    let mut found = Vec::new();
    let mut at = OPTIONS_AT;
    while let Some(&code) = payload.get(at) {
        match code {
            0 => at += 1,
            255 => break,
            _ => {
                let Some(&length) = payload.get(at + 1) else { break };
                if length == 4 && matches!(code, 51 | 54 | 58 | 59 | 91) {
                    found.push((at + 2, code));
                }
                at += 2 + usize::from(length);
            }
        }
    }
    found
}

fn tell(datagrams: &[Datagram]) -> String {
    let mut text = String::new();
    for datagram in datagrams {
        let Datagram { to_mac, from, to, payload, .. } = datagram;
        let _ = write!(text, "\n    {from:?} to {to:?} {to_mac:02x?}, {} bytes", payload.len());
        let Some(reply) = Reply::of(payload) else {
            let _ = write!(text, " {payload:02x?}");
            continue;
        };
        let _ = write!(text, ": {} {}", kind_name(reply.kind), reply.address);
        let header = [("flags", 8..12), ("ciaddr", 12..16), ("siaddr", 20..24), ("sname", 44..108), ("file", 108..236)];
        for (name, range) in header {
            let bytes = &payload[range];
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                let _ = write!(text, " {name} {}", told(&bytes[..=last]));
            }
        }
        for (code, value) in &reply.options {
            let _ = write!(text, " {code}={}", told(value));
        }
    }
    if text.is_empty() { " (nothing)".to_owned() } else { text }
}
