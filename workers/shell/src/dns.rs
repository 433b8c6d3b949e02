//! The dns worker: sockets on one side, the DNS core on the other.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use dns::{Action, Arrival, Engine, Handle, Input, Outbox};
use ipc::capture::Kind;
use ipc::config::dns::DnsSlice;
use ipc::config::routing::Routing;
use ipc::control::ToParent;
use ipc::dns as conversation;
use ipc::log::Line;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use crate::boot::Booted;
use crate::clock::now;
use crate::datagram::{BATCH, Outgoing, Receiver, Sender};
use crate::endpoint;
use crate::poll::Ready;
use crate::stream::{Seeded, Streams, Wrote};
use crate::turn::{self, Role};
use crate::watchdog;

/// Room for one datagram. Larger than any limit of `edns-packet-max` that we accept, so that the core sees an oversized one as such.
const DATAGRAM_BYTES: usize = 4096 + 512;
/// Bytes read from a TCP connection at once.
const STREAM_BYTES: usize = 16 * 1024;
/// Longest hosts or resolv file: others may write them, and memory has a limit here.
const FILE_BYTES_MAX: usize = 64 << 20;

struct Worker {
    booted: Booted,
    engine: Engine,
    outbox: Outbox,
    receiver: Receiver,
    sender: Sender,
    batch: Vec<Outgoing>,
    streams: Streams,
    /// Connected UDP sockets of queries in flight.
    upstream: HashMap<RawFd, OwnedFd, Seeded>,
    /// Which of `streams` lead to an upstream.
    upstream_streams: HashSet<RawFd, Seeded>,
    /// Connections and sockets that ended while actions were carried out; the core is told afterwards.
    ended: Vec<Handle>,
    buffer: Vec<u8>,
    serving: bool,
    draining: bool,
}

/// Serves until drained.
pub fn serve(mut booted: Booted) -> ! {
    let (slice, mut routing): (DnsSlice, Routing) = booted.slice();
    if let Some(table) = booted.routes {
        routing.table = Cow::Borrowed(table);
    }
    let engine = Engine::new(slice, routing, booted.seed);
    let worker = Worker {
        booted,
        engine,
        outbox: Outbox::new(),
        receiver: Receiver::new(DATAGRAM_BYTES),
        sender: Sender::new(),
        batch: Vec::new(),
        streams: Streams::default(),
        upstream: HashMap::default(),
        upstream_streams: HashSet::default(),
        ended: Vec::new(),
        buffer: vec![0; STREAM_BYTES],
        serving: false,
        draining: false,
    };
    turn::serve(worker)
}

impl Role for Worker {
    type Told = conversation::ToWorker;

    fn booted(&mut self) -> &mut Booted {
        &mut self.booted
    }

    fn deadline(&self) -> Option<u64> {
        self.engine.deadline()
    }

    fn deadline_reached(&mut self) {
        self.hear(Input::Deadline);
    }

    fn dump_statistics(&mut self, utc_offset_s: i32) {
        self.hear(Input::DumpStatistics { utc_offset_s });
    }

    fn drained(&self) -> bool {
        self.engine.idle()
    }

    /// What is ready on a port socket after a Drain of the same turn is left to the next generation.
    fn ready(&mut self, event: Ready) {
        if let Some(socket) = self.booted.datagram.iter().position(|fd| fd.as_raw_fd() == event.fd) {
            if !self.draining {
                self.datagrams(socket);
            }
        } else if let Some(listener) = self.booted.listeners.iter().position(|fd| fd.as_raw_fd() == event.fd) {
            if !self.draining {
                self.accept(listener);
            }
        } else if self.streams.holds(event.fd) {
            self.stream(event);
        } else if self.upstream.contains_key(&event.fd) {
            self.upstream_datagram(event.fd);
        }
    }

    fn turn_ends(&mut self) {
        self.perform();
    }

    fn drain(&mut self) {
        self.draining = true;
        for fd in self.booted.datagram.iter().chain(&self.booted.listeners) {
            if self.serving {
                let _ = self.booted.poll.forget(fd.as_fd());
            }
        }
        self.hear(Input::Drain);
    }

