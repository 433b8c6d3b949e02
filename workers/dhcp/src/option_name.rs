//! What `log-dhcp` calls the options, and how it prints their values.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::lines;

/// How a value is printed.
#[derive(Clone, Copy)]
enum Form {
    Addresses,
    Bytes,
    Number,
    Text,
    Time,
}

/// Bytes of a value that are printed before it is cut.
const SHOWN_BYTES_MAX: usize = 14;

/// The name of an option, or nothing.
pub(crate) fn name(code: u8) -> &'static str {
    row(code).map_or("", |(_, name, _)| name)
}

/// The value of an option as text.
pub(crate) fn value_text(code: u8, value: &[u8]) -> String {
    let form = row(code).map_or(Form::Bytes, |(_, _, form)| *form);
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
    match form {
        Form::Addresses if value.len().is_multiple_of(4) => {
            let addresses = value.as_chunks::<4>().0.iter().map(|bytes| Ipv4Addr::from(*bytes).to_string());
            addresses.collect::<Vec<_>>().join(", ")
        }
        Form::Number if (1..=4).contains(&value.len()) => big_endian(value).to_string(),
        Form::Text => lines::printable(value),
        Form::Time if value.len() == 4 => lines::duration(big_endian(value)),
        _ => {
            let mut text = String::new();
            for (position, byte) in value.iter().take(SHOWN_BYTES_MAX).enumerate() {
                let _ = write!(text, "{}{byte:02x}", if position == 0 { "" } else { ":" });
            }
            if value.len() > SHOWN_BYTES_MAX {
                text.push_str("...");
            }
            text
        }
    }
}

fn row(code: u8) -> Option<&'static (u8, &'static str, Form)> {
    NAMES.binary_search_by_key(&code, |(code, _, _)| *code).ok().and_then(|position| NAMES.get(position))
}

/// In order of code.
const NAMES: &[(u8, &str, Form)] = &[
    (1, "netmask", Form::Addresses),
    (2, "time-offset", Form::Number),
    (3, "router", Form::Addresses),
    (6, "dns-server", Form::Addresses),
    (7, "log-server", Form::Addresses),
    (9, "lpr-server", Form::Addresses),
    (12, "hostname", Form::Text),
    (13, "boot-file-size", Form::Number),
    (15, "domain-name", Form::Text),
    (16, "swap-server", Form::Addresses),
    (17, "root-path", Form::Text),
    (18, "extension-path", Form::Text),
    (19, "ip-forward-enable", Form::Number),
    (20, "non-local-source-routing", Form::Number),
    (21, "policy-filter", Form::Addresses),
    (22, "max-datagram-reassembly", Form::Number),
    (23, "default-ttl", Form::Number),
    (26, "mtu", Form::Number),
    (27, "all-subnets-local", Form::Number),
    (28, "broadcast", Form::Addresses),
    (31, "router-discovery", Form::Number),
    (32, "router-solicitation", Form::Addresses),
    (33, "static-route", Form::Addresses),
    (34, "trailer-encapsulation", Form::Number),
    (35, "arp-timeout", Form::Number),
    (36, "ethernet-encap", Form::Number),
    (37, "tcp-ttl", Form::Number),
    (38, "tcp-keepalive", Form::Number),
    (40, "nis-domain", Form::Text),
    (41, "nis-server", Form::Addresses),
    (42, "ntp-server", Form::Addresses),
    (43, "vendor-encap", Form::Bytes),
    (44, "netbios-ns", Form::Addresses),
    (45, "netbios-dd", Form::Addresses),
    (46, "netbios-nodetype", Form::Number),
    (47, "netbios-scope", Form::Bytes),
    (48, "x-windows-fs", Form::Addresses),
    (49, "x-windows-dm", Form::Addresses),
    (50, "requested-address", Form::Addresses),
    (51, "lease-time", Form::Time),
    (52, "option-overload", Form::Bytes),
    (53, "message-type", Form::Number),
    (54, "server-identifier", Form::Addresses),
    (55, "parameter-request", Form::Bytes),
    (56, "message", Form::Bytes),
    (57, "max-message-size", Form::Bytes),
    (58, "T1", Form::Time),
    (59, "T2", Form::Time),
    (60, "vendor-class", Form::Bytes),
    (61, "client-id", Form::Bytes),
    (64, "nis+-domain", Form::Text),
    (65, "nis+-server", Form::Addresses),
    (66, "tftp-server", Form::Text),
    (67, "bootfile-name", Form::Text),
    (68, "mobile-ip-home", Form::Addresses),
    (69, "smtp-server", Form::Addresses),
    (70, "pop3-server", Form::Addresses),
    (71, "nntp-server", Form::Addresses),
    (74, "irc-server", Form::Addresses),
    (77, "user-class", Form::Bytes),
    (80, "rapid-commit", Form::Bytes),
    (81, "FQDN", Form::Bytes),
    (82, "agent-info", Form::Bytes),
    (91, "last-transaction", Form::Time),
    (92, "associated-ip", Form::Addresses),
    (93, "client-arch", Form::Number),
    (94, "client-interface-id", Form::Bytes),
    (97, "client-machine-id", Form::Bytes),
    (100, "posix-timezone", Form::Text),
    (101, "tzdb-timezone", Form::Text),
    (108, "ipv6-only", Form::Number),
    (114, "captive-portal", Form::Text),
    (118, "subnet-select", Form::Bytes),
    (119, "domain-search", Form::Bytes),
    (120, "sip-server", Form::Bytes),
    (121, "classless-static-route", Form::Bytes),
    (125, "vendor-id-encap", Form::Bytes),
    (150, "tftp-server-address", Form::Addresses),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_dnsmasq_prints_them() {
        assert!(NAMES.is_sorted_by_key(|(code, _, _)| *code));
        assert_eq!(value_text(53, &[2]), "2");
        assert_eq!(value_text(26, &[5, 120]), "1400");
        assert_eq!(value_text(59, &3150u32.to_be_bytes()), "52m30s");
        assert_eq!(value_text(3, &[1, 2, 3, 4, 5, 6, 7, 8]), "1.2.3.4, 5.6.7.8");
        assert_eq!(value_text(56, b"wrong address"), "77:72:6f:6e:67:20:61:64:64:72:65:73:73");
        assert_eq!(value_text(208, &[1; 15]), "01:01:01:01:01:01:01:01:01:01:01:01:01:01...");
        assert_eq!((name(42), name(208)), ("ntp-server", ""));
    }
}
