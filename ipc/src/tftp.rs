//! The conversation between the parent and the tftp worker.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::link::Interface;

/// parent to tftp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The interfaces as they are now. Sent before `Start` and whenever they change.
    Interfaces(Vec<Interface>),
    /// Begin to serve. The worker answers `Serving`.
    Start,
    /// Answer to `WantTransfer`: one connected socket rides along.
    TransferSocket {
        /// The request's ticket.
        ticket: u32,
        /// Where the transfer is from.
        local: SocketAddr,
        /// Whom it is with.
        client: SocketAddr,
    },
    /// Answer to `WantTransfer` when no socket could be made.
    NoSocket {
        /// The request's ticket.
        ticket: u32,
    },
}

/// tftp to parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent {
    /// Begun to serve.
    Serving,
    /// Make a UDP socket bound to `local` and connected to `client`, for one transfer. The parent answers only while fewer than
    /// the configured number of transfers can be open.
    WantTransfer {
        /// Comes back in the answer.
        ticket: u32,
        /// Who asked.
        client: SocketAddr,
        /// The address of ours that was asked.
        local: IpAddr,
        /// Kernel index of the arrival interface.
        interface: u32,
    },
    /// A file was sent whole, where a script is to hear of it. Not answered.
    Sent {
        /// Its size in bytes.
        size: u64,
        /// Who got it.
        client: IpAddr,
        /// Its path, root included; at most [`PATH_BYTES_MAX`](crate::event::PATH_BYTES_MAX) bytes.
        path: String,
    },
}
