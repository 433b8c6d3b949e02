//! The net worker: the parent on one side, the kernel's netlink sockets on the other.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use ipc::config::net::NetSlice;
use ipc::control::ToParent;
use ipc::net as conversation;
use net::{Engine, Family, Kernel};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use crate::boot::Booted;
use crate::poll::Ready;
use crate::turn::{self, Role};

/// Room for one datagram of the kernel's: the answers asked for are shorter.
const DATAGRAM_BYTES: usize = 16 * 1024;
/// Most datagrams that make up one answer.
const DATAGRAMS_MAX: usize = 16;

struct Worker {
    booted: Booted,
    engine: Engine,
    netlink: Netlink,
    /// Where the kernel tells of neighbors.
    neighbors: Option<OwnedFd>,
}

/// The netlink sockets.
struct Netlink {
    netfilter: Option<OwnedFd>,
    route: Option<OwnedFd>,
    buffer: Vec<u8>,
}

/// Serves until drained.
pub fn serve(mut booted: Booted) -> ! {
    let engine = Engine::new(booted.slice::<NetSlice>());
    let (netfilter, route) = (booted.netfilter.take(), booted.route.take());
    let neighbors = booted.neighbors.take();
    let netlink = Netlink { netfilter, route, buffer: vec![0; DATAGRAM_BYTES] };
    turn::serve(Worker { booted, engine, netlink, neighbors })
}

impl Role for Worker {
    type Told = conversation::ToWorker;

    fn booted(&mut self) -> &mut Booted {
        &mut self.booted
    }

    fn deadline(&self) -> Option<u64> {
        None
    }

    fn deadline_reached(&mut self) {}

    fn ready(&mut self, event: Ready) {
        if self.neighbors.as_ref().is_some_and(|socket| socket.as_raw_fd() == event.fd) {
            self.hear_of_neighbors();
        }
    }

    fn told(&mut self, message: conversation::ToWorker, _: Vec<OwnedFd>) {
        let start = message == conversation::ToWorker::Start;
        let answer = self.engine.handle(message, &mut self.netlink);
        self.tell(answer);
        if start && let Some(socket) = &self.neighbors {
            self.booted.poll.read(socket.as_fd()).expect("a socket can be watched");
            self.ask_for_neighbors();
        }
    }

    fn dump_statistics(&mut self, _: i32) {}

    fn drain(&mut self) {}

    fn drained(&self) -> bool {
        true
    }
}

impl Worker {
    fn tell(&mut self, message: conversation::ToParent) {
        self.booted.control.tell(&self.booted.poll, &ToParent::Role(message));
    }

    fn ask_for_neighbors(&mut self) {
        self.tell(conversation::ToParent::NeighborsStart);
        if let Some(socket) = &self.neighbors {
            // Refused only while another such question is being answered; then the answer to that one will do.
            let _ = send(socket.as_raw_fd(), self.engine.ask_for_neighbors(), MsgFlags::MSG_NOSIGNAL);
        }
    }

    fn hear_of_neighbors(&mut self) {
        for _ in 0..DATAGRAMS_MAX {
            let Some(socket) = &self.neighbors else { return };
            match nix::unistd::read(socket, &mut self.netlink.buffer) {
                Ok(length) => {
                    let told = self.engine.neighbors(&self.netlink.buffer[..length]);
                    told.into_iter().for_each(|message| self.tell(message));
                }
                // More has happened than fits the socket's buffer: it is all asked for anew.
                Err(Errno::ENOBUFS) => self.ask_for_neighbors(),
                Err(_) => return,
            }
        }
    }
}

impl Kernel for Netlink {
    fn ask(&mut self, family: Family, request: &[u8], answer: &mut Vec<u8>) -> Result<(), i32> {
        let socket = match family {
            Family::Netfilter => &self.netfilter,
            Family::Route => &self.route,
        };
        let Some(socket) = socket else { return Err(libc::ENOTSOCK) };
        // Without an address it goes to the kernel, which has answered when the call returns.
        send(socket.as_raw_fd(), request, MsgFlags::MSG_NOSIGNAL).map_err(|errno| errno as i32)?;
        for _ in 0..DATAGRAMS_MAX {
            match nix::unistd::read(socket, &mut self.buffer) {
                Ok(length) => {
                    answer.extend_from_slice(&self.buffer[..length]);
                    answer.resize(answer.len().next_multiple_of(4), 0);
                }
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(errno as i32),
            }
        }
        Ok(())
    }
}
