//! What the shell feeds into the engine.

use std::net::{IpAddr, SocketAddr};

use ipc::dns::LeaseName;
use ipc::known_host::WantedHosts;
use ipc::link::Interface;
use ipc::net::{ClientFacts, SetOutcome};

/// The shell's name for a descriptor: an accepted connection, or a socket to an upstream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handle(pub u32);

/// How a query came, and thus how its reply leaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arrival {
    /// Index of the listening socket.
    pub socket: u16,
    /// The client.
    pub peer: SocketAddr,
    /// The address of ours that was asked; the reply leaves from it.
    pub local: IpAddr,
    /// Kernel index of the arrival interface; 0 when it is not known.
    pub interface: u32,
}

/// One event for the engine.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram from a client.
    Datagram {
        /// Where it came from.
        arrival: Arrival,
        /// The whole datagram.
        bytes: &'a [u8],
    },
    /// A client has connected.
    Accepted {
        /// The new connection.
        stream: Handle,
        /// Where it came from.
        arrival: Arrival,
    },
    /// Bytes of a client's connection, cut anywhere.
    StreamBytes {
        /// The connection.
        stream: Handle,
        /// What was read.
        bytes: &'a [u8],
    },
    /// The client ended its connection, and the shell has closed it.
    StreamClosed {
        /// The connection.
        stream: Handle,
    },
    /// Answer to `WantUdp`: sockets connected to an upstream, each with a fresh random port.
    UdpSockets {
        /// The index that was asked for.
        upstream: u32,
        /// The mark that was asked for.
        mark: u32,
        /// The sockets.
        sockets: &'a [Handle],
    },
    /// Answer to `WantTcp`: a socket whose connection is being made.
    TcpSocket {
        /// The ticket of the request.
        ticket: u32,
        /// The socket.
        socket: Handle,
    },
    /// No socket could be made.
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
    /// A datagram on a socket to an upstream.
    UpstreamDatagram {
        /// The socket.
        socket: Handle,
        /// The whole datagram.
        bytes: &'a [u8],
    },
    /// A connection to an upstream is made.
    UpstreamConnected {
        /// The socket.
        socket: Handle,
    },
    /// Bytes of a connection to an upstream, cut anywhere.
    UpstreamBytes {
        /// The socket.
        socket: Handle,
        /// What was read.
        bytes: &'a [u8],
    },
    /// A socket to an upstream failed. A TCP socket has been closed by the shell; a UDP socket is still the engine's to close.
    UpstreamFailed {
        /// The socket.
        socket: Handle,
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
        /// For each address, for each set; `None`: the kernel could not be asked.
        outcomes: Option<Vec<SetOutcome>>,
    },
    /// A hosts file, or why there is none.
    HostsFile {
        /// The path, for log lines.
        path: &'a str,
        /// The text, or the reason why it could not be opened.
        content: Result<&'a [u8], &'a str>,
    },
    /// A hosts file that is new or has changed, or why it cannot be read; what it said before no longer holds.
    HostsFileChanged {
        /// The path.
        path: &'a str,
        /// The text, or the reason why it could not be opened.
        content: Result<&'a [u8], &'a str>,
    },
    /// A hosts file is gone, and what it said no longer holds.
    HostsFileGone {
        /// The path.
        path: &'a str,
    },
    /// Tell what hosts files say of this; in pieces. Answered by `Tell(KnownHosts)` after the last.
    WantHosts {
        /// What DHCP wants to know.
        wanted: WantedHosts,
        /// Is this the last piece?
        last: bool,
    },
    /// The current resolv file. Answered by `Tell(ResolvUpstreams)`, exactly once.
    ResolvFile {
        /// The path, for log lines.
        path: &'a str,
        /// The text.
        content: &'a [u8],
    },
    /// The interfaces as they are now.
    Interfaces(Vec<Interface>),
    /// Add or replace the name of a leased address.
    LeaseName(LeaseName),
    /// The lease of this address is gone.
    LeaseNameGone(IpAddr),
    /// Everything needed has been sent: begin to serve. Answered by `Tell(Serving)`.
    Start,
    /// Take no new connections and finish what is owed; see [`crate::Engine::idle`].
    Drain,
    /// Log the statistics.
    DumpStatistics {
        /// How far local time is from UTC.
        utc_offset_s: i32,
    },
    /// The time of [`crate::Engine::deadline`] has come.
    Deadline,
}
