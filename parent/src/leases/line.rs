//! One lease as a line of dnsmasq's lease file: `EXPIRY HARDWARE ADDRESS NAME CLIENTID`; behind it, with `leasequery`,
//! `agent-info ADDRESS HEX` and `vendorclass ADDRESS HEX`.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use ipc::lease::{CLIENT_ID_BYTES_MAX, Lease, PROVENANCE_BYTES_MAX, name_is_legal};
use ipc::link::HardwareAddress;

/// What one line of the file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A DHCPv4 lease.
    Lease(Lease),
    /// Something more about the lease of an address.
    More(Ipv4Addr, More),
    /// A record that we do not interpret but keep: DUID, IPv6 leases.
    Kept,
    /// Blank, which readers of the format skip.
    Blank,
    /// None of these.
    Invalid,
}

/// What a line of its own says about a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum More {
    /// `agent-info`: option 82.
    AgentInfo(Vec<u8>),
    /// `vendorclass`: option 60.
    VendorClass(Vec<u8>),
}

impl More {
    /// Adds it to the lease.
    pub fn add_to(self, lease: &mut Lease) {
        let provenance = lease.provenance.get_or_insert_default();
        match self {
            More::AgentInfo(bytes) => provenance.agent_info = Some(bytes),
            More::VendorClass(bytes) => provenance.vendor_class = Some(bytes),
        }
    }
}

/// Appends the line of a lease, newline included, and those about it.
pub fn write(lease: &Lease, text: &mut String) {
    let name = lease.name.as_deref().unwrap_or("*");
    // dnsmasq names the type of an address of no bytes, too.
    let kind = if lease.hardware.length == 0 && lease.hardware.kind == 1 { "01-" } else { "" };
    let _ = write!(text, "{} {kind}{} {} {name} ", lease.expires_s, lease.hardware, lease.address);
    match &lease.client_id {
        Some(id) if !id.is_empty() => write_hex(id, text),
        _ => text.push('*'),
    }
    text.push('\n');
    let Some(provenance) = &lease.provenance else { return };
    for (word, bytes) in [("agent-info", &provenance.agent_info), ("vendorclass", &provenance.vendor_class)] {
        if let Some(bytes) = bytes.as_ref().filter(|bytes| !bytes.is_empty()) {
            let _ = write!(text, "{word} {} ", lease.address);
            write_hex(bytes, text);
            text.push('\n');
        }
    }
}

fn write_hex(bytes: &[u8], text: &mut String) {
    for (position, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if position == 0 { "" } else { ":" });
    }
}

/// Reads one line, without its newline.
pub fn read(line: &str) -> Record {
    let mut fields = line.split_ascii_whitespace();
    let Some(first) = fields.next() else { return Record::Blank };
    let rest: Vec<&str> = fields.collect();
    match (first, &rest[..]) {
        ("duid", [_]) => return Record::Kept,
        ("agent-info" | "vendorclass", [address, hex]) => {
            // Of an address that is none of ours, or too long to be an option: somebody else's business.
            let (Ok(address), Some(bytes)) = (address.parse(), read_hex(hex, PROVENANCE_BYTES_MAX)) else {
                return Record::Kept;
            };
            let more = if first == "agent-info" { More::AgentInfo } else { More::VendorClass };
            return Record::More(address, more(bytes));
        }
        _ => {}
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
    Record::Lease(Lease { address, hardware, client_id, name, expires_s, provenance: None })
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
    use ipc::lease::Provenance;

    use super::*;

    fn lease() -> Lease {
        Lease {
            address: Ipv4Addr::new(10, 0, 0, 9),
            hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 0, 0x2a]).unwrap(),
            client_id: Some(vec![1, 2, 0, 0, 0, 0, 0x2a]),
            name: Some("box".to_owned()),
            expires_s: 1_800_000_000,
            provenance: None,
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
    fn what_else_is_known_of_a_lease_has_lines_of_its_own() {
        let provenance = Provenance { agent_info: Some(vec![1, 3, 0x61]), vendor_class: Some(b"V".to_vec()) };
        let mut text = String::new();
        write(&Lease { provenance: Some(Box::new(provenance.clone())), ..lease() }, &mut text);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines, ["agent-info 10.0.0.9 01:03:61", "vendorclass 10.0.0.9 56"]);
        let mut bare = lease();
        for line in lines {
            let Record::More(address, more) = read(line) else { panic!("{line}") };
            assert_eq!(address, bare.address);
            more.add_to(&mut bare);
        }
        assert_eq!(bare.provenance.as_deref(), Some(&provenance));
        for kept in ["agent-info fd00::1 01", "vendorclass 10.0.0.9 zz"] {
            assert_eq!(read(kept), Record::Kept, "{kept}");
        }
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
