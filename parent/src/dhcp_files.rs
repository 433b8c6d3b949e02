//! What files add to the configuration of DHCP (`dhcp-hostsfile`, `dhcp-hostsdir`, `dhcp-optsfile`, `dhcp-optsdir`, `/etc/ethers`).
//!
//! The parent reads them, as it reads the configuration: they are the administrator's, in the configuration's own grammar. What was read last
//! goes before what was read earlier, and before the configuration, as in dnsmasq.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use ipc::config::dhcp::{ClientIdRule, ConfiguredOption, HardwarePattern, HostRule};
use ipc::log::Severity;
use ipc::role::Role;

use crate::config::dhcp_files::DhcpFiles;
use crate::config::late;
use crate::files;
use crate::log::Speaker;

/// Where `read-ethers` looks.
pub const ETHERS: &str = "/etc/ethers";
/// Longest file, in bytes: a million hosts, and an end to endless ones.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Complaints about one file; a file may consist of nothing else.
const COMPLAINTS_MAX: usize = 100;

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Values of `dhcp-host`.
    Hosts,
    /// Values of `dhcp-option`.
    Options,
    /// Hardware addresses, each with an address or a name (ethers(5)).
    Ethers,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Content {
    /// Rules, the first to be tried first.
    pub rules: Vec<HostRule>,
    /// Options, the first to be tried first.
    pub options: Vec<ConfiguredOption>,
    /// What there is to log, in order.
    pub lines: Vec<(Speaker, Severity, String)>,
}

/// The rules by what a line of `/etc/ethers` may name: such a line adds a hardware address to the rule of that name or address.
#[derive(Debug, Default)]
pub struct Known {
    by_address: BTreeMap<Ipv4Addr, HostRule>,
    by_name: BTreeMap<String, HostRule>,
}

impl Known {
    /// Takes note of rules; those that are there already go before them.
    pub fn add(&mut self, rules: &[HostRule]) {
        for rule in rules {
            if let Some(address) = rule.address {
                self.by_address.entry(address).or_insert_with(|| rule.clone());
            }
            if let Some(name) = &rule.name {
                self.by_name.entry(name.to_ascii_lowercase()).or_insert_with(|| rule.clone());
            }
        }
    }
}

/// The files there are, in reading order. A directory stands for its files.
pub fn paths(configured: &DhcpFiles) -> Vec<(PathBuf, Kind)> {
    let each = |paths: &[PathBuf], kind| {
        paths.iter().flat_map(|path| files::expanded(path)).map(|path| (path, kind)).collect::<Vec<_>>()
    };
    let mut all = each(&configured.hosts, Kind::Hosts);
    all.extend(configured.ethers.then(|| (PathBuf::from(ETHERS), Kind::Ethers)));
    all.extend(each(&configured.options, Kind::Options));
    all.extend(each(&configured.options_dirs, Kind::Options));
    all.extend(each(&configured.hosts_dirs, Kind::Hosts));
    all
}

/// Reads a file. What cannot be read is named in the lines, and stands for an empty file.
pub fn read(path: &Path, kind: Kind, known: &Known) -> Content {
    match bytes(path) {
        Ok(bytes) => parse(&bytes, path, kind, known),
        Err(error) => {
            let text = format!("cannot read {}: {}", path.display(), files::reason(&error));
            let speaker = if kind == Kind::Ethers { Speaker::Worker(Role::Dhcp) } else { Speaker::Parent };
            Content { lines: vec![(speaker, Severity::Error, text)], ..Content::default() }
        }
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(files::open(path)?).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(bytes)
}

fn parse(bytes: &[u8], path: &Path, kind: Kind, known: &Known) -> Content {
    let shown = path.display();
    let mut content = Content::default();
    let mut complaints = Vec::new();
    let mut options = late::Options::default();
    let mut ethers = Ethers { known, taken: BTreeSet::new() };
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let place = || format!(" at line {number} of {shown}");
        match kind {
            Kind::Hosts => match late::host(line, &place()) {
                Ok(entry) => content.rules.extend(entry.map(|entry| entry.rule)),
                Err(error) => complaints.push(error.text),
            },
            Kind::Options => {
                if let Err(error) = options.take(line, &place()) {
                    complaints.push(error.text);
                }
            }
            Kind::Ethers => match ethers.rule(line) {
                Ok(rule) => content.rules.extend(rule),
                Err(EthersFault::Line) => complaints.push(format!("bad line at {shown} line {number}")),
                Err(EthersFault::Name) => complaints.push(format!("bad name at {shown} line {number}")),
                Err(EthersFault::Twice) => {
                    complaints.push(format!("ignoring {shown} line {number}, duplicate name or IP address"));
                }
            },
        }
    }
    content.options = options.finish();
    let (speaker, read) = match kind {
        Kind::Ethers => (Speaker::Worker(Role::Dhcp), format!("read {shown} - {} addresses", content.rules.len())),
        _ => (Speaker::Parent, format!("read {shown}")),
    };
    let more = complaints.len().saturating_sub(COMPLAINTS_MAX);
    complaints.truncate(COMPLAINTS_MAX);
    complaints.extend((more > 0).then(|| format!("{more} more bad lines in {shown}")));
    content.lines.extend(complaints.into_iter().map(|text| (speaker, Severity::Error, text)));
    content.lines.push((Speaker::Worker(Role::Dhcp), Severity::Info, read));
    // Later lines go before earlier ones.
    content.rules.reverse();
    content
}

