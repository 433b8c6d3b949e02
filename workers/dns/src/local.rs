//! Answers from local names: records of the configuration, hosts files and leases; `address=` and `local=`; and which names are known
//! to exist.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipc::config::dns::DnsSlice;
use ipc::config::domain::Domains;
use ipc::config::prefix::Prefix;
use ipc::dns::LeaseName;
use ipc::known_host::{KnownHosts, WantedHosts};
use ipc::link::Interface;
use ipc::log::Line;

use crate::arpa;
use crate::cache_table::{CacheTable, Origin, Row, Value};
use crate::chaos;
use crate::hash::SeededState;
use crate::hosts::Hosts;
use crate::interface_names::InterfaceNames;
use crate::known::{Ancestors, Table};
use crate::lease_names::LeaseNames;
use crate::lines::{self, QueryLog, Said};
use crate::name::Name;
use crate::query::Query;
use crate::random::Random;
use crate::records::{Group, Link, Records};
use crate::reply::{QNAME, Reply};
use crate::synthetic::SyntheticDomains;
use crate::wire::{IN, rcode, rtype};

/// What log lines call the configuration.
const CONFIG: &str = "config";
/// The preference of MX records that follow from `localmx` and `selfmx`.
const MX_PREFERENCE: [u8; 2] = [0, 1];

/// Every local name.
#[derive(Debug)]
pub(crate) struct Local {
    records: Records,
    interface_names: InterfaceNames,
    synthetic: SyntheticDomains,
    hosts: Hosts,
    leases: LeaseNames,
    /// Domains that names are in.
    ancestors: Ancestors,
    domains: Domains,
    /// `localmx`: the RDATA of the MX record of every host.
    local_mx: Option<Vec<u8>>,
    self_mx: bool,
    expand_hosts: bool,
    dhcp_fqdn: bool,
    local_ttl: u32,
    dhcp_ttl: u32,
    rotate: bool,
    ident: bool,
    edns_bytes_max: u16,
}

/// The reply that answers of one query go into, and the lines that tell of them.
pub(crate) struct Page<'a, 'o> {
    pub query: &'a Query<'a>,
    pub reply: Reply<'o>,
    pub log: &'a QueryLog,
    pub lines: &'o mut Vec<Line>,
    /// With `localise-queries`: the network of the address that was asked.
    pub network: Option<Prefix>,
    /// It is an answer, even if it is empty.
    pub answered: bool,
    /// Its end comes from the cache.
    pub cached: bool,
    /// Something on it has expired.
    pub stale: bool,
    /// Hosts that its records name, and where in the message; their addresses are still to be added.
    pub targets: Vec<(usize, Name)>,
}

impl Page<'_, '_> {
    /// Logs what a source said.
    pub fn say(&mut self, source: &str, said: &Said<'_>) {
        if self.log.is_on() {
            self.log.said(self.lines, self.query.about(), source, said);
        }
    }

    fn wants(&self, rtype: u16) -> bool {
        let qtype = self.query.question.qtype;
        qtype == rtype || qtype == rtype::ANY
    }

    fn wants_address(&self, address: IpAddr) -> bool {
        self.wants(if address.is_ipv4() { rtype::A } else { rtype::AAAA })
    }
}

impl Local {
    pub fn new(slice: &DnsSlice, random: &mut Random) -> Local {
        let mut state = || SeededState::new(random.bytes16());
        let mut ancestors = Ancestors::new(state());
        if !slice.no_ident {
            chaos::names().for_each(|name| ancestors.add(name.wire(), Table::Configuration));
        }
        let mut hosts = Hosts::new(state(), state());
        hosts.configure(&slice.records.hosts, &mut ancestors);
        let mail_host = slice.records.mx_target.as_ref().filter(|_| slice.records.local_mx);
        let mail_host = mail_host.and_then(|target| Name::from_text(target.as_bytes()));
        Local {
            records: Records::new(&slice.records, state(), &mut ancestors),
            interface_names: InterfaceNames::new(&slice.records.interface_names, state(), state(), &mut ancestors),
            synthetic: SyntheticDomains::new(&slice.records.synthetic, state()),
            hosts,
            leases: LeaseNames::new(state(), state()),
            ancestors,
            domains: slice.domains.clone(),
            local_mx: mail_host.map(|target| [&MX_PREFERENCE, target.wire()].concat()),
            self_mx: slice.records.self_mx,
            expand_hosts: slice.expand_hosts,
            dhcp_fqdn: slice.dhcp_fqdn,
            local_ttl: slice.local_ttl,
            dhcp_ttl: slice.dhcp_ttl.unwrap_or(slice.local_ttl),
            rotate: !slice.no_round_robin,
            ident: !slice.no_ident,
            edns_bytes_max: slice.edns_packet_max,
        }
    }

