//! Files in foreign hands: the parent opens them and passes the handle on; a worker parses.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Process;

/// A file to pass on, or why it cannot be.
pub type Opened = (PathBuf, io::Result<OwnedFd>);

/// The hosts files in reading order, opened.
pub fn hosts(process: &Process) -> Vec<Opened> {
    let opened = |path: PathBuf| {
        let file = open(&path);
        (path, file)
    };
    hosts_paths(process).into_iter().map(opened).collect()
}

/// The hosts files in reading order; a directory stands for its files.
pub fn hosts_paths(process: &Process) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for path in process.hosts.iter().chain(&process.addn_hosts).chain(&process.hostsdirs) {
        if path.is_dir() {
            paths.extend(files_of(path));
        } else {
            paths.push(path.clone());
        }
    }
    paths
}

/// The files of a directory in byte order, without those that editors leave behind.
fn files_of(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let wanted = |name: &str| {
        !(name.is_empty()
            || name.ends_with('~')
            || name.starts_with('.')
            || (name.starts_with('#') && name.ends_with('#')))
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_none_or(wanted))
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
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
