//! RRsets and negative answers of upstreams, in wire form: look up, insert, evict.
//!
//! An entry is the RRset as it goes into a reply. On a hit it is copied and its owner pointers and TTLs are patched; nothing is
//! decoded and nothing allocated. The table grows with its content, evicts the least recently used entry, and never scans.
//!
//! Whoever's questions fill half of it or more pays for its further answers with its own entries, so that nobody's flood of names drives out what
//! others use.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::IpAddr;

use ipc::time::Now;

use crate::arpa;
use crate::cache_table::{CacheTable, Origin, Row, Value};
use crate::hash::SeededState;
use crate::name::Name;
use crate::wire::{put_u16, put_u32, rtype, u16_at, u32_at};

/// Bytes of entries allowed per record of `cache-size`, so that a few huge records cannot take more than many small ones.
const BYTES_PER_RECORD: usize = 512;
/// Bytes allowed whatever the `cache-size`: one answer of the largest kind.
const BYTES_MIN: usize = 64 * 1024;
/// Key type of an NXDOMAIN: it answers every type of its name.
const EVERY_TYPE: u16 = rtype::ANY;
/// No slot.
const NONE: u32 = u32::MAX;
/// Clients are told apart by this many numbers: two that share one share a bound.
const OWNERS: usize = 256;

/// What an entry says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// These records.
    Records,
    /// The name exists without this type.
    NoData,
    /// The name does not exist.
    NxDomain,
}

/// A ready entry: records one after another, each beginning with a two-byte pointer for the owner (in negative entries: the SOA with its owner
/// in full, or nothing).
#[derive(Clone, Debug)]
pub(crate) struct RrSet {
    pub kind: Kind,
    pub bytes: Box<[u8]>,
    pub records: u16,
    /// Seconds until the first of them expires.
    pub ttl: u32,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    slots: Vec<Slot>,
    /// Heads of the chains; the length is a power of two.
    buckets: Vec<u32>,
    hasher: SeededState,
    free: u32,
    /// All entries by use.
    all: Ends,
    /// Those of each owner by use; empty until there are entries.
    owners: Vec<Owned>,
    capacity: u32,
    /// How long an entry serves on when it has expired (`use-stale-cache`); 0: not at all.
    stale_ms: u64,
    records: u32,
    bytes: usize,
    /// Records ever inserted.
    pub insertions: u64,
    /// Records evicted before they had expired.
    pub evictions: u64,
}

#[derive(Debug)]
struct Slot {
    name: Box<[u8]>,
    rtype: u16,
    turn: u16,
    hash: u64,
    chain: u32,
    owner: u8,
    /// Neighbors among all entries, and among those of its owner.
    links: [Link; 2],
    born_ms: u64,
    expires_ms: u64,
    set: RrSet,
}

/// Neighbors in a list by use.
#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

const UNLINKED: Link = Link { newer: NONE, older: NONE };

/// The ends of such a list.
#[derive(Clone, Copy, Debug)]
struct Ends {
    newest: u32,
    oldest: u32,
}

const EMPTY: Ends = Ends { newest: NONE, oldest: NONE };

/// What one owner has.
#[derive(Clone, Copy, Debug)]
struct Owned {
    ends: Ends,
    records: u32,
}

/// Which of the two lists.
#[derive(Clone, Copy, Debug)]
enum List {
    All,
    Owner,
}

impl Cache {
    /// An empty cache for `capacity` records, of which 0 turns it off. Entries serve for `stale_ms` after they have expired.
    pub fn new(capacity: u32, stale_ms: u64, seed: [u8; 16]) -> Cache {
        Cache {
            slots: Vec::new(),
            buckets: Vec::new(),
            hasher: SeededState::new(seed),
            free: NONE,
            all: EMPTY,
            owners: Vec::new(),
            capacity,
            stale_ms,
            records: 0,
            bytes: 0,
            insertions: 0,
            evictions: 0,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.slots = Vec::new();
        self.buckets = Vec::new();
        self.owners = Vec::new();
        (self.free, self.all) = (NONE, EMPTY);
        (self.records, self.bytes) = (0, 0);
    }

    /// What is known of `name` (lower case) for this type: an RRset, NODATA, or NXDOMAIN.
    pub fn find(&mut self, name: &[u8], qtype: u16, now_ms: u64) -> Option<Hit<'_>> {
        if self.buckets.is_empty() {
            return None;
        }
        let slot = self.live(name, qtype, now_ms).or_else(|| self.live(name, EVERY_TYPE, now_ms))?;
        // A chain of trust is not made of what has expired.
        let stale = self.slots.get(slot as usize)?.expires_ms <= now_ms;
        if stale && matches!(qtype, rtype::DS | rtype::DNSKEY) {
            return None;
        }
        self.touch(slot);
        let round_robin = matches!(qtype, rtype::A | rtype::AAAA);
        let slot = self.slots.get_mut(slot as usize)?;
        let turn = slot.turn;
        slot.turn = slot.turn.wrapping_add(1);
        let age_s = u32::try_from(now_ms.saturating_sub(slot.born_ms) / 1000).unwrap_or(u32::MAX);
        Some(Hit { set: &slot.set, stale, age_s, turn: if round_robin { turn } else { 0 } })
    }

