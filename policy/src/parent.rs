//! What the parent may do after start.
//!
//! It keeps the capabilities that it uses, reaches the files it was configured with, and is refused the calls below. It still makes
//! sockets, starts workers with namespaces of their own, and executes its own program. Workers, and everything else that it
//! starts, inherit the refusals and the file rules; that is why the answer is a refusal and never death.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use caps::{CapSet, Capability};
use landlock::{AccessFs, BitFlags, make_bitflags};
use nix::fcntl::{OFlag, open};
use nix::sys::prctl;
use nix::sys::stat::Mode;

use crate::apply::landlock::Place;
use crate::apply::{capabilities, landlock as files, seccomp};
use crate::facts::{ConfineError, Report};
use crate::table::{Call, call};

/// Calls that are refused to the parent and to everything it starts.
pub const REFUSED: &[Call] = &[
    call("ptrace", libc::SYS_ptrace).why("another process's memory"),
    call("process_vm_readv", libc::SYS_process_vm_readv).why("another process's memory"),
    call("process_vm_writev", libc::SYS_process_vm_writev).why("another process's memory"),
    call("process_madvise", libc::SYS_process_madvise).why("another process's memory"),
    call("pidfd_getfd", libc::SYS_pidfd_getfd).why("another process's descriptors"),
    call("kcmp", libc::SYS_kcmp).why("looking into another process"),
    call("bpf", libc::SYS_bpf).why("kernel attack surface"),
    call("perf_event_open", libc::SYS_perf_event_open).why("kernel attack surface"),
    call("userfaultfd", libc::SYS_userfaultfd).why("kernel attack surface"),
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
    call("open_by_handle_at", libc::SYS_open_by_handle_at).why("files by number, past every path rule"),
    call("mount", libc::SYS_mount).why("the file system's shape"),
    call("umount2", libc::SYS_umount2).why("the file system's shape"),
    call("pivot_root", libc::SYS_pivot_root).why("the file system's shape"),
    call("fsopen", libc::SYS_fsopen).why("the file system's shape"),
    call("fsconfig", libc::SYS_fsconfig).why("the file system's shape"),
    call("fsmount", libc::SYS_fsmount).why("the file system's shape"),
    call("fspick", libc::SYS_fspick).why("the file system's shape"),
    call("move_mount", libc::SYS_move_mount).why("the file system's shape"),
    call("open_tree", libc::SYS_open_tree).why("the file system's shape"),
    call("mount_setattr", libc::SYS_mount_setattr).why("the file system's shape"),
    call("quotactl", libc::SYS_quotactl).why("the machine"),
    call("swapon", libc::SYS_swapon).why("the machine"),
    call("swapoff", libc::SYS_swapoff).why("the machine"),
    call("reboot", libc::SYS_reboot).why("the machine"),
    call("acct", libc::SYS_acct).why("the machine"),
    call("syslog", libc::SYS_syslog).why("the kernel's log"),
    call("settimeofday", libc::SYS_settimeofday).why("the machine's clock"),
    call("clock_settime", libc::SYS_clock_settime).why("the machine's clock"),
    call("clock_adjtime", libc::SYS_clock_adjtime).why("the machine's clock"),
    call("adjtimex", libc::SYS_adjtimex).why("the machine's clock"),
    call("personality", libc::SYS_personality).why("it can make data executable"),
    call("memfd_secret", libc::SYS_memfd_secret).why("memory that nobody can inspect"),
    call("vhangup", libc::SYS_vhangup).why("somebody else's terminal"),
    call("nfsservctl", libc::SYS_nfsservctl).why("kernel attack surface"),
    #[cfg(target_arch = "x86_64")]
    call("iopl", libc::SYS_iopl).why("hardware ports"),
    #[cfg(target_arch = "x86_64")]
    call("ioperm", libc::SYS_ioperm).why("hardware ports"),
    #[cfg(target_arch = "x86_64")]
    call("modify_ldt", libc::SYS_modify_ldt).why("kernel attack surface"),
];

/// Capabilities with which the parent may want to go on, each with its reason. What it keeps is chosen at start, from these.
pub const CAPABILITIES: &[(Capability, &str)] = &[
    (Capability::CAP_NET_BIND_SERVICE, "sockets on ports 53, 67 and 69 of interfaces that appear later"),
    (Capability::CAP_NET_RAW, "echo requests before an address is offered; binding a socket to an interface"),
    (
        Capability::CAP_NET_ADMIN,
        "neighbor entries for clients without an address; marks of sockets; to be handed to net",
    ),
    (Capability::CAP_SETUID, "the uid map of a worker's user namespace, or the worker's change of uid"),
    (Capability::CAP_SETGID, "the gid map of a worker's user namespace, or the worker's change of gid"),
    (Capability::CAP_SETPCAP, "a worker that empties its bounding set where there are no user namespaces"),
    (Capability::CAP_SYS_CHROOT, "a worker that enters the empty root where there are no user namespaces"),
    (Capability::CAP_SYS_ADMIN, "namespaces for workers where user namespaces are refused"),
    (Capability::CAP_CHOWN, "log file and pid file for the configured user"),
    (Capability::CAP_DAC_OVERRIDE, "configured files that root may not read by their mode bits alone"),
    (Capability::CAP_FOWNER, "replacing a lease file that another user owns"),
    (Capability::CAP_KILL, "ending workers that run under another uid"),
];

