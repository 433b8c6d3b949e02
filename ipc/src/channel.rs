//! One end of the SOCK_SEQPACKET pair between the parent and a worker: frames, and descriptors beside them.
//!
//! The kernel keeps message bounds, so there is no framing to parse. A zero-length message reads like the end of the
//! connection; none is ever sent, and the receiver takes it as a hang-up. A peer that dies with unread data makes the next read fail
//! once with ECONNRESET although messages are still queued, so that error is skipped.

use std::io::{IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, send, sendmsg,
    socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame::{self, FrameError};
use crate::{DESCRIPTORS_MAX, MESSAGE_BYTES_MAX};

/// A non-blocking channel that sends `Out` and receives `In`.
#[derive(Debug)]
pub struct Channel<Out, In> {
    socket: OwnedFd,
    buffer: Vec<u8>,
    direction: PhantomData<fn(Out) -> In>,
}

/// What one call of [`Channel::receive`] found.
#[derive(Debug)]
pub enum Received<In> {
    /// A message and the descriptors that came with it.
    Message(In, Vec<OwnedFd>),
    /// Nothing is waiting.
    Empty,
    /// The peer is gone.
    Closed,
}

/// Why a channel operation failed. Every case but `Full` ends the conversation.
#[derive(Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The peer's queue is full; try again when the socket is writable.
    Full,
    /// The bytes are no message, or descriptors were cut off: the peer is hostile or broken.
    Illegal(FrameError),
    /// The system call failed.
    System(Errno),
}

impl<Out: Serialize, In: DeserializeOwned> Channel<Out, In> {
    /// Adopts a connected SOCK_SEQPACKET socket.
    pub fn new(socket: OwnedFd) -> Self {
        Channel { socket, buffer: Vec::new(), direction: PhantomData }
    }

    /// Sends one message with descriptors. Returns `Full` without sending when the peer does not read.
    pub fn send(&mut self, message: &Out, descriptors: &[BorrowedFd<'_>]) -> Result<(), ChannelError> {
        self.buffer.clear();
        frame::encode(message, &mut self.buffer).map_err(ChannelError::Illegal)?;
        let raw: Vec<RawFd> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
        send_bytes(self.socket.as_fd(), &self.buffer, &raw)
    }

    /// Receives one message. `descriptors_max` is how many the caller is willing to accept; 0 means that the kernel drops any that
    /// a peer tries to send.
    pub fn receive(&mut self, descriptors_max: usize) -> Result<Received<In>, ChannelError> {
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.resize(MESSAGE_BYTES_MAX, 0);
        let got = receive_bytes(self.socket.as_fd(), &mut bytes, descriptors_max);
        let result = match got {
            Ok(None) => Ok(Received::Empty),
            Ok(Some((0, _))) => Ok(Received::Closed),
            Ok(Some((length, descriptors))) => frame::decode(&bytes[..length])
                .map(|message| Received::Message(message, descriptors))
                .map_err(ChannelError::Illegal),
            Err(error) => Err(error),
        };
        // The buffer is given back empty: an idle channel should hold no touched pages.
        bytes.clear();
        bytes.shrink_to(4096);
        self.buffer = bytes;
        result
    }
}

impl<Out, In> AsFd for Channel<Out, In> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A connected pair of non-blocking, close-on-exec SOCK_SEQPACKET sockets.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
}

/// Sends one already encoded message.
pub fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[RawFd]) -> Result<(), ChannelError> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    loop {
        // Without descriptors `send` serves as well, and it is all that a worker's filter allows on its channels.
        let sent = if descriptors.is_empty() {
            send(socket.as_raw_fd(), bytes, flags)
        } else {
            let rights = [ControlMessage::ScmRights(descriptors)];
            sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], &rights, flags, None)
        };
        match sent {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Err(ChannelError::Full),
            Err(errno) => return Err(ChannelError::System(errno)),
        }
    }
}

/// Receives one message into `bytes`: its length and descriptors, or `None` when nothing is waiting.
pub fn receive_bytes(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    descriptors_max: usize,
) -> Result<Option<(usize, Vec<OwnedFd>)>, ChannelError> {
    let mut control = if descriptors_max == 0 { Vec::new() } else { nix::cmsg_space!([RawFd; DESCRIPTORS_MAX]) };
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let mut resets = 0;
    let (length, truncated, descriptors) = loop {
        let buffer = if descriptors_max == 0 { None } else { Some(&mut control[..]) };
        match recvmsg::<()>(socket.as_raw_fd(), &mut [IoSliceMut::new(bytes)], buffer, flags) {
            Ok(message) => {
                let mut descriptors = Vec::new();
                if descriptors_max > 0 {
                    for item in message.cmsgs().map_err(ChannelError::System)? {
                        if let ControlMessageOwned::ScmRights(raw) = item {
                            descriptors.extend(raw.into_iter().map(adopt));
                        }
                    }
                }
                break (
                    message.bytes,
                    message.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC),
                    descriptors,
                );
            }
            Err(Errno::EINTR) => {}
            Err(Errno::ECONNRESET) if resets == 0 => resets = 1,
            Err(Errno::EAGAIN) => return Ok(None),
            Err(errno) => return Err(ChannelError::System(errno)),
        }
    };
    if truncated || descriptors.len() > descriptors_max {
        return Err(ChannelError::Illegal(FrameError::Malformed));
    }
    Ok(Some((length, descriptors)))
}

/// Takes ownership of a descriptor that the kernel has just installed for us.
#[expect(unsafe_code, reason = "the kernel hands received descriptors over as numbers")]
fn adopt(raw: RawFd) -> OwnedFd {
    // SAFETY: `raw` was installed by the recvmsg call that named it and nobody else knows the number.
    unsafe { OwnedFd::from_raw_fd(raw) }
}
