//! `dhcp-host`: what one client gets. The kind of each field is told from its looks alone.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::dhcp::{ClientIdRule, HostRule, INFINITE};

use super::dhcp::LEASE_TIME_MIN_S;
use super::draft::Draft;
use super::fault::Fault;
use super::number::{is_time, number, seconds};
use super::text::{fields, reveal, reveal_text, split};
use super::{hex, name, tag};

/// `dhcp-host = FIELD {"," FIELD}`.
pub(crate) fn host(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let mut rule = HostRule::default();
    let mut named = false;
    for field in fields(value.ok_or(Fault::Value)?) {
        if field.is_empty() {
            continue;
        }
        if field.contains(':') {
            colon_field(draft, &mut rule, field)?;
        } else if let Ok(address) = field.parse::<Ipv4Addr>() {
            rule.address = Some(address);
        } else if field.starts_with(|first: char| first.is_ascii_digit() || first == ' ') && is_time(field, true) {
            rule.lease_time_s = Some(seconds(field).max(LEASE_TIME_MIN_S));
        } else if field == "infinite" {
            rule.lease_time_s = Some(INFINITE);
        } else if field == "ignore" {
            rule.ignore = true;
        } else if std::mem::replace(&mut named, true) {
            return Err(Fault::from("DHCP host has multiple names"));
        } else {
            let (host, domain) = name::host(field, || Fault::from("bad DHCP host name"))?;
            rule.name = Some(host).filter(|host| !host.is_empty());
            rule.domain = domain;
        }
    }
    if let Some(address) = rule.address
        && !draft.host_addresses.insert(address)
    {
        return Err(Fault::from(format!("duplicate dhcp-host IP address {address}")));
    }
    draft.dhcp.host_rules.push(rule);
    Ok(())
}

/// A field with a colon: a tag, a client id, an IPv6 address in brackets, else a hardware address.
fn colon_field(draft: &mut Draft, rule: &mut HostRule, field: &str) -> Result<(), Fault> {
    let bad_hex = || Fault::from("bad hex constant");
    if field.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("id:")) {
        let id = &field[3..];
        rule.client_id = Some(match id {
            "*" => ClientIdRule::Ignore,
            // A hole makes no sense here; dnsmasq takes the star for some byte, and so do we.
            _ if id.contains(':') => ClientIdRule::Is(
                hex::pattern(id).ok_or_else(bad_hex)?.into_iter().map(|byte| byte.unwrap_or(b'*')).collect(),
            ),
            _ => ClientIdRule::Is(reveal(id)),
        });
    } else if let Some(name) = field.strip_prefix("set:").or_else(|| field.strip_prefix("net:")) {
        rule.set_tags.push(reveal_text(name));
    } else if let Some(name) = field.strip_prefix("tag:") {
        rule.tests.push(tag::test(name));
    } else if let Some(inner) = field.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        draft.not_built("dhcp-host with an IPv6 address");
        check_address6(inner)?;
    } else {
        rule.hardware.push(hex::hardware(field).ok_or_else(bad_hex)?);
    }
    Ok(())
}

/// Checks `IP6["/" LENGTH]`: beyond its length the address must be zero, and lengths below 64 count as 64.
fn check_address6(text: &str) -> Result<(), Fault> {
    let (address, length) = split(text, '/');
    let address: Ipv6Addr = address.parse().map_err(|_| Fault::from("bad IPv6 address"))?;
    let bad_length = || Fault::from("bad IPv6 prefix");
    let Some(length) = length else { return Ok(()) };
    let length = number(length).and_then(|length| u32::try_from(length).ok()).filter(|&length| length <= 128);
    let host = u128::MAX.checked_shr(length.ok_or_else(bad_length)?.max(64)).unwrap_or(0);
    if u128::from(address) & host == 0 { Ok(()) } else { Err(bad_length()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(value: &str) -> Result<HostRule, Fault> {
        let mut draft = Draft::new();
        host(&mut draft, Some(value))?;
        Ok(draft.dhcp.host_rules.remove(0))
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
        assert_eq!(rule(""), Ok(HostRule::default()));
    }

    #[test]
    fn one_address_serves_one_rule() {
        let mut draft = Draft::new();
        host(&mut draft, Some("11:22:33:44:55:66,10.0.0.5")).unwrap();
        let expected = Err(Fault::from("duplicate dhcp-host IP address 10.0.0.5"));
        assert_eq!(host(&mut draft, Some("tag:a,10.0.0.5")), expected);
    }
}
