//! The bytes of messages, as far as the pretend clients say and understand them.

use std::net::Ipv4Addr;

pub use support::dhcp_client::{ACK, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST};

/// A message of a client.
#[derive(Clone, Debug)]
pub struct Message {
    pub kind: u8,
    pub xid: u32,
    pub hardware: [u8; 6],
    pub ciaddr: Option<Ipv4Addr>,
    /// Option 50.
    pub requested: Option<Ipv4Addr>,
    /// Option 54.
    pub server: Option<Ipv4Addr>,
    /// Option 12.
    pub name: Option<String>,
    /// Sent to the server alone?
    pub unicast: bool,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    pub kind: u8,
    pub xid: u32,
    pub hardware: [u8; 6],
    pub address: Ipv4Addr,
    pub server: Option<Ipv4Addr>,
    pub lease_time_s: Option<u32>,
}

impl Message {
    /// The payload of its datagram.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, 1, 6, 0];
        bytes.extend(self.xid.to_be_bytes());
        bytes.extend([0, 0, 0x80, 0]);
        bytes.extend(self.ciaddr.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
        bytes.resize(28, 0);
        bytes.extend(self.hardware);
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99, 53, 1, self.kind]);
        for (code, address) in [(50, self.requested), (54, self.server)] {
            if let Some(address) = address {
                bytes.extend([code, 4]);
                bytes.extend(address.octets());
            }
        }
        if let Some(name) = &self.name {
            bytes.extend([12, name.len() as u8]);
            bytes.extend(name.as_bytes());
        }
        bytes.push(255);
        bytes
    }
}

impl Reply {
    /// Reads an answer.
    pub fn parse(bytes: &[u8]) -> Reply {
        let address = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let mut reply = Reply {
            kind: 0,
            xid: u32::from(address(4)),
            hardware: bytes[28..34].try_into().expect("six bytes"),
            address: address(16),
            server: None,
            lease_time_s: None,
        };
        let mut at = 240;
        while bytes[at] != 255 {
            if bytes[at] == 0 {
                at += 1;
                continue;
            }
            match bytes[at] {
                51 => reply.lease_time_s = Some(u32::from(address(at + 2))),
                53 => reply.kind = bytes[at + 2],
                54 => reply.server = Some(address(at + 2)),
                _ => {}
            }
            at += 2 + usize::from(bytes[at + 1]);
        }
        reply
    }
}

/// The answer to an echo request, with its IP header (RFC 792).
pub fn echo_reply(from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0];
    bytes.extend(from.octets());
    bytes.extend(to.octets());
    bytes.extend([0; 8]);
    bytes
}
