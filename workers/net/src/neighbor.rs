//! The hardware address of a neighbor (`linux/rtnetlink.h`, `linux/neighbour.h`). Kernels before 5.0 do not answer for one address.

use std::net::IpAddr;

use ipc::link::HardwareAddress;

use crate::netfilter::{family, octets};
use crate::netlink::{Attributes, attribute, begin, end};

/// What is known of a neighbor, asked and answered (RTM_GETNEIGH, RTM_NEWNEIGH).
const GET: u16 = 30;
pub(crate) const ASKED: u16 = 28;
/// Bytes of the fixed part: family, padding, interface, state, flags, type.
const FIXED: usize = 12;
/// Attributes: the protocol's address, the hardware's.
const DESTINATION: u16 = 1;
const LINK_ADDRESS: u16 = 2;
/// States of an entry whose hardware address is not known: incomplete, failed; and of one that needs none.
const UNKNOWN: u16 = 0x01 | 0x20 | 0x40;
/// Ethernet, in the numbering of BOOTP (RFC 1700, "hardware type").
const ETHERNET: u8 = 1;

/// Asks about a neighbor on an interface.
pub(crate) fn ask(out: &mut Vec<u8>, sequence: u32, interface: u32, address: IpAddr) {
    let start = begin(out, GET, 0, sequence);
    out.extend_from_slice(&[family(address), 0, 0, 0]);
    out.extend_from_slice(&interface.to_ne_bytes());
    out.extend_from_slice(&[0; 4]);
    attribute(out, DESTINATION, &octets(address));
    end(out, start);
}

/// The hardware address in the answer to [`ask`].
pub(crate) fn read(payload: &[u8]) -> Option<HardwareAddress> {
    let (fixed, attributes) = payload.split_first_chunk::<FIXED>()?;
    let state = u16::from_ne_bytes([fixed[8], fixed[9]]);
    let bytes = Attributes(attributes).value(LINK_ADDRESS).filter(|bytes| !bytes.is_empty() && state & UNKNOWN == 0)?;
    HardwareAddress::new(ETHERNET, bytes)
}
