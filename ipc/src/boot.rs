//! The first message to every worker, and the fixed places of its descriptors.
//!
//! seccomp sees descriptor *numbers*, and a worker can neither duplicate nor open, so a number is a capability: the filter
//! allows sending to a freely chosen address only on `SOCKETS`, and closing only from `LATER` on. Every hole below `LATER` is
//! filled with the null device before the filter closes, so that nothing that arrives afterwards can land there.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::role::{Generation, Role};

/// The control channel to the parent.
pub const CONTROL: i32 = 3;
/// The log channel to the parent.
pub const LOG: i32 = 4;
/// The worker's epoll set.
pub const EPOLL: i32 = 5;
/// Sockets on which the worker may choose whom to send to: listening UDP and TCP sockets.
pub const SOCKETS: Range<i32> = 8..128;
/// Descriptors that are only read from: receive-only sockets, directories.
pub const HELD: Range<i32> = 128..192;
/// Whatever arrives after confinement: upstream and transfer sockets, accepted connections, files. Closable.
pub const LATER: i32 = 192;

/// What a descriptor of the boot message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The sealed memory file with the configuration slice. Read and closed before confinement.
    Slice,
    /// The sealed memory file with the table of routes, when it is too long for the slice. Mapped and closed before confinement.
    Routes,
    /// An `O_PATH` handle on the empty root. Entered and closed during confinement.
    EmptyRoot,
    /// UDP socket for clients; goes to `SOCKETS`.
    Datagram,
    /// Listening TCP socket for clients; goes to `SOCKETS`.
    Listener,
    /// Receive-only raw ICMP socket; goes to `HELD`.
    Echo,
    /// A directory handle; goes to `HELD`, in order.
    Directory,
    /// A netlink socket of the netfilter family; goes to `HELD`.
    NetlinkNetfilter,
    /// A netlink socket of the route family; goes to `HELD`.
    NetlinkRoute,
    /// One on which the kernel tells of neighbors; goes to `HELD`.
    NeighborMonitor,
}

/// parent to worker, once, first: who you are and what came along.
///
/// The descriptors ride on the same message, one per entry of `places`. The worker reads its slice, puts each descriptor at
/// its fixed number, confines itself, and answers `Ready`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The worker's role.
    pub role: Role,
    /// Which start of the role this is.
    pub generation: Generation,
    /// What each descriptor is, in the order sent.
    pub places: Vec<Place>,
    /// Seed of the core's random generator.
    pub seed: [u8; 32],
    /// Is this process the root of a user namespace of its own, with a second id (1) mapped for it to become?
    pub user_namespace: bool,
    /// The uid to become when there is no user namespace; `None` keeps the parent's.
    pub uid: Option<u32>,
    /// Directories that the role may read below (TFTP roots), for Landlock: how many `Directory` places there are.
    pub directories: u32,
    /// The kinds of packets of which the parent wants copies (`dumpfile`, `dumpmask`); 0: none.
    pub capture: u32,
    /// Kill instead of refuse at an unlisted system call.
    pub strict: bool,
    /// Builds with the `probe` feature: run this forbidden deed after confinement instead of serving.
    pub probe: Option<u32>,
}
