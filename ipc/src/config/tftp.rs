//! What the tftp worker is told at start.

use serde::{Deserialize, Serialize};

/// The tftp slice. The directory handles of `roots` ride on the boot message, in the same order, one for each root that is
/// present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TftpSlice {
    /// `tftp-root` lines: at most one without interface, and it comes last.
    pub roots: Vec<TftpRoot>,
    /// `tftp-secure`.
    pub secure: bool,
    /// `tftp-lowercase`.
    pub lowercase: bool,
    /// `tftp-no-blocksize`.
    pub no_blocksize: bool,
    /// `tftp-unique-root`: append the client's IP address.
    pub unique_root: bool,
    /// `tftp-max`: transfers at once.
    pub max: u32,
    /// `tftp-mtu`.
    pub mtu: Option<u32>,
    /// `quiet-tftp`.
    pub quiet: bool,
    /// Does a script hear of files that were sent?
    pub tell_script: bool,
}

/// One directory that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TftpRoot {
    /// The path as configured, with a final `/`: names in requests may begin with it, and log lines show it.
    pub path: String,
    /// Only for requests that arrive here.
    pub interface: Option<String>,
}
