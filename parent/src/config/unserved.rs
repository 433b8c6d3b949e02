//! What was configured for DHCP and TFTP and no worker serves yet.
//!
//! Every value here has been checked and has its final type. When a worker learns an option, its field moves to that worker's
//! slice.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use ipc::config::prefix::Prefix;
use ipc::config::relay::RelayRoute;
use ipc::config::wire::SharedNetwork;
use serde::Serialize;

use super::client_tags::EnterpriseRule;
use super::draft::Draft;
use super::fault::Fault;
use super::process::given;
use super::text::{reveal_path, reveal_text};

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unserved {
    /// `dhcp-vendorclass` lines with `enterprise:`, for DHCPv6; the last first. (DHCPv4 looks at their text alone.)
    pub enterprise_classes: Vec<EnterpriseRule>,
    /// `dhcp-relay` lines for DHCPv6, the last first.
    pub relays6: Vec<RelayRoute<Ipv6Addr>>,
    /// `leasequery`: who may ask for leases; an empty list stands for everybody.
    pub leasequery: Option<Vec<Prefix>>,
    /// `shared-network` lines for DHCPv6.
    pub shared_networks6: Vec<SharedNetwork<Ipv6Addr>>,
    /// Files that add to the configuration of DHCP.
    pub files: DhcpFiles,
    /// The program that hears of leases.
    pub script: LeaseScript,
    /// `tftp-unique-root=mac`: every client has a root of its own, named by its hardware address.
    pub tftp_unique_root_by_mac: bool,
    /// `tftp-single-port`: transfers come from port 69.
    pub tftp_single_port: bool,
}

/// Files that add to the configuration of DHCP; each may be a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DhcpFiles {
    /// `dhcp-hostsfile`, in reading order, which is the reverse of the order written.
    #[serde(serialize_with = "super::path_text::each")]
    pub hosts: Vec<PathBuf>,
    /// `dhcp-optsfile`, in reading order, which is the reverse of the order written.
    #[serde(serialize_with = "super::path_text::each")]
    pub options: Vec<PathBuf>,
    /// `dhcp-hostsdir`: watched directories.
    #[serde(serialize_with = "super::path_text::each")]
    pub hosts_dirs: Vec<PathBuf>,
    /// `dhcp-optsdir`: watched directories.
    #[serde(serialize_with = "super::path_text::each")]
    pub options_dirs: Vec<PathBuf>,
    /// `read-ethers`: `/etc/ethers` is read.
    pub ethers: bool,
}

/// The program that hears of leases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeaseScript {
    /// `dhcp-script`.
    #[serde(serialize_with = "super::path_text::maybe")]
    pub program: Option<PathBuf>,
    /// `dhcp-luascript`.
    #[serde(serialize_with = "super::path_text::maybe")]
    pub lua: Option<PathBuf>,
    /// `dhcp-scriptuser`; `None`: root.
    pub user: Option<String>,
    /// `script-on-renewal`: renewed leases are told too.
    pub on_renewal: bool,
    /// `script-arp`: neighbors are told too.
    pub arp: bool,
}

pub(crate) fn hosts_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.files.hosts.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn options_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.files.options.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn hosts_dir(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.files.hosts_dirs.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn options_dir(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.files.options_dirs.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn script(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.script.program = given(value).map(reveal_path);
    Ok(())
}

pub(crate) fn lua_script(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.script.lua = given(value).map(reveal_path);
    Ok(())
}

pub(crate) fn script_user(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.unserved.script.user = given(value).map(reveal_text);
    Ok(())
}

impl Unserved {
    /// Puts lists into the order in which they are searched or read.
    pub(crate) fn settle(&mut self) {
        self.enterprise_classes.reverse();
        self.relays6.reverse();
        self.files.hosts.reverse();
        self.files.options.reverse();
    }
}
