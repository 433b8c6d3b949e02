//! What the dhcp worker is told at start.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::client_tag::{NameMatch, OptionMatch, RelayIdRule, TagIf};
use super::domain::Domains;
use super::prefix::Prefix;
use super::pxe::{BootServer, Pxe};
use super::relay::{RelayRoute, SplitRelay};
use super::wire::{BridgeAliases, SharedNetwork};
use crate::link::{Interface, netmask4};
use crate::tag::TagTest;

/// A lease time that never ends (`infinite`).
pub const INFINITE: u32 = u32::MAX;

/// The dhcp slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpSlice {
    /// Server port, 67 unless `dhcp-alternate-port`.
    pub server_port: u16,
    /// Client port, 68 unless `dhcp-alternate-port`.
    pub client_port: u16,
    /// `dhcp-range` lines, the last of the file first.
    pub pools: Vec<Pool>,
    /// `dhcp-host` lines, the last of the file first.
    pub host_rules: Vec<HostRule>,
    /// `dhcp-option`, `dhcp-option-force` and `dhcp-option-pxe` lines, the last of the file first.
    pub options: Vec<ConfiguredOption>,
    /// `dhcp-boot` lines, the last of the file first.
    pub boot: Vec<Boot>,
    /// `dhcp-ignore` lines: a client that passes all tests of one is not served.
    pub ignore: Vec<Vec<TagTest>>,
    /// `bootp-dynamic` lines: BOOTP clients that pass all tests of one get addresses of ranges.
    pub bootp_dynamic: Vec<Vec<TagTest>>,
    /// `dhcp-ignore-names` lines; an empty list of tests always applies.
    pub ignore_names: Vec<Vec<TagTest>>,
    /// `dhcp-mac` lines, the last of the file first.
    pub hardware_rules: Vec<HardwareRule>,
    /// `dhcp-generate-names` lines: clients without name that pass all tests of one are named by their hardware address.
    pub generate_names: Vec<Vec<TagTest>>,
    /// `dhcp-reply-delay`.
    pub reply_delay: Option<ReplyDelay>,
    /// `dhcp-proxy`: clients shall send everything to the relay agents at these addresses; an empty list stands for all agents.
    pub proxies: Option<Vec<Ipv4Addr>>,
    /// `leasequery`: who may ask for leases; an empty list stands for everybody.
    pub leasequery: Option<Vec<Prefix>>,
    /// `dhcp-relay` lines for DHCPv4, the last first.
    pub relays: Vec<RelayRoute<Ipv4Addr>>,
    /// `dhcp-split-relay` lines, the last first.
    pub split_relays: Vec<SplitRelay>,
    /// `shared-network` lines for DHCPv4.
    pub shared_networks: Vec<SharedNetwork<Ipv4Addr>>,
    /// `bridge-interface` lines, one per bridge.
    pub bridges: Vec<BridgeAliases>,
    /// `dhcp-vendorclass` and `dhcp-userclass` lines, the last of the file first.
    pub class_rules: Vec<ClassRule>,
    /// `dhcp-circuitid`, `dhcp-remoteid` and `dhcp-subscrid` lines, the last of the file first.
    pub relay_ids: Vec<RelayIdRule>,
    /// `dhcp-match` lines, of both families, the last of the file first.
    pub option_matches: Vec<OptionMatch>,
    /// `dhcp-name-match` lines, the last of the file first.
    pub name_matches: Vec<NameMatch>,
    /// `tag-if` lines, in the order written: a later one sees what an earlier one set.
    pub tag_if: Vec<TagIf>,
    /// `dhcp-broadcast` lines; an empty list of tests always applies.
    pub broadcast: Vec<Vec<TagTest>>,
    /// What PXE clients are offered.
    pub pxe: Pxe,
    /// `domain`.
    pub domains: Domains,
    /// `dhcp-lease-max`.
    pub lease_max: u32,
    /// `dhcp-authoritative`.
    pub authoritative: bool,
    /// `no-ping`.
    pub no_ping: bool,
    /// `dhcp-rapid-commit`.
    pub rapid_commit: bool,
    /// `dhcp-sequential-ip`.
    pub sequential_ip: bool,
    /// `dhcp-client-update`.
    pub client_update: bool,
    /// `dhcp-ignore-clid`.
    pub ignore_client_id: bool,
    /// `dhcp-no-override`.
    pub no_override: bool,
    /// `log-dhcp`.
    pub log_dhcp: bool,
    /// `quiet-dhcp`.
    pub quiet_dhcp: bool,
    /// Is our DNS port other than 0, so that we name ourselves as DNS server?
    pub dns_served: bool,
    /// `dhcp-reclaim`: when a pool is full, may the lease of a client that does not answer be given to another?
    pub reclaim: bool,
    /// Does a script hear of leases, so that the parent wants to know what clients say?
    pub tell_script: bool,
}

impl DhcpSlice {
    /// Are leases kept, or is DHCP only relayed?
    pub fn serves(&self) -> bool {
        !self.pools.is_empty()
    }

    /// The names of boot servers that are configured by name, in small letters.
    pub fn server_names(&self) -> impl Iterator<Item = String> {
        let servers = self.boot.iter().filter_map(|boot| boot.next_server.as_ref());
        let servers = servers.chain(self.pxe.services.iter().filter_map(|service| service.server.as_ref()));
        servers.filter_map(|server| match server {
            BootServer::Name(name) => Some(name.to_ascii_lowercase()),
            BootServer::Address(_) => None,
        })
    }

