//! The one owner of every lease.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use ipc::lease::{Lease, LeaseChange};

use super::file::{Extension, LeaseFile, Place};
use super::line::{self, Record};

/// Leases by address, with the place of each in the file and an index of names.
pub struct Store {
    /// Boxed: what is searched stays small.
    leases: BTreeMap<Ipv4Addr, Box<Held>>,
    names: HashMap<String, Ipv4Addr>,
    file: Option<LeaseFile>,
    /// With `lease-journal`. `None`: everything is written at once.
    late: Option<Late>,
}

/// What may be written later.
struct Late {
    /// How much longer than written a lease may last, in seconds.
    delay_s: u32,
    /// Leases that have only been extended since they were written.
    addresses: BTreeSet<Ipv4Addr>,
}

struct Held {
    lease: Lease,
    place: Option<Place>,
}

impl Store {
    /// Opens the file and takes its leases over. Returns the lines that are no records.
    pub fn open(path: &Path) -> io::Result<(Store, Vec<(usize, String)>)> {
        let mut loaded = LeaseFile::open(path)?;
        let mut store = Store { leases: BTreeMap::new(), names: HashMap::new(), file: Some(loaded.file), late: None };
        loaded.leases.sort_by_key(|(_, place)| place.offset());
        for (lease, place) in loaded.leases {
            // Of a change that a crash has cut short, the lease that gets a name may be there, and not that it was taken from another.
            let loser = lease.name.as_deref().and_then(|name| store.holder_of(name));
            if let Some(held) = loser.and_then(|address| store.leases.get_mut(&address)) {
                held.lease.name = None;
            }
            store.hold(lease, Some(place));
        }
        if store.file.as_ref().is_some_and(LeaseFile::wants_compaction) {
            store.compact()?;
        }
        Ok((store, loaded.invalid))
    }

