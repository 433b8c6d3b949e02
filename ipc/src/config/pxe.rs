//! What PXE clients are offered: a menu and boot servers.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::tag::TagTest;

/// Everything about PXE, but for prompts, which are options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pxe {
    /// Is there a `pxe-service` or a `pxe-prompt`? Else no client counts as PXE.
    pub enabled: bool,
    /// `pxe-service` lines, in the order of the menu.
    pub services: Vec<PxeService>,
    /// `dhcp-pxe-vendor`: vendor classes that count as PXE; empty: `PXEClient` alone.
    pub vendors: Vec<Vec<u8>>,
}

/// One line of the menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PxeService {
    /// Which clients see it: their client system architecture (RFC 4578 section 2.1).
    pub architecture: u16,
    /// What the menu says.
    pub menu: Vec<u8>,
    /// What is booted.
    pub boot: PxeBoot,
    /// Where from; `None`: from us, or for a type whoever answers.
    pub server: Option<BootServer>,
    /// All must hold.
    pub tests: Vec<TagTest>,
}

/// What a line of the menu boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PxeBoot {
    /// From the local disk.
    Local,
    /// Whatever boot servers of this type give; never 0.
    Type(u16),
    /// A file.
    File {
        /// Its name, to which clients' layers are added.
        basename: String,
        /// The type that stands for it in the menu.
        kind: u16,
    },
}

/// A server to boot from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BootServer {
    /// By address.
    Address(Ipv4Addr),
    /// By name, to be looked up at each use; never empty.
    Name(String),
}
