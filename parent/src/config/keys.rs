//! The table of options: a row for each one that dnsmasq knows, and those of ours. Read this first.
//!
//! A row says how an option is written (long name, short letter, value), whether it may be repeated, and which function
//! takes its value. An option that is known but not built is accepted, so that a configuration for dnsmasq still starts; the parent
//! says at start that it has no effect yet.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::dns::ttl_unless_zero;
use super::draft::Draft;
use super::fault::Fault;
use super::prefix::prefix;
use super::process::{count, interfaces, port, positive};
use super::query::LetterCase;
use super::record::{cname, host, interface_name, mx, srv, synthetic, zone_line};
use super::record_type::record_types;
use super::text::{reveal_path, reveal_text};
use super::{auth, dnssec, domain, kernel_set, mark, query, reply};
use super::{
    client_tags, dhcp, dhcp_host, dhcp_option, dhcp6, dns, process, pxe, ra, relay, route, source, tag, tftp, unserved,
    wire,
};

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Never.
    None,
    /// It may; on the command line only behind `=`.
    Optional,
    /// Always.
    Required,
}

/// Where an option means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line and in files.
    Both,
    /// On the command line; a file may hold it, but there it does nothing.
    CommandLine,
}

/// Does an option have its effect?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// Yes, but for what the note says.
    Yes,
    /// No: it is accepted and said to have no effect.
    No,
}

/// Takes the value of one occurrence of an option.
pub(crate) type Parse = fn(&mut Draft, Option<&str>) -> Result<(), Fault>;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The long name: the keyword in files, `--name` on the command line.
    pub name: &'static str,
    /// The short letter, followed by `:` if that form has a value; empty when there is none. Letters are for the command line.
    pub short: &'static str,
    /// Has the long form a value?
    pub argument: Argument,
    /// A second occurrence is an error.
    pub once: bool,
    /// Where it means something.
    pub place: Place,
    /// Is it built?
    pub built: Built,
    /// What is missing; empty when nothing is.
    pub missing: &'static str,
    /// Takes the value. What it makes of it is kept even when the option is not built.
    pub(crate) parse: Parse,
}

impl Row {
    /// The name under which occurrences are counted: aliases share one.
    pub(crate) fn shared_name(&self) -> &'static str {
        match self.name {
            "dhcp-lease" => "dhcp-leasefile",
            "domain-suffix" => "domain",
            name => name,
        }
    }

    const fn but(mut self, missing: &'static str) -> Row {
        self.missing = missing;
        self
    }

    const fn only_on_command_line(mut self) -> Row {
        self.place = Place::CommandLine;
        self
    }
}

const fn built(name: &'static str, short: &'static str, argument: Argument, once: bool, parse: Parse) -> Row {
    Row { name, short, argument, once, place: Place::Both, built: Built::Yes, missing: "", parse }
}

const fn unbuilt(
    name: &'static str,
    short: &'static str,
    argument: Argument,
    once: bool,
    missing: &'static str,
    parse: Parse,
) -> Row {
    Row { name, short, argument, once, place: Place::Both, built: Built::No, missing, parse }
}

/// For options that the command line deals with, or that need nothing done.
fn nothing(_: &mut Draft, _: Option<&str>) -> Result<(), Fault> {
    Ok(())
}

const NO: Argument = Argument::None;
const OPTIONAL: Argument = Argument::Optional;
const REQUIRED: Argument = Argument::Required;
const ONCE: bool = true;
const ADDS: bool = false;