    /// A store that lives in memory only, with the leases of a text in the format of the file; and the lines that are no records.
    pub fn of_text(bytes: &[u8]) -> (Store, Vec<(usize, String)>) {
        let mut store = Store::in_memory();
        let mut invalid = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let text = String::from_utf8_lossy(line);
            match line::read(&text) {
                Record::Lease(lease) => {
                    store.let_go(lease.address);
                    store.hold(lease, None);
                }
                Record::More(address, more) => {
                    if let Some(held) = store.leases.get_mut(&address) {
                        more.add_to(&mut held.lease);
                    }
                }
                Record::Invalid => invalid.push((index + 1, text.into_owned())),
                Record::Blank | Record::Kept => {}
            }
        }
        (store, invalid)
    }

    /// A store that lives in memory only.
    pub fn in_memory() -> Store {
        Store { leases: BTreeMap::new(), names: HashMap::new(), file: None, late: None }
    }

    /// How many leases there are.
    pub fn len(&self) -> usize {
        self.leases.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// The lease of an address.
    pub fn get(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.leases.get(&address).map(|held| &held.lease)
    }

    /// The address that holds a name (compared without case).
    pub fn holder_of(&self, name: &str) -> Option<Ipv4Addr> {
        self.names.get(&name.to_ascii_lowercase()).copied()
    }

    /// All leases, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values().map(|held| &held.lease)
    }

    /// From now on, that a lease lasts longer by `delay_s` seconds at most is written by [`Store::write_late`] only. A crash may have cost
    /// that much before: so every lease that was read lasts as much longer, and no promise is broken.
    pub fn delay_extensions(&mut self, delay_s: u32) {
        if self.file.is_none() {
            return;
        }
        self.late = Some(Late { delay_s, addresses: BTreeSet::new() });
        for held in self.leases.values_mut().filter(|held| held.lease.expires_s != 0) {
            held.lease.expires_s = held.lease.expires_s.saturating_add(u64::from(delay_s));
        }
    }

    /// Is there anything that has not been written?
    pub fn has_late(&self) -> bool {
        self.late.as_ref().is_some_and(|late| !late.addresses.is_empty())
    }

    /// Writes what has been delayed, with one write and one sync. What fails is still to be written.
    pub fn write_late(&mut self) -> io::Result<()> {
        let (Some(file), Some(late)) = (&mut self.file, &mut self.late) else { return Ok(()) };
        let (mut appended, mut extended, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        for (address, held) in late.addresses.iter().filter_map(|address| Some((*address, self.leases.get(address)?))) {
            match held.place.and_then(|place| place.extension(held.lease.expires_s)) {
                Some(extension) => {
                    extended.push(extension);
                    moved.push((address, extension.extended()));
                }
                None => appended.push(&held.lease),
            }
        }
        let places = file.write(appended.iter().copied(), &extended)?;
        let appended: Vec<Ipv4Addr> = appended.iter().map(|lease| lease.address).collect();
        let mut replaced = Vec::new();
        for (address, place) in appended.into_iter().zip(places) {
            if let Some(held) = self.leases.get_mut(&address) {
                replaced.extend(held.place.replace(place));
            }
        }
        self.move_places(moved);
        if let Some(late) = &mut self.late {
            late.addresses.clear();
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let _ = file.blank(&replaced, false);
        if file.wants_compaction() {
            let _ = self.compact();
        }
        Ok(())
    }

    fn move_places(&mut self, moved: Vec<(Ipv4Addr, Place)>) {
        for (address, place) in moved {
            if let Some(held) = self.leases.get_mut(&address) {
                held.place = Some(place);
            }
        }
    }

    /// Takes a lease over in memory if it merely lasts longer and that may be written later.
    fn take_extension(&mut self, lease: &Lease) -> bool {
        let Some(late) = &mut self.late else { return false };
        let Some(held) = self.leases.get_mut(&lease.address) else { return false };
        if !differ_in_end_only(&held.lease, lease) || held.lease.expires_s == 0 || lease.expires_s == 0 {
            return false;
        }
        let written_s = held.place.map_or(0, |place| place.end_s());
        if lease.expires_s > written_s.saturating_add(u64::from(late.delay_s)) {
            return false;
        }
        late.addresses.insert(lease.address);
        held.lease.expires_s = lease.expires_s;
        true
    }

    /// How the file is told of a lease that merely lasts longer, if that can be done in the line which is there.
    fn extension(&self, lease: &Lease) -> Option<Extension> {
        let held = self.leases.get(&lease.address)?;
        held.place.filter(|_| differ_in_end_only(&held.lease, lease))?.extension(lease.expires_s)
    }

    /// Records changes, all together or not at all, on stable storage: one write and one sync however many there are. With
    /// [`Store::delay_extensions`], what merely extends a lease is only remembered.
    pub fn record(&mut self, changes: &[LeaseChange]) -> io::Result<()> {
        // Of several changes to one address in a batch the last one counts.
        let mut last: BTreeMap<Ipv4Addr, Option<&Lease>> = BTreeMap::new();
        for change in changes {
            match change {
                LeaseChange::Put(lease) => last.insert(lease.address, Some(lease)),
                LeaseChange::Remove(address) => last.insert(*address, None),
            };
        }
        // What is there already need not be written again: a lease that never ends is renewed like any other.
        last.retain(|address, lease| lease.is_none_or(|lease| self.get(*address) != Some(lease)));
        last.retain(|_, lease| !lease.is_some_and(|lease| self.take_extension(lease)));
        let (mut extended, mut ends, mut moved) = (Vec::new(), Vec::new(), Vec::new());
        last.retain(|address, lease| {
            let extension = lease.and_then(|lease| Some((self.extension(lease)?, lease.expires_s)));
            let Some((extension, until_s)) = extension else { return true };
            extended.push(extension);
            ends.push((*address, until_s));
            moved.push((*address, extension.extended()));
            false
        });
        let put = last.values().filter_map(|lease| *lease);
        let mut places = match &mut self.file {
            Some(file) => file.write(put, &extended)?.into_iter(),
            None => Vec::new().into_iter(),
        };
        for (address, until_s) in ends {
            if let Some(held) = self.leases.get_mut(&address) {
                held.lease.expires_s = until_s;
            }
            if let Some(late) = &mut self.late {
                late.addresses.remove(&address);
            }
        }
        self.move_places(moved);
        let mut replaced = Vec::new();
        let mut removed = false;
        for (address, lease) in last {
            let old = self.let_go(address);
            if let Some(late) = &mut self.late {
                late.addresses.remove(&address);
            }
            removed |= old.is_some() && lease.is_none();
            replaced.extend(old.and_then(|held| held.place));
            if let Some(lease) = lease {
                self.hold(lease.clone(), places.next());
            }
        }
        if let Some(file) = &mut self.file {
            // The changes are durable. An old line that could not be blanked is overruled by the new one at the next start, and a
            // removed lease that comes back there runs out by itself: no reason to refuse what is recorded.
            let _ = file.blank(&replaced, removed);
            if file.wants_compaction() {
                let _ = self.compact();
            }
        }
        Ok(())
    }

    /// Writes the file afresh.
    pub fn compact(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let places = file.compact(self.leases.values().map(|held| &held.lease))?;
        for (held, place) in self.leases.values_mut().zip(places) {
            held.place = Some(place);
        }
        if let Some(late) = &mut self.late {
            late.addresses.clear();
        }
        Ok(())
    }

    /// The file's path, for messages.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(LeaseFile::path)
    }

    fn hold(&mut self, lease: Lease, place: Option<Place>) {
        if let Some(name) = &lease.name {
            self.names.insert(name.to_ascii_lowercase(), lease.address);
        }
        self.leases.insert(lease.address, Box::new(Held { lease, place }));
    }

    fn let_go(&mut self, address: Ipv4Addr) -> Option<Box<Held>> {
        let held = self.leases.remove(&address)?;
        if let Some(name) = &held.lease.name {
            let key = name.to_ascii_lowercase();
            if self.names.get(&key) == Some(&address) {
                self.names.remove(&key);
            }
        }
        Some(held)
    }
}

