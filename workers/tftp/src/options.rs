//! Options: what a client asked for and what it gets (RFC 2347, 2348, 2349, 7440).

use crate::wire::{self, Fields, Mode};

/// The block size without negotiation (RFC 1350 section 2).
const BLOCK_BYTES_DEFAULT: u32 = 512;
/// The largest block: what fits dnsmasq's packet buffer at its default size, so that clients meet the same limit here.
const BLOCK_BYTES_MAX: u32 = 1493;
/// Largest window, in blocks.
const WINDOW_MAX: u32 = 32;
/// Longest timeout, in seconds (RFC 2349).
const TIMEOUT_MAX_S: u32 = 255;
/// First retransmission interval without negotiation.
const TIMEOUT_DEFAULT_S: u32 = 2;

/// What bounds the options.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How the file travels.
    pub mode: Mode,
    /// Its size, for `tsize`.
    pub size: u64,
    /// Largest packet of the way to the client, in bytes; `None`: not known.
    pub mtu: Option<u32>,
    /// Does the client speak IPv6, whose headers are longer?
    pub ipv6: bool,
    /// `tftp-no-blocksize`.
    pub no_block_size: bool,
}

/// What was agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Bytes per block.
    pub block_bytes: u32,
    /// Blocks per window.
    pub window: u32,
    /// First retransmission interval, in milliseconds.
    pub timeout_ms: u64,
    /// The option acknowledgement, if any option was accepted.
    pub acknowledgement: Option<Vec<u8>>,
}

/// Answers the options of a request. Unknown ones, and names without a value, are passed over; of two with the same name the
/// last one counts. The acknowledgement has an order of its own, dnsmasq's.
pub fn agree(mut fields: Fields<'_>, terms: Terms) -> Agreement {
    let (mut block, mut size, mut timeout, mut window) = (None, None, None, None);
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        if name.eq_ignore_ascii_case(b"blksize") && !terms.no_block_size {
            // UDP and TFTP headers take 12 bytes, the IP header at least 20 or 40.
            let headers = if terms.ipv6 { 52 } else { 32 };
            let room = terms.mtu.map_or(u32::MAX, |mtu| mtu.saturating_sub(headers));
            block = Some(number(value).min(room).clamp(1, BLOCK_BYTES_MAX));
        } else if name.eq_ignore_ascii_case(b"tsize") && terms.mode == Mode::Octet {
            size = Some(terms.size);
        } else if name.eq_ignore_ascii_case(b"timeout") {
            timeout = Some(number(value).min(TIMEOUT_MAX_S));
        } else if name.eq_ignore_ascii_case(b"windowsize") && terms.mode == Mode::Octet {
            window = Some(number(value).clamp(1, WINDOW_MAX));
        }
    }
    let accepted = [
        ("blksize", block.map(u64::from)),
        ("tsize", size),
        ("timeout", timeout.map(u64::from)),
        ("windowsize", window.map(u64::from)),
    ];
    let acknowledgement = accepted.iter().any(|(_, value)| value.is_some()).then(|| {
        let mut packet = Vec::new();
        wire::option_acknowledgement(&mut packet);
        for (name, value) in accepted {
            if let Some(value) = value {
                wire::option(name, value, &mut packet);
            }
        }
        packet
    });
    Agreement {
        block_bytes: block.unwrap_or(BLOCK_BYTES_DEFAULT),
        window: window.unwrap_or(1),
        // dnsmasq accepts a timeout of 0; a second is the least that does not flood the client.
        timeout_ms: u64::from(timeout.unwrap_or(TIMEOUT_DEFAULT_S).max(1)) * 1000,
        acknowledgement,
    }
}

/// The number that a text begins with, as dnsmasq reads it: no digits are 0, a negative number is a huge one.
fn number(text: &[u8]) -> u32 {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let value = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0u32, |value, byte| value.saturating_mul(10).saturating_add(u32::from(byte - b'0')));
    if negative && value > 0 { u32::MAX } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Request, request};

    const TERMS: Terms = Terms { mode: Mode::Octet, size: 5120, mtu: Some(1500), ipv6: false, no_block_size: false };

    fn ask(options: &str, terms: Terms) -> Agreement {
        let packet = format!("\0\x01f\0octet\0{}", options.replace(' ', "\0"));
        let Some(Request::Read { options, .. }) = request(packet.as_bytes()) else { panic!("a request") };
        agree(options, terms)
    }

    fn acknowledged(options: &str, terms: Terms) -> String {
        let packet = ask(options, terms).acknowledgement.unwrap_or_default();
        String::from_utf8_lossy(packet.get(2..).unwrap_or_default()).replace('\0', " ")
    }

    #[test]
    fn the_acknowledgement_has_an_order_of_its_own() {
        let asked = "tsize 0 WindowSize 99 blksize 1400 timeout 3 foo 1 ";
        assert_eq!(acknowledged(asked, TERMS), "blksize 1400 tsize 5120 timeout 3 windowsize 32 ");
    }

    #[test]
    fn numbers_are_read_as_dnsmasq_reads_them() {
        assert_eq!(acknowledged("blksize 0 timeout 0 windowsize 0 ", TERMS), "blksize 1 timeout 0 windowsize 1 ");
        assert_eq!(
            acknowledged("blksize -5 timeout 256 windowsize -1 ", TERMS),
            "blksize 1468 timeout 255 windowsize 32 "
        );
        assert_eq!(acknowledged("blksize abc timeout x windowsize 3x ", TERMS), "blksize 1 timeout 0 windowsize 3 ");
        assert_eq!(acknowledged("blksize 10 blksize 20 ", TERMS), "blksize 20 ");
    }

    #[test]
    fn the_block_fits_the_packet() {
        assert_eq!(ask("blksize 9000 ", TERMS).block_bytes, 1468);
        assert_eq!(ask("blksize 9000 ", Terms { ipv6: true, ..TERMS }).block_bytes, 1448);
        assert_eq!(ask("blksize 9000 ", Terms { mtu: None, ..TERMS }).block_bytes, 1493);
        assert_eq!(ask("blksize 9000 ", Terms { mtu: Some(0), ..TERMS }).block_bytes, 1);
        assert_eq!(ask("blksize 9000 ", Terms { no_block_size: true, ..TERMS }).acknowledgement, None);
    }

    #[test]
    fn netascii_has_no_size_and_no_window() {
        let terms = Terms { mode: Mode::Netascii, ..TERMS };
        assert_eq!(acknowledged("tsize 0 windowsize 3 blksize 8 ", terms), "blksize 8 ");
    }

    #[test]
    fn an_option_without_value_is_passed_over() {
        assert_eq!(ask("blksize ", TERMS).acknowledgement, None);
        assert_eq!(ask("blksize 12", TERMS).acknowledgement, None);
    }
}
