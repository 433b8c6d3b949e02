//! Being a relay agent (RFC 1542 section 4, RFC 3046): requests of clients go to servers elsewhere, and their replies come back through
//! us. It goes beside serving: a request may be both relayed and answered.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use ipc::config::dhcp::DhcpSlice;
use ipc::config::relay::{RelayRoute, RelayTarget, SplitRelay, Uplink};
use ipc::link::Interface;
use ipc::log::Line;

use crate::engine::{Arrival, Port};
use crate::lines;
use crate::packet::{HEADER_BYTES, Packet, walk};
use crate::state::State;
use crate::v4::{Answer, NEIGHBOR_BYTES_MAX};

/// The server port of DHCPv4 (RFC 2131 section 4.1).
const SERVER_PORT: u16 = 67;
/// A request that has been relayed more often is going round in circles (RFC 1542 section 4.1.1).
const HOPS_MAX: u8 = 20;
/// Largest relayed packet.
const PACKET_BYTES_MAX: usize = 4096;

/// A request on its way to a server.
pub(crate) struct Forwarded {
    /// The packet.
    pub(crate) bytes: Vec<u8>,
    /// Our address to send from.
    pub(crate) source: Ipv4Addr,
    /// Kernel index of the interface, or 0 for whichever leads there.
    pub(crate) interface: u32,
    /// To whom.
    pub(crate) to: SocketAddrV4,
    /// What to log.
    pub(crate) line: Option<Line>,
}

/// Does anything tell us to relay?
pub(crate) fn relays(slice: &DhcpSlice) -> bool {
    !slice.relays.is_empty() || !slice.split_relays.is_empty()
}

/// The log lines at start.
pub(crate) fn at_start(slice: &DhcpSlice) -> Vec<String> {
    let port = |port: u16| if port == SERVER_PORT { String::new() } else { format!("#{port}") };
    let mut texts = Vec::new();
    for route in &slice.relays {
        let (to, via) = match &route.to {
            RelayTarget::Server { address, interface } => {
                (format!(" to {address}{}", port(route.port)), interface.clone())
            }
            RelayTarget::Link(interface) => (String::new(), Some(interface.clone())),
        };
        let via = via.map(|interface| format!(" via {interface}")).unwrap_or_default();
        texts.push(format!("DHCP relay from {}{to}{via}", route.local));
    }
    for route in &slice.split_relays {
        let (local, server, port) = (route.local, route.server, port(route.port));
        texts.push(match &route.uplink {
            Uplink::Address(_) => format!("DHCP relay from {local} to {server}{port}"),
            Uplink::Interface(name) => format!("DHCP split-relay from {local} to {server}{port} via {name}"),
        });
    }
    texts
}

/// Where a request goes that came in on `interface`.
pub(crate) fn forward(
    slice: &DhcpSlice,
    state: &State,
    interface: &Interface,
    request: &Packet<'_>,
    arrival: Arrival,
) -> Vec<Forwarded> {
    let own: Vec<Ipv4Addr> = interface.addresses4().map(|(address, _)| address).collect();
    if !request.is_request() || request.hops() > HOPS_MAX || request.bytes().len() > PACKET_BYTES_MAX {
        return Vec::new();
    }
    let plain = slice.relays.iter().filter(|route| own.contains(&route.local));
    let plain = plain.filter_map(|route| forward_plain(slice, state, route, request));
    let split = slice.split_relays.iter().filter(|route| own.contains(&route.local));
    let split = split.filter_map(|route| forward_split(slice, state, route, interface, request, arrival));
    plain.chain(split).collect()
}