    /// Writes a row for each alias, address and lease, and for each name that others are below.
    pub fn list(&self, table: &mut CacheTable<'_>) {
        self.records.list(table);
        self.hosts.list(table);
        self.leases.list(table);
        for (name, below) in self.ancestors.iter().filter(|(name, _)| !name.is_empty() && !self.is_owner(name)) {
            let origin = match (below.hosts, below.configured) {
                (true, true) => Some(Origin::HostRecord),
                (true, false) => Some(Origin::Hosts { path: "" }),
                (false, true) => Some(Origin::Configuration),
                (false, false) => None,
            };
            // As in dnsmasq, leases have a row of their own.
            let leased = below.leased.then_some(Origin::Lease { expires_s: 0 });
            for origin in origin.into_iter().chain(leased) {
                let value = Value::NonTerminal;
                table.row(&Row { name: Some(name), value, forward: true, reverse: false, negative: false, origin });
            }
        }
    }

    fn is_owner(&self, name: &[u8]) -> bool {
        name.len() <= 1 || self.hosts.contains(name) || self.leases.contains(name) || self.records.link(name).is_some()
    }

    /// Learns the addresses of interfaces.
    pub fn set_interfaces(&mut self, interfaces: &[Interface]) {
        self.interface_names.update(interfaces);
        self.domains.follow(interfaces);
    }

    /// Reads a hosts file.
    pub fn read_hosts(&mut self, path: &str, content: &[u8], log: &mut Vec<Line>) {
        self.hosts.read(path, content, &self.domains, self.expand_hosts, &mut self.ancestors, log);
    }

    /// Forgets what a hosts file said.
    pub fn forget_hosts(&mut self, path: &str, log: &mut Vec<Line>) {
        self.hosts.forget(path, &mut self.ancestors, log);
    }

    /// What hosts files and `host-record` lines say of this.
    pub fn known_hosts(&self, wanted: &WantedHosts, log: &mut Vec<Line>) -> KnownHosts {
        self.hosts.known(wanted, log)
    }

    /// Publishes the name of a lease.
    pub fn put_lease(&mut self, lease: &LeaseName, log: &mut Vec<Line>) {
        let full = lease.domain.as_ref().map(|domain| format!("{}.{domain}", lease.name));
        for text in full.iter().chain(std::iter::once(&lease.name)) {
            let name = Name::from_text(text.as_bytes()).map(Name::lowered);
            let taken = name.as_ref().and_then(|name| self.hosts.same_family(name.wire(), lease.address));
            if let Some((address, source)) = taken
                && address != lease.address
            {
                log.push(lines::lease_name_taken(text, lease.address, source, address));
            }
        }
        self.leases.put(lease, self.dhcp_fqdn, &mut self.ancestors);
    }

    /// Forgets the name of a lease.
    pub fn remove_lease(&mut self, address: IpAddr) {
        self.leases.remove(address, &mut self.ancestors);
    }

    /// Does this name (lower case) have local addresses of the family that is asked for by `qtype`?
    pub fn has_addresses(&self, name: &Name, qtype: u16) -> bool {
        let example: IpAddr = match qtype {
            rtype::A => Ipv4Addr::UNSPECIFIED.into(),
            rtype::AAAA => Ipv6Addr::UNSPECIFIED.into(),
            _ => return false,
        };
        let wire = name.wire();
        self.hosts.same_family(wire, example).is_some()
            || self.leases.addresses(wire).iter().any(|address| address.is_ipv4() == example.is_ipv4())
            || self.is_interface_name(name)
    }

    /// Is this name (wire form, lower case) in a hosts file or a `host-record`, or a lease's?
    pub fn is_host(&self, name: &[u8]) -> bool {
        self.hosts.contains(name) || self.leases.contains(name)
    }

    /// Is this (lower case) a name that stands for an interface?
    pub fn is_interface_name(&self, name: &Name) -> bool {
        self.interface_names.addresses(name.wire()).is_some()
    }

    /// `local-ttl`.
    pub fn ttl(&self) -> u32 {
        self.local_ttl
    }

    /// Does this name (lower case) exist because of local data?
    pub fn knows(&self, name: &Name) -> bool {
        let wire = name.wire();
        self.is_host(wire)
            || self.records.contains(wire)
            || self.is_interface_name(name)
            || self.ancestors.contains(wire)
            || self.synthetic.address(name, |_| true).is_some()
            || self.ident && chaos::is_name(name)
    }

    /// Where this name (lower case) leads, if it is an alias (`cname`).
    pub fn link(&self, name: &Name) -> Option<(&Link, u32)> {
        self.records.link(name.wire()).map(|link| (link, link.ttl.unwrap_or(self.local_ttl)))
    }

