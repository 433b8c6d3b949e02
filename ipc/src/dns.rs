//! The conversation between the parent and the dns worker.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::known_host::{KnownHosts, WantedHosts};
use crate::link::Interface;
use crate::net::{ClientFacts, Filling, SetOutcome};

/// Most sockets the parent hands out in one message.
pub const SOCKETS_PER_MESSAGE_MAX: u32 = 64;
/// Most upstreams that one resolv file may name.
pub const RESOLV_UPSTREAMS_MAX: usize = 64;

/// parent to dns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The interfaces as they are now. Sent before `Start` and whenever they change.
    Interfaces(Vec<Interface>),
    /// A hosts file to read: one descriptor rides along, or none when the parent could not open it, in which case `error` says
    /// why. Files come in the order in which they are to be read. The worker reads it at once, logs, and closes it.
    HostsFile {
        /// The path, for log lines.
        path: String,
        /// The reason when there is no descriptor.
        error: Option<String>,
    },
    /// As `HostsFile`, while serving: the file is new or has changed, and what it said before no longer holds.
    HostsFileChanged {
        /// The path, by which the worker knows what the file said before.
        path: String,
        /// The reason when there is no descriptor.
        error: Option<String>,
    },
    /// This hosts file is gone, and what it said no longer holds.
    HostsFileGone {
        /// The path.
        path: String,
    },
    /// Tell what hosts files say of this, as far as they have come. It comes in one piece or several; the worker answers `KnownHosts`,
    /// exactly once, after the last.
    WantHosts {
        /// What DHCP wants to know.
        wanted: WantedHosts,
        /// Is this the last piece?
        last: bool,
    },
    /// The current resolv file: one descriptor rides along. The worker answers `ResolvUpstreams`, exactly once.
    ResolvFile {
        /// The path, for log lines.
        path: String,
    },
    /// Add or replace the name of a leased address.
    LeaseName(LeaseName),
    /// The lease of this address is gone, and its name with it.
    LeaseNameGone(IpAddr),
    /// Everything needed has been sent: begin to serve. The worker answers `Serving`.
    Start,
    /// Answer to `WantUdp`: connected sockets ride along, each with a random source port.
    UdpSockets {
        /// The index that was asked for.
        upstream: u32,
        /// The mark that was asked for.
        mark: u32,
    },
    /// Answer to `WantTcp`: one socket, whose connection is being made, rides along.
    TcpSocket {
        /// The ticket of the request.
        ticket: u32,
    },
    /// Answer to `WantUdp` or `WantTcp` when no socket could be made (for example no route).
    NoSocket {
        /// The index that was asked for.
        upstream: u32,
        /// The mark that was asked for.
        mark: u32,
        /// The ticket of `WantTcp`; `None` for `WantUdp`.
        ticket: Option<u32>,
        /// How many sockets are missing.
        count: u32,
    },
    /// Answer to `WantFacts`.
    Facts {
        /// The ticket of the request.
        ticket: u32,
        /// What the kernel knows of the client; `None`: it could not be asked.
        facts: Option<ClientFacts>,
    },
    /// Answer to `FillSets`.
    SetsFilled {
        /// The ticket of the request.
        ticket: u32,
        /// For each address, for each set of the ipset line and then of the nftset line; `None`: the kernel could not be asked.
        outcomes: Option<Vec<SetOutcome>>,
    },
}

/// A name that DHCP gave to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseName {
    /// The leased address.
    pub address: IpAddr,
    /// Unqualified name as the client or the configuration spelled it.
    pub name: String,
    /// The domain of the address (`domain=`), if any; the name is published with it, and alone too unless `dhcp-fqdn`.
    pub domain: Option<String>,
    /// Seconds since the epoch when the lease ends; 0 never.
    pub expires_s: u64,
}

/// dns to parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToParent {
    /// Begun to serve; the parent lets the previous generation go.
    Serving,
    /// Answer to `ResolvFile`: what it names. They get the indexes after the configured upstreams, in this order, and replace
    /// those of the previous file. At most [`RESOLV_UPSTREAMS_MAX`].
    ResolvUpstreams(Vec<SocketAddr>),
    /// Answer to `WantHosts`, in one piece or several, none of them empty but the last.
    KnownHosts {
        /// What hosts files say.
        known: KnownHosts,
        /// Is this the last piece?
        last: bool,
    },
    /// Make `count` connected UDP sockets to this upstream. `count` is at most [`SOCKETS_PER_MESSAGE_MAX`].
    WantUdp {
        /// Index into the configured upstreams, followed by those of the resolv file.
        upstream: u32,
        /// How many.
        count: u32,
        /// The mark they are to carry (`conntrack`); 0: none.
        mark: u32,
    },
    /// Begin a TCP connection to this upstream.
    WantTcp {
        /// Index as in `WantUdp`.
        upstream: u32,
        /// Comes back in the answer.
        ticket: u32,
        /// The mark it is to carry (`conntrack`); 0: none.
        mark: u32,
    },
    /// Ask the kernel about a client of ours: for the mark of its connection, its hardware address, or both, as configured. Legal
    /// only if one of them is configured. Answered by `Facts`.
    WantFacts {
        /// Comes back in the answer.
        ticket: u32,
        /// The client.
        client: SocketAddr,
        /// The address of ours that it asked.
        local: IpAddr,
        /// By TCP?
        tcp: bool,
        /// Kernel index of the arrival interface; 0 when it is not known.
        interface: u32,
    },
    /// Add addresses of a reply to kernel sets. Answered by `SetsFilled`; until then dns holds the reply, for a while.
    FillSets {
        /// Comes back in the answer.
        ticket: u32,
        /// Indexes into `sets` of the slice, and addresses.
        filling: Filling,
    },
}
