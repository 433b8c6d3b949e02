//! The program that hears of leases: `dhcp-script` and what belongs to it.

use std::path::PathBuf;

use serde::Serialize;

use super::draft::Draft;
use super::fault::Fault;
use super::process::given;
use super::text::{reveal_path, reveal_text};

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// The program that hears of leases, files sent, and neighbors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeaseScript {
    /// `dhcp-script`.
    #[serde(serialize_with = "super::path_text::maybe")]
    pub program: Option<PathBuf>,
    /// `dhcp-luascript`.
    #[serde(serialize_with = "super::path_text::maybe")]
    pub lua: Option<PathBuf>,
    /// `dhcp-scriptuser`; `None`: root.
    pub user: Option<String>,
    /// `script-on-renewal`: renewed leases are told too.
    pub on_renewal: bool,
    /// `script-arp`: neighbors are told too.
    pub arp: bool,
}

impl LeaseScript {
    /// Is there anybody to tell?
    pub fn wanted(&self) -> bool {
        self.program.is_some() || self.lua.is_some()
    }
}

pub(crate) fn program(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.script.program = given(value).map(reveal_path);
    Ok(())
}

pub(crate) fn lua(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.script.lua = given(value).map(reveal_path);
    Ok(())
}

pub(crate) fn user(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.script.user = given(value).map(reveal_text);
    Ok(())
}
