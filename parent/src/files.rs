//! Files in foreign hands: the parent opens them and passes the handle on; a worker parses.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Process;

/// The hosts files in reading order; a directory stands for its files.
pub fn hosts_paths(process: &Process) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for path in process.hosts.iter().chain(&process.addn_hosts).chain(&process.hostsdirs) {
        paths.extend(expanded(path));
    }
    paths
}

/// A file, or the files of a directory.
pub fn expanded(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() { files_of(path) } else { vec![path.to_owned()] }
}

/// The files of a directory in byte order, without those that editors leave behind.
fn files_of(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| is_wanted(&entry.file_name()))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
}

/// Is a file of this name read, or did an editor leave it behind?
pub fn is_wanted(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    !(name.is_empty()
        || name.ends_with(b"~")
        || name.starts_with(b".")
        || (name.starts_with(b"#") && name.ends_with(b"#")))
}

/// The resolv file to use: of those that are there, the one changed last.
pub fn newest(paths: &[PathBuf]) -> Option<(&Path, SystemTime)> {
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|facts| facts.modified()).ok();
    let there = paths.iter().filter_map(|path| Some((path.as_path(), changed(path)?)));
    // Of equals the first named wins.
    there.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Opens for reading without waiting, so that a pipe cannot hold us up.
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    let file = File::options().read(true).custom_flags(libc::O_CLOEXEC | libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EISDIR));
    }
    Ok(file.into())
}

/// The system's text for an error, as dnsmasq prints it.
pub fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(raw) => nix::errno::Errno::from_raw(raw).desc().to_owned(),
        None => error.to_string(),
    }
}
