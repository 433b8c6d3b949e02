//! The way from routes as they are written to what the dns worker needs: the table of names, the groups of upstreams, and the
//! few routes that the log lists. The parent goes it once, whatever the number of workers that follow one another.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::route_table::{
    HAS_GROUP, HAS_NO_DATA, HAS_NULL, HAS_STANDARD, HAS_V4, HAS_V6, HEADER_BYTES, LONG, NAMES_PER_BUCKET, NO_DATA,
    NULL, SHORT, SHORTS_MAX, bucket, seeded,
};
use super::routes::{Route, RouteScope, RouteTarget, Routes};

/// Most domains without upstreams that are listed in the log.
pub const LOCALS_LOGGED: usize = 8;
/// The number of the group of all names.
pub const GROUP_OF_ALL: u32 = 0;
/// Longest wire form of a name without its root label (RFC 1035, section 2.3.4).
const WIRE_BYTES_MAX: usize = 254;
/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// What the dns worker is told about routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The routes that the log lists: those with upstreams, and the first [`LOCALS_LOGGED`] without.
    pub listed: Routes,
    /// How many routes without upstreams are not among them.
    pub more_locals: u32,
    /// Upstreams that serve the same names, in the order in which they first appear; the first group is that of all names.
    pub groups: Vec<RouteGroup>,
    /// The bytes of the [`RouteTable`](super::route_table::RouteTable); empty when they come as `Place::Routes`.
    pub table: Cow<'static, [u8]>,
}

/// Upstreams that serve the same names, in configuration order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteGroup {
    /// The domain for log lines; empty for the group of all names.
    pub domain: String,
    /// Indexes into the configured upstreams.
    pub upstreams: Vec<u32>,
}

/// The table of all routes would be larger than its offsets reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRoutes;

impl fmt::Display for TooManyRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many domains: their table would be larger than 4 GiB")
    }
}

impl std::error::Error for TooManyRoutes {}

