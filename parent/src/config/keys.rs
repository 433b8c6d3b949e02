//! The table of options: a row for each one that dnsmasq knows, and those of ours. Read this first.
//!
//! A row says how an option is written (long name, short letter, value), whether it may be repeated, and which function
//! takes its value. An option that is known but not built is accepted, so that a configuration for dnsmasq still starts; the parent
//! says at start that it has no effect yet.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use ipc::config::query::LetterCase;

use super::dns::ttl_unless_zero;
use super::draft::Draft;
use super::fault::Fault;
use super::prefix::prefix;
use super::process::{count, interfaces, port, positive};
use super::record::{cname, host, interface_name, mx, srv, synthetic, zone_line};
use super::record_type::record_types;
use super::text::{reveal_path, reveal_text};
use super::{auth, dnssec, domain, kernel_set, mark, query, reply};
use super::{
    client_tags, dhcp, dhcp_files, dhcp_host, dhcp_option, dhcp6, dns, process, pxe, ra, relay, route, script, source,
    tag, tftp, wire,
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
    /// What its value looks like, for people, with the `=` in front; empty when there is none.
    pub form: &'static str,
    /// What it is for, for people.
    pub help: &'static str,
    /// A line as it could stand in a file.
    pub example: &'static str,
    /// What holds when it is not given; empty for "none", or for "off" if it has no value.
    pub default: &'static str,
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

    const fn means(mut self, form: &'static str, help: &'static str) -> Row {
        self.form = form;
        self.help = help;
        self
    }

    const fn example(mut self, example: &'static str) -> Row {
        self.example = example;
        self
    }

    const fn unless_given(mut self, default: &'static str) -> Row {
        self.default = default;
        self
    }

    const fn only_on_command_line(mut self) -> Row {
        self.place = Place::CommandLine;
        self
    }
}

const fn built(name: &'static str, short: &'static str, argument: Argument, once: bool, parse: Parse) -> Row {
    Row {
        name,
        short,
        argument,
        once,
        place: Place::Both,
        built: Built::Yes,
        missing: "",
        form: "",
        help: "",
        example: "",
        default: "",
        parse,
    }
}

