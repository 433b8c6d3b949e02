//! What the dns worker asks for, and what it is told: sockets, files, lease names.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;

use ipc::config::prefix::Prefix;
use ipc::dns;
use ipc::lease::{Lease, LeaseChange};
use ipc::link::Interface;
use ipc::net;
use ipc::role::Role;

use super::Hub;
use crate::broker;
use crate::config::UpstreamSource;
use crate::errands::ErrandKind;
use crate::files;
use crate::interfaces;
use crate::permit::{self, Phase};
use crate::watch::Change;
use crate::worker::Worker;

impl Hub {
    /// Tells a new dns worker what it has to know.
    pub(super) fn prime_dns(&mut self, index: usize, interfaces: Vec<Interface>) {
        self.send_dns(index, dns::ToWorker::Interfaces(interfaces), Vec::new());
        for path in files::hosts_paths(&self.config.process) {
            let (error, descriptors) = opened(&path);
            let path = path.to_string_lossy().into_owned();
            self.send_dns(index, dns::ToWorker::HostsFile { path, error }, descriptors);
        }
        self.ask_for_hosts(index);
        let names: Vec<_> = self.store.iter().filter_map(|lease| self.lease_name(lease)).collect();
        for name in names {
            self.send_dns(index, dns::ToWorker::LeaseName(name), Vec::new());
        }
        self.pick_resolv_file();
        self.send_resolv_file(index);
        self.send_dns(index, dns::ToWorker::Start, Vec::new());
    }

    pub(super) fn dns_says(&mut self, index: usize, message: dns::ToParent) -> bool {
        match message {
            dns::ToParent::Serving => true,
            dns::ToParent::ResolvUpstreams(upstreams) => {
                let worker = &mut self.workers[index];
                worker.resolv_owed -= 1;
                if upstreams.len() > dns::RESOLV_UPSTREAMS_MAX {
                    return false;
                }
                worker.resolv_upstreams = upstreams;
                true
            }
            dns::ToParent::KnownHosts { known, last } => self.take_known_hosts(index, known, last),
            dns::ToParent::WantUdp { upstream, count, mark } => {
                let Some((address, source)) = self.upstream(index, upstream) else { return false };
                if count == 0 || count > dns::SOCKETS_PER_MESSAGE_MAX || !self.may_mark(mark) {
                    return false;
                }
                let make = || broker::upstream_udp(address, &source, mark, &self.ports);
                let sockets: Vec<OwnedFd> = (0..count).map_while(|_| make().ok()).collect();
                let missing = count - sockets.len() as u32;
                if !sockets.is_empty() {
                    self.send_dns(index, dns::ToWorker::UdpSockets { upstream, mark }, sockets);
                }
                if missing > 0 {
                    self.send_dns(
                        index,
                        dns::ToWorker::NoSocket { upstream, mark, ticket: None, count: missing },
                        Vec::new(),
                    );
                }
                true
            }
            dns::ToParent::WantTcp { upstream, ticket, mark } => {
                let Some((address, source)) = self.upstream(index, upstream) else { return false };
                if !self.may_mark(mark) {
                    return false;
                }
                match broker::upstream_tcp(address, &source, mark) {
                    Ok(socket) => self.send_dns(index, dns::ToWorker::TcpSocket { ticket }, vec![socket]),
                    Err(_) => {
                        let answer = dns::ToWorker::NoSocket { upstream, mark, ticket: Some(ticket), count: 1 };
                        self.send_dns(index, answer, Vec::new());
                    }
                }
                true
            }
            dns::ToParent::WantFacts { ticket, client, local, tcp, interface } => {
                let (mark, hardware) = (self.config.dns.marks.wanted(), self.config.dns.queries.add_mac.any());
                if !mark && !hardware {
                    return false;
                }
                let server = SocketAddr::new(local, self.config.dns.port);
                let interface = if interface == 0 { self.towards(client.ip()) } else { interface };
                // Only connections to ourselves are anybody's business; an address may have gone meanwhile.
                let mark = mark && interfaces::owns(&self.interfaces, local);
                let contact = net::Contact { client, server, tcp, interface, mark, hardware };
                self.send_errand(index, ticket, ErrandKind::Look, |ticket| net::ToWorker::Look { ticket, contact });
                true
            }
            dns::ToParent::FillSets { ticket, filling } => {
                if !permit::filling_is_legal(&filling, &self.config.dns.sets) {
                    return false;
                }
                self.send_errand(index, ticket, ErrandKind::Fill, |ticket| net::ToWorker::Fill { ticket, filling });
                true
            }
        }
    }

    /// May sockets to upstreams carry this mark?
    fn may_mark(&self, mark: u32) -> bool {
        mark == 0 || self.config.dns.marks.copied
    }

    /// The interface behind which an address is; 0: none.
    fn towards(&self, address: IpAddr) -> u32 {
        let near = |(own, length): &(IpAddr, u8)| Prefix::cut(*own, *length).contains(address);
        self.interfaces.iter().find(|interface| interface.addresses.iter().any(near)).map_or(0, |found| found.index)
    }

