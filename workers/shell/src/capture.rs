//! Copies of datagrams for the capture file (`dumpfile`), under IP and UDP headers made up from what is known of both ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const UDP: u8 = 17;
const HOP_LIMIT: u8 = 64;
const IPV4_HEADER_BYTES: usize = 20;
const UDP_HEADER_BYTES: usize = 8;

/// The datagram as a packet of IPv4 (RFC 791) or, if an end is one, IPv6 (RFC 8200). An end of which only the port is known has the
/// unspecified address.
pub fn packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let bytes = length(UDP_HEADER_BYTES + payload.len());
    let mut udp = Vec::with_capacity(UDP_HEADER_BYTES + payload.len());
    for field in [from.port(), to.port(), bytes, 0] {
        udp.extend(field.to_be_bytes());
    }
    udp.extend(payload);
    let (mut packet, addresses) = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let [high, low] = length(IPV4_HEADER_BYTES + udp.len()).to_be_bytes();
            let mut header = vec![0x45, 0, high, low, 0, 0, 0, 0, HOP_LIMIT, UDP, 0, 0];
            let addresses = [from.octets(), to.octets()].concat();
            header.extend(&addresses);
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            (header, addresses)
        }
        (from, to) => {
            let [high, low] = bytes.to_be_bytes();
            let mut header = vec![0x60, 0, 0, 0, high, low, UDP, HOP_LIMIT];
            let addresses = [v6(from).octets(), v6(to).octets()].concat();
            header.extend(&addresses);
            (header, addresses)
        }
    };
    // RFC 768: a sum of nothing but zeros is sent as its complement.
    let sum = match checksum(&[&addresses, &[0, UDP], &bytes.to_be_bytes(), &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    packet.extend(udp);
    packet
}

/// A length as headers have it. The kernel sends nothing that is longer.
fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V6(address) => address,
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv6Addr::UNSPECIFIED,
        IpAddr::V4(address) => address.to_ipv6_mapped(),
    }
}

/// RFC 1071. Every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> SocketAddr {
        text.parse().expect("an address with port")
    }

    #[test]
    fn headers_are_those_of_dnsmasq() {
        // Recorded from dnsmasq 2.93 with an acknowledgement of TFTP, but for the sum of the IP header, which is wrong there.
        let mut packet = packet(end("10.9.0.77:58662"), end("10.9.0.1:43857"), &[0, 4, 0, 1]);
        assert_eq!(checksum(&[&packet[..IPV4_HEADER_BYTES]]), 0);
        packet[10..12].copy_from_slice(&[0x70, 0x78]);
        let recorded = "4500002000000000401170780a09004d0a090001e526ab51000c5af900040001";
        assert_eq!(packet.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), recorded);
    }

    #[test]
    fn what_is_too_long_for_a_header_is_copied_all_the_same() {
        for bytes in [65_507, 65_508, 70_000] {
            let packet = packet(end("10.0.0.1:53"), end("10.0.0.2:53"), &vec![255; bytes]);
            assert_eq!((packet.len(), &packet[2..4]), (28 + bytes, &[255, 255][..]));
        }
    }

    #[test]
    fn an_end_that_is_not_known_has_the_family_of_the_other() {
        let packet = packet(end("[2001:db8::1]:53"), end("0.0.0.0:5300"), b"abc");
        assert_eq!((packet[0] >> 4, packet.len()), (6, 40 + 8 + 3));
        assert_eq!(packet[24..40], [0; 16]);
        // What is right sums up to nothing, its sum included.
        let (addresses, udp) = (&packet[8..40], &packet[40..]);
        assert_eq!(checksum(&[addresses, &[0, UDP, 0, 11], udp]), 0);
    }
}
