//! dnsmasq's lease file, kept current at a cost that does not grow with the number of leases.
//!
//! A change is **appended** as a new line and synced; only then is the line it replaces **blanked** (overwritten by spaces, which every
//! reader of the format skips). So at any moment, and after a crash at any byte, the file holds a complete line for every lease
//! that was ever acknowledged: of two lines for one address the later one counts, and a last line without newline was never acknowledged.
//! A lease that merely lasts longer gets its new end **in place**, if it has as many digits and they lie within one sector, which a disk
//! writes whole. (Cut short after some digits, the end is between what was promised and something later, since the new one is greater.)
//! When more than half of the file is blank it is written afresh beside itself and renamed into place; where the directory forbids that (a
//! bind mount, a profile), in place, as dnsmasq does on every change.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ipc::lease::Lease;

use super::line::{self, Record};

/// Blank bytes that are always tolerated, so that a small file is not rewritten over and over.
const BLANK_BYTES_TOLERATED: u64 = 8 * 1024;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// Where the line of a lease stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    offset: u64,
    length: u32,
    /// The end of the lease that it begins with, and the number of its digits; no digits if it is written in an unusual way.
    end_s: u64,
    digits: u32,
}

/// A lease that merely lasts longer than its line says: where that is, and until when it is to last.
#[derive(Clone, Copy, Debug)]
pub struct Extension {
    place: Place,
    until_s: u64,
}

impl Place {
    /// Where `piece` begins, which is read as this lease.
    fn found(offset: u64, piece: &str, lease: &Lease) -> Place {
        let number = lease.expires_s.to_string();
        let usual = piece.strip_prefix(&number).is_some_and(|rest| rest.starts_with(' '));
        let digits = if usual { number.len() as u32 } else { 0 };
        Place { offset, length: piece.len() as u32, end_s: lease.expires_s, digits }
    }

    /// The end of the lease that it says.
    pub fn end_s(&self) -> u64 {
        self.end_s
    }

    /// Bytes in front of it.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The change of this line to a later end of the lease, if it can be made in place.
    pub fn extension(&self, until_s: u64) -> Option<Extension> {
        let digits = until_s.checked_ilog10()? + 1;
        let last = self.offset + u64::from(digits) - 1;
        let fits = self.end_s != 0
            && self.end_s < until_s
            && digits == self.digits
            && self.offset / SECTOR_BYTES == last / SECTOR_BYTES;
        fits.then_some(Extension { place: *self, until_s })
    }
}

impl Extension {
    /// The place of the line when it has been made.
    pub fn extended(&self) -> Place {
        Place { end_s: self.until_s, ..self.place }
    }
}

/// The open lease file.
pub struct LeaseFile {
    path: PathBuf,
    file: File,
    end: u64,
    blank: u64,
    /// It holds lines that are no records, of which there is no copy yet.
    damaged: bool,
    /// It holds lines about leases that do not stand behind these.
    scattered: bool,
    /// Lines that are kept as they were found (DUID, IPv6).
    kept: String,
}

/// What a file held.
pub struct Loaded {
    /// The open file.
    pub file: LeaseFile,
    /// Its leases, each once, in file order.
    pub leases: Vec<(Lease, Place)>,
    /// Lines that are no records, for the log: number and text.
    pub invalid: Vec<(usize, String)>,
}