fn forward_plain(
    slice: &DhcpSlice,
    state: &State,
    route: &RelayRoute<Ipv4Addr>,
    request: &Packet<'_>,
) -> Option<Forwarded> {
    let mut bytes = request.bytes().to_vec();
    bump(&mut bytes);
    match request.giaddr() {
        None => bytes[24..28].copy_from_slice(&route.local.octets()),
        // It has been through here.
        Some(giaddr) if slice.relays.iter().any(|route| route.local == giaddr) => return None,
        Some(_) => {}
    }
    let (interface, to, name) = match &route.to {
        RelayTarget::Server { address, .. } => (0, *address, address.to_string()),
        RelayTarget::Link(link) => {
            let interface = state.interfaces.values().find(|interface| interface.name == *link)?;
            let (address, netmask) = interface.addresses4().next()?;
            (interface.index, address | !netmask, format!("broadcast via {link}"))
        }
    };
    let to = SocketAddrV4::new(to, route.port);
    Some(Forwarded { bytes, source: route.local, interface, to, line: line(slice, route.local, &name) })
}

fn forward_split(
    slice: &DhcpSlice,
    state: &State,
    route: &SplitRelay,
    interface: &Interface,
    request: &Packet<'_>,
    arrival: Arrival,
) -> Option<Forwarded> {
    let source = uplink_address(state, &route.uplink)?;
    let mut bytes = request.bytes().to_vec();
    bump(&mut bytes);
    match request.giaddr() {
        None => {
            bytes[24..28].copy_from_slice(&source.octets());
            let unicast = arrival.destination != Ipv4Addr::BROADCAST;
            append(&mut bytes, 82, &information(route.local, unicast, interface.index));
        }
        Some(giaddr) if giaddr == source => return None,
        Some(_) => {}
    }
    let to = SocketAddrV4::new(route.server, route.port);
    Some(Forwarded { bytes, source, interface: 0, to, line: line(slice, route.local, &route.server.to_string()) })
}

/// Option 82 of a split relay, in this order: the link (RFC 3527), the address that clients shall see as their server (RFC 5107), how
/// the client sent (RFC 5010), and the interface to find the way back by.
fn information(local: Ipv4Addr, unicast: bool, interface: u32) -> Vec<u8> {
    let mut value = Vec::new();
    value.extend_from_slice(&[5, 4]);
    value.extend_from_slice(&local.octets());
    value.extend_from_slice(&[11, 4]);
    value.extend_from_slice(&local.octets());
    value.extend_from_slice(&[10, 1, if unicast { 0x80 } else { 0 }]);
    value.extend_from_slice(&[2, 4]);
    value.extend_from_slice(&interface.to_be_bytes());
    value
}

/// A reply of a server on its way to the client; `None` when it is not for a client of ours.
pub(crate) fn backward(slice: &DhcpSlice, state: &State, reply: &Packet<'_>, arrival: Arrival) -> Option<Answer> {
    let giaddr = reply.giaddr().filter(|_| !reply.is_request())?;
    let arrived_on = state.interfaces.get(&arrival.interface)?;
    let plain = slice.relays.iter().find(|route| {
        let expected = match &route.to {
            RelayTarget::Server { interface, .. } => interface.as_deref(),
            RelayTarget::Link(interface) => Some(interface.as_str()),
        };
        route.local == giaddr && expected.is_none_or(|pattern| is_like(&arrived_on.name, pattern))
    });
    let (interface, bytes) = match plain {
        Some(route) => (with_address(state, route.local)?, reply.bytes().to_vec()),
        None => {
            let route = slice.split_relays.iter().find(|route| {
                let from_there = match &route.uplink {
                    Uplink::Address(_) => true,
                    Uplink::Interface(name) => *name == arrived_on.name,
                };
                from_there && uplink_address(state, &route.uplink) == Some(giaddr)
            })?;
            let (_, index) = walk(reply.option(82)?).find(|(code, _)| *code == 2)?;
            let index = u32::from_be_bytes(*index.first_chunk()?);
            let interface = with_address(state, route.local).filter(|interface| interface.index == index)?;
            (interface, without(reply.bytes(), 82))
        }
    };
    let client = |address| SocketAddrV4::new(address, slice.client_port);
    let hardware = reply.hardware();
    let usable = hardware.kind != 0 && (1..=NEIGHBOR_BYTES_MAX).contains(&hardware.length);
    let (interface, to, neighbor) = match (reply.ciaddr(), reply.yiaddr()) {
        (Some(ciaddr), _) => (0, client(ciaddr), None),
        (None, Some(yiaddr)) if usable && !reply.wants_broadcast() => (interface.index, client(yiaddr), Some(hardware)),
        _ => (interface.index, client(Ipv4Addr::BROADCAST), None),
    };
    Some(Answer { bytes, port: Port::Server, interface, to, neighbor, lines: Vec::new(), delay_s: 0 })
}