    /// Is there any entry that shows that this name (lower case) exists, among those of addresses, aliases, services and the types that
    /// are kept `by_choice`? As in dnsmasq, which keeps the names of addresses elsewhere, those are not known by their PTR records, nor
    /// by what was said of services there.
    pub fn knows(&self, name: &Name, by_choice: &BTreeSet<u16>, now_ms: u64) -> bool {
        let types = [rtype::A, rtype::AAAA, rtype::CNAME, rtype::PTR, rtype::SRV];
        let of_address = arpa::address(name).is_some();
        let mut slots = types
            .iter()
            .filter(|qtype| !(of_address && matches!(**qtype, rtype::PTR | rtype::SRV)))
            // Of everything that is kept by choice there is no list.
            .chain(by_choice.iter().filter(|qtype| **qtype != rtype::ANY))
            .filter_map(|qtype| self.slots.get(self.slot(name.wire(), *qtype)? as usize));
        slots.any(|slot| slot.expires_ms > now_ms)
    }

    /// Adds an entry that `client` has asked for, in place of what was known of this name and type.
    pub fn insert(&mut self, name: &[u8], qtype: u16, set: RrSet, client: IpAddr, now_ms: u64) {
        let weight = u32::from(set.records.max(1));
        let cost = set.bytes.len() + name.len();
        if weight > self.capacity || set.ttl == 0 && self.stale_ms == 0 || cost > self.bytes_max() {
            return;
        }
        let key_type = if set.kind == Kind::NxDomain { EVERY_TYPE } else { qtype };
        // The newest word counts: an existing name has no NXDOMAIN, and a missing name no records.
        self.owners.resize(OWNERS, Owned { ends: EMPTY, records: 0 });
        let mut owner = self.owner(client);
        for stale in [qtype, EVERY_TYPE] {
            if let Some(slot) = self.slot(name, stale) {
                let known = &self.slots[slot as usize];
                if known.expires_ms > now_ms {
                    // Asking for what is known does not make it one's own.
                    owner = known.owner;
                }
                self.remove(slot);
            }
        }
        while self.records + weight > self.capacity || self.bytes + cost > self.bytes_max() {
            let owned = self.owners[usize::from(owner)];
            let oldest = if owned.records >= self.capacity.div_ceil(2) { owned.ends.oldest } else { self.all.oldest };
            let Some(slot) = self.slots.get(oldest as usize) else { return };
            if slot.expires_ms > now_ms {
                self.evictions += u64::from(slot.set.records.max(1));
            }
            self.remove(oldest);
        }
        self.insertions += u64::from(weight);
        self.records += weight;
        self.owners[usize::from(owner)].records += weight;
        self.bytes += cost;
        let hash = self.hash(name, key_type);
        let slot = Slot {
            name: name.into(),
            rtype: key_type,
            turn: 0,
            hash,
            chain: NONE,
            owner,
            links: [UNLINKED; 2],
            born_ms: now_ms,
            // With stale answers nothing is too short-lived; for a second it is fresh.
            expires_ms: now_ms.saturating_add(u64::from(set.ttl.max(1)) * 1000),
            set,
        };
        let index = if self.free == NONE {
            self.slots.push(slot);
            self.slots.len() as u32 - 1
        } else {
            let index = self.free;
            self.free = self.slots[index as usize].chain;
            self.slots[index as usize] = slot;
            index
        };
        if self.slots.len() > self.buckets.len() {
            self.grow();
        } else {
            self.enchain(index);
        }
        self.attach(index);
    }