    /// The upstream of an index that a worker named.
    pub(super) fn upstream(&self, index: usize, upstream: u32) -> Option<(SocketAddr, UpstreamSource)> {
        let worker = &self.workers[index];
        worker.upstreams.get(upstream, &worker.resolv_upstreams)
    }

    /// Chooses among the resolv files; true when the choice or its content is new.
    pub(super) fn pick_resolv_file(&mut self) -> bool {
        let process = &self.config.process;
        if process.resolv_files.is_empty() {
            return false;
        }
        let newest = files::newest(&process.resolv_files).map(|(path, changed)| (path.to_owned(), changed));
        if newest.is_none() && !self.resolv.complained {
            self.resolv.complained = true;
            for path in &process.resolv_files {
                let reason = match std::fs::metadata(path) {
                    Err(error) => files::reason(&error),
                    Ok(_) => continue,
                };
                self.log.warning(&format!("failed to access {}: {reason}", path.display()));
            }
        }
        if newest.is_some() {
            self.resolv.complained = false;
        }
        let new = newest.is_some() && newest != self.resolv.current;
        self.resolv.current = newest;
        new
    }

    pub(super) fn send_resolv_file(&mut self, index: usize) {
        let Some((path, _)) = &self.resolv.current else { return };
        let path = path.clone();
        match files::open(&path) {
            Ok(file) => {
                self.workers[index].resolv_owed += 1;
                let path = path.to_string_lossy().into_owned();
                self.send_dns(index, dns::ToWorker::ResolvFile { path }, vec![file]);
            }
            Err(error) => {
                let line = format!("failed to access {}: {}", path.display(), files::reason(&error));
                self.log.warning(&line);
            }
        }
    }

    /// Passes on what the watch has seen.
    pub(super) fn files_changed(&mut self, changes: Vec<Change>) {
        let hosts_change = |change: &Change| matches!(change, Change::HostsFile(_) | Change::HostsFileGone(_));
        let hosts_changed = changes.iter().any(hosts_change);
        for change in changes {
            match change {
                Change::Resolv => self.resolv_changed(),
                Change::HostsFile(path) => {
                    for index in self.dns_workers() {
                        let (error, descriptors) = opened(&path);
                        let path = path.to_string_lossy().into_owned();
                        self.send_dns(index, dns::ToWorker::HostsFileChanged { path, error }, descriptors);
                    }
                }
                Change::DhcpFile(path, kind) => self.dhcp_file_changed(path, kind),
                Change::HostsFileGone(path) => {
                    for index in self.dns_workers() {
                        let path = path.to_string_lossy().into_owned();
                        self.send_dns(index, dns::ToWorker::HostsFileGone { path }, Vec::new());
                    }
                }
            }
        }
        if hosts_changed {
            self.ask_all_for_hosts();
        }
    }

    /// The dns workers that have been told how things are, and hear of what changes.
    pub(super) fn dns_workers(&self) -> Vec<usize> {
        let hears = |worker: &Worker| worker.role == Role::Dns && matches!(worker.phase, Phase::Ready | Phase::Serving);
        (0..self.workers.len()).filter(|index| hears(&self.workers[*index])).collect()
    }

    /// Looks whether another resolv file is to be used, or the same one has changed.
    pub(super) fn resolv_changed(&mut self) {
        if self.pick_resolv_file() {
            self.dns_workers().into_iter().for_each(|index| self.send_resolv_file(index));
        }
    }

    pub(super) fn lease_name(&self, lease: &Lease) -> Option<dns::LeaseName> {
        let address = IpAddr::V4(lease.address);
        Some(dns::LeaseName {
            address,
            name: lease.name.clone()?,
            domain: self.config.dns.domains.of(address).map(str::to_owned),
            expires_s: lease.expires_s,
        })
    }

    /// Tells every dns worker what became of a lease's name.
    pub(super) fn publish(&mut self, change: &LeaseChange) {
        let message = match change {
            LeaseChange::Put(lease) => match self.lease_name(lease) {
                Some(name) => dns::ToWorker::LeaseName(name),
                None => dns::ToWorker::LeaseNameGone(IpAddr::V4(lease.address)),
            },
            LeaseChange::Remove(address) => dns::ToWorker::LeaseNameGone(IpAddr::V4(*address)),
        };
        for index in 0..self.workers.len() {
            if self.workers[index].role == Role::Dns && self.workers[index].phase >= Phase::Ready {
                self.send_dns(index, message.clone(), Vec::new());
            }
        }
    }
}

/// A hosts file to pass on, or why it cannot be.
fn opened(path: &Path) -> (Option<String>, Vec<OwnedFd>) {
    match files::open(path) {
        Ok(file) => (None, vec![file]),
        Err(error) => (Some(files::reason(&error)), Vec::new()),
    }
}
