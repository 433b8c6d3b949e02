//! Hosts files and `host-record` lines: names to addresses and back.
//!
//! `ADDRESS NAME [NAME...]`, blanks or tabs, `#` comments. The first name seen for an address owns its reverse entry; files are read in the
//! order in which they come.

use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr};

use ipc::config::domain::Domains;
use ipc::config::record::HostRecord;
use ipc::known_host::{ADDRESSES_PER_NAME_MAX, KnownAddress, KnownHosts, KnownName, NAMED_ADDRESSES_MAX, WantedHosts};
use ipc::lease::name_is_legal;
use ipc::log::Line;

use crate::cache_table::{CacheTable, Origin, Row, Value};
use crate::hash::{Map, SeededState};
use crate::known::{Ancestors, Table};
use crate::lines;
use crate::name::{NAME_BYTES_MAX, Name, Shown};

/// Most memory for the names of all hosts files together, in bytes: as much as leaves room, within what the process may have, for a file being
/// read. What comes after is not kept, and the log says so.
const BYTES_MAX: usize = 700 << 20;
/// What a pair of name and address takes besides the name itself, which is kept up to three times: forward, reverse, and as an ancestor.
const PAIR_BYTES: usize = 300;
/// Most addresses of one name.
pub(crate) const ADDRESSES_MAX: usize = 1000;

/// Most lines of one file that are reported as bad one by one: a file may consist of nothing else.
const BAD_LINES_MAX: u64 = 100;

/// The content of all hosts files, and of `host-record` lines in front of them.
#[derive(Debug)]
pub(crate) struct Hosts {
    names: Map<Box<[u8]>, Addresses>,
    reverse: Map<IpAddr, Reverse>,
    sources: Vec<Source>,
    pairs: usize,
    /// What all pairs take, about.
    bytes: usize,
}

/// Where names stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// For log lines: a path, or `config`.
    pub text: String,
    /// Seconds; `None`: `local-ttl`.
    pub ttl: Option<u32>,
}

/// Where `host-record` lines stand.
const CONFIG: &str = "config";
/// What is said of a name that stands nowhere.
const NOWHERE: &Source = &Source { text: String::new(), ttl: None };

/// The addresses of one name, with the places they stand in.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    list: Vec<(IpAddr, u16)>,
    turn: u16,
}

/// The name of an address in wire form, and the file it stands in.
#[derive(Debug)]
pub(crate) struct Reverse {
    pub name: Box<[u8]>,
    source: u16,
}

impl Hosts {
    pub fn new(names: SeededState, reverse: SeededState) -> Hosts {
        Hosts {
            names: Map::with_hasher(names),
            reverse: Map::with_hasher(reverse),
            sources: Vec::new(),
            pairs: 0,
            bytes: 0,
        }
    }

    /// The addresses of a name (wire form, lower case). Successive look-ups start at successive addresses if `rotate`.
    pub fn addresses(&mut self, name: &[u8], rotate: bool) -> Option<impl Iterator<Item = (IpAddr, &Source)>> {
        let found = self.names.get_mut(name)?;
        let first = if rotate { usize::from(found.turn) % found.list.len() } else { 0 };
        found.turn = found.turn.wrapping_add(u16::from(rotate));
        let (end, begin) = found.list.split_at(first);
        let sources = &self.sources;
        Some(begin.iter().chain(end).map(move |(address, source)| (*address, source_at(sources, *source))))
    }

    /// The name of an address in wire form, and the file it stands in.
    pub fn name(&self, address: IpAddr) -> Option<(&[u8], &Source)> {
        self.reverse.get(&address).map(|found| (&*found.name, source_at(&self.sources, found.source)))
    }

