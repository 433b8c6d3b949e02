//! What all workers have in common: the calls each of them makes, the calls none could ever mean, namespaces, limits.
//!
//! A worker learns of its descriptors by `recvmsg` on the control channel and sends there with `sendto` without address, so
//! that it cannot pass descriptors to the parent.

use crate::table::{Bound, Call, Limit, Namespace, NamespaceRow, Resource, Test, arg, call};

const DONTWAIT_NOSIGNAL: u32 = (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as u32;
const PRIVATE_ANONYMOUS: u32 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u32;
const DATA: u32 = (libc::PROT_READ | libc::PROT_WRITE) as u32;

/// Calls of every worker.
pub(crate) const CALLS: &[Call] = &[
    #[cfg(target_arch = "x86_64")]
    call("epoll_wait", libc::SYS_epoll_wait).why("wait for packets and deadlines"),
    call("epoll_pwait", libc::SYS_epoll_pwait).why("how the C library waits where epoll_wait does not exist"),
    call("epoll_pwait2", libc::SYS_epoll_pwait2).why("wait with a finer deadline"),
    call("epoll_ctl", libc::SYS_epoll_ctl)
        .when(&[arg(0, Test::Epoll)])
        .why("watch a socket that arrived, stop watching port sockets while draining; only in the set we were given"),
    call("recvmsg", libc::SYS_recvmsg)
        .why("packets with their local address; messages and descriptors from the parent"),
    call("recvmmsg", libc::SYS_recvmmsg).why("a batch of packets from a port socket"),
    call("sendmmsg", libc::SYS_sendmmsg)
        .when(&[arg(0, Test::Sockets)])
        .why("a batch of answers from a port socket; a connected or raw socket cannot be aimed anywhere with it"),
    call("sendto", libc::SYS_sendto)
        .when(&[arg(4, Test::Null), arg(3, Test::Within(DONTWAIT_NOSIGNAL))])
        .why("channels to the parent and connected sockets; a null address, so that nobody chooses where it goes"),
    call("read", libc::SYS_read).why("descriptors that were handed over"),
    call("close", libc::SYS_close)
        .when(&[arg(0, Test::Later)])
        .why("what arrived later; never a fixed place, where the next arrival would inherit the place's rights"),
    call("brk", libc::SYS_brk).why("memory allocation"),
    call("mmap", libc::SYS_mmap)
        .when(&[
            arg(2, Test::Within(DATA)),
            arg(3, Test::Exactly { value: PRIVATE_ANONYMOUS, free: (libc::MAP_NORESERVE | libc::MAP_STACK) as u32 }),
        ])
        .why("memory allocation: private, anonymous, never executable, never over something else"),
    call("munmap", libc::SYS_munmap).why("memory allocation"),
    call("mremap", libc::SYS_mremap)
        .when(&[arg(3, Test::Within(libc::MREMAP_MAYMOVE as u32))])
        .why("growing a large allocation, but not to a chosen place"),
    call("mprotect", libc::SYS_mprotect)
        .when(&[arg(2, Test::Within(DATA))])
        .why("the allocator opens reserved memory; never executable"),
    call("madvise", libc::SYS_madvise)
        .when(&[arg(2, Test::OneOf(&[libc::MADV_DONTNEED as u32, libc::MADV_FREE as u32]))])
        .why("the allocator gives memory back"),
    call("futex", libc::SYS_futex).why("locks of the standard library"),
    call("clock_gettime", libc::SYS_clock_gettime).why("the clocks, where the vDSO cannot answer"),
    call("getrandom", libc::SYS_getrandom).why("hash seeds of the standard library"),
    call("fcntl", libc::SYS_fcntl)
        .when(&[arg(1, Test::OneOf(&[libc::F_GETFD as u32, libc::F_GETFL as u32]))])
        .why("the standard library asks whether a descriptor is open; nothing is changed"),
    call("getsockopt", libc::SYS_getsockopt)
        .when(&[arg(1, Test::OneOf(&[libc::SOL_SOCKET as u32])), arg(2, Test::OneOf(&[libc::SO_ERROR as u32]))])
        .why("the pending error of a socket"),
    call("rt_sigreturn", libc::SYS_rt_sigreturn).why("the way back from the handler of the runaway timer"),
    call("restart_syscall", libc::SYS_restart_syscall).why("the kernel resumes a wait after a stop signal"),
    call("exit_group", libc::SYS_exit_group).why("the end"),
];

/// Calls that end the process.
pub(crate) const KILLED: &[Call] = &[
    call("execve", libc::SYS_execve).why("no worker runs a program"),
    call("execveat", libc::SYS_execveat).why("no worker runs a program"),
    call("clone", libc::SYS_clone).when(&[arg(0, Test::Has(libc::CLONE_NEWUSER as u32))]).why("kernel attack surface"),
    call("clone", libc::SYS_clone).when(&[arg(0, Test::Has(libc::CLONE_NEWNS as u32))]).why("kernel attack surface"),
    call("clone", libc::SYS_clone).when(&[arg(0, Test::Has(libc::CLONE_NEWPID as u32))]).why("kernel attack surface"),
    call("clone", libc::SYS_clone).when(&[arg(0, Test::Has(libc::CLONE_NEWNET as u32))]).why("kernel attack surface"),
    call("clone", libc::SYS_clone).when(&[arg(0, Test::Has(libc::CLONE_NEWIPC as u32))]).why("kernel attack surface"),
    call("clone", libc::SYS_clone).when(&[arg(0, Test::Has(libc::CLONE_NEWUTS as u32))]).why("kernel attack surface"),
    call("clone", libc::SYS_clone)
        .when(&[arg(0, Test::Has(libc::CLONE_NEWCGROUP as u32))])
        .why("kernel attack surface"),
    call("unshare", libc::SYS_unshare).why("kernel attack surface"),
    call("setns", libc::SYS_setns).why("leaving the namespaces"),
    call("ptrace", libc::SYS_ptrace).why("another process's memory"),
    call("process_vm_readv", libc::SYS_process_vm_readv).why("another process's memory"),
    call("process_vm_writev", libc::SYS_process_vm_writev).why("another process's memory"),
    call("process_madvise", libc::SYS_process_madvise).why("another process's memory"),
    call("kcmp", libc::SYS_kcmp).why("looking into another process"),
    call("pidfd_open", libc::SYS_pidfd_open).why("a handle on another process"),
    call("pidfd_getfd", libc::SYS_pidfd_getfd).why("another process's descriptors"),
    call("pidfd_send_signal", libc::SYS_pidfd_send_signal).why("signals to other processes"),
    call("kill", libc::SYS_kill).why("signals to other processes"),
    call("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo).why("signals to other processes"),
    call("rt_tgsigqueueinfo", libc::SYS_rt_tgsigqueueinfo).why("signals to other processes"),
    call("socket", libc::SYS_socket).why("the parent makes every socket"),
    call("socketpair", libc::SYS_socketpair).why("the parent makes every socket"),
    call("bind", libc::SYS_bind).why("the parent makes every socket"),
    call("connect", libc::SYS_connect).why("aiming a connected socket elsewhere, or dissolving the connection"),
    call("listen", libc::SYS_listen).why("the parent makes every socket"),
    call("mount", libc::SYS_mount).why("the file system's shape"),
    call("umount2", libc::SYS_umount2).why("the file system's shape"),
    call("pivot_root", libc::SYS_pivot_root).why("the file system's shape"),
    call("chroot", libc::SYS_chroot).why("leaving the empty root"),
    call("fchdir", libc::SYS_fchdir).why("leaving the empty root through a directory handle"),
    call("fsopen", libc::SYS_fsopen).why("the file system's shape"),
    call("fsconfig", libc::SYS_fsconfig).why("the file system's shape"),
    call("fsmount", libc::SYS_fsmount).why("the file system's shape"),
    call("fspick", libc::SYS_fspick).why("the file system's shape"),
    call("move_mount", libc::SYS_move_mount).why("the file system's shape"),
    call("open_tree", libc::SYS_open_tree).why("the file system's shape"),
    call("mount_setattr", libc::SYS_mount_setattr).why("the file system's shape"),
    call("open_by_handle_at", libc::SYS_open_by_handle_at).why("files by number, past every path rule"),
    call("memfd_create", libc::SYS_memfd_create).why("a file to execute"),
    call("memfd_secret", libc::SYS_memfd_secret).why("memory that nobody can inspect"),
    call("bpf", libc::SYS_bpf).why("kernel attack surface"),
    call("perf_event_open", libc::SYS_perf_event_open).why("kernel attack surface"),
    call("userfaultfd", libc::SYS_userfaultfd)
        .why("kernel attack surface: it stops the kernel in the middle of a copy"),
    call("io_uring_setup", libc::SYS_io_uring_setup).why("system calls past the filter"),
    call("io_uring_enter", libc::SYS_io_uring_enter).why("system calls past the filter"),
    call("io_uring_register", libc::SYS_io_uring_register).why("system calls past the filter"),
    call("keyctl", libc::SYS_keyctl).why("kernel attack surface"),
    call("add_key", libc::SYS_add_key).why("kernel attack surface"),
    call("request_key", libc::SYS_request_key).why("kernel attack surface"),
    call("init_module", libc::SYS_init_module).why("the kernel itself"),
    call("finit_module", libc::SYS_finit_module).why("the kernel itself"),
    call("delete_module", libc::SYS_delete_module).why("the kernel itself"),
    call("kexec_load", libc::SYS_kexec_load).why("the kernel itself"),
    call("kexec_file_load", libc::SYS_kexec_file_load).why("the kernel itself"),
    call("reboot", libc::SYS_reboot).why("the machine"),
    call("swapon", libc::SYS_swapon).why("the machine"),
    call("swapoff", libc::SYS_swapoff).why("the machine"),
    call("acct", libc::SYS_acct).why("the machine"),
    call("settimeofday", libc::SYS_settimeofday).why("the machine's clock"),
    call("clock_settime", libc::SYS_clock_settime).why("the machine's clock"),
    call("clock_adjtime", libc::SYS_clock_adjtime).why("the machine's clock"),
    call("adjtimex", libc::SYS_adjtimex).why("the machine's clock"),
    call("personality", libc::SYS_personality).why("it can make data executable"),
    call("setuid", libc::SYS_setuid).why("another identity"),
    call("setgid", libc::SYS_setgid).why("another identity"),
    call("setresuid", libc::SYS_setresuid).why("another identity"),
    call("setresgid", libc::SYS_setresgid).why("another identity"),
    call("setreuid", libc::SYS_setreuid).why("another identity"),
    call("setregid", libc::SYS_setregid).why("another identity"),
    call("setgroups", libc::SYS_setgroups).why("another identity"),
    call("setfsuid", libc::SYS_setfsuid).why("another identity"),
    call("setfsgid", libc::SYS_setfsgid).why("another identity"),
    call("capset", libc::SYS_capset).why("other capabilities"),
    #[cfg(target_arch = "x86_64")]
    call("iopl", libc::SYS_iopl).why("hardware ports"),
    #[cfg(target_arch = "x86_64")]
    call("ioperm", libc::SYS_ioperm).why("hardware ports"),
    #[cfg(target_arch = "x86_64")]
    call("modify_ldt", libc::SYS_modify_ldt).why("kernel attack surface"),
];

/// Namespaces of every worker.
pub(crate) const NAMESPACES: &[NamespaceRow] = &[
    NamespaceRow { namespace: Namespace::User, why: "capabilities for the set-up that count nowhere else" },
    NamespaceRow { namespace: Namespace::Mount, why: "an empty root that no path leads out of" },
    NamespaceRow { namespace: Namespace::Pid, why: "no other process to see or signal" },
    NamespaceRow { namespace: Namespace::Net, why: "no interface; sockets that were handed over still work" },
    NamespaceRow { namespace: Namespace::Ipc, why: "no shared memory or queues of others" },
    NamespaceRow { namespace: Namespace::Uts, why: "no host name to change" },
    NamespaceRow { namespace: Namespace::Cgroup, why: "no view of the machine's control groups" },
];

/// The limits that differ between roles, filled in: memory in bytes and descriptors that may arrive later.
pub(crate) const fn limits(address_space: u64, arriving: u64) -> [Limit; 9] {
    [
        Limit { resource: Resource::Core, bound: Bound::At(0), why: "a crash must not write down what was in memory" },
        Limit { resource: Resource::FileSize, bound: Bound::At(0), why: "no worker writes a file" },
        Limit { resource: Resource::MemoryLock, bound: Bound::At(0), why: "no worker locks memory" },
        Limit { resource: Resource::MessageQueue, bound: Bound::At(0), why: "no worker makes a queue" },
        Limit {
            resource: Resource::Descriptors,
            bound: Bound::LaterPlus(arriving),
            why: "the fixed places and what the role can have open at once",
        },
        Limit {
            resource: Resource::AddressSpace,
            bound: Bound::At(address_space),
            why: "a leak or a flood ends the worker, not the machine",
        },
        Limit { resource: Resource::PendingSignals, bound: Bound::At(64), why: "more than it can ever have" },
        Limit { resource: Resource::RealtimePriority, bound: Bound::At(0), why: "no worker may starve the machine" },
        Limit { resource: Resource::Processes, bound: Bound::NoneIfOwnUid, why: "no worker forks or starts a thread" },
    ]
}

/// Binary megabytes.
pub(crate) const MIB: u64 = 1 << 20;
