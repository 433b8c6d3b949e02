//! TCP: accepting, bounded reading and writing. No framing: that is the core's.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, send};

use crate::poll::Poll;

/// Bytes kept for a peer that reads slowly. A peer that lets more pile up is cut off.
const PENDING_BYTES_MAX: usize = 256 * 1024;

/// The open TCP connections of a worker, by descriptor number.
#[derive(Default)]
pub struct Streams {
    open: HashMap<RawFd, Stream, crate::stream::Seeded>,
}

/// A hasher without the run-time's random seed: the keys are descriptor numbers, which nobody outside chooses.
pub type Seeded = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

struct Stream {
    socket: OwnedFd,
    pending: Vec<u8>,
    connecting: bool,
    closing: bool,
    /// What it is watched for: reading, writing.
    watched: (bool, bool),
}

impl Stream {
    /// Watches it for what is wanted now.
    fn watch(&mut self, poll: &Poll, wanted: (bool, bool)) -> Result<(), Errno> {
        if self.watched != wanted {
            poll.change(self.socket.as_fd(), wanted.0, wanted.1)?;
            self.watched = wanted;
        }
        Ok(())
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// All is well (some of it may wait for the peer).
    Fine,
    /// The connection is over and has been closed.
    Ended,
}

impl Streams {
    /// Takes the next waiting connection of a listener.
    pub fn accept(&mut self, poll: &Poll, listener: &OwnedFd) -> Result<Option<RawFd>, Errno> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        match accept4(listener.as_raw_fd(), flags) {
            Ok(raw) => {
                let socket = own(raw);
                poll.read(socket.as_fd())?;
                self.insert(socket, false, (true, false));
                Ok(Some(raw))
            }
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNABORTED) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Adopts a socket whose connection is being made.
    pub fn connect(&mut self, poll: &Poll, socket: OwnedFd) -> Result<RawFd, Errno> {
        let raw = socket.as_raw_fd();
        poll.write(socket.as_fd())?;
        self.insert(socket, true, (false, true));
        Ok(raw)
    }

    fn insert(&mut self, socket: OwnedFd, connecting: bool, watched: (bool, bool)) {
        let raw = socket.as_raw_fd();
        self.open.insert(raw, Stream { socket, pending: Vec::new(), connecting, closing: false, watched });
    }

    /// Is this descriptor one of ours?
    pub fn holds(&self, fd: RawFd) -> bool {
        self.open.contains_key(&fd)
    }

    /// Was this connection being made, and has that ended? `Some(true)`: it is made.
    pub fn finish_connecting(&mut self, poll: &Poll, fd: RawFd) -> Option<bool> {
        let stream = self.open.get_mut(&fd)?;
        if !stream.connecting {
            return None;
        }
        stream.connecting = false;
        let error = nix::sys::socket::getsockopt(&stream.socket, nix::sys::socket::sockopt::SocketError);
        if error == Ok(0) && stream.watch(poll, (true, false)).is_ok() {
            Some(true)
        } else {
            self.open.remove(&fd);
            Some(false)
        }
    }

    /// Reads what is there: `Some(0)` when the connection is over (and closed), `None` when nothing is there.
    pub fn read(&mut self, fd: RawFd, buffer: &mut [u8]) -> Option<usize> {
        let stream = self.open.get(&fd)?;
        match nix::unistd::read(&stream.socket, buffer) {
            Ok(0) => {
                self.open.remove(&fd);
                Some(0)
            }
            Ok(count) => Some(count),
            Err(Errno::EAGAIN | Errno::EINTR) => None,
            Err(_) => {
                self.open.remove(&fd);
                Some(0)
            }
        }
    }

    /// Writes, keeping what the peer does not take yet.
    pub fn write(&mut self, poll: &Poll, fd: RawFd, bytes: &[u8]) -> Wrote {
        let Some(stream) = self.open.get_mut(&fd) else { return Wrote::Ended };
        if stream.pending.len() + bytes.len() > PENDING_BYTES_MAX {
            self.open.remove(&fd);
            return Wrote::Ended;
        }
        stream.pending.extend_from_slice(bytes);
        self.flush(poll, fd)
    }

    /// Closes after what waits has been written.
    pub fn close(&mut self, fd: RawFd) {
        if let Some(stream) = self.open.get_mut(&fd) {
            if stream.pending.is_empty() {
                self.open.remove(&fd);
            } else {
                stream.closing = true;
            }
        }
    }

    /// Writes what waits. To be called when the descriptor is writable.
    pub fn flush(&mut self, poll: &Poll, fd: RawFd) -> Wrote {
        let Some(stream) = self.open.get_mut(&fd) else { return Wrote::Ended };
        let mut written = 0;
        let ended = loop {
            if written == stream.pending.len() {
                break stream.closing;
            }
            match send(fd, &stream.pending[written..], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => written += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break false,
                Err(_) => break true,
            }
        };
        stream.pending.drain(..written);
        let waits = !stream.pending.is_empty();
        if ended || stream.watch(poll, (!stream.closing, waits)).is_err() {
            self.open.remove(&fd);
            return Wrote::Ended;
        }
        Wrote::Fine
    }
}

#[expect(unsafe_code, reason = "accept4 returns a plain number")]
fn own(raw: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us.
    unsafe { OwnedFd::from_raw_fd(raw) }
}
