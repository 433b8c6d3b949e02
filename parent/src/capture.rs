//! The capture file (`dumpfile`): copies of packets as pcap, which Wireshark and tcpdump read.
//!
//! Workers send the copies, headers and all; here they get a time and a number, and nothing of them is looked at.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::SystemTime;

/// What a file begins with that this machine has written: times in microseconds, in its own byte order.
const MAGIC: u32 = 0xa1b2_c3d4;
/// Of the format, major and minor.
const VERSION: [u16; 2] = [2, 4];
/// Packets begin with an IP header (LINKTYPE_RAW).
const LINK_TYPE: u32 = 101;
const FILE_HEADER_BYTES: u64 = 24;
const RECORD_HEADER_BYTES: u64 = 16;
/// dnsmasq says that packets may be so much longer than the largest DNS message.
const MORE_BYTES: u32 = 200;

/// The open capture file.
pub struct CaptureFile {
    file: File,
    /// Packets that it holds.
    count: u64,
}

impl CaptureFile {
    /// Opens a file to add to, or makes one; a pipe is written to as far as somebody reads. `message_bytes`: the largest DNS message.
    /// The error is dnsmasq's text.
    pub fn open(path: &Path, message_bytes: u16) -> Result<CaptureFile, String> {
        let said = |what: &str| {
            let what = what.to_owned();
            move |error: io::Error| format!("cannot {what} {}: {}", path.display(), crate::files::reason(&error))
        };
        let is_pipe = match path.metadata() {
            Ok(metadata) => metadata.file_type().is_fifo(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                File::options().write(true).create_new(true).mode(0o600).open(path).map_err(said("create"))?;
                false
            }
            Err(error) => return Err(said("access")(error)),
        };
        let flags = libc::O_CLOEXEC | libc::O_NONBLOCK;
        // A pipe opened for both has a reader for good, so that it may be opened before Wireshark.
        let mut file =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).map_err(said("access"))?;
        let mut count = 0;
        if is_pipe || file.metadata().map_err(said("access"))?.len() == 0 {
            let snap_length = u32::from(message_bytes) + MORE_BYTES;
            let [major, minor] = VERSION.map(u16::to_ne_bytes);
            let numbers = [0, 0, snap_length, LINK_TYPE].map(u32::to_ne_bytes).concat();
            let header = [&MAGIC.to_ne_bytes()[..], &major, &minor, &numbers].concat();
            file.write_all(&header).map_err(said("write to"))?;
        } else {
            let mut header = [0; FILE_HEADER_BYTES as usize];
            file.read_exact(&mut header).map_err(said("access"))?;
            if !header.starts_with(&MAGIC.to_ne_bytes()) {
                return Err(format!("bad header in {}", path.display()));
            }
            count = to_end(&mut file).map_err(said("access"))?;
        }
        Ok(CaptureFile { file, count })
    }

    /// Adds a packet that has come just now, and returns its number; `None` when nobody reads the pipe. After an error the file ends with
    /// the packet before.
    pub fn add(&mut self, packet: &[u8]) -> io::Result<Option<u64>> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let length = packet.len() as u32;
        let numbers = [now.as_secs() as u32, now.subsec_micros(), length, length].map(u32::to_ne_bytes).concat();
        let record = [&numbers[..], packet].concat();
        let before = self.file.stream_position().ok();
        match self.file.write(&record) {
            Ok(written) if written == record.len() => {
                self.count += 1;
                Ok(Some(self.count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            outcome => {
                if let Some(before) = before {
                    // A part of it would hide what is added later. It is no worse if this fails, too.
                    let _ = self.file.set_len(before);
                    let _ = self.file.seek(SeekFrom::Start(before));
                }
                Err(outcome.err().unwrap_or_else(|| io::ErrorKind::StorageFull.into()))
            }
        }
    }
}

/// Goes behind the last whole packet and cuts off what follows. How many there are.
fn to_end(file: &mut File) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    let (mut count, mut end) = (0, FILE_HEADER_BYTES);
    let mut header = [0; RECORD_HEADER_BYTES as usize];
    while end + RECORD_HEADER_BYTES <= bytes {
        file.seek(SeekFrom::Start(end))?;
        file.read_exact(&mut header)?;
        let length = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
        let next = end + RECORD_HEADER_BYTES + u64::from(length);
        if next > bytes {
            break;
        }
        (count, end) = (count + 1, next);
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_what_somebody_reads_and_nothing_waits() {
        let path = std::env::temp_dir().join(format!("wardmasq-capture-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut capture = CaptureFile::open(&path, 1232).unwrap();
        let mut reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut added = 0;
        while let Some(number) = capture.add(&[7; 1000]).unwrap() {
            added += 1;
            assert_eq!(number, added);
        }
        let mut bytes = vec![0; FILE_HEADER_BYTES as usize];
        reader.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes[20..], LINK_TYPE.to_ne_bytes());
        let mut record = vec![0; RECORD_HEADER_BYTES as usize + 1000];
        for _ in 0..added {
            reader.read_exact(&mut record).unwrap();
            assert_eq!(record[RECORD_HEADER_BYTES as usize..], [7; 1000]);
        }
        assert_eq!(capture.add(&[8; 1000]).unwrap(), Some(added + 1), "there is room again");
    }

    #[test]
    fn what_cannot_be_written_whole_is_not_written() {
        let mut capture = CaptureFile { file: File::options().write(true).open("/dev/full").unwrap(), count: 0 };
        assert_eq!(capture.add(b"packet").unwrap_err().raw_os_error(), Some(libc::ENOSPC));
        assert_eq!(capture.count, 0);
    }
}
