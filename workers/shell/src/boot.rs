//! From the first message to confinement.
//!
//! The order matters: signals and the panic hook first, so that no crash can become a loop or a silent death; then the
//! boot message; then every descriptor at its fixed number with every hole filled; then the lock. What comes out is a
//! [`Booted`], which holds the proof of confinement that every loop demands.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use ipc::boot::{Boot, CONTROL, EPOLL, HELD, LATER, LOG, Place, SOCKETS};
use ipc::channel::receive_bytes;
use ipc::control::ToParent;
use ipc::log::{Line, Severity};
use ipc::role::Role;
use ipc::{DESCRIPTORS_MAX, MESSAGE_BYTES_MAX, frame};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use policy::{Confined, Facts, Partition};
use serde::de::DeserializeOwned;

use crate::endpoint;
use crate::line::{Control, Log};
use crate::poll::Poll;
use crate::watchdog;

/// Exit status of a worker that panicked.
const PANIC_STATUS: i32 = 101;

/// A worker that is confined and may begin.
pub struct Booted {
    /// Proof that the door is locked.
    pub confined: Confined,
    /// Control channel.
    pub control: Control,
    /// Log channel.
    pub log: Log,
    /// The epoll set; the control channel is in it.
    pub poll: Poll,
    /// The uid as this process sees it.
    pub uid: u32,
    /// Seed of the core's generator.
    pub seed: [u8; 32],
    /// The encoded slice.
    pub slice: Vec<u8>,
    /// The table of routes, if it came by itself.
    pub routes: Option<&'static [u8]>,
    /// UDP sockets for clients.
    pub datagram: Vec<OwnedFd>,
    /// The port of each of them, if copies of packets are wanted.
    pub ports: Vec<u16>,
    /// Listening TCP sockets.
    pub listeners: Vec<OwnedFd>,
    /// Receive-only echo socket.
    pub echo: Option<OwnedFd>,
    /// Directory handles.
    pub directories: Vec<OwnedFd>,
    /// Netlink socket of the netfilter family.
    pub netfilter: Option<OwnedFd>,
    /// Netlink socket of the route family.
    pub route: Option<OwnedFd>,
    /// Netlink socket on which the kernel tells of neighbors.
    pub neighbors: Option<OwnedFd>,
}

impl Booted {
    /// The slice as its type.
    pub fn slice<S: DeserializeOwned>(&mut self) -> S {
        let bytes = std::mem::take(&mut self.slice);
        frame::decode_slice(&bytes).expect("the parent sends a well-formed slice")
    }
}

