//! What the black-box tests stand on: a LAN made of network namespaces, the server under test, scripted upstreams.
//!
//! A test makes a [`Lan`], starts a [`Server`] in it and runs real clients in its namespaces. Everything is removed on drop.
//! The same test runs against wardmasq and against dnsmasq; [`Subject`] says which (environment `WARDMASQ_UNDER_TEST`).
//! All of this needs root.

pub mod dhcp_client;
pub mod dice;
pub mod directory;
pub mod effort;
pub mod lan;
pub mod load;
pub mod message;
pub mod namespace;
pub mod probe;
pub mod processes;
pub mod server;
pub mod shrink;
pub mod subject;
pub mod tftp_client;
pub mod upstream;
pub mod wait;
pub mod wire;

pub use dhcp_client::DhcpClient;
pub use dice::Dice;
pub use directory::Directory;
pub use lan::Lan;
pub use load::Load;
pub use namespace::Namespace;
pub use server::Server;
pub use shrink::shrink;
pub use subject::Subject;
pub use upstream::{Answer, Upstream};
pub use wait::{uninterrupted, wait_at_most, wait_for, wait_until};
pub use wire::Wire;
