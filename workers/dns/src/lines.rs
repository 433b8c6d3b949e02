//! Every log line of this core. The texts are dnsmasq's: people parse them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipc::config::dns::LogQueries;
use ipc::log::{LINE_BYTES_MAX, Line, Severity};

use crate::allowlist::NameFault;
use crate::name::Shown;
use crate::query::Client;
use crate::wire::{rcode, rtype};

// ---------------------------------------------------------------------- queries

/// Writes `log-queries` lines in the form that the options ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryLog(pub LogQueries);

/// Which query a line is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub serial: u32,
    pub client: Client,
    /// The client has its answer; what follows goes on without it.
    pub answered: bool,
}

impl QueryLog {
    /// Is there anything to write?
    pub fn is_on(&self) -> bool {
        // There are no authoritative zones, so nothing is left to `auth`.
        self.0.on && !self.0.auth
    }

    /// Writes a line that tells of no error and no negative answer.
    pub fn write(&self, lines: &mut Vec<Line>, about: About, text: fmt::Arguments<'_>) {
        if !self.0.only_failed {
            self.write_failed(lines, about, text);
        }
    }

    /// Writes a line that tells of an error or a negative answer.
    pub fn write_failed(&self, lines: &mut Vec<Line>, about: About, text: fmt::Arguments<'_>) {
        if !self.is_on() {
            return;
        }
        let client = about.client;
        let transport = match (self.0.proto, client.tcp) {
            (false, _) => "",
            (true, true) => "TCP ",
            (true, false) => "UDP ",
        };
        let text = match self.0.proto || self.0.extra {
            false => text.to_string(),
            true if about.answered => format!("{transport}{} {text}", about.serial),
            true => format!("{transport}{} {}/{} {text}", about.serial, client.address, client.port),
        };
        lines.push(line(Severity::Info, text));
    }

    /// Writes what a source said.
    pub fn said(&self, lines: &mut Vec<Line>, about: About, source: &str, said: &Said<'_>) {
        match said {
            Said::Negative { .. } => self.write_failed(lines, about, format_args!("{source} {said}")),
            _ => self.write(lines, about, format_args!("{source} {said}")),
        }
    }
}

/// `NAME is X`. Names are in wire form.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    Address { name: &'a [u8], address: IpAddr },
    Cname { name: &'a [u8] },
    Pointer { address: IpAddr, name: &'a [u8] },
    Text { name: &'a [u8], text: &'a [u8] },
    Other { name: &'a [u8], rtype: u16 },
    Negative { name: &'a [u8], address: Option<IpAddr>, qtype: u16, missing: bool },
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Said::Address { name, address } => write!(f, "{} is {address}", Shown(name)),
            Said::Cname { name } => write!(f, "{} is <CNAME>", Shown(name)),
            Said::Pointer { address, name } => write!(f, "{address} is {}", Shown(name)),
            Said::Text { name, text } => write!(f, "{} is {}", Shown(name), String::from_utf8_lossy(text)),
            Said::Other { name, rtype } => write!(f, "{} is <{}>", Shown(name), TypeName(rtype)),
            Said::Negative { name, address, qtype, missing } => {
                match address {
                    Some(address) => write!(f, "{address} is ")?,
                    None => write!(f, "{} is ", Shown(name))?,
                }
                f.write_str(match qtype {
                    _ if missing => "NXDOMAIN",
                    rtype::A => "NODATA-IPv4",
                    rtype::AAAA => "NODATA-IPv6",
                    _ => "NODATA",
                })
            }
        }
    }
}

/// The words for an RCODE after `error is`.
pub(crate) struct RcodeName(pub u8);

impl fmt::Display for RcodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("FORMERR"),
            rcode::SERVFAIL => f.write_str("SERVFAIL"),
            rcode::NOTIMP => f.write_str("not implemented"),
            rcode::REFUSED => f.write_str("REFUSED"),
            other => write!(f, "{other}"),
        }
    }
}

/// An upstream: the port only when it is not 53.
pub(crate) struct Server(pub SocketAddr);

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            53 => write!(f, "{}", self.0.ip()),
            port => write!(f, "{}#{port}", self.0.ip()),
        }
    }
}

