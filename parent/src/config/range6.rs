//! `dhcp-range` for IPv6: addresses to lease, prefixes to advertise, or both.

use std::net::Ipv6Addr;

use ipc::tag::TagTest;
use serde::Serialize;

use super::blame::At as _;
use super::dhcp::lease_time;
use super::fault::Fault;
use super::number::loose;
use super::process::interfaces;

/// Length of the prefix of a subnet in which hosts make their own addresses (RFC 4862 section 5.5.3, RFC 7421).
const PREFIX_LENGTH: u8 = 64;
/// Lease time without any other, in seconds.
const LEASE_TIME_S: u32 = 86_400;

/// One `dhcp-range` that begins with an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Range6 {
    /// Where its prefix comes from.
    pub subnet: Subnet6,
    /// First address.
    pub first: Ipv6Addr,
    /// Last address, in the same prefix and not below `first`.
    pub last: Ipv6Addr,
    /// What is leased.
    pub leases: Leases6,
    /// What is advertised.
    pub advertise: Advertise,
    /// Seconds, at least 120, or `INFINITE`.
    pub lease_time_s: u32,
    /// `deprecated`: addresses are preferred no longer (RFC 4862 section 5.5.4).
    pub deprecated: bool,
    /// `set:TAG`.
    pub set_tag: Option<String>,
    /// `tag:TAG`.
    pub tests: Vec<TagTest>,
}

/// Where a range's prefix comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Subnet6 {
    /// It is written, and is so long: 64 to 128.
    Written(u8),
    /// From addresses of the interfaces that match (a trailing `*` matches any tail): their 64 bits go in front of the lower halves of
    /// `first` and `last`, whose upper halves are 0.
    Constructed(String),
    /// The range began with `::`: it is for any subnet.
    Any,
}

/// What a range leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Leases6 {
    /// No addresses; with `ra-stateless` other configuration only.
    #[default]
    None,
    /// Only addresses of host rules.
    Static,
    /// The addresses from first to last.
    Pool,
}

/// What is advertised to hosts of a range's subnet (RFC 4861 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Advertise {
    /// `ra-only`: advertise, and lease nothing.
    pub only: bool,
    /// `slaac`: hosts may make addresses even though we lease some.
    pub slaac: bool,
    /// `ra-names`: names of DHCPv4 clients are given to the addresses that they will have made.
    pub names: bool,
    /// `ra-stateless`: hosts make addresses and ask DHCPv6 for the rest.
    pub stateless: bool,
    /// `ra-advrouter`: our address is advertised along with the prefix (RFC 6275 section 7.2).
    pub router_address: bool,
    /// `off-link`: hosts shall not take the prefix for their own wire.
    pub off_link: bool,
}

impl Advertise {
    /// Does any of it ask for advertisements?
    pub fn wanted(self) -> bool {
        self.only || self.slaac || self.names || self.stateless || self.router_address
    }
}

impl Range6 {
    /// Does the range need DHCPv6?
    pub fn wants_dhcp(&self) -> bool {
        self.leases != Leases6::None || self.advertise.stateless
    }
}

/// What is wanted behind the addresses.
const MODE_OR_TIME: &str = "a mode such as slaac or ra-only, a prefix length, or a lease time";