    /// Is this name in a hosts file?
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.contains_key(name)
    }

    /// An address of the family of `other` that this name has, and its file.
    pub fn same_family(&self, name: &[u8], other: IpAddr) -> Option<(IpAddr, &str)> {
        let list = &self.names.get(name)?.list;
        let fits = |(address, _): &&(IpAddr, u16)| address.is_ipv4() == other.is_ipv4();
        list.iter().find(fits).map(|(address, source)| (*address, source_at(&self.sources, *source).text.as_str()))
    }

    /// What DHCP wants to know. Takes a look at every address that is on one of its networks, and at nothing of the rest but the address.
    pub fn known(&self, wanted: &WantedHosts, log: &mut Vec<Line>) -> KnownHosts {
        let names = wanted.names.iter().filter_map(|name| self.known_name(name)).collect();
        let near = |address: &IpAddr| wanted.networks.iter().any(|network| network.contains(*address));
        let mut addresses: Vec<KnownAddress> = self
            .reverse
            .iter()
            .filter(|(address, _)| near(address))
            .filter_map(|(address, reverse)| known_address(*address, &reverse.name))
            .collect();
        addresses.sort_by_key(|known| known.address);
        if addresses.len() > NAMED_ADDRESSES_MAX {
            log.push(lines::too_many_for_dhcp(addresses.len() - NAMED_ADDRESSES_MAX));
            addresses.truncate(NAMED_ADDRESSES_MAX);
        }
        KnownHosts { names, addresses }
    }

    fn known_name(&self, text: &str) -> Option<KnownName> {
        let name = Name::from_text(text.as_bytes())?.lowered();
        let all = &self.names.get(name.wire())?.list;
        let list = all.iter().filter_map(|(address, _)| ipv4(*address));
        let belongs = |address: &Ipv4Addr| {
            let first = self.reverse.get(&IpAddr::V4(*address));
            first.is_some_and(|first| first.name.eq_ignore_ascii_case(name.wire()))
        };
        let primary = list.clone().find(belongs);
        // Of more than can be told, the primary one counts.
        let mut addresses: Vec<Ipv4Addr> = list.take(ADDRESSES_PER_NAME_MAX).collect();
        if let (Some(primary), Some(last)) = (primary.filter(|own| !addresses.contains(own)), addresses.last_mut()) {
            *last = primary;
        }
        let ipv6 = all.iter().any(|(address, _)| address.is_ipv6());
        Some(KnownName { name: text.to_owned(), addresses, primary, ipv6 })
    }

    /// Writes a row for each address of each name.
    pub fn list(&self, table: &mut CacheTable<'_>) {
        for (name, addresses) in &self.names {
            for (address, source) in &addresses.list {
                let source = source_at(&self.sources, *source);
                let origin = match &*source.text {
                    CONFIG => Origin::HostRecord,
                    path => Origin::Hosts { path },
                };
                let reverse = self.reverse.get(address).is_some_and(|owner| owner.name.eq_ignore_ascii_case(name));
                let value = Value::Address(*address);
                table.row(&Row { name: Some(name), value, forward: true, reverse, negative: false, origin });
            }
        }
    }

    /// Takes `host-record` lines.
    pub fn configure(&mut self, records: &[HostRecord], ancestors: &mut Ancestors) {
        for record in records {
            let place = Source { text: CONFIG.to_owned(), ttl: record.ttl };
            let source = self.source(place);
            let addresses = || record.ipv4.map(IpAddr::from).into_iter().chain(record.ipv6.map(IpAddr::from));
            for name in record.names.iter().filter_map(|name| Name::from_text(name.as_bytes())) {
                addresses().for_each(|address| self.add(&name, address, source, ancestors));
            }
        }
    }

    /// The number of a place. Places beyond what 16 bits can count share the last number.
    fn source(&mut self, source: Source) -> u16 {
        if self.sources.last().is_some_and(|last| *last == source) {
            return (self.sources.len() - 1) as u16;
        }
        // Files come in the hundreds at most, and each is looked up once per reading.
        if let Some(known) = self.sources.iter().position(|known| *known == source) {
            return known as u16;
        }
        if self.sources.len() < usize::from(u16::MAX) {
            self.sources.push(source);
        }
        (self.sources.len() - 1) as u16
    }

    /// Reads a file and logs what dnsmasq logs.
    pub fn read(
        &mut self,
        path: &str,
        content: &[u8],
        domains: &Domains,
        expand: bool,
        ancestors: &mut Ancestors,
        log: &mut Vec<Line>,
    ) {
        let source = self.source(Source { text: path.to_owned(), ttl: None });
        let (mut names, mut bad) = (0u64, 0u64);
        let mut complain = |line: Line| {
            bad += 1;
            if bad <= BAD_LINES_MAX {
                log.push(line);
            }
        };
        for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let text = line.split(|byte| *byte == b'#').next().unwrap_or_default();
            let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let Some(first) = words.next() else { continue };
            let Some(address) = std::str::from_utf8(first).ok().and_then(|word| word.parse::<IpAddr>().ok()) else {
                complain(lines::bad_address(path, number + 1));
                continue;
            };
            for word in words {
                let Some(name) = host_name(word) else {
                    complain(lines::bad_name(path, number + 1));
                    continue;
                };
                if expand
                    && !word.contains(&b'.')
                    && let Some(domain) = domains.of(address)
                    && let Some(full) = Name::from_text(&[word, b".", domain.as_bytes()].concat()).map(Name::lowered)
                {
                    self.add(&full, address, source, ancestors);
                    names += 1;
                }
                self.add(&name, address, source, ancestors);
                names += 1;
            }
        }
        if bad > BAD_LINES_MAX {
            log.push(lines::more_bad_lines(path, bad - BAD_LINES_MAX));
        }
        if self.is_full() {
            log.push(lines::hosts_full(path));
        }
        log.push(lines::read_hosts(path, names));
    }

    /// May something have been left out?
    fn is_full(&self) -> bool {
        self.bytes + pair_bytes(&[0; NAME_BYTES_MAX]) > BYTES_MAX
    }

    /// Forgets what a file said, and logs it if that was anything.
    pub fn forget(&mut self, path: &str, ancestors: &mut Ancestors, log: &mut Vec<Line>) {
        let before = self.pairs;
        let Some(gone) = self.sources.iter().position(|source| source.text == path) else { return };
        self.reverse.retain(|_, reverse| usize::from(reverse.source) != gone);
        self.names.retain(|name, addresses| {
            let known = addresses.list.len();
            addresses.list.retain(|(_, source)| usize::from(*source) != gone);
            self.pairs -= known - addresses.list.len();
            self.bytes -= (known - addresses.list.len()) * pair_bytes(name);
            if addresses.list.is_empty() {
                ancestors.remove(name);
            }
            !addresses.list.is_empty()
        });
        if self.pairs < before {
            log.push(lines::hosts_flushed(path, before - self.pairs));
        }
    }

    fn add(&mut self, name: &Name, address: IpAddr, source: u16, ancestors: &mut Ancestors) {
        let lowered = name.lowered();
        let bytes = pair_bytes(lowered.wire());
        if self.bytes + bytes > BYTES_MAX {
            return;
        }
        let addresses = match self.names.get_mut(lowered.wire()) {
            Some(addresses) => addresses,
            None => {
                let configured = self.sources.get(usize::from(source)).is_some_and(|source| source.text == CONFIG);
                let table = if configured { Table::HostRecords } else { Table::HostsFiles };
                ancestors.add(lowered.wire(), table);
                self.names.entry(lowered.wire().into()).or_default()
            }
        };
        if addresses.list.len() >= ADDRESSES_MAX || addresses.list.iter().any(|(known, _)| *known == address) {
            return;
        }
        if addresses.list.is_empty() {
            // Most names have one address, and a list that grows begins with room for four.
            addresses.list.reserve_exact(1);
        }
        addresses.list.push((address, source));
        self.pairs += 1;
        self.bytes += bytes;
        if let Entry::Vacant(vacant) = self.reverse.entry(address) {
            vacant.insert(Reverse { name: name.wire().into(), source });
        }
    }
}

fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

/// An address with its name (wire form), if a lease can have that.
fn known_address(address: IpAddr, name: &[u8]) -> Option<KnownAddress> {
    let address = ipv4(address)?;
    let text = Shown(name).to_string();
    let (name, domain) = match text.split_once('.') {
        Some((name, domain)) => (name, Some(domain.to_owned())),
        None => (text.as_str(), None),
    };
    name_is_legal(name).then(|| KnownAddress { address, name: name.to_owned(), domain })
}

/// What a pair of this name and an address takes, about.
fn pair_bytes(name: &[u8]) -> usize {
    PAIR_BYTES + 3 * name.len()
}

/// A name that a hosts file may contain: printable, taken in lower case; letters beyond ASCII in the form that DNS has of them.
fn host_name(word: &[u8]) -> Option<Name> {
    let printable = |byte: &u8| (0x21..0x7f).contains(byte) && !byte.is_ascii_uppercase();
    let name = if word.iter().all(printable) {
        Name::from_text(word)
    } else {
        let name = ipc::idn::to_ascii(word)?;
        Name::from_text(name.as_bytes()).filter(|_| name.bytes().all(|byte| printable(&byte)))
    };
    name.filter(|name| !name.is_root())
}

fn source_at(sources: &[Source], source: u16) -> &Source {
    sources.get(usize::from(source)).unwrap_or(NOWHERE)
}

