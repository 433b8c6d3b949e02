//! The two channels to the parent: control messages, and lines for the log.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ipc::capture::{Captured, Kind};
use ipc::channel::{ChannelError, receive_bytes, send_bytes};
use ipc::control::{ToParent, ToWorker};
use ipc::log::{Batch, LINE_BYTES_MAX, LINES_MAX, Line};
use ipc::{DESCRIPTORS_MAX, MESSAGE_BYTES_MAX, frame};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::capture;
use crate::poll::Poll;

/// Messages kept while the parent does not read. Beyond it the parent is not alive in any useful sense, and neither are we.
const QUEUE_MAX: usize = 4096;

/// The control channel, seen from the worker.
pub struct Control {
    socket: OwnedFd,
    /// Made once and zero-filled by the system: only the pages that messages have reached cost memory.
    incoming: Vec<u8>,
    /// What of `incoming` is still to be read.
    unread: Range<usize>,
    /// Messages of this turn, one behind the other.
    outgoing: Vec<u8>,
    queue: VecDeque<Vec<u8>>,
}

impl Control {
    /// Adopts the control socket.
    pub fn new(socket: OwnedFd) -> Control {
        Control {
            socket,
            incoming: vec![0; MESSAGE_BYTES_MAX],
            unread: 0..0,
            outgoing: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// Adds to what the parent is told by the next [`Control::send`].
    pub fn tell<M: Serialize>(&mut self, poll: &Poll, message: &ToParent<M>) {
        let before = self.outgoing.len();
        frame::encode(message, &mut self.outgoing).expect("our own messages are within the limit");
        if self.outgoing.len() > MESSAGE_BYTES_MAX {
            let last = self.outgoing.split_off(before);
            self.send(poll);
            self.outgoing = last;
        }
    }

    /// Sends what was told, or queues it while the parent's end is full; `poll` is then asked to report when it is writable.
    pub fn send(&mut self, poll: &Poll) {
        if self.outgoing.is_empty() {
            return;
        }
        let mut sent = false;
        if self.queue.is_empty() {
            match send_bytes(self.socket.as_fd(), &self.outgoing, &[]) {
                Ok(()) => sent = true,
                Err(ChannelError::Full) => {}
                Err(_) => leave(),
            }
        }
        if !sent {
            assert!(self.queue.len() < QUEUE_MAX, "the parent has stopped reading");
            self.queue.push_back(std::mem::take(&mut self.outgoing));
            poll.change(self.socket.as_fd(), true, true).expect("the control channel is watched");
        }
        self.outgoing.clear();
    }

    /// Sends what waits. To be called when the channel is writable.
    pub fn flush(&mut self, poll: &Poll) {
        while let Some(bytes) = self.queue.front() {
            match send_bytes(self.socket.as_fd(), bytes, &[]) {
                Ok(()) => drop(self.queue.pop_front()),
                Err(ChannelError::Full) => return,
                Err(_) => leave(),
            }
        }
        poll.change(self.socket.as_fd(), true, false).expect("the control channel is watched");
    }

    /// The next message, or `None` when nothing waits. Ends the process when the parent is gone or does not make sense.
    pub fn receive<M: DeserializeOwned>(&mut self) -> Option<(ToWorker<M>, Vec<OwnedFd>)> {
        let mut descriptors = Vec::new();
        if self.unread.is_empty() {
            match receive_bytes(self.socket.as_fd(), &mut self.incoming, DESCRIPTORS_MAX) {
                Ok(None) => return None,
                Ok(Some((length, received))) if length > 0 => (self.unread, descriptors) = (0..length, received),
                _ => leave(),
            }
        }
        match frame::decode_first(&self.incoming[self.unread.clone()]) {
            Ok((message, length)) => {
                self.unread.start += length;
                Some((message, descriptors))
            }
            Err(error) => panic!("from the parent: {error}"),
        }
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The parent is gone, and so are we.
fn leave() -> ! {
    crate::boot::exit_now(0)
}

/// The log channel, seen from the worker. It never blocks: lines that do not fit are counted and reported.
pub struct Log {
    socket: OwnedFd,
    buffer: Vec<u8>,
    lost: u32,
    /// The kinds of packets that the parent wants copies of.
    capture: u32,
}

impl Log {
    /// Adopts the log socket.
    pub fn new(socket: OwnedFd) -> Log {
        Log { socket, buffer: Vec::new(), lost: 0, capture: 0 }
    }

    /// The same, with copies of these kinds of packets among the lines.
    pub fn with_capture(socket: OwnedFd, capture: u32) -> Log {
        Log { capture, ..Log::new(socket) }
    }

    /// Sends a copy of a datagram behind `lines`, which are emptied, if copies of this kind are wanted. Only then it is asked where the
    /// datagram is from, and where it goes.
    pub fn capture(
        &mut self,
        kind: Kind,
        ends: impl FnOnce() -> Option<(SocketAddr, SocketAddr)>,
        payload: &[u8],
        lines: &mut Vec<Line>,
    ) {
        if !kind.is_in(self.capture) {
            return;
        }
        let Some((from, to)) = ends() else { return };
        self.write(lines);
        let captured = Captured { kind, packet: capture::packet(from, to, payload) };
        self.send(&Batch { lines: Vec::new(), captured: Some(captured), lost: self.lost }, 1);
    }

    /// Sends the lines of one turn and empties the list.
    pub fn write(&mut self, lines: &mut Vec<Line>) {
        while !lines.is_empty() {
            let rest = if lines.len() > LINES_MAX { lines.split_off(LINES_MAX) } else { Vec::new() };
            let mut batch = Batch { lines: std::mem::replace(lines, rest), captured: None, lost: self.lost };
            for line in &mut batch.lines {
                cut(&mut line.text);
            }
            self.send(&batch, batch.lines.len() as u32);
        }
        lines.shrink_to(LINES_MAX);
    }

    fn send(&mut self, batch: &Batch, count: u32) {
        self.buffer.clear();
        let encoded = frame::encode(batch, &mut self.buffer);
        if encoded.is_ok() && send_bytes(self.socket.as_fd(), &self.buffer, &[]).is_ok() {
            self.lost = 0;
        } else {
            self.lost = self.lost.saturating_add(count);
        }
    }
}

impl AsFd for Log {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Cuts at the limit, at a character's edge. 63 lines of the longest kind fit one message.
fn cut(text: &mut String) {
    if text.len() > LINE_BYTES_MAX - 40 {
        let mut end = LINE_BYTES_MAX - 40;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}
