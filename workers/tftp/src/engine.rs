//! The front door: which packet meets which transfer, and what happens when time passes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use ipc::config::tftp::TftpSlice;
use ipc::link::Interface;
use ipc::log::Severity;
use ipc::tftp::ToParent;
use ipc::time::Now;

use crate::files::{FileFacts, FileHandle, Files, OpenError};
use crate::lines;
use crate::options::{self, Terms};
use crate::outbox::{Action, Outbox};
use crate::path::{self, Target};
use crate::transfer::{Plan, Progress, Transfer};
use crate::wire::{self, Answer, ErrorCode, Request};

/// How long the parent may take to make a socket before the request is forgotten.
const SOCKET_WAIT_MAX_MS: u64 = 10_000;

/// Where a request came from and which address of ours it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Kernel index of the interface.
    pub interface: u32,
    /// The client.
    pub peer: SocketAddr,
    /// The address that it sent to.
    pub local: IpAddr,
}

/// A transfer's socket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle(pub u32);

/// What can happen.
#[derive(Debug)]
pub enum Input<'a> {
    /// A packet on port 69.
    Request {
        /// The packet.
        bytes: &'a [u8],
        /// Where it came from.
        arrival: Arrival,
    },
    /// A packet on a transfer's socket; the kernel lets only the transfer's client in.
    Transfer {
        /// Which socket.
        socket: Handle,
        /// The packet.
        bytes: &'a [u8],
    },
    /// The socket that `WantTransfer` asked for.
    Socket {
        /// The request's ticket.
        ticket: u32,
        /// The socket.
        socket: Handle,
    },
    /// There is no socket for this request.
    NoSocket {
        /// The request's ticket.
        ticket: u32,
    },
    /// The client's host says that nobody listens there any more.
    SocketFailed {
        /// Which socket.
        socket: Handle,
    },
    /// The interfaces as they are now.
    Interfaces(Vec<Interface>),
    /// Begin to serve.
    Start,
    /// Take no new requests.
    Drain,
    /// Log the statistics; there are none for TFTP.
    DumpStatistics,
    /// Time has passed.
    Deadline,
}

/// A judged request that waits for its socket.
#[derive(Debug)]
struct Waiting {
    plan: Plan,
    peer: SocketAddr,
    until_ms: u64,
}

/// What a deadline is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Timer {
    Socket(u32),
    Transfer(Handle),
}

/// The TFTP server. At most `tftp-max` transfers, waiting ones included; what comes on top is dropped, unless the shell asks
/// [`Engine::full`] and leaves it in the socket's queue, as dnsmasq does.
#[derive(Debug)]
pub struct Engine {
    slice: TftpSlice,
    interfaces: BTreeMap<u32, Interface>,
    waiting: BTreeMap<u32, Waiting>,
    transfers: BTreeMap<Handle, Transfer>,
    timers: BTreeSet<(u64, Timer)>,
    next_ticket: u32,
    draining: bool,
}

/// Why a request is not served: the code, the text for client and log, and whether `quiet-tftp` keeps it from the log.
struct Refusal {
    code: ErrorCode,
    text: String,
    quiet: bool,
}

impl Engine {
    /// A server of this configuration.
    pub fn new(slice: TftpSlice, seed: [u8; 32]) -> Engine {
        let [a, b, c, d, ..] = seed;
        Engine {
            slice,
            interfaces: BTreeMap::new(),
            waiting: BTreeMap::new(),
            transfers: BTreeMap::new(),
            timers: BTreeSet::new(),
            next_ticket: u32::from_le_bytes([a, b, c, d]),
            draining: false,
        }
    }

    /// Takes one input; what follows from it is appended to `out`.
    pub fn handle(&mut self, input: Input<'_>, now: Now, files: &mut dyn Files, out: &mut Outbox) {
        let now_ms = now.monotonic_ms;
        match input {
            Input::Request { bytes, arrival } => self.request(bytes, arrival, now_ms, files, out),
            Input::Transfer { socket, bytes } => self.answer(socket, bytes, now_ms, files, out),
            Input::Socket { ticket, socket } => self.begin(ticket, socket, now_ms, files, out),
            Input::NoSocket { ticket } => self.forget(ticket, files, out),
            Input::SocketFailed { socket } => self.fail(socket, files, out),
            Input::Interfaces(interfaces) => {
                self.interfaces = interfaces.into_iter().map(|interface| (interface.index, interface)).collect();
            }
            Input::Start => {
                out.log(Severity::Info, lines::started(&self.slice));
                out.actions.push(Action::Tell(ToParent::Serving));
            }
            Input::Drain => self.draining = true,
            Input::DumpStatistics => {}
            Input::Deadline => self.expire(now_ms, files, out),
        }
    }

