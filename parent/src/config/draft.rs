//! The configuration while it is being read: the tree so far, and what must be remembered to finish it.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use ipc::config::dhcp::DhcpSlice;
use ipc::config::dns::DnsSlice;
use ipc::config::tftp::TftpSlice;

use super::auth::AuthService;
use super::dhcp_files::DhcpFiles;
use super::dhcp_host::HostEntry;
use super::dhcp6::Dhcp6;
use super::dnssec::Dnssec;
use super::fault::Fault;
use super::feature;
use super::journal::{Journal, Occurrence};
use super::keys::{self, Row};
use super::reach::Reach;
use super::record::mx::MxLine;
use super::refusal::{ERRORS_MAX, Refusals};
use super::script::LeaseScript;
use super::unserved::Unserved;
use super::{Config, ConfigError, LogTarget, Process, check};

/// Where an option was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Among the arguments.
    CommandLine,
    /// In a file, in the output of a script, or on standard input.
    File,
}

/// The tree so far. Lists that dnsmasq searches from the end of the file are kept in the order written until `finish`.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Names, upstreams, routes.
    pub(crate) dns: DnsSlice,
    /// DHCP.
    pub(crate) dhcp: DhcpSlice,
    /// Host rules, for DHCP of both families.
    pub(crate) host_entries: Vec<HostEntry>,
    /// TFTP.
    pub(crate) tftp: TftpSlice,
    /// DHCPv6 and router advertisements.
    pub(crate) dhcp6: Dhcp6,
    /// DHCP and TFTP settings that no worker uses yet.
    pub(crate) unserved: Unserved,
    /// Files that add to the configuration of DHCP.
    pub(crate) dhcp_files: DhcpFiles,
    /// Who hears of leases.
    pub(crate) script: LeaseScript,
    /// The parent's own.
    pub(crate) process: Process,
    /// The authoritative service.
    pub(crate) auth: AuthService,
    /// Validation.
    pub(crate) dnssec: Dnssec,
    /// Aliases of `cname`, of which each may occur once; without regard to letter case.
    pub(crate) cname_aliases: HashSet<String>,
    /// `mx-host` lines.
    pub(crate) mx_lines: Vec<MxLine>,
    /// `enable-tftp` was given.
    pub(crate) tftp_wanted: bool,
    /// `no-hosts` was given.
    pub(crate) no_hosts: bool,
    /// `resolv-file` lines; `None` before the first.
    pub(crate) resolv_files: Option<Vec<PathBuf>>,
    /// `log-facility`, if given.
    pub(crate) log_facility: Option<LogTarget>,
    /// `min-port`, `max-port`, if given.
    pub(crate) port_limits: (Option<u16>, Option<u16>),
    /// `bind-interfaces` was given or follows.
    pub(crate) bind_interfaces: bool,
    /// `bind-dynamic` was given.
    pub(crate) bind_dynamic: bool,
    /// `local-service=host` was given.
    pub(crate) local_host_only: bool,
    /// The last unconditional `domain` was `#`: take it from the resolv file.
    pub(crate) domain_from_resolv: bool,
    /// Addresses of host rules, of which each may occur once.
    pub(crate) host_addresses: HashSet<Ipv4Addr>,
    /// What reading may touch.
    pub(crate) reach: Reach,
    /// Files that were read, by device and inode.
    pub(crate) files_read: HashSet<(u64, u64)>,
    /// Standard input was read.
    pub(crate) stdin_read: bool,
    /// Files and scripts being read now, one inside the other.
    pub(crate) depth: u32,
    /// Where options were written.
    pub(crate) journal: Journal,
    /// What was found wrong so far.
    pub(crate) refusals: Refusals,
    /// Reading goes on behind an error.
    pub(crate) every_fault: bool,
    /// What the option just taken was hardly meant to be.
    pub(crate) doubt: Option<Fault>,
    /// Once-only options that were given, by the name they share with their aliases.
    given: HashMap<&'static str, Origin>,
}

impl Draft {
    /// dnsmasq's defaults.
    pub(crate) fn new() -> Draft {
        Draft {
            dns: DnsSlice {
                port: 53,
                cache_size: 150,
                edns_packet_max: 1232,
                dns_forward_max: 150,
                max_tcp_connections: 30,
                version: format!("dnsmasq-{}", crate::command_line::DNSMASQ_VERSION),
                ..DnsSlice::default()
            },
            dhcp: DhcpSlice { server_port: 67, client_port: 68, lease_max: 1000, ..DhcpSlice::default() },
            host_entries: Vec::new(),
            tftp: TftpSlice { max: 50, ..TftpSlice::default() },
            dhcp6: Dhcp6::default(),
            unserved: Unserved::default(),
            dhcp_files: DhcpFiles::default(),
            script: LeaseScript::default(),
            process: Process {
                user: Some("nobody".to_owned()),
                pid_file: Some(PathBuf::from("/var/run/dnsmasq.pid")),
                lease_file: PathBuf::from(LEASE_FILE),
                dumpmask: u32::MAX,
                ..Process::default()
            },
            auth: AuthService::default(),
            dnssec: Dnssec::default(),
            cname_aliases: HashSet::new(),
            mx_lines: Vec::new(),
            tftp_wanted: false,
            no_hosts: false,
            resolv_files: None,
            log_facility: None,
            port_limits: (None, None),
            bind_interfaces: false,
            bind_dynamic: false,
            local_host_only: false,
            domain_from_resolv: false,
            host_addresses: HashSet::new(),
            reach: Reach::System,
            files_read: HashSet::new(),
            stdin_read: false,
            depth: 0,
            journal: Journal::new(),
            refusals: Refusals::default(),
            every_fault: false,
            doubt: None,
            given: HashMap::new(),
        }
    }

