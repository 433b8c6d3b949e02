//! Adding an address to an IP set (`linux/netfilter/ipset/ip_set.h`).

use std::net::IpAddr;

use ipc::net::SetOutcome;

use crate::netfilter::{begin_for, family, octets};
use crate::netlink::{ACK, NET_BYTE_ORDER, attribute, begin_nested, end, end_attribute, text};

/// The subsystem and its command "add".
const ADD: (u8, u8) = (6, 9);
/// The version of the protocol.
const PROTOCOL: u8 = 6;
/// Longest name of a set, in bytes.
const NAME_BYTES_MAX: usize = 31;
/// Attributes of the command.
const ATTR_PROTOCOL: u16 = 1;
const ATTR_SET_NAME: u16 = 2;
const ATTR_DATA: u16 = 7;
/// The attribute of the data that holds the address, and its two forms.
const ATTR_IP: u16 = 1;
const ATTR_IPV4: u16 = 1;
const ATTR_IPV6: u16 = 2;
/// No such file or directory.
const ENOENT: i32 = 2;
/// What sets of another family say (IPSET_ERR_PROTOCOL, IPSET_ERR_INVALID_FAMILY, IPSET_ERR_IPADDR_IPV4, IPSET_ERR_IPADDR_IPV6).
const OTHER_FAMILY: [i32; 4] = [4097, 4106, 4109, 4110];

/// Writes the request. An address that is there already is no error. False: the name is too long for a set.
pub(crate) fn add(out: &mut Vec<u8>, sequence: u32, set: &str, address: IpAddr) -> bool {
    if set.len() > NAME_BYTES_MAX {
        return false;
    }
    let start = begin_for(out, ADD, ACK, sequence, family(address));
    attribute(out, ATTR_PROTOCOL, &[PROTOCOL]);
    text(out, ATTR_SET_NAME, set);
    let data = begin_nested(out, ATTR_DATA);
    let ip = begin_nested(out, ATTR_IP);
    let form = if address.is_ipv4() { ATTR_IPV4 } else { ATTR_IPV6 };
    attribute(out, form | NET_BYTE_ORDER, &octets(address));
    end_attribute(out, ip);
    end_attribute(out, data);
    end(out, start);
    true
}

/// What the kernel's verdict means.
pub(crate) fn outcome(verdict: Result<(), i32>) -> SetOutcome {
    match verdict {
        Ok(()) => SetOutcome::Added,
        Err(ENOENT) => SetOutcome::NoSuchSet,
        Err(errno) if OTHER_FAMILY.contains(&errno) => SetOutcome::OtherFamily,
        Err(errno) => SetOutcome::Refused(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ipset add s 192.0.2.5` sends, but for flags, sequence number, a newer version, and the line number in its data.
    #[test]
    #[cfg(target_endian = "little")]
    fn the_request_is_that_of_the_ipset_tool() {
        let mut out = Vec::new();
        assert!(add(&mut out, 1, "s", [192, 0, 2, 5].into()));
        let expected = b"\x34\0\0\0\x09\x06\x05\0\x01\0\0\0\0\0\0\0\x02\0\0\0\
            \x05\0\x01\0\x06\0\0\0\x06\0\x02\0s\0\0\0\x10\0\x07\x80\x0c\0\x01\x80\x08\0\x01\x40\xc0\0\x02\x05";
        assert_eq!(out, expected);
        assert!(!add(&mut out, 1, "a-name-of-thirty-two-characters-", [192, 0, 2, 5].into()));
    }
}
