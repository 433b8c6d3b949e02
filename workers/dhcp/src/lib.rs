//! DHCPv4 without sockets.
#![forbid(unsafe_code)]

mod engine;
mod outbox;

pub use engine::{Arrival, Engine, Input};
pub use outbox::{Action, Outbox};