    /// The number of a client: an IPv4 address, or a network of 64 bits, whose addresses a host may choose from.
    fn owner(&self, client: IpAddr) -> u8 {
        let mut hasher = self.hasher.build_hasher();
        match client {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()[..8]),
        }
        hasher.finish() as u8
    }

    /// Writes a row for each record and each denial that still holds.
    pub fn list(&self, now: Now, table: &mut CacheTable<'_>) {
        let now_ms = now.monotonic_ms;
        for slot in self.slots.iter().filter(|slot| !slot.name.is_empty() && slot.expires_ms > now_ms) {
            let origin = Origin::Upstream { expires_s: now.wall_s + (slot.expires_ms - now_ms) / 1000 };
            let reverse = Name::from_wire(&slot.name).filter(|_| slot.rtype == rtype::PTR || slot.rtype == EVERY_TYPE);
            let reverse = reverse.and_then(|name| arpa::address(&name));
            let mut row = |name: Option<&[u8]>, value: Value<'_>| {
                let negative = slot.set.kind != Kind::Records;
                let (forward, reverse) = (reverse.is_none(), reverse.is_some());
                table.row(&Row { name, value, forward, reverse, negative, origin });
            };
            match (slot.set.kind, slot.rtype, reverse) {
                (Kind::NxDomain, _, None) => row(Some(&slot.name), Value::Nothing),
                (Kind::NoData | Kind::NxDomain, _, Some(address)) => row(None, Value::Address(address)),
                (Kind::NoData, rtype::A | rtype::AAAA, None) => {
                    row(Some(&slot.name), Value::NoAddress { ipv4: slot.rtype == rtype::A });
                }
                (Kind::NoData, ..) => row(Some(&slot.name), Value::Other(slot.rtype)),
                (Kind::Records, rtype, _) => {
                    for rdata in slot.set.rdata() {
                        match (rtype, reverse) {
                            (rtype::PTR, Some(address)) => row(Some(rdata), Value::Address(address)),
                            (rtype::CNAME, _) => row(Some(&slot.name), Value::Alias(rdata)),
                            (rtype::A | rtype::AAAA, _) => match address(rdata) {
                                Some(address) => row(Some(&slot.name), Value::Address(address)),
                                None => continue,
                            },
                            _ => row(Some(&slot.name), Value::Other(slot.rtype)),
                        }
                    }
                }
            }
        }
    }

    /// Records it may hold.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes of entries.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of entries it may hold.
    pub fn bytes_max(&self) -> usize {
        (self.capacity as usize).saturating_mul(BYTES_PER_RECORD).saturating_add(BYTES_MIN)
    }

    fn hash(&self, name: &[u8], rtype: u16) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name);
        hasher.write_u16(rtype);
        hasher.finish()
    }

    /// The slot of an entry that may still serve; one that may not is removed.
    fn live(&mut self, name: &[u8], rtype: u16, now_ms: u64) -> Option<u32> {
        let slot = self.slot(name, rtype)?;
        if self.slots[slot as usize].expires_ms.saturating_add(self.stale_ms) <= now_ms {
            self.remove(slot);
            return None;
        }
        Some(slot)
    }

    fn slot(&self, name: &[u8], rtype: u16) -> Option<u32> {
        let hash = self.hash(name, rtype);
        let mut at = *self.buckets.get(self.bucket(hash))?;
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.hash == hash && slot.rtype == rtype && *slot.name == *name {
                return Some(at);
            }
            at = slot.chain;
        }
        None
    }

    fn bucket(&self, hash: u64) -> usize {
        hash as usize & self.buckets.len().wrapping_sub(1)
    }

    fn enchain(&mut self, index: u32) {
        let bucket = self.bucket(self.slots[index as usize].hash);
        self.slots[index as usize].chain = self.buckets[bucket];
        self.buckets[bucket] = index;
    }

    /// Doubles the buckets. Called only when there is no free slot, so that every slot is in use and belongs into a chain.
    fn grow(&mut self) {
        let length = (self.buckets.len() * 2).max(16);
        self.buckets.clear();
        self.buckets.resize(length, NONE);
        for index in 0..self.slots.len() as u32 {
            self.enchain(index);
        }
    }

    fn remove(&mut self, index: u32) {
        self.detach(List::All, index);
        self.detach(List::Owner, index);
        let bucket = self.bucket(self.slots[index as usize].hash);
        let chain = self.slots[index as usize].chain;
        if self.buckets[bucket] == index {
            self.buckets[bucket] = chain;
        } else {
            let mut at = self.buckets[bucket];
            while let Some(slot) = self.slots.get_mut(at as usize) {
                if slot.chain == index {
                    slot.chain = chain;
                    break;
                }
                at = slot.chain;
            }
        }
        let slot = &mut self.slots[index as usize];
        let weight = u32::from(slot.set.records.max(1));
        self.records -= weight;
        self.owners[usize::from(slot.owner)].records -= weight;
        self.bytes -= slot.set.bytes.len() + slot.name.len();
        slot.name = Box::default();
        slot.set.bytes = Box::default();
        slot.chain = self.free;
        self.free = index;
    }

    fn touch(&mut self, index: u32) {
        if self.all.newest != index {
            self.detach(List::All, index);
            self.detach(List::Owner, index);
            self.attach(index);
        }
    }

    /// Makes an entry the newest of both its lists.
    fn attach(&mut self, index: u32) {
        for list in [List::All, List::Owner] {
            let former = self.ends(list, index).newest;
            self.slots[index as usize].links[list as usize] = Link { newer: NONE, older: former };
            match self.slots.get_mut(former as usize) {
                Some(former) => former.links[list as usize].newer = index,
                None => self.ends(list, index).oldest = index,
            }
            self.ends(list, index).newest = index;
        }
    }

    fn detach(&mut self, list: List, index: u32) {
        let Link { newer, older } = self.slots[index as usize].links[list as usize];
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.links[list as usize].older = older,
            None => self.ends(list, index).newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.links[list as usize].newer = newer,
            None => self.ends(list, index).oldest = newer,
        }
    }

    /// The ends of that list which an entry is in.
    fn ends(&mut self, list: List, index: u32) -> &mut Ends {
        match list {
            List::All => &mut self.all,
            List::Owner => &mut self.owners[usize::from(self.slots[index as usize].owner)].ends,
        }
    }
}

