//! One lease as a line of dnsmasq's lease file: `EXPIRY HARDWARE ADDRESS NAME CLIENTID`.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use ipc::lease::{CLIENT_ID_BYTES_MAX, Lease, name_is_legal};
use ipc::link::HardwareAddress;

/// What one line of the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A DHCPv4 lease.
    Lease(Lease),
    /// A record that we do not interpret but keep: DUID, IPv6 leases, relay and vendor data.
    Kept,
    /// Blank, which readers of the format skip.
    Blank,
    /// None of these.
    Invalid,
}

/// Appends the line of a lease, newline included.
pub fn write(lease: &Lease, text: &mut String) {
    let name = lease.name.as_deref().unwrap_or("*");
    // dnsmasq names the type of an address of no bytes, too.
    let kind = if lease.hardware.length == 0 && lease.hardware.kind == 1 { "01-" } else { "" };
    let _ = write!(text, "{} {kind}{} {} {name} ", lease.expires_s, lease.hardware, lease.address);
    match &lease.client_id {
        Some(id) if !id.is_empty() => {
            for (position, byte) in id.iter().enumerate() {
                let _ = write!(text, "{}{byte:02x}", if position == 0 { "" } else { ":" });
            }
        }
        _ => text.push('*'),
    }
    text.push('\n');
}

/// Reads one line, without its newline.
pub fn read(line: &str) -> Record {
    let mut fields = line.split_ascii_whitespace();
    let Some(first) = fields.next() else { return Record::Blank };
    let rest: Vec<&str> = fields.collect();
    if matches!((first, rest.len()), ("duid", 1) | ("agent-info" | "vendorclass", 2)) {
        return Record::Kept;
    }
    let [hardware, address, name, client_id] = rest[..] else { return Record::Invalid };
    let Ok(expires_s) = first.parse::<u64>() else { return Record::Invalid };
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        return Record::Kept;
    }
    let (Ok(address), Some(hardware)) = (address.parse::<Ipv4Addr>(), read_hardware(hardware)) else {
        return Record::Invalid;
    };
    let client_id = match client_id {
        "*" => None,
        text => match read_hex(text, CLIENT_ID_BYTES_MAX) {
            Some(id) => Some(id),
            None => return Record::Invalid,
        },
    };
    // A name that could not have come from us or from dnsmasq is dropped; the lease is worth more than its name.
    let name = Some(name.to_owned()).filter(|name| name_is_legal(name));
    Record::Lease(Lease { address, hardware, client_id, name, expires_s })
}

/// `aa:bb:cc:dd:ee:ff`, with `06-` in front for a hardware type other than Ethernet.
fn read_hardware(text: &str) -> Option<HardwareAddress> {
    let (kind, bytes) = match text.split_once('-') {
        Some((kind, bytes)) => (u8::from_str_radix(kind, 16).ok()?, bytes),
        None => (1, text),
    };
    if bytes.is_empty() {
        return HardwareAddress::new(kind, &[]);
    }
    HardwareAddress::new(kind, &read_hex(bytes, 16)?)
}

fn read_hex(text: &str, bytes_max: usize) -> Option<Vec<u8>> {
    let byte = |pair: &str| {
        let digits = pair.len() <= 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes: Vec<u8> = text.split(':').map(byte).collect::<Option<_>>()?;
    (bytes.len() <= bytes_max).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            address: Ipv4Addr::new(10, 0, 0, 9),
            hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 0, 0x2a]).unwrap(),
            client_id: Some(vec![1, 2, 0, 0, 0, 0, 0x2a]),
            name: Some("box".to_owned()),
            expires_s: 1_800_000_000,
        }
    }

    #[test]
    fn the_line_is_dnsmasqs() {
        let mut text = String::new();
        write(&lease(), &mut text);
        assert_eq!(text, "1800000000 02:00:00:00:00:2a 10.0.0.9 box 01:02:00:00:00:00:2a\n");
        assert_eq!(read(text.trim_end()), Record::Lease(lease()));
    }

    #[test]
    fn absent_parts_are_stars_and_other_hardware_types_are_named() {
        let bare = Lease { client_id: None, name: None, expires_s: 0, ..lease() };
        let odd = Lease { hardware: HardwareAddress::new(6, &[1, 2]).unwrap(), ..bare };
        let mut text = String::new();
        write(&odd, &mut text);
        assert_eq!(text, "0 06-01:02 10.0.0.9 * *\n");
        assert_eq!(read(text.trim_end()), Record::Lease(odd.clone()));
        let none = Lease { hardware: HardwareAddress::new(1, &[]).unwrap(), ..odd };
        text.clear();
        write(&none, &mut text);
        assert_eq!(text, "0 01- 10.0.0.9 * *\n");
        assert_eq!(read(text.trim_end()), Record::Lease(none));
    }

    #[test]
    fn what_is_not_ours_is_kept_and_what_is_no_record_is_invalid() {
        assert_eq!(read("duid 00:01:00:01:2c"), Record::Kept);
        assert_eq!(read("1800000000 T123 2001:db8::1 box 00:01"), Record::Kept);
        assert_eq!(read("   "), Record::Blank);
        for bad in ["x", "1 2 3 4 5", "1 aa:bb 10.0.0.1 n", "-1 aa:bb 10.0.0.1 n *", "1 a:zz 10.0.0.1 n *"] {
            assert_eq!(read(bad), Record::Invalid, "{bad}");
        }
    }

    #[test]
    fn a_forged_name_does_not_cost_the_lease() {
        let Record::Lease(read) = read("5 aa:bb:cc:dd:ee:ff 10.0.0.1 a;b *") else { panic!("the lease is lost") };
        assert_eq!(read.name, None);
    }
}