    fn told(&mut self, message: conversation::ToWorker, descriptors: Vec<OwnedFd>) {
        use conversation::ToWorker as Told;
        match message {
            Told::Interfaces(interfaces) => self.hear(Input::Interfaces(interfaces)),
            Told::HostsFile { path, error } => {
                let content = content(error, &descriptors);
                let content = content.as_deref().map_err(String::as_str);
                self.hear(Input::HostsFile { path: &path, content });
            }
            Told::HostsFileChanged { path, error } => {
                let content = content(error, &descriptors);
                let content = content.as_deref().map_err(String::as_str);
                self.hear(Input::HostsFileChanged { path: &path, content });
            }
            Told::HostsFileGone { path } => self.hear(Input::HostsFileGone { path: &path }),
            Told::WantHosts { wanted, last } => self.hear(Input::WantHosts { wanted, last }),
            Told::ResolvFile { path } => {
                let content = descriptors.first().and_then(|file| read_file(file).ok()).unwrap_or_default();
                self.hear(Input::ResolvFile { path: &path, content: &content });
            }
            Told::LeaseName(name) => self.hear(Input::LeaseName(name)),
            Told::LeaseNameGone(address) => self.hear(Input::LeaseNameGone(address)),
            Told::Start => {
                self.hear(Input::Start);
                self.serving = true;
                for fd in self.booted.datagram.iter().chain(&self.booted.listeners) {
                    self.booted.poll.read_shared(fd.as_fd()).expect("a listening socket can be watched");
                }
            }
            Told::UdpSockets { upstream, mark } => {
                let handles: Vec<Handle> = descriptors.iter().map(|fd| Handle(fd.as_raw_fd() as u32)).collect();
                for socket in descriptors {
                    self.booted.poll.read(socket.as_fd()).expect("an upstream socket can be watched");
                    self.upstream.insert(socket.as_raw_fd(), socket);
                }
                self.hear(Input::UdpSockets { upstream, mark, sockets: &handles });
            }
            Told::TcpSocket { ticket } => {
                let Some(socket) = descriptors.into_iter().next() else { return };
                let fd = self.streams.connect(&self.booted.poll, socket).expect("a connection can be watched");
                self.upstream_streams.insert(fd);
                self.hear(Input::TcpSocket { ticket, socket: Handle(fd as u32) });
            }
            Told::NoSocket { upstream, mark, ticket, count } => {
                self.hear(Input::NoSocket { upstream, mark, ticket, count });
            }
            Told::Facts { ticket, facts } => self.hear(Input::Facts { ticket, facts }),
            Told::SetsFilled { ticket, outcomes } => self.hear(Input::SetsFilled { ticket, outcomes }),
        }
    }
}

impl Worker {
    fn datagrams(&mut self, socket: usize) {
        let count = match self.receiver.receive(self.booted.datagram[socket].as_fd(), BATCH) {
            Ok(count) => count,
            // An ICMP error for an earlier reply; reading it has cleared it.
            Err(_) => return,
        };
        let now = now();
        for index in 0..count {
            let Some(datagram) = self.receiver.datagram(index) else { continue };
            let arrival = Arrival {
                socket: socket as u16,
                peer: datagram.peer,
                local: datagram.local,
                interface: datagram.interface,
            };
            let ends = || Some((datagram.peer, SocketAddr::new(datagram.local, *self.booted.ports.get(socket)?)));
            self.booted.log.capture(Kind::Query, ends, datagram.bytes, &mut self.outbox.lines);
            self.engine.handle(Input::Datagram { arrival, bytes: datagram.bytes }, now, &mut self.outbox);
        }
    }

    /// Takes one connection; if more wait, the listener is still ready in the next turn.
    fn accept(&mut self, listener: usize) {
        // What is still to be done to a connection that has ended must not be done to one with its number.
        self.perform();
        let Ok(Some(fd)) = self.streams.accept(&self.booted.poll, &self.booted.listeners[listener]) else { return };
        let Some((local, peer)) = endpoint::ends(fd) else { return self.streams.close(fd) };
        let arrival = Arrival { socket: listener as u16, peer, local: local.ip(), interface: 0 };
        self.hear(Input::Accepted { stream: Handle(fd as u32), arrival });
        // Most clients have asked by the time that we hear of them, and looking costs less than another turn.
        self.stream(Ready { fd, readable: true, writable: false });
    }

    fn stream(&mut self, event: Ready) {
        self.perform();
        let handle = Handle(event.fd as u32);
        if event.writable {
            match self.streams.finish_connecting(&self.booted.poll, event.fd) {
                Some(true) => self.hear(Input::UpstreamConnected { socket: handle }),
                Some(false) => return self.stream_ended(handle),
                None => {
                    if self.streams.flush(&self.booted.poll, event.fd) == Wrote::Ended {
                        return self.stream_ended(handle);
                    }
                }
            }
        }
        if event.readable {
            let mut buffer = std::mem::take(&mut self.buffer);
            match self.streams.read(event.fd, &mut buffer) {
                None => {}
                Some(0) => self.stream_ended(handle),
                Some(count) => {
                    let bytes = &buffer[..count];
                    let input = if self.upstream_streams.contains(&event.fd) {
                        Input::UpstreamBytes { socket: handle, bytes }
                    } else {
                        Input::StreamBytes { stream: handle, bytes }
                    };
                    self.engine.handle(input, now(), &mut self.outbox);
                    self.perform();
                }
            }
            self.buffer = buffer;
        }
    }

    fn stream_ended(&mut self, handle: Handle) {
        let fd = handle.0 as RawFd;
        if self.upstream_streams.remove(&fd) || self.upstream.contains_key(&fd) {
            self.hear(Input::UpstreamFailed { socket: handle });
        } else {
            self.hear(Input::StreamClosed { stream: handle });
        }
    }

