//! Builds with the `probe` feature: what hostile code would try from inside a confined worker, and what a worker must be able to do.
//!
//! Deeds use raw system calls, as injected code would. Each is tried in a worker of its own. Where a success would hurt the
//! machine, the arguments are such that it cannot.
#![expect(unsafe_code, reason = "hostile code is tried with raw system calls, and a fault is made on purpose")]

use std::ffi::CStr;

/// One deed.
#[derive(Debug)]
pub struct Deed {
    /// `file`, `net`, `proc`, `priv`, `mem`, `abi`; or `must` for what has to work.
    pub group: &'static str,
    /// What is tried.
    pub name: &'static str,
    /// Tries it. Errors: the errno of the refusal.
    pub run: fn(&Ground) -> Result<(), i32>,
}

/// What a deed can get its hands on.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// The parent's process id, as the parent sees it.
    pub parent_pid: i32,
    /// A connected UDP socket that arrived later, or -1.
    pub connected_udp: i32,
    /// A listening socket.
    pub listening: i32,
    /// The channel to the parent.
    pub control: i32,
}

const fn deed(group: &'static str, name: &'static str, run: fn(&Ground) -> Result<(), i32>) -> Deed {
    Deed { group, name, run }
}

/// A raw system call with up to six arguments.
fn call(number: libc::c_long, arguments: &[i64]) -> Result<(), i32> {
    value(number, arguments).map(drop)
}

