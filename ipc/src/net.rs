//! The conversation between the parent and the net worker, which asks the kernel for what no other worker may.
//!
//! Every request names sets by index and every answer is small: nothing that a packet says is a name here. The parent checks what
//! dns asks for and passes it on; tickets are the parent's own, since dns workers come and go.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::link::HardwareAddress;

/// Most addresses in one [`Filling`].
pub const ADDRESSES_MAX: usize = 64;
/// Most sets of one line that are filled; those behind them are left alone.
pub const SETS_MAX: usize = 1024;
/// Most outcomes in one answer: two lines at least.
pub const OUTCOMES_MAX: usize = 4096;

/// parent to net.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Begin. The worker answers `Serving`.
    Start,
    /// What does the kernel know of this client? Answered by `Seen`.
    Look {
        /// Comes back in the answer.
        ticket: u32,
        /// Whom it is about.
        contact: Contact,
    },
    /// Add addresses to sets. Answered by `Filled` when the kernel has them.
    Fill {
        /// Comes back in the answer.
        ticket: u32,
        /// What goes where.
        filling: Filling,
    },
}

/// net to parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent {
    /// Begun to serve.
    Serving,
    /// Answer to `Look`.
    Seen {
        /// The ticket of the request.
        ticket: u32,
        /// What the kernel knows.
        facts: ClientFacts,
    },
    /// Answer to `Fill`.
    Filled {
        /// The ticket of the request.
        ticket: u32,
        /// For each address, for each set of the ipset line and then of the nftset line. At most [`OUTCOMES_MAX`].
        outcomes: Vec<SetOutcome>,
    },
    /// The neighbors that there are come now, from the first on. Said where neighbors are watched, after `Serving` and whenever the
    /// kernel's word of changes was lost.
    NeighborsStart,
    /// What the kernel knows of a neighbor, now or anew.
    Neighbor {
        /// Kernel index of the interface.
        interface: u32,
        /// Its address.
        address: IpAddr,
        /// Its hardware address; `None`: no longer known.
        hardware: Option<HardwareAddress>,
    },
    /// All neighbors have been told.
    NeighborsEnd,
}

/// A client as it reached us, and what is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Where its packets come from.
    pub client: SocketAddr,
    /// Where they went.
    pub server: SocketAddr,
    /// By TCP?
    pub tcp: bool,
    /// Kernel index of the arrival interface; 0 when it is not known.
    pub interface: u32,
    /// Is the mark of its connection asked for?
    pub mark: bool,
    /// Is its hardware address asked for?
    pub hardware: bool,
}

/// What the kernel knows of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFacts {
    /// The mark of its connection (`nf_conntrack`); `None`: the kernel tracks no such connection.
    pub mark: Option<u32>,
    /// Its hardware address; `None`: it is no neighbor.
    pub hardware: Option<HardwareAddress>,
}

/// Addresses on their way into kernel sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    /// Index of an `ipset` line.
    pub ipset: Option<u32>,
    /// Index of an `nftset` line.
    pub nftset: Option<u32>,
    /// What to add; at most [`ADDRESSES_MAX`].
    pub addresses: Vec<IpAddr>,
}

/// What became of one address and one set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetOutcome {
    /// The set has it now.
    Added,
    /// The line keeps addresses of this family out of the set (`4#`, `6#`).
    LeftOut,
    /// There is no such set.
    NoSuchSet,
    /// The set is for addresses of another family.
    OtherFamily,
    /// The set holds an interval that the address lies in.
    Overlap,
    /// That is no name of a set.
    NoName,
    /// The name of the set is longer than names can be.
    NameTooLong,
    /// The kernel refused for this reason, an errno.
    Refused(i32),
}
