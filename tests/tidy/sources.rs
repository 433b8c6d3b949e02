//! The files of this checkout.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file.
pub struct File {
    /// Its path from the root of the checkout.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// A file that must be there.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust source file.
pub fn rust_files() -> Vec<File> {
    tracked_text_files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// Every text file outside build output and hidden folders, in order of path.
pub fn tracked_text_files() -> Vec<File> {
    let mut files = Vec::new();
    let root = root();
    walk(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn walk(root: &Path, directory: &Path, files: &mut Vec<File>) {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name.starts_with("target") {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            files.push(File { path, text });
        }
    }
}
