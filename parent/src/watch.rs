//! Word that a resolv file may have changed: inotify on the directories, so that a file replaced by rename is seen too.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Watches directories.
pub struct Watch {
    inotify: Inotify,
}

impl Watch {
    /// Watches the directories of these files. A link is followed once, now: both its own directory and its target's are watched.
    pub fn directories_of(files: &[PathBuf]) -> Result<Watch, (PathBuf, io::Error)> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(|errno| (PathBuf::from("/"), errno.into()))?;
        let flags = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CREATE;
        for directory in directories(files) {
            inotify.add_watch(&directory, flags).map_err(|errno| (directory.clone(), errno.into()))?;
        }
        Ok(Watch { inotify })
    }

    /// Takes note: something has changed.
    pub fn drain(&self) {
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
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