#[cfg(test)]
mod tests {
    use ipc::config::prefix::Prefix;

    use super::*;

    struct Read {
        hosts: Hosts,
        ancestors: Ancestors,
        log: Vec<String>,
    }

    fn read(content: &[u8], domain: Option<&str>) -> Read {
        let state = SeededState::new([1; 16]);
        let mut hosts = Hosts::new(state.clone(), state.clone());
        let mut ancestors = Ancestors::new(state);
        let mut log = Vec::new();
        let domains = Domains { default: domain.map(str::to_owned), conditional: Vec::new() };
        hosts.read("/h", content, &domains, domain.is_some(), &mut ancestors, &mut log);
        Read { hosts, ancestors, log: log.into_iter().map(|line| line.text).collect() }
    }

    fn addresses(read: &mut Read, name: &str) -> Vec<String> {
        let key = Name::from_text(name.as_bytes()).unwrap();
        read.hosts.addresses(key.wire(), true).into_iter().flatten().map(|(a, _)| a.to_string()).collect()
    }

    #[test]
    fn names_addresses_and_comments() {
        let mut read = read(
            b"# c\n10.0.0.1 Good.lan other # x\n\t::1 v6.lan.\r\nnonsense foo\n10.0.0.2 a..b fine\n10.0.0.3 Good.lan",
            None,
        );
        assert_eq!(addresses(&mut read, "good.lan"), ["10.0.0.1", "10.0.0.3"]);
        let looked = read.hosts.addresses(b"\x04good\x03lan\0", false);
        assert_eq!(looked.map(Iterator::count), Some(2), "which turns nothing");
        assert_eq!(addresses(&mut read, "good.lan"), ["10.0.0.3", "10.0.0.1"]);
        assert_eq!(addresses(&mut read, "v6.lan"), ["::1"]);
        assert_eq!(addresses(&mut read, "fine"), ["10.0.0.2"]);
        assert_eq!(read.log, ["bad address at /h line 4", "bad name at /h line 5", "read /h - 5 names"]);
        assert!(read.ancestors.contains(b"\x03lan\0"));
        let (name, source) = read.hosts.name("10.0.0.1".parse().unwrap()).unwrap();
        assert_eq!((name, source.text.as_str()), (&b"\x04good\x03lan\0"[..], "/h"));
    }

