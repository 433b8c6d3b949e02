//! `dhcp-host`: what one client gets. The kind of each field is told from its looks alone.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::dhcp::{ClientIdRule, HostRule, INFINITE};
use serde::Serialize;

use super::blame::At as _;
use super::dhcp::LEASE_TIME_MIN_S;
use super::draft::Draft;
use super::fault::Fault;
use super::number::{is_time, number, seconds};
use super::text::{fields, reveal, reveal_text, split};
use super::{hex, name, tag};

/// One `dhcp-host`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostEntry {
    /// Whom it is about, and what they get.
    pub rule: HostRule,
    /// Their IPv6 addresses.
    pub addresses6: Vec<HostAddress6>,
}

/// An IPv6 address for a host, or a block of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HostAddress6 {
    address: Ipv6Addr,
    length: u8,
}

impl HostAddress6 {
    /// `None` when bits behind the prefix are set, or when it is too long. A prefix that ends in the upper half of the address
    /// may be followed by anything up to the lower half, as in dnsmasq.
    pub fn new(address: Ipv6Addr, length: u8) -> Option<HostAddress6> {
        let host = u128::MAX.checked_shr(u32::from(length).max(64)).unwrap_or(0);
        (length <= 128 && u128::from(address) & host == 0).then_some(HostAddress6 { address, length })
    }

    /// The address, or the first of the block.
    pub fn address(self) -> Ipv6Addr {
        self.address
    }

    /// How many bits the addresses of the block share; 128: there is only one.
    pub fn prefix_length(self) -> u8 {
        self.length
    }

    /// Is the upper half 0, so that the lower one goes behind any prefix that a range constructs?
    pub fn fits_any_prefix(self) -> bool {
        u128::from(self.address) >> 64 == 0
    }
}

/// `dhcp-host = FIELD {"," FIELD}`.
pub(crate) fn host(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let entry = entry(value.ok_or(Fault::Value)?)?;
    if let Some(address) = entry.rule.address
        && !draft.host_addresses.insert(address)
    {
        let text = format!("duplicate dhcp-host IP address {address}");
        return Err(Fault::from(text).at(&address.to_string(), "an address of its own"));
    }
    if !entry.addresses6.is_empty() {
        draft.not_built("dhcp-host with an IPv6 address");
    }
    draft.host_entries.push(entry);
    Ok(())
}

/// Parses the value of a `dhcp-host`, which is also what a line of a hosts file (`dhcp-hostsfile`) holds.
pub(crate) fn entry(text: &str) -> Result<HostEntry, Fault> {
    let mut entry = HostEntry::default();
    let mut named = false;
    for field in fields(text) {
        let rule = &mut entry.rule;
        if field.is_empty() {
            continue;
        }
        if field.contains(':') {
            colon_field(&mut entry, field)?;
        } else if let Ok(address) = field.parse::<Ipv4Addr>() {
            rule.address = Some(address);
        } else if field.starts_with(|first: char| first.is_ascii_digit() || first == ' ') && is_time(field, true) {
            rule.lease_time_s = Some(seconds(field).max(LEASE_TIME_MIN_S));
        } else if field == "infinite" {
            rule.lease_time_s = Some(INFINITE);
        } else if field == "ignore" {
            rule.ignore = true;
        } else if std::mem::replace(&mut named, true) {
            return Err(Fault::from("DHCP host has multiple names").at(field, "no second name"));
        } else {
            let (host, domain) = name::host(field, || Fault::from("bad DHCP host name"))?;
            rule.name = Some(host).filter(|host| !host.is_empty());
            rule.domain = domain;
        }
    }
    Ok(entry)
}

/// A field with a colon: a tag, a client id, an IPv6 address in brackets, else a hardware address.
fn colon_field(entry: &mut HostEntry, field: &str) -> Result<(), Fault> {
    let rule = &mut entry.rule;
    let bad_hex = || Fault::from("bad hex constant");
    if field.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("id:")) {
        let id = &field[3..];
        rule.client_id = Some(match id {
            _ if id.starts_with('*') => ClientIdRule::Ignore,
            // A hole makes no sense here; dnsmasq takes the star for some byte, and so do we.
            _ if id.contains(':') => ClientIdRule::Is(
                hex::pattern(id)
                    .ok_or_else(bad_hex)
                    .at(id, "bytes in hexadecimal")?
                    .into_iter()
                    .map(|byte| byte.unwrap_or(b'*'))
                    .collect(),
            ),
            _ => ClientIdRule::Is(reveal(id)),
        });
    } else if let Some(name) = field.strip_prefix("set:").or_else(|| field.strip_prefix("net:")) {
        rule.set_tags.push(reveal_text(name));
    } else if let Some(name) = field.strip_prefix("tag:") {
        rule.tests.push(tag::test(name));
    } else if let Some(inner) = field.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        entry.addresses6.push(address6(inner)?);
        rule.ipv6 = true;
    } else {
        let address = hex::hardware(field).ok_or_else(bad_hex).at(field, "a hardware address, set:, tag: or id:")?;
        rule.hardware.push(address);
    }
    Ok(())
}