/// What is true of the parent at the end of its start.
#[derive(Clone, Copy, Debug)]
pub struct ParentFacts<'a> {
    /// Capabilities to keep; those it does not hold are ignored.
    pub keep: &'a [Capability],
    /// Files and directories to read (below).
    pub read: &'a [&'a Path],
    /// Files to write, and directories in which to create, replace and remove files.
    pub write: &'a [&'a Path],
    /// The program to execute for each worker.
    pub execute: Option<BorrowedFd<'a>>,
}

/// What is in force in the parent. Displays as one line for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentReport {
    /// Capabilities it keeps.
    pub capabilities: Vec<Capability>,
    /// Is no_new_privs set? Not while CAP_SYS_ADMIN was there to do without it.
    pub no_new_privs: bool,
    /// The Landlock ABI in force.
    pub landlock_abi: Option<i32>,
    /// Files and directories it may still reach.
    pub places: usize,
    /// System calls that are refused; 0 where there is no filter.
    pub refused: usize,
    /// What this system lacks, in words.
    pub missing: Vec<&'static str>,
}

impl fmt::Display for ParentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("capabilities")?;
        for capability in &self.capabilities {
            write!(f, " {}", capability.to_string().trim_start_matches("CAP_").to_lowercase())?;
        }
        if self.capabilities.is_empty() {
            f.write_str(" none")?;
        }
        if self.no_new_privs {
            f.write_str(", no_new_privs")?;
        }
        if let Some(abi) = self.landlock_abi {
            write!(f, ", landlock ABI {abi} with {} places", self.places)?;
        }
        if self.refused > 0 {
            write!(f, ", {} calls refused", self.refused)?;
        }
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
const WRITE: BitFlags<AccessFs> = make_bitflags!(
    AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile | Refer}
);
const EXECUTE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | Execute});

/// Confines the parent, which must have one thread, for the rest of its life. Its uid stays.
///
/// A path that does not exist is left out: a rule needs an inode. Who expects a file to appear names its directory.
/// Errors: something that this kernel has was refused. The process must then end.
pub fn confine(facts: &ParentFacts<'_>) -> Result<ParentReport, ConfineError> {
    let mut report = Report::default();
    // With CAP_SYS_ADMIN the kernel takes filters and rule sets without no_new_privs, and an exec may still change the SELinux
    // domain; so both come before the capabilities go.
    let held = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    let no_new_privs = !held(Capability::CAP_SYS_ADMIN);
    if no_new_privs {
        prctl::set_no_new_privs().map_err(|errno| ConfineError::Attribute("no_new_privs", errno))?;
    }
    let read = facts.read.iter().filter_map(|path| Some((handle(path)?, READ)));
    let write = facts.write.iter().filter_map(|path| Some((handle(path)?, WRITE)));
    let handles: Vec<(OwnedFd, BitFlags<AccessFs>)> = read.chain(write).collect();
    let mut places: Vec<Place<'_>> =
        handles.iter().map(|(handle, access)| Place { handle: handle.as_fd(), access: *access }).collect();
    places.extend(facts.execute.map(|handle| Place { handle, access: EXECUTE }));
    files::restrict_parent(&places, no_new_privs, &mut report)?;
    seccomp::install_refusals(REFUSED, &mut report)?;
    if held(Capability::CAP_SETPCAP) {
        capabilities::bound(facts.keep)?;
    } else {
        report.missing.push("bounding set");
    }
    capabilities::keep(facts.keep)?;
    let mut kept: Vec<Capability> =
        caps::read(None, CapSet::Permitted).map_err(capabilities::failed)?.into_iter().collect();
    kept.sort_by_key(Capability::index);
    Ok(ParentReport {
        capabilities: kept,
        no_new_privs,
        landlock_abi: report.landlock_abi,
        places: places.len(),
        refused: report.killed,
        missing: report.missing,
    })
}

/// A handle for a rule; gives no right to read or write by itself.
fn handle(path: &Path) -> Option<OwnedFd> {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok()
}
