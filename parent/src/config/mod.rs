//! The configuration: from arguments and files to one typed tree.
//!
//! [`load`] is the only way in. It reads the command line, then the configuration files that it names, in dnsmasq's order
//! and with dnsmasq's wording of errors; the result is a [`Config`] whose branches are the slices that the workers get, and
//! [`Process`], which stays with the parent.
//!
//! | file | holds |
//! |---|---|
//! | `keys` | the table: one row per option. Read this first |
//! | `line` | one line of a file to key and value: comments, quotes |
//! | `late`, `server_file` | lines of files that are read after the start, and again |
//! | `source` | which text, in which order, from where |
//! | `draft` | the tree while it is being read |
//! | `reach` | whether reading may touch anything but the text |
//! | `process`, `dns`, `route`, `dhcp`, `dhcp_host`, `dhcp_option`, `option_value`, `tftp` | value parsers by area |
//! | `dhcp_files` | files that add to the configuration of DHCP |
//! | `script` | the program that hears of leases |
//! | `dhcp6`, `range6`, `ra` | DHCPv6 and router advertisements: types and parsers |
//! | `client_tags`, `relay`, `wire`, `pxe` | more of DHCP: parsers |
//! | `unserved` | settings of DHCP and TFTP that no worker uses yet |
//! | `text`, `number`, `name`, `hex`, `tag`, `prefix`, `record_type`, `interface_address` | values that several options share |
//! | `domain`, `record`, `reply`, `query`, `auth`, `dnssec`, `kernel_set`, `mark` | more of DNS: types and their parsers |
//! | `fault`, `blame` | what is wrong with a value, how that is worded, and which part of the value it is |
//! | `journal` | where every option was written |
//! | `refusal`, `spot`, `line_place` | errors, the lines they are in, and the bytes of those |
//! | `diagnosis`, `nearest` | errors drawn for people; which word was meant |
//! | `written`, `path_text` | an option as a line again; paths in JSON |
//! | `check` | rules across options, after everything is read |

pub mod auth;
pub(crate) mod blame;
mod check;
pub mod client_tags;
mod dhcp;
pub mod dhcp6;
pub mod dhcp_files;
pub mod dhcp_host;
pub mod dhcp_option;
pub(crate) mod dhcp_option_names;
pub mod diagnosis;
mod dns;
pub mod dnssec;
pub mod domain;
pub(crate) mod draft;
pub(crate) mod fault;
pub mod feature;
mod hex;
pub mod interface_address;
pub mod journal;
pub mod kernel_set;
pub mod keys;
pub mod late;
pub(crate) mod line;
mod line_place;
pub mod mark;
mod name;
pub(crate) mod nearest;
mod number;
pub mod option_value;
mod path_text;
pub mod prefix;
mod process;
pub mod pxe;
pub mod query;
pub mod ra;
pub mod range6;
pub mod reach;
pub mod record;
mod record_type;
pub mod refusal;
pub mod relay;
pub mod reply;
mod route;
pub mod script;
pub mod server_file;
pub(crate) mod source;
pub(crate) mod spot;
mod tag;
pub(crate) mod text;
mod tftp;
pub mod unserved;
pub mod wire;
pub(crate) mod written;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use ipc::config::dhcp::DhcpSlice;
use ipc::config::dns::DnsSlice;
use ipc::config::tftp::TftpSlice;
use serde::Serialize;

use self::auth::AuthService;
use self::dhcp_files::DhcpFiles;
use self::dhcp6::Dhcp6;
use self::dnssec::Dnssec;
use self::draft::Draft;
use self::journal::Journal;
pub use self::refusal::{ConfigError, Refusals};
use self::script::LeaseScript;
use self::unserved::Unserved;

/// Everything that was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Config {
    /// What the dns worker gets. With `port` 0 there is no DNS service.
    pub dns: DnsSlice,
    /// What the dhcp worker gets; `None` without an IPv4 `dhcp-range`.
    pub dhcp: Option<DhcpSlice>,
    /// DHCPv6 and router advertisements, which no worker serves yet.
    pub dhcp6: Dhcp6,
    /// What the tftp worker gets; `None` without `enable-tftp`.
    pub tftp: Option<TftpSlice>,
    /// Settings of DHCP and TFTP that no worker uses yet.
    pub unserved: Unserved,
    /// Files that add to the configuration of DHCP.
    pub dhcp_files: DhcpFiles,
    /// Who hears of leases.
    pub script: LeaseScript,
    /// What the parent keeps to itself.
    pub process: Process,
    /// The authoritative service.
    pub auth: AuthService,
    /// DNSSEC validation.
    pub dnssec: Dnssec,
}

