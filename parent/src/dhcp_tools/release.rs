//! `dhcp_release`: gives a lease back in the name of its client (RFC 2131 section 4.4.6), whose machine may be gone.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use nix::ifaddrs::getifaddrs;

use super::{Hardware, Outcome, bind_to, hex, request};
use crate::files;

const USAGE: &str = "usage: dhcp_release <interface> <addr> <mac> [<client_id>]\n";

/// Runs the program.
pub fn main(arguments: &[String]) -> Outcome {
    let (interface, address, hardware, client_id) = match arguments {
        [interface, address, hardware] => (interface, address, hardware, None),
        // A star stands for none, as in the lease file.
        [interface, address, hardware, client_id] => {
            (interface, address, hardware, Some(client_id.as_str()).filter(|id| *id != "*"))
        }
        _ => return Outcome::bad(USAGE, 1),
    };
    let Ok(address) = address.parse::<Ipv4Addr>() else {
        return Outcome::bad(format!("invalid ip address: {address}\n"), 1);
    };
    let Some(hardware) = Hardware::parse(hardware) else {
        return Outcome::bad(format!("invalid hardware address: {hardware}\n"), 1);
    };
    let client_id = match client_id.map(hex) {
        None => None,
        Some(Some(id)) if id.len() <= 255 => Some(id),
        Some(_) => return Outcome::bad("invalid client id\n", 1),
    };
    match send(interface, address, &hardware, client_id.as_deref()) {
        Ok(()) => Outcome::good(""),
        Err(error) => Outcome::bad(format!("cannot setup interface: {}\n", files::reason(&error)), 1),
    }
}

fn send(interface: &str, address: Ipv4Addr, hardware: &Hardware, client_id: Option<&[u8]>) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    bind_to(&socket, interface)?;
    let Some(server) = choose(&own_addresses(interface)?, address) else {
        return Err(io::Error::from_raw_os_error(libc::EADDRNOTAVAIL));
    };
    socket.send_to(&release(address, hardware, client_id, server), (server, 67)).map(drop)
}

fn release(address: Ipv4Addr, hardware: &Hardware, client_id: Option<&[u8]>, server: Ipv4Addr) -> Vec<u8> {
    let server = server.octets();
    let mut options: Vec<(u8, &[u8])> = vec![(53, &[7]), (54, &server)];
    options.extend(client_id.map(|id| (61, id)));
    request(hardware, address.octets(), &options)
}

/// The IPv4 addresses of an interface, with their masks.
fn own_addresses(interface: &str) -> io::Result<Vec<(Ipv4Addr, Ipv4Addr)>> {
    let mut addresses = Vec::new();
    for entry in getifaddrs().map_err(io::Error::from)?.filter(|entry| entry.interface_name == interface) {
        let v4 = |storage: Option<nix::sys::socket::SockaddrStorage>| Some(storage?.as_sockaddr_in()?.ip());
        if let (Some(address), Some(mask)) = (v4(entry.address), v4(entry.netmask)) {
            addresses.push((address, mask));
        }
    }
    Ok(addresses)
}

/// The server's address: ours on the network of the leased one, else any of the interface.
fn choose(own: &[(Ipv4Addr, Ipv4Addr)], leased: Ipv4Addr) -> Option<Ipv4Addr> {
    let on_link = |(address, mask): &&(Ipv4Addr, Ipv4Addr)| {
        (u32::from(*address) ^ u32::from(leased)) & u32::from(*mask) == 0 && !IpAddr::from(*address).is_unspecified()
    };
    own.iter().find(on_link).or(own.first()).map(|(address, _)| *address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_the_originals() {
        let hardware = Hardware::parse("06-02:00:00:00:00:78").unwrap();
        let packet = release([10, 8, 1, 78].into(), &hardware, Some(&[1, 2, 255]), [10, 8, 1, 1].into());
        assert_eq!(packet.len(), 548);
        assert_eq!(packet[..16], [1, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 8, 1, 78]);
        assert_eq!(packet[28..34], [2, 0, 0, 0, 0, 0x78]);
        let options = [53, 1, 7, 54, 4, 10, 8, 1, 1, 61, 3, 1, 2, 255, 255, 0];
        assert_eq!(packet[236..256], [&[99, 130, 83, 99][..], &options].concat());
    }

    #[test]
    fn the_server_is_ours_on_the_clients_network() {
        let mask = Ipv4Addr::new(255, 255, 255, 0);
        let own = [(Ipv4Addr::new(10, 8, 0, 1), mask), (Ipv4Addr::new(10, 8, 1, 1), mask)];
        let chosen = |last: [u8; 4]| choose(&own, last.into()).unwrap().octets();
        assert_eq!(chosen([10, 8, 1, 78]), [10, 8, 1, 1]);
        assert_eq!(chosen([10, 99, 0, 79]), [10, 8, 0, 1]);
        assert_eq!(choose(&[], Ipv4Addr::LOCALHOST), None);
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        let run = |arguments: &[&str]| main(&arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(run(&["lo", "10.0.0.1"]), Outcome::bad(USAGE, 1));
        assert_eq!(run(&["lo", "x", "01:02"]).error, "invalid ip address: x\n");
        assert_eq!(run(&["no-such-if", "10.0.0.1", "01:02"]).status, 1);
    }
}