/// The options of dnsmasq 2.93.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    built("version", "v", NO, ADDS, nothing).but("in a file: accepted without effect").only_on_command_line(),
    built("no-hosts", "h", NO, ADDS, |draft, _| { draft.no_hosts = true; Ok(()) }),
    built("no-poll", "n", NO, ADDS, |draft, _| { draft.process.no_poll = true; Ok(()) }),
    built("help", "w", NO, ADDS, nothing).but("in a file: accepted without effect").only_on_command_line(),
    built("no-daemon", "d", NO, ADDS, |draft, _| { draft.process.debug = true; Ok(()) }),
    built("log-queries", "q", OPTIONAL, ADDS, process::log_queries),
    built("user", "u:", OPTIONAL, ONCE, process::user),
    built("group", "g:", OPTIONAL, ONCE, process::group),
    built("resolv-file", "r:", OPTIONAL, ADDS, process::resolv_file),
    unbuilt("servers-file", "", REQUIRED, ONCE, "upstreams from a file that is read again", |draft, value| { draft.process.servers_file = value.map(reveal_path); Ok(()) }),
    unbuilt("mx-host", "m:", REQUIRED, ADDS, "MX records", mx::host),
    unbuilt("mx-target", "t:", REQUIRED, ONCE, "MX records", mx::target),
    built("cache-size", "c:", OPTIONAL, ONCE, dns::cache_size),
    built("port", "p:", REQUIRED, ONCE, dns::dns_port),
    built("dhcp-leasefile", "l:", OPTIONAL, ONCE, process::lease_file),
    built("dhcp-lease", "l:", REQUIRED, ONCE, process::lease_file),
    built("dhcp-host", "G:", REQUIRED, ADDS, dhcp_host::host).but("IPv4 only: IPv6 addresses are checked and have no effect"),
    built("dhcp-range", "F:", REQUIRED, ADDS, dhcp::range).but("IPv4 only: IPv6 ranges are checked and have no effect"),
    built("dhcp-option", "O:", REQUIRED, ADDS, dhcp_option::option).but("IPv4, plain and vendor: only: option6:, encap: and vi-encap: are checked and have no effect"),
    built("dhcp-boot", "M:", REQUIRED, ADDS, dhcp::boot).but("a server name in the third field is not looked up"),
    built("domain", "s:", REQUIRED, ADDS, domain::domain).but("the form with an interface has no effect"),
    built("domain-suffix", "s:", REQUIRED, ADDS, domain::domain).but("as domain"),
    built("interface", "i:", REQUIRED, ADDS, |draft, value| { draft.process.interfaces.extend(interfaces(value)); Ok(()) }),
    built("listen-address", "a:", REQUIRED, ADDS, process::listen_address),
    built("local-service", "", OPTIONAL, ONCE, process::local_service),
    built("bogus-priv", "b", NO, ADDS, |draft, _| { draft.dns.bogus_priv = true; Ok(()) }),
    unbuilt("bogus-nxdomain", "B:", REQUIRED, ADDS, "rewriting replies that hold an address to NXDOMAIN", |draft, value| { draft.replies.bogus_nxdomain.push(prefix(value)?); Ok(()) }),
    unbuilt("ignore-address", "", REQUIRED, ADDS, "dropping replies that hold an address", |draft, value| { draft.replies.ignore_addresses.push(prefix(value)?); Ok(()) }),
    unbuilt("selfmx", "e", NO, ADDS, "MX records", |draft, _| { draft.records.self_mx = true; Ok(()) }),
    unbuilt("filterwin2k", "f", NO, ADDS, "the filter for periodic Windows questions", |draft, _| { draft.replies.filter_windows = true; Ok(()) }),
    unbuilt("filter-A", "", NO, ADDS, "dropping A records from replies", |draft, _| { draft.replies.filtered_types.insert(1); Ok(()) }),
    unbuilt("filter-AAAA", "", NO, ADDS, "dropping AAAA records from replies", |draft, _| { draft.replies.filtered_types.insert(28); Ok(()) }),
    unbuilt("filter-rr", "", REQUIRED, ADDS, "dropping records from replies", |draft, value| { draft.replies.filtered_types.extend(record_types(value)?); Ok(()) }),
    built("pid-file", "x:", OPTIONAL, ONCE, process::pid_file),
    built("strict-order", "o", NO, ADDS, |draft, _| { draft.dns.strict_order = true; Ok(()) }),
    built("server", "S:", REQUIRED, ADDS, route::server),
    built("rev-server", "", REQUIRED, ADDS, route::rev_server),
    built("local", "", REQUIRED, ADDS, route::server),
    built("address", "A:", REQUIRED, ADDS, route::address),
    built("conf-file", "C:", OPTIONAL, ADDS, source::conf_file),
    built("conf-script", "", REQUIRED, ADDS, source::conf_script),
    built("no-resolv", "R", NO, ADDS, |draft, _| { draft.process.no_resolv = true; Ok(()) }),
    built("expand-hosts", "E", NO, ADDS, |draft, _| { draft.dns.expand_hosts = true; Ok(()) }),
    unbuilt("localmx", "L", NO, ADDS, "MX records", |draft, _| { draft.records.local_mx = true; Ok(()) }),
    built("local-ttl", "T:", REQUIRED, ONCE, |draft, value| { draft.dns.local_ttl = count(value)?; Ok(()) }),
    built("no-negcache", "N", NO, ADDS, |draft, _| { draft.dns.no_negcache = true; Ok(()) }),
    built("no-round-robin", "", NO, ADDS, |draft, _| { draft.dns.no_round_robin = true; Ok(()) }),
    unbuilt("no-0x20-encode", "", NO, ADDS, "random letter case in questions", |draft, _| { draft.queries.letter_case.keep(); Ok(()) }),
    unbuilt("do-0x20-encode", "", NO, ADDS, "random letter case in questions", |draft, _| { draft.queries.letter_case = LetterCase::Random; Ok(()) }),
    unbuilt("cache-rr", "", REQUIRED, ADDS, "caching further record types by choice", |draft, value| { draft.replies.cached_types.extend(record_types(value)?); Ok(()) }),
    built("addn-hosts", "H:", REQUIRED, ADDS, process::addn_hosts),
    built("hostsdir", "", REQUIRED, ADDS, process::hostsdir),
    built("query-port", "Q:", REQUIRED, ONCE, |draft, value| { draft.process.query_port = Some(port(value)?); Ok(()) }),
    built("except-interface", "I:", REQUIRED, ADDS, |draft, value| { draft.process.except_interfaces.extend(interfaces(value)); Ok(()) }),
    built("no-dhcp-interface", "2:", REQUIRED, ADDS, |draft, value| { draft.process.no_dhcp_interfaces.extend(interfaces(value)); Ok(()) }),
    built("no-dhcpv4-interface", "", REQUIRED, ADDS, |draft, value| { draft.process.no_dhcpv4_interfaces.extend(interfaces(value)); Ok(()) }),
    unbuilt("no-dhcpv6-interface", "", REQUIRED, ADDS, "DHCPv6", dhcp6::no_interface),
    built("domain-needed", "D", NO, ADDS, |draft, _| { draft.dns.domain_needed = true; Ok(()) }),
    built("dhcp-lease-max", "X:", REQUIRED, ONCE, |draft, value| { draft.dhcp.lease_max = count(value)?; Ok(()) }),
    built("bind-interfaces", "z", NO, ADDS, |draft, _| { draft.bind_interfaces = true; Ok(()) }),
    unbuilt("read-ethers", "Z", NO, ADDS, "reading /etc/ethers", |draft, _| { draft.unserved.files.ethers = true; Ok(()) }),
    unbuilt("alias", "V:", REQUIRED, ADDS, "rewriting addresses in replies", reply::alias),
    built("dhcp-vendorclass", "U:", REQUIRED, ADDS, dhcp::vendor_class).but("enterprise: has no effect (it is about DHCPv6)"),
    built("dhcp-userclass", "j:", REQUIRED, ADDS, dhcp::user_class),
    built("dhcp-ignore", "J:", REQUIRED, ADDS, |draft, value| { draft.dhcp.ignore.push(tag::tests(value)); Ok(()) }),
    built("edns-packet-max", "P:", REQUIRED, ONCE, dns::edns_packet_max),
    built("keep-in-foreground", "k", NO, ADDS, |draft, _| { draft.process.foreground = true; Ok(()) }),
    built("dhcp-authoritative", "K", NO, ADDS, |draft, _| { draft.dhcp.authoritative = true; Ok(()) }),
    unbuilt("srv-host", "W:", REQUIRED, ADDS, "SRV records", srv::srv_host),
    unbuilt("localise-queries", "y", NO, ADDS, "preferring addresses of the arrival network", |draft, _| { draft.replies.localize_queries = true; Ok(()) }),
    unbuilt("txt-record", "Y:", REQUIRED, ADDS, "TXT records", zone_line::txt),
    unbuilt("caa-record", "", REQUIRED, ADDS, "CAA records", zone_line::caa),
    unbuilt("dns-rr", "", REQUIRED, ADDS, "records of any type", zone_line::raw),
    unbuilt("enable-dbus", "1", OPTIONAL, ONCE, "the D-Bus interface", process::enable_dbus),
    unbuilt("enable-ubus", "", OPTIONAL, ONCE, "the ubus interface", process::enable_ubus),
    unbuilt("bootp-dynamic", "3:", OPTIONAL, ADDS, "leases for BOOTP clients", |draft, value| { draft.unserved.bootp_dynamic.push(tag::tests(value)); Ok(()) }),
    built("dhcp-mac", "4:", REQUIRED, ADDS, dhcp::mac),
    built("no-ping", "5", NO, ADDS, |draft, _| { draft.dhcp.no_ping = true; Ok(()) }),
    unbuilt("dhcp-script", "6:", REQUIRED, ONCE, "lease scripts", unserved::script),
    built("conf-dir", "7:", REQUIRED, ADDS, source::conf_dir),
    built("log-facility", "8:", REQUIRED, ONCE, process::log_facility),
    built("leasefile-ro", "9", NO, ADDS, |draft, _| { draft.process.leasefile_ro = true; Ok(()) }),
    unbuilt("script-on-renewal", "", NO, ADDS, "lease scripts", |draft, _| { draft.unserved.script.on_renewal = true; Ok(()) }),
    built("dns-forward-max", "0:", REQUIRED, ONCE, |draft, value| { draft.dns.dns_forward_max = count(value)?; Ok(()) }),
    built("clear-on-reload", "", NO, ADDS, |draft, _| { draft.dns.clear_on_reload = true; Ok(()) }),
    built("dhcp-ignore-names", "", OPTIONAL, ADDS, |draft, value| { draft.dhcp.ignore_names.push(tag::tests(value)); Ok(()) }),
    built("enable-tftp", "", OPTIONAL, ADDS, tftp::enable),
    built("tftp-secure", "", NO, ADDS, |draft, _| { draft.tftp.secure = true; Ok(()) }),
    built("tftp-no-fail", "", NO, ADDS, |draft, _| { draft.process.tftp_no_fail = true; Ok(()) }),
    built("tftp-unique-root", "", OPTIONAL, ADDS, tftp::unique_root).but("the value mac has no effect"),
    built("tftp-root", "", REQUIRED, ADDS, tftp::root),
    built("tftp-max", "", REQUIRED, ONCE, |draft, value| { draft.tftp.max = count(value)?; Ok(()) }),
    built("tftp-mtu", "", REQUIRED, ONCE, |draft, value| { draft.tftp.mtu = Some(count(value)?).filter(|&mtu| mtu > 0); Ok(()) }),
    built("tftp-lowercase", "", NO, ADDS, |draft, _| { draft.tftp.lowercase = true; Ok(()) }),
    unbuilt("tftp-single-port", "", NO, ADDS, "transfers from port 69", |draft, _| { draft.unserved.tftp_single_port = true; Ok(()) }),
    unbuilt("ptr-record", "", REQUIRED, ADDS, "PTR records", zone_line::ptr),
    unbuilt("naptr-record", "", REQUIRED, ADDS, "NAPTR records", zone_line::naptr),
    unbuilt("bridge-interface", "", REQUIRED, ADDS, "bridges", wire::bridge_interface),
    unbuilt("shared-network", "", REQUIRED, ADDS, "several subnets on one wire", wire::shared_network),
    built("dhcp-option-force", "", REQUIRED, ADDS, dhcp_option::option_force).but("as dhcp-option"),
    unbuilt("dhcp-option-pxe", "", REQUIRED, ADDS, "PXE", dhcp_option::option_pxe),
    built("tftp-no-blocksize", "", NO, ADDS, |draft, _| { draft.tftp.no_blocksize = true; Ok(()) }),
    built("log-dhcp", "", NO, ADDS, |draft, _| { draft.dhcp.log_dhcp = true; Ok(()) }),
    built("log-async", "", OPTIONAL, ONCE, process::log_async),
    unbuilt("dhcp-circuitid", "", REQUIRED, ADDS, "tags by relay circuit id", client_tags::circuit_id),
    unbuilt("dhcp-remoteid", "", REQUIRED, ADDS, "tags by relay remote id", client_tags::remote_id),
    unbuilt("dhcp-subscrid", "", REQUIRED, ADDS, "tags by relay subscriber id", client_tags::subscriber_id),
    unbuilt("dhcp-pxe-vendor", "", REQUIRED, ADDS, "PXE", pxe::vendor),
    unbuilt("interface-name", "", REQUIRED, ADDS, "names of interfaces", interface_name::interface_name),
    unbuilt("dhcp-hostsfile", "", REQUIRED, ADDS, "host rules from files", unserved::hosts_file),
    unbuilt("dhcp-optsfile", "", REQUIRED, ADDS, "options from files", unserved::options_file),
    unbuilt("dhcp-hostsdir", "", REQUIRED, ADDS, "host rules from watched directories", unserved::hosts_dir),
    unbuilt("dhcp-optsdir", "", REQUIRED, ADDS, "options from watched directories", unserved::options_dir),
    built("dhcp-no-override", "", NO, ADDS, |draft, _| { draft.dhcp.no_override = true; Ok(()) }),
    built("tftp-port-range", "", REQUIRED, ONCE, tftp::port_range),
    unbuilt("stop-dns-rebind", "", NO, ADDS, "dropping replies with private addresses", |draft, _| { draft.replies.stop_rebind = true; Ok(()) }),
    unbuilt("rebind-domain-ok", "", REQUIRED, ADDS, "dropping replies with private addresses", reply::rebind_domain_ok),
    built("all-servers", "", NO, ADDS, |draft, _| { draft.dns.all_servers = true; Ok(()) }),
    unbuilt("dhcp-match", "", REQUIRED, ADDS, "tags by option", dhcp_option::option_match),
    unbuilt("dhcp-name-match", "", REQUIRED, ADDS, "tags by host name", client_tags::name_match),
    built("dhcp-broadcast", "", OPTIONAL, ADDS, |draft, value| { draft.dhcp.broadcast.push(tag::tests(value)); Ok(()) }),
    built("neg-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.neg_ttl = ttl_unless_zero(value)?; Ok(()) }),
    built("max-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.max_ttl = ttl_unless_zero(value)?; Ok(()) }),
    built("min-cache-ttl", "", REQUIRED, ONCE, dns::min_cache_ttl),
    built("max-cache-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.max_cache_ttl = ttl_unless_zero(value)?; Ok(()) }),
    built("dhcp-alternate-port", "", OPTIONAL, ONCE, dhcp::alternate_port),
    unbuilt("dhcp-scriptuser", "", REQUIRED, ONCE, "lease scripts", unserved::script_user),
    built("min-port", "", REQUIRED, ONCE, |draft, value| { draft.port_limits.0 = Some(port(value)?); Ok(()) }),
    built("max-port", "", REQUIRED, ONCE, |draft, value| { draft.port_limits.1 = Some(port(value)?); Ok(()) }),
    built("dhcp-fqdn", "", NO, ADDS, |draft, _| { draft.dns.dhcp_fqdn = true; Ok(()) }),
    unbuilt("cname", "", REQUIRED, ADDS, "CNAME records", cname::cname),
    unbuilt("pxe-prompt", "", REQUIRED, ADDS, "PXE", pxe::prompt),
    unbuilt("pxe-service", "", REQUIRED, ADDS, "PXE", pxe::service),
    built("test", "", NO, ADDS, nothing).but("in a file: accepted without effect").only_on_command_line(),
    unbuilt("tag-if", "", REQUIRED, ADDS, "tags from tags", client_tags::tag_if),
    unbuilt("dhcp-proxy", "", OPTIONAL, ADDS, "acting through relays", relay::proxy),
    unbuilt("dhcp-generate-names", "", OPTIONAL, ADDS, "names made from hardware addresses", |draft, value| { draft.unserved.generate_names.push(tag::tests(value)); Ok(()) }),
    unbuilt("rebind-localhost-ok", "", NO, ADDS, "dropping replies with private addresses", |draft, _| { draft.replies.rebind_localhost_ok = true; Ok(()) }),
    unbuilt("add-mac", "", OPTIONAL, ADDS, "MAC addresses in upstream queries", query::add_mac),
    unbuilt("strip-mac", "", NO, ADDS, "MAC addresses in upstream queries", |draft, _| { draft.queries.strip_mac = true; Ok(()) }),
    unbuilt("add-subnet", "", OPTIONAL, ONCE, "client subnets in upstream queries", query::add_subnet),
    unbuilt("strip-subnet", "", NO, ADDS, "client subnets in upstream queries", |draft, _| { draft.queries.strip_subnet = true; Ok(()) }),
    unbuilt("add-cpe-id", "", REQUIRED, ONCE, "identifiers in upstream queries", |draft, value| { draft.queries.add_cpe_id = value.map(reveal_text); Ok(()) }),
    unbuilt("proxy-dnssec", "", NO, ADDS, "passing on the AD bit", |draft, _| { draft.queries.proxy_dnssec = true; Ok(()) }),
    built("dhcp-sequential-ip", "", NO, ADDS, |draft, _| { draft.dhcp.sequential_ip = true; Ok(()) }),
    unbuilt("conntrack", "", NO, ADDS, "connection marks", |draft, _| { draft.marks.copied = true; Ok(()) }),
    unbuilt("dhcp-client-update", "", NO, ADDS, "client updates of DNS", |draft, _| { draft.unserved.client_update = true; Ok(()) }),
    unbuilt("dhcp-luascript", "", REQUIRED, ADDS, "Lua", unserved::lua_script),
    unbuilt("enable-ra", "", NO, ADDS, "router advertisements", |draft, _| { draft.dhcp6.enable_ra = true; Ok(()) }),
    unbuilt("dhcp-duid", "", REQUIRED, ONCE, "DHCPv6", dhcp6::duid),
    unbuilt("host-record", "", REQUIRED, ADDS, "host records", host::host_record),
    built("bind-dynamic", "", NO, ADDS, |draft, _| { draft.bind_dynamic = true; Ok(()) }),
    unbuilt("auth-zone", "", REQUIRED, ADDS, "authoritative zones", auth::zone),
    unbuilt("auth-server", "", REQUIRED, ONCE, "authoritative zones", auth::server),
    unbuilt("auth-ttl", "", REQUIRED, ONCE, "authoritative zones", auth::ttl),
    unbuilt("auth-soa", "", REQUIRED, ONCE, "authoritative zones", auth::soa),
    unbuilt("auth-sec-servers", "", REQUIRED, ADDS, "authoritative zones", auth::secondary_servers),
    unbuilt("auth-peer", "", REQUIRED, ADDS, "authoritative zones", auth::peers),
    unbuilt("ipset", "", REQUIRED, ADDS, "kernel address sets", kernel_set::ipset),
    unbuilt("nftset", "", REQUIRED, ADDS, "kernel address sets", kernel_set::nftset),
    unbuilt("connmark-allowlist-enable", "", OPTIONAL, ONCE, "connection marks", mark::enable),
    unbuilt("connmark-allowlist", "", REQUIRED, ADDS, "connection marks", mark::allowlist),
    unbuilt("synth-domain", "", REQUIRED, ADDS, "synthetic names", synthetic::synth_domain),
    unbuilt("dnssec", "", NO, ADDS, "DNSSEC validation", |draft, _| { draft.dnssec.on = true; Ok(()) }),
    unbuilt("trust-anchor", "", REQUIRED, ADDS, "DNSSEC validation", dnssec::trust_anchor),
    unbuilt("dnssec-debug", "", NO, ADDS, "DNSSEC validation", |draft, _| { draft.dnssec.debug = true; Ok(()) }),
    unbuilt("dnssec-check-unsigned", "", OPTIONAL, ADDS, "DNSSEC validation", dnssec::check_unsigned),
    unbuilt("dnssec-no-timecheck", "", NO, ADDS, "DNSSEC validation", |draft, _| { draft.dnssec.no_time_check = true; Ok(()) }),
    unbuilt("dnssec-timestamp", "", REQUIRED, ONCE, "DNSSEC validation", dnssec::timestamp),
    unbuilt("dnssec-limits", "", REQUIRED, ONCE, "DNSSEC validation", dnssec::limits),
    unbuilt("dhcp-relay", "", REQUIRED, ADDS, "the relay", relay::relay),
    unbuilt("dhcp-split-relay", "", REQUIRED, ADDS, "the relay", relay::split_relay),
    unbuilt("ra-param", "", REQUIRED, ADDS, "router advertisements", ra::param),
    built("quiet-dhcp", "", NO, ADDS, |draft, _| { draft.dhcp.quiet_dhcp = true; Ok(()) }),
    unbuilt("quiet-dhcp6", "", NO, ADDS, "DHCPv6", |draft, _| { draft.dhcp6.quiet = true; Ok(()) }),
    unbuilt("quiet-ra", "", NO, ADDS, "router advertisements", |draft, _| { draft.dhcp6.quiet_ra = true; Ok(()) }),
    unbuilt("dns-loop-detect", "", NO, ADDS, "finding forwarding loops", |draft, _| { draft.queries.loop_detect = true; Ok(()) }),
    unbuilt("script-arp", "", NO, ADDS, "lease scripts", |draft, _| { draft.unserved.script.arp = true; Ok(()) }),
    built("dhcp-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.dhcp_ttl = Some(count(value)?); Ok(()) }),
    unbuilt("dhcp-reply-delay", "", REQUIRED, ONCE, "delayed offers", unserved::reply_delay),
    built("dhcp-rapid-commit", "", NO, ADDS, |draft, _| { draft.dhcp.rapid_commit = true; Ok(()) }),
    unbuilt("dumpfile", "", REQUIRED, ONCE, "copies of packets", |draft, value| { draft.process.dumpfile = value.map(reveal_path); Ok(()) }),
    unbuilt("dumpmask", "", REQUIRED, ONCE, "copies of packets", process::dumpmask),
    built("dhcp-ignore-clid", "", NO, ADDS, |draft, _| { draft.dhcp.ignore_client_id = true; Ok(()) }),
    unbuilt("dynamic-host", "", REQUIRED, ADDS, "names with the prefix of an interface", interface_name::dynamic_host),
    unbuilt("log-debug", "", NO, ADDS, "debugging lines", |draft, _| { draft.process.log_debug = true; Ok(()) }),
    unbuilt("umbrella", "", OPTIONAL, ONCE, "Umbrella identifiers in upstream queries", query::umbrella),
    built("quiet-tftp", "", NO, ADDS, |draft, _| { draft.tftp.quiet = true; Ok(()) }),
    unbuilt("port-limit", "", REQUIRED, ONCE, "several source ports for a question", query::port_limit),
    built("fast-dns-retry", "", OPTIONAL, ONCE, dns::fast_dns_retry),
    unbuilt("use-stale-cache", "", OPTIONAL, ONCE, "stale answers", query::use_stale_cache),
    built("no-ident", "", NO, ADDS, |draft, _| { draft.dns.no_ident = true; Ok(()) }),
    built("max-tcp-connections", "", REQUIRED, ONCE, |draft, value| { draft.dns.max_tcp_connections = positive(value)?; Ok(()) }),
    unbuilt("leasequery", "", OPTIONAL, ADDS, "lease queries", relay::leasequery),
    built("log-malloc", "", NO, ADDS, nothing).but("accepted; there is nothing to log"),
];

/// Options that dnsmasq does not know.
pub static OWN_OPTIONS: &[Row] = &[built("sandbox", "", REQUIRED, ONCE, process::sandbox)];

/// Every option, dnsmasq's first.
pub fn all() -> impl Iterator<Item = &'static Row> {
    OPTIONS.iter().chain(OWN_OPTIONS)
}

/// The option of this exact name.
pub fn find(name: &str) -> Option<&'static Row> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Row>> =
        LazyLock::new(|| all().map(|row| (row.name, row)).collect());
    BY_NAME.get(name).copied()
}

/// The page `docs/parity.md`.
pub fn parity_markdown() -> String {
    let mut page = String::from(PARITY_HEAD);
    let total = OPTIONS.len();
    let done = OPTIONS.iter().filter(|row| row.built == Built::Yes).count();
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(page, "{text}").expect("a string takes any text");
    line(format_args!("{done} of dnsmasq's {total} options are built.\n"));
    line(format_args!("| option | short | value | may repeat | built | what is missing |"));
    line(format_args!("|---|---|---|---|---|---|"));
    for row in OPTIONS {
        line(format_args!("{}", parity_line(row)));
    }
    line(format_args!("\n## Options that dnsmasq does not know\n"));
    line(format_args!("| option | short | value | may repeat | built | what is missing |"));
    line(format_args!("|---|---|---|---|---|---|"));
    for row in OWN_OPTIONS {
        line(format_args!("{}", parity_line(row)));
    }
    page
}

fn parity_line(row: &Row) -> String {
    let value = match row.argument {
        Argument::None => "none",
        Argument::Optional => "optional",
        Argument::Required => "required",
    };
    let built = match (row.built, row.missing) {
        (Built::Yes, "") => "yes",
        (Built::Yes, _) => "in part",
        (Built::No, _) => "no",
    };
    let short = row.short.get(..1).map(|letter| format!("`-{letter}`")).unwrap_or_default();
    let repeat = if row.once { "no" } else { "yes" };
    format!("| `{}` | {short} | {value} | {repeat} | {built} | {} |", row.name, row.missing)
}

const PARITY_HEAD: &str = "\
# Parity with dnsmasq 2.93

<!-- Printed by `config::keys::parity_markdown`; a test compares. To renew: WARDMASQ_BLESS=1 cargo test -p wardmasq --test config_parity -->

Every option that dnsmasq knows is accepted, with its rules of repetition, and its value is checked as dnsmasq checks it, with the
same words for what is wrong. One that is not built has no effect; the log says so at start.

## Differences in what is accepted

- Domain names hold ASCII only. dnsmasq converts other names (IDNA 2008) if it was built to; write the `xn--` form instead.
  A name with a capital and a label that begins with `xn--` is taken as it is, without a check of the rest.
- `help`, `version` and `test` in a file do nothing. (In dnsmasq they switch `bogus-priv` on.)
- Control characters in a file are data. (In dnsmasq they stand for quoted digits, letters and separators.)
- A configuration file ends with an error after 1 GiB, and files and scripts may be nested 100 deep.

## Options

";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_letters_are_unique() {
        let names: HashSet<_> = all().map(|row| row.name).collect();
        assert_eq!(names.len(), all().count());
        assert_eq!(OPTIONS.len(), 195);
        let mut letters: Vec<_> =
            all().filter(|row| row.shared_name() == row.name).filter_map(|row| row.short.get(..1)).collect();
        letters.sort_unstable();
        let count = letters.len();
        letters.dedup();
        assert_eq!(letters.len(), count);
    }

    #[test]
    fn what_is_not_built_says_what_is_missing() {
        assert!(all().all(|row| row.built == Built::Yes || !row.missing.is_empty()));
    }
}