    /// The same, for a reading that goes on behind errors.
    pub(crate) fn finding_every_fault(self) -> Draft {
        Draft { every_fault: true, ..self }
    }

    /// The same, with a journal that keeps values.
    pub(crate) fn keeping_values(self) -> Draft {
        Draft { journal: Journal::with_values(), ..self }
    }

    /// An error: the end, or noted down if reading shall go on.
    pub(crate) fn refuse(&mut self, error: ConfigError) -> Result<(), ConfigError> {
        if !self.every_fault {
            return Err(error);
        }
        self.refusals.add(error);
        Ok(())
    }

    /// Something to wonder about, if anybody is to hear of it.
    pub(crate) fn add_doubt(&mut self, doubt: ConfigError) {
        if self.every_fault && self.refusals.doubts.len() < ERRORS_MAX {
            self.refusals.doubts.push(doubt);
        }
    }

    /// As [`Draft::new`], for a text that may reach only so far.
    pub(crate) fn within(reach: Reach) -> Draft {
        Draft { reach, ..Draft::new() }
    }

    /// Takes one option that was found in the table, with its value.
    pub(crate) fn take(&mut self, row: &'static Row, value: Option<&str>, origin: Origin) -> Result<(), Fault> {
        if row.once {
            let before = self.given.insert(row.shared_name(), origin);
            match (before, origin) {
                (Some(Origin::File), Origin::File) => return Err(self.repeated("illegal repeated keyword", row)),
                (Some(Origin::CommandLine), Origin::CommandLine) => {
                    return Err(self.repeated("illegal repeated flag", row));
                }
                (Some(Origin::File), Origin::CommandLine) => {
                    // A file read in the middle of the command line wins over what follows it there.
                    self.given.insert(row.shared_name(), Origin::File);
                    return Ok(());
                }
                _ => {}
            }
        }
        feature::check(row.name).map_err(|fault| fault.of_keyword(Some(row)))?;
        self.journal.enter(row, value);
        if row.built == keys::Built::No {
            self.not_built(row.name);
        }
        (row.parse)(self, value).map_err(|fault| fault.of(row, value))?;
        self.doubt = self.doubt.take().map(|doubt| doubt.of(row, value));
        Ok(())
    }

    fn repeated(&self, text: &str, row: &'static Row) -> Fault {
        let before = |found: &Occurrence<'_>| found.row.shared_name() == row.shared_name();
        let before = self.journal.occurrences().filter(before).last();
        let note = before.map(|before| format!("given before: {}", before.place()));
        Fault::from(text).of_repeated_keyword(row, note)
    }

    /// Remembers that something known was written that has no effect yet.
    pub(crate) fn not_built(&mut self, what: &str) {
        if !self.process.not_built.iter().any(|name| name == what) {
            self.process.not_built.push(what.to_owned());
        }
    }

    /// The finished tree, after the checks across options; those that only a real start makes unless `test`.
    pub(crate) fn finish(mut self, test: bool) -> Result<Config, ConfigError> {
        check::always(&mut self)?;
        check::settle(&mut self);
        if !test {
            check::at_start(&self)?;
        }
        Ok(self.into_config())
    }

    /// As [`Draft::finish`] for a test, and what a real start would refuse.
    pub(crate) fn finish_looking(mut self) -> Result<(Config, Option<ConfigError>), ConfigError> {
        check::always(&mut self)?;
        check::settle(&mut self);
        let refused = check::at_start(&self).err();
        Ok((self.into_config(), refused))
    }

    fn into_config(self) -> Config {
        let dhcp_wanted = self.dhcp.wanted();
        let Draft { dns, mut dhcp, mut dhcp6, host_entries, mut tftp, unserved, script, process, tftp_wanted, .. } =
            self;
        if !dhcp6.ranges.is_empty() {
            dhcp6.host_entries.clone_from(&host_entries);
        }
        dhcp.tell_script = script.wanted();
        tftp.tell_script = script.wanted();
        dhcp.host_rules = host_entries.into_iter().map(|entry| entry.rule).collect();
        Config {
            dns,
            dhcp: dhcp_wanted.then_some(dhcp),
            dhcp6,
            tftp: tftp_wanted.then_some(tftp),
            unserved,
            dhcp_files: self.dhcp_files,
            script,
            process,
            auth: self.auth,
            dnssec: self.dnssec,
        }
    }
}

/// Where leases are kept unless configured otherwise.
pub(crate) const LEASE_FILE: &str = "/var/lib/misc/dnsmasq.leases";
