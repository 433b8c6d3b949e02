//! Word of changed files: inotify on directories, so that a file replaced by rename is seen too. In a build without it, a look at the
//! resolv files once a second.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use crate::dhcp_files::Kind;
use crate::files;

/// Watches directories.
pub struct Watch {
    inotify: Inotify,
    /// What each watched directory is there for.
    directories: BTreeMap<WatchDescriptor, Watched>,
}

struct Watched {
    path: PathBuf,
    /// Resolv files are in it.
    resolv: bool,
    /// It is a `hostsdir`.
    hosts: bool,
    /// It is a `dhcp-hostsdir` or a `dhcp-optsdir`.
    dhcp: Option<Kind>,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A resolv file, perhaps.
    Resolv,
    /// This file of a `hostsdir` is new or has new content.
    HostsFile(PathBuf),
    /// This file of a `hostsdir` is gone.
    HostsFileGone(PathBuf),
    /// This file of a `dhcp-hostsdir` or a `dhcp-optsdir` is new or has new content. (One that is gone stays in force until SIGHUP,
    /// as in dnsmasq: who writes such directories relies on it.)
    DhcpFile(PathBuf, Kind),
}

impl Watch {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Watch> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Watch { inotify, directories: BTreeMap::new() })
    }

    /// Watches the directories of these files. A link is followed once, now: both its own directory and its target's are watched.
    /// The error names the directory.
    pub fn resolv_files(&mut self, paths: &[PathBuf]) -> Result<(), (PathBuf, io::Error)> {
        for path in directories(paths) {
            self.add(&path, |watched| watched.resolv = true).map_err(|errno| (path, errno.into()))?;
        }
        Ok(())
    }

    /// Watches these directories of hosts files. The error names the directory.
    pub fn hosts_directories(&mut self, paths: &[PathBuf]) -> Result<(), (PathBuf, io::Error)> {
        for path in paths {
            self.add(path, |watched| watched.hosts = true).map_err(|errno| (path.clone(), errno.into()))?;
        }
        Ok(())
    }

    /// Watches a directory of files for DHCP. The error names it.
    pub fn dhcp_directory(&mut self, path: &Path, kind: Kind) -> Result<(), (PathBuf, io::Error)> {
        self.add(path, |watched| watched.dhcp = Some(kind)).map_err(|errno| (path.to_owned(), errno.into()))
    }

    fn add(&mut self, path: &Path, mark: impl FnOnce(&mut Watched)) -> Result<(), Errno> {
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE;
        let descriptor = self.inotify.add_watch(path, flags)?;
        let fresh = || Watched { path: path.to_owned(), resolv: false, hosts: false, dhcp: None };
        mark(self.directories.entry(descriptor).or_insert_with(fresh));
        Ok(())
    }

    /// What has changed since the last call, in order.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Ok(events) = self.inotify.read_events() {
            if events.is_empty() {
                break;
            }
            for event in events {
                let Some(watched) = self.directories.get(&event.wd) else { continue };
                let gone = AddWatchFlags::IN_MOVED_FROM | AddWatchFlags::IN_DELETE;
                if watched.resolv && !event.mask.intersects(gone) && !changes.contains(&Change::Resolv) {
                    changes.push(Change::Resolv);
                }
                let Some(name) = event.name else { continue };
                if let Some(kind) = watched.dhcp
                    && let Some(Change::HostsFile(path)) = hosts_change(&watched.path, name.clone(), event.mask)
                {
                    changes.push(Change::DhcpFile(path, kind));
                }
                if watched.hosts {
                    changes.extend(hosts_change(&watched.path, name, event.mask));
                }
            }
        }
        changes
    }
}

fn hosts_change(directory: &Path, name: OsString, mask: AddWatchFlags) -> Option<Change> {
    let written = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO;
    let path = directory.join(&name);
    if !files::is_wanted(&name) || mask.contains(AddWatchFlags::IN_ISDIR) || path.is_dir() {
        None
    } else if mask.intersects(written) {
        Some(Change::HostsFile(path))
    } else if mask.contains(AddWatchFlags::IN_CREATE) {
        // Its content is on the way, and another event with it.
        None
    } else {
        Some(Change::HostsFileGone(path))
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// The directories to watch, and to keep readable.
pub fn directories(files: &[PathBuf]) -> Vec<PathBuf> {
    let parent = |path: &Path| path.parent().map(Path::to_owned);
    let mut directories: Vec<PathBuf> = Vec::new();
    for file in files {
        directories.extend(parent(file));
        directories.extend(file.canonicalize().ok().as_deref().and_then(parent));
    }
    directories.sort();
    directories.dedup();
    directories
}
