//! `srv-host`: SRV records.

use ipc::config::record::SrvRecord;

use super::super::blame::At as _;
use super::super::draft::Draft;
use super::super::fault::{Fault, STATUS_OTHER};
use super::super::number::number16;
use super::super::text::split;
use super::super::{ConfigError, name};

/// `srv-host = NAME ["," TARGET ["," PORT ["," PRIORITY ["," WEIGHT]]]]`.
pub(crate) fn srv_host(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let (name, rest) = split(value.ok_or(Fault::Value)?, ',');
    let mut record = SrvRecord {
        name: name::domain(name, Fault::from("bad SRV record"))?,
        target: String::new(),
        port: 1,
        priority: 0,
        weight: 0,
    };
    let mut rest = rest;
    if let Some(text) = rest {
        let (target, after) = split(text, ',');
        record.target = name::domain(target, Fault::from("bad SRV target"))?;
        rest = after;
    }
    for (slot, refusal, last) in [
        (&mut record.port, "invalid port number", false),
        (&mut record.priority, "invalid priority", false),
        // What follows belongs to the weight, so a further field makes it a bad one.
        (&mut record.weight, "invalid weight", true),
    ] {
        let Some(text) = rest else { break };
        let (number, after) = if last { (text, None) } else { split(text, ',') };
        *slot = number16(number).ok_or_else(|| Fault::from(refusal)).at(number, "a number from 0 to 65535")?;
        rest = after;
    }
    draft.dns.records.srv.push(record);
    Ok(())
}

/// Puts the default domain behind names that are only a service and a protocol.
pub(crate) fn append_domain(records: &mut [SrvRecord], domain: Option<&str>) -> Result<(), ConfigError> {
    let Some(domain) = domain.filter(|domain| !domain.is_empty()) else { return Ok(()) };
    for record in records.iter_mut().filter(|record| record.name.matches('.').count() == 1) {
        let whole = format!("{}.{domain}", record.name);
        record.name = name::domain(&whole, Fault::Value).map_err(|_| {
            ConfigError::new(STATUS_OTHER, format!("bad srv-host name {} after domain appended", record.name))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Result<SrvRecord, Fault> {
        let mut draft = Draft::new();
        srv_host(&mut draft, Some(line)).map(|()| draft.dns.records.srv.remove(0))
    }

    #[test]
    fn fields_are_optional_from_the_end() {
        let told = |line| record(line).map(|r| (r.target, r.port, r.priority, r.weight));
        assert_eq!(told("_a._b"), Ok((String::new(), 1, 0, 0)));
        assert_eq!(told("_a._b,T.,5,6,7"), Ok(("t".into(), 5, 6, 7)));
        assert_eq!(told("_a._b,t,x"), Err(Fault::from("invalid port number")));
        assert_eq!(told("_a._b,t,1,x"), Err(Fault::from("invalid priority")));
        assert_eq!(told("_a._b,t,1,2,3,4"), Err(Fault::from("invalid weight")));
    }

    #[test]
    fn a_name_with_one_dot_gets_the_domain() {
        let mut records = [record("_a._b").unwrap(), record("_a._b.c").unwrap()];
        append_domain(&mut records, Some("lan")).unwrap();
        assert_eq!(records.each_ref().map(|record| record.name.as_str()), ["_a._b.lan", "_a._b.c"]);
        let long = ["abcdefghi"; 25].join(".");
        let error = append_domain(&mut [record("_a._bbbbb").unwrap()], Some(&long)).unwrap_err();
        assert_eq!(error.status, 5);
    }
}
