//! The tftp worker: sockets and a directory on one side, the TFTP core on the other.
//!
//! The only role that opens files: beneath directory handles that it was given, by `openat2` with `RESOLVE_BENEATH`, under a Landlock
//! rule set that allows reading below those directories and nothing else.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use ipc::capture::Kind;
use ipc::control::ToParent;
use ipc::tftp as conversation;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, SFlag, fstat};
use tftp::{Action, Arrival, Engine, FileFacts, FileHandle, Files, Handle, Input, OpenError, Outbox};

use crate::boot::Booted;
use crate::clock::now;
use crate::datagram::{Outgoing, Receiver, Sender};
use crate::poll::Ready;
use crate::stream::Seeded;
use crate::turn::{self, Role};

/// Room for one packet on port 69 or on a transfer: requests and acknowledgements are short.
const PACKET_BYTES: usize = 2048;
/// Requests taken at once.
const PACKETS_PER_TURN: usize = 8;

struct Worker {
    booted: Booted,
    engine: Engine,
    files: Opened,
    outbox: Outbox,
    receiver: Receiver,
    sender: Sender,
    transfers: HashMap<RawFd, Transfer, Seeded>,
    serving: bool,
    paused: bool,
    draining: bool,
}

/// Serves until drained.
pub fn serve(mut booted: Booted) -> ! {
    let engine = Engine::new(booted.slice(), booted.seed);
    let files = Opened { uid: booted.uid, roots: std::mem::take(&mut booted.directories), open: HashMap::default() };
    let worker = Worker {
        booted,
        engine,
        files,
        outbox: Outbox::new(),
        receiver: Receiver::new(PACKET_BYTES),
        sender: Sender::new(),
        transfers: HashMap::default(),
        serving: false,
        paused: false,
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

    fn dump_statistics(&mut self, _: i32) {
        self.hear(Input::DumpStatistics);
    }

    fn drained(&self) -> bool {
        self.engine.idle()
    }

    fn ready(&mut self, event: Ready) {
        match self.booted.datagram.iter().position(|fd| fd.as_raw_fd() == event.fd) {
            // After a Drain of the same turn it is left to the next generation.
            Some(_) if self.draining => {}
            Some(socket) => self.requests(socket),
            None => self.transfer(event.fd),
        }
    }

    fn drain(&mut self) {
        self.draining = true;
        self.watch_requests(false);
        self.hear(Input::Drain);
    }

    fn told(&mut self, message: conversation::ToWorker, descriptors: Vec<OwnedFd>) {
        use conversation::ToWorker as Told;
        match message {
            Told::Interfaces(interfaces) => self.hear(Input::Interfaces(interfaces)),
            Told::Start => {
                self.hear(Input::Start);
                self.watch_requests(true);
            }
            Told::TransferSocket { ticket, local, client } => {
                let Some(socket) = descriptors.into_iter().next() else { return };
                let fd = socket.as_raw_fd();
                self.booted.poll.read(socket.as_fd()).expect("a transfer socket can be watched");
                self.transfers.insert(fd, Transfer { socket, local, client });
                self.hear(Input::Socket { ticket, socket: Handle(fd as u32) });
            }
            Told::NoSocket { ticket } => self.hear(Input::NoSocket { ticket }),
        }
    }
}

impl Worker {
    fn hear(&mut self, input: Input<'_>) {
        self.engine.handle(input, now(), &mut self.files, &mut self.outbox);
        self.perform(0);
        self.pause_when_full();
    }

    fn requests(&mut self, socket: usize) {
        // One at a time while near the limit would be finer; a few requests over it wait in the core.
        let Ok(count) = self.receiver.receive(self.booted.datagram[socket].as_fd(), PACKETS_PER_TURN) else { return };
        for index in 0..count {
            let Some(datagram) = self.receiver.datagram(index) else { continue };
            let ends = || Some((datagram.peer, SocketAddr::new(datagram.local, *self.booted.ports.get(socket)?)));
            self.booted.log.capture(Kind::Tftp, ends, datagram.bytes, &mut self.outbox.lines);
            let arrival = Arrival { interface: datagram.interface, peer: datagram.peer, local: datagram.local };
            let input = Input::Request { bytes: datagram.bytes, arrival };
            self.engine.handle(input, now(), &mut self.files, &mut self.outbox);
        }
        self.perform(socket);
        self.pause_when_full();
    }

    fn transfer(&mut self, fd: RawFd) {
        let Some(Transfer { socket, local, client }) = self.transfers.get(&fd) else { return };
        let mut buffer = [0; PACKET_BYTES];
        let handle = Handle(fd as u32);
        match nix::unistd::read(socket, &mut buffer) {
            Ok(count) => {
                let ends = || Some((*client, *local));
                self.booted.log.capture(Kind::Tftp, ends, &buffer[..count], &mut self.outbox.lines);
                self.hear(Input::Transfer { socket: handle, bytes: &buffer[..count] });
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.hear(Input::SocketFailed { socket: handle }),
        }
    }

    fn watch_requests(&mut self, watch: bool) {
        if self.serving == watch {
            return;
        }
        self.serving = watch;
        for fd in &self.booted.datagram {
            if watch {
                self.booted.poll.read_shared(fd.as_fd()).expect("a listening socket can be watched");
            } else {
                let _ = self.booted.poll.forget(fd.as_fd());
            }
        }
    }

    /// While as many transfers run as are allowed, requests wait in the socket's queue, as with dnsmasq.
    fn pause_when_full(&mut self) {
        let full = self.engine.full();
        if full != self.paused && !self.draining {
            self.paused = full;
            self.watch_requests(!full);
        }
    }

    fn perform(&mut self, socket: usize) {
        let mut outbox = std::mem::replace(&mut self.outbox, Outbox::new());
        let mut failed = Vec::new();
        for action in outbox.actions.drain(..) {
            match action {
                Action::Reply { to, bytes } => {
                    let interface = if matches!(to.local, IpAddr::V6(_)) { to.interface } else { 0 };
                    let batch = [Outgoing { peer: to.peer, local: to.local, interface, bytes }];
                    if let Some(fd) = self.booted.datagram.get(socket) {
                        let ends = || Some((SocketAddr::new(to.local, *self.booted.ports.get(socket)?), to.peer));
                        let packet = &outbox.bytes[batch[0].bytes.clone()];
                        self.booted.log.capture(Kind::Tftp, ends, packet, &mut outbox.lines);
                        self.sender.send(fd.as_fd(), &outbox.bytes, &batch, |_, _| {});
                    }
                }
                Action::Send { socket, bytes } => {
                    let ends =
                        || self.transfers.get(&(socket.0 as RawFd)).map(|transfer| (transfer.local, transfer.client));
                    self.booted.log.capture(Kind::Tftp, ends, &outbox.bytes[bytes.clone()], &mut outbox.lines);
                    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                    match send(socket.0 as RawFd, &outbox.bytes[bytes], flags) {
                        // A full buffer loses the block; the core's timer sends it again.
                        Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
                        Err(_) => failed.push(socket),
                    }
                }
                Action::Close { socket } => drop(self.transfers.remove(&(socket.0 as RawFd))),
                Action::Tell(message) => self.booted.control.tell(&self.booted.poll, &ToParent::Role(message)),
            }
        }
        if !outbox.lines.is_empty() {
            self.booted.log.write(&mut outbox.lines);
        }
        outbox.clear();
        self.outbox = outbox;
        for socket in failed {
            self.hear(Input::SocketFailed { socket });
        }
    }
}

/// A connected socket, and its ends.
struct Transfer {
    socket: OwnedFd,
    local: SocketAddr,
    client: SocketAddr,
}

/// The directories that are served, and the files that are open.
struct Opened {
    uid: u32,
    roots: Vec<OwnedFd>,
    open: HashMap<RawFd, OwnedFd, Seeded>,
}

impl Opened {
    fn open_beneath(&self, root: usize, path: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
        let root = self.roots.get(root).ok_or(Errno::ENOENT)?;
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(Mode::empty())
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let path = if path.is_empty() { "." } else { path };
        openat2(root, path, how)
    }
}

impl Files for Opened {
    fn open(&mut self, root: usize, path: &str) -> Result<(FileHandle, FileFacts), OpenError> {
        // Non-blocking, so that a pipe that somebody put there cannot hold us up.
        let file = self.open_beneath(root, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR => OpenError::NotFound,
            // EXDEV: the path would leave the root.
            Errno::EACCES | Errno::EPERM | Errno::EXDEV => OpenError::Denied,
            errno => OpenError::Other(errno.desc().to_owned()),
        })?;
        let facts = fstat(&file).map_err(|errno| OpenError::Other(errno.desc().to_owned()))?;
        let kind = SFlag::from_bits_truncate(facts.st_mode & SFlag::S_IFMT.bits());
        let facts = FileFacts {
            size: facts.st_size.max(0) as u64,
            regular: kind == SFlag::S_IFREG,
            directory: kind == SFlag::S_IFDIR,
            world_readable: facts.st_mode & libc::S_IROTH != 0,
            own: facts.st_uid == self.uid,
        };
        let handle = FileHandle(file.as_raw_fd() as u32);
        self.open.insert(file.as_raw_fd(), file);
        Ok((handle, facts))
    }

    fn is_directory(&mut self, root: usize, path: &str) -> bool {
        self.open_beneath(root, path, OFlag::O_PATH | OFlag::O_DIRECTORY).is_ok()
    }

    fn read_at(&mut self, file: FileHandle, offset: u64, buffer: &mut [u8]) -> Result<usize, String> {
        let file = self.open.get(&(file.0 as RawFd)).ok_or_else(|| Errno::EBADF.desc().to_owned())?;
        nix::sys::uio::pread(file, buffer, offset as i64).map_err(|errno| errno.desc().to_owned())
    }

    fn close(&mut self, file: FileHandle) {
        self.open.remove(&(file.0 as RawFd));
    }
}
