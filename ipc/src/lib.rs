//! What two wardmasq processes agree on: the messages between the parent and its workers, the slices of the
//! configuration that each worker receives, and the nouns that both sides use.
//!
//! The processes form a star with the parent in the middle, so every conversation here is between the parent and one
//! role. A type lives here only if it crosses a process boundary; any other type lives with its owner.
//!
//! | file | holds |
//! |---|---|
//! | `frame` | one message as bytes: bounded, no trailing bytes |
//! | `channel` | the socket pair that carries frames and descriptors (feature `channel`) |
//! | `role` | which worker, and which start of it |
//! | `boot` | the first message to every worker, and the fixed descriptor numbers |
//! | `control` | the envelope of every later message |
//! | `dns`, `dhcp`, `tftp`, `net`, `script`, `log` | one conversation each |
//! | `capture` | copies of packets, which go along with `log` |
//! | `event` | what lease scripts are told |
//! | `config` | the slices |
//! | `idn` | names beyond ASCII |
//! | `known_host` | what hosts files say that DHCP wants to know |
//! | `lease`, `link`, `tag`, `time` | nouns |

pub mod boot;
pub mod capture;
#[cfg(feature = "channel")]
pub mod channel;
pub mod config;
pub mod control;
pub mod dhcp;
pub mod dns;
pub mod event;
pub mod frame;
pub mod idn;
pub mod known_host;
pub mod lease;
pub mod link;
pub mod log;
pub mod net;
pub mod role;
pub mod script;
pub mod tag;
pub mod tftp;
pub mod time;

/// Largest message on any channel, in bytes. Bulk (slices) travels as a sealed memory file instead.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Largest configuration slice, in bytes.
pub const SLICE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most descriptors in one message: what the kernel allows in one control block.
pub const DESCRIPTORS_MAX: usize = 253;
/// Longest host or domain name in any message, in bytes of text.
pub const NAME_BYTES_MAX: usize = 253;
