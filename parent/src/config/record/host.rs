//! `host-record`: names with addresses of both families.

use ipc::config::record::HostRecord;

use super::super::draft::Draft;
use super::super::fault::Fault;
use super::super::name;
use super::super::number::{number, ttl};
use super::super::text::fields;

/// `host-record = FIELD "," FIELD {"," FIELD}`: addresses, digits for a time to live, and names, in any order. Of two fields
/// that say the same thing the later counts, and a name of digits is a time to live.
pub(crate) fn host_record(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let value = value.filter(|value| value.contains(',')).ok_or_else(|| Fault::from("Bad host-record"))?;
    let mut record = HostRecord::default();
    for field in fields(value) {
        if let Ok(address) = field.parse() {
            record.ipv4 = Some(address);
        } else if let Ok(address) = field.parse() {
            record.ipv6 = Some(address);
        } else if field.bytes().all(|byte| byte.is_ascii_digit()) {
            // Digits in quotes are a name.
            record.ttl = number(field).and_then(ttl);
        } else {
            record.names.push(name::domain(field, Fault::from("Bad name in host-record"))?);
        }
    }
    draft.dns.records.hosts.push(record);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn fields_come_in_any_order() {
        let mut draft = Draft::new();
        host_record(&mut draft, Some("A.example , 192.0.2.1,60,::1,b,192.0.2.2,192.0.2")).unwrap();
        let record = &draft.dns.records.hosts[0];
        assert_eq!(record.names, ["a.example", "b", "192.0.2"]);
        assert_eq!(record.ipv4, Some(Ipv4Addr::new(192, 0, 2, 2)));
        assert_eq!((record.ipv6, record.ttl), (Some(Ipv6Addr::LOCALHOST), Some(60)));
        assert_eq!(host_record(&mut draft, Some("a")), Err(Fault::from("Bad host-record")));
    }
}
