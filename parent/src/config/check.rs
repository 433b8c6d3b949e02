//! Rules across options, once everything has been read: what contradicts, and what follows from what.

use std::fs;
use std::path::PathBuf;

use ipc::config::dhcp::DhcpSlice;

use super::draft::Draft;
use super::fault::{Fault, STATUS_CONFIGURATION, STATUS_FILE, STATUS_OTHER};
use super::feature::Feature;
use super::reach::Reach;
use super::record::{self, cname, mx, srv};
use super::source::reason;
use super::text::from_bytes;
use super::{BindMode, ConfigError, LogTarget, name};

/// Above this many records dnsmasq doubts that a cache is of use.
const CACHE_SIZE_DOUBTFUL: u32 = 10_000;

/// Fewest records that a cache must have for validation.
const CACHE_SIZE_VALIDATING: u32 = 150;

/// The resolv file unless configured otherwise.
const RESOLV_FILE: &str = "/etc/resolv.conf";

/// Lowest and highest source port unless configured otherwise.
const PORT_LIMITS: (u16, u16) = (1024, 65_535);

/// The checks that `--test` makes too.
pub(crate) fn always(draft: &mut Draft) -> Result<(), ConfigError> {
    if let Some(alias) = cname::looping(&draft.dns.records.cnames) {
        return Err(refusal(&format!("CNAME loop involving {alias}")));
    }
    let process = &draft.process;
    let system = [PathBuf::from(RESOLV_FILE)];
    let resolv_files = draft.resolv_files.as_deref().unwrap_or(&system);
    if process.no_poll && !process.no_resolv && resolv_files.len() > 1 {
        return Err(refusal("only one resolv.conf file allowed in no-poll mode."));
    }
    if draft.domain_from_resolv {
        let [file] = resolv_files else { return Err(refusal(NOT_ONE_RESOLV)) };
        if process.no_resolv {
            return Err(refusal(NOT_ONE_RESOLV));
        }
        draft.dns.domains.default = Some(search_domain(file, draft.reach)?);
    }
    srv::append_domain(&mut draft.dns.records.srv, draft.dns.domains.default.as_deref())?;
    if draft.dns.dhcp_fqdn && draft.dns.domains.default.is_none() {
        return Err(refusal("there must be a default domain when --dhcp-fqdn is set"));
    }
    let reach = draft.reach;
    mx::settle(draft, || machine_name(reach))
}

/// The name of this machine, which MX records may point to.
fn machine_name(reach: Reach) -> Result<String, ConfigError> {
    reach.step_out().map_err(|fault| fault.in_file(""))?;
    let name = nix::unistd::gethostname()
        .map_err(|error| ConfigError::new(STATUS_OTHER, format!("cannot get host-name: {}", reason(&error.into()))))?;
    Ok(name.to_string_lossy().into_owned())
}

const NOT_ONE_RESOLV: &str = "must have exactly one resolv.conf to read domain from.";

fn refusal(text: &str) -> ConfigError {
    ConfigError::new(STATUS_CONFIGURATION, text.to_owned())
}

/// The first usable word behind `search` in a resolv file, for `domain=#`.
fn search_domain(file: &PathBuf, reach: Reach) -> Result<String, ConfigError> {
    reach.step_out().map_err(|fault| fault.in_file(""))?;
    let shown = file.display();
    let bytes = fs::read(file)
        .map_err(|error| ConfigError::new(STATUS_FILE, format!("failed to read {shown}: {}", reason(&error))))?;
    let words = |line: &[u8]| -> Option<String> {
        let text = from_bytes(line);
        let mut words = text.split_ascii_whitespace();
        (words.next() == Some("search")).then_some(())?;
        name::domain(words.next()?, Fault::Value).ok()
    };
    bytes
        .split(|&byte| byte == b'\n')
        .find_map(words)
        .ok_or_else(|| ConfigError::new(STATUS_OTHER, format!("no search directive found in {shown}")))
}

