//! What happens to replies before clients see them: `alias`, `bogus-nxdomain`, `ignore-address`, the filters by type, and the
//! check for private addresses (`stop-dns-rebind`).

use std::net::Ipv4Addr;

use ipc::config::reply::Alias;

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::name;
use super::text::{fields, from_bytes, reveal, reveal_text, split};

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// What is wanted where an address is.
const IPV4: &str = "an IPv4 address";

/// `alias = ADDRESS ["-" ADDRESS] "," ADDRESS ["," MASK]`.
pub(crate) fn alias(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let missing = || Fault::from("missing address in alias");
    let invalid = || Fault::from("invalid alias range");
    let mut parts = fields(value.ok_or(Fault::Value)?);
    let (Some(from), Some(replacement), mask, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(missing());
    };
    let (first, last) = split(from, '-');
    let first: Ipv4Addr = first.parse().map_err(|_| missing()).at(first, IPV4)?;
    let replacement = reveal_text(replacement).parse().map_err(|_| missing()).at(replacement, IPV4)?;
    let mask: Ipv4Addr = match mask {
        None => Ipv4Addr::BROADCAST,
        Some(mask) => reveal_text(mask).parse().map_err(|_| missing()).at(mask, "a mask, such as 255.255.255.0")?,
    };
    let last = last.map_or(Ok(first), |last| last.parse().map_err(|_| invalid()).at(last, IPV4))?;
    if first > last || first & mask != last & mask {
        return Err(invalid().at(from, "a range within one network of this mask"));
    }
    draft.dns.replies.aliases.push(Alias { first, last, replacement, mask });
    Ok(())
}

/// `rebind-domain-ok`: one domain, or several behind slashes. A name that is none matches nothing and is dropped.
pub(crate) fn rebind_domain_ok(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let value = from_bytes(&reveal(value.ok_or(Fault::Value)?));
    let domains = value.strip_prefix('/').map_or(value.as_str(), |rest| rest.strip_suffix('/').unwrap_or(rest));
    let names = domains.split('/').filter_map(|domain| name::domain(domain.trim_matches(' '), Fault::Value).ok());
    draft.dns.replies.rebind_domains_ok.extend(names);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_replaces_the_bits_of_its_mask() {
        let applied = |line, address: &str| {
            let mut draft = Draft::new();
            alias(&mut draft, Some(line)).unwrap();
            draft.dns.replies.aliases[0].apply(address.parse().unwrap()).map(|address| address.to_string())
        };
        assert_eq!(applied("192.0.2.0,10.0.0.0,255.255.255.0", "192.0.2.9").as_deref(), Some("10.0.0.9"));
        assert_eq!(applied("192.0.2.1,10.0.0.1", "192.0.2.2"), None);
        let range = "192.0.2.10-192.0.2.40,10.0.0.0,255.255.255.0";
        assert_eq!(applied(range, "192.0.2.40").as_deref(), Some("10.0.0.40"));
        assert_eq!(applied(range, "192.0.2.41"), None);
    }

    #[test]
    fn an_alias_range_lies_in_one_network() {
        let refusal = |line| alias(&mut Draft::new(), Some(line)).unwrap_err();
        assert_eq!(refusal("192.0.2.9-192.0.2.1,10.0.0.0,255.255.255.0"), Fault::from("invalid alias range"));
        assert_eq!(refusal("192.0.2.1-192.0.2.9,10.0.0.0"), Fault::from("invalid alias range"));
        assert_eq!(refusal("192.0.2.1"), Fault::from("missing address in alias"));
    }

    #[test]
    fn domains_stand_between_slashes() {
        let mut draft = Draft::new();
        rebind_domain_ok(&mut draft, Some("/A.example/-B/b/")).unwrap();
        rebind_domain_ok(&mut draft, Some("c")).unwrap();
        assert_eq!(draft.dns.replies.rebind_domains_ok, ["a.example", "b", "c"]);
    }
}
