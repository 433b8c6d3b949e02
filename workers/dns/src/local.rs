//! Answers from local names: hosts files and leases; `address=` and `local=`; and which names are known to exist.

use std::net::IpAddr;

use ipc::config::dns::DnsSlice;
use ipc::config::domain::Domains;
use ipc::dns::LeaseName;
use ipc::log::Line;

use crate::arpa;
use crate::chaos;
use crate::hash::SeededState;
use crate::hosts::Hosts;
use crate::known::Ancestors;
use crate::lease_names::LeaseNames;
use crate::lines::{self, About, QueryLog, Said};
use crate::name::Name;
use crate::query::Query;
use crate::random::Random;
use crate::reply::Reply;
use crate::wire::{IN, rcode, rtype};

/// Every local name.
#[derive(Debug)]
pub(crate) struct Local {
    hosts: Hosts,
    leases: LeaseNames,
    ancestors: Ancestors,
    domains: Domains,
    expand_hosts: bool,
    dhcp_fqdn: bool,
    local_ttl: u32,
    dhcp_ttl: u32,
    rotate: bool,
    ident: bool,
    edns_bytes_max: u16,
}

impl Local {
    pub fn new(slice: &DnsSlice, random: &mut Random) -> Local {
        let mut state = || SeededState::new(random.bytes16());
        let mut ancestors = Ancestors::new(state());
        if !slice.no_ident {
            chaos::names().for_each(|name| ancestors.add(name.wire()));
        }
        Local {
            hosts: Hosts::new(state(), state()),
            leases: LeaseNames::new(state(), state()),
            ancestors,
            domains: slice.domains.clone(),
            expand_hosts: slice.expand_hosts,
            dhcp_fqdn: slice.dhcp_fqdn,
            local_ttl: slice.local_ttl,
            dhcp_ttl: slice.dhcp_ttl.unwrap_or(slice.local_ttl),
            rotate: !slice.no_round_robin,
            ident: !slice.no_ident,
            edns_bytes_max: slice.edns_packet_max,
        }
    }