const fn unbuilt(
    name: &'static str,
    short: &'static str,
    argument: Argument,
    once: bool,
    missing: &'static str,
    parse: Parse,
) -> Row {
    let row = built(name, short, argument, once, parse);
    Row { built: Built::No, missing, ..row }
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
    built("version", "v", NO, ADDS, nothing).but("in a file: accepted without effect").only_on_command_line().means("", "print the version and the terms of use").example("version"),
    built("no-hosts", "h", NO, ADDS, |draft, _| { draft.no_hosts = true; Ok(()) }).means("", "leave out the system's hosts file").example("no-hosts"),
    built("no-poll", "n", NO, ADDS, |draft, _| { draft.process.no_poll = true; Ok(()) }).means("", "read resolv files again only on SIGHUP").example("no-poll"),
    built("help", "w", NO, ADDS, nothing).but("in a file: accepted without effect").only_on_command_line().means(" [dhcp|dhcp6]", "print this list, or the names of DHCP options").example("help"),
    built("no-daemon", "d", NO, ADDS, |draft, _| { draft.process.debug = true; Ok(()) }).means("", "stay in the foreground and log to standard error, for debugging").example("no-daemon"),
    built("log-queries", "q", OPTIONAL, ADDS, process::log_queries).means("[=extra|proto|auth|only_failed]", "log every question and its answer").example("log-queries=extra").unless_given("off"),
    built("user", "u:", OPTIONAL, ONCE, process::user).means("=<user>", "become this user (nobody)").example("user=nobody").unless_given("nobody"),
    built("group", "g:", OPTIONAL, ONCE, process::group).means("=<group>", "become this group (dip)").example("group=dip").unless_given("dip, else the group of the user"),
    built("resolv-file", "r:", OPTIONAL, ADDS, process::resolv_file).means("=<file>", "take upstream servers from this file (/etc/resolv.conf)").example("resolv-file=/run/resolv.conf").unless_given("/etc/resolv.conf"),
    built("servers-file", "", REQUIRED, ONCE, |draft, value| { draft.process.servers_file = value.map(reveal_path); Ok(()) }).means("=<file>", "take server lines from this file, again on SIGHUP").example("servers-file=/etc/dnsmasq.servers"),
    built("mx-host", "m:", REQUIRED, ADDS, mx::host).means("=<name>[,<target>[,<preference>]]", "give a name an MX record").example("mx-host=example.lan,mail.example.lan,10"),
    built("mx-target", "t:", REQUIRED, ONCE, mx::target).means("=<name>", "point MX records without a target here").example("mx-target=mail.example.lan").unless_given("the name of this machine"),
    built("cache-size", "c:", OPTIONAL, ONCE, dns::cache_size).means("=<records>", "keep so many records in the cache (150)").example("cache-size=1000").unless_given("150"),
    built("port", "p:", REQUIRED, ONCE, dns::dns_port).means("=<port>", "answer DNS on this port (53); 0 turns DNS off").example("port=5353").unless_given("53"),
    built("dhcp-leasefile", "l:", OPTIONAL, ONCE, process::lease_file).means("=<file>", "keep leases in this file").example("dhcp-leasefile=/var/lib/misc/dnsmasq.leases").unless_given("/var/lib/misc/dnsmasq.leases"),
    built("dhcp-lease", "l:", REQUIRED, ONCE, process::lease_file).means("=<file>", "as dhcp-leasefile").example("dhcp-lease=/var/lib/misc/dnsmasq.leases").unless_given("/var/lib/misc/dnsmasq.leases"),
    built("dhcp-host", "G:", REQUIRED, ADDS, dhcp_host::host).but("IPv6 addresses have no effect").means("=<client>[,<address>][,<name>][,<time>]", "settle address and name of a DHCP client").example("dhcp-host=11:22:33:44:55:66,192.168.0.60,printer,45m"),
    built("dhcp-range", "F:", REQUIRED, ADDS, dhcp::range).but("IPv6 ranges have no effect").means("=<first>,<last>[,<netmask>][,<time>]", "give out addresses of this range").example("dhcp-range=192.168.0.50,192.168.0.150,12h"),
    built("dhcp-option", "O:", REQUIRED, ADDS, dhcp_option::option).but("option6: has no effect").means("=[<tags>,]<option>,<value>...", "send an option to DHCP clients that ask for it").example("dhcp-option=option:router,192.168.0.1"),
    built("dhcp-boot", "M:", REQUIRED, ADDS, dhcp::boot).means("=[<tags>,]<file>[,<name>[,<address>]]", "tell clients that boot what to load, and from where").example("dhcp-boot=pxelinux.0,boot.example.lan,192.168.0.2"),
    built("domain", "s:", REQUIRED, ADDS, domain::domain).means("=<name>[,<range>|<interface>]", "put hosts into this domain").example("domain=example.lan").unless_given("none, so names stay as they are"),
    built("domain-suffix", "s:", REQUIRED, ADDS, domain::domain).means("=<name>[,<range>|<interface>]", "as domain").example("domain-suffix=example.lan"),
    built("interface", "i:", REQUIRED, ADDS, |draft, value| { draft.process.interfaces.extend(interfaces(value)); Ok(()) }).means("=<interface>...", "serve these interfaces only, and loopback").example("interface=eth0,br-*").unless_given("every interface"),
    built("listen-address", "a:", REQUIRED, ADDS, process::listen_address).means("=<address>...", "answer at these addresses").example("listen-address=127.0.0.1,192.168.0.1").unless_given("every address"),
    built("local-service", "", OPTIONAL, ONCE, process::local_service).means("[=net|host]", "answer only to attached networks, or to this host").example("local-service=host").unless_given("off"),
    built("bogus-priv", "b", NO, ADDS, |draft, _| { draft.dns.bogus_priv = true; Ok(()) }).means("", "answer reverse questions for private addresses from local knowledge").example("bogus-priv"),
    built("bogus-nxdomain", "B:", REQUIRED, ADDS, |draft, value| { draft.dns.replies.bogus_nxdomain.push(prefix(value)?); Ok(()) }).means("=<address>[/<length>]", "turn replies that hold the address into NXDOMAIN").example("bogus-nxdomain=192.0.2.0/24"),
    built("ignore-address", "", REQUIRED, ADDS, |draft, value| { draft.dns.replies.ignore_addresses.push(prefix(value)?); Ok(()) }).means("=<address>[/<length>]", "drop replies that hold the address").example("ignore-address=192.0.2.1"),
    built("selfmx", "e", NO, ADDS, |draft, _| { draft.dns.records.self_mx = true; Ok(()) }).means("", "give local hosts MX records that point to themselves").example("selfmx"),
    built("filterwin2k", "f", NO, ADDS, |draft, _| { draft.dns.filter_windows = true; Ok(()) }).means("", "do not forward what old Windows systems ask by habit").example("filterwin2k"),
    built("filter-A", "", NO, ADDS, |draft, _| { draft.dns.replies.filtered_types.insert(1); Ok(()) }).means("", "leave IPv4 addresses out of replies").example("filter-A"),
    built("filter-AAAA", "", NO, ADDS, |draft, _| { draft.dns.replies.filtered_types.insert(28); Ok(()) }).means("", "leave IPv6 addresses out of replies").example("filter-AAAA"),
    built("filter-rr", "", REQUIRED, ADDS, |draft, value| { draft.dns.replies.filtered_types.extend(record_types(value)?); Ok(()) }).means("=<type>...", "leave records of these types out of replies").example("filter-rr=HTTPS,SVCB"),
    built("pid-file", "x:", OPTIONAL, ONCE, process::pid_file).means("=<file>", "write the process id here (/var/run/dnsmasq.pid)").example("pid-file=/run/dnsmasq.pid").unless_given("/var/run/dnsmasq.pid"),
    built("strict-order", "o", NO, ADDS, |draft, _| { draft.dns.strict_order = true; Ok(()) }).means("", "try upstream servers in the order they are listed").example("strict-order"),
    built("server", "S:", REQUIRED, ADDS, route::server).means("=[/<domain>/]<address>[#<port>]", "ask this upstream server, for a domain or for everything").example("server=/example.com/192.0.2.53#5353"),
    built("rev-server", "", REQUIRED, ADDS, route::rev_server).means("=<address>/<length>[,<address>]", "ask this upstream server for names of these addresses").example("rev-server=192.168.1.0/24,192.168.1.1"),
    built("local", "", REQUIRED, ADDS, route::server).means("=/<domain>/", "never forward questions for this domain").example("local=/example.lan/"),
    built("address", "A:", REQUIRED, ADDS, route::address).means("=/<domain>/[<address>]", "give all names of a domain this address").example("address=/ads.example.com/0.0.0.0"),
    built("conf-file", "C:", OPTIONAL, ADDS, source::conf_file).means("=<file>", "read the configuration from here (/etc/dnsmasq.conf)").example("conf-file=/etc/dnsmasq.more.conf").unless_given("/etc/dnsmasq.conf"),
    built("conf-script", "", REQUIRED, ADDS, source::conf_script).means("=<command>", "read what this command prints as configuration").example("conf-script=echo port=5353"),
    built("no-resolv", "R", NO, ADDS, |draft, _| { draft.process.no_resolv = true; Ok(()) }).means("", "take upstream servers from the configuration only").example("no-resolv"),
    built("expand-hosts", "E", NO, ADDS, |draft, _| { draft.dns.expand_hosts = true; Ok(()) }).means("", "put the domain behind plain names of hosts files").example("expand-hosts"),
    built("localmx", "L", NO, ADDS, |draft, _| { draft.dns.records.local_mx = true; Ok(()) }).means("", "give local hosts MX records").example("localmx"),
    built("local-ttl", "T:", REQUIRED, ONCE, |draft, value| { draft.dns.local_ttl = count(value)?; Ok(()) }).means("=<seconds>", "time to live of names from hosts files and leases (0)").example("local-ttl=60").unless_given("0"),
    built("no-negcache", "N", NO, ADDS, |draft, _| { draft.dns.no_negcache = true; Ok(()) }).means("", "do not cache that a name does not exist").example("no-negcache"),
    built("no-round-robin", "", NO, ADDS, |draft, _| { draft.dns.no_round_robin = true; Ok(()) }).means("", "keep the order of records in replies").example("no-round-robin"),
    built("no-0x20-encode", "", NO, ADDS, |draft, _| { draft.dns.queries.letter_case = LetterCase::Kept; Ok(()) }).means("", "keep the letter case of forwarded names").example("no-0x20-encode"),
    built("do-0x20-encode", "", NO, ADDS, |draft, _| { draft.dns.queries.letter_case.vary(); Ok(()) }).means("", "vary the letter case of forwarded names, against forged replies").example("do-0x20-encode"),
    built("cache-rr", "", REQUIRED, ADDS, |draft, value| { draft.dns.replies.cached_types.extend(record_types(value)?); Ok(()) }).means("=<type>...", "cache records of these types too").example("cache-rr=TXT,SRV"),
    built("addn-hosts", "H:", REQUIRED, ADDS, process::addn_hosts).means("=<path>", "read this hosts file, or those of a directory").example("addn-hosts=/etc/hosts.lan"),
    built("hostsdir", "", REQUIRED, ADDS, process::hostsdir).means("=<directory>", "read hosts files from here, whenever one appears").example("hostsdir=/etc/dnsmasq.hosts"),
    built("query-port", "Q:", REQUIRED, ONCE, |draft, value| { draft.process.query_port = Some(port(value)?); Ok(()) }).means("=<port>", "ask upstream servers from this port").example("query-port=5300").unless_given("random ports"),
    built("except-interface", "I:", REQUIRED, ADDS, |draft, value| { draft.process.except_interfaces.extend(interfaces(value)); Ok(()) }).means("=<interface>...", "do not serve these interfaces").example("except-interface=eth1"),
    built("no-dhcp-interface", "2:", REQUIRED, ADDS, |draft, value| { draft.process.no_dhcp_interfaces.extend(interfaces(value)); Ok(()) }).means("=<interface>...", "do not serve DHCP or TFTP there").example("no-dhcp-interface=eth1"),
    built("no-dhcpv4-interface", "", REQUIRED, ADDS, |draft, value| { draft.process.no_dhcpv4_interfaces.extend(interfaces(value)); Ok(()) }).means("=<interface>...", "do not serve DHCPv4 there").example("no-dhcpv4-interface=eth1"),
    unbuilt("no-dhcpv6-interface", "", REQUIRED, ADDS, "DHCPv6", dhcp6::no_interface).means("=<interface>...", "do not serve DHCPv6 or router advertisements there").example("no-dhcpv6-interface=eth1"),
    built("domain-needed", "D", NO, ADDS, |draft, _| { draft.dns.domain_needed = true; Ok(()) }).means("", "never forward names without a dot").example("domain-needed"),
    built("dhcp-lease-max", "X:", REQUIRED, ONCE, |draft, value| { draft.dhcp.lease_max = count(value)?; Ok(()) }).means("=<number>", "give out so many leases at most (1000)").example("dhcp-lease-max=500").unless_given("1000"),
    built("bind-interfaces", "z", NO, ADDS, |draft, _| { draft.bind_interfaces = true; Ok(()) }).means("", "listen on the addresses of served interfaces only").example("bind-interfaces"),
    built("read-ethers", "Z", NO, ADDS, |draft, _| { draft.dhcp_files.ethers = true; Ok(()) }).means("", "take DHCP hosts from /etc/ethers").example("read-ethers"),
    built("alias", "V:", REQUIRED, ADDS, reply::alias).means("=<address>,<address>[,<mask>]", "replace IPv4 addresses in replies").example("alias=192.0.2.0,10.0.0.0,255.255.255.0"),
    built("dhcp-vendorclass", "U:", REQUIRED, ADDS, dhcp::vendor_class).but("DHCPv6 clients are not looked at").means("=set:<tag>,<class>", "set a tag by the client's vendor class").example("dhcp-vendorclass=set:printers,Hewlett-Packard"),
    built("dhcp-userclass", "j:", REQUIRED, ADDS, dhcp::user_class).means("=set:<tag>,<class>", "set a tag by the client's user class").example("dhcp-userclass=set:accounts,accounts"),
    built("dhcp-ignore", "J:", REQUIRED, ADDS, |draft, value| { draft.dhcp.ignore.push(tag::tests(value)); Ok(()) }).means("=<tags>", "give clients with these tags nothing").example("dhcp-ignore=tag:!known"),
    built("edns-packet-max", "P:", REQUIRED, ONCE, dns::edns_packet_max).means("=<bytes>", "largest UDP message to ask for (1232)").example("edns-packet-max=1232").unless_given("1232"),
    built("keep-in-foreground", "k", NO, ADDS, |draft, _| { draft.process.foreground = true; Ok(()) }).means("", "stay in the foreground, otherwise as a service").example("keep-in-foreground"),
    built("dhcp-authoritative", "K", NO, ADDS, |draft, _| { draft.dhcp.authoritative = true; Ok(()) }).means("", "act as the only DHCP server of the network").example("dhcp-authoritative"),
    built("srv-host", "W:", REQUIRED, ADDS, srv::srv_host).means("=<name>[,<target>[,<port>[,<priority>[,<weight>]]]]", "give a service an SRV record").example("srv-host=_ldap._tcp.example.lan,ldap.example.lan,389"),
    built("localise-queries", "y", NO, ADDS, |draft, _| { draft.dns.localize_queries = true; Ok(()) }).means("", "of several addresses answer the one in the asker's network").example("localise-queries"),
    built("txt-record", "Y:", REQUIRED, ADDS, zone_line::txt).means("=<name>[,<text>...]", "give a name a TXT record").example("txt-record=example.lan,\"v=spf1 a -all\""),
    built("caa-record", "", REQUIRED, ADDS, zone_line::caa).means("=<name>,<flags>,<tag>,<value>", "give a name a CAA record").example("caa-record=example.lan,0,issue,ca.example.net"),
    built("dns-rr", "", REQUIRED, ADDS, zone_line::raw).means("=<name>,<number>[,<hex>]", "give a name a record of any type").example("dns-rr=example.lan,51,01:23:45"),
    unbuilt("enable-dbus", "1", OPTIONAL, ONCE, "the D-Bus interface", process::enable_dbus).means("[=<name>]", "offer control over D-Bus").example("enable-dbus").unless_given("off"),
    unbuilt("enable-ubus", "", OPTIONAL, ONCE, "the ubus interface", process::enable_ubus).means("[=<name>]", "offer control over ubus").example("enable-ubus").unless_given("off"),
    built("bootp-dynamic", "3:", OPTIONAL, ADDS, |draft, value| { draft.dhcp.bootp_dynamic.push(tag::tests(value)); Ok(()) }).means("[=<tags>]", "give BOOTP clients addresses of ranges").example("bootp-dynamic=tag:old").unless_given("off"),
    built("dhcp-mac", "4:", REQUIRED, ADDS, dhcp::mac).means("=set:<tag>,<address>", "set a tag by the client's hardware address").example("dhcp-mac=set:phones,00:60:8C:*:*:*"),
    built("no-ping", "5", NO, ADDS, |draft, _| { draft.dhcp.no_ping = true; Ok(()) }).means("", "do not check by ping that an address is free").example("no-ping"),
    built("dhcp-script", "6:", REQUIRED, ONCE, script::program).means("=<file>", "run this program when leases change").example("dhcp-script=/usr/local/bin/lease-changed"),
    built("conf-dir", "7:", REQUIRED, ADDS, source::conf_dir).means("=<directory>[,<suffix>...]", "read the configuration files of a directory").example("conf-dir=/etc/dnsmasq.d,*.conf"),
    built("log-facility", "8:", REQUIRED, ONCE, process::log_facility).means("=<facility>|<file>|-", "log there instead of to the system log's daemon facility").example("log-facility=/var/log/dnsmasq.log").unless_given("the facility daemon of the system log"),
    built("leasefile-ro", "9", NO, ADDS, |draft, _| { draft.process.leasefile_ro = true; Ok(()) }).means("", "keep no lease file; the script keeps leases").example("leasefile-ro"),
    built("script-on-renewal", "", NO, ADDS, |draft, _| { draft.script.on_renewal = true; Ok(()) }).means("", "run the script when a lease is renewed, too").example("script-on-renewal"),
    built("dns-forward-max", "0:", REQUIRED, ONCE, |draft, value| { draft.dns.dns_forward_max = count(value)?; Ok(()) }).means("=<number>", "questions in flight to upstream servers, at most (150)").example("dns-forward-max=300").unless_given("150"),
    built("clear-on-reload", "", NO, ADDS, |draft, _| { draft.dns.clear_on_reload = true; Ok(()) }).means("", "empty the cache when upstream servers change").example("clear-on-reload"),
    built("dhcp-ignore-names", "", OPTIONAL, ADDS, |draft, value| { draft.dhcp.ignore_names.push(tag::tests(value)); Ok(()) }).means("[=<tags>]", "do not use names that clients claim").example("dhcp-ignore-names=tag:guest").unless_given("off"),
    built("enable-tftp", "", OPTIONAL, ADDS, tftp::enable).means("[=<interface>...]", "serve files by TFTP").example("enable-tftp=eth0").unless_given("off"),
    built("tftp-secure", "", NO, ADDS, |draft, _| { draft.tftp.secure = true; Ok(()) }).means("", "serve only files that the server's user owns").example("tftp-secure"),
    built("tftp-no-fail", "", NO, ADDS, |draft, _| { draft.process.tftp_no_fail = true; Ok(()) }).means("", "start even if the TFTP directory is missing").example("tftp-no-fail"),
    built("tftp-unique-root", "", OPTIONAL, ADDS, tftp::unique_root).but("the value mac has no effect").means("[=ip|mac]", "look for files below a directory named after the client").example("tftp-unique-root=ip").unless_given("off"),
    built("tftp-root", "", REQUIRED, ADDS, tftp::root).means("=<directory>[,<interface>]", "serve files below this directory").example("tftp-root=/srv/tftp"),
    built("tftp-max", "", REQUIRED, ONCE, |draft, value| { draft.tftp.max = count(value)?; Ok(()) }).means("=<number>", "TFTP transfers at a time, at most (50)").example("tftp-max=100").unless_given("50"),
    built("tftp-mtu", "", REQUIRED, ONCE, |draft, value| { draft.tftp.mtu = Some(count(value)?).filter(|&mtu| mtu > 0); Ok(()) }).means("=<bytes>", "largest TFTP packet, headers included").example("tftp-mtu=1400").unless_given("the MTU of the interface"),
    built("tftp-lowercase", "", NO, ADDS, |draft, _| { draft.tftp.lowercase = true; Ok(()) }).means("", "make requested file names lower case").example("tftp-lowercase"),
    unbuilt("tftp-single-port", "", NO, ADDS, "transfers from port 69", |draft, _| { draft.unserved.tftp_single_port = true; Ok(()) }).means("", "run all TFTP transfers over port 69").example("tftp-single-port"),
    built("ptr-record", "", REQUIRED, ADDS, zone_line::ptr).means("=<name>[,<target>]", "give a name a PTR record").example("ptr-record=_http._tcp.dns-sd-services,page.example.lan"),
    built("naptr-record", "", REQUIRED, ADDS, zone_line::naptr).means("=<name>,<order>,<preference>,<flags>,<service>,<regexp>[,<name>]", "give a name an NAPTR record").example("naptr-record=example.lan,10,20,s,SIP+D2U,,_sip._udp.example.lan"),
    built("bridge-interface", "", REQUIRED, ADDS, wire::bridge_interface).means("=<interface>,<alias>...", "treat DHCP requests on these as if from that interface").example("bridge-interface=br0,tap*"),
    built("shared-network", "", REQUIRED, ADDS, wire::shared_network).but("subnets of IPv6 have no effect").means("=<interface>|<address>,<address>", "serve a further subnet on the same wire").example("shared-network=192.168.0.1,192.168.1.1"),
    built("dhcp-option-force", "", REQUIRED, ADDS, dhcp_option::option_force).but("as dhcp-option").means("=[<tags>,]<option>,<value>...", "send an option even to clients that do not ask").example("dhcp-option-force=208,f1:00:74:7e"),
    built("dhcp-option-pxe", "", REQUIRED, ADDS, dhcp_option::option_pxe).means("=[<tags>,]<option>,<value>...", "send an option to PXE clients only").example("dhcp-option-pxe=option:root-path,192.168.0.2:/srv/root"),
    built("tftp-no-blocksize", "", NO, ADDS, |draft, _| { draft.tftp.no_blocksize = true; Ok(()) }).means("", "refuse to negotiate the TFTP block size").example("tftp-no-blocksize"),
    built("log-dhcp", "", NO, ADDS, |draft, _| { draft.dhcp.log_dhcp = true; Ok(()) }).means("", "log DHCP in detail").example("log-dhcp"),
    built("log-async", "", OPTIONAL, ONCE, process::log_async).means("[=<lines>]", "queue log lines instead of waiting for the log (5)").example("log-async=20").unless_given("lines are not queued"),
    built("dhcp-circuitid", "", REQUIRED, ADDS, client_tags::circuit_id).means("=set:<tag>,<id>", "set a tag by the relay agent's circuit id").example("dhcp-circuitid=set:floor1,01:02:03"),
    built("dhcp-remoteid", "", REQUIRED, ADDS, client_tags::remote_id).means("=set:<tag>,<id>", "set a tag by the relay agent's remote id").example("dhcp-remoteid=set:floor1,switch-1"),
    built("dhcp-subscrid", "", REQUIRED, ADDS, client_tags::subscriber_id).means("=set:<tag>,<id>", "set a tag by the relay agent's subscriber id").example("dhcp-subscrid=set:customer,1234"),
    built("dhcp-pxe-vendor", "", REQUIRED, ADDS, pxe::vendor).means("=<vendor>...", "treat clients of these vendors as PXE clients").example("dhcp-pxe-vendor=PXEClient,Vendor").unless_given("PXEClient"),
    built("interface-name", "", REQUIRED, ADDS, interface_name::interface_name).means("=<name>,<interface>[/4|/6]", "give a name the addresses of an interface").example("interface-name=router.example.lan,eth0/4"),
    built("dhcp-hostsfile", "", REQUIRED, ADDS, dhcp_files::hosts_file).means("=<path>", "read DHCP hosts from a file or directory").example("dhcp-hostsfile=/etc/dnsmasq.dhcp-hosts"),
    built("dhcp-optsfile", "", REQUIRED, ADDS, dhcp_files::options_file).means("=<path>", "read DHCP options from a file or directory").example("dhcp-optsfile=/etc/dnsmasq.dhcp-options"),
    built("dhcp-hostsdir", "", REQUIRED, ADDS, dhcp_files::hosts_dir).means("=<directory>", "read DHCP hosts from here, whenever a file appears").example("dhcp-hostsdir=/etc/dnsmasq.dhcp-hosts.d"),
    built("dhcp-optsdir", "", REQUIRED, ADDS, dhcp_files::options_dir).means("=<directory>", "read DHCP options from here, whenever a file appears").example("dhcp-optsdir=/etc/dnsmasq.dhcp-options.d"),
    built("dhcp-no-override", "", NO, ADDS, |draft, _| { draft.dhcp.no_override = true; Ok(()) }).means("", "keep the header fields for names as such").example("dhcp-no-override"),
    built("tftp-port-range", "", REQUIRED, ONCE, tftp::port_range).means("=<first>,<last>", "use these ports for TFTP transfers").example("tftp-port-range=40000,40100").unless_given("ports that the system chooses"),
    built("stop-dns-rebind", "", NO, ADDS, |draft, _| { draft.dns.replies.stop_rebind = true; Ok(()) }).means("", "drop replies with private addresses from upstream servers").example("stop-dns-rebind"),
    built("rebind-domain-ok", "", REQUIRED, ADDS, reply::rebind_domain_ok).means("=/<domain>/...", "let names of these domains have private addresses").example("rebind-domain-ok=/example.lan/"),
    built("all-servers", "", NO, ADDS, |draft, _| { draft.dns.all_servers = true; Ok(()) }).means("", "ask all upstream servers at once").example("all-servers"),
    built("dhcp-match", "", REQUIRED, ADDS, dhcp_option::option_match).means("=set:<tag>,<option>[,<value>]", "set a tag by an option that the client sends").example("dhcp-match=set:efi-x86-64,option:client-arch,7"),
    built("dhcp-name-match", "", REQUIRED, ADDS, client_tags::name_match).means("=set:<tag>,<name>[*]", "set a tag by the client's host name").example("dhcp-name-match=set:phones,phone-*"),
    built("dhcp-broadcast", "", OPTIONAL, ADDS, |draft, value| { draft.dhcp.broadcast.push(tag::tests(value)); Ok(()) }).means("[=<tags>]", "answer by broadcast always").example("dhcp-broadcast=tag:old").unless_given("only for clients that ask for it"),
    built("neg-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.neg_ttl = ttl_unless_zero(value)?; Ok(()) }).means("=<seconds>", "cache negative answers that name no time for so long").example("neg-ttl=60").unless_given("such answers are not cached"),
    built("max-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.max_ttl = ttl_unless_zero(value)?; Ok(()) }).means("=<seconds>", "longest time to live to tell clients").example("max-ttl=3600").unless_given("no limit"),
    built("min-cache-ttl", "", REQUIRED, ONCE, dns::min_cache_ttl).means("=<seconds>", "shortest time to keep an answer (0)").example("min-cache-ttl=60").unless_given("0"),
    built("max-cache-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.max_cache_ttl = ttl_unless_zero(value)?; Ok(()) }).means("=<seconds>", "longest time to keep an answer").example("max-cache-ttl=86400").unless_given("no limit"),
    built("dhcp-alternate-port", "", OPTIONAL, ONCE, dhcp::alternate_port).means("[=<server>[,<client>]]", "use other DHCP ports (1067, 1068)").example("dhcp-alternate-port=1067,1068").unless_given("ports 67 and 68"),
    built("dhcp-scriptuser", "", REQUIRED, ONCE, script::user).means("=<user>", "run the script as this user").example("dhcp-scriptuser=nobody").unless_given("root"),
    built("min-port", "", REQUIRED, ONCE, |draft, value| { draft.port_limits.0 = Some(port(value)?); Ok(()) }).means("=<port>", "lowest port to ask upstream servers from (1024)").example("min-port=4096").unless_given("1024"),
    built("max-port", "", REQUIRED, ONCE, |draft, value| { draft.port_limits.1 = Some(port(value)?); Ok(()) }).means("=<port>", "highest port to ask upstream servers from (65535)").example("max-port=60000").unless_given("65535"),
    built("dhcp-fqdn", "", NO, ADDS, |draft, _| { draft.dns.dhcp_fqdn = true; Ok(()) }).means("", "enter DHCP clients under full names only").example("dhcp-fqdn"),
    built("cname", "", REQUIRED, ADDS, cname::cname).means("=<alias>...,<target>[,<ttl>]", "let names stand for another name").example("cname=www.example.lan,server.example.lan"),
    built("pxe-prompt", "", REQUIRED, ADDS, pxe::prompt).means("=[<tags>,]<text>[,<seconds>]", "show PXE clients a prompt").example("pxe-prompt=\"Press F8 for the menu\",10"),
    built("pxe-service", "", REQUIRED, ADDS, pxe::service).means("=[<tags>,]<architecture>,<text>[,<file>|<type>][,<server>]", "offer PXE clients something to boot").example("pxe-service=x86PC,\"Boot Linux\",pxelinux"),
    built("test", "", NO, ADDS, nothing).but("in a file: accepted without effect").only_on_command_line().means("", "check the configuration and exit").example("test"),
    built("tag-if", "", REQUIRED, ADDS, client_tags::tag_if).means("=set:<tag>...,tag:<tag>...", "set tags when others are set").example("tag-if=set:reachable,tag:lan,tag:!guest"),
    built("dhcp-proxy", "", OPTIONAL, ADDS, relay::proxy).means("[=<address>...]", "let all DHCP traffic pass through relay agents").example("dhcp-proxy=192.168.0.2").unless_given("off"),
    built("dhcp-generate-names", "", OPTIONAL, ADDS, |draft, value| { draft.dhcp.generate_names.push(tag::tests(value)); Ok(()) }).means("[=<tags>]", "make names for clients without one").example("dhcp-generate-names=tag:nameless").unless_given("off"),
    built("rebind-localhost-ok", "", NO, ADDS, |draft, _| { draft.dns.replies.rebind_localhost_ok = true; Ok(()) }).means("", "let replies hold loopback addresses").example("rebind-localhost-ok"),
    built("add-mac", "", OPTIONAL, ADDS, query::add_mac).means("[=base64|text]", "add the client's hardware address to forwarded questions").example("add-mac=base64").unless_given("off"),
    built("strip-mac", "", NO, ADDS, |draft, _| { draft.dns.queries.strip_mac = true; Ok(()) }).means("", "remove hardware addresses from forwarded questions").example("strip-mac"),
    built("add-subnet", "", OPTIONAL, ONCE, query::add_subnet).means("[=<length>[,<length>]]", "add the client's network to forwarded questions").example("add-subnet=24,56").unless_given("off"),
    built("strip-subnet", "", NO, ADDS, |draft, _| { draft.dns.queries.strip_subnet = true; Ok(()) }).means("", "remove networks from forwarded questions").example("strip-subnet"),
    built("add-cpe-id", "", REQUIRED, ONCE, |draft, value| { draft.dns.queries.add_cpe_id = value.map(reveal_text); Ok(()) }).means("=<text>", "add this text to forwarded questions").example("add-cpe-id=home-router"),
    built("proxy-dnssec", "", NO, ADDS, |draft, _| { draft.dns.queries.proxy_dnssec = true; Ok(()) }).means("", "pass on what upstream servers say of DNSSEC").example("proxy-dnssec"),
    built("dhcp-sequential-ip", "", NO, ADDS, |draft, _| { draft.dhcp.sequential_ip = true; Ok(()) }).means("", "give out addresses in order").example("dhcp-sequential-ip"),
    built("conntrack", "", NO, ADDS, |draft, _| { draft.dns.marks.copied = true; Ok(()) }).means("", "give forwarded questions the connection mark of the client's").example("conntrack"),
    built("dhcp-client-update", "", NO, ADDS, |draft, _| { draft.dhcp.client_update = true; Ok(()) }).means("", "let DHCP clients update DNS themselves").example("dhcp-client-update"),
    built("dhcp-luascript", "", REQUIRED, ADDS, script::lua).but("only in a build with the feature `lua`").means("=<file>", "run this Lua program when leases change").example("dhcp-luascript=/etc/dnsmasq.lua"),
    unbuilt("enable-ra", "", NO, ADDS, "router advertisements", |draft, _| { draft.dhcp6.enable_ra = true; Ok(()) }).means("", "send router advertisements for DHCPv6 ranges").example("enable-ra"),
    unbuilt("dhcp-duid", "", REQUIRED, ONCE, "DHCPv6", dhcp6::duid).means("=<enterprise>,<hex>", "use this DUID for DHCPv6").example("dhcp-duid=311,01:02:03:04").unless_given("made from the time and a hardware address"),
    built("host-record", "", REQUIRED, ADDS, host::host_record).means("=<name>...[,<address>...][,<ttl>]", "give names address and PTR records").example("host-record=server.example.lan,192.168.0.2,fd00::2,300"),
    built("bind-dynamic", "", NO, ADDS, |draft, _| { draft.bind_dynamic = true; Ok(()) }).means("", "as bind-interfaces, following new interfaces and addresses").example("bind-dynamic"),
    unbuilt("auth-zone", "", REQUIRED, ADDS, "authoritative zones", auth::zone).means("=<domain>[,<network>...]", "answer with authority for this zone").example("auth-zone=example.com,192.0.2.0/24"),
    unbuilt("auth-server", "", REQUIRED, ONCE, "authoritative zones", auth::server).means("=<name>[,<interface>|<address>...]", "be authoritative under this name, asked there").example("auth-server=ns.example.com,eth0"),
    unbuilt("auth-ttl", "", REQUIRED, ONCE, "authoritative zones", auth::ttl).means("=<seconds>", "time to live of authoritative answers").example("auth-ttl=600"),
    unbuilt("auth-soa", "", REQUIRED, ONCE, "authoritative zones", auth::soa).means("=<serial>[,<mailbox>[,<refresh>[,<retry>[,<expiry>]]]]", "values of the SOA record").example("auth-soa=2026010100,hostmaster.example.com"),
    unbuilt("auth-sec-servers", "", REQUIRED, ADDS, "authoritative zones", auth::secondary_servers).means("=<name>...", "further servers of authoritative zones").example("auth-sec-servers=ns2.example.com"),
    unbuilt("auth-peer", "", REQUIRED, ADDS, "authoritative zones", auth::peers).means("=<address>...", "let these transfer authoritative zones").example("auth-peer=192.0.2.2"),
    built("ipset", "", REQUIRED, ADDS, kernel_set::ipset).means("=[/<domain>/]<set>...", "add addresses of names to IP sets").example("ipset=/example.com/vpn"),
    built("nftset", "", REQUIRED, ADDS, kernel_set::nftset).means("=[/<domain>/]<set>...", "add addresses of names to nftables sets").example("nftset=/example.com/4#inet#filter#vpn"),
    built("connmark-allowlist-enable", "", OPTIONAL, ONCE, mark::enable).means("[=<mask>]", "restrict names by connection mark").example("connmark-allowlist-enable=15").unless_given("off"),
    built("connmark-allowlist", "", REQUIRED, ADDS, mark::allowlist).means("=<mark>[/<mask>],<pattern>[/<pattern>...]", "names that connections with this mark may ask for").example("connmark-allowlist=1/15,*.example.com/*.example.net"),
    built("synth-domain", "", REQUIRED, ADDS, synthetic::synth_domain).means("=<domain>,<range>[,<prefix>[*]]", "make names from addresses").example("synth-domain=example.lan,192.168.0.0/24,host-"),
    unbuilt("dnssec", "", NO, ADDS, "DNSSEC validation", |draft, _| { draft.dnssec.on = true; Ok(()) }).means("", "validate replies").example("dnssec"),
    unbuilt("trust-anchor", "", REQUIRED, ADDS, "DNSSEC validation", dnssec::trust_anchor).means("=<zone>,<tag>,<algorithm>,<digest-type>,<digest>", "trust this key of a zone").example("trust-anchor=.,20326,8,2,E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"),
    unbuilt("dnssec-debug", "", NO, ADDS, "DNSSEC validation", |draft, _| { draft.dnssec.debug = true; Ok(()) }).means("", "report what fails validation instead of withholding it").example("dnssec-debug"),
    unbuilt("dnssec-check-unsigned", "", OPTIONAL, ADDS, "DNSSEC validation", dnssec::check_unsigned).means("[=no]", "demand proof that unsigned replies may be so (default)").example("dnssec-check-unsigned=no").unless_given("on"),
    unbuilt("dnssec-no-timecheck", "", NO, ADDS, "DNSSEC validation", |draft, _| { draft.dnssec.no_time_check = true; Ok(()) }).means("", "disregard signature times until SIGINT comes").example("dnssec-no-timecheck"),
    unbuilt("dnssec-timestamp", "", REQUIRED, ONCE, "DNSSEC validation", dnssec::timestamp).means("=<file>", "disregard signature times until the clock is past this file's").example("dnssec-timestamp=/var/lib/misc/dnsmasq.time"),
    unbuilt("dnssec-limits", "", REQUIRED, ONCE, "DNSSEC validation", dnssec::limits).means("=<number>...", "bound the work of validation").example("dnssec-limits=20,200,40,150").unless_given("20,200,40,150"),
    built("dhcp-relay", "", REQUIRED, ADDS, relay::relay).but("addresses of IPv6 have no effect").means("=<local>,<server>[#<port>][,<interface>]", "relay DHCP to a server").example("dhcp-relay=192.168.0.1,192.168.1.1"),
    built("dhcp-split-relay", "", REQUIRED, ADDS, relay::split_relay).means("=<local>,<server>[#<port>],<interface>", "relay DHCP where clients cannot reach the relay's address").example("dhcp-split-relay=192.168.0.1,192.168.1.1,eth1"),
    unbuilt("ra-param", "", REQUIRED, ADDS, "router advertisements", ra::param).means("=<interface>,[mtu:<mtu>,][high|low,]<interval>[,<lifetime>]", "values of router advertisements").example("ra-param=eth0,mtu:1280,high,60,1200"),
    built("quiet-dhcp", "", NO, ADDS, |draft, _| { draft.dhcp.quiet_dhcp = true; Ok(()) }).means("", "do not log DHCP").example("quiet-dhcp"),
    unbuilt("quiet-dhcp6", "", NO, ADDS, "DHCPv6", |draft, _| { draft.dhcp6.quiet = true; Ok(()) }).means("", "do not log DHCPv6").example("quiet-dhcp6"),
    unbuilt("quiet-ra", "", NO, ADDS, "router advertisements", |draft, _| { draft.dhcp6.quiet_ra = true; Ok(()) }).means("", "do not log router advertisements").example("quiet-ra"),
    built("dns-loop-detect", "", NO, ADDS, |draft, _| { draft.dns.queries.loop_detect = true; Ok(()) }).means("", "find and drop upstream servers that lead back here").example("dns-loop-detect"),
    built("script-arp", "", NO, ADDS, |draft, _| { draft.script.arp = true; Ok(()) }).means("", "run the script when neighbors come and go").example("script-arp"),
    built("dhcp-ttl", "", REQUIRED, ONCE, |draft, value| { draft.dns.dhcp_ttl = Some(count(value)?); Ok(()) }).means("=<seconds>", "time to live of names from leases").example("dhcp-ttl=60").unless_given("as local-ttl"),
    built("dhcp-reply-delay", "", REQUIRED, ONCE, dhcp::reply_delay).means("=[<tags>,]<seconds>", "wait before answering DHCP").example("dhcp-reply-delay=tag:slow,2"),
    built("dhcp-rapid-commit", "", NO, ADDS, |draft, _| { draft.dhcp.rapid_commit = true; Ok(()) }).means("", "grant DHCPv4 leases in two messages").example("dhcp-rapid-commit"),
    built("dumpfile", "", REQUIRED, ONCE, |draft, value| { draft.process.dumpfile = value.map(reveal_path); Ok(()) }).means("=<file>", "copy packets to this file").example("dumpfile=/tmp/packets.pcap"),
    built("dumpmask", "", REQUIRED, ONCE, process::dumpmask).means("=<mask>", "which packets to copy").example("dumpmask=0x0003").unless_given("all"),
    built("dhcp-ignore-clid", "", NO, ADDS, |draft, _| { draft.dhcp.ignore_client_id = true; Ok(()) }).means("", "tell DHCP clients apart by hardware address only").example("dhcp-ignore-clid"),
    built("dynamic-host", "", REQUIRED, ADDS, interface_name::dynamic_host).means("=<name>,<address>...,<interface>", "give a name addresses in an interface's networks").example("dynamic-host=server.example.lan,0.0.0.8,::8,eth0"),
    unbuilt("log-debug", "", NO, ADDS, "debugging lines", |draft, _| { draft.process.log_debug = true; Ok(()) }).means("", "log more, for debugging").example("log-debug"),
    built("umbrella", "", OPTIONAL, ONCE, query::umbrella).means("[=deviceid:<hex>,orgid:<number>,assetid:<number>]", "add Cisco Umbrella identifiers to forwarded questions").example("umbrella=deviceid:0123456789abcdef,orgid:1234567").unless_given("off"),
    built("quiet-tftp", "", NO, ADDS, |draft, _| { draft.tftp.quiet = true; Ok(()) }).means("", "do not log TFTP").example("quiet-tftp"),
    built("port-limit", "", REQUIRED, ONCE, query::port_limit).means("=<number>", "source ports for one question, at most (1)").example("port-limit=4").unless_given("1"),
    built("fast-dns-retry", "", OPTIONAL, ONCE, dns::fast_dns_retry).means("[=<ms>[,<ms>]]", "ask again soon when no reply comes").example("fast-dns-retry=500,5000").unless_given("off"),
    built("use-stale-cache", "", OPTIONAL, ONCE, query::use_stale_cache).means("[=<seconds>]", "answer from expired records while asking anew").example("use-stale-cache=3600").unless_given("off"),
    built("no-ident", "", NO, ADDS, |draft, _| { draft.dns.no_ident = true; Ok(()) }).means("", "do not answer for version.bind and the like").example("no-ident"),
    built("max-tcp-connections", "", REQUIRED, ONCE, |draft, value| { draft.dns.max_tcp_connections = positive(value)?; Ok(()) }).means("=<number>", "DNS connections at a time, at most (30)").example("max-tcp-connections=50").unless_given("30"),
    built("leasequery", "", OPTIONAL, ADDS, relay::leasequery).means("[=<address>[/<length>]]", "answer questions for leases").example("leasequery=192.168.0.0/24").unless_given("off"),
    built("log-malloc", "", NO, ADDS, nothing).but("accepted; there is nothing to log").means("", "accepted for compatibility").example("log-malloc"),
];

/// Options that dnsmasq does not know.
pub static OWN_OPTIONS: &[Row] = &[
    built("dhcp-reclaim", "", NO, ADDS, |draft, _| {
        draft.dhcp.reclaim = true;
        Ok(())
    })
    .means("", "when a pool is full, take the lease of a client that is gone")
    .example("dhcp-reclaim"),
    built("lease-journal", "", REQUIRED, ONCE, process::lease_journal)
        .means("=<time>", "write renewed leases no more often than this, to spare flash")
        .example("lease-journal=1h")
        .unless_given("every renewal is written before it is acknowledged"),
    built("sandbox", "", REQUIRED, ONCE, process::sandbox)
        .means("=strict", "kill a worker that makes an unexpected system call")
        .example("sandbox=strict")
        .unless_given("a forbidden call is refused and the worker lives"),
];

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

/// The number of an option, by which a journal knows it.
pub(crate) fn number(row: &'static Row) -> u16 {
    let position = OPTIONS.element_offset(row).or_else(|| Some(OPTIONS.len() + OWN_OPTIONS.element_offset(row)?));
    position.and_then(|position| u16::try_from(position).ok()).unwrap_or(u16::MAX)
}

/// The option of this number.
pub(crate) fn numbered(number: u16) -> Option<&'static Row> {
    let position = usize::from(number);
    OPTIONS.get(position).or_else(|| OWN_OPTIONS.get(position.checked_sub(OPTIONS.len())?))
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
same words for what is wrong. One that is not built has no effect, and the log says so at start; if it asks for a whole service that is
not built (DNSSEC, authoritative zones, DHCPv6, D-Bus), the start fails by name.

## Differences in what is accepted

- `help`, `version` and `test` in a file do nothing. (In dnsmasq they switch `bogus-priv` on.)
- Control characters in a file are data. (In dnsmasq they stand for quoted digits, letters and separators.)
- A plain number for a DHCP option that has no type of its own and that the server fills in (43, 52, 53, 55 to 57, 61, 81, 82, 118) is
  taken. (dnsmasq calls it too long.)
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

    #[test]
    fn every_option_says_what_it_is_for() {
        for row in all() {
            assert!(!row.help.is_empty() && row.help.len() <= 70, "{}", row.name);
            let form = match row.argument {
                Argument::None => row.form.is_empty() || row.name == "help",
                Argument::Optional => row.form.starts_with("[=") || row.form.starts_with('='),
                Argument::Required => row.form.starts_with('='),
            };
            assert!(form, "{}", row.name);
        }
    }
}