impl Config {
    /// Is a script to hear of neighbors?
    pub fn watches_neighbors(&self) -> bool {
        self.script.arp && self.script.wanted()
    }

    /// Must the kernel be asked for what needs CAP_NET_ADMIN, or about neighbors?
    pub fn asks_kernel(&self) -> bool {
        self.dns_asks_kernel() || self.watches_neighbors()
    }

    /// Must it be asked on behalf of dns?
    pub fn dns_asks_kernel(&self) -> bool {
        let dns = &self.dns;
        dns.port != 0 && (!dns.sets.is_empty() || dns.marks.wanted() || dns.queries.add_mac.any())
    }
}

/// Parent-only settings. Field names are dnsmasq's option names where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Process {
    /// The DNS port; 0: no DNS.
    pub port: u16,
    /// `interface` patterns (a trailing `*` matches any tail). An empty name stands for "loopback only". Empty list: all.
    pub interfaces: Vec<String>,
    /// `except-interface` patterns.
    pub except_interfaces: Vec<String>,
    /// `no-dhcp-interface` patterns: neither DHCP nor TFTP.
    pub no_dhcp_interfaces: Vec<String>,
    /// `no-dhcpv4-interface` patterns: no DHCPv4.
    pub no_dhcpv4_interfaces: Vec<String>,
    /// `enable-tftp=…` patterns, of which an empty one matches nothing. Empty list: every interface that is served.
    pub tftp_interfaces: Vec<String>,
    /// `listen-address`.
    pub listen_addresses: Vec<IpAddr>,
    /// How sockets are bound.
    pub bind: BindMode,
    /// The resolv files to choose from; empty with `no-resolv` or an emptied `resolv-file`.
    #[serde(serialize_with = "path_text::each")]
    pub resolv_files: Vec<PathBuf>,
    /// `no-poll`: resolv files are read on SIGHUP only.
    pub no_poll: bool,
    /// `no-resolv`.
    pub no_resolv: bool,
    /// The system's hosts file; `None` with `no-hosts`.
    #[serde(serialize_with = "path_text::maybe")]
    pub hosts: Option<PathBuf>,
    /// `addn-hosts`: files or directories in reading order, which is the reverse of the order written.
    #[serde(serialize_with = "path_text::each")]
    pub addn_hosts: Vec<PathBuf>,
    /// `hostsdir`, in the order written.
    #[serde(serialize_with = "path_text::each")]
    pub hostsdirs: Vec<PathBuf>,
    /// The user to become; `None` (an empty `user`) keeps the starting one.
    pub user: Option<String>,
    /// The group to become.
    pub group: GroupChoice,
    /// Where the process id goes; `None` (an empty `pid-file`) nowhere.
    #[serde(serialize_with = "path_text::maybe")]
    pub pid_file: Option<PathBuf>,
    /// The lease file.
    #[serde(serialize_with = "path_text::one")]
    pub lease_file: PathBuf,
    /// `lease-journal`: that a lease lasts longer is written within so many seconds, instead of at once.
    pub lease_journal_s: Option<u32>,
    /// `leasefile-ro`: no lease file is read or written.
    pub leasefile_ro: bool,
    /// `keep-in-foreground`.
    pub foreground: bool,
    /// `no-daemon`: in the foreground, log to standard error too, no pid file, no change of user.
    pub debug: bool,
    /// Where log lines go.
    pub log_facility: LogTarget,
    /// `log-async`: lines to queue, 1 to 100; `None`: log synchronously.
    pub log_async: Option<u32>,
    /// `servers-file`: upstreams that are read again on SIGHUP.
    #[serde(serialize_with = "path_text::maybe")]
    pub servers_file: Option<PathBuf>,
    /// `enable-dbus`: the name to take on the bus.
    pub dbus: Option<String>,
    /// `enable-ubus`: the name to take on the bus.
    pub ubus: Option<String>,
    /// `dumpfile`: where copies of packets go.
    #[serde(serialize_with = "path_text::maybe")]
    pub dumpfile: Option<PathBuf>,
    /// `dumpmask`: which packets are copied.
    pub dumpmask: u32,
    /// `log-debug`.
    pub log_debug: bool,
    /// Lowest random source port.
    pub min_port: u16,
    /// Highest random source port.
    pub max_port: u16,
    /// `query-port`: the one source port of upstream queries; 0: one port that the system chooses. `None`: random ports.
    pub query_port: Option<u16>,
    /// Where queries to the upstream of the same index in `dns.upstreams` come from.
    pub upstream_sources: Vec<UpstreamSource>,
    /// A `dhcp-broadcast` without tags: no reply is sent by unicast to a client without address, so none needs a neighbor
    /// entry.
    pub dhcp_broadcast_all: bool,
    /// `tftp-port-range`, lower end first.
    pub tftp_port_range: Option<(u16, u16)>,
    /// `tftp-no-fail`: a missing TFTP root does not stop the start.
    pub tftp_no_fail: bool,
    /// `sandbox=strict`: a worker that makes an unlisted system call is killed instead of refused.
    pub strict_sandbox: bool,
    /// Options that were given and are known but have no effect yet, or forms of them (`dhcp-range for IPv6`); in the order
    /// first given, each once. The parent logs `option X has no effect yet` for each.
    pub not_built: Vec<String>,
    /// Further lines to log as warnings at start.
    pub warnings: Vec<String>,
}

