//! The texts of this core's log lines. People parse them, so they are dnsmasq's to the blank.

use std::net::Ipv4Addr;

use ipc::config::dhcp::{INFINITE, Pool, PoolMode};
use ipc::log::{LINE_BYTES_MAX, Line, Severity};

/// A line of everyday.
pub(crate) fn info(text: String) -> Line {
    line(Severity::Info, text)
}

/// A line that somebody should read.
pub(crate) fn warning(text: String) -> Line {
    line(Severity::Warning, text)
}

/// A line about what cannot be done.
pub(crate) fn error(text: String) -> Line {
    line(Severity::Error, text)
}

fn line(severity: Severity, mut text: String) -> Line {
    text.truncate(text.floor_char_boundary(LINE_BYTES_MAX));
    Line { severity, text }
}

/// `TYPE(IF) [ADDRESS ]CLIENT NAMEERROR`: without a name the line ends with a blank.
pub(crate) fn message(
    kind: &str,
    interface: &str,
    address: Option<Ipv4Addr>,
    client: &str,
    name: &str,
    error: &str,
) -> String {
    let address = address.map(|address| format!("{address} ")).unwrap_or_default();
    format!("{kind}({interface}) {address}{client} {name}{error}")
}

/// What a pool is for, at start. Proxy pools are for PXE alone.
pub(crate) fn pool_at_start(pool: &Pool) -> String {
    let (first, last, time) = (pool.first, pool.last, duration(pool.lease_time_s));
    match pool.mode {
        PoolMode::Dynamic => format!("DHCP, IP range {first} -- {last}, lease time {time}"),
        PoolMode::Static => format!("DHCP, static leases only on {first}, lease time {time}"),
        PoolMode::Proxy => format!("DHCP, proxy on subnet {first}"),
    }
}

/// Seconds as `1d2h3m4s`, units of zero left out.
pub(crate) fn duration(seconds: u32) -> String {
    if seconds == INFINITE {
        return "infinite".to_owned();
    }
    let parts = [(seconds / 86_400, 'd'), (seconds / 3_600 % 24, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let text: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Foreign bytes without those that are not printable.
pub(crate) fn printable(bytes: &[u8]) -> String {
    bytes.iter().filter(|byte| matches!(byte, b' '..=b'~')).map(|byte| char::from(*byte)).collect()
}

/// Bytes in hex with colons; `<null>` for none.
pub(crate) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "<null>".to_owned();
    }
    let mut text = String::with_capacity(3 * bytes.len());
    for byte in bytes {
        if !text.is_empty() {
            text.push(':');
        }
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_leave_out_zeros() {
        for (seconds, text) in [(3600, "1h"), (120, "2m"), (90061, "1d1h1m1s"), (INFINITE, "infinite"), (0, "0s")] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_line_without_name_ends_with_a_blank() {
        assert_eq!(message("DHCPDISCOVER", "eth0", None, "02:00", "", ""), "DHCPDISCOVER(eth0) 02:00 ");
        let address = Some(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(message("DHCPACK", "eth0", address, "02:00", "pc", ""), "DHCPACK(eth0) 10.0.0.1 02:00 pc");
    }
}