impl Routing {
    /// Lays the table out. `seed` must be unpredictable and new each time.
    ///
    /// A domain that can be no name (an empty label, one of more than 63 bytes) is left out, and with it its upstreams.
    pub fn build(routes: &Routes, seed: [u8; 16]) -> Result<Routing, TooManyRoutes> {
        if u32::try_from(routes.bytes_len()).is_err() {
            return Err(TooManyRoutes);
        }
        let hasher = seeded(&seed);
        let buckets = routes.len().div_ceil(NAMES_PER_BUCKET) as u32;
        let mut routing = Routing::default();
        let (mut all, mut unqualified) = (Gathered::default(), Gathered::default());
        let mut wire = Wire::default();
        let mut sorted = Sorted::new(routes.len(), buckets);
        for (place, route) in routes.placed() {
            routing.list(route);
            let place = place as u32;
            match key(route.scope) {
                Key::All => all.add(route.target, place),
                Key::Unqualified => unqualified.add(route.target, place),
                Key::Named { text, wildcard } => {
                    if wire.set(text, wildcard)
                        && let Some(bucket) = bucket(&hasher, wire.label(), wire.rest(), buckets)
                    {
                        sorted.add(bucket, place);
                    }
                }
            }
        }
        sorted.sort();

        let names_at = HEADER_BYTES + 4 * (buckets as usize + 1);
        let mut bytes = Vec::with_capacity(names_at + routes.bytes_len() + 4 * routes.len());
        bytes.resize(names_at, 0);
        let mut records = Records::default();
        let mut groups: Vec<(u32, RouteGroup)> = Vec::new();
        let mut wildcard_lengths: Vec<u8> = Vec::new();
        let mut bucketful: Vec<Gathered<'_>> = Vec::new();
        for bucket in 0..buckets as usize {
            for &place in sorted.bucket(bucket) {
                let Some(route) = routes.at(place as usize) else { continue };
                let Key::Named { text, wildcard } = key(route.scope) else { continue };
                let same = |one: &&mut Gathered<'_>| one.wildcard == wildcard && one.text.eq_ignore_ascii_case(text);
                if let Some(one) = bucketful.iter_mut().find(same) {
                    one.add(route.target, place);
                } else {
                    let mut one = Gathered { text, wildcard, ..Gathered::default() };
                    one.add(route.target, place);
                    bucketful.push(one);
                }
            }
            for one in bucketful.drain(..) {
                let length = one.text.len() as u8;
                if one.wildcard && !wildcard_lengths.contains(&length) {
                    wildcard_lengths.push(length);
                }
                one.write(&mut wire, &mut bytes, &mut records);
                let star = if one.wildcard { "*" } else { "" };
                groups.extend(one.group(|text| format!("{star}{text}")));
            }
            let end = (bytes.len() - names_at) as u32;
            put(&mut bytes, HEADER_BYTES + 4 * (bucket + 1), end);
        }

        groups.extend(unqualified.group(|_| "<unqualified>".to_owned()));
        groups.sort_unstable_by_key(|(first, _)| *first);
        // All names have a group in any case: the upstreams of a resolv file may join it.
        let everything = all.upstreams.iter().map(|(_, upstream)| *upstream).collect();
        let unqualified_record = if unqualified.is_empty() { 0 } else { records.add(&unqualified).long };
        records.number_groups(|first| groups.partition_point(|(other, _)| *other <= first) as u32);
        let all_record = records.add_all(&all);
        routing.groups.push(RouteGroup { domain: String::new(), upstreams: everything });
        routing.groups.extend(groups.into_iter().map(|(_, group)| group));

        bytes.extend_from_slice(&records.bytes);
        let shorts_at = bytes.len();
        records.shorts.iter().for_each(|record| bytes.extend_from_slice(&record.to_le_bytes()));
        let wildcards_at = bytes.len();
        wildcard_lengths.sort_unstable_by(|a, b| b.cmp(a));
        bytes.extend_from_slice(&wildcard_lengths);
        if u32::try_from(bytes.len()).is_err() {
            return Err(TooManyRoutes);
        }
        bytes[..16].copy_from_slice(&seed);
        let words = [buckets, all_record, unqualified_record, shorts_at as u32, wildcards_at as u32];
        for (position, word) in words.into_iter().enumerate() {
            put(&mut bytes, 16 + 4 * position, word);
        }
        routing.table = Cow::Owned(bytes);
        Ok(routing)
    }

    /// Keeps a route for the log, if the log lists it.
    fn list(&mut self, route: Route<'_>) {
        match (route.target, route.scope) {
            (RouteTarget::Address(_) | RouteTarget::NullAddress, _) => {}
            (RouteTarget::NoData | RouteTarget::Standard, RouteScope::All) => {}
            (RouteTarget::NoData, _) if self.locals_listed() >= LOCALS_LOGGED => self.more_locals += 1,
            (_, scope) => self.listed.push(scope, route.target),
        }
    }