fn value(number: libc::c_long, arguments: &[i64]) -> Result<i64, i32> {
    let at = |index: usize| arguments.get(index).copied().unwrap_or(0);
    // SAFETY: not upheld for hostile deeds by intent: what the call would do is the question, and this process ends right after.
    // Pointers that are passed point at live memory.
    let result = unsafe { libc::syscall(number, at(0), at(1), at(2), at(3), at(4), at(5)) };
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

fn path(text: &'static CStr) -> i64 {
    text.as_ptr() as i64
}

fn pointer<T>(value: &T) -> i64 {
    std::ptr::from_ref(value) as i64
}

/// For deeds that pass memory to be written to.
fn room(memory: &mut [u64]) -> i64 {
    memory.as_mut_ptr() as i64
}

const HERE: i64 = libc::AT_FDCWD as i64;
const READ: i64 = libc::O_RDONLY as i64;
const CREATE: i64 = (libc::O_WRONLY | libc::O_CREAT) as i64;
const RW: i64 = (libc::PROT_READ | libc::PROT_WRITE) as i64;
const RX: i64 = (libc::PROT_READ | libc::PROT_EXEC) as i64;
const RWX: i64 = RW | RX;
const ANONYMOUS: i64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as i64;

/// 127.0.0.2 port 9, as `struct sockaddr_in`.
const ELSEWHERE: [u8; 16] = [2, 0, 0, 9, 127, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
/// Any address and port, as `struct sockaddr_in`.
const ANYWHERE: [u8; 16] = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// AF_UNSPEC.
const NOWHERE: [u8; 16] = [0; 16];

fn open(name: &'static CStr, flags: i64) -> Result<(), i32> {
    call(libc::SYS_openat, &[HERE, path(name), flags, 0o600])
}

fn open2(at: i64, name: &'static CStr, flags: i64) -> Result<(), i32> {
    let how = [flags as u64, 0, 0];
    call(libc::SYS_openat2, &[at, path(name), pointer(&how), 24])
}

fn socket(family: i32, kind: i32, protocol: i32) -> Result<(), i32> {
    call(libc::SYS_socket, &[family.into(), kind.into(), protocol.into()])
}

fn option(fd: i32, level: i32, name: i32, number: i32) -> Result<(), i32> {
    call(libc::SYS_setsockopt, &[fd.into(), level.into(), name.into(), pointer(&number), 4])
}

/// Makes a process; a child, should there be one, leaves at once.
fn spawn(number: libc::c_long, arguments: &[i64]) -> Result<(), i32> {
    match value(number, arguments)? {
        0 => std::process::exit(0),
        _ => Ok(()),
    }
}

/// `struct msghdr` with one buffer, an address and control data.
fn send_message(fd: i32, address: &[u8], control: &[u64], count: Option<i64>) -> Result<(), i32> {
    let byte = [b'x'; 1];
    let vector = [byte.as_ptr() as u64, 1];
    let header = [
        address.as_ptr() as u64,
        address.len() as u64,
        vector.as_ptr() as u64,
        1,
        control.as_ptr() as u64,
        size_of_val(control) as u64,
        0,
        0,
    ];
    match count {
        None => call(libc::SYS_sendmsg, &[fd.into(), pointer(&header), 0]),
        Some(count) => call(libc::SYS_sendmmsg, &[fd.into(), pointer(&header), count, 0]),
    }
}

fn map(protection: i64, flags: i64, fd: i32, length: i64) -> Result<i64, i32> {
    value(libc::SYS_mmap, &[0, length, protection, flags, fd.into(), 0])
}

fn own_page() -> Result<i64, i32> {
    map(RW, ANONYMOUS, -1, 4096)
}

/// The deeds.
pub const DEEDS: &[Deed] = &[
    // Must work: without these the refusals below would prove nothing.
    deed("must", "recvmsg with nothing there", |ground| {
        let mut header = [0u64; 7];
        let flags = libc::MSG_DONTWAIT.into();
        match call(libc::SYS_recvmsg, &[ground.listening.into(), room(&mut header), flags]) {
            // A listening TCP socket has no messages, and says so; net has the null device there.
            Err(libc::EAGAIN | libc::ENOTCONN | libc::ENOTSOCK) => Ok(()),
            other => other,
        }
    }),
    deed("must", "send on a connected socket", |ground| match ground.connected_udp {
        -1 => Ok(()),
        fd => match call(libc::SYS_sendto, &[fd.into(), pointer(&b'x'), 1, libc::MSG_NOSIGNAL.into(), 0, 0]) {
            Err(libc::ECONNREFUSED) => Ok(()),
            other => other,
        },
    }),
    deed("must", "allocate 8 MiB", |_| {
        let memory = std::hint::black_box(vec![1u8; 8 << 20]);
        if memory.iter().all(|byte| *byte == 1) { Ok(()) } else { Err(libc::EIO) }
    }),
    deed("must", "read the clock", |_| call(libc::SYS_clock_gettime, &[1, room(&mut [0; 2])])),
    deed("must", "get random bytes", |_| call(libc::SYS_getrandom, &[room(&mut [0; 2]), 16, 0])),
    deed("must", "close what arrived later", |ground| match ground.connected_udp {
        -1 => Ok(()),
        fd => call(libc::SYS_close, &[fd.into()]),
    }),
    // Files.
    deed("file", "openat /etc/shadow", |_| open(c"/etc/shadow", READ)),
    deed("file", "openat / as a directory", |_| open(c"/", libc::O_DIRECTORY.into())),
    deed("file", "openat / as a path", |_| open(c"/", libc::O_PATH.into())),
    deed("file", "openat .. as a path", |_| open(c"..", libc::O_PATH.into())),
    deed("file", "openat2 /etc/passwd", |_| open2(HERE, c"/etc/passwd", READ)),
    deed("file", "openat2 ../../../../etc/passwd", |_| open2(HERE, c"../../../../etc/passwd", READ)),
    deed("file", "openat2 /etc/passwd from the first held directory", |_| {
        open2(ipc::boot::HELD.start.into(), c"/etc/passwd", READ)
    }),
    deed("file", "openat2 out of the first held directory", |_| {
        open2(ipc::boot::HELD.start.into(), c"../../../../../../etc/passwd", READ)
    }),
    deed("file", "openat2 create in the first held directory", |_| {
        open2(ipc::boot::HELD.start.into(), c"probe", CREATE)
    }),
    #[cfg(target_arch = "x86_64")]
    deed("file", "open /etc/passwd", |_| call(libc::SYS_open, &[path(c"/etc/passwd"), READ])),
    deed("file", "create /tmp/probe", |_| open(c"/tmp/probe", CREATE)),
    deed("file", "nameless file in /tmp", |_| open(c"/tmp", (libc::O_TMPFILE | libc::O_RDWR).into())),
    deed("file", "openat /proc/self/mem", |_| open(c"/proc/self/mem", libc::O_RDWR.into())),
    deed("file", "openat /proc/1/environ", |_| open(c"/proc/1/environ", READ)),
    deed("file", "openat /dev/kmsg", |_| open(c"/dev/kmsg", libc::O_WRONLY.into())),
    deed("file", "openat /sys/kernel", |_| open(c"/sys/kernel", READ)),
    deed("file", "newfstatat /etc/passwd", |_| {
        call(libc::SYS_newfstatat, &[HERE, path(c"/etc/passwd"), room(&mut [0; 32]), 0])
    }),
    deed("file", "statx /etc/passwd", |_| {
        call(libc::SYS_statx, &[HERE, path(c"/etc/passwd"), 0, 0x7ff, room(&mut [0; 32])])
    }),
    deed("file", "faccessat /etc/passwd", |_| call(libc::SYS_faccessat, &[HERE, path(c"/etc/passwd"), 0])),
    deed("file", "readlinkat /proc/self/exe", |_| {
        call(libc::SYS_readlinkat, &[HERE, path(c"/proc/self/exe"), room(&mut [0; 32]), 256])
    }),
    deed("file", "mkdirat /tmp/probe", |_| call(libc::SYS_mkdirat, &[HERE, path(c"/tmp/probe"), 0o700])),
    deed("file", "unlinkat /tmp/probe", |_| call(libc::SYS_unlinkat, &[HERE, path(c"/tmp/probe"), 0])),
    deed("file", "renameat2 /tmp/probe", |_| {
        call(libc::SYS_renameat2, &[HERE, path(c"/tmp/probe"), HERE, path(c"/tmp/probe2"), 0])
    }),
    deed("file", "symlinkat /tmp/probe", |_| {
        call(libc::SYS_symlinkat, &[path(c"/etc/passwd"), HERE, path(c"/tmp/probe")])
    }),
    deed("file", "linkat /tmp/probe", |_| {
        call(libc::SYS_linkat, &[HERE, path(c"/etc/passwd"), HERE, path(c"/tmp/probe"), 0])
    }),
    deed("file", "fchmodat /tmp/probe", |_| call(libc::SYS_fchmodat, &[HERE, path(c"/tmp/probe"), 0o777])),
    deed("file", "fchownat /tmp/probe", |_| call(libc::SYS_fchownat, &[HERE, path(c"/tmp/probe"), 1, 1, 0])),
    deed("file", "truncate /tmp/probe", |_| call(libc::SYS_truncate, &[path(c"/tmp/probe"), 0])),
    deed("file", "mknodat /tmp/probe", |_| {
        call(libc::SYS_mknodat, &[HERE, path(c"/tmp/probe"), (libc::S_IFIFO | 0o600).into(), 0])
    }),
    deed("file", "setxattr /tmp", |_| {
        call(libc::SYS_setxattr, &[path(c"/tmp"), path(c"user.probe"), path(c"x"), 1, 0])
    }),
    deed("file", "utimensat /tmp", |_| call(libc::SYS_utimensat, &[HERE, path(c"/tmp"), 0, 0])),
    deed("file", "chdir /", |_| call(libc::SYS_chdir, &[path(c"/")])),
    deed("file", "fchdir to a held directory", |_| call(libc::SYS_fchdir, &[ipc::boot::HELD.start.into()])),
    deed("file", "inotify_init1", |_| call(libc::SYS_inotify_init1, &[0])),
    deed("file", "fanotify_init", |_| call(libc::SYS_fanotify_init, &[0, 0])),
    deed("file", "name_to_handle_at /", |_| {
        call(libc::SYS_name_to_handle_at, &[HERE, path(c"/"), room(&mut [128; 32]), room(&mut [0; 1]), 0])
    }),
    deed("file", "open_by_handle_at", |_| call(libc::SYS_open_by_handle_at, &[HERE, room(&mut [0; 32]), READ])),
    deed("file", "memfd_create", |_| call(libc::SYS_memfd_create, &[path(c"probe"), 0])),
    deed("file", "memfd_secret", |_| call(libc::SYS_memfd_secret, &[0])),
    deed("file", "getdents64 on the control channel", |ground| {
        call(libc::SYS_getdents64, &[ground.control.into(), room(&mut [0; 32]), 256])
    }),
    deed("file", "statfs /", |_| call(libc::SYS_statfs, &[path(c"/"), room(&mut [0; 32])])),
    deed("file", "write to descriptor 1", |_| call(libc::SYS_write, &[1, pointer(&b'x'), 1])),
    deed("file", "ftruncate descriptor 1", |_| call(libc::SYS_ftruncate, &[1, 0])),
    deed("file", "flock descriptor 1", |_| call(libc::SYS_flock, &[1, libc::LOCK_EX.into()])),
    deed("file", "sync", |_| call(libc::SYS_sync, &[])),
    // Network.
    deed("net", "socket inet udp", |_| socket(libc::AF_INET, libc::SOCK_DGRAM, 0)),
    deed("net", "socket inet tcp", |_| socket(libc::AF_INET, libc::SOCK_STREAM, 0)),
    deed("net", "socket inet raw icmp", |_| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)),
    deed("net", "socket inet ping", |_| socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP)),
    deed("net", "socket inet6 udp", |_| socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)),
    deed("net", "socket mptcp", |_| socket(libc::AF_INET, libc::SOCK_STREAM, 262)),
    deed("net", "socket sctp", |_| socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP)),
    deed("net", "socket unix", |_| socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)),
    deed("net", "socketpair unix", |_| {
        let (family, kind) = (libc::AF_UNIX.into(), libc::SOCK_STREAM.into());
        call(libc::SYS_socketpair, &[family, kind, 0, room(&mut [0; 1])])
    }),
    deed("net", "socket netlink route", |_| socket(libc::AF_NETLINK, libc::SOCK_RAW, 0)),
    deed("net", "socket netlink netfilter", |_| socket(libc::AF_NETLINK, libc::SOCK_RAW, 12)),
    deed("net", "socket packet", |_| socket(libc::AF_PACKET, libc::SOCK_RAW, 0x0300)),
    deed("net", "socket alg", |_| socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)),
    deed("net", "socket vsock", |_| socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)),
    deed("net", "socket xdp", |_| socket(libc::AF_XDP, libc::SOCK_RAW, 0)),
    deed("net", "socket bluetooth", |_| socket(libc::AF_BLUETOOTH, libc::SOCK_RAW, 1)),
    deed("net", "connect a connected socket elsewhere", |ground| {
        call(libc::SYS_connect, &[ground.connected_udp.into(), pointer(&ELSEWHERE), 16])
    }),
    deed("net", "dissolve a connected socket", |ground| {
        call(libc::SYS_connect, &[ground.connected_udp.into(), pointer(&NOWHERE), 16])
    }),
    deed("net", "sendto elsewhere on a connected socket", |ground| {
        let fd = ground.connected_udp.into();
        call(libc::SYS_sendto, &[fd, pointer(&b'x'), 1, 0, pointer(&ELSEWHERE), 16])
    }),
    deed("net", "sendto elsewhere on a listening socket", |ground| {
        let fd = ground.listening.into();
        call(libc::SYS_sendto, &[fd, pointer(&b'x'), 1, 0, pointer(&ELSEWHERE), 16])
    }),
    deed("net", "sendto with MSG_OOB", |ground| {
        let flags = libc::MSG_OOB.into();
        call(libc::SYS_sendto, &[ground.connected_udp.into(), pointer(&b'x'), 1, flags, 0, 0])
    }),
    deed("net", "sendmsg elsewhere on a connected socket", |ground| {
        send_message(ground.connected_udp, &ELSEWHERE, &[], None)
    }),
    deed("net", "sendmmsg elsewhere on a connected socket", |ground| {
        send_message(ground.connected_udp, &ELSEWHERE, &[], Some(1))
    }),
    deed("net", "pass a descriptor to the parent", |ground| {
        // One control message: its length, then SOL_SOCKET and SCM_RIGHTS, then the descriptor.
        send_message(ground.control, &[], &[20, 1 | 1 << 32, 0], None)
    }),
    deed("net", "sendmsg on a held descriptor", |_| send_message(ipc::boot::HELD.start, &ELSEWHERE, &[], None)),
    deed("net", "bind", |ground| call(libc::SYS_bind, &[ground.connected_udp.into(), pointer(&ANYWHERE), 16])),
    deed("net", "listen", |ground| call(libc::SYS_listen, &[ground.listening.into(), 1])),
    deed("net", "connect a listening socket", |ground| {
        call(libc::SYS_connect, &[ground.listening.into(), pointer(&ELSEWHERE), 16])
    }),
    deed("net", "shut the listening socket down", |ground| call(libc::SYS_shutdown, &[ground.listening.into(), 2])),
    deed("net", "shut the control channel down", |ground| call(libc::SYS_shutdown, &[ground.control.into(), 2])),
    deed("net", "accept4 on the control channel", |ground| call(libc::SYS_accept4, &[ground.control.into(), 0, 0, 0])),
    deed("net", "setsockopt SO_ATTACH_FILTER", |ground| option(ground.listening, libc::SOL_SOCKET, 26, 0)),
    deed("net", "setsockopt SO_DETACH_FILTER", |ground| option(ground.listening, libc::SOL_SOCKET, 27, 0)),
    deed("net", "setsockopt SO_MARK", |ground| option(ground.listening, libc::SOL_SOCKET, libc::SO_MARK, 1)),
    deed("net", "setsockopt SO_BINDTODEVICE", |ground| {
        let (level, name) = (libc::SOL_SOCKET.into(), libc::SO_BINDTODEVICE.into());
        call(libc::SYS_setsockopt, &[ground.connected_udp.into(), level, name, path(c"lo"), 3])
    }),
    deed("net", "setsockopt IP_TRANSPARENT", |ground| option(ground.listening, libc::SOL_IP, libc::IP_TRANSPARENT, 1)),
    deed("net", "setsockopt IP_HDRINCL", |_| option(ipc::boot::HELD.start, libc::SOL_IP, libc::IP_HDRINCL, 1)),
    deed("net", "setsockopt SO_RCVBUFFORCE", |ground| {
        option(ground.listening, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 4096)
    }),
    deed("net", "setsockopt SO_REUSEADDR", |ground| option(ground.listening, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)),
    deed("net", "getsockopt SO_PEERCRED", |ground| {
        let (level, name) = (libc::SOL_SOCKET.into(), libc::SO_PEERCRED.into());
        let arguments = [ground.control.into(), level, name, room(&mut [0; 2]), pointer(&12u32)];
        call(libc::SYS_getsockopt, &arguments)
    }),
    deed("net", "getsockname of a listening socket", |ground| {
        call(libc::SYS_getsockname, &[ground.listening.into(), room(&mut [0; 4]), room(&mut [32])])
    }),
    deed("net", "ioctl SIOCGIFCONF", |ground| {
        call(libc::SYS_ioctl, &[ground.listening.into(), 0x8912, room(&mut [0; 2])])
    }),
    deed("net", "ioctl SIOCSIFFLAGS", |ground| {
        call(libc::SYS_ioctl, &[ground.listening.into(), 0x8914, room(&mut [0; 5])])
    }),
    deed("net", "ioctl TIOCSTI", |_| call(libc::SYS_ioctl, &[0, 0x5412, pointer(&b'x')])),
    deed("net", "ioctl FIONBIO", |ground| call(libc::SYS_ioctl, &[ground.listening.into(), 0x5421, pointer(&1u32)])),
    // Processes.
    #[cfg(target_arch = "x86_64")]
    deed("proc", "fork", |_| spawn(libc::SYS_fork, &[])),
    deed("proc", "clone", |_| spawn(libc::SYS_clone, &[libc::SIGCHLD.into()])),
    deed("proc", "clone with a user namespace", |_| {
        spawn(libc::SYS_clone, &[(libc::CLONE_NEWUSER | libc::SIGCHLD).into()])
    }),
    deed("proc", "clone with a network namespace", |_| {
        spawn(libc::SYS_clone, &[(libc::CLONE_NEWNET | libc::SIGCHLD).into()])
    }),
    deed("proc", "clone3", |_| {
        // struct clone_args: the fifth word is the exit signal.
        let arguments = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0];
        spawn(libc::SYS_clone3, &[pointer(&arguments), 64])
    }),
    deed("proc", "start a thread", |_| match std::thread::Builder::new().spawn(|| {}) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.raw_os_error().unwrap_or(libc::EPERM)),
    }),
    deed("proc", "execve /bin/true", |_| call(libc::SYS_execve, &[path(c"/bin/true"), 0, 0])),
    deed("proc", "execveat a descriptor", |ground| {
        let flags = libc::AT_EMPTY_PATH.into();
        call(libc::SYS_execveat, &[ground.control.into(), path(c""), 0, 0, flags])
    }),
    deed("proc", "kill the parent with signal 0", |ground| call(libc::SYS_kill, &[ground.parent_pid.into(), 0])),
    deed("proc", "kill everybody with signal 0", |_| call(libc::SYS_kill, &[-1, 0])),
    deed("proc", "kill process 1 with signal 0", |_| call(libc::SYS_kill, &[1, 0])),
    deed("proc", "tkill process 1", |_| call(libc::SYS_tkill, &[1, 0])),
    deed("proc", "tgkill the parent", |ground| {
        call(libc::SYS_tgkill, &[ground.parent_pid.into(), ground.parent_pid.into(), 0])
    }),
    deed("proc", "rt_sigqueueinfo to the parent", |ground| {
        call(libc::SYS_rt_sigqueueinfo, &[ground.parent_pid.into(), 0, room(&mut [0; 16])])
    }),
    deed("proc", "pidfd_open the parent", |ground| call(libc::SYS_pidfd_open, &[ground.parent_pid.into(), 0])),
    deed("proc", "pidfd_getfd", |ground| call(libc::SYS_pidfd_getfd, &[ground.control.into(), 0, 0])),
    deed("proc", "pidfd_send_signal", |ground| call(libc::SYS_pidfd_send_signal, &[ground.control.into(), 0, 0, 0])),
    deed("proc", "ptrace the parent", |ground| {
        call(libc::SYS_ptrace, &[libc::PTRACE_ATTACH.into(), ground.parent_pid.into(), 0, 0])
    }),
    deed("proc", "ptrace TRACEME", |_| call(libc::SYS_ptrace, &[libc::PTRACE_TRACEME.into()])),
    deed("proc", "process_vm_readv the parent", |ground| {
        let mut memory = [0u64; 2];
        let vector = [room(&mut memory), 16];
        let arguments = [ground.parent_pid.into(), pointer(&vector), 1, pointer(&vector), 1, 0];
        call(libc::SYS_process_vm_readv, &arguments)
    }),
    deed("proc", "process_vm_writev the parent", |ground| {
        call(libc::SYS_process_vm_writev, &[ground.parent_pid.into(), 0, 0, 0, 0, 0])
    }),
    deed("proc", "kcmp with the parent", |ground| {
        call(libc::SYS_kcmp, &[ground.parent_pid.into(), ground.parent_pid.into(), 2, 0, 0])
    }),
    deed("proc", "prlimit64 the parent", |ground| {
        call(libc::SYS_prlimit64, &[ground.parent_pid.into(), libc::RLIMIT_CPU.into(), 0, room(&mut [0; 2])])
    }),
    deed("proc", "raise the own process limit", |_| {
        call(libc::SYS_prlimit64, &[0, libc::RLIMIT_NPROC.into(), pointer(&[100u64; 2]), 0])
    }),
    deed("proc", "setpriority of the parent", |ground| call(libc::SYS_setpriority, &[0, ground.parent_pid.into(), 19])),
    deed("proc", "sched_setscheduler FIFO", |_| call(libc::SYS_sched_setscheduler, &[0, 1, pointer(&1u32)])),
    deed("proc", "sched_setaffinity", |_| call(libc::SYS_sched_setaffinity, &[0, 8, pointer(&u64::MAX)])),
    deed("proc", "wait4", |_| call(libc::SYS_wait4, &[-1, 0, libc::WNOHANG.into(), 0])),
    deed("proc", "getppid", |_| call(libc::SYS_getppid, &[])),
    deed("proc", "prctl PR_SET_DUMPABLE", |_| call(libc::SYS_prctl, &[libc::PR_SET_DUMPABLE.into(), 1])),
    deed("proc", "prctl PR_SET_MM", |_| call(libc::SYS_prctl, &[libc::PR_SET_MM.into(), 1, 0x10000])),
    deed("proc", "prctl PR_SET_PDEATHSIG", |_| call(libc::SYS_prctl, &[libc::PR_SET_PDEATHSIG.into(), 0])),
    deed("proc", "prctl PR_SET_NAME", |_| call(libc::SYS_prctl, &[libc::PR_SET_NAME.into(), path(c"sshd")])),
    deed("proc", "prctl PR_SET_MDWE", |_| call(libc::SYS_prctl, &[65, 0])),
    deed("proc", "block every signal", |_| {
        call(libc::SYS_rt_sigprocmask, &[libc::SIG_BLOCK.into(), pointer(&u64::MAX), 0, 8])
    }),
    deed("proc", "catch the runaway signal", |_| {
        call(libc::SYS_rt_sigaction, &[libc::SIGPROF.into(), room(&mut [0; 4]), 0, 8])
    }),
    deed("proc", "stop the runaway timer", |_| call(libc::SYS_setitimer, &[2, room(&mut [0; 4]), 0])),
    deed("proc", "dup", |ground| call(libc::SYS_dup, &[ground.control.into()])),
    deed("proc", "dup3 over a fixed place", |ground| {
        call(libc::SYS_dup3, &[ground.connected_udp.into(), ground.listening.into(), 0])
    }),
    deed("proc", "fcntl F_DUPFD", |ground| call(libc::SYS_fcntl, &[ground.control.into(), libc::F_DUPFD.into(), 0])),
    deed("proc", "fcntl F_SETOWN", |ground| {
        call(libc::SYS_fcntl, &[ground.listening.into(), libc::F_SETOWN.into(), ground.parent_pid.into()])
    }),
    deed("proc", "fcntl F_SETFL", |ground| call(libc::SYS_fcntl, &[ground.listening.into(), libc::F_SETFL.into(), 0])),
    deed("proc", "close the control channel", |ground| call(libc::SYS_close, &[ground.control.into()])),
    deed("proc", "close a listening socket", |ground| call(libc::SYS_close, &[ground.listening.into()])),
    deed("proc", "close_range", |_| call(libc::SYS_close_range, &[8, 9, 0])),
    deed("proc", "epoll_create1", |_| call(libc::SYS_epoll_create1, &[0])),
    // Privileges and the kernel.
    deed("priv", "setuid 0", |_| call(libc::SYS_setuid, &[0])),
    deed("priv", "setresuid 0", |_| call(libc::SYS_setresuid, &[0, 0, 0])),
    deed("priv", "setgroups", |_| call(libc::SYS_setgroups, &[0, 0])),
    deed("priv", "capset all", |_| {
        // Version 3 of the header, for this process; effective, permitted, inheritable, low half first.
        let header = [0x2008_0522u32, 0];
        let sets = [u32::MAX, u32::MAX, 0, 0, 0, 0];
        call(libc::SYS_capset, &[pointer(&header), pointer(&sets)])
    }),
    deed("priv", "unshare a user namespace", |_| call(libc::SYS_unshare, &[libc::CLONE_NEWUSER.into()])),
    deed("priv", "unshare a network namespace", |_| call(libc::SYS_unshare, &[libc::CLONE_NEWNET.into()])),
    deed("priv", "unshare the descriptors", |_| call(libc::SYS_unshare, &[libc::CLONE_FILES.into()])),
    deed("priv", "setns", |ground| call(libc::SYS_setns, &[ground.control.into(), 0])),
    deed("priv", "mount", |_| call(libc::SYS_mount, &[path(c"none"), path(c"/"), path(c"tmpfs"), 0, 0])),
    deed("priv", "umount2", |_| call(libc::SYS_umount2, &[path(c"/proc"), 0])),
    deed("priv", "fsopen", |_| call(libc::SYS_fsopen, &[path(c"tmpfs"), 0])),
    deed("priv", "open_tree", |_| call(libc::SYS_open_tree, &[HERE, path(c"/"), 0])),
    deed("priv", "move_mount", |_| call(libc::SYS_move_mount, &[HERE, path(c"/"), HERE, path(c"/"), 0])),
    deed("priv", "mount_setattr", |_| call(libc::SYS_mount_setattr, &[HERE, path(c"/"), 0, room(&mut [0; 4]), 32])),
    deed("priv", "pivot_root", |_| call(libc::SYS_pivot_root, &[path(c"/"), path(c"/")])),
    deed("priv", "chroot", |_| call(libc::SYS_chroot, &[path(c"/")])),
    deed("priv", "sethostname", |_| call(libc::SYS_sethostname, &[path(c"probe"), 5])),
    deed("priv", "keyctl", |_| call(libc::SYS_keyctl, &[0, -3, 1])),
    deed("priv", "add_key", |_| call(libc::SYS_add_key, &[path(c"user"), path(c"probe"), path(c"x"), 1, -3])),
    deed("priv", "bpf", |_| call(libc::SYS_bpf, &[0, room(&mut [0; 16]), 128])),
    deed("priv", "perf_event_open", |_| call(libc::SYS_perf_event_open, &[room(&mut [0; 16]), 0, -1, -1, 0])),
    deed("priv", "userfaultfd", |_| call(libc::SYS_userfaultfd, &[1])),
    deed("priv", "io_uring_setup", |_| call(libc::SYS_io_uring_setup, &[1, room(&mut [0; 16])])),
    deed("priv", "seccomp", |_| call(libc::SYS_seccomp, &[2, 0, pointer(&0x7fff_0000u32)])),
    deed("priv", "landlock_create_ruleset", |_| call(libc::SYS_landlock_create_ruleset, &[pointer(&1u64), 8, 0])),
    deed("priv", "init_module", |_| call(libc::SYS_init_module, &[0, 0, path(c"")])),
    deed("priv", "finit_module", |ground| call(libc::SYS_finit_module, &[ground.control.into(), path(c""), 0])),
    deed("priv", "kexec_load", |_| call(libc::SYS_kexec_load, &[0, 0, 0, 0])),
    deed("priv", "reboot: control-alt-delete off", |_| call(libc::SYS_reboot, &[0xfee1_dead, 672_274_793, 0, 0])),
    deed("priv", "syslog", |_| call(libc::SYS_syslog, &[3, room(&mut [0; 32]), 256])),
    deed("priv", "clock_settime", |_| call(libc::SYS_clock_settime, &[0, 0])),
    deed("priv", "settimeofday", |_| call(libc::SYS_settimeofday, &[0, 0])),
    deed("priv", "adjtimex", |_| call(libc::SYS_adjtimex, &[room(&mut [0; 32])])),
    #[cfg(target_arch = "x86_64")]
    deed("priv", "iopl", |_| call(libc::SYS_iopl, &[3])),
    #[cfg(target_arch = "x86_64")]
    deed("priv", "ioperm", |_| call(libc::SYS_ioperm, &[0x80, 1, 1])),
    #[cfg(target_arch = "x86_64")]
    deed("priv", "modify_ldt", |_| call(libc::SYS_modify_ldt, &[0, room(&mut [0; 32]), 256])),
    deed("priv", "personality READ_IMPLIES_EXEC", |_| call(libc::SYS_personality, &[0x0040_0000])),
    deed("priv", "shmget", |_| call(libc::SYS_shmget, &[0, 4096, 0o1600])),
    deed("priv", "msgget", |_| call(libc::SYS_msgget, &[0, 0o1600])),
    deed("priv", "semget", |_| call(libc::SYS_semget, &[0, 1, 0o1600])),
    deed("priv", "mq_open", |_| {
        call(libc::SYS_mq_open, &[path(c"probe"), (libc::O_CREAT | libc::O_RDWR).into(), 0o600, 0])
    }),
    deed("priv", "acct", |_| call(libc::SYS_acct, &[path(c"/tmp/probe")])),
    deed("priv", "swapoff", |_| call(libc::SYS_swapoff, &[path(c"/tmp/probe")])),
    deed("priv", "quotactl", |_| call(libc::SYS_quotactl, &[0, 0, 0, 0])),
    deed("priv", "splice", |ground| call(libc::SYS_splice, &[ground.control.into(), 0, 1, 0, 1, 0])),
    deed("priv", "vmsplice", |_| call(libc::SYS_vmsplice, &[1, 0, 0, 0])),
    deed("priv", "pipe2", |_| call(libc::SYS_pipe2, &[room(&mut [0; 1]), 0])),
    deed("priv", "eventfd2", |_| call(libc::SYS_eventfd2, &[0, 0])),
    deed("priv", "timerfd_create", |_| call(libc::SYS_timerfd_create, &[1, 0])),
    deed("priv", "signalfd4", |_| call(libc::SYS_signalfd4, &[-1, pointer(&1u64), 8, 0])),
    deed("priv", "uname", |_| call(libc::SYS_uname, &[room(&mut [0; 64])])),
    deed("priv", "sysinfo", |_| call(libc::SYS_sysinfo, &[room(&mut [0; 32])])),
    // Memory.
    deed("mem", "map writable and executable", |_| map(RWX, ANONYMOUS, -1, 4096).map(drop)),
    deed("mem", "map executable", |_| map(RX, ANONYMOUS, -1, 4096).map(drop)),
    deed("mem", "make a page executable", |_| call(libc::SYS_mprotect, &[own_page()?, 4096, RX])),
    deed("mem", "make the program writable", |_| {
        let page = (fault as *const () as i64) & !4095;
        call(libc::SYS_mprotect, &[page, 4096, RWX])
    }),
    deed("mem", "pkey_mprotect", |_| call(libc::SYS_pkey_mprotect, &[own_page()?, 4096, RX, -1])),
    deed("mem", "map shared", |_| map(RW, (libc::MAP_SHARED | libc::MAP_ANONYMOUS).into(), -1, 4096).map(drop)),
    deed("mem", "map a descriptor", |ground| map(RW, libc::MAP_PRIVATE.into(), ground.control, 4096).map(drop)),
    deed("mem", "map over the program", |_| {
        let page = (fault as *const () as i64) & !4095;
        call(libc::SYS_mmap, &[page, 4096, RW, ANONYMOUS | i64::from(libc::MAP_FIXED), -1, 0])
    }),
    deed("mem", "map at address 0", |_| {
        call(libc::SYS_mmap, &[0, 4096, RW, ANONYMOUS | i64::from(libc::MAP_FIXED), -1, 0])
    }),
    deed("mem", "move a page to a chosen place", |_| {
        let flags = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED).into();
        call(libc::SYS_mremap, &[own_page()?, 4096, 4096, flags, 0x7000_0000])
    }),
    deed("mem", "remap_file_pages", |_| call(libc::SYS_remap_file_pages, &[own_page()?, 4096, 0, 0, 0])),
    deed("mem", "mlockall", |_| call(libc::SYS_mlockall, &[1])),
    deed("mem", "mlock2", |_| call(libc::SYS_mlock2, &[own_page()?, 4096, 0])),
    deed("mem", "map 1 GiB", |_| map(RW, ANONYMOUS, -1, 1 << 30).map(drop)),
    deed("mem", "madvise MADV_HUGEPAGE", |_| call(libc::SYS_madvise, &[own_page()?, 4096, libc::MADV_HUGEPAGE.into()])),
    deed("mem", "madvise MADV_MERGEABLE", |_| {
        call(libc::SYS_madvise, &[own_page()?, 4096, libc::MADV_MERGEABLE.into()])
    }),
    deed("mem", "process_madvise", |ground| call(libc::SYS_process_madvise, &[ground.control.into(), 0, 0, 0, 0])),
    #[cfg(target_arch = "x86_64")]
    deed("mem", "arch_prctl ARCH_SET_GS", |_| call(libc::SYS_arch_prctl, &[0x1001, 0x10000])),
    // Other ways into the kernel.
    #[cfg(target_arch = "x86_64")]
    deed("abi", "getpid by its x32 number", |_| call(libc::SYS_getpid | 0x4000_0000, &[])),
    #[cfg(target_arch = "x86_64")]
    deed("abi", "getpid by the i386 gate", |_| {
        let result: i32;
        // SAFETY: the gate takes its number and returns its result in eax; the kernel keeps all other registers.
        unsafe { std::arch::asm!("int 0x80", inlateout("eax") 20 => result) };
        if result < 0 { Err(-result) } else { Ok(()) }
    }),
    deed("abi", "a call that does not exist", |_| call(4095, &[])),
];

/// Writes to the page at address zero. Not to zero itself, at which debug builds panic before the fault.
pub fn fault() {
    let nowhere = std::hint::black_box(std::ptr::without_provenance_mut::<u8>(8));
    // SAFETY: not upheld by intent: this is the fault that the tests ask for.
    unsafe { std::ptr::write_volatile(nowhere, 1) }
}