/// Receives, confines, says Ready.
pub fn boot(role: Role) -> Booted {
    default_fault_signals();
    std::panic::set_hook(Box::new(report_panic));
    set_title(role);
    let (boot, descriptors) = first_message();
    assert_eq!(boot.role, role, "the boot message is for another role");
    assert_eq!(boot.places.len(), descriptors.len(), "the boot message announces other descriptors than came");

    let mut slice = Vec::new();
    let mut routes = None;
    let mut empty_root = None;
    let (mut datagram, mut listeners, mut echo, mut directories) = (Vec::new(), Vec::new(), None, Vec::new());
    let (mut netfilter, mut route, mut neighbors) = (None, None, None);
    let mut sockets = SOCKETS;
    let mut held = HELD;
    // Out of the way first, so that no descriptor is overwritten while others are put in place.
    let descriptors: Vec<OwnedFd> = descriptors.into_iter().map(|fd| duplicate_above(fd, LATER + 64)).collect();
    for (place, fd) in boot.places.iter().zip(descriptors) {
        match place {
            Place::Slice => slice = read_whole(fd.as_fd()),
            Place::Routes => routes = Some(map_sealed(fd.as_fd())),
            Place::EmptyRoot => empty_root = Some(fd),
            Place::Datagram => datagram.push(put(fd, sockets.next())),
            Place::Listener => listeners.push(put(fd, sockets.next())),
            Place::Echo => echo = Some(put(fd, held.next())),
            Place::Directory => directories.push(put(fd, held.next())),
            Place::NetlinkNetfilter => netfilter = Some(put(fd, held.next())),
            Place::NetlinkRoute => route = Some(put(fd, held.next())),
            Place::NeighborMonitor => neighbors = Some(put(fd, held.next())),
        }
    }
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("an epoll set can be made");
    let epoll = put(duplicate_above(epoll.0, LATER + 64), Some(EPOLL));
    let mut used = vec![0, 1, 2, CONTROL, LOG, EPOLL];
    let held = echo.iter().chain(&directories).chain(&netfilter).chain(&route).chain(&neighbors);
    let placed = datagram.iter().chain(&listeners).chain(held);
    used.extend(placed.map(|fd| fd.as_raw_fd()));
    fill_holes(&used);
    let captured = boot.capture != 0;
    let ports = datagram.iter().filter(|_| captured).map(|socket| endpoint::port(socket.as_raw_fd())).collect();
    let poll = Poll::new(epoll);
    watchdog::start();

    let borrowed: Vec<BorrowedFd<'_>> = directories.iter().map(|fd| fd.as_fd()).collect();
    let facts = Facts {
        partition: Partition { control: CONTROL, log: LOG, epoll: EPOLL, sockets: SOCKETS, held: HELD, later: LATER },
        user_namespace: boot.user_namespace,
        uid: boot.uid,
        empty_root: empty_root.as_ref().map(|fd| fd.as_fd()),
        directories: &borrowed,
        strict: boot.strict,
    };
    let table = match role {
        Role::Dns => &policy::dns::POLICY,
        Role::Dhcp => &policy::dhcp::POLICY,
        Role::Tftp => &policy::tftp::POLICY,
        Role::Net => &policy::net::POLICY,
    };
    let (confined, report) = match policy::confine(table, &facts) {
        Ok(done) => done,
        Err(error) => panic!("cannot confine: {error}"),
    };
    drop(borrowed);
    drop(empty_root);

    #[cfg(feature = "probe")]
    if let Some(deed) = boot.probe {
        crate::trial::run(deed as usize, borrow(CONTROL), &mut Log::new(own(LOG)));
    }
    let mut control = Control::new(own(CONTROL));
    poll.read(control.as_fd()).expect("the control channel can be watched");
    control.tell::<()>(&poll, &ToParent::Ready { confinement: report.to_string() });
    control.send(&poll);
    Booted {
        confined,
        control,
        log: Log::with_capture(own(LOG), boot.capture),
        ports,
        poll,
        uid: report.uid,
        seed: boot.seed,
        slice,
        routes,
        datagram,
        listeners,
        echo,
        directories,
        netfilter,
        route,
        neighbors,
    }
}

/// Waits for the boot message; before it there is nothing to do.
fn first_message() -> (Boot, Vec<OwnedFd>) {
    let control = borrow(CONTROL);
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    loop {
        let mut waiting = [PollFd::new(control, PollFlags::POLLIN)];
        let _ = nix::poll::poll(&mut waiting, PollTimeout::NONE);
        match receive_bytes(control, &mut bytes, DESCRIPTORS_MAX) {
            Ok(None) => {}
            Ok(Some((length, descriptors))) if length > 0 => {
                let boot = frame::decode(&bytes[..length]).expect("the parent sends a well-formed boot message");
                return (boot, descriptors);
            }
            _ => exit_now(0),
        }
    }
}

/// Reads a memory file from its start.
fn read_whole(fd: BorrowedFd<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match nix::sys::uio::pread(fd, &mut chunk, bytes.len() as i64) {
            Ok(0) => return bytes,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(errno) => panic!("reading the slice: {errno}"),
        }
    }
}

