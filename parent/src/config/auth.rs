//! The authoritative service: `auth-server`, `auth-zone`, `auth-soa`, `auth-sec-servers`, `auth-peer`, `auth-ttl`.

use std::net::IpAddr;

use ipc::config::prefix::Prefix;
use ipc::config::record::Families;
use serde::Serialize;

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::interface_address::{InterfaceAddresses, interface_addresses};
use super::name;
use super::number::{loose, number, required};
use super::prefix::LENGTH;
use super::text::{fields, reveal_text, split};

/// Prefix lengths of zones unless given.
const LENGTHS: (u8, u8) = (24, 64);

/// The authoritative service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuthService {
    /// `auth-server`.
    pub server: Option<AuthServer>,
    /// `auth-zone`, the last line first.
    pub zones: Vec<AuthZone>,
    /// `auth-soa`.
    pub soa: AuthSoa,
    /// `auth-sec-servers`: names of further servers.
    pub secondary_servers: Vec<String>,
    /// `auth-peer`: addresses that may transfer zones.
    pub peers: Vec<IpAddr>,
    /// `auth-ttl`, seconds.
    pub ttl: Option<u32>,
}

/// `auth-server`: the name of this server, and where it answers with authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthServer {
    /// The name, as written: it is not checked.
    pub name: String,
    /// Questions to these interfaces.
    pub interfaces: Vec<InterfaceAddresses>,
    /// Questions to these addresses.
    pub addresses: Vec<IpAddr>,
}

/// `auth-zone`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthZone {
    /// The apex.
    pub domain: String,
    /// Which addresses are told, in the order written. None: all.
    pub subnets: Vec<AuthSubnet>,
}

/// A part of what a zone covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AuthSubnet {
    /// Addresses below this prefix.
    Included(Prefix),
    /// `exclude:`: no addresses below this prefix.
    Excluded(Prefix),
    /// The networks of an interface.
    Interface(InterfaceAddresses),
}

/// `auth-soa`: the SOA of every zone; dnsmasq's values where nothing was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuthSoa {
    /// The serial number; `None`: the time of the start.
    pub serial: Option<u32>,
    /// The mailbox as a name (RFC 1035 section 3.3.13), not checked.
    pub hostmaster: Option<String>,
    /// The refresh interval, in seconds.
    pub refresh: Option<u32>,
    /// The retry interval, in seconds.
    pub retry: Option<u32>,
    /// The expiry limit, in seconds.
    pub expiry: Option<u32>,
}

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `auth-server = NAME {"," (ADDRESS | INTERFACE ["/4" | "/6"])}`.
pub(crate) fn server(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (name, places) = split(value.ok_or(Fault::Value)?, ',');
    let mut server = AuthServer { name: reveal_text(name), interfaces: Vec::new(), addresses: Vec::new() };
    for place in places.into_iter().flat_map(fields) {
        match reveal_text(place).parse() {
            Ok(address) => server.addresses.push(address),
            Err(_) => server.interfaces.push(interface_addresses(&reveal_text(place))?),
        }
    }
    draft.auth.server = Some(server);
    Ok(())
}

/// `auth-zone = NAME {"," (["exclude:"] ADDRESS ["/" LENGTH] | INTERFACE ["/4" | "/6"])}`.
pub(crate) fn zone(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (domain, subnets) = split(value.ok_or(Fault::Value)?, ',');
    let domain = name::domain(domain, Fault::from("invalid auth-zone"))?;
    let subnets = subnets.into_iter().flat_map(fields).map(subnet).collect::<Result<_, _>>()?;
    draft.auth.zones.push(AuthZone { domain, subnets });
    Ok(())
}

