//! `dhcp_release6`: gives an IPv6 lease back in the name of its client (RFC 8415 section 18.2.7).

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt as _};

use super::{Outcome, bind_to, hex, receive};
use crate::{broker, files};

/// RELEASE and REPLY.
const RELEASE: u8 = 8;
const REPLY: u8 = 7;
/// All relay agents and servers on the link.
const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// How often the message is sent, and how long each attempt waits.
const ATTEMPTS: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(1);
/// The exit status of every error; what a server answers is its own.
const STATUS_FAILED: u8 = 255;
const STATUS_BAD_ADDRESS: u8 = 1;

/// What is asked for.
#[derive(Debug, Default)]
struct Wish {
    addresses: Vec<Ipv6Addr>,
    interface: Option<String>,
    client: Option<Vec<u8>>,
    server: Option<Vec<u8>>,
    iaid: Option<u32>,
    dry_run: bool,
    help: bool,
}

/// Runs the program, which was called by this name.
pub fn main(name: &str, arguments: &[String]) -> Outcome {
    let usage = format!(
        "Usage: {name} --ip IPv6 --iface IFACE --server-id SERVER_ID --client-id CLIENT_ID --iaid IAID [--dry-run] | --help\n"
    );
    let wish = match read(arguments) {
        Ok(wish) => wish,
        Err(Refusal::Address) => return Outcome::bad("Not in presentation format", STATUS_BAD_ADDRESS),
        Err(Refusal::Usage(text)) => return Outcome::bad(format!("{name}: {text}\n{usage}"), STATUS_FAILED),
    };
    if wish.help {
        return Outcome::good(usage);
    }
    let missing = |what: &str| Outcome::bad(format!("Missing required {what} parameter\n{usage}"), STATUS_FAILED);
    let Some(iaid) = wish.iaid else { return missing("iaid") };
    let Some(server) = wish.server else { return missing("server-id") };
    let Some(client) = wish.client else { return missing("client-id") };
    if wish.addresses.is_empty() {
        return missing("ip");
    }
    let Some(interface) = wish.interface else { return missing("iface") };
    if wish.dry_run {
        // Without a transaction, so that the same arguments print the same.
        let packet = message([0; 3], &client, &server, iaid, &wish.addresses);
        return Outcome::good(packet.iter().map(|byte| format!("{byte:x}")).collect::<String>() + "\n");
    }
    let transaction: [u8; 3] = broker::random();
    let packet = message(transaction, &client, &server, iaid, &wish.addresses);
    match send(&interface, transaction, &packet) {
        Ok(Some(status)) => Outcome { status, ..Outcome::good("") },
        Ok(None) => Outcome::bad("Response timed out\n", STATUS_FAILED),
        Err(error) => Outcome::bad(format!("SO_BINDTODEVICE: {}\n", files::reason(&error)), STATUS_FAILED),
    }
}

/// Why arguments are refused.
#[derive(Debug)]
enum Refusal {
    /// No IPv6 address.
    Address,
    /// Anything else.
    Usage(String),
}

fn read(arguments: &[String]) -> Result<Wish, Refusal> {
    let mut wish = Wish::default();
    let mut parser = Parser::from_args(arguments);
    let usage = |error: lexopt::Error| Refusal::Usage(error.to_string());
    while let Some(argument) = parser.next().map_err(usage)? {
        let letter = match argument {
            Arg::Short(letter @ ('a' | 'n' | 'c' | 's' | 'i' | 'd' | 'h')) => letter,
            Arg::Long("ip") => 'a',
            Arg::Long("iface") => 'n',
            Arg::Long("client-id") => 'c',
            Arg::Long("server-id") => 's',
            Arg::Long("iaid") => 'i',
            Arg::Long("dry-run") => 'd',
            Arg::Long("help") => 'h',
            other => return Err(usage(other.unexpected())),
        };
        let mut value = || parser.value().and_then(|value| value.string()).map_err(usage);
        match letter {
            'a' => wish.addresses.push(value()?.parse().map_err(|_| Refusal::Address)?),
            'n' => wish.interface = Some(value()?),
            'c' => wish.client = Some(duid(&value()?)?),
            's' => wish.server = Some(duid(&value()?)?),
            'i' => {
                let text = value()?;
                wish.iaid = Some(text.parse().map_err(|_| Refusal::Usage(format!("invalid iaid: {text}")))?);
            }
            'd' => wish.dry_run = true,
            _ => wish.help = true,
        }
    }
    Ok(wish)
}