impl LeaseFile {
    /// Opens or creates the file and reads it as far as it makes sense.
    pub fn open(path: &Path) -> io::Result<Loaded> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW)
            .open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut loaded = Loaded {
            file: LeaseFile {
                path: path.to_owned(),
                file,
                end: bytes.len() as u64,
                blank: 0,
                damaged: false,
                scattered: false,
                kept: String::new(),
            },
            leases: Vec::new(),
            invalid: Vec::new(),
        };
        let mut at = std::collections::HashMap::<Ipv4Addr, usize>::new();
        let mut offset = 0;
        for (index, piece) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let begin = offset;
            offset += piece.len() as u64;
            let complete = piece.ends_with(b"\n");
            let text = String::from_utf8_lossy(piece);
            // As long as in the file, whatever bytes it is made of.
            let length = piece.len() as u32;
            let text = text.trim_end_matches(['\n', '\r']);
            match line::read(text) {
                Record::Blank => loaded.file.blank += u64::from(length),
                Record::Kept if complete => {
                    loaded.file.kept.push_str(text);
                    loaded.file.kept.push('\n');
                }
                // A line that was cut off counts only if it is all we know of its address.
                Record::Lease(lease) if complete || !at.contains_key(&lease.address) => {
                    let place = Place { length, ..Place::found(begin, text, &lease) };
                    match at.get(&lease.address) {
                        Some(&earlier) => {
                            loaded.file.blank += u64::from(loaded.leases[earlier].1.length);
                            loaded.leases[earlier] = (lease, place);
                        }
                        None => {
                            at.insert(lease.address, loaded.leases.len());
                            loaded.leases.push((lease, place));
                        }
                    }
                }
                Record::Lease(_) => {}
                Record::More(address, more) if complete => {
                    // dnsmasq has these lines behind all leases; we have each behind its own, and they go together.
                    match at.get(&address).and_then(|index| loaded.leases.get_mut(*index)) {
                        Some((lease, own)) => {
                            more.add_to(lease);
                            if own.offset + u64::from(own.length) == begin {
                                own.length += length;
                            } else {
                                loaded.file.scattered = true;
                            }
                        }
                        None => loaded.file.blank += u64::from(length),
                    }
                }
                Record::More(..) => {}
                Record::Kept | Record::Invalid => loaded.invalid.push((index + 1, text.to_owned())),
            }
        }
        loaded.file.damaged = !loaded.invalid.is_empty();
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            // The next line must not be glued to the remains of this one.
            loaded.file.append(b"\n")?;
        }
        Ok(loaded)
    }

    /// The path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends these leases, changes the end of those, and makes all of it durable with one sync. Afterwards, and only then, the places
    /// that appended lines replace may be [blanked](Self::blank). On failure the file is as it was.
    pub fn write<'a>(
        &mut self,
        appended: impl IntoIterator<Item = &'a Lease>,
        extended: &[Extension],
    ) -> io::Result<Vec<Place>> {
        let (text, places) = lines_of(appended, self.end);
        if text.is_empty() && extended.is_empty() {
            return Ok(places);
        }
        let written = self.extend(extended, |extension| extension.until_s);
        match written.and_then(|()| self.append(text.as_bytes())) {
            Ok(()) => Ok(places),
            Err(error) => {
                // What was refused must not be found after a restart either.
                let _ = self.extend(extended, |extension| extension.place.end_s);
                Err(error)
            }
        }
    }

    fn extend(&mut self, extended: &[Extension], end: impl Fn(&Extension) -> u64) -> io::Result<()> {
        let mut number = String::new();
        for extension in extended {
            number.clear();
            let _ = write!(number, "{}", end(extension));
            self.file.write_all_at(number.as_bytes(), extension.place.offset)?;
        }
        Ok(())
    }

    /// Appends, and makes this and what was written before durable.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all_at(bytes, self.end).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.end += bytes.len() as u64,
            Err(_) => drop(self.file.set_len(self.end)),
        }
        written
    }

    /// Overwrites lines that are no longer true. `durable`: wait until the disk knows (a removal that is promised to somebody).
    pub fn blank(&mut self, places: &[Place], durable: bool) -> io::Result<()> {
        for place in places {
            let mut spaces = vec![b' '; place.length as usize];
            if let Some(last) = spaces.last_mut() {
                *last = b'\n';
            }
            self.file.write_all_at(&spaces, place.offset)?;
            self.blank += u64::from(place.length);
        }
        if durable && !places.is_empty() {
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Is it time to write the file afresh?
    pub fn wants_compaction(&self) -> bool {
        self.scattered || self.blank > BLANK_BYTES_TOLERATED && self.blank > self.end / 2
    }

    /// Writes the file afresh with exactly these leases, in this order, and returns their places. One that held lines that are no
    /// records is copied first, to the same name with `.damaged` behind it, and is not written if it cannot be copied.
    pub fn compact<'a>(&mut self, leases: impl IntoIterator<Item = &'a Lease>) -> io::Result<Vec<Place>> {
        let (mut text, places) = lines_of(leases, 0);
        text.push_str(&self.kept);
        if self.damaged {
            self.copy_damaged()?;
            self.damaged = false;
        }
        match self.replace_by_rename(text.as_bytes()) {
            Ok(file) => self.file = file,
            Err(_) => {
                self.file.set_len(0)?;
                self.file.write_all_at(text.as_bytes(), 0)?;
                self.file.sync_data()?;
            }
        }
        self.end = text.len() as u64;
        self.blank = 0;
        self.scattered = false;
        Ok(places)
    }

    /// Keeps the file as it is beside itself, lines that are no records included: they may be all that is left of something.
    fn copy_damaged(&self) -> io::Result<()> {
        let mut bytes = vec![0; usize::try_from(self.end).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, 0)?;
        let mut copy = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW)
            .open(self.beside(".damaged"))?;
        copy.write_all(&bytes)?;
        copy.sync_all()
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        PathBuf::from(path)
    }

    fn replace_by_rename(&self, bytes: &[u8]) -> io::Result<File> {
        let beside = self.beside(".new");
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o644)
            .custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW)
            .open(&beside)?;
        let done = file.set_permissions(self.file.metadata()?.permissions()).and_then(|()| {
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)?;
            match self.path.parent() {
                Some(directory) => File::open(directory)?.sync_all(),
                None => Ok(()),
            }
        });
        if done.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        done.map(|()| file)
    }
}