/// What follows from what: defaults that depend on other options, and the order in which lists are searched.
pub(crate) fn settle(draft: &mut Draft) {
    let process = &mut draft.process;
    let dns = &mut draft.dns;

    process.port = dns.port;
    dns.no_ident |= !Feature::Ident.built();
    process.hosts = (!draft.no_hosts).then(|| PathBuf::from("/etc/hosts"));
    process.addn_hosts.reverse();
    process.min_port = draft.port_limits.0.unwrap_or(PORT_LIMITS.0);
    process.max_port = draft.port_limits.1.unwrap_or(PORT_LIMITS.1);
    let query_port = process.query_port;
    process.upstream_sources = process.upstream_sources.drain(..).map(|source| source.from_port(query_port)).collect();
    dns.one_port = process.upstream_sources.iter().map(|source| source.port.is_some()).collect();
    dns.resolv_one_port = process.query_port.is_some();
    if dns.port != 0 && (dns.resolv_one_port || dns.one_port.contains(&true)) {
        process.warnings.push("warning: queries from a fixed source port make forged replies easier".to_owned());
    }
    let facility = if process.debug { LOCAL0 } else { DAEMON };
    process.log_facility = draft.log_facility.take().unwrap_or(LogTarget::Syslog(facility));

    if process.no_resolv && draft.resolv_files.as_ref().is_some_and(|files| !files.is_empty()) {
        process.warnings.push("warning: ignoring resolv-file flag because no-resolv is set".to_owned());
    }
    let resolv_files = draft.resolv_files.take().unwrap_or_else(|| vec![PathBuf::from(RESOLV_FILE)]);
    process.resolv_files = if process.no_resolv { Vec::new() } else { resolv_files };
    dns.resolv = !process.resolv_files.is_empty();
    if dns.cache_size > CACHE_SIZE_DOUBTFUL && dns.port != 0 {
        process.warnings.push(
            "cache size greater than 10000 may cause performance issues, and is unlikely to be useful.".to_owned(),
        );
    }

    let limited = !process.interfaces.is_empty()
        || !process.except_interfaces.is_empty()
        || !process.listen_addresses.is_empty()
        || draft.auth.server.is_some();
    if limited {
        dns.local_service = false;
    } else if draft.local_host_only && !dns.local_service {
        process.interfaces.push(String::new());
        draft.bind_interfaces = true;
    }
    process.bind = match (draft.bind_interfaces, draft.bind_dynamic) {
        (_, true) => BindMode::Dynamic,
        (true, false) => BindMode::Interfaces,
        (false, false) => BindMode::Wildcard,
    };
    dns.listen_addresses.clone_from(&process.listen_addresses);
    // Sockets bound to addresses of chosen interfaces once and for all need no second look at the arrival interface.
    dns.check_arrival = process.bind != BindMode::Interfaces;

    // An empty domain satisfies `dhcp-fqdn` but is no domain to put behind a name.
    dns.domains.default = dns.domains.default.take().filter(|domain| !domain.is_empty());
    dns.domains.conditional.reverse();
    let dhcp = &mut draft.dhcp;
    last_first(dhcp);
    draft.host_entries.reverse();
    draft.dhcp6.settle();
    draft.unserved.settle();
    draft.dhcp_files.settle();
    record::last_first(&mut dns.records);
    dns.replies.aliases.reverse();
    draft.auth.zones.reverse();
    draft.dnssec.anchors.reverse();
    dns.sets.ipset.reverse();
    dns.sets.nftset.reverse();
    dhcp.domains.clone_from(&dns.domains);
    dhcp.dns_served = dns.port != 0;
    process.dhcp_broadcast_all = dhcp.broadcast.iter().any(Vec::is_empty);
    if dhcp.log_dhcp {
        dhcp.quiet_dhcp = false;
    }

    // Per interface the last line counts, and the root for all others is looked at last.
    draft.tftp.roots.reverse();
    draft.tftp.roots.sort_by_key(|root| root.interface.is_none());
    let first_common = draft.tftp.roots.iter().position(|root| root.interface.is_none());
    draft.tftp.roots.truncate(first_common.map_or(usize::MAX, |position| position + 1));
}

const DAEMON: u8 = 3;
const LOCAL0: u8 = 16;

fn last_first(dhcp: &mut DhcpSlice) {
    dhcp.pools.reverse();
    dhcp.options.reverse();
    dhcp.boot.reverse();
    dhcp.ignore.reverse();
    dhcp.ignore_names.reverse();
    dhcp.class_rules.reverse();
    dhcp.hardware_rules.reverse();
    dhcp.relay_ids.reverse();
    dhcp.relays.reverse();
    dhcp.split_relays.reverse();
    dhcp.option_matches.reverse();
    dhcp.name_matches.reverse();
    dhcp.broadcast.reverse();
}

/// The checks that only a real start makes.
pub(crate) fn at_start(draft: &Draft) -> Result<(), ConfigError> {
    let process = &draft.process;
    if draft.dnssec.on {
        if !draft.dnssec.anchors.iter().any(|anchor| anchor.zone().is_empty()) {
            return Err(refusal("no root trust anchor provided for DNSSEC"));
        }
        if draft.dns.cache_size < CACHE_SIZE_VALIDATING {
            return Err(refusal("cannot reduce cache size from default when DNSSEC enabled"));
        }
    }
    if draft.dns.marks.copied && process.query_port.is_some() {
        return Err(refusal("cannot use --conntrack AND --query-port"));
    }
    let Some(ports) = process.max_port.checked_sub(process.min_port) else {
        return Err(refusal("max_port cannot be smaller than min_port"));
    };
    // Without a range of their own, source ports are the system's choice.
    let bounded = draft.port_limits != (None, None);
    if bounded && draft.dns.queries.port_limit.is_some_and(|limit| limit.get() > u32::from(ports) + 1) {
        return Err(refusal("port_limit must not be larger than available port range"));
    }
    if !draft.auth.zones.is_empty() && draft.auth.server.is_none() {
        return Err(refusal("--auth-server required when an auth zone is defined."));
    }
    if draft.bind_interfaces && draft.bind_dynamic {
        return Err(refusal("cannot set --bind-interfaces and --bind-dynamic"));
    }
    Ok(())
}
