//! Confines a process as the parent, and a child of its own as a worker in namespaces. Needs root.
#![expect(unsafe_code, reason = "tests fork")]

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, geteuid, getpid, pipe, read, write};
use policy::parent::{self, ParentFacts};
use policy::{Capability, Facts, Partition};

const KEEP: &[Capability] =
    // The last one: mapping the host's uid 0 into a namespace.
    &[Capability::CAP_NET_ADMIN, Capability::CAP_SETUID, Capability::CAP_SETGID, Capability::CAP_SETFCAP];

fn in_child(deed: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child runs only the closure and leaves by _exit.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Child => {
            let code = deed();
            // SAFETY: _exit has no conditions.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).expect("wait") {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        },
    }
}

/// Confined as the parent with one directory to write.
fn as_parent(write: &Path) -> Result<parent::ParentReport, policy::ConfineError> {
    let facts =
        ParentFacts { keep: KEEP, read: &[Path::new("/etc")], write: &[write, Path::new("/proc")], execute: None };
    parent::confine(&facts)
}

#[test]
fn the_parent_reaches_its_files_and_nothing_else() {
    if !geteuid().is_root() {
        return;
    }
    let base = std::env::temp_dir().join(format!("policy-parent-{}", std::process::id()));
    let (mine, other) = (base.join("mine"), base.join("other"));
    fs::create_dir_all(&mine).expect("directory");
    fs::create_dir_all(&other).expect("directory");
    let code = in_child(|| {
        let Ok(report) = as_parent(&mine) else { return 1 };
        if report.no_new_privs || report.refused == 0 || !report.to_string().contains("net_admin") {
            return 2;
        }
        let replaced =
            fs::write(mine.join("new"), b"x").and_then(|()| fs::rename(mine.join("new"), mine.join("leases")));
        if replaced.is_err() || fs::read("/etc/passwd").is_err() {
            return 3;
        }
        if fs::write(other.join("x"), b"x").is_ok() || fs::read("/usr/bin/env").is_ok() {
            return 4;
        }
        let bpf = Errno::result(unsafe {
            // SAFETY: refused before the kernel looks at the arguments.
            libc::syscall(libc::SYS_bpf, 0, 0, 0)
        });
        if bpf != Err(Errno::EPERM) {
            return 5;
        }
        i32::from(std::net::UdpSocket::bind("127.0.0.1:0").is_err()) * 6
    });
    fs::remove_dir_all(&base).expect("remove");
    assert_eq!(code, 0);
}

#[test]
fn a_child_of_the_confined_parent_confines_itself_in_namespaces() {
    if !geteuid().is_root() {
        return;
    }
    let base = std::env::temp_dir().join(format!("policy-worker-{}", std::process::id()));
    fs::create_dir_all(&base).expect("directory");
    let code = in_child(|| {
        if as_parent(&base).is_err() {
            return 1;
        }
        let (Ok((wait_worker, tell_parent)), Ok((wait_parent, tell_worker))) = (pipe(), pipe()) else { return 2 };
        // SAFETY: single-threaded from here on; both sides end by _exit or return to the caller's _exit.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                // Else this process would wait for itself when the other one fails.
                drop((tell_worker, wait_worker));
                let Ok(root) = fs::File::open(&base) else { return 11 };
                let flags = CloneFlags::CLONE_NEWUSER
                    | CloneFlags::CLONE_NEWNS
                    | CloneFlags::CLONE_NEWNET
                    | CloneFlags::CLONE_NEWIPC
                    | CloneFlags::CLONE_NEWUTS
                    | CloneFlags::CLONE_NEWCGROUP;
                if unshare(flags).is_err() {
                    return 12;
                }
                let _ = write(&tell_parent, &getpid().as_raw().to_ne_bytes());
                let _ = read(&wait_parent, &mut [0; 1]);
                let facts = Facts {
                    partition: Partition { control: 3, log: 4, epoll: 5, sockets: 8..128, held: 128..192, later: 192 },
                    user_namespace: true,
                    uid: None,
                    empty_root: Some(root.as_fd()),
                    directories: &[],
                    strict: false,
                };
                match policy::confine(&policy::dns::POLICY, &facts) {
                    Ok((_, report)) if report.uid == 1 && report.empty_root && report.limits == 9 => 0,
                    Ok(_) => 13,
                    Err(error) => {
                        eprintln!("{error}");
                        14
                    }
                }
            }
            Ok(ForkResult::Parent { child }) => {
                drop((tell_parent, wait_parent));
                let mut pid = [0; 4];
                if read(&wait_worker, &mut pid) != Ok(4) {
                    return 3;
                }
                let folder = format!("/proc/{}", i32::from_ne_bytes(pid));
                let mapped = fs::write(format!("{folder}/uid_map"), "0 0 1\n1 65520 1\n")
                    .and_then(|()| fs::write(format!("{folder}/gid_map"), "0 0 1\n1 65520 1\n"));
                if let Err(error) = mapped {
                    eprintln!("{error}");
                    return 4;
                }
                let _ = write(&tell_worker, b"x");
                match waitpid(child, None) {
                    Ok(WaitStatus::Exited(_, code)) => code,
                    _ => 5,
                }
            }
            Err(_) => 6,
        }
    });
    fs::remove_dir_all(&base).expect("remove");
    assert_eq!(code, 0);
}
