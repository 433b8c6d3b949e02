//! The names of DHCP options, and what their values are.

use Kind::{Addresses, Free, Names, Number, Strings, Text, Time};

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Addresses of the family.
    Addresses,
    /// A number of so many bytes.
    Number(u8),
    /// Text, whatever it looks like.
    Text,
    /// Domain names.
    Names,
    /// Counted strings.
    Strings,
    /// Seconds, in 4 bytes.
    Time,
    /// Told by its looks alone.
    Free,
}

/// One option that has a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    /// The name, which is looked up in any letter case.
    pub(crate) name: &'static str,
    /// The number.
    pub(crate) code: u16,
    /// The value.
    pub(crate) kind: Kind,
    /// The server fills it in itself: it may be written by number only.
    pub(crate) internal: bool,
}

const fn row(name: &'static str, code: u16, kind: Kind) -> Named {
    Named { name, code, kind, internal: false }
}

const fn hidden(name: &'static str, code: u16, kind: Kind) -> Named {
    Named { name, code, kind, internal: true }
}

/// Options of DHCPv4 (RFC 2132 and later), by number. 255 is no option but the header field `siaddr`.
#[rustfmt::skip]
pub(crate) const NAMES_4: &[Named] = &[
    row("netmask", 1, Addresses),
    row("time-offset", 2, Number(4)),
    row("router", 3, Addresses),
    row("dns-server", 6, Addresses),
    row("log-server", 7, Addresses),
    row("lpr-server", 9, Addresses),
    hidden("hostname", 12, Text),
    row("boot-file-size", 13, Number(2)),
    row("domain-name", 15, Text),
    row("swap-server", 16, Addresses),
    row("root-path", 17, Text),
    row("extension-path", 18, Text),
    row("ip-forward-enable", 19, Number(1)),
    row("non-local-source-routing", 20, Number(1)),
    row("policy-filter", 21, Addresses),
    row("max-datagram-reassembly", 22, Number(2)),
    row("default-ttl", 23, Number(1)),
    row("mtu", 26, Number(2)),
    row("all-subnets-local", 27, Number(1)),
    hidden("broadcast", 28, Addresses),
    row("router-discovery", 31, Number(1)),
    row("router-solicitation", 32, Addresses),
    row("static-route", 33, Addresses),
    row("trailer-encapsulation", 34, Number(1)),
    row("arp-timeout", 35, Number(4)),
    row("ethernet-encap", 36, Number(1)),
    row("tcp-ttl", 37, Number(1)),
    row("tcp-keepalive", 38, Number(4)),
    row("nis-domain", 40, Text),
    row("nis-server", 41, Addresses),
    row("ntp-server", 42, Addresses),
    hidden("vendor-encap", 43, Free),
    row("netbios-ns", 44, Addresses),
    row("netbios-dd", 45, Addresses),
    row("netbios-nodetype", 46, Number(1)),
    row("netbios-scope", 47, Free),
    row("x-windows-fs", 48, Addresses),
    row("x-windows-dm", 49, Addresses),
    hidden("requested-address", 50, Addresses),
    hidden("lease-time", 51, Time),
    hidden("option-overload", 52, Free),
    hidden("message-type", 53, Free),
    hidden("server-identifier", 54, Addresses),
    hidden("parameter-request", 55, Free),
    hidden("message", 56, Free),
    hidden("max-message-size", 57, Free),
    row("T1", 58, Time),
    row("T2", 59, Time),
    row("vendor-class", 60, Free),
    hidden("client-id", 61, Free),
    row("nis+-domain", 64, Text),
    row("nis+-server", 65, Addresses),
    row("tftp-server", 66, Text),
    row("bootfile-name", 67, Text),
    row("mobile-ip-home", 68, Addresses),
    row("smtp-server", 69, Addresses),
    row("pop3-server", 70, Addresses),
    row("nntp-server", 71, Addresses),
    row("irc-server", 74, Addresses),
    row("user-class", 77, Free),
    row("rapid-commit", 80, Free),
    hidden("FQDN", 81, Free),
    hidden("agent-info", 82, Free),
    row("last-transaction", 91, Time),
    row("associated-ip", 92, Addresses),
    row("client-arch", 93, Number(2)),
    row("client-interface-id", 94, Free),
    row("client-machine-id", 97, Free),
    row("posix-timezone", 100, Text),
    row("tzdb-timezone", 101, Text),
    row("ipv6-only", 108, Number(4)),
    row("captive-portal", 114, Text),
    hidden("subnet-select", 118, Free),
    row("domain-search", 119, Names),
    row("sip-server", 120, Free),
    row("classless-static-route", 121, Free),
    row("vendor-id-encap", 125, Free),
    row("tftp-server-address", 150, Addresses),
    row("server-ip-address", 255, Addresses),
];

/// Options of DHCPv6 (RFC 8415 and others), by number.
#[rustfmt::skip]
pub(crate) const NAMES_6: &[Named] = &[
    hidden("client-id", 1, Free),
    hidden("server-id", 2, Free),
    hidden("ia-na", 3, Free),
    hidden("ia-ta", 4, Free),
    hidden("iaaddr", 5, Free),
    hidden("oro", 6, Free),
    hidden("preference", 7, Free),
    hidden("unicast", 12, Free),
    hidden("status", 13, Free),
    hidden("rapid-commit", 14, Free),
    hidden("user-class", 15, Strings),
    hidden("vendor-class", 16, Strings),
    hidden("vendor-opts", 17, Free),
    row("sip-server-domain", 21, Names),
    row("sip-server", 22, Addresses),
    row("dns-server", 23, Addresses),
    row("domain-search", 24, Names),
    row("nis-server", 27, Addresses),
    row("nis+-server", 28, Addresses),
    row("nis-domain", 29, Names),
    row("nis+-domain", 30, Names),
    row("sntp-server", 31, Addresses),
    row("information-refresh-time", 32, Time),
    hidden("FQDN", 39, Names),
    row("posix-timezone", 41, Text),
    row("tzdb-timezone", 42, Text),
    row("ntp-server", 56, Free),
    row("bootfile-url", 59, Text),
    row("bootfile-param", 60, Strings),
    row("captive-portal", 103, Text),
];
