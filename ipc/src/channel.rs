//! The SOCK_SEQPACKET pair between the parent and a worker: whole messages, and descriptors beside them.
//!
//! The kernel keeps the bounds of what was sent together: one message, or several, one behind the other, so that their hearer wakes up
//! once. A message with descriptors travels alone. A zero-length message reads like the end of the
//! connection; none is ever sent, and the receiver takes it as a hang-up. A peer that dies with unread data makes the next read fail
//! once with ECONNRESET although messages are still queued, so that error is skipped.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use crate::DESCRIPTORS_MAX;
use crate::frame::FrameError;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, send, sendmsg,
    socketpair,
};

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

/// A connected pair of non-blocking, close-on-exec SOCK_SEQPACKET sockets.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
}

/// Sends encoded messages.
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

/// Receives what was sent together into `bytes`: its length and descriptors, or `None` when nothing is waiting.
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
