//! Relaying DHCP: which requests go where, what goes through us, and who may ask for leases.

use std::net::Ipv6Addr;
use std::str::FromStr;

use ipc::config::relay::{RelayRoute, RelayTarget, SplitRelay, Uplink};

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::number::number16;
use super::prefix::prefix;
use super::text::{fields, reveal_text, split};

/// The server port of DHCPv4 (RFC 2131 section 4.1).
const SERVER_PORT: u16 = 67;
/// The server port of DHCPv6 (RFC 8415 section 7.2).
const SERVER_PORT_6: u16 = 547;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

fn bad_relay() -> Fault {
    Fault::from("Bad dhcp-relay")
}

/// `dhcp-relay = LOCAL "," (SERVER ["#" PORT] ["," INTERFACE] | INTERFACE ["#" PORT])`.
pub(crate) fn relay(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (local, rest) = split(value.ok_or_else(bad_relay)?, ',');
    let rest = rest.ok_or_else(bad_relay)?;
    if let Ok(local) = local.parse() {
        draft.dhcp.relays.push(route(local, rest, SERVER_PORT)?);
    } else {
        let local: Ipv6Addr = local.parse().map_err(|_| bad_relay()).at(local, "an address of ours")?;
        draft.not_built("dhcp-relay for IPv6");
        draft.unserved.relays6.push(route(local, rest, SERVER_PORT_6)?);
    }
    Ok(())
}

fn route<A: FromStr>(local: A, rest: &str, default_port: u16) -> Result<RelayRoute<A>, Fault> {
    let (to, interface) = split(rest, ',');
    let (to, port) = with_port(to, default_port);
    let to = match (to.parse(), interface) {
        (Ok(address), _) => {
            RelayTarget::Server { address, interface: interface.filter(|name| !name.is_empty()).map(reveal_text) }
        }
        (Err(_), None) if !to.contains('*') => RelayTarget::Link(reveal_text(to)),
        (Err(_), _) => return Err(bad_relay().at(to, "the address of a server, of the same family")),
    };
    Ok(RelayRoute { local, to, port })
}

/// Takes `#PORT` off the end; one that is no port, or 0, means the default.
fn with_port(text: &str, default: u16) -> (&str, u16) {
    let (text, port) = split(text, '#');
    (text, port.and_then(number16).filter(|&port| port != 0).unwrap_or(default))
}

/// `dhcp-split-relay = LOCAL "," SERVER ["#" PORT] "," (INTERFACE | ADDRESS)`.
pub(crate) fn split_relay(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (local, rest) = split(value.ok_or_else(bad_relay)?, ',');
    let (server, uplink) = split(rest.ok_or_else(bad_relay)?, ',');
    let (server, port) = with_port(server, SERVER_PORT);
    let uplink = uplink.filter(|name| !name.contains('*')).ok_or_else(bad_relay)?;
    draft.dhcp.split_relays.push(SplitRelay {
        local: local.parse().map_err(|_| bad_relay()).at(local, "an IPv4 address of ours")?,
        server: server.parse().map_err(|_| bad_relay()).at(server, "the IPv4 address of a server")?,
        port,
        uplink: uplink.parse().map_or_else(|_| Uplink::Interface(reveal_text(uplink)), Uplink::Address),
    });
    Ok(())
}

/// `dhcp-proxy = [ADDRESS {"," ADDRESS}]`.
pub(crate) fn proxy(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let relays = draft.dhcp.proxies.get_or_insert_default();
    for field in value.into_iter().flat_map(fields) {
        relays.push(field.parse().map_err(|_| Fault::from("bad dhcp-proxy address")).at(field, "an IPv4 address")?);
    }
    Ok(())
}

/// `leasequery = [ADDRESS ["/" LENGTH]]`.
pub(crate) fn leasequery(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let askers = draft.dhcp.leasequery.get_or_insert_default();
    if value.is_some() {
        askers.push(prefix(value)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn relayed(value: &str) -> Result<RelayRoute<Ipv4Addr>, Fault> {
        let mut draft = Draft::new();
        relay(&mut draft, Some(value))?;
        Ok(draft.dhcp.relays.remove(0))
    }

    #[test]
    fn a_relay_knows_a_server_or_an_interface() {
        let local = Ipv4Addr::new(192, 0, 2, 1);
        let to = RelayTarget::Server { address: Ipv4Addr::new(192, 0, 2, 9), interface: Some("eth*".into()) };
        assert_eq!(relayed("192.0.2.1,192.0.2.9#6767,eth*"), Ok(RelayRoute { local, to, port: 6767 }));
        let link = |name: &str, port| Ok(RelayRoute { local, to: RelayTarget::Link(name.into()), port });
        assert_eq!(relayed("192.0.2.1,eth0#x"), link("eth0", 67));
        assert_eq!(relayed("192.0.2.1,fd00::9"), link("fd00::9", 67));
        for bad in ["192.0.2.1", "192.0.2.1,eth*", "192.0.2.1,,eth0", "eth0,192.0.2.9", "fd00::1,1.2.3.4,eth0"] {
            assert_eq!(relayed(bad), Err(bad_relay()), "{bad}");
        }
    }

    #[test]
    fn a_split_relay_has_three_fields() {
        let mut draft = Draft::new();
        split_relay(&mut draft, Some("192.0.2.1,192.0.2.9#6767,192.0.2.5")).unwrap();
        split_relay(&mut draft, Some("192.0.2.1,192.0.2.9,eth0,x")).unwrap();
        let [one, other] = &draft.dhcp.split_relays[..] else { panic!() };
        assert_eq!((one.port, &one.uplink), (6767, &Uplink::Address(Ipv4Addr::new(192, 0, 2, 5))));
        assert_eq!((other.port, &other.uplink), (67, &Uplink::Interface("eth0,x".into())));
        assert_eq!(split_relay(&mut draft, Some("192.0.2.1,192.0.2.9")), Err(bad_relay()));
    }

    #[test]
    fn nobody_or_everybody_or_some() {
        let mut draft = Draft::new();
        assert_eq!((&draft.dhcp.proxies, &draft.dhcp.leasequery), (&None, &None));
        proxy(&mut draft, None).unwrap();
        leasequery(&mut draft, None).unwrap();
        assert_eq!(draft.dhcp.proxies, Some(vec![]));
        leasequery(&mut draft, Some("192.0.2.0/24")).unwrap();
        leasequery(&mut draft, Some("2001:db8::1")).unwrap();
        let lengths: Vec<_> = draft.dhcp.leasequery.iter().flatten().map(|prefix| prefix.length()).collect();
        assert_eq!(lengths, [24, 128]);
        assert_eq!(leasequery(&mut draft, Some("192.0.2.0/33")), Err(Fault::Value));
        assert_eq!(proxy(&mut draft, Some("192.0.2.1,")), Err(Fault::from("bad dhcp-proxy address")));
    }
}
