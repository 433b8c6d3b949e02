//! A program to be measured.

use std::path::PathBuf;

/// One of the two programs.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// What the table calls it.
    pub name: &'static str,
    /// The program file.
    pub program: PathBuf,
}