/// Maps a sealed memory file for as long as the process lives. Its pages are those that the parent wrote: every generation of
/// the worker shares them.
#[expect(unsafe_code, reason = "a mapping has no safe call")]
fn map_sealed(fd: BorrowedFd<'_>) -> &'static [u8] {
    let seals = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_GET_SEALS).expect("the parent sends a memory file");
    let unchanging = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK;
    assert_eq!(seals & unchanging, unchanging, "the parent sends a sealed memory file");
    let size = nix::sys::stat::fstat(fd).expect("a memory file has a size").st_size;
    let length = usize::try_from(size).expect("a size is not negative");
    if length == 0 {
        return &[];
    }
    // Private, since old kernels refuse a shared mapping of a file sealed against writing. Nothing is written, so nothing is copied.
    // SAFETY: a new mapping at a place of the kernel's choice, of a file that is open.
    let start =
        unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_PRIVATE, fd.as_raw_fd(), 0) };
    assert_ne!(start, libc::MAP_FAILED, "a memory file can be mapped");
    // SAFETY: `length` bytes are mapped, are never unmapped, and the seals keep anybody from changing or cutting them.
    unsafe { std::slice::from_raw_parts(start.cast(), length) }
}

fn duplicate_above(fd: OwnedFd, lowest: RawFd) -> OwnedFd {
    let raw = nix::fcntl::fcntl(&fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(lowest)).expect("a descriptor can be moved");
    own(raw)
}

/// Moves a descriptor to its fixed number.
fn put(fd: OwnedFd, number: Option<RawFd>) -> OwnedFd {
    let number = number.expect("the parent sends no more descriptors than there are places");
    duplicate_to(fd.as_raw_fd(), number);
    own(number)
}

/// Fills every number below `LATER` that is not in use with the null device, which the parent left on 0.
fn fill_holes(used: &[RawFd]) {
    for number in (0..LATER).filter(|number| !used.contains(number)) {
        duplicate_to(0, number);
    }
}

#[expect(unsafe_code, reason = "dup2 onto a fixed number is the point of the partition")]
fn duplicate_to(from: RawFd, number: RawFd) {
    // SAFETY: plain integers; nothing in this process owns `number` at this moment of the boot.
    let done = unsafe { libc::dup2(from, number) };
    assert_eq!(done, number, "a descriptor can be put in place");
}

#[expect(unsafe_code, reason = "fixed descriptor numbers become owned here, once each")]
pub(crate) fn own(raw: RawFd) -> OwnedFd {
    // SAFETY: the caller has just made or received this number and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

#[expect(unsafe_code, reason = "the control channel's number is fixed")]
fn borrow(raw: RawFd) -> BorrowedFd<'static> {
    // SAFETY: number 3 is open for the whole life of a worker.
    unsafe { BorrowedFd::borrow_raw(raw) }
}

/// The runtime's handler for memory faults resets the signal and returns; under a filter that refuses the reset, the fault would
/// repeat for ever. The default action ends the process.
#[expect(unsafe_code, reason = "signal dispositions have no safe call")]
fn default_fault_signals() {
    for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGABRT, libc::SIGPIPE] {
        // SAFETY: installs the default action, no handler.
        unsafe { libc::signal(signal, if signal == libc::SIGPIPE { libc::SIG_IGN } else { libc::SIG_DFL }) };
    }
    // The worker goes when the parent goes. confine() asks again after the change of uid, which clears it.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
}

/// Ends the process at once with one line on the log channel: unwinding or a core dump would serve nobody.
fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let text = match info.payload().downcast_ref::<&str>() {
        Some(text) => (*text).to_owned(),
        None => info.payload().downcast_ref::<String>().cloned().unwrap_or_default(),
    };
    let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    let mut lines = vec![Line { severity: Severity::Error, text: format!("internal error: {text}{place}") }];
    Log::new(own(LOG)).write(&mut lines);
    exit_now(PANIC_STATUS);
}

/// Ends the process without the standard library's farewell, which gives back signal stacks by a call that no table lists, and without
/// destructors, which must not run in a process that is known to be wrong.
#[expect(unsafe_code, reason = "the safe call does more")]
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

/// Shows the role in process lists.
fn set_title(role: Role) {
    if let Ok(title) = std::ffi::CString::new(format!("wardmasq-{}", role.word())) {
        let _ = nix::sys::prctl::set_name(&title);
    }
}