/// How DNS sockets are bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum BindMode {
    /// One wildcard socket per family; the arrival interface is checked.
    #[default]
    Wildcard,
    /// `bind-interfaces`: one per address there is at start.
    Interfaces,
    /// `bind-dynamic`: one per address, as they come and go.
    Dynamic,
}

/// Which group to become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum GroupChoice {
    /// Nothing was written: `dip` if there is such a group, else the user's primary group.
    #[default]
    Default,
    /// An empty `group`: the user's primary group.
    Primary,
    /// This group, which must exist.
    Named(String),
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum LogTarget {
    /// The system log, with this facility number (3 is `daemon`, 16 `local0`).
    Syslog(u8),
    /// A file, appended to.
    File(#[serde(serialize_with = "path_text::one")] PathBuf),
    /// Standard error.
    Stderr,
}

impl Default for LogTarget {
    fn default() -> Self {
        LogTarget::Syslog(3)
    }
}

/// Where queries to one upstream come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UpstreamSource {
    /// Bind the socket to this interface.
    pub interface: Option<String>,
    /// Bind the socket to this address.
    pub address: Option<IpAddr>,
    /// Bind the socket to this port, 0 being one that the system chooses; `None`: a random one between `min_port` and
    /// `max_port`. `query-port` has been taken into account.
    pub port: Option<u16>,
}

impl UpstreamSource {
    /// The same, from `query_port` unless the line named an interface or an address.
    pub fn from_port(self, query_port: Option<u16>) -> UpstreamSource {
        match self {
            UpstreamSource { interface: None, address: None, .. } => UpstreamSource { port: query_port, ..self },
            named => named,
        }
    }
}

/// What came of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Start with this configuration, which was written there.
    Run(Box<Config>, Box<Journal>),
    /// Print this and exit (`--help`, `--version`, `--test`).
    Print {
        /// The text, with its final newline.
        text: String,
        /// On standard error instead of standard output.
        to_stderr: bool,
        /// The exit status.
        status: u8,
    },
}

/// Reads the command line and all files that it leads to, up to the first error. `arguments` begins with the name the program was
/// called by, which decides what `--version` prints.
pub fn load(arguments: &[OsString]) -> Result<Loaded, ConfigError> {
    let first = |mut refusals: Refusals| refusals.errors.swap_remove(0);
    crate::command_line::load(arguments, Draft::new()).map_err(first)
}

/// As [`load`], but reading goes on behind an error, so that all are found.
pub fn load_all(arguments: &[OsString]) -> Result<Loaded, Refusals> {
    crate::command_line::load(arguments, Draft::new().finding_every_fault())
}

/// What is configured, for those who only look: without the checks that a start makes, with the values as written, and with every error
/// that can be found.
pub fn survey(arguments: &[OsString]) -> (Option<Config>, Journal, Refusals) {
    crate::command_line::survey(arguments, Draft::new().finding_every_fault().keeping_values())
}