    #[test]
    fn a_file_is_forgotten_without_the_others() {
        let mut read = read(b"10.0.0.1 a.lan both.lan\n10.0.0.2 both.lan", None);
        let state = Domains::default();
        let text = b"10.0.0.3 both.lan b.wan\n10.0.0.1 again.lan";
        let mut log = Vec::new();
        read.hosts.read("/other", text, &state, false, &mut read.ancestors, &mut log);
        read.hosts.forget("/nothing", &mut read.ancestors, &mut log);
        read.hosts.forget("/h", &mut read.ancestors, &mut log);
        let lines: Vec<_> = log.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["read /other - 3 names", "inotify: flushed 3 names read from /h"]);
        assert_eq!(addresses(&mut read, "both.lan"), ["10.0.0.3"]);
        assert_eq!(addresses(&mut read, "a.lan"), [""; 0]);
        assert!(!read.hosts.contains(b"\x01a\x03lan\0") && read.hosts.name("10.0.0.2".parse().unwrap()).is_none());
        read.hosts.forget("/other", &mut read.ancestors, &mut log);
        assert!(!read.ancestors.contains(b"\x03lan\0") && read.hosts.pairs == 0);
    }

    #[test]
    fn dhcp_learns_what_it_asks_for_and_no_more() {
        let text =
            b"10.0.0.1 one.lan shared\n10.0.0.2 Two shared\n10.0.0.3 _odd\n192.0.2.1 far shared\nfd00::1 one.lan six\n";
        let hosts = read(&text.to_ascii_lowercase(), None).hosts;
        let network = Prefix::cut([10, 0, 0, 0].into(), 24);
        let names = ["shared", "six", "far", "none", "one.lan"].map(str::to_owned).to_vec();
        let wanted = WantedHosts { names, networks: vec![network] };
        let known = hosts.known(&wanted, &mut Vec::new());
        let named = |name: &str, addresses: &[[u8; 4]], primary: Option<[u8; 4]>, ipv6| KnownName {
            name: name.to_owned(),
            addresses: addresses.iter().map(|address| (*address).into()).collect(),
            primary: primary.map(Ipv4Addr::from),
            ipv6,
        };
        let expected = [
            named("shared", &[[10, 0, 0, 1], [10, 0, 0, 2], [192, 0, 2, 1]], None, false),
            named("six", &[], None, true),
            named("far", &[[192, 0, 2, 1]], Some([192, 0, 2, 1]), false),
            named("one.lan", &[[10, 0, 0, 1]], Some([10, 0, 0, 1]), true),
        ];
        assert_eq!(known.names, expected);
        let address = |last, name: &str, domain: Option<&str>| KnownAddress {
            address: [10, 0, 0, last].into(),
            name: name.to_owned(),
            domain: domain.map(str::to_owned),
        };
        assert_eq!(known.addresses, [address(1, "one", Some("lan")), address(2, "two", None)]);
    }

    #[test]
    fn of_many_addresses_the_primary_one_is_told() {
        let lines = (1..=20).map(|last| format!("10.0.0.{last} {}n\n", if last < 20 { "other " } else { "" }));
        let hosts = read(lines.collect::<String>().as_bytes(), None).hosts;
        let wanted = WantedHosts { names: vec!["n".to_owned()], networks: Vec::new() };
        let known = hosts.known(&wanted, &mut Vec::new()).names.remove(0);
        assert_eq!((known.addresses.len(), known.primary), (ADDRESSES_PER_NAME_MAX, Some([10, 0, 0, 20].into())));
        assert_eq!(known.addresses.last(), known.primary.as_ref());
    }

    #[test]
    fn the_expanded_form_owns_the_reverse_entry() {
        let mut read = read(b"10.0.0.1 h h.other", Some("lan"));
        assert_eq!(addresses(&mut read, "h"), ["10.0.0.1"]);
        assert_eq!(addresses(&mut read, "h.lan"), ["10.0.0.1"]);
        assert!(addresses(&mut read, "h.other.lan").is_empty());
        assert_eq!(read.hosts.name("10.0.0.1".parse().unwrap()).unwrap().0, b"\x01h\x03lan\0");
        assert_eq!(read.log, ["read /h - 3 names"]);
    }
}
