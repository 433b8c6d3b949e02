//! How a worker comes to be: its room (a user namespace made once), a socket pair, a process in fresh namespaces, and our own
//! program again.
//!
//! The parent keeps neither CAP_SYS_ADMIN nor the right to write below /proc. Therefore everything that would need them is
//! prepared once, before the parent confines itself, and held as a descriptor:
//!
//! - the **program**, so that a worker started after an upgrade of the file still matches the parent it talks to;
//! - the **empty root**, a read-only tmpfs without a single entry and mounted nowhere, into which every worker moves (a parent under
//!   Landlock could not let its children mount anything);
//! - a **room** per role: a user namespace in which id 0 is root (for the set-up) and id 1 is the role's own uid. The owner of a user
//!   namespace has every capability in it, so joining it needs none outside.
//!
//! A spawn is then: fork; join the room; clone again, as a sibling, into new mount, pid, network, ipc, uts and cgroup
//! namespaces; execute. Where a step is not permitted (no user namespaces, not root), the worker is confined without it, and says so.
#![expect(unsafe_code, reason = "fork, clone, setns and exec by descriptor: the calls between two programs")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use ipc::boot::{CONTROL, LOG};
use ipc::role::Role;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// The namespaces of a worker besides the user namespace of its room.
const NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
/// Where the program's descriptor is put for the exec, which closes it.
pub(crate) const PROGRAM: RawFd = 5;

/// Everything that spawning needs, prepared once at start.
pub struct Nursery {
    program: OwnedFd,
    null: OwnedFd,
    empty_root: Option<OwnedFd>,
    rooms: Vec<Room>,
    notes: Vec<String>,
}

/// The user and group that a role runs as, seen from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id; not 0.
    pub uid: u32,
    /// Group id; not 0.
    pub gid: u32,
}

/// What one role runs in.
struct Room {
    role: Role,
    uid: Option<u32>,
    namespace: Option<OwnedFd>,
}

/// A process that was just started.
pub struct Newborn {
    /// Its process id.
    pub pid: Pid,
    /// Our end of the control channel.
    pub control: OwnedFd,
    /// Our end of the log channel.
    pub log: OwnedFd,
}

/// On which side of a spawn we are.
pub enum Side {
    /// The parent.
    Parent(Newborn),
    /// The worker, when the program could not be executed again (a profile of dnsmasq's that forbids it): channels are in place, and
    /// the caller must become the worker.
    WorkerWithoutExec,
}

impl Nursery {
    /// Prepares for these roles and identities (`None`: the parent's own). Must run while still privileged.
    pub fn prepare(roles: &[(Role, Option<Identity>)]) -> io::Result<Nursery> {
        let mut notes = Vec::new();
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let program = nix::fcntl::open("/proc/self/exe", flags, Mode::empty())?;
        let null = nix::fcntl::open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
        let empty_root = match empty_root() {
            Ok(root) => Some(root),
            Err(errno) => {
                notes.push(format!("no empty root for workers: {}", errno.desc()));
                None
            }
        };
        let mut rooms = Vec::new();
        for &(role, identity) in roles {
            // The kernel must find net's capability in the namespace that the machine's network belongs to.
            let namespace = match identity.filter(|_| role != Role::Net).map(user_namespace) {
                None => None,
                Some(Ok(namespace)) => Some(namespace),
                Some(Err(error)) => {
                    notes.push(format!("no user namespace for {}: {error}", role.word()));
                    None
                }
            };
            rooms.push(Room { role, uid: identity.map(|identity| identity.uid), namespace });
        }
        Ok(Nursery { program, null, empty_root, rooms, notes })
    }

    /// What this system refused, one line each, for the log.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The program's descriptor, for the rule that lets it be executed.
    pub fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }

    /// The null device.
    pub fn null(&self) -> BorrowedFd<'_> {
        self.null.as_fd()
    }

    /// The empty root, if there is one.
    pub fn empty_root(&self) -> Option<BorrowedFd<'_>> {
        self.empty_root.as_ref().map(|fd| fd.as_fd())
    }

    /// Does this role have a user namespace of its own?
    pub fn has_user_namespace(&self, role: Role) -> bool {
        self.room(role).namespace.is_some()
    }

    /// The uid of this role; `None` keeps the parent's.
    pub fn uid(&self, role: Role) -> Option<u32> {
        self.room(role).uid
    }

    fn room(&self, role: Role) -> &Room {
        self.rooms.iter().find(|room| room.role == role).expect("a room was prepared for every role in use")
    }

    /// Starts a worker. It waits for its boot message.
    pub fn spawn(&self, role: Role) -> io::Result<Side> {
        let (control, worker_control) = ipc::channel::pair()?;
        let (log, worker_log) = ipc::channel::pair()?;
        enlarge_send_buffer(&control);
        let room = self.room(role);
        let arguments = [
            CString::new(format!("wardmasq-{}", role.word())),
            CString::new(shell::WORKER_ARGUMENT),
            CString::new(role.word()),
        ];
        let arguments = arguments.map(|text| text.expect("role words hold no NUL"));
        let luggage = Luggage {
            program: self.program.as_raw_fd(),
            null: self.null.as_raw_fd(),
            control: worker_control.as_raw_fd(),
            log: worker_log.as_raw_fd(),
            arguments: &arguments,
        };
        let pid = match &room.namespace {
            Some(namespace) => match spawn_in_room(namespace, &luggage)? {
                Some(pid) => pid,
                None => return Ok(Side::WorkerWithoutExec),
            },
            // SAFETY: the parent has one thread, so the child may do anything before its exec.
            None => match unsafe { libc::fork() } {
                -1 => return Err(io::Error::last_os_error()),
                0 => {
                    luggage.move_in();
                    return Ok(Side::WorkerWithoutExec);
                }
                pid => Pid::from_raw(pid),
            },
        };
        Ok(Side::Parent(Newborn { pid, control, log }))
    }
}