    fn locals_listed(&self) -> usize {
        // Once there are enough, the count beside them says so.
        if self.more_locals > 0 {
            return LOCALS_LOGGED;
        }
        self.listed.iter().filter(|route| route.target == RouteTarget::NoData).count()
    }
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Under what a route is kept.
enum Key<'a> {
    All,
    Unqualified,
    Named { text: &'a str, wildcard: bool },
}

fn key(scope: RouteScope<'_>) -> Key<'_> {
    match scope {
        RouteScope::All | RouteScope::Domain("" | ".") | RouteScope::Suffix("") => Key::All,
        RouteScope::Unqualified => Key::Unqualified,
        RouteScope::Domain(text) => Key::Named { text: text.strip_suffix('.').unwrap_or(text), wildcard: false },
        RouteScope::Suffix(text) => Key::Named { text, wildcard: true },
    }
}

/// A name as the table has it: wire form without root label, or an empty label and the text of a wildcard; in lower case.
struct Wire {
    bytes: [u8; WIRE_BYTES_MAX],
    length: usize,
}

impl Default for Wire {
    fn default() -> Wire {
        Wire { bytes: [0; WIRE_BYTES_MAX], length: 1 }
    }
}

impl Wire {
    /// Becomes the form of this name. False: no name looks so.
    fn set(&mut self, text: &str, wildcard: bool) -> bool {
        self.length = text.len() + 1;
        let Some(room) = self.bytes.get_mut(1..self.length) else { return false };
        room.copy_from_slice(text.as_bytes());
        room.make_ascii_lowercase();
        self.bytes[0] = 0;
        if wildcard {
            return true;
        }
        let mut start = 0;
        for end in 1..=self.length {
            if end == self.length || self.bytes[end] == b'.' {
                let label = end - start - 1;
                if label == 0 || label > LABEL_BYTES_MAX {
                    return false;
                }
                self.bytes[start] = label as u8;
                start = end;
            }
        }
        true
    }

    fn label(&self) -> u8 {
        self.bytes[0]
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[1..self.length]
    }
}

/// The places of routes by bucket, within each in the order written. (Sorted by counting.)
struct Sorted {
    added: Vec<(u32, u32)>,
    /// First how many each bucket has, then where each begins.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Sorted {
    fn new(routes: usize, buckets: u32) -> Sorted {
        Sorted { added: Vec::with_capacity(routes), starts: vec![0; buckets as usize + 1], places: Vec::new() }
    }

    fn add(&mut self, bucket: u32, place: u32) {
        self.added.push((bucket, place));
        self.starts[bucket as usize + 1] += 1;
    }

    fn sort(&mut self) {
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        self.places.resize(self.added.len(), 0);
        for (bucket, place) in self.added.drain(..).rev() {
            // Filled from its end, each bucket ends up with its own start one place too far to the right.
            let end = &mut self.starts[bucket as usize + 1];
            *end -= 1;
            self.places[*end as usize] = place;
        }
        self.added = Vec::new();
        self.starts.remove(0);
        self.starts.push(self.places.len() as u32);
    }

    fn bucket(&self, bucket: usize) -> &[u32] {
        &self.places[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }
}

/// What the routes of one name come to.
#[derive(Debug, Default)]
struct Gathered<'a> {
    text: &'a str,
    wildcard: bool,
    null: bool,
    no_data: bool,
    standard: bool,
    v6: Vec<[u8; 16]>,
    v4: Vec<[u8; 4]>,
    /// Each with the place of its route.
    upstreams: Vec<(u32, u32)>,
}

impl Gathered<'_> {
    fn add(&mut self, target: RouteTarget, place: u32) {
        match target {
            RouteTarget::NullAddress => self.null = true,
            RouteTarget::NoData => self.no_data = true,
            RouteTarget::Standard => self.standard = true,
            RouteTarget::Address(IpAddr::V4(address)) => self.v4.push(address.octets()),
            RouteTarget::Address(IpAddr::V6(address)) => self.v6.push(address.octets()),
            RouteTarget::Upstream(upstream) => self.upstreams.push((place, upstream)),
        }
    }

    fn is_empty(&self) -> bool {
        self.flags() == 0
    }

    /// The flags of its record.
    fn flags(&self) -> u8 {
        let flag = |there: bool, flag: u8| if there { flag } else { 0 };
        flag(self.null, HAS_NULL)
            | flag(self.no_data, HAS_NO_DATA)
            | flag(self.standard, HAS_STANDARD)
            | flag(!self.upstreams.is_empty(), HAS_GROUP)
            | flag(!self.v6.is_empty(), HAS_V6)
            | flag(!self.v4.is_empty(), HAS_V4)
    }

    /// Adds the name to those of its bucket.
    fn write(&self, wire: &mut Wire, names: &mut Vec<u8>, records: &mut Records) {
        if !wire.set(self.text, self.wildcard) {
            return;
        }
        let mut write = |mark: u8, extra: &[u8]| {
            names.extend_from_slice(&[wire.length as u8, wire.label() | mark]);
            names.extend_from_slice(wire.rest());
            names.extend_from_slice(extra);
        };
        match self.flags() {
            HAS_NO_DATA if !self.wildcard => return write(NO_DATA, &[]),
            HAS_NULL if !self.wildcard => return write(NULL, &[]),
            _ => {}
        }
        match records.add(self) {
            Record { short: Some(number), .. } if !self.wildcard => write(SHORT, &[number]),
            Record { long, .. } => write(LONG, &long.to_le_bytes()),
        }
    }

    /// Its upstreams, by the place of the first.
    fn group(&self, domain: impl Fn(&str) -> String) -> Option<(u32, RouteGroup)> {
        let (first, _) = *self.upstreams.first()?;
        let upstreams = self.upstreams.iter().map(|(_, upstream)| *upstream).collect();
        Some((first, RouteGroup { domain: domain(self.text), upstreams }))
    }
}

/// The records of the table.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
    /// Those that a byte numbers.
    shorts: Vec<u32>,
    by_content: BTreeMap<Vec<u8>, Record>,
    /// Where groups are told, for now by the place of their first route.
    groups: Vec<usize>,
}

