//! What the engine asks of the file system. The shell answers with `openat2`; tests answer from memory.

/// An open file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileHandle(pub u32);

/// Why a file could not be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// There is none.
    NotFound,
    /// Permission denied.
    Denied,
    /// Another reason, in the system's words.
    Other(String),
}

/// What is known of an open file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    /// A regular file?
    pub regular: bool,
    /// A directory?
    pub directory: bool,
    /// May anybody read it?
    pub world_readable: bool,
    /// Does it belong to the user that the service runs as?
    pub own: bool,
}

/// Files below the roots of the slice. `root` is an index into its `roots`; `path` is relative, names the root itself as `.`,
/// and has no `..` at any place.
pub trait Files {
    /// Opens for reading, following no path out of the root.
    fn open(&mut self, root: usize, path: &str) -> Result<(FileHandle, FileFacts), OpenError>;
    /// Is there a directory of this name?
    fn is_directory(&mut self, root: usize, path: &str) -> bool;
    /// Reads into `buffer` from `offset`; 0 at the end of the file. Errors in the system's words.
    fn read_at(&mut self, file: FileHandle, offset: u64, buffer: &mut [u8]) -> Result<usize, String>;
    /// Closes.
    fn close(&mut self, file: FileHandle);
}