/// The default send buffer parks 278 small messages; a lease replay is longer. (The rest waits in our own queue.)
pub(crate) fn enlarge_send_buffer(socket: &OwnedFd) {
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::SndBuf, &(512 * 1024));
}

/// What the new process takes along.
struct Luggage<'a> {
    program: RawFd,
    null: RawFd,
    control: RawFd,
    log: RawFd,
    arguments: &'a [CString; 3],
}

impl Luggage<'_> {
    /// In the new process: puts descriptors in place, forgets everything else, executes. Returns only when exec was refused.
    fn move_in(&self) {
        // SAFETY: plain system calls on integers in a process of one thread that owns nothing worth keeping; a failure leads to `_exit`.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
            libc::umask(0o077);
            take_places(self.program, Some(self.null), self.control, self.log);
            let argv =
                [self.arguments[0].as_ptr(), self.arguments[1].as_ptr(), self.arguments[2].as_ptr(), std::ptr::null()];
            let environment: [*const libc::c_char; 1] = [std::ptr::null()];
            libc::syscall(
                libc::SYS_execveat,
                PROGRAM,
                c"".as_ptr(),
                argv.as_ptr(),
                environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
            libc::close(PROGRAM);
        }
    }
}

/// In a new process: puts its channels at their numbers, the program at [`PROGRAM`], the null device, if given, at those of standard input,
/// output and error, and closes everything else.
///
/// # Safety
///
/// Nothing in this process may own a descriptor and use it afterwards.
pub(crate) unsafe fn take_places(program: RawFd, null: Option<RawFd>, control: RawFd, log: RawFd) {
    // SAFETY: plain system calls on integers; who owns them no longer matters, as the caller promises.
    unsafe {
        // Out of the way first: any of them may sit on a number that another is to get.
        let high = |fd: RawFd| libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 64);
        let (program, null, control, log) = (high(program), null.map(high), high(control), high(log));
        for (null, number) in null.into_iter().flat_map(|null| (0..3).map(move |number| (null, number))) {
            libc::dup2(null, number);
        }
        libc::dup2(control, CONTROL);
        libc::dup2(log, LOG);
        libc::dup3(program, PROGRAM, libc::O_CLOEXEC);
        libc::syscall(libc::SYS_close_range, (PROGRAM + 1) as libc::c_uint, libc::c_uint::MAX, 0);
    }
}

/// Spawns as a sibling: an intermediate process joins the room, clones the worker as *our* child, and ends. `None`: we are
/// the worker, and exec was refused.
fn spawn_in_room(namespace: &OwnedFd, luggage: &Luggage<'_>) -> io::Result<Option<Pid>> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the parent has one thread, so the child may do anything.
    let between = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: plain system calls; the clone without a stack continues here, in a copy, like fork.
            unsafe {
                let mut cloned = libc::c_long::from(libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUSER));
                if cloned == 0 {
                    let flags = (libc::CLONE_PARENT | NAMESPACES | libc::SIGCHLD) as libc::c_ulong;
                    cloned = libc::syscall(libc::SYS_clone, flags, 0usize, 0usize, 0usize, 0usize);
                    if cloned == 0 {
                        luggage.move_in();
                        return Ok(None);
                    }
                }
                let answer = if cloned > 0 { cloned as libc::c_int } else { -Errno::last_raw() };
                libc::write(write.as_raw_fd(), (&raw const answer).cast(), size_of::<libc::c_int>());
                libc::_exit(0);
            }
        }
        pid => Pid::from_raw(pid),
    };
    drop(write);
    let mut answer = [0; size_of::<libc::c_int>()];
    let got = nix::unistd::read(&read, &mut answer);
    let _ = waitpid(between, None);
    match (got, libc::c_int::from_ne_bytes(answer)) {
        (Ok(4), pid) if pid > 0 => Ok(Some(Pid::from_raw(pid))),
        (Ok(4), negative) => Err(io::Error::from_raw_os_error(-negative)),
        _ => Err(io::Error::other("the process between parent and worker ended early")),
    }
}