/// What follows the first address: `{"," MODE} ["," LENGTH] ["," TIME]`, where the first mode may be the last address.
pub(crate) fn range(
    first: Ipv6Addr,
    fields: &[&str],
    set_tag: Option<String>,
    tests: Vec<TagTest>,
) -> Result<Range6, Fault> {
    let bad = || Fault::from("bad dhcp-range");
    let (mut leases, mut advertise, mut constructor) = (Leases6::None, Advertise::default(), None);
    let mut last = first;
    let mut rest = fields;
    while let Some((&field, after)) = rest.split_first() {
        let at_start = rest.len() == fields.len();
        match field {
            "static" => leases = Leases6::Static,
            "ra-only" => advertise.only = true,
            "slaac" => advertise.slaac = true,
            "ra-names" => advertise.names = true,
            "ra-advrouter" => advertise.router_address = true,
            "ra-stateless" => advertise.stateless = true,
            "off-link" => advertise.off_link = true,
            _ => match (field.strip_prefix("constructor:"), field.parse()) {
                (Some(pattern), _) => constructor = interfaces(Some(pattern)).next(),
                (None, Ok(end)) if at_start => (last, leases) = (end, Leases6::Pool),
                _ => break,
            },
        }
        rest = after;
    }
    let mut length = PREFIX_LENGTH;
    let mut length_field = "";
    if let [field, after @ ..] = rest
        && field.bytes().all(|byte| byte.is_ascii_digit())
        && loose(field) <= 128
    {
        length = u8::try_from(loose(field)).unwrap_or(0);
        length_field = *field;
        rest = after;
    }
    if length < PREFIX_LENGTH {
        return Err(Fault::from("prefix length must be at least 64").at(length_field, "64 to 128"));
    }
    if length != PREFIX_LENGTH && constructor.is_some() {
        return Err(Fault::from("prefix length must be exactly 64 for subnet constructors").at(length_field, "64"));
    }
    if length != PREFIX_LENGTH && advertise.wanted() {
        return Err(Fault::from("prefix length must be exactly 64 for RA subnets").at(length_field, "64"));
    }
    let network = |address: Ipv6Addr| u128::from(address) & !(u128::MAX.checked_shr(length.into()).unwrap_or(0));
    if network(first) != network(last) {
        return Err(Fault::from("inconsistent DHCPv6 range")
            .at(fields.first().unwrap_or(&""), "an address with the same prefix"));
    }
    if constructor.is_some() && u128::from(first) >> 64 != 0 {
        return Err(Fault::from("prefix must be zero with \"constructor:\" argument"));
    }
    let (lease_time_s, deprecated) = match rest {
        [] => (LEASE_TIME_S, false),
        [field] => (lease_time(field, LEASE_TIME_S).ok_or_else(bad).at(field, MODE_OR_TIME)?, *field == "deprecated"),
        [odd, ..] => return Err(bad().at(odd, MODE_OR_TIME)),
    };
    let subnet = match constructor {
        Some(pattern) => Subnet6::Constructed(pattern),
        None if first.is_unspecified() => Subnet6::Any,
        None => Subnet6::Written(length),
    };
    let (first, last) = (first.min(last), first.max(last));
    Ok(Range6 { subnet, first, last, leases, advertise, lease_time_s, deprecated, set_tag, tests })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Result<Range6, Fault> {
        let fields: Vec<&str> = value.split(',').collect();
        range(fields[0].parse().unwrap(), &fields[1..], None, Vec::new())
    }

    #[test]
    fn modes_say_what_is_leased_and_what_is_advertised() {
        let pool = parsed("fd00::20,fd00::10,slaac,ra-names,64,12h").unwrap();
        assert_eq!((pool.first, pool.last), ("fd00::10".parse().unwrap(), "fd00::20".parse().unwrap()));
        assert_eq!((pool.leases, pool.lease_time_s), (Leases6::Pool, 43_200));
        assert!(pool.advertise.slaac && pool.advertise.names && pool.advertise.wanted() && pool.wants_dhcp());
        let only = parsed("fd00::,ra-only").unwrap();
        assert!(!only.wants_dhcp() && only.advertise.wanted());
        assert!(parsed("fd00::,ra-stateless,deprecated").unwrap().wants_dhcp());
        let bare = parsed("fd00::").unwrap();
        assert!(!bare.wants_dhcp() && !bare.advertise.wanted());
        assert_eq!(parsed("fd00::,static,off-link,300").unwrap().lease_time_s, 300);
    }

    #[test]
    fn where_the_prefix_comes_from() {
        let constructed = parsed("::1,::400,constructor:eth*").unwrap();
        assert_eq!((constructed.subnet, constructed.leases), (Subnet6::Constructed("eth*".into()), Leases6::Pool));
        assert_eq!(parsed("::,ra-stateless").unwrap().subnet, Subnet6::Any);
        assert_eq!(parsed("fd00::1,fd00::2,120").unwrap().subnet, Subnet6::Written(120));
        for (value, refusal) in [
            ("fd00::1,fd00::2,48", "prefix length must be at least 64"),
            ("fd00::,ra-only,80", "prefix length must be exactly 64 for RA subnets"),
            ("::1,constructor:eth0,80", "prefix length must be exactly 64 for subnet constructors"),
            ("fd00::1,constructor:eth0", "prefix must be zero with \"constructor:\" argument"),
            ("fd00::1,fd01::1", "inconsistent DHCPv6 range"),
            ("fd00::1,::,constructor:eth0", "inconsistent DHCPv6 range"),
            ("fd00::1,nonsense", "bad dhcp-range"),
            ("fd00::1,fd00::2,64,1h,x", "bad dhcp-range"),
        ] {
            assert_eq!(parsed(value), Err(Fault::from(refusal)), "{value}");
        }
    }
}
