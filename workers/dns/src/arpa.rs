//! Reverse names: `1.0.0.10.in-addr.arpa` and its `ip6.arpa` cousin to addresses (RFC 1035, section 3.5; RFC 3596, section 2.5), and which
//! addresses are private.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::name::{Name, labels};

/// The address of a whole reverse name (lower case).
pub(crate) fn address(name: &Name) -> Option<IpAddr> {
    parse(name).filter(|(_, whole)| *whole).map(|(address, _)| address)
}

/// The address of a reverse name, or of part of one, if no public server can know it (`bogus-priv`). A missing rest counts as zero.
pub(crate) fn private(name: &Name) -> Option<IpAddr> {
    parse(name).map(|(address, _)| address).filter(|address| is_private(*address))
}

/// Can no public name have this address?
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

/// Does this address stand for the very host that uses it (`rebind-localhost-ok`)?
pub(crate) fn is_this_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets()[0], 0 | 127),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_this_host(v4.into()),
            None => v6.is_unspecified() || v6.is_loopback(),
        },
    }
}

fn parse(name: &Name) -> Option<(IpAddr, bool)> {
    let mut parts: [&[u8]; 34] = [b""; 34];
    let mut count = 0;
    for label in labels(name.wire()) {
        *parts.get_mut(count)? = label;
        count += 1;
    }
    let (digits, kind) = parts[..count].split_at(count.checked_sub(2)?);
    if digits.is_empty() || kind[1] != b"arpa" {
        return None;
    }
    match kind[0] {
        b"in-addr" if digits.len() <= 4 => {
            let mut octets = [0; 4];
            for (octet, label) in octets.iter_mut().zip(digits.iter().rev()) {
                *octet = decimal(label)?;
            }
            Some((Ipv4Addr::from(octets).into(), digits.len() == 4))
        }
        b"ip6" if digits.len() <= 32 => {
            let mut octets = [0u8; 16];
            for (position, label) in digits.iter().rev().enumerate() {
                let [digit] = label else { return None };
                let nibble = char::from(*digit).to_digit(16)? as u8;
                octets[position / 2] |= if position % 2 == 0 { nibble << 4 } else { nibble };
            }
            Some((Ipv6Addr::from(octets).into(), digits.len() == 32))
        }
        _ => None,
    }
}

fn decimal(label: &[u8]) -> Option<u8> {
    let digits = label.iter().all(u8::is_ascii_digit) && matches!(label.len(), 1..=3);
    if digits { std::str::from_utf8(label).ok()?.parse().ok() } else { None }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0 | 10 | 127, ..]
        | [192, 168, ..]
        | [169, 254, ..]
        | [192, 0, 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        octets => octets == [255; 4],
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_private_v4(v4);
    }
    let segments = address.segments();
    let first = segments[0];
    address.is_unspecified()
        || address.is_loopback()
        || first & 0xfe00 == 0xfc00
        || first & 0xff80 == 0xfe80
        || segments[..2] == [0x2001, 0x0db8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::from_text(text.as_bytes()).unwrap()
    }

    #[test]
    fn whole_reverse_names_are_addresses() {
        assert_eq!(address(&name("4.3.2.1.in-addr.arpa")), Some([1, 2, 3, 4].into()));
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(address(&name(v6)), "2001:db8::1".parse().ok());
        for other in
            ["3.2.1.in-addr.arpa", "x.3.2.1.in-addr.arpa", "300.3.2.1.in-addr.arpa", "in-addr.arpa", "arpa", "a.b"]
        {
            assert_eq!(address(&name(other)), None, "{other}");
        }
    }

    #[test]
    fn private_ranges_count_in_part_too() {
        for private in
            ["168.192.in-addr.arpa", "1.0.0.10.in-addr.arpa", "64.100.in-addr.arpa", "c.f.ip6.arpa", "0.8.e.f.ip6.arpa"]
        {
            assert!(super::private(&name(private)).is_some(), "{private}");
        }
        for public in ["8.8.8.8.in-addr.arpa", "1.172.in-addr.arpa", "in-addr.arpa", "1.0.0.2.ip6.arpa", "10.example"] {
            assert!(super::private(&name(public)).is_none(), "{public}");
        }
    }
}
