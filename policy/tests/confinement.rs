//! Confines child processes with the real tables and tries calls on both sides of every condition.
#![expect(unsafe_code, reason = "tests fork, and make raw system calls as hostile code would")]

use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::os::unix::net::UnixDatagram;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use policy::{Facts, Partition, WorkerPolicy};

const CONTROL: RawFd = 3;
const EPOLL: RawFd = 5;
const SOCKET: RawFd = 8;
const HELD: RawFd = 128;
const LATER: RawFd = 192;
const SPARE: RawFd = 193;

const REFUSED: i64 = -(libc::EPERM as i64);

fn partition() -> Partition {
    Partition { control: CONTROL, log: 4, epoll: EPOLL, sockets: 8..128, held: 128..192, later: LATER }
}

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Exit(i32),
    Killed(Signal),
}

/// Runs `deed` in a child.
fn in_child(deed: impl FnOnce() -> i32) -> End {
    // SAFETY: the child runs only the closure and leaves by _exit; the C library readies its allocator for the child.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Child => {
            let code = deed();
            // SAFETY: _exit has no conditions.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).expect("wait") {
            WaitStatus::Exited(_, code) => End::Exit(code),
            WaitStatus::Signaled(_, signal, _) => End::Killed(signal),
            other => panic!("{other:?}"),
        },
    }
}

/// Puts a descriptor at a fixed place.
fn place(fd: impl IntoRawFd, at: RawFd) {
    // SAFETY: plain numbers; in this child nobody else owns the places.
    assert_eq!(unsafe { libc::dup2(fd.into_raw_fd(), at) }, at);
}

/// Lays out the descriptors of a worker: a socket pair at CONTROL, an unconnected UDP socket at SOCKET and HELD, a UDP socket
/// connected to another one at LATER, a copy of it at SPARE.
fn lay_out() {
    // Sources must not lie on target places, so everything goes above them first.
    // SAFETY: plain numbers.
    let lift = |fd: RawFd| unsafe { libc::fcntl(fd, libc::F_DUPFD, 400) };
    let (ours, theirs) = UnixDatagram::pair().expect("pair");
    let unconnected = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let connected = UdpSocket::bind("127.0.0.1:0").expect("bind");
    connected.connect(unconnected.local_addr().expect("address")).expect("connect");
    // SAFETY: plain numbers.
    let epoll = unsafe { libc::epoll_create1(0) };
    let lifted =
        [ours.as_raw_fd(), unconnected.as_raw_fd(), unconnected.as_raw_fd(), connected.as_raw_fd(), epoll].map(lift);
    lift(theirs.as_raw_fd());
    let lifted_spare = lift(connected.as_raw_fd());
    for (fd, at) in lifted.into_iter().zip([CONTROL, SOCKET, HELD, LATER, EPOLL]) {
        place(fd, at);
    }
    place(lifted_spare, SPARE);
    std::mem::forget((ours, theirs, unconnected, connected));
}

