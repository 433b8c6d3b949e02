//! The system calls that no library of ours wraps. The only file here with unsafe code.
#![expect(unsafe_code, reason = "prctl numbers and seccomp flags that nix, caps and seccompiler lack")]

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use seccompiler::sock_filter;

/// SECBIT_NOROOT, SECBIT_NO_CAP_AMBIENT_RAISE, and the locks of all four bits: uid 0 is nothing special any more, and none
/// of it can be undone.
const SECUREBITS: libc::c_ulong = 0b1110_1011;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// Locks the securebits. Needs CAP_SETPCAP.
pub(super) fn lock_securebits() -> Result<(), Errno> {
    set(libc::PR_SET_SECUREBITS, SECUREBITS)
}

/// Memory-deny-write-execute: no mapping may become executable from now on (Linux 6.3).
pub(super) fn refuse_exec_gain() -> Result<(), Errno> {
    set(libc::PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
}

fn set(option: libc::c_int, value: libc::c_ulong) -> Result<(), Errno> {
    const ZERO: libc::c_ulong = 0;
    // SAFETY: the options passed by this file take plain numbers, no pointers.
    Errno::result(unsafe { libc::prctl(option, value, ZERO, ZERO, ZERO) }).map(drop)
}

/// Gives the signals of a fault back to the kernel. The standard library's handler resets the signal and returns; where the
/// filter refuses the reset, the fault would repeat for ever.
pub(super) fn die_of_faults() -> Result<(), Errno> {
    for fault in [Signal::SIGSEGV, Signal::SIGBUS] {
        // SAFETY: the default action is no function of ours.
        unsafe { signal(fault, SigHandler::SigDfl) }?;
    }
    Ok(())
}

/// Installs a seccomp filter on this thread. Unlike the compiler's own installer it leaves no_new_privs alone, because the
/// parent must stay able to start a worker in an SELinux domain of its own.
pub(super) fn install_filter(program: &[sock_filter], flags: libc::c_ulong) -> Result<(), Errno> {
    let length = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    // Same layout: both are the kernel's struct sock_filter.
    let header = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast::<libc::sock_filter>() };
    // SAFETY: `header` and the instructions it points at outlive the call, and the kernel only copies them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
            flags,
            std::ptr::from_ref(&header),
        )
    };
    Errno::result(result).map(drop)
}
