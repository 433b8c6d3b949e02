//! Records of the configuration, by owner, in wire form: `cname`, `txt-record`, `dns-rr`, `caa-record`, `ptr-record`, `mx-host`,
//! `srv-host`, `naptr-record`.

use ipc::config::record::{self, NaptrRecord};

use crate::cache_table::{CacheTable, Origin, Row, Value};
use crate::hash::{Map, SeededState};
use crate::known::{Ancestors, Table};
use crate::name::Name;
use crate::wire::rtype;

/// All records.
#[derive(Debug)]
pub(crate) struct Records {
    owners: Map<Box<[u8]>, Owner>,
}

/// What one name has.
#[derive(Debug, Default)]
struct Owner {
    link: Option<Link>,
    /// In the order in which a question for everything lists them.
    sets: Vec<Set>,
}

/// Where a `cname` leads.
#[derive(Debug)]
pub(crate) struct Link {
    pub target: Name,
    /// Seconds; `None`: `local-ttl`.
    pub ttl: Option<u32>,
}

/// Records of one option, owner and type, in the order in which they are answered.
#[derive(Debug)]
pub(crate) struct Set {
    group: Group,
    pub rtype: u16,
    pub rdata: Vec<Box<[u8]>>,
    turn: u16,
}

/// Which option a record is from; in the order of an answer to ANY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// `txt-record`.
    Text,
    /// `dns-rr` and `caa-record`.
    Raw,
    /// `ptr-record`.
    Pointer,
    /// `mx-host`.
    Mail,
    /// `srv-host`, whose records change places with every answer.
    Service,
    /// `naptr-record`.
    NamingAuthority,
}

impl Group {
    /// Where in its RDATA a record names a host whose addresses come along.
    pub fn target(self) -> Option<usize> {
        match self {
            Group::Mail => Some(2),
            Group::Service => Some(6),
            _ => None,
        }
    }
}

impl Records {
    /// Encodes all records. What cannot be (a name that is too long) is left out; the parent has checked them.
    pub fn new(records: &record::Records, state: SeededState, ancestors: &mut Ancestors) -> Records {
        let mut table = Records { owners: Map::with_hasher(state) };
        for cname in &records.cnames {
            let (Some(owner), Some(target)) = (read(&cname.alias), Name::from_text(cname.target.as_bytes())) else {
                continue;
            };
            let owner = table.owner(&owner, ancestors);
            owner.link.get_or_insert(Link { target, ttl: cname.ttl });
        }
        let mut add = |name: &str, group, rtype, rdata: Option<Vec<u8>>| {
            if let (Some(owner), Some(rdata)) = (read(name), rdata) {
                table.owner(&owner, ancestors).add(group, rtype, rdata.into());
            }
        };
        for txt in &records.txt {
            let strings = txt.strings.iter().flat_map(|string| prefixed(string)).collect();
            add(&txt.name, Group::Text, rtype::TXT, Some(strings));
        }
        for raw in &records.raw {
            add(&raw.name, Group::Raw, raw.record_type, Some(raw.data.clone()));
        }
        for caa in &records.caa {
            let rdata = [&[caa.flags], &*prefixed(&caa.tag), &*caa.value].concat();
            add(&caa.name, Group::Raw, rtype::CAA, Some(rdata));
        }
        for ptr in &records.ptr {
            add(&ptr.name, Group::Pointer, rtype::PTR, with_name(&[], &ptr.target));
        }
        for mx in &records.mx {
            add(&mx.name, Group::Mail, rtype::MX, with_name(&mx.preference.to_be_bytes(), &mx.target));
        }
        for srv in &records.srv {
            let numbers = [srv.priority, srv.weight, srv.port].map(u16::to_be_bytes).concat();
            add(&srv.name, Group::Service, rtype::SRV, with_name(&numbers, &srv.target));
        }
        for naptr in &records.naptr {
            add(&naptr.name, Group::NamingAuthority, rtype::NAPTR, naptr_rdata(naptr));
        }
        table
    }

    fn owner(&mut self, name: &Name, ancestors: &mut Ancestors) -> &mut Owner {
        if !self.owners.contains_key(name.wire()) {
            ancestors.add(name.wire(), Table::Configuration);
        }
        self.owners.entry(name.wire().into()).or_default()
    }

    /// Does this name (wire form, lower case) own a record?
    pub fn contains(&self, name: &[u8]) -> bool {
        self.owners.contains_key(name)
    }

    /// Writes a row for each alias.
    pub fn list(&self, table: &mut CacheTable<'_>) {
        for (name, owner) in &self.owners {
            if let Some(link) = &owner.link {
                let (value, origin) = (Value::Alias(link.target.wire()), Origin::Configuration);
                table.row(&Row { name: Some(name), value, forward: true, reverse: false, negative: false, origin });
            }
        }
    }