    /// When to call with [`Input::Deadline`], in milliseconds of the monotonic clock.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.first().map(|(due_ms, _)| *due_ms)
    }

    /// Is nothing owed to anybody?
    pub fn idle(&self) -> bool {
        self.waiting.is_empty() && self.transfers.is_empty()
    }

    /// Are there as many transfers as `tftp-max` allows? New requests should then stay in the socket's queue.
    pub fn full(&self) -> bool {
        let open = self.waiting.len().saturating_add(self.transfers.len());
        u32::try_from(open).map_or(true, |open| open >= self.slice.max)
    }

    fn request(&mut self, bytes: &[u8], arrival: Arrival, now_ms: u64, files: &mut dyn Files, out: &mut Outbox) {
        let serves = self.interfaces.get(&arrival.interface).is_some_and(|interface| interface.serves_tftp);
        // A client that repeats its request while the socket is being made is answered once it is there.
        let repeated = self.waiting.values().any(|waiting| waiting.peer == arrival.peer);
        if self.draining || self.full() || !serves || repeated {
            return;
        }
        let Some(request) = wire::request(bytes) else { return };
        match self.judge(request, arrival, files) {
            Ok(plan) => {
                let ticket = self.next_ticket;
                self.next_ticket = self.next_ticket.wrapping_add(1);
                let until_ms = now_ms.saturating_add(SOCKET_WAIT_MAX_MS);
                self.timers.insert((until_ms, Timer::Socket(ticket)));
                self.waiting.insert(ticket, Waiting { plan, peer: arrival.peer, until_ms });
                out.actions.push(Action::Tell(ToParent::WantTransfer {
                    ticket,
                    client: arrival.peer,
                    local: arrival.local,
                    interface: arrival.interface,
                }));
            }
            Err(refusal) => {
                let start = out.bytes.len();
                wire::error(refusal.code, &refusal.text, &mut out.bytes);
                out.actions.push(Action::Reply { to: arrival, bytes: start..out.bytes.len() });
                if !(refusal.quiet && self.slice.quiet) {
                    out.log(Severity::Error, refusal.text);
                }
            }
        }
    }

    /// Decides on a request, and opens its file.
    fn judge(&self, request: Request<'_>, arrival: Arrival, files: &mut dyn Files) -> Result<Plan, Refusal> {
        let client = arrival.peer.ip();
        let illegal = |text| Refusal { code: ErrorCode::Illegal, text, quiet: false };
        let Request::Read { name, mode, options } = request else {
            return Err(illegal(lines::unsupported_write(client)));
        };
        if name.is_empty() {
            return Err(illegal(lines::empty_name(client)));
        }
        let Some(mode) = mode else { return Err(illegal(lines::unsupported_request(client))) };
        let interface = self.interfaces.get(&arrival.interface);
        let name_of_interface = interface.map(|interface| interface.name.as_str());
        let target = path::resolve(&self.slice, name, name_of_interface, client, files);
        let (file, facts) = self.open(&target, client, files)?;
        let agreement = options::agree(
            options,
            Terms {
                mode,
                size: facts.size,
                mtu: self.slice.mtu.filter(|mtu| *mtu > 0).or_else(|| interface.map(|interface| interface.mtu)),
                ipv6: arrival.peer.is_ipv6(),
                no_block_size: self.slice.no_blocksize,
            },
        );
        let path = lines::printable(&target.full);
        Ok(Plan { client, path, size: facts.size, file, mode, agreement })
    }

    fn open(&self, target: &Target, client: IpAddr, files: &mut dyn Files) -> Result<(FileHandle, FileFacts), Refusal> {
        let denied = || Refusal { code: ErrorCode::Denied, text: lines::denied(&target.full), quiet: false };
        let unreadable = |reason: &str| Refusal {
            code: ErrorCode::Undefined,
            text: lines::unreadable(&target.full, reason),
            quiet: false,
        };
        let not_found =
            || Refusal { code: ErrorCode::NotFound, text: lines::not_found(&target.full, client), quiet: true };
        let Some(root) = target.root.filter(|_| !target.climbs) else { return Err(denied()) };
        // A name that is no UTF-8 cannot be asked for; to the client there is no such file.
        let relative = std::str::from_utf8(&target.relative).map_err(|_| not_found())?;
        let (file, facts) = files.open(root, relative).map_err(|error| match error {
            OpenError::NotFound => not_found(),
            OpenError::Denied => denied(),
            OpenError::Other(reason) => unreadable(&reason),
        })?;
        let refusal = if facts.directory {
            Some(unreadable("Is a directory"))
        } else if !facts.regular || (if self.slice.secure { !facts.own } else { !facts.world_readable }) {
            Some(denied())
        } else {
            None
        };
        match refusal {
            Some(refusal) => {
                files.close(file);
                Err(refusal)
            }
            None => Ok((file, facts)),
        }
    }

    fn begin(&mut self, ticket: u32, socket: Handle, now_ms: u64, files: &mut dyn Files, out: &mut Outbox) {
        let Some(waiting) = self.waiting.remove(&ticket) else {
            // The request was forgotten in the meantime.
            out.actions.push(Action::Close { socket });
            return;
        };
        self.timers.remove(&(waiting.until_ms, Timer::Socket(ticket)));
        let (transfer, result) = Transfer::begin(waiting.plan, socket, now_ms, files, out);
        self.timers.insert((transfer.due_ms, Timer::Transfer(socket)));
        self.transfers.insert(socket, transfer);
        if let Err(reason) = result {
            self.unreadable(socket, &reason, files, out);
        }
    }

    fn answer(&mut self, socket: Handle, bytes: &[u8], now_ms: u64, files: &mut dyn Files, out: &mut Outbox) {
        let Some(transfer) = self.transfers.get_mut(&socket) else { return };
        match wire::answer(bytes) {
            Some(Answer::Ack(number)) => {
                let before_ms = transfer.due_ms;
                let result = transfer.acknowledge(number, socket, now_ms, files, out);
                let after_ms = transfer.due_ms;
                self.reschedule(socket, before_ms, after_ms);
                match result {
                    Ok(Progress::Waiting) => {}
                    Ok(Progress::Done) => {
                        if let Some(plan) = self.end(socket, files, out) {
                            if !self.slice.quiet {
                                out.log(Severity::Info, lines::sent(&plan.path, plan.client));
                            }
                            if self.slice.tell_script {
                                let Plan { size, client, path, .. } = plan;
                                out.actions.push(Action::Tell(ToParent::Sent { size, client, path }));
                            }
                        }
                    }
                    Err(reason) => self.unreadable(socket, &reason, files, out),
                }
            }
            Some(Answer::Error { code, text }) => {
                out.log(Severity::Error, lines::client_error(code, text, transfer.plan.client));
                self.fail(socket, files, out);
            }
            None => {}
        }
    }

    fn expire(&mut self, now_ms: u64, files: &mut dyn Files, out: &mut Outbox) {
        while let Some((due_ms, timer)) = self.timers.first().copied().filter(|(due_ms, _)| *due_ms <= now_ms) {
            match timer {
                Timer::Socket(ticket) => self.forget(ticket, files, out),
                Timer::Transfer(socket) => {
                    let Some(transfer) = self.transfers.get_mut(&socket) else {
                        self.timers.remove(&(due_ms, timer));
                        continue;
                    };
                    let result = transfer.retransmit(socket, now_ms, files, out);
                    let (after_ms, client) = (transfer.due_ms, transfer.plan.client);
                    match result {
                        Ok(true) => self.reschedule(socket, due_ms, after_ms),
                        Ok(false) => {
                            out.log(Severity::Error, lines::timeout(&transfer.plan.path, client));
                            self.end(socket, files, out);
                        }
                        Err(reason) => {
                            self.reschedule(socket, due_ms, after_ms);
                            self.unreadable(socket, &reason, files, out);
                        }
                    }
                }
            }
        }
    }

    fn reschedule(&mut self, socket: Handle, before_ms: u64, after_ms: u64) {
        if before_ms != after_ms {
            self.timers.remove(&(before_ms, Timer::Transfer(socket)));
            self.timers.insert((after_ms, Timer::Transfer(socket)));
        }
    }

    /// No socket for a request: its client will ask again, or not.
    fn forget(&mut self, ticket: u32, files: &mut dyn Files, out: &mut Outbox) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            self.timers.remove(&(waiting.until_ms, Timer::Socket(ticket)));
            files.close(waiting.plan.file);
            out.log(Severity::Error, lines::failed(&waiting.plan.path, waiting.plan.client));
        }
    }

    fn unreadable(&mut self, socket: Handle, reason: &str, files: &mut dyn Files, out: &mut Outbox) {
        let Some(transfer) = self.transfers.get(&socket) else { return };
        let text = lines::unreadable(transfer.plan.path.as_bytes(), reason);
        let start = out.bytes.len();
        wire::error(ErrorCode::Undefined, &text, &mut out.bytes);
        out.send(socket, start);
        out.log(Severity::Error, text);
        self.fail(socket, files, out);
    }

    fn fail(&mut self, socket: Handle, files: &mut dyn Files, out: &mut Outbox) {
        if let Some(plan) = self.end(socket, files, out) {
            out.log(Severity::Error, lines::failed(&plan.path, plan.client));
        }
    }

    /// Removes a transfer with all that belongs to it.
    fn end(&mut self, socket: Handle, files: &mut dyn Files, out: &mut Outbox) -> Option<Plan> {
        let transfer = self.transfers.remove(&socket)?;
        self.timers.remove(&(transfer.due_ms, Timer::Transfer(socket)));
        files.close(transfer.plan.file);
        out.actions.push(Action::Close { socket });
        Some(transfer.plan)
    }
}