/// A DUID. A length of two bytes stands in front of it.
fn duid(text: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = hex(text).filter(|bytes| bytes.len() <= usize::from(u16::MAX));
    bytes.ok_or_else(|| Refusal::Usage(format!("invalid id: {text}")))
}

/// The message: client, server, and one association with the addresses to give back, whose lifetimes mean nothing.
fn message(transaction: [u8; 3], client: &[u8], server: &[u8], iaid: u32, addresses: &[Ipv6Addr]) -> Vec<u8> {
    let mut association = [iaid.to_be_bytes(), [0; 4], [0; 4]].concat();
    for address in addresses {
        let value = [&address.octets()[..], &[0; 8]].concat();
        put(&mut association, 5, &value);
    }
    let mut packet = vec![RELEASE];
    packet.extend(transaction);
    put(&mut packet, 1, client);
    put(&mut packet, 2, server);
    put(&mut packet, 3, &association);
    packet
}

fn put(packet: &mut Vec<u8>, code: u16, value: &[u8]) {
    packet.extend(code.to_be_bytes());
    packet.extend((value.len() as u16).to_be_bytes());
    packet.extend_from_slice(value);
}

/// Sends it until a server answers: the status code of the answer.
fn send(interface: &str, transaction: [u8; 3], packet: &[u8]) -> io::Result<Option<u8>> {
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 546))?;
    bind_to(&socket, interface)?;
    let index = nix::net::if_::if_nametoindex(interface).map_err(io::Error::from)?;
    for _ in 0..ATTEMPTS {
        socket.send_to(packet, SocketAddrV6::new(SERVERS, 547, 0, index))?;
        if let Some(status) = receive(&socket, PATIENCE, |bytes| answer(bytes, transaction)) {
            return Ok(Some(status));
        }
    }
    Ok(None)
}

/// The status code of a REPLY to this transaction (RFC 8415 section 21.13); success if it has none.
fn answer(bytes: &[u8], transaction: [u8; 3]) -> Option<u8> {
    let mut options = bytes.strip_prefix(&[REPLY])?.strip_prefix(&transaction)?;
    while let Some((head, rest)) = options.split_first_chunk::<4>() {
        let [code, length] = [[head[0], head[1]], [head[2], head[3]]].map(u16::from_be_bytes);
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        if let (13, [high, low, ..]) = (code, value) {
            return Some(if *high == 0 { *low } else { STATUS_FAILED });
        }
        options = rest;
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &str) -> Outcome {
        main("dhcp_release6", &arguments.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_dry_run_prints_what_the_original_prints() {
        let expected = "80000102010202020302800070000000005018fd00000000000000100000000\n";
        let long = "--iface=lo --client-id=00:01 --server-id=00:02 --iaid=7 --ip=fd00::1 --dry-run";
        assert_eq!(run(long), Outcome::good(expected));
        assert_eq!(run("-n lo -c 00:01 -s 00:02 -i 7 -a fd00::1 -d"), Outcome::good(expected));
        let max = run("-i 4294967295 -a fd00::1 -c 00:01 -s 00:01 -n lo -d");
        assert_eq!(max.output, "800001020102020103028ffffffff0000000005018fd00000000000000100000000\n");
    }

    #[test]
    fn what_is_missing_is_named_in_the_originals_order() {
        for (arguments, missing) in [
            ("-a fd00::1", "iaid"),
            ("-i 5", "server-id"),
            ("-i 5 -a fd00::1 -s 00:01", "client-id"),
            ("-i 5 -c 00:01 -s 00:01 -n lo", "ip"),
            ("-i 5 -a fd00::1 -c 00:01 -s 00:01", "iface"),
        ] {
            let outcome = run(arguments);
            assert_eq!(outcome.status, 255);
            assert!(
                outcome.error.starts_with(&format!("Missing required {missing} parameter\nUsage: ")),
                "{arguments}"
            );
        }
        assert_eq!((run("-a zz").status, run("-h").status, run("-x").status), (1, 0, 255));
    }

    #[test]
    fn the_exit_status_is_the_servers() {
        let status = |options: &[u8]| answer(&[&[7, 1, 2, 3][..], options].concat(), [1, 2, 3]);
        assert_eq!(status(&[]), Some(0));
        assert_eq!(status(&[0, 1, 0, 1, 9, 0, 13, 0, 2, 0, 3]), Some(3));
        assert_eq!(status(&[0, 13, 0, 9, 0, 3]), None);
        assert_eq!(answer(&[7, 1, 2, 4], [1, 2, 3]), None);
        assert_eq!(answer(&[2, 1, 2, 3], [1, 2, 3]), None);
    }
}
