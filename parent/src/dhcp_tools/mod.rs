//! The programs `dhcp_release`, `dhcp_release6` and `dhcp_lease_time`, with the arguments, the output and the exit status of dnsmasq's.
//!
//! They are clients: each speaks a few bytes of DHCP to a server, and none of them is part of the server.

pub mod lease_time;
pub mod release;
pub mod release6;

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

/// What a program has to say, and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For standard output.
    pub output: String,
    /// For standard error.
    pub error: String,
    /// The exit status.
    pub status: u8,
}

impl Outcome {
    fn good(output: impl Into<String>) -> Outcome {
        Outcome { output: output.into(), error: String::new(), status: 0 }
    }

    fn bad(error: impl Into<String>, status: u8) -> Outcome {
        Outcome { output: String::new(), error: error.into(), status }
    }

    /// Prints it; the exit status.
    pub fn print(&self) -> std::process::ExitCode {
        use std::io::Write as _;
        let written = io::stdout().write_all(self.output.as_bytes()).and_then(|()| io::stdout().flush());
        let _ = io::stderr().write_all(self.error.as_bytes());
        std::process::ExitCode::from(if written.is_ok() { self.status } else { 1 })
    }
}

/// Fixed header and magic cookie of a DHCPv4 message (RFC 2131 section 2) are followed by options up to this size in all.
const PACKET_BYTES: usize = 548;

/// A request of a client, padded.
fn request(hardware: &Hardware, ciaddr: [u8; 4], options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut packet = vec![0; 240];
    packet[..3].copy_from_slice(&[1, hardware.kind, hardware.bytes.len() as u8]);
    packet[12..16].copy_from_slice(&ciaddr);
    packet[28..28 + hardware.bytes.len()].copy_from_slice(&hardware.bytes);
    packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
    for (code, value) in options {
        packet.extend([*code, value.len() as u8]);
        packet.extend_from_slice(value);
    }
    packet.push(255);
    packet.resize(packet.len().max(PACKET_BYTES), 0);
    packet
}

/// A hardware address as it stands on a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hardware {
    kind: u8,
    /// At most 16.
    bytes: Vec<u8>,
}

impl Hardware {
    /// `[TT-]aa:bb:…`.
    fn parse(text: &str) -> Option<Hardware> {
        let (kind, bytes) = match text.split_once('-') {
            Some((kind, bytes)) => (u8::from_str_radix(kind, 16).ok()?, bytes),
            None => (1, text),
        };
        let bytes = hex(bytes)?;
        (bytes.len() <= 16).then_some(Hardware { kind, bytes })
    }
}

/// Bytes in hexadecimal, one or two digits each, with colons between.
fn hex(text: &str) -> Option<Vec<u8>> {
    let byte = |digits: &str| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        plain.then(|| u8::from_str_radix(digits, 16).ok())?
    };
    text.split(':').map(byte).collect()
}

/// Ties a socket to an interface.
fn bind_to(socket: &UdpSocket, interface: &str) -> io::Result<()> {
    setsockopt(socket, sockopt::BindToDevice, &interface.into()).map_err(io::Error::from)
}

/// The next datagram that `wanted` makes something of, within `patience`.
fn receive<T>(socket: &UdpSocket, patience: Duration, wanted: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let start = Instant::now();
    let mut bytes = [0; 2048];
    loop {
        let left = patience.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
        socket.set_read_timeout(Some(left)).ok()?;
        if let Ok(length) = socket.recv(&mut bytes)
            && let Some(found) = wanted(&bytes[..length])
        {
            return Some(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_have_a_type_or_are_ethernet() {
        let parsed = |text| Hardware::parse(text).map(|hardware| (hardware.kind, hardware.bytes));
        assert_eq!(parsed("02:0:ff"), Some((1, vec![2, 0, 255])));
        assert_eq!(parsed("06-01:02"), Some((6, vec![1, 2])));
        for bad in ["zz", "", "01:", "1-2-3", "001:02", &"01:".repeat(17)] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
