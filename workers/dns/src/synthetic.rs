//! `synth-domain`: domains in which every address of a range has a name, and the other way round.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipc::config::record::SyntheticDomain;

use crate::hash::{Map, SeededState};
use crate::name::{NAME_BYTES_MAX, Name, suffixes};

/// Longest label, in bytes (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// All of them.
#[derive(Debug)]
pub(crate) struct SyntheticDomains {
    /// In the order searched.
    domains: Vec<SyntheticDomain>,
    /// Indexes into `domains` by domain in wire form, lower case.
    by_name: Map<Box<[u8]>, Vec<u32>>,
}

impl SyntheticDomains {
    pub fn new(domains: &[SyntheticDomain], state: SeededState) -> SyntheticDomains {
        let mut by_name: Map<Box<[u8]>, Vec<u32>> = Map::with_hasher(state);
        for (index, domain) in domains.iter().enumerate() {
            if let Some(name) = Name::from_text(domain.domain.as_bytes()) {
                by_name.entry(name.lowered().wire().into()).or_default().push(index as u32);
            }
        }
        SyntheticDomains { domains: domains.to_vec(), by_name }
    }

    /// The address that this name (lower case) spells, of the family wanted.
    pub fn address(&self, name: &Name, wanted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        if self.domains.is_empty() {
            return None;
        }
        let parent = suffixes(name.wire()).nth(1)?;
        let indexes = self.by_name.get(parent)?;
        let label = std::str::from_utf8(name.wire().get(1..name.wire().len() - parent.len())?).ok()?;
        let domains = indexes.iter().filter_map(|index| self.domains.get(*index as usize));
        domains.filter(|domain| wanted(domain.first)).find_map(|domain| spelled(domain, label))
    }

    /// The name of an address.
    pub fn name(&self, address: IpAddr) -> Option<Name> {
        let domain = self.domains.iter().find(|domain| covers(domain, address))?;
        // What does not fit is no name.
        let mut buffer = [0; NAME_BYTES_MAX];
        let mut rest = &mut buffer[..];
        write!(rest, "{}", domain.prefix).ok()?;
        match address {
            _ if domain.numbered => write!(rest, "{}", number(address).wrapping_sub(number(domain.first))),
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                write!(rest, "{a}-{b}-{c}-{d}")
            }
            // In full: a name that began or ended with a dash would be none.
            IpAddr::V6(v6) => v6.segments().into_iter().enumerate().try_for_each(|(position, segment)| {
                let dash = if position > 0 { "-" } else { "" };
                write!(rest, "{dash}{segment:04x}")
            }),
        }
        .ok()?;
        write!(rest, ".{}", domain.domain).ok()?;
        let length = NAME_BYTES_MAX - rest.len();
        Name::from_text(buffer.get(..length)?)
    }
}

fn spelled(domain: &SyntheticDomain, label: &str) -> Option<IpAddr> {
    let front = label.get(..domain.prefix.len())?;
    let text = label.get(domain.prefix.len()..).filter(|_| front.eq_ignore_ascii_case(&domain.prefix))?;
    let address = if domain.numbered {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let offset = if digits { text.parse::<u64>().ok()? } else { return None };
        nth(domain.first, offset)?
    } else {
        let separator = if domain.first.is_ipv4() { b'.' } else { b':' };
        let mut buffer = [0; LABEL_BYTES_MAX];
        let spelled = buffer.get_mut(..text.len())?;
        spelled.copy_from_slice(text.as_bytes());
        spelled.iter_mut().filter(|byte| **byte == b'-').for_each(|dash| *dash = separator);
        std::str::from_utf8(spelled).ok()?.parse().ok()?
    };
    covers(domain, address).then_some(address)
}

fn covers(domain: &SyntheticDomain, address: IpAddr) -> bool {
    address.is_ipv4() == domain.first.is_ipv4() && domain.first <= address && address <= domain.last
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

fn nth(first: IpAddr, offset: u64) -> Option<IpAddr> {
    match first {
        IpAddr::V4(v4) => u32::from(v4).checked_add(u32::try_from(offset).ok()?).map(|sum| Ipv4Addr::from(sum).into()),
        IpAddr::V6(v6) => u128::from(v6).checked_add(offset.into()).map(|sum| Ipv6Addr::from(sum).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(domain: &str, first: &str, last: &str, prefix: &str, numbered: bool) -> SyntheticDomain {
        let (first, last) = (first.parse().unwrap(), last.parse().unwrap());
        SyntheticDomain { domain: domain.into(), first, last, prefix: prefix.into(), numbered }
    }

    #[test]
    fn names_spell_addresses_both_ways() {
        let table = SyntheticDomains::new(
            &[
                domain("s4.lan", "10.0.0.0", "10.0.0.255", "p-", false),
                domain("s6.lan", "2001:db8::", "2001:db8::ffff", "q-", false),
                domain("n6.lan", "2001:db8:1::", "2001:db8:1::ffff", "", true),
                domain("n4.lan", "10.6.0.50", "10.6.0.60", "n-", true),
            ],
            SeededState::new([4; 16]),
        );
        let address = |text: &str| table.address(&Name::from_text(text.as_bytes()).unwrap(), |_| true);
        let is = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(address("p-10-0-0-7.s4.lan"), is("10.0.0.7"));
        assert_eq!(address("q-2001-db8--5.s6.lan"), is("2001:db8::5"));
        assert_eq!(address("5.n6.lan"), is("2001:db8:1::5"));
        assert_eq!(address("n-03.n4.lan"), is("10.6.0.53"));
        let none =
            ["p-10-0-1-7.s4.lan", "p-10-0-0-07.s4.lan", "x.p-10-0-0-7.s4.lan", "n-11.n4.lan", "n-.n4.lan", "s4.lan"];
        for text in none {
            assert_eq!(address(text), None, "{text}");
        }
        let name = |text: &str| table.name(text.parse().unwrap());
        let named = |text: &str| Name::from_text(text.as_bytes());
        assert_eq!(name("10.0.0.7"), named("p-10-0-0-7.s4.lan"));
        assert_eq!(name("2001:db8::5"), named("q-2001-0db8-0000-0000-0000-0000-0000-0005.s6.lan"));
        assert_eq!(name("2001:db8:1::15"), named("21.n6.lan"));
        assert_eq!(name("10.9.0.1"), None);
    }
}
