//! The conversation between the parent and the script process.
//!
//! The channel is a SOCK_SEQPACKET pair as for workers. Its end tells the script process to finish its queue and leave.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// parent to script: first [`Setup`](ToScript::Setup), once, then events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToScript {
    /// What to run, and how.
    Setup(Setup),
    /// Tell the script of this. Not answered.
    Event(Event),
}

/// What to run, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// `dhcp-script`: the program's path, as bytes.
    pub program: Option<Vec<u8>>,
    /// `dhcp-luascript`: the path of the Lua program, as bytes.
    pub lua: Option<Vec<u8>>,
    /// `dhcp-scriptuser`: whom to become; `None` stays who the parent is.
    pub identity: Option<Identity>,
    /// `log-dhcp`: told to the script as well.
    pub log_dhcp: bool,
    /// `no-daemon`: scripts write to our standard output and error instead of the log.
    pub debug: bool,
}

/// A user to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// script to parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent {
    /// Events are taken from now on. Said once by each process that takes them: the second time, the one before has died and what it
    /// had taken is lost, so the parent tells all leases again.
    Started,
    /// The queue was full, and so many events were dropped. Now it is empty: the parent tells all leases again.
    Lost(u32),
    /// The Lua program could not be loaded, for this reason. The process has ended.
    Failed(String),
}