/// A user namespace in which 0 is our root and 1 is `identity`.
///
/// A short-lived child makes it; the parent, which is still privileged, writes its maps and keeps a handle.
fn user_namespace(identity: Identity) -> io::Result<OwnedFd> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: as for fork: one thread, and the child only waits and ends.
    let child = unsafe {
        let flags = (libc::CLONE_NEWUSER | libc::SIGCHLD) as libc::c_ulong;
        libc::syscall(libc::SYS_clone, flags, 0usize, 0usize, 0usize, 0usize)
    };
    match child {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            drop(write);
            // SAFETY: waits for the parent to close its end, then ends.
            unsafe {
                let mut byte = 0u8;
                libc::read(read.as_raw_fd(), (&raw mut byte).cast(), 1);
                libc::_exit(0);
            }
        }
        _ => {}
    }
    let child = Pid::from_raw(child as i32);
    let map = |id: u32| format!("0 0 1\n1 {id} 1\n");
    let result = std::fs::write(format!("/proc/{child}/uid_map"), map(identity.uid))
        .and_then(|()| std::fs::write(format!("/proc/{child}/gid_map"), map(identity.gid)))
        .and_then(|()| std::fs::File::open(format!("/proc/{child}/ns/user")));
    drop(write);
    let _ = waitpid(child, None);
    result.map(OwnedFd::from)
}

/// A read-only tmpfs without entries that is mounted nowhere.
fn empty_root() -> Result<OwnedFd, Errno> {
    const SET_STRING: libc::c_uint = 1;
    const CREATE: libc::c_uint = 6;
    let attributes =
        libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    let check = |result: libc::c_long| if result < 0 { Err(Errno::last()) } else { Ok(result as RawFd) };
    let set = |context: &OwnedFd, key: &CStr, value: &CStr| {
        // SAFETY: both strings are NUL-terminated and only read.
        check(unsafe {
            libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), SET_STRING, key.as_ptr(), value.as_ptr(), 0)
        })
    };
    // SAFETY: the calls take integers and NUL-terminated strings and return new descriptors, which are owned at once.
    unsafe {
        let context = check(libc::syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), 1))?;
        let context = OwnedFd::from_raw_fd(context);
        set(&context, c"mode", c"0555")?;
        set(&context, c"nr_inodes", c"2")?;
        let null = std::ptr::null::<libc::c_void>();
        check(libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), CREATE, null, null, 0))?;
        let root = check(libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), 1, attributes as libc::c_uint))?;
        Ok(OwnedFd::from_raw_fd(root))
    }
}

/// A sealed memory file that holds `bytes`, for a slice on its way to a worker.
pub fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    use nix::fcntl::SealFlag;
    use nix::sys::memfd::{MFdFlags, memfd_create};
    let file = memfd_create(c"slice", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = nix::unistd::write(&file, rest)?;
        rest = &rest[count..];
    }
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the whole road without the exec: a worker in its room, in the empty root, as its own uid.
    #[test]
    fn a_worker_is_alone_in_its_room() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let namespace =
            user_namespace(Identity { uid: 65520, gid: 65520 }).expect("user namespaces are permitted here");
        let root = empty_root().expect("a tmpfs can be made");
        let (ours, theirs) = ipc::channel::pair().unwrap();
        // SAFETY: the child makes system calls only and ends by `_exit`.
        let between = unsafe { libc::fork() };
        if between == 0 {
            // SAFETY: as above.
            unsafe {
                let mut code = 10;
                if libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUSER) == 0 {
                    let flags = (libc::CLONE_PARENT | NAMESPACES | libc::SIGCHLD) as libc::c_ulong;
                    let pid = libc::syscall(libc::SYS_clone, flags, 0usize, 0usize, 0usize, 0usize);
                    if pid == 0 {
                        code = 0;
                        code |= i32::from(libc::fchdir(root.as_raw_fd()) != 0);
                        code |= i32::from(libc::chroot(c".".as_ptr()) != 0) << 1;
                        code |= i32::from(libc::chdir(c"/".as_ptr()) != 0) << 2;
                        code |= i32::from(libc::open(c"/etc/passwd".as_ptr(), libc::O_RDONLY) >= 0) << 3;
                        code |= i32::from(libc::mkdir(c"/x".as_ptr(), 0o700) == 0) << 4;
                        code |= i32::from(libc::setresgid(1, 1, 1) != 0 || libc::setresuid(1, 1, 1) != 0) << 5;
                        code |= i32::from(libc::syscall(libc::SYS_getpid) != 1) << 6;
                    }
                    if pid < 0 {
                        code = 11;
                    }
                    if pid > 0 {
                        libc::_exit(0);
                    }
                }
                let byte = code as u8;
                libc::send(theirs.as_raw_fd(), (&raw const byte).cast(), 1, 0);
                libc::_exit(0);
            }
        }
        drop(theirs);
        let mut waiting = [nix::poll::PollFd::new(ours.as_fd(), nix::poll::PollFlags::POLLIN)];
        nix::poll::poll(&mut waiting, nix::poll::PollTimeout::NONE).unwrap();
        let mut byte = [255];
        assert_eq!(nix::unistd::read(&ours, &mut byte), Ok(1));
        assert_eq!(byte, [0], "bits of what went wrong");
    }
}
