//! A message of a client or relay agent, as it is written and as it is told.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

/// Where the options begin: behind the header (RFC 2131 section 2) and the magic cookie.
pub const OPTIONS_AT: usize = 240;
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Smallest message (RFC 951).
const BYTES_MIN: usize = 300;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who sends it: address and port.
    pub from: (Ipv4Addr, u16),
    /// To whom.
    pub to: Ipv4Addr,
    /// `htype` and `hlen`.
    pub hardware: (u8, u8),
    pub hops: u8,
    pub xid: u32,
    pub flags: u16,
    pub ciaddr: Ipv4Addr,
    pub giaddr: Ipv4Addr,
    pub chaddr: [u8; 16],
    pub file: Vec<u8>,
    /// Code and value, in order.
    pub options: Vec<(u8, Vec<u8>)>,
    /// Bytes that come out otherwise: position and value.
    pub damage: Vec<(usize, u8)>,
    /// Bytes cut off at the end.
    pub cut: usize,
}

impl Message {
    /// The payload of its datagram.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.hardware.0, self.hardware.1, self.hops];
        bytes.extend(self.xid.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend(self.ciaddr.octets());
        bytes.extend([0; 8]);
        bytes.extend(self.giaddr.octets());
        bytes.extend(self.chaddr);
        bytes.resize(108, 0);
        bytes.extend(&self.file);
        bytes.resize(236, 0);
        bytes.extend(MAGIC_COOKIE);
        for (code, value) in &self.options {
            // A long value is split (RFC 3396).
            let mut parts = value.chunks(255).peekable();
            if parts.peek().is_none() {
                bytes.extend([*code, 0]);
            }
            for part in parts {
                bytes.extend([*code, part.len() as u8]);
                bytes.extend(part);
            }
        }
        bytes.push(255);
        bytes.resize(bytes.len().max(BYTES_MIN), 0);
        for (at, byte) in &self.damage {
            if let Some(place) = bytes.get_mut(*at) {
                *place = *byte;
            }
        }
        bytes.truncate(bytes.len() - self.cut.min(bytes.len() - OPTIONS_AT));
        bytes
    }

    /// Does its relay agent want another server id (RFC 5107)?
    pub fn overrides_server(&self) -> bool {
        self.options.iter().any(|(code, value)| *code == 82 && value.windows(2).any(|pair| pair == [11, 4]))
    }

    /// Does an option stand in it twice, by damage? Its parts are joined (RFC 3396), while the reference takes the first.
    pub fn repeats_option(&self) -> bool {
        let bytes = self.bytes();
        let mut rest = bytes.get(OPTIONS_AT..).unwrap_or_default();
        let mut seen = BTreeSet::new();
        while let [code, behind @ ..] = rest {
            let length = match code {
                0 => 0,
                255 => return false,
                _ if !seen.insert(*code) => return true,
                _ => 1 + behind.first().map_or(0, |length| usize::from(*length)),
            };
            rest = behind.get(length..).unwrap_or_default();
        }
        false
    }

    /// Adds an option.
    pub fn put(&mut self, code: u8, value: impl Into<Vec<u8>>) {
        self.options.push((code, value.into()));
    }
}

/// Everything that is not zero.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.options.iter().find(|(code, _)| *code == 53).and_then(|(_, value)| value.first().copied());
        let name = match kind {
            Some(kind) => kind_name(kind),
            None => "BOOTP",
        };
        write!(f, "{name} {:02x?} type {} ", &self.chaddr[..usize::from(self.hardware.1.min(16))], self.hardware.0)?;
        write!(f, "{}:{} to {}", self.from.0, self.from.1, self.to)?;
        for (name, address) in [("ciaddr", self.ciaddr), ("giaddr", self.giaddr)] {
            if !address.is_unspecified() {
                write!(f, " {name} {address}")?;
            }
        }
        if self.flags != 0 {
            write!(f, " flags {:04x}", self.flags)?;
        }
        if !self.file.is_empty() {
            write!(f, " file {:?}", String::from_utf8_lossy(&self.file))?;
        }
        for (code, value) in self.options.iter().filter(|(code, _)| *code != 53) {
            write!(f, " {code}={}", told(value))?;
        }
        if !self.damage.is_empty() || self.cut > 0 {
            write!(f, " damaged {:?} cut {}", self.damage, self.cut)?;
        }
        Ok(())
    }
}

/// Bytes as text where they are text, else in hex.
pub fn told(bytes: &[u8]) -> String {
    if !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        format!("{:?}", String::from_utf8_lossy(bytes))
    } else {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A message type in words (RFC 2132 section 9.6, RFC 4388).
pub fn kind_name(kind: u8) -> &'static str {
    const NAMES: [&str; 14] = [
        "type 0",
        "DISCOVER",
        "OFFER",
        "REQUEST",
        "DECLINE",
        "ACK",
        "NAK",
        "RELEASE",
        "INFORM",
        "FORCERENEW",
        "LEASEQUERY",
        "LEASEUNASSIGNED",
        "LEASEUNKNOWN",
        "LEASEACTIVE",
    ];
    NAMES.get(usize::from(kind)).copied().unwrap_or("of no known type")
}
