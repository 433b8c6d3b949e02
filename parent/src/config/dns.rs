//! Values of DNS options, but for upstreams and fixed answers (see `route`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipc::config::dns::{Route, RouteScope, RouteTarget};
use ipc::config::domain::DomainRange;

use super::draft::Draft;
use super::fault::Fault;
use super::number::{number, required};
use super::process::{count, port};
use super::text::{reveal_text, split};
use super::{name, route};

/// Most records in the cache.
const CACHE_SIZE_MAX: i32 = 5_000_000;
/// Smallest UDP payload that DNS knows (RFC 6891 section 6.2.3).
const EDNS_PACKET_MIN: u16 = 512;
/// Longest time for which `min-cache-ttl` may hold a record beyond its own, in seconds.
const MIN_CACHE_TTL_MAX: u32 = 3600;
/// Shortest first delay of `fast-dns-retry`, in milliseconds.
const RETRY_MIN_MS: i32 = 50;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

pub(crate) fn dns_port(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dns.port = port(value)?;
    Ok(())
}

pub(crate) fn cache_size(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dns.cache_size = required(value)?.clamp(0, CACHE_SIZE_MAX).unsigned_abs();
    Ok(())
}

pub(crate) fn edns_packet_max(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dns.edns_packet_max = (required(value)? as u16).max(EDNS_PACKET_MIN);
    Ok(())
}

pub(crate) fn min_cache_ttl(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dns.min_cache_ttl = count(value)?.min(MIN_CACHE_TTL_MAX);
    Ok(())
}

/// A time to live where 0 stands for "no such rule".
pub(crate) fn ttl_unless_zero(value: Value<'_>) -> Result<Option<u32>, Fault> {
    Ok(Some(count(value)?).filter(|&ttl| ttl > 0))
}

/// `[FIRST[,TOTAL]]` in milliseconds; the total counts in whole seconds.
pub(crate) fn fast_dns_retry(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (mut first_ms, mut total_ms) = (1000, 10_000);
    if let Some(value) = value {
        let (first, total) = split(value, ',');
        first_ms = number(first).filter(|&first| first >= RETRY_MIN_MS).ok_or(Fault::Value)?.unsigned_abs();
        if let Some(total) = total {
            total_ms = u32::try_from(number(total).ok_or(Fault::Value)?).unwrap_or(0) / 1000 * 1000;
        }
    }
    draft.dns.fast_dns_retry = Some((first_ms, total_ms));
    Ok(())
}

/// `domain = "#" | NAME | NAME,RANGE`.
pub(crate) fn domain(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let value = value.ok_or(Fault::Value)?;
    if value == "#" {
        draft.domain_from_resolv = true;
        return Ok(());
    }
    let (domain, range) = split(value, ',');
    let domain = name::domain(domain, Fault::Value)?;
    let Some(range) = range else {
        draft.domain_from_resolv = false;
        draft.dns.domains.default = Some(domain);
        return Ok(());
    };
    let range = reveal_text(range);
    let (first, last) = if let (address, Some(length)) = split(&range, '/') {
        let (length, local) = split(length, ',');
        let address: IpAddr = address.parse().map_err(|_| Fault::Value)?;
        let length = number(length).ok_or(Fault::Value)?;
        let length = u8::try_from(length).ok().filter(|&length| length <= width(address));
        let length = length.ok_or_else(|| Fault::from("bad prefix length"))?;
        match local {
            None => {}
            Some("local") => declare_local(draft, &domain, address, length),
            Some(_) => return Err(Fault::Value),
        }
        block(address, length)
    } else if let (from, to) = split(&range, ',')
        && let Ok(first) = from.parse::<IpAddr>()
    {
        // A third field is not looked at.
        let last = to.map_or(Ok(first), |to| split(to, ',').0.parse()).map_err(|_| Fault::Value)?;
        if first.is_ipv4() != last.is_ipv4() {
            return Err(Fault::Value);
        }
        (first, last)
    } else {
        draft.not_built("domain with an interface");
        return Ok(());
    };
    if domain.is_empty() {
        draft.not_built("domain without a name for a range");
        return Ok(());
    }
    draft.dns.domains.conditional.push(DomainRange { domain, first, last });
    Ok(())
}

fn declare_local(draft: &mut Draft, domain: &str, address: IpAddr, length: u8) {
    let scopes = [RouteScope::Domain(domain.to_owned())];
    let reverse = route::reverse_zones(address, length).into_iter().map(RouteScope::Domain);
    for scope in scopes.into_iter().filter(|_| !domain.is_empty()).chain(reverse) {
        draft.dns.routes.push(Route { scope, target: RouteTarget::NoData });
    }
}

/// Bits of an address of this family.
pub(crate) fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// First and last address of a prefix.
pub(crate) fn block(address: IpAddr, length: u8) -> (IpAddr, IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let bits = u32::from(address);
            (Ipv4Addr::from(bits & !host).into(), Ipv4Addr::from(bits | host).into())
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let bits = u128::from(address);
            (Ipv6Addr::from(bits & !host).into(), Ipv6Addr::from(bits | host).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_reach_from_all_zeros_to_all_ones() {
        let told = |address: &str, length| {
            let (first, last) = block(address.parse().unwrap(), length);
            format!("{first} {last}")
        };
        assert_eq!(told("192.0.2.77", 24), "192.0.2.0 192.0.2.255");
        assert_eq!(told("192.0.2.77", 0), "0.0.0.0 255.255.255.255");
        assert_eq!(told("192.0.2.77", 32), "192.0.2.77 192.0.2.77");
        assert_eq!(told("fd00::5", 64), "fd00:: fd00::ffff:ffff:ffff:ffff");
    }

    #[test]
    fn a_domain_may_own_a_range_and_be_local() {
        let mut draft = Draft::new();
        domain(&mut draft, Some("lan.example , 192.168.4.0 / 23 , local")).unwrap();
        domain(&mut draft, Some("Example.")).unwrap();
        assert_eq!(draft.dns.domains.default.as_deref(), Some("example"));
        assert_eq!(draft.dns.domains.conditional[0].last.to_string(), "192.168.5.255");
        let scopes: Vec<_> = draft.dns.routes.iter().map(|route| route.scope.clone()).collect();
        let expected = ["lan.example", "4.168.192.in-addr.arpa", "5.168.192.in-addr.arpa"];
        assert_eq!(scopes, expected.map(|zone| RouteScope::Domain(zone.to_owned())));
    }
}