/// An entry that may serve.
#[derive(Debug)]
pub(crate) struct Hit<'a> {
    pub set: &'a RrSet,
    /// It has expired; a fresh one should be fetched.
    pub stale: bool,
    age_s: u32,
    turn: u16,
}

impl RrSet {
    /// The data of each record.
    fn rdata(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        (0..self.records).map_while(move |_| {
            let length = usize::from(u16_at(&self.bytes, at + 10)?);
            let rdata = self.bytes.get(at + 12..at + 12 + length)?;
            at += 12 + length;
            Some(rdata)
        })
    }
}

/// The address that an A or AAAA record holds.
fn address(rdata: &[u8]) -> Option<IpAddr> {
    match rdata.len() {
        4 => rdata.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        _ => rdata.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
    }
}

impl Hit<'_> {
    /// Appends the records of a positive entry: owners become `owner`, TTLs what is left of them, at most `ttl_max`. Addresses rotate from one
    /// look-up to the next if `rotate`.
    pub fn append(&self, out: &mut Vec<u8>, owner: u16, ttl_max: u32, rotate: bool) {
        let start = out.len();
        out.extend_from_slice(&self.set.bytes);
        let copy = &mut out[start..];
        let mut at = 0;
        while let (Some(ttl), Some(length)) = (u32_at(copy, at + 6), u16_at(copy, at + 10)) {
            put_u16(copy, at, owner);
            put_u32(copy, at + 6, ttl.saturating_sub(self.age_s).min(ttl_max));
            at += 12 + usize::from(length);
        }
        if rotate && self.turn > 0 && self.set.records > 1 {
            // Records of one address family are equally long.
            let length = copy.len() / usize::from(self.set.records);
            copy.rotate_left(usize::from(self.turn % self.set.records) * length);
        }
    }

    /// Appends the SOA of a negative entry, if it has one, with a TTL of at most `ttl_max`, and tells how many records that were.
    pub fn append_soa(&self, out: &mut Vec<u8>, ttl_max: u32) -> u16 {
        let start = out.len();
        out.extend_from_slice(&self.set.bytes);
        let copy = &mut out[start..];
        let Some(at) = crate::wire::skip_name(copy, 0) else { return 0 };
        let Some(ttl) = u32_at(copy, at + 4) else { return 0 };
        put_u32(copy, at + 4, ttl.saturating_sub(self.age_s).min(ttl_max));
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(last_bytes: &[u8], ttl: u32) -> RrSet {
        let mut bytes = Vec::new();
        for last in last_bytes {
            bytes.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]);
            bytes.extend_from_slice(&ttl.to_be_bytes());
            bytes.extend_from_slice(&[0, 4, 10, 0, 0, *last]);
        }
        RrSet { kind: Kind::Records, bytes: bytes.into(), records: last_bytes.len() as u16, ttl }
    }

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn cache(capacity: u32) -> Cache {
        Cache::new(capacity, 0, [7; 16])
    }

    fn key(number: u32) -> Vec<u8> {
        let mut name = vec![4];
        name.extend_from_slice(&number.to_be_bytes());
        name.push(0);
        name
    }

    fn last_octets(bytes: &[u8]) -> Vec<u8> {
        bytes.chunks(16).map(|record| record[15]).collect()
    }

    #[test]
    fn ttls_count_down_and_entries_expire() {
        let mut cache = cache(10);
        cache.insert(b"\x01a\0", 1, addresses(&[1], 60), CLIENT, 1000);
        let mut out = Vec::new();
        cache.find(b"\x01a\0", 1, 11_999).unwrap().append(&mut out, 0xc00c, u32::MAX, true);
        assert_eq!(u32_at(&out, 6), Some(50));
        assert!(cache.find(b"\x01a\0", 28, 11_999).is_none());
        assert!(cache.find(b"\x01a\0", 1, 61_000).is_none());
        assert_eq!((cache.records, cache.evictions), (0, 0));
    }

    #[test]
    fn stale_entries_serve_until_their_limit_and_show_nothing_exists() {
        let mut cache = Cache::new(10, 5000, [7; 16]);
        cache.insert(b"\x01a\0", 1, addresses(&[1], 60), CLIENT, 0);
        cache.insert(b"\x01b\0", 1, addresses(&[1], 0), CLIENT, 0);
        let stale = |cache: &mut Cache, name: &[u8], now_ms| cache.find(name, 1, now_ms).map(|hit| hit.stale);
        let states = [59_999, 60_000, 64_999, 65_000].map(|now_ms| stale(&mut cache, b"\x01a\0", now_ms));
        assert_eq!(states, [Some(false), Some(true), Some(true), None]);
        let states = [999, 1000, 5999, 6000].map(|now_ms| stale(&mut cache, b"\x01b\0", now_ms));
        assert_eq!(states, [Some(false), Some(true), Some(true), None]);
        cache.insert(b"\x01a\0", 1, addresses(&[1], 60), CLIENT, 0);
        let name = Name::from_text(b"a").unwrap();
        let none = BTreeSet::new();
        assert!(cache.knows(&name, &none, 59_999) && !cache.knows(&name, &none, 60_000));
        cache.insert(b"\x01b\0", rtype::MX, RrSet { kind: Kind::NxDomain, ..addresses(&[1], 60) }, CLIENT, 0);
        let missing = Name::from_text(b"b").unwrap();
        assert!(!cache.knows(&missing, &BTreeSet::from([rtype::TXT, rtype::ANY]), 0));
        cache.insert(b"\x01a\0", rtype::DS, addresses(&[1], 60), CLIENT, 0);
        assert!(cache.find(b"\x01a\0", rtype::DS, 59_999).is_some());
        assert!(cache.find(b"\x01a\0", rtype::DS, 60_000).is_none());
    }

    #[test]
    fn a_reverse_name_is_not_known_by_its_pointer() {
        let mut cache = cache(10);
        for (text, known) in [("1.2.3.10.in-addr.arpa", false), ("_http._tcp.example.com", true)] {
            let name = Name::from_text(text.as_bytes()).unwrap();
            cache.insert(name.wire(), rtype::PTR, addresses(&[1], 60), CLIENT, 0);
            assert_eq!(cache.knows(&name, &BTreeSet::new(), 0), known, "{text}");
        }
    }

    #[test]
    fn addresses_rotate() {
        let mut cache = cache(10);
        cache.insert(b"\x01a\0", 1, addresses(&[1, 2, 3], 60), CLIENT, 0);
        let mut seen = Vec::new();
        for _ in 0..4 {
            let mut out = Vec::new();
            cache.find(b"\x01a\0", 1, 0).unwrap().append(&mut out, 0xc00c, u32::MAX, true);
            seen.push(last_octets(&out));
        }
        assert_eq!(seen, [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]]);
    }

    #[test]
    fn the_least_recently_used_entry_goes_first() {
        let mut cache = cache(3);
        for number in 0..3 {
            cache.insert(&key(number), 1, addresses(&[1], 60), CLIENT, 0);
        }
        assert!(cache.find(&key(0), 1, 1).is_some());
        cache.insert(&key(3), 1, addresses(&[1], 60), CLIENT, 1);
        assert!(cache.find(&key(1), 1, 1).is_none());
        assert!([0, 2, 3].iter().all(|n| cache.find(&key(*n), 1, 1).is_some()));
        assert_eq!((cache.insertions, cache.evictions), (4, 1));
    }

    #[test]
    fn one_client_cannot_drive_out_what_others_use() {
        let mut cache = cache(100);
        let other = IpAddr::from([10, 0, 0, 9]);
        assert_ne!(cache.owner(other), cache.owner(CLIENT));
        // Alone, a client may fill it.
        for number in 0..200 {
            cache.insert(&key(number), 1, addresses(&[1], 60), CLIENT, 0);
        }
        assert_eq!((cache.records, cache.find(&key(100), 1, 0).is_some()), (100, true));
        for number in 1000..1050 {
            cache.insert(&key(number), 1, addresses(&[1], 60), other, 0);
        }
        // Asking again for what another one's questions brought, past the cache, does not help.
        cache.insert(&key(1000), 1, addresses(&[1], 60), CLIENT, 0);
        for number in 0..10_000 {
            cache.insert(&key(number), 1, addresses(&[1], 60), CLIENT, 0);
        }
        assert!((1000..1050).all(|number| cache.find(&key(number), 1, 0).is_some()));
        assert_eq!(cache.records, 100);
    }

    #[test]
    fn a_missing_name_answers_every_type_until_it_exists_again() {
        let mut cache = cache(10);
        let missing = RrSet { kind: Kind::NxDomain, bytes: Box::default(), records: 0, ttl: 60 };
        cache.insert(b"\x01a\0", 1, missing, CLIENT, 0);
        assert_eq!(cache.find(b"\x01a\0", 16, 0).unwrap().set.kind, Kind::NxDomain);
        cache.insert(b"\x01a\0", 1, addresses(&[1], 60), CLIENT, 0);
        assert!(cache.find(b"\x01a\0", 16, 0).is_none());
    }

    #[test]
    fn a_denial_of_type_0_denies_no_other_type() {
        let mut cache = cache(10);
        cache.insert(
            b"\x01a\0",
            0,
            RrSet { kind: Kind::NoData, bytes: Box::default(), records: 0, ttl: 60 },
            CLIENT,
            0,
        );
        assert!(cache.find(b"\x01a\0", 0, 0).is_some() && cache.find(b"\x01a\0", 1, 0).is_none());
    }

    #[test]
    fn it_agrees_with_a_plain_map_over_many_operations() {
        let mut cache = cache(100);
        let mut random = crate::random::Random::new([3; 32]);
        for step in 0..20_000u64 {
            let number = random.next() % 400;
            let found = cache.find(&key(number), 1, step).map(|hit| hit.set.bytes[15]);
            assert!(found.is_none_or(|octet| u32::from(octet) == number % 256));
            if found.is_none() {
                cache.insert(&key(number), 1, addresses(&[number as u8], 1), CLIENT, step);
                assert!(cache.find(&key(number), 1, step).is_some());
            }
            assert!(cache.records <= 100 && cache.slots.len() <= 101);
        }
    }

    #[test]
    fn size_zero_is_off_and_too_large_is_skipped() {
        let mut off = cache(0);
        off.insert(b"\x01a\0", 1, addresses(&[1], 60), CLIENT, 0);
        assert!(off.find(b"\x01a\0", 1, 0).is_none());
        let mut small = cache(2);
        small.insert(b"\x01a\0", 1, addresses(&[1, 2, 3], 60), CLIENT, 0);
        assert!(small.find(b"\x01a\0", 1, 0).is_none());
    }
}
