//! Files that add to the configuration of DHCP: `dhcp-hostsfile` and its relatives. What is in them is read after the start, and again.

use std::path::PathBuf;

use serde::Serialize;

use super::draft::Draft;
use super::fault::Fault;
use super::process::given;
use super::text::reveal_path;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// Files that add to the configuration of DHCP; each may be a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DhcpFiles {
    /// `dhcp-hostsfile`, in reading order, which is the reverse of the order written.
    #[serde(serialize_with = "super::path_text::each")]
    pub hosts: Vec<PathBuf>,
    /// `dhcp-optsfile`, in reading order, which is the reverse of the order written.
    #[serde(serialize_with = "super::path_text::each")]
    pub options: Vec<PathBuf>,
    /// `dhcp-hostsdir`: watched directories.
    #[serde(serialize_with = "super::path_text::each")]
    pub hosts_dirs: Vec<PathBuf>,
    /// `dhcp-optsdir`: watched directories.
    #[serde(serialize_with = "super::path_text::each")]
    pub options_dirs: Vec<PathBuf>,
    /// `read-ethers`: `/etc/ethers` is read.
    pub ethers: bool,
}

pub(crate) fn hosts_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dhcp_files.hosts.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn options_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dhcp_files.options.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn hosts_dir(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dhcp_files.hosts_dirs.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn options_dir(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dhcp_files.options_dirs.extend(given(value).map(reveal_path));
    Ok(())
}

impl DhcpFiles {
    /// Puts lists into the order in which they are read.
    pub(crate) fn settle(&mut self) {
        self.hosts.reverse();
        self.options.reverse();
    }

    /// Are there directories to watch?
    pub fn watched(&self) -> bool {
        !self.hosts_dirs.is_empty() || !self.options_dirs.is_empty()
    }
}
