//! Netlink without sockets: address sets, connection marks, neighbors. What the kernel is asked on behalf of the other workers.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the front door: one request of the parent, one answer |
//! | `kernel` | what the engine asks of the kernel |
//! | `netlink` | messages and attributes: written, and read again |
//! | `netfilter` | what the messages of netfilter's subsystems have in common |
//! | `ipset`, `nftset` | adding an address to a set |
//! | `conntrack` | the mark of a connection |
//! | `neighbor` | the hardware address of a client |
//!
//! The kernel answers a netlink request before the call that sends it returns. So there is nothing to wait for and no table of
//! requests in flight: a request of the parent is done when the engine returns.

#![forbid(unsafe_code)]

mod conntrack;
mod engine;
mod ipset;
mod kernel;
mod neighbor;
mod netfilter;
mod netlink;
mod nftset;

pub use engine::Engine;
pub use kernel::{Family, Kernel};
