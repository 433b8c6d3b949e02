//! `domain`: the domain of hosts, by the address they have.

use std::net::IpAddr;

use ipc::config::domain::DomainRange;
use ipc::config::routes::{RouteScope, RouteTarget};
use serde::Serialize;

use super::blame::{At as _, Wanted};
use super::dns::{block, width};
use super::draft::Draft;
use super::fault::Fault;
use super::number::number;
use super::prefix::LENGTH;
use super::text::{reveal_text, split};
use super::{name, route};

/// The domain of some hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConditionalDomain {
    /// The domain; the empty one is none.
    pub domain: String,
    /// Which hosts.
    pub hosts: DomainHosts,
}

/// Which hosts have a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum DomainHosts {
    /// Those with an address from the first to the last, both of one family. If the last comes before the first, none.
    Range(IpAddr, IpAddr),
    /// Those on the networks of this interface.
    Interface(String),
}

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
    match &hosts {
        DomainHosts::Interface(_) => draft.not_built("domain with an interface"),
        DomainHosts::Range(..) if domain.is_empty() => draft.not_built("domain without a name for a range"),
        DomainHosts::Range(..) => {}
    }
    draft.conditional_domains.push(ConditionalDomain { domain, hosts });
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
    let Ok(first) = one.parse::<IpAddr>() else { return Ok(DomainHosts::Interface(one.to_owned())) };
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

/// What workers know of: ranges that have a name.
pub(crate) fn ranges(domains: &[ConditionalDomain]) -> Vec<DomainRange> {
    let range = |rule: &ConditionalDomain| match rule.hosts {
        DomainHosts::Range(first, last) if !rule.domain.is_empty() => {
            Some(DomainRange { domain: rule.domain.clone(), first, last })
        }
        _ => None,
    };
    domains.iter().filter_map(range).collect()
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
        assert_eq!(ranges(&draft.conditional_domains)[0].last.to_string(), "192.168.5.255");
        let scopes: Vec<_> = draft.dns.routes.iter().map(|route| route.scope).collect();
        let expected = ["lan.example", "4.168.192.in-addr.arpa", "5.168.192.in-addr.arpa"];
        assert_eq!(scopes, expected.map(RouteScope::Domain));
    }

    #[test]
    fn a_domain_may_own_an_interface() {
        let mut draft = Draft::new();
        domain(&mut draft, Some("lan,eth0 , x")).unwrap();
        assert_eq!(draft.conditional_domains[0].hosts, DomainHosts::Interface("eth0".into()));
        assert_eq!(ranges(&draft.conditional_domains), []);
        assert_eq!(domain(&mut draft, Some("lan,eth0/24")), Err(Fault::Value));
    }
}