/// `IP6 ["/" LENGTH]`.
fn address6(text: &str) -> Result<HostAddress6, Fault> {
    let (address, length) = split(text, '/');
    let address: Ipv6Addr =
        address.parse().map_err(|_| Fault::from("bad IPv6 address")).at(address, "an IPv6 address")?;
    let length = length.map_or(Some(128), |length| number(length).and_then(|length| u8::try_from(length).ok()));
    let block = length.and_then(|length| HostAddress6::new(address, length));
    block.ok_or_else(|| Fault::from("bad IPv6 prefix").at(text, "an address whose bits behind the prefix are 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &str) -> Result<HostRule, Fault> {
        entry(value).map(|entry| entry.rule)
    }

    #[test]
    fn fields_are_told_by_their_looks() {
        let rule = rule("11:22:33:44:55:66 , set:red,tag:!blue, Fred.Lan ,192.168.0.60,45m,id:01:02").unwrap();
        assert_eq!(rule.hardware.len(), 1);
        assert_eq!(rule.set_tags, ["red"]);
        assert!(rule.tests[0].negated);
        assert_eq!((rule.name.as_deref(), rule.domain.as_deref()), (Some("fred"), Some("lan")));
        assert_eq!(rule.address, Some(Ipv4Addr::new(192, 168, 0, 60)));
        assert_eq!(rule.lease_time_s, Some(2700));
        assert_eq!(rule.client_id, Some(ClientIdRule::Is(vec![1, 2])));
    }

    #[test]
    fn look_alikes() {
        assert_eq!(rule("1h").unwrap().lease_time_s, Some(3600));
        assert_eq!(rule("h").unwrap().name.as_deref(), Some("h"));
        assert_eq!(rule("11-22-33-44-55-66").unwrap().name.as_deref(), Some("11-22-33-44-55-66"));
        assert_eq!(rule("192.168.0").unwrap().domain.as_deref(), Some("168.0"));
        assert_eq!(rule("1234::5").unwrap().hardware[0].bytes, [Some(0x12), Some(0x34), Some(5)]);
        assert_eq!(rule("id:marjorie").unwrap().client_id, Some(ClientIdRule::Is(b"marjorie".to_vec())));
        assert!(rule("id:*,ignore").unwrap().ignore);
        assert_eq!(rule("id:*33:44").unwrap().client_id, Some(ClientIdRule::Ignore));
        assert_eq!(rule(""), Ok(HostRule::default()));
    }

    #[test]
    fn addresses_of_version_6_stand_in_brackets() {
        let entry = entry("id:00:01,[fd00::5],[::6],[fd00::100/120],laptop").unwrap();
        let told: Vec<_> = entry.addresses6.iter().map(|it| (it.prefix_length(), it.fits_any_prefix())).collect();
        assert_eq!(told, [(128, false), (128, true), (120, false)]);
        assert_eq!(entry.addresses6[2].address(), "fd00::100".parse::<Ipv6Addr>().unwrap());
        assert_eq!(rule("[fd00::5%lo]"), Err(Fault::from("bad IPv6 address")));
        for bad in ["[fd00::5/120]", "[fd00::/129]", "[fd00::1/64]", "[fd00::/x]"] {
            assert_eq!(rule(bad), Err(Fault::from("bad IPv6 prefix")), "{bad}");
        }
    }

    #[test]
    fn one_address_serves_one_rule() {
        let mut draft = Draft::new();
        host(&mut draft, Some("11:22:33:44:55:66,10.0.0.5")).unwrap();
        let expected = Err(Fault::from("duplicate dhcp-host IP address 10.0.0.5"));
        assert_eq!(host(&mut draft, Some("tag:a,10.0.0.5")), expected);
    }
}