/// The mnemonic of a record type (IANA's registry), or `type=N`.
pub(crate) struct TypeName(pub u16);

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.binary_search_by_key(&self.0, |(number, _)| *number) {
            Ok(position) => f.write_str(TYPES[position].1),
            Err(_) => write!(f, "type={}", self.0),
        }
    }
}

/// Sorted by number.
const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (3, "MD"),
    (4, "MF"),
    (5, "CNAME"),
    (6, "SOA"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (12, "PTR"),
    (13, "HINFO"),
    (14, "MINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP_PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (28, "AAAA"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (33, "SRV"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (56, "NINFO"),
    (57, "RKEY"),
    (58, "TALINK"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (100, "UINFO"),
    (101, "UID"),
    (102, "GID"),
    (103, "UNSPEC"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (258, "AVC"),
    (259, "DOA"),
    (260, "AMTRELAY"),
    (32768, "TA"),
    (32769, "DLV"),
];

// ---------------------------------------------------------------------- everything else

/// A line, cut to what the log takes.
pub(crate) fn line(severity: Severity, mut text: String) -> Line {
    if text.len() > LINE_BYTES_MAX {
        let mut end = LINE_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    Line { severity, text }
}

pub(crate) fn bad_address(path: &str, number: usize) -> Line {
    line(Severity::Error, format!("bad address at {path} line {number}"))
}

pub(crate) fn bad_name(path: &str, number: usize) -> Line {
    line(Severity::Error, format!("bad name at {path} line {number}"))
}

pub(crate) fn more_bad_lines(path: &str, count: u64) -> Line {
    line(Severity::Error, format!("{count} more bad addresses and names at {path}"))
}

pub(crate) fn hosts_full(path: &str) -> Line {
    line(Severity::Error, format!("too many names: not all of {path} are kept"))
}

pub(crate) fn too_many_for_dhcp(count: usize) -> Line {
    line(Severity::Warning, format!("hosts files name more addresses than DHCP can learn: {count} are left out"))
}

pub(crate) fn read_hosts(path: &str, names: u64) -> Line {
    line(Severity::Info, format!("read {path} - {names} names"))
}

pub(crate) fn hosts_changed(path: &str) -> Line {
    line(Severity::Info, format!("inotify: {path} new or modified"))
}

pub(crate) fn hosts_gone(path: &str) -> Line {
    line(Severity::Info, format!("inotify: {path} removed"))
}

pub(crate) fn hosts_flushed(path: &str, names: usize) -> Line {
    line(Severity::Info, format!("inotify: flushed {names} names read from {path}"))
}

pub(crate) fn hosts_unreadable(path: &str, reason: &str) -> Line {
    line(Severity::Error, format!("failed to load names from {path}: {reason}"))
}

pub(crate) fn reading(path: &str) -> Line {
    line(Severity::Info, format!("reading {path}"))
}

pub(crate) fn no_servers(path: &str) -> Line {
    line(Severity::Warning, format!("no servers found in {path}, will retry"))
}

pub(crate) fn using_nameserver(upstream: SocketAddr) -> Line {
    line(Severity::Info, format!("using nameserver {}#{}", upstream.ip(), upstream.port()))
}

/// Follows dnsmasq's line about too many queries, and says whose they are.
pub(crate) fn most_queries(client: IpAddr, count: usize) -> Line {
    line(Severity::Warning, format!("{count} of them are for {client}, more than for any other client"))
}

pub(crate) fn looping_nameserver(upstream: SocketAddr) -> Line {
    line(Severity::Info, format!("NOT using nameserver {}#{} - query loop detected", upstream.ip(), upstream.port()))
}

/// The trailing blank is dnsmasq's.
pub(crate) fn using_nameserver_for(upstream: SocketAddr, domain: &str) -> Line {
    line(Severity::Info, format!("using nameserver {}#{} for domain {domain} ", upstream.ip(), upstream.port()))
}

/// The trailing blank is dnsmasq's here too.
pub(crate) fn using_nameserver_unqualified(upstream: SocketAddr) -> Line {
    line(Severity::Info, format!("using nameserver {}#{} for unqualified names ", upstream.ip(), upstream.port()))
}

pub(crate) fn using_local_only(domain: &str) -> Line {
    line(Severity::Info, format!("using only locally-known addresses for {domain}"))
}

pub(crate) fn using_standard(domain: &str) -> Line {
    line(Severity::Info, format!("using standard nameservers for {domain}"))
}

pub(crate) fn case_mismatch() -> Line {
    line(Severity::Warning, "Case mismatch in DNS reply - check bit 0x20 encoding.".to_owned())
}

pub(crate) fn subnet_mismatch() -> Line {
    line(Severity::Warning, "discarding DNS reply: subnet option mismatch".to_owned())
}

pub(crate) fn more_local(count: usize) -> Line {
    line(Severity::Info, format!("using {count} more local addresses"))
}

pub(crate) fn more_nameservers(count: usize) -> Line {
    line(Severity::Info, format!("using {count} more nameservers"))
}

pub(crate) fn ignoring_ourselves(upstream: SocketAddr) -> Line {
    line(Severity::Warning, format!("ignoring nameserver {} - local interface", upstream.ip()))
}

pub(crate) fn cleared_cache() -> Line {
    line(Severity::Info, "cleared cache".to_owned())
}

pub(crate) fn not_local(client: IpAddr, tcp: bool) -> Line {
    let once = if tcp { "" } else { " (logged only once)" };
    line(Severity::Warning, format!("ignoring query from non-local network {client}{once}"))
}

pub(crate) fn too_many_queries(domain: &str, most: u32) -> Line {
    let whom = if domain.is_empty() { String::new() } else { format!(" to {domain}") };
    line(Severity::Warning, format!("Maximum number of concurrent DNS queries{whom} reached (max: {most})"))
}

pub(crate) fn rebind(name: &[u8]) -> Line {
    line(Severity::Warning, format!("possible DNS-rebind attack detected: {}", Shown(name)))
}

pub(crate) fn no_host_name(fault: NameFault) -> Line {
    line(Severity::Warning, format!("Invalid DNS name: {fault}"))
}

pub(crate) fn ipset_failed(set: &str, reason: &str) -> Line {
    line(Severity::Error, format!("failed to update ipset {set}: {reason}"))
}

pub(crate) fn nftset_failed(set: &str, reason: &str) -> Line {
    line(Severity::Error, format!("nftset {set} Error: {reason}"))
}

/// The one line that dnsmasq does not have: there no process is asked.
pub(crate) fn kernel_not_asked() -> Line {
    let text =
        "the kernel cannot be asked: replies go out without address sets, queries without marks and hardware addresses";
    line(Severity::Warning, text.to_owned())
}

pub(crate) fn no_recursion(upstream: SocketAddr) -> Line {
    line(Severity::Warning, format!("nameserver {} refused to do a recursive query", upstream.ip()))
}

pub(crate) fn lease_name_taken(name: &str, lease: IpAddr, source: &str, address: IpAddr) -> Line {
    let text = format!(
        "not giving name {name} to the DHCP lease of {lease} because the name exists in {source} with address {address}"
    );
    line(Severity::Warning, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted_and_unknown_ones_are_numbers() {
        assert!(TYPES.is_sorted_by_key(|(number, _)| *number));
        assert_eq!(format!("{} {}", TypeName(65), TypeName(1234)), "HTTPS type=1234");
    }

    #[test]
    fn the_modifiers_of_log_queries() {
        let client =
            Client { address: "10.0.0.1".parse().unwrap(), port: 53000, tcp: true, asked: "10.0.0.2".parse().unwrap() };
        let about = About { serial: 7, client, answered: false };
        let write = |settings| {
            let mut lines = Vec::new();
            QueryLog(settings).write(&mut lines, about, format_args!("x"));
            lines.pop().map(|line| line.text)
        };
        let on = LogQueries { on: true, ..LogQueries::default() };
        assert_eq!(write(LogQueries::default()), None);
        assert_eq!(write(on).unwrap(), "x");
        assert_eq!(write(LogQueries { extra: true, ..on }).unwrap(), "7 10.0.0.1/53000 x");
        assert_eq!(write(LogQueries { extra: true, proto: true, ..on }).unwrap(), "TCP 7 10.0.0.1/53000 x");
        assert_eq!(write(LogQueries { only_failed: true, ..on }), None);
        assert_eq!(write(LogQueries { auth: true, ..on }), None);
    }
}
