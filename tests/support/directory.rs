//! A temporary directory that disappears with its owner.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh directory below the system's temporary one, readable for everybody, since servers give up root.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Makes one.
    #[expect(clippy::new_without_default, reason = "a default value should not touch the disk")]
    pub fn new() -> Directory {
        Directory::below(&std::env::temp_dir())
    }

    /// Makes one that no disk slows down, where the system has such a place.
    pub fn in_memory() -> Directory {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Directory::below(memory) } else { Directory::new() }
    }

    fn below(place: &Path) -> Directory {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = place.join(format!("wardmasq-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("make a temporary directory");
        let directory = Directory { path };
        open_to_all(&directory.path, 0o755);
        directory
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that everybody may read, with the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).expect("make a directory");
        }
        fs::write(&path, content).expect("write a file");
        open_to_all(&path, 0o644);
        path
    }

    /// Writes an executable script.
    pub fn write_script(&self, name: &str, content: &str) -> PathBuf {
        let path = self.write(name, content);
        open_to_all(&path, 0o755);
        path
    }

    /// The text of a file inside; empty when there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap_or_default()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set permissions");
}
