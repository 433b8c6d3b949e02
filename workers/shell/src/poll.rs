//! Readiness of descriptors and the next deadline; knows no protocol.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};

/// Events taken from the kernel in one turn.
const EVENTS_PER_TURN: usize = 64;

/// The epoll set of a worker. A descriptor's number is its token.
pub struct Poll {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

/// One ready descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The descriptor's number.
    pub fd: i32,
    /// Something can be read, or the peer is gone, or an error waits to be read.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
}

impl Poll {
    /// Adopts an epoll descriptor.
    pub fn new(epoll: OwnedFd) -> Poll {
        Poll { epoll: Epoll(epoll), events: vec![EpollEvent::empty(); EVENTS_PER_TURN] }
    }

    /// Watches for reading.
    pub fn read(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        self.epoll.add(fd, event(fd, EpollFlags::EPOLLIN))
    }

    /// Watches a socket that several generations share, waking one of them.
    pub fn read_shared(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        self.epoll.add(fd, event(fd, EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE))
    }

    /// Changes what a watched descriptor is watched for.
    pub fn change(&self, fd: BorrowedFd<'_>, read: bool, write: bool) -> Result<(), Errno> {
        let mut flags = EpollFlags::empty();
        flags.set(EpollFlags::EPOLLIN, read);
        flags.set(EpollFlags::EPOLLOUT, write);
        self.epoll.modify(fd, &mut event(fd, flags))
    }

    /// Watches for writing only (a connection being made).
    pub fn write(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        self.epoll.add(fd, event(fd, EpollFlags::EPOLLOUT))
    }

    /// Stops watching.
    pub fn forget(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        self.epoll.delete(fd)
    }

    /// Sleeps until something is ready or `deadline_ms` (monotonic; `None`: for ever) has come, and fills `ready`.
    pub fn wait(&mut self, deadline_ms: Option<u64>, now_ms: u64, ready: &mut Vec<Ready>) {
        ready.clear();
        let timeout = match deadline_ms {
            None => EpollTimeout::NONE,
            Some(at) => {
                let wait_ms = at.saturating_sub(now_ms).min(i32::MAX as u64) as i32;
                EpollTimeout::try_from(wait_ms).unwrap_or(EpollTimeout::ZERO)
            }
        };
        let count = match self.epoll.wait(&mut self.events, timeout) {
            Ok(count) => count,
            // The watchdog's signal, or a debugger.
            Err(Errno::EINTR) => 0,
            Err(errno) => panic!("epoll_wait: {errno}"),
        };
        for event in &self.events[..count] {
            let flags = event.events();
            ready.push(Ready {
                fd: event.data() as i32,
                readable: flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR),
                writable: flags.intersects(EpollFlags::EPOLLOUT | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR),
            });
        }
    }
}

fn event(fd: BorrowedFd<'_>, flags: EpollFlags) -> EpollEvent {
    EpollEvent::new(flags, fd.as_raw_fd() as u64)
}
