//! `domain`: the domain of hosts, by the address they have.

use std::net::IpAddr;

use ipc::config::domain::{ConditionalDomain, DomainHosts};
use ipc::config::routes::{RouteScope, RouteTarget};

use super::blame::{At as _, Wanted};
use super::dns::{block, width};
use super::draft::Draft;
use super::fault::Fault;
use super::number::number;
use super::prefix::LENGTH;
use super::text::{reveal_text, split};
use super::{name, route};

/// `domain = "#" | NAME | NAME "," (RANGE | INTERFACE)`.
pub(crate) fn domain(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let value = value.ok_or(Fault::Value)?;
    if value == "#" {
        draft.domain_from_resolv = true;
        return Ok(());
    }
    let (domain, hosts) = split(value, ',');
    let domain = name::domain(domain, Fault::Value)?;
    let Some(hosts) = hosts else {
        draft.domain_from_resolv = false;
        draft.dns.domains.default = Some(domain);
        return Ok(());
    };
    let hosts = parse_hosts(draft, &domain, &reveal_text(hosts))?;
    draft.dns.domains.conditional.push(ConditionalDomain { domain, hosts });
    Ok(())
}

/// `ADDRESS "/" LENGTH ["," "local"] | ADDRESS ["," ADDRESS ["," ANYTHING]] | INTERFACE ["," ANYTHING]`.
fn parse_hosts(draft: &mut Draft, domain: &str, text: &str) -> Result<DomainHosts, Fault> {
    if let (address, Some(length)) = split(text, '/') {
        let (length, local) = split(length, ',');
        let address: IpAddr = address.parse().map_err(|_| Fault::Value).at(address, "an address")?;
        let bits = number(length).ok_or(Fault::Value).at(length, LENGTH)?;
        let bits = u8::try_from(bits.max(0)).ok().filter(|&bits| bits <= width(address));
        let length = bits.ok_or_else(|| Fault::from("bad prefix length")).at(length, LENGTH)?;
        match local {
            None => {}
            Some("local") => declare_local(draft, domain, address, length),
            Some(word) => return Err(Fault::Value.at(word, Wanted::Words(&["local"]))),
        }
        let (first, last) = block(address, length);
        return Ok(DomainHosts::Range(first, last));
    }
    let (one, other) = split(text, ',');
    let Ok(first) = one.parse::<IpAddr>() else {
        return Ok(DomainHosts::Interface { name: one.to_owned(), networks: Vec::new() });
    };
    let last = other.map_or(Ok(first), |other| split(other, ',').0.parse()).map_err(|_| Fault::Value);
    let last = last.at(other.unwrap_or_default(), "the last address of a range")?;
    if first.is_ipv4() != last.is_ipv4() {
        return Err(Fault::Value.at(other.unwrap_or_default(), "an address of the same family"));
    }
    Ok(DomainHosts::Range(first, last))
}

fn declare_local(draft: &mut Draft, domain: &str, address: IpAddr, length: u8) {
    let zones = route::reverse_zones(address, length);
    for zone in [domain].into_iter().filter(|domain| !domain.is_empty()).chain(zones.iter().map(String::as_str)) {
        draft.dns.routes.push(RouteScope::Domain(zone), RouteTarget::NoData);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_may_own_a_range_and_be_local() {
        let mut draft = Draft::new();
        domain(&mut draft, Some("lan.example , 192.168.4.0 / 23 , local")).unwrap();
        domain(&mut draft, Some("Example.")).unwrap();
        assert_eq!(draft.dns.domains.default.as_deref(), Some("example"));
        let (first, last) = ("192.168.4.0".parse().unwrap(), "192.168.5.255".parse().unwrap());
        assert_eq!(draft.dns.domains.conditional[0].hosts, DomainHosts::Range(first, last));
        let scopes: Vec<_> = draft.dns.routes.iter().map(|route| route.scope).collect();
        let expected = ["lan.example", "4.168.192.in-addr.arpa", "5.168.192.in-addr.arpa"];
        assert_eq!(scopes, expected.map(RouteScope::Domain));
    }

    #[test]
    fn a_domain_may_own_an_interface() {
        let mut draft = Draft::new();
        domain(&mut draft, Some("lan,eth0 , x")).unwrap();
        let hosts = DomainHosts::Interface { name: "eth0".into(), networks: Vec::new() };
        assert_eq!(draft.dns.domains.conditional[0].hosts, hosts);
        assert_eq!(domain(&mut draft, Some("lan,eth0/24")), Err(Fault::Value));
    }
}