    /// Where this name (wire form, lower case) leads, if it is an alias.
    pub fn link(&self, name: &[u8]) -> Option<&Link> {
        self.owners.get(name)?.link.as_ref()
    }

    /// The records of this name (wire form, lower case) and group that answer `qtype`.
    pub fn sets(&mut self, name: &[u8], group: Group, qtype: u16) -> impl Iterator<Item = &mut Set> {
        let sets = self.owners.get_mut(name).map_or(&mut [][..], |owner| &mut owner.sets);
        sets.iter_mut().filter(move |set| set.group == group && (qtype == rtype::ANY || qtype == set.rtype))
    }
}

impl Owner {
    fn add(&mut self, group: Group, rtype: u16, rdata: Box<[u8]>) {
        match self.sets.iter_mut().find(|set| set.group == group && set.rtype == rtype) {
            Some(set) => set.rdata.push(rdata),
            None => {
                let at = self.sets.partition_point(|set| set.group <= group);
                self.sets.insert(at, Set { group, rtype, rdata: vec![rdata], turn: 0 });
            }
        }
    }
}

impl Set {
    /// The records in the order of the next answer.
    pub fn next(&mut self) -> impl Iterator<Item = &[u8]> {
        let first = match self.group {
            Group::Service => usize::from(self.turn) % self.rdata.len().max(1),
            _ => 0,
        };
        self.turn = self.turn.wrapping_add(1);
        let (end, begin) = self.rdata.split_at(first);
        begin.iter().chain(end).map(|rdata| &**rdata)
    }
}

/// An owner: lower case.
fn read(name: &str) -> Option<Name> {
    Name::from_text(name.as_bytes()).map(Name::lowered)
}

/// A character string (RFC 1035, section 3.3): its length in front. The parent keeps to 255 bytes.
fn prefixed(string: &[u8]) -> Vec<u8> {
    let string = string.get(..255).unwrap_or(string);
    [&[string.len() as u8], string].concat()
}

fn with_name(front: &[u8], target: &str) -> Option<Vec<u8>> {
    Name::from_text(target.as_bytes()).map(|target| [front, target.wire()].concat())
}

fn naptr_rdata(naptr: &NaptrRecord) -> Option<Vec<u8>> {
    let mut rdata = [naptr.order, naptr.preference].map(u16::to_be_bytes).concat();
    for string in [&naptr.flags, &naptr.services, &naptr.regexp] {
        rdata.extend(prefixed(string));
    }
    with_name(&rdata, &naptr.replacement)
}

#[cfg(test)]
mod tests {
    use ipc::config::record::{Cname, SrvRecord, TxtRecord};

    use super::*;

    #[test]
    fn records_are_found_by_owner_and_type() {
        let srv = |target: &str| SrvRecord {
            name: "_s._tcp.x".into(),
            target: target.into(),
            port: 1,
            priority: 2,
            weight: 3,
        };
        let records = record::Records {
            cnames: vec![Cname { alias: "Alias.x".into(), target: "Host.x".into(), ttl: Some(9) }],
            txt: vec![TxtRecord { name: "t.x".into(), strings: vec![b"one".to_vec(), Vec::new()] }],
            srv: vec![srv("a"), srv("")],
            ..record::Records::default()
        };
        let state = SeededState::new([3; 16]);
        let mut ancestors = Ancestors::new(state.clone());
        let mut table = Records::new(&records, state, &mut ancestors);
        let link = table.link(b"\x05alias\x01x\0").unwrap();
        assert_eq!((link.target, link.ttl), (Name::from_text(b"Host.x").unwrap(), Some(9)));
        let text = table.sets(b"\x01t\x01x\0", Group::Text, rtype::ANY).next().unwrap();
        assert_eq!(*text.rdata[0], *b"\x03one\0");
        assert!(table.sets(b"\x01t\x01x\0", Group::Text, rtype::A).next().is_none());
        let first = b"\0\x02\0\x03\0\x01\x01a\0";
        let second = b"\0\x02\0\x03\0\x01\0";
        for turn in [[&first[..], &second[..]], [&second[..], &first[..]]] {
            let set = table.sets(b"\x02_s\x04_tcp\x01x\0", Group::Service, rtype::SRV).next().unwrap();
            assert_eq!(set.next().collect::<Vec<_>>(), turn);
        }
        assert!(ancestors.contains(b"\x04_tcp\x01x\0") && !ancestors.contains(b"\x01t\x01x\0"));
    }
}
