//! From where to where DHCP is relayed.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// One `dhcp-relay`: from where to where requests are relayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayRoute<A> {
    /// Our address on the clients' side: requests that arrive on its interface are relayed.
    pub local: A,
    /// Where they go.
    pub to: RelayTarget<A>,
    /// The port they go to.
    pub port: u16,
}

/// Where relayed requests go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelayTarget<A> {
    /// To a server.
    Server {
        /// Its address.
        address: A,
        /// Replies are taken from this interface only (a trailing `*` matches any tail); `None`: from any.
        interface: Option<String>,
    },
    /// To all servers behind an interface, by broadcast or multicast; an empty name is the one that none has.
    Link(String),
}

/// One `dhcp-split-relay`: the address that clients see as their server differs from the one that the server sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRelay {
    /// Our address on the clients' side.
    pub local: Ipv4Addr,
    /// The server.
    pub server: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// Where the server finds us.
    pub uplink: Uplink,
}

/// Where a server finds the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Uplink {
    /// At this address.
    Address(Ipv4Addr),
    /// At the address of this interface.
    Interface(String),
}