/// The lines of these leases, and their places if they are written from `offset` on.
fn lines_of<'a>(leases: impl IntoIterator<Item = &'a Lease>, offset: u64) -> (String, Vec<Place>) {
    let mut text = String::new();
    let mut places = Vec::new();
    for lease in leases {
        let before = text.len();
        line::write(lease, &mut text);
        places.push(Place::found(offset + before as u64, &text[before..], lease));
    }
    (text, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::link::HardwareAddress;

    /// A directory that vanishes with the test.
    pub(crate) struct Scratch(pub PathBuf);

    impl Scratch {
        pub(crate) fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("wardmasq-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn lease(last: u8, expires_s: u64) -> Lease {
        Lease {
            address: Ipv4Addr::new(10, 0, 0, last),
            hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 0, last]).unwrap(),
            client_id: None,
            name: None,
            expires_s,
            provenance: None,
        }
    }

    fn read_back(path: &Path) -> Vec<Lease> {
        LeaseFile::open(path).unwrap().leases.into_iter().map(|(lease, _)| lease).collect()
    }

    #[test]
    fn a_renewal_replaces_the_line() {
        let scratch = Scratch::new("renewal");
        let path = scratch.0.join("leases");
        let mut file = LeaseFile::open(&path).unwrap().file;
        let first = file.write([&lease(1, 10), &lease(2, 10)], &[]).unwrap();
        file.write([&lease(1, 20)], &[]).unwrap();
        assert_eq!(read_back(&path), [lease(1, 20), lease(2, 10)], "before the old line is blank, the later counts");
        file.blank(&first[..1], false).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(lines, ["10 02:00:00:00:00:02 10.0.0.2 * *", "20 02:00:00:00:00:01 10.0.0.1 * *"]);
    }

    #[test]
    fn a_longer_lease_is_written_in_place_if_a_cut_does_no_harm() {
        let scratch = Scratch::new("extension");
        let path = scratch.0.join("leases");
        let mut file = LeaseFile::open(&path).unwrap().file;
        let place = file.write([&lease(1, 1_000_999)], &[]).unwrap()[0];
        let before = std::fs::read(&path).unwrap();
        let extension = place.extension(1_001_000).unwrap();
        file.write([&lease(2, 5)], &[extension]).unwrap();
        assert_eq!(read_back(&path), [lease(1, 1_001_000), lease(2, 5)]);
        let after = std::fs::read(&path).unwrap();
        for cut in 0..before.len() {
            std::fs::write(&path, [&after[..cut], &before[cut..]].concat()).unwrap();
            let [found] = &read_back(&path)[..] else { panic!("cut at {cut}") };
            assert!(found.expires_s >= 1_000_999 && *found == lease(1, found.expires_s), "cut at {cut}");
        }
        assert!(extension.extended().extension(1_001_000).is_none(), "it is there already");
        for until_s in [0, 1_000_998, 1_000_999, 10_000_000] {
            assert!(place.extension(until_s).is_none(), "{until_s}");
        }
        assert!(Place { end_s: 0, ..place }.extension(1_001_000).is_none(), "it never ended");
        let across = Place { offset: SECTOR_BYTES - 6, ..place };
        assert!(across.extension(1_001_000).is_none(), "two sectors");
        assert!(Place { offset: SECTOR_BYTES - 7, ..place }.extension(1_001_000).is_some());

        for unusual in [" 1000999", "01000999", "1000999\t"] {
            std::fs::write(&path, format!("{unusual} 02:00:00:00:00:01 10.0.0.1 * *\n")).unwrap();
            for (_, place) in LeaseFile::open(&path).unwrap().leases {
                assert!(place.extension(1_001_000).is_none(), "{unusual:?}");
            }
        }
    }

    #[test]
    fn a_file_cut_at_any_byte_keeps_every_acknowledged_lease() {
        let scratch = Scratch::new("cut");
        let path = scratch.0.join("leases");
        let mut file = LeaseFile::open(&path).unwrap().file;
        file.write([&lease(1, 10)], &[]).unwrap();
        let acknowledged = std::fs::metadata(&path).unwrap().len();
        file.write([&lease(1, 99)], &[]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for end in acknowledged as usize..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            assert_eq!(read_back(&path), [lease(1, 10)], "cut at {end}");
        }
    }

    #[test]
    fn compaction_keeps_leases_and_foreign_records() {
        let scratch = Scratch::new("compact");
        let path = scratch.0.join("leases");
        std::fs::write(&path, "10 02:00:00:00:00:01 10.0.0.1 * *\nduid 00:01\n5 7 2001:db8::5 box 00:01\n").unwrap();
        let mut file = LeaseFile::open(&path).unwrap().file;
        for round in 0..1000 {
            let place = file.write([&lease(2, round)], &[]).unwrap();
            file.blank(&place, false).unwrap();
        }
        assert!(file.wants_compaction());
        file.compact([&lease(1, 10), &lease(2, 7)]).unwrap();
        assert!(!file.wants_compaction());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "10 02:00:00:00:00:01 10.0.0.1 * *\n7 02:00:00:00:00:02 10.0.0.2 * *\nduid 00:01\n5 7 2001:db8::5 box 00:01\n"
        );
        file.write([&lease(3, 1)], &[]).unwrap();
        assert_eq!(read_back(&path).len(), 3, "appending goes on in the new file");
    }

    #[test]
    fn junk_is_named_and_the_rest_is_read() {
        let scratch = Scratch::new("junk");
        let path = scratch.0.join("leases");
        std::fs::write(&path, b"junk\n\xff\xfe\n10 02:00:00:00:00:01 10.0.0.1 * *\n").unwrap();
        let loaded = LeaseFile::open(&path).unwrap();
        assert_eq!(loaded.leases.len(), 1);
        assert_eq!(loaded.invalid.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_damaged_file_is_copied_before_it_is_written_afresh() {
        let scratch = Scratch::new("damaged");
        let path = scratch.0.join("leases");
        let text = b"junk\n10 02:00:00:00:00:01 10.0.0.1 * *\n\xff\n";
        std::fs::write(&path, text).unwrap();
        let copy = scratch.0.join("leases.damaged");
        let mut file = LeaseFile::open(&path).unwrap().file;
        assert!(!copy.exists());
        file.compact([&lease(1, 10)]).unwrap();
        assert_eq!(std::fs::read(&copy).unwrap(), text);
        assert_eq!(std::fs::read(&path).unwrap(), b"10 02:00:00:00:00:01 10.0.0.1 * *\n");

        // What cannot be copied is left as it is.
        std::fs::write(&path, text).unwrap();
        std::fs::remove_file(&copy).unwrap();
        std::fs::create_dir(&copy).unwrap();
        let mut file = LeaseFile::open(&path).unwrap().file;
        assert!(file.compact([&lease(1, 10)]).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), text);
    }
}