    /// Is there anything to do?
    pub fn wanted(&self) -> bool {
        self.serves() || !self.relays.is_empty() || !self.split_relays.is_empty()
    }
}

/// `dhcp-reply-delay`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDelay {
    /// All must hold.
    pub tests: Vec<TagTest>,
    /// How long an offer waits, in seconds.
    pub seconds: u32,
}

/// One `dhcp-range` (dnsmasq: context).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address, not below `first`. Equal to `first` for `Static` and `Proxy`.
    pub last: Ipv4Addr,
    /// Netmask, if written; else the interface's.
    pub netmask: Option<Ipv4Addr>,
    /// Broadcast address, if written; else from the netmask.
    pub broadcast: Option<Ipv4Addr>,
    /// What the line is for.
    pub mode: PoolMode,
    /// Seconds, at least 120, or [`INFINITE`].
    pub lease_time_s: u32,
    /// `set:TAG`.
    pub set_tag: Option<String>,
    /// `tag:TAG`.
    pub tests: Vec<TagTest>,
}

impl Pool {
    /// The netmask: as written, else that of the interface around the pool.
    pub fn netmask_near(&self, interfaces: &[Interface]) -> Option<Ipv4Addr> {
        let same = |a: Ipv4Addr, b: Ipv4Addr, netmask: Ipv4Addr| a & netmask == b & netmask;
        let around = |(address, netmask): &(Ipv4Addr, Ipv4Addr)| {
            same(*address, self.first, *netmask) && same(*address, self.last, *netmask)
        };
        let near = || interfaces.iter().flat_map(Interface::addresses4).find(around).map(|(_, netmask)| netmask);
        self.netmask.or_else(near)
    }

    /// The netmask of a pool that is on none of our own networks: as written, else that of the days before CIDR.
    pub fn netmask_elsewhere(&self) -> Ipv4Addr {
        self.netmask.unwrap_or_else(|| {
            netmask4(match self.first.octets()[0] {
                0..=127 => 8,
                128..=191 => 16,
                _ => 24,
            })
        })
    }
}

/// What a pool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolMode {
    /// Addresses for everybody.
    Dynamic,
    /// Only addresses of host rules.
    Static,
    /// Only PXE clients of another server.
    Proxy,
}

/// One `dhcp-host` (dnsmasq: config).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRule {
    /// Hardware addresses that match.
    pub hardware: Vec<HardwarePattern>,
    /// `id:`.
    pub client_id: Option<ClientIdRule>,
    /// Host name without domain.
    pub name: Option<String>,
    /// The domain that was written behind the name.
    pub domain: Option<String>,
    /// The address.
    pub address: Option<Ipv4Addr>,
    /// Does it have IPv6 addresses? Then, without an IPv4 address, it belongs to networks of IPv6.
    pub ipv6: bool,
    /// Seconds, or [`INFINITE`].
    pub lease_time_s: Option<u32>,
    /// `set:`.
    pub set_tags: Vec<String>,
    /// `tag:`.
    pub tests: Vec<TagTest>,
    /// `ignore`.
    pub ignore: bool,
}

/// What a host rule says of client ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientIdRule {
    /// `id:*`: do not look at this client's id.
    Ignore,
    /// `id:…`: the id must be this.
    Is(Vec<u8>),
}

/// A hardware address with holes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwarePattern {
    /// The type, if written (`06-`); else any type.
    pub kind: Option<u8>,
    /// The bytes; `None` matches any.
    pub bytes: Vec<Option<u8>>,
}

/// One `dhcp-mac`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareRule {
    /// The tag to set.
    pub tag: String,
    /// Whose hardware address matches this.
    pub pattern: HardwarePattern,
}

/// A rule that sets a tag by what the client says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRule {
    /// The tag to set.
    pub tag: String,
    /// When.
    pub test: ClassTest,
}

/// When a class rule fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassTest {
    /// Option 60 contains the text.
    VendorClass(Vec<u8>),
    /// Option 77 contains the text.
    UserClass(Vec<u8>),
}

/// One `dhcp-option`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredOption {
    /// Option number; never 0, and 255 stands for the header field `siaddr`.
    pub code: u8,
    /// What to send.
    pub value: OptionValue,
    /// All must hold.
    pub tests: Vec<TagTest>,
    /// Sent whether asked for or not (`dhcp-option-force`).
    pub force: bool,
    /// Is it for PXE clients alone (`dhcp-option-pxe`)?
    pub pxe: bool,
    /// Where it goes.
    pub place: Place,
}

/// Where a configured option goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Among the options.
    Plain,
    /// `vendor:TEXT`: inside option 43, to clients whose vendor class contains the text.
    Vendor(Vec<u8>),
    /// `pxe-prompt`: inside option 43, to clients whose vendor class contains that of a PXE client.
    Prompt,
    /// `encap:CODE`: inside this option, which is never 0.
    Encapsulated(u8),
    /// `vi-encap:ENTERPRISE`: inside option 125 (RFC 3925 section 4).
    Enterprise(u32),
}

/// The value of a configured option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OptionValue {
    /// No value: the built-in default is not sent; else an empty option.
    Empty,
    /// IPv4 addresses; 0.0.0.0 stands for our own.
    Addresses(Vec<Ipv4Addr>),
    /// Text; gains a NUL for clients that send one.
    Text(Vec<u8>),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

/// One `dhcp-boot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// File name.
    pub file: String,
    /// Server name.
    pub server_name: Option<String>,
    /// The server (`siaddr`).
    pub next_server: Option<BootServer>,
    /// All must hold.
    pub tests: Vec<TagTest>,
}
