//! The lease table that the parent keeps, so that no crash of a worker can lose it.
//!
//! `store` is the one owner of every lease; `file` keeps dnsmasq's lease file current; `line` is one lease as text;
//! `init` takes leases from a script instead; `turn` is what is about to be recorded.

pub mod file;
pub mod init;
pub mod line;
pub mod store;
pub mod turn;
