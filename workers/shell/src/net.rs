//! The net worker: the parent on one side, the kernel's netlink sockets on the other.

use std::os::fd::{AsRawFd as _, OwnedFd};

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
    let netlink = Netlink { netfilter, route, buffer: vec![0; DATAGRAM_BYTES] };
    turn::serve(Worker { booted, engine, netlink })
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

    fn ready(&mut self, _: Ready) {}

    fn told(&mut self, message: conversation::ToWorker, _: Vec<OwnedFd>) {
        let answer = self.engine.handle(message, &mut self.netlink);
        self.booted.control.tell(&self.booted.poll, &ToParent::Role(answer));
    }

    fn dump_statistics(&mut self, _: i32) {}

    fn drain(&mut self) {}

    fn drained(&self) -> bool {
        true
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
