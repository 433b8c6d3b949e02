//! Records of our own: what `host-record`, `cname`, `mx-host`, `srv-host` and their kin, `interface-name`, `dynamic-host` and
//! `synth-domain` say.
//!
//! Names are text without a trailing dot, lower case if they were written with capitals; the empty name is the root. Lists are in the
//! order in which they are searched, which for most is the reverse of the order written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Everything that is answered from lines of the configuration, fixed answers apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// `host-record`, in the order written: the first name of the first line owns the PTR record of an address.
    pub hosts: Vec<HostRecord>,
    /// `cname`, each alias once.
    pub cnames: Vec<Cname>,
    /// `mx-host`, and one that follows from `mx-target` or `localmx`.
    pub mx: Vec<MxRecord>,
    /// `localmx`: every host that we know has an MX record to the `mx-target`.
    pub local_mx: bool,
    /// `selfmx`: every host that we know has an MX record to itself.
    pub self_mx: bool,
    /// Where MX records point that are made for hosts that we know: `mx-target`, else the name of this machine. Set if there
    /// is any use for it.
    pub mx_target: Option<String>,
    /// `srv-host`.
    pub srv: Vec<SrvRecord>,
    /// `txt-record`.
    pub txt: Vec<TxtRecord>,
    /// `ptr-record`.
    pub ptr: Vec<PtrRecord>,
    /// `naptr-record`.
    pub naptr: Vec<NaptrRecord>,
    /// `caa-record`.
    pub caa: Vec<CaaRecord>,
    /// `dns-rr`.
    pub raw: Vec<RawRecord>,
    /// `interface-name` and `dynamic-host`, in the order written: the first line of an interface owns its PTR records.
    pub interface_names: Vec<InterfaceName>,
    /// `synth-domain`.
    pub synthetic: Vec<SyntheticDomain>,
}

/// Names that share addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// The names, in the order written.
    pub names: Vec<String>,
    /// The A record of each.
    pub ipv4: Option<Ipv4Addr>,
    /// The AAAA record of each.
    pub ipv6: Option<Ipv6Addr>,
    /// Time to live, in seconds; `None`: `local-ttl`.
    pub ttl: Option<u32>,
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cname {
    /// The owner. In an authoritative zone `*.example` stands for all names below `example`; elsewhere only for the name that is so spelled.
    pub alias: String,
    /// The name it stands for.
    pub target: String,
    /// Time to live, in seconds; `None`: `local-ttl`.
    pub ttl: Option<u32>,
}

/// An MX record (RFC 1035 section 3.3.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MxRecord {
    /// The owner.
    pub name: String,
    /// The mail host.
    pub target: String,
    /// Lower is better.
    pub preference: u16,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrvRecord {
    /// The owner, with the service and the protocol in front.
    pub name: String,
    /// The host; the root says that the service is not offered.
    pub target: String,
    /// Its port.
    pub port: u16,
    /// Lower is better.
    pub priority: u16,
    /// Share among equal priorities.
    pub weight: u16,
}

/// A TXT record (RFC 1035 section 3.3.14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxtRecord {
    /// The owner.
    pub name: String,
    /// Its strings, of at most 255 bytes each; at least one.
    pub strings: Vec<Vec<u8>>,
}

/// A PTR record (RFC 1035 section 3.3.12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtrRecord {
    /// The owner.
    pub name: String,
    /// The name it points to.
    pub target: String,
}

/// An NAPTR record (RFC 3403 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NaptrRecord {
    /// The owner.
    pub name: String,
    /// Lower comes first.
    pub order: u16,
    /// Lower is better among equal orders.
    pub preference: u16,
    /// FLAGS, at most 255 bytes.
    pub flags: Vec<u8>,
    /// SERVICES, at most 255 bytes.
    pub services: Vec<u8>,
    /// REGEXP, at most 255 bytes.
    pub regexp: Vec<u8>,
    /// REPLACEMENT.
    pub replacement: String,
}

/// A CAA record (RFC 8659 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaaRecord {
    /// The owner.
    pub name: String,
    /// Flags.
    pub flags: u8,
    /// Tag, at most 255 bytes.
    pub tag: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
}

/// A record of any type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRecord {
    /// The owner.
    pub name: String,
    /// The type.
    pub record_type: u16,
    /// RDATA.
    pub data: Vec<u8>,
}

/// A name whose addresses depend on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceName {
    /// The name.
    pub name: String,
    /// The interface, which need not exist. Not empty.
    pub interface: String,
    /// How the addresses follow.
    pub addresses: InterfaceHost,
}

/// Which addresses a name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InterfaceHost {
    /// `interface-name`: those of the interface.
    Same(Families),
    /// `dynamic-host`: these, with the network part of the interface's; at least one of them.
    Within {
        /// The host part of an IPv4 address.
        ipv4: Option<Ipv4Addr>,
        /// The host part of an IPv6 address.
        ipv6: Option<Ipv6Addr>,
    },
}

/// A domain in which every address of a range has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyntheticDomain {
    /// The domain.
    pub domain: String,
    /// First address; of the same family as `last`.
    pub first: IpAddr,
    /// Last address. Before `first`, the range is empty.
    pub last: IpAddr,
    /// What stands in front of an address in its name.
    pub prefix: String,
    /// Names count the addresses from the first on, instead of spelling them.
    pub numbered: bool,
}

/// Addresses of which family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Families {
    /// Both.
    Both,
    /// IPv4 only (`/4`).
    Ipv4,
    /// IPv6 only (`/6`).
    Ipv6,
}
