//! Values of DNS options that are numbers and the like.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::number::{number, required};
use super::process::{count, port};
use super::text::split;

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
        let milliseconds = number(first).filter(|&first| first >= RETRY_MIN_MS).ok_or(Fault::Value);
        first_ms = milliseconds.at(first, "at least 50 milliseconds")?.unsigned_abs();
        if let Some(total) = total {
            total_ms =
                u32::try_from(number(total).ok_or(Fault::Value).at(total, "a number")?).unwrap_or(0) / 1000 * 1000;
        }
    }
    draft.dns.fast_dns_retry = Some((first_ms, total_ms));
    Ok(())
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
}