fn subnet(text: &str) -> Result<AuthSubnet, Fault> {
    let (excluded, text) = match text.strip_prefix("exclude:") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (place, length) = split(text, '/');
    let length = length.map(|length| number(length).ok_or(Fault::Value).at(length, LENGTH)).transpose()?;
    let Ok(address) = place.parse::<IpAddr>() else {
        // What is excluded must be an address; an interface counts as if the keyword were not there.
        let families = match length {
            None => Families::Both,
            Some(4) => Families::Ipv4,
            Some(6) => Families::Ipv6,
            Some(_) => return Err(Fault::Value.at(text, "an address, or an interface with /4 or /6")),
        };
        return Ok(AuthSubnet::Interface(InterfaceAddresses { interface: reveal_text(place), families }));
    };
    let length = match length.unwrap_or(0) {
        0 if address.is_ipv4() => LENGTHS.0,
        0 => LENGTHS.1,
        length => u8::try_from(length).unwrap_or(u8::MAX),
    };
    let prefix = Prefix::cut(address, length);
    Ok(if excluded { AuthSubnet::Excluded(prefix) } else { AuthSubnet::Included(prefix) })
}

/// `auth-soa = SERIAL ["," MAILBOX ["," REFRESH ["," RETRY ["," EXPIRY]]]]`; the numbers are read loosely.
pub(crate) fn soa(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let mut parts = fields(value.ok_or(Fault::Value)?);
    let soa = &mut draft.auth.soa;
    soa.serial = parts.next().map(|text| loose(text) as u32).filter(|&serial| serial != 0);
    soa.hostmaster = parts.next().map(|mailbox| reveal_text(mailbox).replace('@', "."));
    let mut seconds = || parts.next().map(|text| loose(text) as u32);
    (soa.refresh, soa.retry, soa.expiry) = (seconds(), seconds(), seconds());
    Ok(())
}

pub(crate) fn secondary_servers(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.auth.secondary_servers.extend(value.into_iter().flat_map(fields).map(reveal_text));
    Ok(())
}

/// `auth-peer = ADDRESS {"," ADDRESS}`.
pub(crate) fn peers(draft: &mut Draft, value: Value<'_>) -> Outcome {
    for field in fields(value.ok_or(Fault::Value)?) {
        draft.auth.peers.push(reveal_text(field).parse().map_err(|_| Fault::Value).at(field, "an address")?);
    }
    Ok(())
}

pub(crate) fn ttl(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.auth.ttl = Some(u32::try_from(required(value)?).unwrap_or(0));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_prefixes_and_interfaces() {
        let mut draft = Draft::new();
        zone(&mut draft, Some("Z.example,192.0.2.0,exclude:192.0.2.128/25,fd00::/0,exclude:eth0/6")).unwrap();
        let prefix = |address: &str, length| Prefix::cut(address.parse().unwrap(), length);
        let eth0 = InterfaceAddresses { interface: "eth0".into(), families: Families::Ipv6 };
        let expected = [
            AuthSubnet::Included(prefix("192.0.2.0", 24)),
            AuthSubnet::Excluded(prefix("192.0.2.128", 25)),
            AuthSubnet::Included(prefix("fd00::", 64)),
            AuthSubnet::Interface(eth0),
        ];
        assert_eq!(draft.auth.zones, [AuthZone { domain: "z.example".into(), subnets: expected.into() }]);
        assert_eq!(zone(&mut draft, Some("-Z")), Err(Fault::from("invalid auth-zone")));
    }

    #[test]
    fn a_mailbox_becomes_a_name() {
        let mut draft = Draft::new();
        soa(&mut draft, Some("0,root@example,-1,x")).unwrap();
        let found = &draft.auth.soa;
        assert_eq!((found.serial, found.hostmaster.as_deref()), (None, Some("root.example")));
        assert_eq!((found.refresh, found.retry, found.expiry), (Some(u32::MAX), Some(0), None));
    }

    #[test]
    fn a_server_answers_at_interfaces_and_addresses() {
        let mut draft = Draft::new();
        server(&mut draft, Some("ns.example,eth0/4,192.0.2.1,::1")).unwrap();
        let found = draft.auth.server.as_ref().unwrap();
        assert_eq!((found.interfaces.len(), found.addresses.len()), (1, 2));
        assert_eq!(server(&mut draft, Some("ns.example,192.0.2.1/24")), Err(Fault::Value));
    }
}