fn confine(policy: &WorkerPolicy, strict: bool, directories: &[BorrowedFd<'_>]) -> String {
    let facts = Facts {
        partition: partition(),
        user_namespace: false,
        uid: Some(65_520),
        empty_root: None,
        directories,
        strict,
    };
    match policy::confine(policy, &facts) {
        Ok((_, report)) => report.to_string(),
        Err(error) => {
            eprintln!("{error}");
            // SAFETY: _exit has no conditions.
            unsafe { libc::_exit(99) }
        }
    }
}

/// A raw system call: its result, or the negated errno.
fn sys(number: libc::c_long, arguments: [i64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the tests pass pointers to live memory or null, and the kernel checks what it is given.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result < 0 { -i64::from(Errno::last_raw()) } else { result }
}

/// The result of one call in a confined child, as far as it fits an exit code.
fn verdict(policy: &WorkerPolicy, number: libc::c_long, arguments: [i64; 6]) -> End {
    in_child(|| {
        lay_out();
        confine(policy, false, &[]);
        match sys(number, arguments) {
            REFUSED => 1,
            _ => 0,
        }
    })
}

const PASSES: End = End::Exit(0);
const IS_REFUSED: End = End::Exit(1);
const KILLS: End = End::Killed(Signal::SIGSYS);

#[track_caller]
fn both(policy: &WorkerPolicy, number: libc::c_long, good: &[[i64; 6]], bad: &[[i64; 6]]) {
    for arguments in good {
        assert_eq!(verdict(policy, number, *arguments), PASSES, "call {number} {arguments:x?}");
    }
    for arguments in bad {
        assert_eq!(verdict(policy, number, *arguments), IS_REFUSED, "call {number} {arguments:x?}");
    }
}

fn a(arguments: &[i64]) -> [i64; 6] {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    all
}

fn fd(number: RawFd) -> i64 {
    i64::from(number)
}

const RW: i64 = (libc::PROT_READ | libc::PROT_WRITE) as i64;
const EXEC: i64 = libc::PROT_EXEC as i64;
const ANONYMOUS: i64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as i64;

#[test]
fn sends_go_where_the_descriptor_says() {
    let policy = &policy::dns::POLICY;
    let message = std::ptr::null::<u8>() as i64;
    // Null message pointers answer EFAULT once they are past the filter.
    both(
        policy,
        libc::SYS_sendmmsg,
        &[a(&[fd(SOCKET), message, 1])],
        &[a(&[fd(CONTROL)]), a(&[fd(HELD)]), a(&[fd(LATER)])],
    );
    let quiet = (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as i64;
    let address = [0u8; 16];
    let address = address.as_ptr() as i64;
    both(
        policy,
        libc::SYS_sendto,
        &[a(&[fd(LATER), 0, 0, quiet, 0, 0]), a(&[fd(CONTROL), 0, 0, 0, 0, 0])],
        &[
            a(&[fd(LATER), 0, 0, 0, address, 16]),
            a(&[fd(LATER), 0, 0, libc::MSG_OOB.into(), 0, 0]),
            a(&[fd(LATER), 0, 0, libc::MSG_FASTOPEN.into(), 0, 0]),
        ],
    );
    both(policy, libc::SYS_accept4, &[a(&[fd(SOCKET)])], &[a(&[fd(HELD)]), a(&[fd(CONTROL)])]);
    for name in [libc::SYS_getpeername, libc::SYS_getsockname] {
        both(policy, name, &[a(&[fd(LATER)])], &[a(&[fd(SOCKET)]), a(&[fd(CONTROL)])]);
    }
}

#[test]
fn only_what_arrived_later_can_be_closed() {
    for policy in [&policy::dns::POLICY, &policy::dhcp::POLICY, &policy::tftp::POLICY] {
        both(policy, libc::SYS_close, &[a(&[fd(LATER)])], &[a(&[0]), a(&[fd(CONTROL)]), a(&[fd(SOCKET)]), a(&[191])]);
    }
}

#[test]
fn memory_is_private_and_never_executable() {
    let policy = &policy::dhcp::POLICY;
    both(
        policy,
        libc::SYS_mmap,
        &[a(&[0, 4096, RW, ANONYMOUS, -1]), a(&[0, 4096, 0, ANONYMOUS | i64::from(libc::MAP_NORESERVE), -1])],
        &[
            a(&[0, 4096, RW | EXEC, ANONYMOUS, -1]),
            a(&[0, 4096, EXEC, ANONYMOUS, -1]),
            a(&[0, 4096, RW, (libc::MAP_SHARED | libc::MAP_ANONYMOUS).into(), -1]),
            a(&[0, 4096, RW, libc::MAP_PRIVATE.into(), fd(LATER)]),
            a(&[0x10000, 4096, RW, ANONYMOUS | i64::from(libc::MAP_FIXED), -1]),
        ],
    );
    both(policy, libc::SYS_mprotect, &[a(&[0, 0, RW])], &[a(&[0, 0, RW | EXEC]), a(&[0, 0, EXEC])]);
    both(
        policy,
        libc::SYS_madvise,
        &[a(&[0, 0, libc::MADV_DONTNEED.into()]), a(&[0, 0, libc::MADV_FREE.into()])],
        &[a(&[0, 0, libc::MADV_HUGEPAGE.into()]), a(&[0, 0, libc::MADV_MERGEABLE.into()])],
    );
    both(
        policy,
        libc::SYS_mremap,
        &[a(&[0, 0, 0, libc::MREMAP_MAYMOVE.into()])],
        &[a(&[0, 0, 0, (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED).into()])],
    );
}

#[test]
fn descriptors_are_asked_and_not_changed() {
    let policy = &policy::tftp::POLICY;
    both(
        policy,
        libc::SYS_fcntl,
        &[a(&[fd(LATER), libc::F_GETFD.into()]), a(&[fd(LATER), libc::F_GETFL.into()])],
        &[
            a(&[fd(LATER), libc::F_DUPFD.into(), 0]),
            a(&[fd(LATER), libc::F_SETFL.into(), 0]),
            a(&[fd(LATER), libc::F_SETOWN.into(), 1]),
        ],
    );
    both(
        policy,
        libc::SYS_getsockopt,
        &[a(&[fd(LATER), libc::SOL_SOCKET.into(), libc::SO_ERROR.into()])],
        &[a(&[fd(LATER), libc::SOL_SOCKET.into(), libc::SO_TYPE.into()]), a(&[fd(LATER), 0, libc::SO_ERROR.into()])],
    );
    both(policy, libc::SYS_epoll_ctl, &[a(&[fd(EPOLL), 2, fd(LATER)])], &[a(&[fd(SOCKET), 2, fd(LATER)])]);
    let empty = i64::from(libc::AT_EMPTY_PATH);
    both(policy, libc::SYS_newfstatat, &[a(&[fd(LATER), 0, 0, empty])], &[a(&[fd(LATER), 0, 0, 0])]);
}

#[test]
fn every_unconditional_row_passes() {
    for policy in [&policy::dns::POLICY, &policy::dhcp::POLICY, &policy::tftp::POLICY] {
        let ends = [libc::SYS_exit_group, libc::SYS_rt_sigreturn, libc::SYS_restart_syscall];
        for call in policy.allowed().filter(|call| call.conditions.is_empty() && !ends.contains(&call.number)) {
            // A descriptor that is not open, so that nothing waits.
            assert_eq!(verdict(policy, call.number, a(&[9999])), PASSES, "{} {}", policy.role, call.name);
        }
    }
}

#[test]
fn every_killing_row_kills() {
    let policy = &policy::dns::POLICY;
    for call in policy.killed {
        let mut arguments = [0; 6];
        for condition in call.conditions {
            let policy::table::Test::Has(bits) = condition.test else { panic!("a kind of condition without a probe") };
            arguments[usize::from(condition.argument)] = i64::from(bits);
        }
        assert_eq!(verdict(policy, call.number, arguments), KILLS, "{}", call.name);
    }
}

#[test]
fn what_no_table_names_is_refused_or_kills_when_strict() {
    assert_eq!(verdict(&policy::dhcp::POLICY, libc::SYS_getppid, a(&[])), IS_REFUSED);
    assert_eq!(verdict(&policy::dhcp::POLICY, libc::SYS_openat, a(&[-100])), IS_REFUSED);
    let strict = in_child(|| {
        lay_out();
        confine(&policy::dhcp::POLICY, true, &[]);
        sys(libc::SYS_getppid, a(&[]));
        0
    });
    assert_eq!(strict, KILLS);
}

#[test]
fn only_tftp_opens_and_only_below_its_directories() {
    let root = std::env::temp_dir().join(format!("policy-root-{}", std::process::id()));
    std::fs::create_dir_all(&root).expect("directory");
    std::fs::write(root.join("inside"), b"content").expect("file");
    let opened = |policy: &'static WorkerPolicy, path: &std::ffi::CStr, relative: bool| {
        in_child(|| {
            lay_out();
            let directory = std::fs::File::open(&root).expect("root");
            confine(policy, false, &[directory.as_fd()]);
            // struct open_how: flags, mode, resolve.
            let how = [libc::O_RDONLY as u64, 0, 0];
            let at = if relative { directory.as_raw_fd() } else { libc::AT_FDCWD };
            let result = sys(libc::SYS_openat2, a(&[fd(at), path.as_ptr() as i64, how.as_ptr() as i64, 24]));
            std::mem::forget(directory);
            if result >= 0 { 0 } else { i32::try_from(-result).unwrap_or(255) }
        })
    };
    assert_eq!(opened(&policy::tftp::POLICY, c"inside", true), End::Exit(0));
    assert_eq!(opened(&policy::tftp::POLICY, c"/etc/passwd", false), End::Exit(libc::EACCES));
    assert_eq!(opened(&policy::tftp::POLICY, c"../../etc/passwd", true), End::Exit(libc::EACCES));
    assert_eq!(opened(&policy::dns::POLICY, c"inside", true), End::Exit(libc::EPERM));
    std::fs::remove_dir_all(&root).expect("remove");
}

#[test]
fn a_confined_worker_can_do_its_work() {
    let end = in_child(|| {
        lay_out();
        let report = confine(&policy::dns::POLICY, true, &[]);
        let memory = vec![1u8; 8 << 20];
        let sum: usize = memory.iter().map(|byte| usize::from(*byte)).sum();
        drop(memory);
        let elapsed = std::time::Instant::now().elapsed();
        let map: std::collections::HashMap<u32, String> = (0..100).map(|n| (n, n.to_string())).collect();
        let ok = sum == 8 << 20 && elapsed.as_secs() < 9 && map.len() == 100 && report.contains("calls allowed");
        i32::from(!ok)
    });
    assert_eq!(end, End::Exit(0));
}

#[test]
fn a_worker_that_aborts_faults_or_panics_ends() {
    let abort = in_child(|| {
        confine(&policy::dns::POLICY, false, &[]);
        std::process::abort()
    });
    assert!(
        matches!(abort, End::Killed(Signal::SIGSEGV | Signal::SIGILL | Signal::SIGABRT | Signal::SIGTRAP)),
        "{abort:?}"
    );
    let strict = in_child(|| {
        confine(&policy::dns::POLICY, true, &[]);
        std::process::abort()
    });
    assert_eq!(strict, KILLS);
}

#[test]
fn the_report_is_one_line() {
    let end = in_child(|| {
        lay_out();
        let report = confine(&policy::tftp::POLICY, false, &[]);
        let good = report.starts_with("uid 65520, no capabilities, no_new_privs") && !report.contains('\n');
        if good { 0 } else { 7 }
    });
    // Without root the uid stays.
    let expected = if nix::unistd::geteuid().is_root() { End::Exit(0) } else { End::Exit(7) };
    assert_eq!(end, expected);
}

#[test]
fn net_keeps_one_capability_under_its_own_uid() {
    let end = in_child(|| {
        lay_out();
        let report = confine(&policy::net::POLICY, false, &[]);
        let kept = report.starts_with("uid 65520, capabilities net_admin, no_new_privs");
        let refused = [libc::SYS_capget, libc::SYS_prctl].map(|number| sys(number, a(&[])));
        if kept && refused == [REFUSED; 2] && !report.contains("namespaces") { 0 } else { 7 }
    });
    let expected = if nix::unistd::geteuid().is_root() { End::Exit(0) } else { End::Exit(7) };
    assert_eq!(end, expected);
    if nix::unistd::geteuid().is_root() {
        // There is no way to more.
        assert_eq!(verdict(&policy::net::POLICY, libc::SYS_capset, a(&[])), KILLS);
        assert_eq!(verdict(&policy::net::POLICY, libc::SYS_setresuid, a(&[0, 0, 0])), KILLS);
    }
}

#[test]
fn the_page_of_the_tables_is_fresh() {
    if cfg!(target_arch = "x86_64") {
        let page = include_str!("../../docs/confinement.md");
        assert!(
            page == policy::document(),
            "print docs/confinement.md again: cargo run -p policy --example confinement"
        );
    }
}

#[test]
fn every_row_has_a_reason_and_no_call_stands_in_two_lists() {
    for policy in [&policy::dns::POLICY, &policy::dhcp::POLICY, &policy::tftp::POLICY, &policy::net::POLICY] {
        assert!(policy.capabilities.iter().all(|row| !row.why.is_empty()), "{}", policy.role);
        for call in policy.allowed().chain(policy.killed) {
            assert!(!call.why.is_empty(), "{}", call.name);
        }
        for call in policy.allowed() {
            assert!(!policy.killed.iter().any(|killed| killed.number == call.number), "{}", call.name);
        }
    }
}

#[test]
fn the_number_of_allowed_calls_only_falls() {
    assert_eq!(policy::dns::POLICY.allowed().count(), 27);
    assert_eq!(policy::dhcp::POLICY.allowed().count(), 24);
    assert_eq!(policy::tftp::POLICY.allowed().count(), 28);
    assert_eq!(policy::net::POLICY.allowed().count(), 24);
}