    /// Appends all that the configuration, hosts files and leases have for a name (lower case); `owner` points to it in the reply.
    pub fn append(&mut self, page: &mut Page<'_, '_>, name: &Name, owner: u16) -> bool {
        let before = page.reply.answers();
        let mut targets = std::mem::take(&mut page.targets);
        // Most names have none: one look-up tells.
        let recorded = self.records.contains(name.wire());
        if recorded {
            self.append_sets(page, name, owner, Group::Text, &mut targets);
            self.append_sets(page, name, owner, Group::Raw, &mut targets);
        }
        if page.wants(rtype::PTR) {
            self.append_pointer(page, name, owner);
        }
        if page.wants(rtype::A) || page.wants(rtype::AAAA) {
            self.append_addresses(page, name, owner);
        }
        if recorded {
            self.append_sets(page, name, owner, Group::Mail, &mut targets);
        }
        if page.wants(rtype::MX) && targets.is_empty() {
            self.append_mail(page, name, owner);
        }
        if recorded {
            self.append_sets(page, name, owner, Group::Service, &mut targets);
            self.append_sets(page, name, owner, Group::NamingAuthority, &mut targets);
        }
        page.targets = targets;
        page.reply.answers() > before
    }

    /// Appends records of one option, and notes the hosts that they name, with their places in the message.
    fn append_sets(
        &mut self,
        page: &mut Page<'_, '_>,
        name: &Name,
        owner: u16,
        group: Group,
        targets: &mut Vec<(usize, Name)>,
    ) {
        let qtype = page.query.question.qtype;
        for set in self.records.sets(name.wire(), group, qtype) {
            let rtype = set.rtype;
            for rdata in set.next() {
                let at = page.reply.answer(owner, rtype, IN, self.local_ttl, rdata);
                let target =
                    group.target().and_then(|offset| Some((at? + offset, Name::from_wire(rdata.get(offset..)?)?)));
                targets.extend(target);
                page.say(CONFIG, &Said::Other { name: name.wire(), rtype });
            }
        }
    }

    /// `localmx`, `selfmx`: the mail of a host without MX records of its own.
    fn append_mail(&mut self, page: &mut Page<'_, '_>, name: &Name, owner: u16) {
        if !self.is_host(name.wire()) {
            return;
        }
        // Spelled as the owner.
        let own = [MX_PREFERENCE, owner.to_be_bytes()];
        let rdata = match &self.local_mx {
            _ if self.self_mx => own.as_flattened(),
            Some(rdata) => rdata,
            None => return,
        };
        page.reply.answer(owner, rtype::MX, IN, self.local_ttl, rdata);
        page.say(CONFIG, &Said::Other { name: name.wire(), rtype: rtype::MX });
    }

    /// Appends the addresses of a host (lower case) that a record names, for the additional section; `owner` points to the name.
    pub fn append_target(&mut self, page: &mut Page<'_, '_>, name: &Name, owner: u16) {
        for (address, source) in self.hosts.addresses(name.wire(), false).into_iter().flatten() {
            page.reply.additional_address(owner, address, source.ttl.unwrap_or(self.local_ttl));
        }
        for address in self.leases.addresses(name.wire()) {
            let ttl = self.leases.ttl(*address, self.dhcp_ttl, page.query.now.wall_s);
            page.reply.additional_address(owner, *address, ttl);
        }
    }

    fn append_addresses(&mut self, page: &mut Page<'_, '_>, name: &Name, owner: u16) {
        let wire = name.wire();
        if let Some(addresses) = self.interface_names.addresses(wire) {
            let near = Near::of(page.network, || addresses.iter().copied());
            let mut any = false;
            for address in addresses.iter().copied().filter(|address| near.allows(*address)) {
                if page.wants_address(address) {
                    any = true;
                    page.say(CONFIG, &Said::Address { name: wire, address });
                    page.reply.address(owner, address, self.local_ttl);
                }
            }
            if !any && page.query.question.qtype != rtype::ANY {
                let qtype = page.query.question.qtype;
                page.say(CONFIG, &Said::Negative { name: wire, address: None, qtype, missing: false });
            }
            return;
        }
        let near = Near::of(page.network, || {
            self.hosts.addresses(wire, false).into_iter().flatten().map(|(address, _)| address)
        });
        let (mut v4, mut v6) = (false, false);
        for (address, source) in self.hosts.addresses(wire, self.rotate).into_iter().flatten() {
            *(if address.is_ipv4() { &mut v4 } else { &mut v6 }) = true;
            if page.wants_address(address) && near.allows(address) {
                page.say(&source.text, &Said::Address { name: wire, address });
                page.reply.address(owner, address, source.ttl.unwrap_or(self.local_ttl));
            }
        }
        for address in self.leases.addresses(wire).iter().copied() {
            // A name in a hosts file is not given to a lease with another address.
            let taken = if address.is_ipv4() { v4 } else { v6 };
            if page.wants_address(address) && !taken {
                page.say("DHCP", &Said::Address { name: wire, address });
                page.reply.address(owner, address, self.leases.ttl(address, self.dhcp_ttl, page.query.now.wall_s));
            }
        }
    }