/// How a record is told.
#[derive(Clone, Copy, Debug)]
struct Record {
    short: Option<u8>,
    long: u32,
}

impl Records {
    /// Adds what is configured for some names.
    fn add(&mut self, gathered: &Gathered<'_>) -> Record {
        let group = gathered.upstreams.first().map(|(place, _)| *place);
        let content = record(gathered, group);
        if group.is_some() {
            // A group belongs to one name, so nobody else has this record.
            self.groups.push(self.bytes.len() + 1);
            return Record { short: None, long: self.append(&content) };
        }
        if let Some(record) = self.by_content.get(&content) {
            return *record;
        }
        let mut record = Record { short: None, long: self.append(&content) };
        if let (Ok(number), true) = (u8::try_from(self.shorts.len()), self.shorts.len() < SHORTS_MAX) {
            record.short = Some(number);
            self.shorts.push(record.long);
            self.by_content.insert(content, record);
        }
        record
    }

    /// Adds what is configured for all names.
    fn add_all(&mut self, all: &Gathered<'_>) -> u32 {
        self.append(&record(all, Some(GROUP_OF_ALL)))
    }

    fn append(&mut self, content: &[u8]) -> u32 {
        let number = self.bytes.len() + 1;
        self.bytes.extend_from_slice(content);
        number as u32
    }