/// Lines of `/etc/ethers`.
struct Ethers<'k> {
    known: &'k Known,
    /// Names and addresses that lines have named, each as text.
    taken: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum EthersFault {
    /// No hardware address, or nothing behind it.
    Line,
    /// What stands behind is no host name.
    Name,
    /// Another line has named it.
    Twice,
}

impl Ethers<'_> {
    /// `HARDWARE BLANKS (ADDRESS | NAME)`; `None`: the line is empty or a comment.
    fn rule(&mut self, line: &[u8]) -> Result<Option<HostRule>, EthersFault> {
        let text = std::str::from_utf8(line).map_err(|_| EthersFault::Line)?.trim_ascii_end();
        if text.is_empty() || text.starts_with(['#', '+']) {
            return Ok(None);
        }
        let (hardware, target) =
            text.split_once(|letter: char| letter.is_ascii_whitespace()).ok_or(EthersFault::Line)?;
        let hardware = late::hardware(hardware).filter(is_ethernet).ok_or(EthersFault::Line)?;
        let target = target.trim_ascii_start();
        let rule = match target.parse::<Ipv4Addr>() {
            Ok(address) => {
                let fresh = || HostRule { address: Some(address), ..HostRule::default() };
                self.known.by_address.get(&address).cloned().unwrap_or_else(fresh)
            }
            Err(_) => {
                let (name, domain) = late::host_name(target).ok_or(EthersFault::Name)?;
                let known = self.known.by_name.get(&name.to_ascii_lowercase()).cloned();
                known.unwrap_or_else(|| HostRule { name: Some(name), domain, ..HostRule::default() })
            }
        };
        if !self.taken.insert(target.to_ascii_lowercase()) {
            return Err(EthersFault::Twice);
        }
        let mut rule = rule;
        rule.hardware.push(hardware);
        // Whoever is known by hardware address here is known by nothing else.
        rule.client_id = Some(ClientIdRule::Ignore);
        Ok(Some(rule))
    }
}

fn is_ethernet(pattern: &HardwarePattern) -> bool {
    pattern.bytes.len() == 6 && pattern.bytes.iter().all(Option::is_some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(content: &Content) -> Vec<&str> {
        content.lines.iter().map(|(_, _, text)| text.as_str()).collect()
    }

    #[test]
    fn later_lines_go_first_and_bad_ones_are_named() {
        let text =
            b"02:00:00:00:06:01,10.9.0.21\n# comment\nbad:line:zz\n02:00:00:00:06:02,10.9.0.23,name\n[fd00::x]\n";
        let content = parse(text, Path::new("/h"), Kind::Hosts, &Known::default());
        let addresses: Vec<_> = content.rules.iter().map(|rule| rule.address.unwrap().octets()[3]).collect();
        assert_eq!(addresses, [23, 21]);
        assert_eq!(
            texts(&content),
            ["bad hex constant at line 3 of /h", "bad IPv6 address at line 5 of /h", "read /h"]
        );
    }

    #[test]
    fn options_are_those_of_the_configuration() {
        let text = b"option:ntp-server,1.1.1.1\noption:bogus,3\ntag:a,option:ntp-server,2.2.2.2\n";
        let content = parse(text, Path::new("/o"), Kind::Options, &Known::default());
        assert_eq!(content.options.iter().map(|option| option.tests.len()).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(texts(&content), ["bad dhcp-option at line 2 of /o", "read /o"]);
    }

    #[test]
    fn ethers_add_hardware_addresses_to_rules() {
        let mut known = Known::default();
        let address = Ipv4Addr::new(10, 0, 0, 5);
        let rule = |name: &str| HostRule { name: Some(name.to_owned()), ..HostRule::default() };
        known.add(&[HostRule { address: Some(address), set_tags: vec!["x".to_owned()], ..rule("box") }]);
        let text = b"02:00:00:00:06:10 BOX\n02:00:00:00:06:11\t10.0.0.6 \n2:0:0:0:6:12 fresh.lan\n# no\n+\n\
                     02:00:00:00:06:13 10.0.0.9 # no\nzz:00 10.0.0.7\n02:00:00:00:06:14\n02:00:00:00:06:15 10.0.0.6\n 02:00:00:00:06:16 x\n";
        let content = parse(text, Path::new("/etc/ethers"), Kind::Ethers, &known);
        let shown: Vec<_> =
            content.rules.iter().map(|rule| (rule.name.as_deref(), rule.address, rule.set_tags.len())).collect();
        assert_eq!(
            shown,
            [(Some("fresh"), None, 0), (None, Some(Ipv4Addr::new(10, 0, 0, 6)), 0), (Some("box"), Some(address), 1)]
        );
        assert!(content.rules.iter().all(|rule| rule.client_id == Some(ClientIdRule::Ignore)));
        assert_eq!(
            texts(&content),
            [
                "bad name at /etc/ethers line 6",
                "bad line at /etc/ethers line 7",
                "bad line at /etc/ethers line 8",
                "ignoring /etc/ethers line 9, duplicate name or IP address",
                "bad line at /etc/ethers line 10",
                "read /etc/ethers - 3 addresses",
            ]
        );
    }

    #[test]
    fn a_file_of_rubbish_is_not_complained_about_for_ever() {
        let content = parse(&b"bad:line:zz\n".repeat(1000), Path::new("/h"), Kind::Hosts, &Known::default());
        assert_eq!(content.lines.len(), COMPLAINTS_MAX + 2);
        assert_eq!(content.lines[COMPLAINTS_MAX].2, "900 more bad lines in /h");
    }
}