fn line(slice: &DhcpSlice, local: Ipv4Addr, to: &str) -> Option<Line> {
    slice.log_dhcp.then(|| lines::info(format!("DHCP relay at {local} -> {to}")))
}

fn bump(bytes: &mut [u8]) {
    bytes[3] = bytes[3].saturating_add(1);
}

fn uplink_address(state: &State, uplink: &Uplink) -> Option<Ipv4Addr> {
    match uplink {
        Uplink::Address(address) => Some(*address),
        Uplink::Interface(name) => {
            let interface = state.interfaces.values().find(|interface| interface.name == *name)?;
            interface.addresses4().next().map(|(address, _)| address)
        }
    }
}

fn with_address(state: &State, own: Ipv4Addr) -> Option<&Interface> {
    state
        .interfaces
        .values()
        .map(Rc::as_ref)
        .find(|interface| interface.addresses4().any(|(address, _)| address == own))
}

fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// Adds an option behind the last one of the options field.
fn append(bytes: &mut Vec<u8>, code: u8, value: &[u8]) {
    let used: usize = options_end(bytes);
    bytes.truncate(used);
    bytes.push(code);
    bytes.push(value.len() as u8);
    bytes.extend_from_slice(value);
    bytes.push(255);
}

/// Where the option that ends the options field stands, or should.
fn options_end(bytes: &[u8]) -> usize {
    let mut at = HEADER_BYTES;
    while let Some(code) = bytes.get(at).filter(|code| **code != 255) {
        let next = if *code == 0 { at + 1 } else { at + 2 + usize::from(bytes.get(at + 1).copied().unwrap_or(0)) };
        if next > bytes.len() {
            break;
        }
        at = next;
    }
    at.min(bytes.len())
}

/// The packet without an option. What is behind it moves up, and nothing gets shorter.
fn without(bytes: &[u8], unwanted: u8) -> Vec<u8> {
    let mut kept = bytes[..HEADER_BYTES].to_vec();
    for (code, value) in walk(&bytes[HEADER_BYTES..]).filter(|(code, _)| *code != unwanted) {
        kept.push(code);
        kept.push(value.len() as u8);
        kept.extend_from_slice(value);
    }
    kept.push(255);
    kept.resize(kept.len().max(bytes.len()), 0);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes.extend_from_slice(options);
        bytes
    }

    #[test]
    fn an_option_goes_behind_the_last_one() {
        for (before, after) in [
            (&[53, 1, 1, 255, 0, 0][..], &[53, 1, 1, 82, 1, 7, 255][..]),
            (&[53, 1, 1], &[53, 1, 1, 82, 1, 7, 255]),
            (&[53, 9, 1], &[82, 1, 7, 255]),
            (&[53], &[82, 1, 7, 255]),
            (&[0, 0], &[0, 0, 82, 1, 7, 255]),
            (&[], &[82, 1, 7, 255]),
        ] {
            let mut bytes = packet(before);
            append(&mut bytes, 82, &[7]);
            assert_eq!(bytes[HEADER_BYTES..], *after, "{before:?}");
        }
    }

    #[test]
    fn an_option_is_taken_out_wherever_it_stands() {
        for (before, after) in [
            (&[82, 1, 7, 53, 1, 1, 255][..], &[53, 1, 1, 255, 0, 0, 0][..]),
            (&[53, 1, 1, 82, 1, 7, 255], &[53, 1, 1, 255, 0, 0, 0]),
            (&[53, 1, 1], &[53, 1, 1, 255]),
            (&[82, 9], &[255, 0]),
        ] {
            assert_eq!(without(&packet(before), 82)[HEADER_BYTES..], *after, "{before:?}");
        }
    }
}
