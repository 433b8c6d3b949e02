//! The table in which the dns worker looks names up: bytes that `routing` lays out once and that are read in place.
//!
//! They lie in a sealed memory file that each generation of the worker maps, so that a million names exist once, cost nothing to
//! decode, and survive a restart of the worker. Nothing here trusts them: an offset that leads astray is "no route".
//!
//! ```text
//! header       hash seed (16), then five u32: buckets, records of "all" and "unqualified", places of shorts and wildcards
//! directory    u32 each: where every bucket begins among the names; one more for the end of the last
//! names        bucket by bucket, those of one bucket one after the other
//! records      what is configured, where it is more than "null" or "no data"
//! shorts       u32 each: the records that many names share
//! wildcards    length of each `*text` there is, longest first, a byte each, to the end
//! ```
//!
//! A name is a length byte, the wire form (RFC 1035, section 3.1) without root label in lower case, and what the two highest bits of
//! its first label's length, which are free there, say: nothing ([`NO_DATA`], [`NULL`]), a byte that numbers a
//! short record, or the u32 of a record. A wildcard is an empty label, its text, and the u32. Integers are little-endian; a record
//! is told by its distance from the first one, plus one, so that 0 is none.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Names in a bucket on average. A directory entry is four bytes, a step past a name one look at its length.
pub(crate) const NAMES_PER_BUCKET: usize = 4;
/// Most records that a byte can number.
pub(crate) const SHORTS_MAX: usize = 256;
/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 36;

/// The two bits.
pub(crate) const MARK: u8 = 0xc0;
/// Never forwarded.
pub(crate) const NO_DATA: u8 = 0x00;
/// The zero addresses.
pub(crate) const NULL: u8 = 0x40;
/// A numbered record.
pub(crate) const SHORT: u8 = 0x80;
/// A record by its distance.
pub(crate) const LONG: u8 = 0xc0;

/// Flags that a record begins with; what is there follows in this order.
pub(crate) const HAS_NULL: u8 = 0x01;
pub(crate) const HAS_NO_DATA: u8 = 0x02;
pub(crate) const HAS_STANDARD: u8 = 0x04;
/// A u32.
pub(crate) const HAS_GROUP: u8 = 0x08;
/// A u32 that counts them, and their octets.
pub(crate) const HAS_V6: u8 = 0x10;
/// The same.
pub(crate) const HAS_V4: u8 = 0x20;

/// What is configured for one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteEntry<'a> {
    /// `address=/name/#`.
    pub null: bool,
    /// `local=/name/`.
    pub no_data: bool,
    /// `server=/name/#`.
    pub standard: bool,
    /// The group of its upstreams.
    pub group: Option<u32>,
    /// Octets of its IPv6 addresses, in the order of answers.
    pub v6: &'a [[u8; 16]],
    /// Octets of its IPv4 addresses, in the order of answers.
    pub v4: &'a [[u8; 4]],
}

impl RouteEntry<'_> {
    /// Does it have addresses, be they null?
    pub fn has_address(&self) -> bool {
        self.null || !self.v4.is_empty() || !self.v6.is_empty()
    }
}

/// The table.
#[derive(Clone)]
pub struct RouteTable {
    bytes: Cow<'static, [u8]>,
    /// A hasher that has swallowed the seed. Its keyed hash keeps those who write block lists from filling one bucket.
    hasher: DefaultHasher,
    buckets: u32,
    all: u32,
    unqualified: u32,
    names: usize,
    records: usize,
    shorts: usize,
    wildcards: usize,
}

impl Default for RouteTable {
    fn default() -> RouteTable {
        RouteTable::new(Cow::Borrowed(&[]))
    }
}

impl RouteTable {
    /// Reads the header. Bytes that are no table are an empty one.
    pub fn new(bytes: Cow<'static, [u8]>) -> RouteTable {
        let mut table = RouteTable {
            hasher: seeded(bytes.first_chunk().unwrap_or(&[0; 16])),
            buckets: 0,
            all: 0,
            unqualified: 0,
            names: 0,
            records: 0,
            shorts: 0,
            wildcards: bytes.len(),
            bytes,
        };
        let word = |position: usize| table.u32_at(16 + 4 * position);
        let words = (word(0), word(1), word(2), word(3), word(4));
        if let (Some(buckets), Some(all), Some(unqualified), Some(shorts), Some(wildcards)) = words {
            let last = (buckets as usize).saturating_mul(4).saturating_add(HEADER_BYTES);
            if let Some(end) = table.u32_at(last) {
                table.names = last + 4;
                table.records = table.names.saturating_add(end as usize);
                (table.shorts, table.wildcards) = (shorts as usize, wildcards as usize);
                (table.buckets, table.all, table.unqualified) = (buckets, all, unqualified);
            }
        }
        table
    }