    /// Replaces the places that stand for groups by their numbers.
    fn number_groups(&mut self, number: impl Fn(u32) -> u32) {
        for &at in &self.groups {
            let first = self.bytes[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            put(&mut self.bytes, at, number(first));
        }
    }
}

/// A record's bytes. Of several addresses dnsmasq answers with the last configured first.
fn record(gathered: &Gathered<'_>, group: Option<u32>) -> Vec<u8> {
    let flags = gathered.flags() | if group.is_some() { HAS_GROUP } else { 0 };
    let mut bytes = vec![flags];
    bytes.extend(group.map(u32::to_le_bytes).into_iter().flatten());
    if flags & HAS_V6 != 0 {
        bytes.extend_from_slice(&(gathered.v6.len() as u32).to_le_bytes());
        bytes.extend(gathered.v6.iter().rev().flatten());
    }
    if flags & HAS_V4 != 0 {
        bytes.extend_from_slice(&(gathered.v4.len() as u32).to_le_bytes());
        bytes.extend(gathered.v4.iter().rev().flatten());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::route_table::RouteTable;
    use super::*;

    fn routes(domains: &[(&str, RouteTarget)]) -> Routes {
        domains.iter().map(|&(text, target)| Route { scope: RouteScope::Domain(text), target }).collect()
    }

    fn table(routing: Routing) -> RouteTable {
        RouteTable::new(routing.table)
    }

    #[test]
    fn groups_are_numbered_as_they_first_appear() {
        let mut written = routes(&[
            ("c.test", RouteTarget::NoData),
            ("b.test", RouteTarget::Upstream(3)),
            ("c.test", RouteTarget::Upstream(1)),
            ("a.test", RouteTarget::Upstream(0)),
            ("b.test", RouteTarget::Upstream(2)),
            ("no..name", RouteTarget::Upstream(7)),
        ]);
        written.push(RouteScope::All, RouteTarget::Upstream(4));
        written.push(RouteScope::Suffix("x"), RouteTarget::Upstream(5));
        written.push(RouteScope::Unqualified, RouteTarget::Upstream(6));
        let routing = Routing::build(&written, [1; 16]).unwrap();
        let told: Vec<_> = routing.groups.iter().map(|group| (group.domain.as_str(), &group.upstreams[..])).collect();
        let expected: [(&str, &[u32]); 6] = [
            ("", &[4]),
            ("b.test", &[3, 2]),
            ("c.test", &[1]),
            ("a.test", &[0]),
            ("*x", &[5]),
            ("<unqualified>", &[6]),
        ];
        assert_eq!(told, expected);
        let table = table(routing);
        let group = |wire: &[u8]| table.domain(wire).unwrap().group;
        assert_eq!(
            (group(b"\x01b\x04test\0"), group(b"\x01c\x04test\0"), group(b"\x01a\x04test\0")),
            (Some(1), Some(2), Some(3))
        );
        assert_eq!((table.wildcard(b"x").unwrap().group, table.unqualified().unwrap().group), (Some(4), Some(5)));
        assert_eq!(table.all().unwrap().group, Some(0));
    }

    #[test]
    fn the_log_lists_upstreams_and_the_first_locals() {
        let texts: Vec<String> = (0..20).map(|number| format!("n{number}.test")).collect();
        let mut written: Routes =
            texts.iter().map(|text| Route { scope: RouteScope::Domain(text), target: RouteTarget::NoData }).collect();
        written.extend(routes(&[("u.test", RouteTarget::Upstream(0)), ("s.test", RouteTarget::Standard)]).iter());
        let routing = Routing::build(&written, [1; 16]).unwrap();
        assert_eq!((routing.listed.len(), routing.more_locals), (LOCALS_LOGGED + 2, 12));
    }

    #[test]
    fn many_names_take_little_more_than_their_text() {
        let texts: Vec<String> = (0..50_000).map(|number| format!("ads{number:05}.example")).collect();
        for target in [RouteTarget::NoData, RouteTarget::NullAddress, RouteTarget::Address([0, 0, 0, 0].into())] {
            let written: Routes = texts.iter().map(|text| Route { scope: RouteScope::Domain(text), target }).collect();
            let routing = Routing::build(&written, [9; 16]).unwrap();
            let beyond_text = routing.table.len() as f64 / texts.len() as f64 - texts[0].len() as f64;
            assert!(beyond_text < 4.1, "{beyond_text} bytes for {target:?}");
            let table = table(routing);
            for text in &texts {
                let wire = [&[8], &text.as_bytes()[..8], b"\x07example\0"].concat();
                assert!(table.domain(&wire).is_some(), "{text}");
            }
            assert_eq!(table.domain(b"\x08ads50000\x07example\0"), None);
        }
    }

    #[test]
    fn more_records_than_a_byte_can_number() {
        let texts: Vec<String> = (0..600).map(|number| format!("host{number}.test")).collect();
        let address = |number: usize| [10, 0, (number >> 8) as u8, number as u8];
        let written: Routes = texts
            .iter()
            .enumerate()
            .map(|(number, text)| Route {
                scope: RouteScope::Domain(text),
                target: RouteTarget::Address(address(number).into()),
            })
            .collect();
        let table = table(Routing::build(&written, [9; 16]).unwrap());
        for (number, text) in texts.iter().enumerate() {
            let label = text.strip_suffix(".test").unwrap();
            let wire = [&[label.len() as u8], label.as_bytes(), b"\x04test\0"].concat();
            assert_eq!(table.domain(&wire).unwrap().v4, [address(number)]);
        }
    }

    #[test]
    fn another_seed_is_another_table() {
        let written = routes(&[("a.test", RouteTarget::NoData), ("b.test", RouteTarget::NoData)]);
        let (one, other) = (Routing::build(&written, [1; 16]).unwrap(), Routing::build(&written, [2; 16]).unwrap());
        assert_ne!(one.table, other.table);
        assert!(table(one).domain(b"\x01a\x04test\0") == table(other).domain(b"\x01a\x04test\0"));
    }
}
