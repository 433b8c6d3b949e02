//! The mark of a connection (`linux/netfilter/nfnetlink_conntrack.h`).

use std::net::{IpAddr, SocketAddr};

use crate::netfilter::{FIXED, begin_for, family, kind, octets};
use crate::netlink::{Attributes, attribute, begin_nested, end, end_attribute};

/// What is known of a connection, asked and answered.
const GET: (u8, u8) = (1, 1);
const NEW: (u8, u8) = (1, 0);
/// Attributes of a connection: the packets' addresses and ports in the direction of the first one; the mark.
const TUPLE: u16 = 1;
const MARK: u16 = 8;
/// Attributes of the addresses.
const TUPLE_IP: u16 = 1;
const TUPLE_PROTOCOL: u16 = 2;
const V4_SOURCE: u16 = 1;
const V4_DESTINATION: u16 = 2;
const V6_SOURCE: u16 = 3;
const V6_DESTINATION: u16 = 4;
const PROTOCOL: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
/// Numbers of protocols (IANA).
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Asks about the connection that a client made. Both addresses are of one family.
pub(crate) fn ask(out: &mut Vec<u8>, sequence: u32, client: SocketAddr, server: SocketAddr, tcp: bool) {
    let start = begin_for(out, GET, 0, sequence, family(client.ip()));
    let tuple = begin_nested(out, TUPLE);
    let ip = begin_nested(out, TUPLE_IP);
    let (source, destination) = match client.ip() {
        IpAddr::V4(_) => (V4_SOURCE, V4_DESTINATION),
        IpAddr::V6(_) => (V6_SOURCE, V6_DESTINATION),
    };
    attribute(out, source, &octets(client.ip()));
    attribute(out, destination, &octets(server.ip()));
    end_attribute(out, ip);
    let protocol = begin_nested(out, TUPLE_PROTOCOL);
    attribute(out, PROTOCOL, &[if tcp { TCP } else { UDP }]);
    attribute(out, SOURCE_PORT, &client.port().to_be_bytes());
    attribute(out, DESTINATION_PORT, &server.port().to_be_bytes());
    end_attribute(out, protocol);
    end_attribute(out, tuple);
    end(out, start);
}

/// The type of the answer to [`ask`].
pub(crate) const ASKED: u16 = kind(NEW);

/// The mark in the answer to [`ask`]. A connection without mark has 0.
pub(crate) fn read(payload: &[u8]) -> Option<u32> {
    Some(Attributes(payload.get(FIXED..)?).number(MARK).unwrap_or(0))
}