    /// Reads a hosts file.
    pub fn read_hosts(&mut self, path: &str, content: &[u8], log: &mut Vec<Line>) {
        self.hosts.read(path, content, &self.domains, self.expand_hosts, &mut self.ancestors, log);
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

    /// Does this name (lower case) have local addresses?
    pub fn has_addresses(&self, name: &Name) -> bool {
        self.hosts.contains(name.wire()) || self.leases.contains(name.wire())
    }

    /// `local-ttl`.
    pub fn ttl(&self) -> u32 {
        self.local_ttl
    }

    /// Does this name (lower case) exist because of local data?
    pub fn knows(&self, name: &Name) -> bool {
        let wire = name.wire();
        self.hosts.contains(wire)
            || self.leases.contains(wire)
            || self.ancestors.contains(wire)
            || self.ident && chaos::is_name(name)
    }

    /// Writes the answer from hosts files and leases; false when they have none.
    pub fn answer(&mut self, query: &Query<'_>, bytes: &mut Vec<u8>, log: &QueryLog, lines: &mut Vec<Line>) -> bool {
        let question = &query.question;
        if question.qclass != IN {
            return false;
        }
        let about = query.about();
        match question.qtype {
            rtype::MAILB => {
                // dnsmasq says so of every name.
                let mut reply = Reply::new(bytes, &query.echo(), rcode::NXDOMAIN);
                reply.authoritative();
                reply.finish(&query.echo(), self.edns_bytes_max);
                true
            }
            rtype::PTR => self.answer_pointer(query, about, bytes, log, lines),
            rtype::A | rtype::AAAA => self.answer_addresses(query, about, bytes, log, lines),
            rtype::ANY => {
                self.answer_addresses(query, about, bytes, log, lines)
                    || self.answer_pointer(query, about, bytes, log, lines)
            }
            _ => false,
        }
    }

    fn answer_addresses(
        &mut self,
        query: &Query<'_>,
        about: About,
        bytes: &mut Vec<u8>,
        log: &QueryLog,
        lines: &mut Vec<Line>,
    ) -> bool {
        let name = query.question.name;
        let (qtype, echo) = (query.question.qtype, query.echo());
        let wanted = |address: IpAddr| match qtype {
            rtype::A => address.is_ipv4(),
            rtype::AAAA => address.is_ipv6(),
            _ => true,
        };
        let start = bytes.len();
        let mut reply = Reply::new(bytes, &echo, rcode::NOERROR);
        let mut say = |source: &str, address| {
            if log.is_on() {
                log.said(lines, about, source, &Said::Address { name: name.wire(), address });
            }
        };
        let (mut v4, mut v6) = (false, false);
        for (address, source) in self.hosts.addresses(name.wire(), self.rotate).into_iter().flatten() {
            *(if address.is_ipv4() { &mut v4 } else { &mut v6 }) = true;
            if wanted(address) {
                say(source, address);
                reply.address(address, self.local_ttl);
            }
        }
        for address in self.leases.addresses(name.wire()).iter().copied().filter(|address| wanted(*address)) {
            // A name in a hosts file is not given to a lease with another address.
            let taken = if address.is_ipv4() { v4 } else { v6 };
            if !taken {
                say("DHCP", address);
                reply.address(address, self.leases.ttl(address, self.dhcp_ttl, query.now.wall_s));
            }
        }
        if reply.is_empty() {
            bytes.truncate(start);
            return false;
        }
        reply.authoritative();
        reply.dnssec_ok(&echo);
        reply.finish(&echo, self.edns_bytes_max);
        true
    }

    fn answer_pointer(
        &self,
        query: &Query<'_>,
        about: About,
        bytes: &mut Vec<u8>,
        log: &QueryLog,
        lines: &mut Vec<Line>,
    ) -> bool {
        let Some(address) = arpa::address(&query.question.name) else { return false };
        let (name, source, ttl) = match (self.hosts.name(address), self.leases.name(address)) {
            (Some((name, source)), _) => (name, source, self.local_ttl),
            (None, Some(name)) => (name, "DHCP", self.leases.ttl(address, self.dhcp_ttl, query.now.wall_s)),
            (None, None) => return false,
        };
        if log.is_on() {
            log.said(lines, about, source, &Said::Pointer { address, name });
        }
        let echo = query.echo();
        let mut reply = Reply::new(bytes, &echo, rcode::NOERROR);
        reply.authoritative();
        reply.dnssec_ok(&echo);
        reply.answer(rtype::PTR, IN, ttl, name);
        reply.finish(&echo, self.edns_bytes_max);
        true
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
            reply.address(address, self.local_ttl);
            log.said(lines, about, "config", &Said::Address { name: question.name.wire(), address });
        }
        if let Some(code) = extended_error {
            reply.extended_error(code);
        }
        if reply.is_empty() {
            let missing = code == rcode::NXDOMAIN;
            let said = Said::Negative { name: question.name.wire(), address: None, qtype: question.qtype, missing };
            log.said(lines, about, "config", &said);
        } else {
            reply.authoritative();
            // Copied here too; that the reference forgets it in these answers is a defect.
            reply.dnssec_ok(&echo);
        }
        reply.finish(&echo, self.edns_bytes_max);
    }

    /// Writes an answer that says that no such reverse name is public (`bogus-priv`).
    pub fn private(
        &self,
        query: &Query<'_>,
        address: IpAddr,
        bytes: &mut Vec<u8>,
        log: &QueryLog,
        lines: &mut Vec<Line>,
    ) {
        log.write_failed(lines, query.about(), format_args!("config {address} is NXDOMAIN"));
        let echo = query.echo();
        let mut reply = Reply::new(bytes, &echo, rcode::NXDOMAIN);
        reply.authoritative();
        reply.finish(&echo, self.edns_bytes_max);
    }
}