/// Are these the same lease but for when it ends?
fn differ_in_end_only(held: &Lease, lease: &Lease) -> bool {
    let Lease { address, hardware, client_id, name, expires_s: _, provenance } = held;
    (*address, hardware, client_id, name, provenance)
        == (lease.address, &lease.hardware, &lease.client_id, &lease.name, &lease.provenance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::link::HardwareAddress;

    fn lease(last: u8, name: Option<&str>) -> Lease {
        Lease {
            address: Ipv4Addr::new(10, 0, 0, last),
            hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 0, last]).unwrap(),
            client_id: None,
            name: name.map(str::to_owned),
            expires_s: 100,
            provenance: None,
        }
    }

    #[test]
    fn a_name_has_one_holder_whatever_the_file_says() {
        let path = std::env::temp_dir().join(format!("wardmasq-names-{}", std::process::id()));
        let text = "9 02:00:00:00:00:02 10.0.0.2 box *\n9 02:00:00:00:00:01 10.0.0.1 Box *\n";
        std::fs::write(&path, text).unwrap();
        let (store, _) = Store::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(store.holder_of("box"), Some(Ipv4Addr::new(10, 0, 0, 1)), "the later line counts");
        assert_eq!(store.get(Ipv4Addr::new(10, 0, 0, 2)).unwrap().name, None);
    }

    #[test]
    fn extensions_may_be_written_later_and_nothing_else() {
        let path = std::env::temp_dir().join(format!("wardmasq-late-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let lines = || {
            let text = std::fs::read_to_string(&path).unwrap();
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let until = |expires_s, name| LeaseChange::Put(Lease { expires_s, ..lease(1, name) });
        let (mut store, _) = Store::open(&path).unwrap();
        store.delay_extensions(60);
        store.record(&[until(100, Some("box"))]).unwrap();
        let first = lines();
        assert_eq!(first, ["100 02:00:00:00:00:01 10.0.0.1 box *"]);

        store.record(&[until(130, Some("box"))]).unwrap();
        store.record(&[until(160, Some("box"))]).unwrap();
        assert_eq!((lines(), store.has_late()), (first, true));
        assert_eq!(store.get(Ipv4Addr::new(10, 0, 0, 1)).unwrap().expires_s, 160);
        store.write_late().unwrap();
        assert_eq!((lines(), store.has_late()), (vec!["160 02:00:00:00:00:01 10.0.0.1 box *".to_owned()], false));

        // More than a start gives back is not risked.
        store.record(&[until(200, Some("box"))]).unwrap();
        store.record(&[until(221, Some("box"))]).unwrap();
        assert_eq!((lines(), store.has_late()), (vec!["221 02:00:00:00:00:01 10.0.0.1 box *".to_owned()], false));

        // Another name is no extension, and is written with what there is now.
        store.record(&[until(250, Some("box"))]).unwrap();
        store.record(&[until(260, Some("other"))]).unwrap();
        assert_eq!((lines(), store.has_late()), (vec!["260 02:00:00:00:00:01 10.0.0.1 other *".to_owned()], false));
        store.record(&[until(270, Some("other"))]).unwrap();
        store.record(&[LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 1))]).unwrap();
        assert_eq!((lines().len(), store.has_late()), (0, false));

        // What a crash may have cost is given back.
        store.record(&[until(100, None)]).unwrap();
        let (mut store, _) = Store::open(&path).unwrap();
        store.delay_extensions(60);
        assert_eq!(store.get(Ipv4Addr::new(10, 0, 0, 1)).unwrap().expires_s, 160);
        std::fs::remove_file(&path).unwrap();
    }

    /// The figures of decision 11: a hundred leases of an hour, renewed every half hour, for a day.
    #[test]
    fn a_journal_saves_syncs_and_pages() {
        let path = std::env::temp_dir().join(format!("wardmasq-day-{}", std::process::id()));
        let lease = |last: u8, expires_s| Lease {
            expires_s,
            client_id: Some(vec![1, 2, 0, 0, 0, 0, last]),
            ..lease(last, Some(&format!("box{last}")))
        };
        for (delay_s, syncs_at_most) in [(None, 4_800), (Some(3_600), 24), (Some(6 * 3_600), 4)] {
            let _ = std::fs::remove_file(&path);
            let (mut store, _) = Store::open(&path).unwrap();
            delay_s.into_iter().for_each(|delay_s| store.delay_extensions(delay_s));
            let begin = 1_700_000_000;
            for last in 0..100 {
                store.record(&[LeaseChange::Put(lease(last, begin + u64::from(last) * 18 + 3_600))]).unwrap();
            }
            let length = std::fs::metadata(&path).unwrap().len();
            let (mut syncs, mut written) = (0, std::fs::read(&path).unwrap());
            let mut seen = |path: &Path| {
                let now = std::fs::read(path).unwrap();
                syncs += u32::from(now != written);
                written = now;
            };
            for half_hour in 1..=48 {
                for last in 0..100 {
                    let now_s = begin + half_hour * 1_800 + u64::from(last) * 18;
                    store.record(&[LeaseChange::Put(lease(last, now_s + 3_600))]).unwrap();
                    seen(&path);
                }
                if delay_s.is_some_and(|delay_s| half_hour * 1_800 % u64::from(delay_s) == 0) {
                    store.write_late().unwrap();
                    seen(&path);
                }
            }
            assert!(syncs <= syncs_at_most && syncs >= syncs_at_most / 2, "{delay_s:?}: {syncs}");
            // A line that ends of another length, or lies across two sectors, is appended now and then; the rest stays in place.
            let grown = std::fs::metadata(&path).unwrap().len() - length;
            assert!(grown < 16 * 1024, "{delay_s:?}: {grown}");
            println!("{delay_s:?}: {syncs} syncs, {grown} bytes longer than {length}");
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_name_moves_with_its_lease() {
        let mut store = Store::in_memory();
        store.record(&[LeaseChange::Put(lease(1, Some("Box")))]).unwrap();
        assert_eq!(store.holder_of("box"), Some(Ipv4Addr::new(10, 0, 0, 1)));
        let change = [LeaseChange::Put(lease(1, None)), LeaseChange::Put(lease(2, Some("box")))];
        store.record(&change).unwrap();
        assert_eq!(store.holder_of("BOX"), Some(Ipv4Addr::new(10, 0, 0, 2)));
        store.record(&[LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 2))]).unwrap();
        assert_eq!((store.holder_of("box"), store.len()), (None, 1));
    }

    #[test]
    fn what_dnsmasq_kept_of_a_lease_is_taken_over_and_stays_with_it() {
        let path = std::env::temp_dir().join(format!("wardmasq-provenance-{}", std::process::id()));
        let lines = "100 02:00:00:00:00:01 10.0.0.1 a *\n100 02:00:00:00:00:02 10.0.0.2 b *\n\
                     agent-info 10.0.0.1 01:01:61\nvendorclass 10.0.0.1 56\nagent-info 10.0.0.9 01\n";
        std::fs::write(&path, lines).unwrap();
        let (mut store, invalid) = Store::open(&path).unwrap();
        assert!(invalid.is_empty());
        let first = Ipv4Addr::new(10, 0, 0, 1);
        let expected = store.get(first).unwrap().clone();
        assert_eq!(expected.provenance.as_ref().unwrap().agent_info, Some(vec![1, 1, 0x61]));
        store.record(&[LeaseChange::Put(lease(2, None))]).unwrap();
        let (again, _) = Store::open(&path).unwrap();
        assert_eq!(again.get(first), Some(&expected));
        store.record(&[LeaseChange::Remove(first)]).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("10.0.0.1 "));
        std::fs::remove_file(&path).unwrap();
    }
}
