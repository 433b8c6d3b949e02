//! `dhcp_lease_time`: asks the server on this machine how long a lease still lasts.
//!
//! The question is a DHCPINFORM over loopback that asks for option 51, which only that kind of message is answered with what is left.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::{Hardware, Outcome, receive, request};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the program.
pub fn main(arguments: &[String]) -> Outcome {
    let [address] = arguments else { return Outcome::bad("usage: dhcp_lease_time <address>\n", 1) };
    let Ok(address) = address.parse::<Ipv4Addr>() else {
        return Outcome::bad(format!("invalid address: {address}\n"), 1);
    };
    match ask(address) {
        Ok(Some(seconds)) => Outcome::good(text(seconds)),
        // As in dnsmasq, silence stands for "no such lease".
        Ok(None) => Outcome::bad("", 1),
        Err(error) => Outcome::bad(format!("cannot ask the server: {error}\n"), 1),
    }
}

fn ask(address: Ipv4Addr) -> io::Result<Option<u32>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let question = request(&Hardware::default(), address.octets(), &[(53, &[8]), (55, &[51])]);
    socket.send_to(&question, (Ipv4Addr::LOCALHOST, 67))?;
    Ok(receive(&socket, PATIENCE, |bytes| answer(bytes, address)).flatten())
}

/// The lease time in an answer about this address; the inner `None`: there is none.
fn answer(bytes: &[u8], address: Ipv4Addr) -> Option<Option<u32>> {
    let ours = bytes.first() == Some(&2) && bytes.get(12..16)? == address.octets();
    let mut options = bytes.get(240..).filter(|_| ours && bytes[236..240] == [99, 130, 83, 99])?;
    while let [code, rest @ ..] = options {
        options = match (code, rest) {
            (0, rest) => rest,
            (255, _) => break,
            (code, [length, rest @ ..]) => {
                let (value, rest) = rest.split_at_checked(usize::from(*length))?;
                if *code == 51 {
                    return Some(value.try_into().ok().map(u32::from_be_bytes));
                }
                rest
            }
            _ => break,
        };
    }
    Some(None)
}

/// `1d2h3m4s`, without what is 0.
fn text(seconds: u32) -> String {
    if seconds == u32::MAX {
        return "infinite".to_owned();
    }
    let parts = [(seconds / 86_400, 'd'), (seconds / 3600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_without_what_is_zero() {
        let shown = [3597, 86_400, 90_061, 0, u32::MAX].map(text);
        assert_eq!(shown, ["59m57s", "1d", "1d1h1m1s", "", "infinite"]);
    }

    #[test]
    fn only_an_answer_about_the_address_counts() {
        let address = Ipv4Addr::new(10, 0, 0, 9);
        let mut bytes = request(&Hardware::default(), address.octets(), &[(53, &[5]), (51, &[0, 0, 0, 60])]);
        bytes[0] = 2;
        assert_eq!(answer(&bytes, address), Some(Some(60)));
        assert_eq!(answer(&bytes, Ipv4Addr::new(10, 0, 0, 8)), None);
        bytes[243] = 50;
        for end in 0..bytes.len() {
            let _ = answer(&bytes[..end], address);
        }
        assert_eq!(main(&["zz".to_owned()]), Outcome::bad("invalid address: zz\n", 1));
        assert_eq!(main(&[]).status, 1);
    }
}
