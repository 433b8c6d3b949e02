//! The hardware address of a neighbor (`linux/rtnetlink.h`, `linux/neighbour.h`). Kernels before 5.0 do not answer for one address.

use std::net::IpAddr;

use ipc::link::HardwareAddress;
use ipc::net::ToParent;

use crate::netfilter::{family, octets};
use crate::netlink::{Attributes, attribute, begin, end};

/// What is known of a neighbor, asked and answered (RTM_GETNEIGH, RTM_NEWNEIGH).
const GET: u16 = 30;
pub(crate) const ASKED: u16 = 28;
/// An entry is gone (RTM_DELNEIGH); all have been told (NLMSG_DONE); the flags of a question about all (NLM_F_DUMP).
const GONE: u16 = 29;
const DONE: u16 = 3;
const DUMP: u16 = 0x300;
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

/// Asks about all neighbors.
pub(crate) fn ask_all(out: &mut Vec<u8>, sequence: u32) {
    let start = begin(out, GET, DUMP, sequence);
    out.extend_from_slice(&[0; FIXED]);
    end(out, start);
}

/// What a message of the kernel says about neighbors, asked for or not.
pub(crate) fn news(kind: u16, payload: &[u8]) -> Option<ToParent> {
    if kind == DONE {
        return Some(ToParent::NeighborsEnd);
    }
    let (fixed, attributes) = payload.split_first_chunk::<FIXED>().filter(|_| matches!(kind, ASKED | GONE))?;
    let interface = u32::from_ne_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let bytes = Attributes(attributes).value(DESTINATION)?;
    let v4 = || Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?));
    let address = v4().or_else(|| Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)))?;
    let hardware = read(payload).filter(|_| kind == ASKED);
    Some(ToParent::Neighbor { interface, address, hardware })
}

/// The hardware address in the answer to [`ask`].
pub(crate) fn read(payload: &[u8]) -> Option<HardwareAddress> {
    let (fixed, attributes) = payload.split_first_chunk::<FIXED>()?;
    let state = u16::from_ne_bytes([fixed[8], fixed[9]]);
    let bytes = Attributes(attributes).value(LINK_ADDRESS).filter(|bytes| !bytes.is_empty() && state & UNKNOWN == 0)?;
    HardwareAddress::new(ETHERNET, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(state: u16, address: &[u8], hardware: &[u8]) -> Vec<u8> {
        let mut payload = vec![2, 0, 0, 0];
        payload.extend_from_slice(&7u32.to_ne_bytes());
        payload.extend_from_slice(&state.to_ne_bytes());
        payload.extend_from_slice(&[0, 1]);
        attribute(&mut payload, DESTINATION, address);
        attribute(&mut payload, LINK_ADDRESS, hardware);
        payload
    }

    #[test]
    fn news_of_neighbors_are_read() {
        let address: IpAddr = [10, 0, 0, 9].into();
        let hardware = HardwareAddress::new(ETHERNET, &[2, 0, 0, 0, 0, 9]);
        let told = |kind, state| news(kind, &message(state, &[10, 0, 0, 9], &[2, 0, 0, 0, 0, 9]));
        let expected = |hardware| Some(ToParent::Neighbor { interface: 7, address, hardware });
        assert_eq!(told(ASKED, 0x02), expected(hardware));
        // Failed, and gone.
        assert_eq!(told(ASKED, 0x20), expected(None));
        assert_eq!(told(GONE, 0x02), expected(None));
        assert_eq!(told(99, 0x02), None);
        assert_eq!(news(DONE, &[0; 4]), Some(ToParent::NeighborsEnd));
    }

    #[test]
    fn no_message_can_upset_it() {
        let whole = message(2, &[0xfd; 16], &[2; 6]);
        for end in 0..whole.len() {
            let _ = news(ASKED, &whole[..end]);
        }
        assert_eq!(news(ASKED, &message(2, &[1, 2, 3], &[2; 6])), None);
        assert_eq!(news(ASKED, &message(2, &[10, 0, 0, 9], &[2; 32])), news(GONE, &message(2, &[10, 0, 0, 9], &[])));
    }
}
