//! `synth-domain`: names that are made from addresses, and the way back.

use std::net::IpAddr;

use ipc::config::record::SyntheticDomain;

use super::super::blame::At as _;
use super::super::dns::{block, width};
use super::super::draft::Draft;
use super::super::fault::Fault;
use super::super::name;
use super::super::number::number;
use super::super::prefix::LENGTH;
use super::super::text::{reveal_text, split};

/// Longest prefix of names, in bytes: in front of an IPv4 or an IPv6 address, and for two addresses.
const PREFIX_BYTES_MAX: (usize, usize, usize) = (24, 17, 47);

/// Shortest IPv6 prefix whose addresses can be numbered.
const NUMBERED_LENGTH_MIN: u8 = 64;

/// `synth-domain = NAME "," (ADDRESS "/" LENGTH ["," PREFIX] | ADDRESS ["," ADDRESS ["," PREFIX]])`; a prefix that ends in `*` makes
/// numbers.
pub(crate) fn synth_domain(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let (domain, range) = split(value.ok_or(Fault::Value)?, ',');
    let domain = name::domain(domain, Fault::Value)?;
    let range = range.ok_or(Fault::Value).at(value.unwrap_or_default(), "a domain and addresses")?;
    let (address, length) = split(range, '/');
    let (first, last, length, text) = match length {
        Some(length) => {
            let (length, text) = split(length, ',');
            let address: IpAddr = reveal_text(address).parse().map_err(|_| Fault::Value).at(address, "an address")?;
            let bits = u8::try_from(number(length).ok_or(Fault::Value).at(length, LENGTH)?.max(0)).ok();
            let bits = bits.filter(|&bits| bits <= width(address));
            let length = bits.ok_or_else(|| Fault::from("bad prefix length")).at(length, LENGTH)?;
            let (first, last) = block(address, length);
            (first, last, Some(length), text)
        }
        None => {
            let (first, rest) = split(range, ',');
            let first: IpAddr = reveal_text(first).parse().map_err(|_| Fault::Value).at(first, "an address")?;
            let (last, text) = rest.map_or((None, None), |rest| {
                let (last, text) = split(rest, ',');
                (Some(last), text)
            });
            let last = last.map_or(Ok(first), |last| reveal_text(last).parse()).map_err(|_| Fault::Value)?;
            if first.is_ipv4() != last.is_ipv4() {
                return Err(Fault::Value);
            }
            (first, last, None, text)
        }
    };
    let bad_prefix = || Fault::from("bad prefix");
    let prefix = name::domain(text.unwrap_or_default(), bad_prefix())?;
    let bytes_max = match length {
        Some(_) if first.is_ipv4() => PREFIX_BYTES_MAX.0,
        Some(_) => PREFIX_BYTES_MAX.1,
        None => PREFIX_BYTES_MAX.2,
    };
    if prefix.len() > bytes_max {
        return Err(bad_prefix().at(&prefix, "a shorter prefix"));
    }
    let (prefix, numbered) = match prefix.strip_suffix('*') {
        Some(prefix) => (prefix.to_owned(), true),
        None => (prefix, false),
    };
    if numbered && first.is_ipv6() && length.is_none_or(|length| length < NUMBERED_LENGTH_MIN) {
        return Err(Fault::from("prefix length too small").at(range, "a prefix of at least 64 bits, to number it"));
    }
    draft.dns.records.synthetic.push(SyntheticDomain { domain, first, last, prefix, numbered });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_and_a_prefix() {
        let mut draft = Draft::new();
        synth_domain(&mut draft, Some("lan , 192.0.2.0 / 24 , P-*")).unwrap();
        synth_domain(&mut draft, Some("lan,fd00::1,fd00::9,p-")).unwrap();
        let [block, range] = &draft.dns.records.synthetic[..] else { panic!() };
        assert_eq!((block.prefix.as_str(), block.numbered), ("p-", true));
        assert_eq!(block.last.to_string(), "192.0.2.255");
        assert_eq!((range.prefix.as_str(), range.numbered), ("p-", false));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refusal = |line: &str| synth_domain(&mut Draft::new(), Some(line)).unwrap_err();
        assert_eq!(refusal("lan"), Fault::Value);
        assert_eq!(refusal("lan,192.0.2.1,"), Fault::Value);
        assert_eq!(refusal("lan,192.0.2.0/33"), Fault::from("bad prefix length"));
        assert_eq!(refusal(&format!("lan,fd00::/64,{}", "p".repeat(18))), Fault::from("bad prefix"));
        assert_eq!(refusal("lan,fd00::/63,*"), Fault::from("prefix length too small"));
    }
}
