//! `cname`: names that stand for other names.

use std::collections::{HashMap, HashSet};

use ipc::config::record::Cname;

use super::super::blame::At as _;
use super::super::draft::Draft;
use super::super::fault::Fault;
use super::super::name;
use super::super::number::{number, ttl};
use super::super::text::fields;

/// `cname = ALIAS {"," ALIAS} "," TARGET ["," TTL]`; digits are a time to live only behind two names.
pub(crate) fn cname(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let bad = || Fault::from("bad CNAME");
    let mut parts: Vec<&str> = fields(value.ok_or(Fault::Value)?).collect();
    let mut time = None;
    if let [_, _, .., last] = parts[..]
        && let Some(number) = number(last)
    {
        time = ttl(number);
        parts.pop();
    }
    let [aliases @ .., target] = &parts[..] else { return Err(bad()) };
    if aliases.is_empty() {
        return Err(bad().at(target, "an alias and a target"));
    }
    let target = name::domain(target, bad())?;
    for written in aliases {
        let alias = name::domain(written, bad())?;
        if !draft.cname_aliases.insert(alias.to_ascii_lowercase()) {
            return Err(Fault::from("duplicate CNAME").at(written, "an alias that has no target yet"));
        }
        draft.dns.records.cnames.push(Cname { alias, target: target.clone(), ttl: time });
    }
    Ok(())
}

/// An alias from which the records lead round in a circle; the last one written if there are several. A wildcard is a name like
/// any other here.
pub(crate) fn looping(cnames: &[Cname]) -> Option<&str> {
    let targets: HashMap<&str, &str> =
        cnames.iter().map(|cname| (cname.alias.as_str(), cname.target.as_str())).collect();
    let mut ending: HashSet<&str> = HashSet::new();
    cnames.iter().rev().map(|cname| cname.alias.as_str()).find(|&alias| {
        let mut path = HashSet::new();
        let mut name = alias;
        while let Some(&target) = targets.get(name) {
            if ending.contains(name) {
                break;
            }
            if !path.insert(name) {
                return true;
            }
            name = target;
        }
        ending.extend(path);
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(lines: &[&str]) -> Result<Draft, Fault> {
        let mut draft = Draft::new();
        lines.iter().try_for_each(|line| cname(&mut draft, Some(line))).map(|()| draft)
    }

    #[test]
    fn digits_are_a_time_behind_two_names() {
        let cnames = draft(&["a,60", "b , C,d,60", "e,f,"]).unwrap().dns.records.cnames;
        let told: Vec<_> = cnames.iter().map(|c| (c.alias.as_str(), c.target.as_str(), c.ttl)).collect();
        let expected = [("a", "60", None), ("b", "d", Some(60)), ("c", "d", Some(60)), ("e", "f", Some(0))];
        assert_eq!(told, expected);
        assert_eq!(draft(&["a"]).unwrap_err(), Fault::from("bad CNAME"));
    }

    #[test]
    fn an_alias_stands_for_one_name() {
        assert_eq!(draft(&["a.,b", "A,c"]).unwrap_err(), Fault::from("duplicate CNAME"));
    }

    #[test]
    fn circles_are_found() {
        let found = |lines: &[&str]| looping(&draft(lines).unwrap().dns.records.cnames).map(str::to_owned);
        assert_eq!(found(&["a,b", "b,c", "c,d", "*.a,b", "x,x.a"]), None);
        assert_eq!(found(&["b,c", "c,b", "a,b"]).as_deref(), Some("a"));
        assert_eq!(found(&["x,y,z,x"]).as_deref(), Some("z"));
        assert_eq!(found(&["*.a,b", "b,*.a"]).as_deref(), Some("b"));
    }
}