    /// What is configured for every name.
    pub fn all(&self) -> Option<RouteEntry<'_>> {
        self.record(self.all)
    }

    /// What is configured for names without a dot.
    pub fn unqualified(&self) -> Option<RouteEntry<'_>> {
        self.record(self.unqualified)
    }

    /// What is configured for the domain with this wire form, in lower case, its root label included.
    ///
    /// Cost: one hash and a walk through one bucket; nothing is allocated.
    pub fn domain(&self, wire: &[u8]) -> Option<RouteEntry<'_>> {
        let (root, name) = wire.split_last()?;
        let (&label, rest) = name.split_first()?;
        if *root != 0 || label & MARK != 0 || label == 0 {
            return None;
        }
        self.find(label, rest)
    }

    /// What is configured for names that end in `text`, in lower case.
    pub fn wildcard(&self, text: &[u8]) -> Option<RouteEntry<'_>> {
        self.find(0, text)
    }

    /// How long the texts of wildcards are, longest first, each length once.
    pub fn wildcard_lengths(&self) -> &[u8] {
        self.bytes.get(self.wildcards..).unwrap_or_default()
    }

    fn find(&self, label: u8, rest: &[u8]) -> Option<RouteEntry<'_>> {
        let bucket = bucket(&self.hasher, label, rest, self.buckets)? as usize;
        let start = self.u32_at(HEADER_BYTES + 4 * bucket)?;
        let end = self.u32_at(HEADER_BYTES + 4 * bucket + 4)?;
        let mut walk = self.bytes.get(self.names..)?.get(start as usize..end as usize)?;
        while let Some((&length, tail)) = walk.split_first() {
            let (name, tail) = tail.split_at_checked(usize::from(length))?;
            let (&head, name_rest) = name.split_first()?;
            let mark = head & MARK;
            let extra = match mark {
                SHORT => 1,
                LONG => 4,
                _ => 0,
            };
            let (extra, tail) = tail.split_at_checked(extra)?;
            if name_rest.len() == rest.len() && head & !MARK == label && name_rest == rest {
                return self.entry(mark, extra);
            }
            walk = tail;
        }
        None
    }

    fn entry(&self, mark: u8, extra: &[u8]) -> Option<RouteEntry<'_>> {
        match (mark, extra) {
            (NO_DATA, _) => Some(RouteEntry { no_data: true, ..RouteEntry::default() }),
            (NULL, _) => Some(RouteEntry { null: true, ..RouteEntry::default() }),
            (SHORT, [number]) => self.record(self.u32_at(self.shorts.checked_add(4 * usize::from(*number))?)?),
            (_, extra) => self.record(u32::from_le_bytes(extra.try_into().ok()?)),
        }
    }

    fn record(&self, number: u32) -> Option<RouteEntry<'_>> {
        let at = self.records.checked_add(number.checked_sub(1)? as usize)?;
        let (&flags, mut rest) = self.bytes.get(at..)?.split_first()?;
        let mut word = |flag: u8| -> Option<(u32, &[u8])> {
            if flags & flag == 0 {
                return Some((0, &[]));
            }
            let (word, tail) = rest.split_first_chunk()?;
            let word = u32::from_le_bytes(*word);
            let octets = match flag {
                HAS_V6 => (word as usize).checked_mul(16)?,
                HAS_V4 => (word as usize).checked_mul(4)?,
                _ => 0,
            };
            let (octets, tail) = tail.split_at_checked(octets)?;
            rest = tail;
            Some((word, octets))
        };
        let (group, _) = word(HAS_GROUP)?;
        let (_, v6) = word(HAS_V6)?;
        let (_, v4) = word(HAS_V4)?;
        Some(RouteEntry {
            null: flags & HAS_NULL != 0,
            no_data: flags & HAS_NO_DATA != 0,
            standard: flags & HAS_STANDARD != 0,
            group: (flags & HAS_GROUP != 0).then_some(group),
            v6: v6.as_chunks().0,
            v4: v4.as_chunks().0,
        })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }
}

