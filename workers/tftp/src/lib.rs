//! TFTP without sockets or files: read requests, options, transfers and path rules (RFC 1350, 2347 to 2349, 7440).
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the front door: which packet meets which transfer, and what happens when time passes |
//! | `files` | what the engine asks of the file system |
//! | `outbox` | what it hands back: packets, messages to the parent, log lines |
//! | `path` | from the name in a request to a path below a root |
//! | `wire` | packets in and out |
//! | `options` | what a client asked for and what it gets |
//! | `transfer` | one file on its way: blocks, windows, acknowledgements, retransmission |
//! | `lines` | log lines and error texts |
//!
//! The life of a transfer: a request on port 69 is judged and its file opened; if that fails the error leaves from port 69. Else
//! the parent is asked for a socket, bound to the address that was asked and connected to the client. Only when it arrives does
//! the first packet leave.

#![forbid(unsafe_code)]

mod engine;
mod files;
mod lines;
mod options;
mod outbox;
mod path;
mod transfer;
mod wire;

pub use engine::{Arrival, Engine, Handle, Input};
pub use files::{FileFacts, FileHandle, Files, OpenError};
pub use outbox::{Action, Outbox};
