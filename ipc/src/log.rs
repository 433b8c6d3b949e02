//! worker to parent: lines for the log.
//!
//! They travel on a socket pair of their own, so that a flood of query logging cannot delay a lease commit. The parent adds
//! time, program name and process id, and escapes what is not printable.

use serde::{Deserialize, Serialize};

use crate::capture::Captured;

/// Most lines in one batch.
pub const LINES_MAX: usize = 64;
/// Longest line, in bytes; the sender cuts, and so does the parent.
pub const LINE_BYTES_MAX: usize = 1024;

/// Syslog severities in use, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// LOG_ERR.
    Error,
    /// LOG_WARNING.
    Warning,
    /// LOG_NOTICE.
    Notice,
    /// LOG_INFO.
    Info,
    /// LOG_DEBUG.
    Debug,
}

/// One line, without time, program name or newline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How urgent.
    pub severity: Severity,
    /// The text.
    pub text: String,
}

/// Lines of one turn of a worker's loop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// In order; at most [`LINES_MAX`].
    pub lines: Vec<Line>,
    /// The copy of a packet that has its place behind these lines.
    pub captured: Option<Captured>,
    /// Lines and copies that were dropped since the last batch because the channel was full.
    pub lost: u32,
}