/// The hasher of a table with this seed.
pub(crate) fn seeded(seed: &[u8; 16]) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    hasher.write(seed);
    hasher
}

/// The bucket of a name, given as the length of its first label (0: a wildcard) and all that follows. `None`: there are no buckets.
pub(crate) fn bucket(hasher: &DefaultHasher, label: u8, rest: &[u8], buckets: u32) -> Option<u32> {
    let mut hasher = hasher.clone();
    hasher.write_u8(label);
    hasher.write(rest);
    // The upper half of the product spreads evenly over any number of buckets.
    let product = u128::from(hasher.finish()) * u128::from(buckets);
    (buckets > 0).then_some((product >> 64) as u32)
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = |entry: RouteEntry<'_>| {
            let v4 = entry.v4.iter().map(|octets| Ipv4Addr::from(*octets).to_string());
            v4.chain(entry.v6.iter().map(|octets| Ipv6Addr::from(*octets).to_string())).collect::<Vec<_>>()
        };
        f.debug_struct("RouteTable")
            .field("bytes", &self.bytes.len())
            .field("buckets", &self.buckets)
            .field("addresses of all", &self.all().map(addresses))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::routes::{Route, RouteScope, RouteTarget, Routes};
    use crate::config::routing::Routing;

    fn image() -> Vec<u8> {
        let route = |scope, target| Route { scope, target };
        let routes: Routes = [
            route(RouteScope::All, RouteTarget::Upstream(0)),
            route(RouteScope::Unqualified, RouteTarget::NoData),
            route(RouteScope::Domain("blocked.test"), RouteTarget::NoData),
            route(RouteScope::Domain("null.test"), RouteTarget::NullAddress),
            route(RouteScope::Domain("fixed.test"), RouteTarget::Address([10, 0, 0, 1].into())),
            route(RouteScope::Domain("fixed.test"), RouteTarget::Address(Ipv6Addr::LOCALHOST.into())),
            route(RouteScope::Suffix("ads.test"), RouteTarget::Upstream(1)),
        ]
        .into_iter()
        .collect();
        Routing::build(&routes, [3; 16]).unwrap().table.into_owned()
    }

    /// Asks for everything; what comes back does not matter.
    fn ask(bytes: Vec<u8>) -> usize {
        let table = RouteTable::new(Cow::Owned(bytes));
        let names: [&[u8]; 5] =
            [b"\x07blocked\x04test\0", b"\x04null\x04test\0", b"\x05fixed\x04test\0", b"\x01x\0", b"\0"];
        let domains = names.iter().filter_map(|name| table.domain(name)).count();
        let wildcards = table.wildcard_lengths().len() + usize::from(table.wildcard(b"ads.test").is_some());
        domains + wildcards + table.all().iter().count() + table.unqualified().iter().count()
    }

    #[test]
    fn every_kind_of_entry_is_found() {
        let table = RouteTable::new(Cow::Owned(image()));
        assert!(table.domain(b"\x07blocked\x04test\0").unwrap().no_data);
        assert!(table.domain(b"\x04null\x04test\0").unwrap().null);
        let fixed = table.domain(b"\x05fixed\x04test\0").unwrap();
        assert_eq!((fixed.v4, fixed.v6), ([[10, 0, 0, 1]].as_slice(), [Ipv6Addr::LOCALHOST.octets()].as_slice()));
        assert_eq!(table.wildcard(b"ads.test").unwrap().group, Some(1));
        assert_eq!(table.wildcard_lengths(), [8]);
        assert_eq!(table.all().unwrap().group, Some(0));
        assert!(table.unqualified().unwrap().no_data);
        assert_eq!(table.domain(b"\x04test\0"), None);
        assert_eq!(table.domain(b"\x08xblocked\x04test\0"), None);
        assert_eq!(ask(image()), 7);
    }

    #[test]
    fn a_dot_inside_a_label_does_not_part_labels() {
        assert_eq!(RouteTable::new(Cow::Owned(image())).domain(b"\x0cblocked.test\0"), None);
    }

    #[test]
    fn no_bytes_can_upset_it() {
        let whole = image();
        for end in 0..whole.len() {
            ask(whole[..end].to_vec());
        }
        let mut state = 7_u64;
        for _ in 0..30_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + (state >> 62) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = if state & 1 << 20 == 0 { (state >> 24) as u8 } else { 0xff };
            }
            ask(bytes);
        }
    }
}