    fn upstream_datagram(&mut self, fd: RawFd) {
        let Some(socket) = self.upstream.get(&fd) else { return };
        let mut buffer = std::mem::take(&mut self.buffer);
        let handle = Handle(fd as u32);
        match nix::unistd::read(socket, &mut buffer) {
            // Replies to many clients leave together at the end of the turn.
            Ok(count) => {
                let ends = || endpoint::ends(fd).map(|(ours, theirs)| (theirs, ours));
                self.booted.log.capture(Kind::UpstreamReply, ends, &buffer[..count], &mut self.outbox.lines);
                let input = Input::UpstreamDatagram { socket: handle, bytes: &buffer[..count] };
                self.engine.handle(input, now(), &mut self.outbox);
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.hear(Input::UpstreamFailed { socket: handle }),
        }
        self.buffer = buffer;
    }

    fn hear(&mut self, input: Input<'_>) {
        self.engine.handle(input, now(), &mut self.outbox);
        self.perform();
    }
}

/// # Carrying out what the core decided
impl Worker {
    /// Replies by datagram are gathered and leave in batches; runs of one socket stay together.
    fn perform(&mut self) {
        let mut outbox = std::mem::replace(&mut self.outbox, Outbox::new());
        let mut current = 0;
        for action in outbox.actions.drain(..) {
            match action {
                Action::Reply { to, bytes } => {
                    if usize::from(to.socket) != current {
                        self.send_batch(current, &outbox.bytes, &mut outbox.lines);
                        current = usize::from(to.socket);
                    }
                    let interface = if needs_interface(&to.peer) { to.interface } else { 0 };
                    self.batch.push(Outgoing { peer: to.peer, local: to.local, interface, bytes });
                }
                Action::StreamReply { stream, bytes } => {
                    let wrote = self.streams.write(&self.booted.poll, stream.0 as RawFd, &outbox.bytes[bytes]);
                    if wrote == Wrote::Ended {
                        self.ended.push(stream);
                    }
                }
                Action::CloseStream { stream } => self.streams.close(stream.0 as RawFd),
                Action::SendUpstream { socket, bytes } => {
                    self.send_upstream(socket, &outbox.bytes[bytes], &mut outbox.lines);
                }
                Action::CloseUpstream { socket } => {
                    let fd = socket.0 as RawFd;
                    self.upstream.remove(&fd);
                    if self.upstream_streams.remove(&fd) {
                        self.streams.close(fd);
                    }
                }
                Action::Tell(message) => self.booted.control.tell(&self.booted.poll, &ToParent::Role(message)),
            }
        }
        self.send_batch(current, &outbox.bytes, &mut outbox.lines);
        if !outbox.lines.is_empty() {
            self.booted.log.write(&mut outbox.lines);
        }
        outbox.clear();
        self.outbox = outbox;
        while let Some(stream) = self.ended.pop() {
            self.stream_ended(stream);
        }
    }

    fn send_batch(&mut self, socket: usize, buffer: &[u8], lines: &mut Vec<Line>) {
        for reply in &self.batch {
            let ends = || Some((SocketAddr::new(reply.local, *self.booted.ports.get(socket)?), reply.peer));
            self.booted.log.capture(Kind::Reply, ends, &buffer[reply.bytes.clone()], lines);
        }
        if let (false, Some(fd)) = (self.batch.is_empty(), self.booted.datagram.get(socket)) {
            // A reply that cannot be sent is lost like any datagram; the client asks again.
            self.sender.send(fd.as_fd(), buffer, &self.batch, |_, _| {});
        }
        self.batch.clear();
    }

    fn send_upstream(&mut self, socket: Handle, bytes: &[u8], lines: &mut Vec<Line>) {
        let fd = socket.0 as RawFd;
        let failed = if self.upstream_streams.contains(&fd) {
            self.streams.write(&self.booted.poll, fd, bytes) == Wrote::Ended
        } else {
            self.booted.log.capture(Kind::UpstreamQuery, || endpoint::ends(fd), bytes, lines);
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            send(fd, bytes, flags).is_err_and(|errno| errno != Errno::EAGAIN)
        };
        if failed {
            self.ended.push(socket);
        }
    }
}

/// Link-local destinations need the interface; for all others the routing table knows better than the arrival.
fn needs_interface(peer: &SocketAddr) -> bool {
    matches!(peer, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local())
}

/// The text of a hosts file that the parent has opened, or why it could not.
fn content(error: Option<String>, descriptors: &[OwnedFd]) -> Result<Vec<u8>, String> {
    match (error, descriptors.first()) {
        (None, Some(file)) => {
            let text = read_file(file).map_err(|errno| errno.desc().to_owned())?;
            watchdog::expect_work(text.len());
            Ok(text)
        }
        (error, _) => Err(error.unwrap_or_default()),
    }
}

/// Reads a file whose handle the parent passed. What is longer than [`FILE_BYTES_MAX`] is not read in part, which nobody would notice.
fn read_file(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match nix::unistd::read(file, &mut chunk)? {
            0 => return Ok(bytes),
            count if bytes.len() + count > FILE_BYTES_MAX => return Err(Errno::EFBIG),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
