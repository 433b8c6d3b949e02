//! The ends of sockets.

use std::net::SocketAddr;
use std::os::fd::RawFd;

use nix::sys::socket::{SockaddrStorage, getpeername, getsockname};

/// Both ends of a connected socket, ours first.
pub fn ends(socket: RawFd) -> Option<(SocketAddr, SocketAddr)> {
    let (ours, theirs) = (getsockname::<SockaddrStorage>(socket).ok()?, getpeername::<SockaddrStorage>(socket).ok()?);
    Some((address(&ours)?, address(&theirs)?))
}

/// The port that a socket is bound to.
pub fn port(socket: RawFd) -> u16 {
    getsockname::<SockaddrStorage>(socket).ok().and_then(|ours| address(&ours)).map_or(0, |ours| ours.port())
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::V4((*v4).into()));
    }
    storage.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()))
}