    /// The name of an address: an interface's, else as `ptr-record` says, else from hosts files and leases.
    fn append_pointer(&mut self, page: &mut Page<'_, '_>, name: &Name, owner: u16) {
        let address = arpa::address(name);
        if let Some(address) = address
            && let Some(host) = self.interface_names.name(address)
        {
            page.say(CONFIG, &Said::Pointer { address, name: host.wire() });
            page.reply.answer(owner, rtype::PTR, IN, self.local_ttl, host.wire());
            return;
        }
        let before = page.reply.answers();
        self.append_sets(page, name, owner, Group::Pointer, &mut Vec::new());
        let Some(address) = address.filter(|_| page.reply.answers() == before) else { return };
        let (host, source, ttl) = match (self.hosts.name(address), self.leases.name(address)) {
            (Some((host, source)), _) => (host, source.text.as_str(), source.ttl.unwrap_or(self.local_ttl)),
            (None, Some(host)) => (host, "DHCP", self.leases.ttl(address, self.dhcp_ttl, page.query.now.wall_s)),
            (None, None) => return,
        };
        page.say(source, &Said::Pointer { address, name: host });
        page.reply.answer(owner, rtype::PTR, IN, ttl, host);
    }

    /// Appends what a `synth-domain` makes of a name (lower case) or of the address in a reverse name.
    pub fn append_synthetic(&self, page: &mut Page<'_, '_>, name: &Name, owner: u16) -> bool {
        let before = page.reply.answers();
        if page.wants(rtype::PTR)
            && let Some(address) = arpa::address(name)
            && let Some(host) = self.synthetic.name(address)
        {
            page.say(CONFIG, &Said::Pointer { address, name: host.wire() });
            page.reply.answer(owner, rtype::PTR, IN, self.local_ttl, host.wire());
        }
        if let Some(address) = self.synthetic.address(name, |first| page.wants_address(first)) {
            page.say(CONFIG, &Said::Address { name: name.wire(), address });
            page.reply.address(owner, address, self.local_ttl);
        }
        page.reply.answers() > before
    }

    /// Writes an answer made of configured addresses, or an empty one.
    #[expect(clippy::too_many_arguments, reason = "an answer, and the places where it and its line go")]
    pub fn fixed(
        &self,
        query: &Query<'_>,
        code: u8,
        addresses: &mut dyn Iterator<Item = IpAddr>,
        extended_error: Option<u16>,
        bytes: &mut Vec<u8>,
        log: &QueryLog,
        lines: &mut Vec<Line>,
    ) {
        let about = query.about();
        let (question, echo) = (&query.question, query.echo());
        let mut reply = Reply::new(bytes, &echo, code);
        for address in addresses {
            reply.address(QNAME, address, self.local_ttl);
            log.said(lines, about, CONFIG, &Said::Address { name: question.name.wire(), address });
        }
        if let Some(code) = extended_error {
            reply.extended_error(code);
        }
        if reply.is_empty() {
            let missing = code == rcode::NXDOMAIN;
            let said = Said::Negative { name: question.name.wire(), address: None, qtype: question.qtype, missing };
            log.said(lines, about, CONFIG, &said);
        } else {
            reply.authoritative();
        }
        reply.finish(&echo, self.edns_bytes_max);
    }

    /// Writes the denial of a private reverse name (`bogus-priv`): NXDOMAIN with AA.
    pub fn deny_reverse(&self, query: &Query<'_>, bytes: &mut Vec<u8>) {
        let echo = query.echo();
        let mut reply = Reply::new(bytes, &echo, rcode::NXDOMAIN);
        reply.authoritative();
        reply.finish(&echo, self.edns_bytes_max);
    }
}

/// `localise-queries`: the network that IPv4 addresses must lie in, if any of them does.
#[derive(Clone, Copy, Debug)]
struct Near(Option<Prefix>);

impl Near {
    fn of<I: Iterator<Item = IpAddr>>(network: Option<Prefix>, addresses: impl FnOnce() -> I) -> Near {
        let fits =
            |network: &Prefix| network.address().is_ipv4() && addresses().any(|address| network.contains(address));
        Near(network.filter(fits))
    }

    fn allows(self, address: IpAddr) -> bool {
        self.0.is_none_or(|network| address.is_ipv6() || network.contains(address))
    }
}
