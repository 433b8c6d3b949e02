//! What the kernel says about the processes of a running server.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use support::processes::{ROLES, family, status, worker};
use support::{Directory, Lan, Server, Subject, wait_until};

const NAMESPACES: [&str; 7] = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

/// Capabilities that the parent may keep, by their numbers in `linux/capability.h`: neighbor entries for DHCP clients need
/// the second, and sockets that are made later can need the others.
const PARENT_MAY: [(u32, &str); 3] = [(10, "net_bind_service"), (12, "net_admin"), (13, "net_raw")];

const CONFIG: &str = "\
interface=lan0
no-hosts
no-resolv
dhcp-range=10.77.0.100,10.77.0.200,1h
enable-tftp
tftp-root=DIR/tftp
";

/// Capabilities that it may keep besides while a worker has no user namespace: net, whose capability must count outside.
const PARENT_MAY_WITH_NET: [(u32, &str); 5] =
    [(5, "kill"), (6, "setgid"), (7, "setuid"), (8, "setpcap"), (18, "sys_chroot")];
/// The capability that net keeps.
const NET_MAY: u64 = 1 << 12;

fn start(lan: &Lan) -> Server {
    start_with(lan, "")
}

fn start_with(lan: &Lan, extra: &str) -> Server {
    let directory = Directory::new();
    directory.write("tftp/file", "content");
    let server = Server::start_in(&lan.server, directory.into(), &format!("{CONFIG}{extra}"));
    // Confined is confined for good, so the first worker of each role that is ready will do.
    for role in ROLES {
        let pid = worker(server.pid(), role, None);
        wait_until("the worker to confine itself", || status(pid, "Seccomp").as_deref() == Some("2"));
    }
    server
}

fn number(pid: i32, label: &str) -> u64 {
    let text = status(pid, label).unwrap_or_else(|| panic!("process {pid} has no {label}"));
    u64::from_str_radix(&text, 16).unwrap_or_else(|_| panic!("{label} of process {pid} is {text}"))
}

#[test]
fn every_worker_is_confined_as_the_kernel_sees_it() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::new(1);
    let server = start(&lan);
    let parent = server.pid();
    let mut uids = BTreeSet::new();
    for role in ROLES {
        let pid = worker(parent, role, None);
        wait_until("the worker to be confined", || {
            status(pid, "Seccomp_filters").is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n >= 2))
        });
        let uid = status(pid, "Uid").expect("a running worker");
        let ids: BTreeSet<&str> = uid.split_whitespace().collect();
        assert_eq!(ids.len(), 1, "{role}: real, effective, saved and file system uid differ: {uid}");
        assert!(!ids.contains("0"), "{role} runs as root");
        uids.extend(ids.into_iter().map(str::to_owned));
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(number(pid, set), 0, "{role}: {set}");
        }
        assert_eq!(status(pid, "NoNewPrivs").as_deref(), Some("1"), "{role}");
        assert_eq!(status(pid, "Seccomp").as_deref(), Some("2"), "{role}");
        assert_eq!(status(pid, "Groups").as_deref(), Some(""), "{role} has supplementary groups");
        for kind in NAMESPACES {
            let of = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("read a namespace link");
            assert_ne!(of(pid), of(parent), "{role} shares the parent's {kind} namespace");
        }
        let root: Vec<_> = fs::read_dir(format!("/proc/{pid}/root/")).expect("list a worker's root").collect();
        assert!(root.is_empty(), "{role} sees files: {root:?}");
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("read limits");
        for limit in ["Max core file size", "Max file size", "Max processes", "Max locked memory", "Max msgqueue size"]
        {
            let line = limits.lines().find_map(|line| line.strip_prefix(limit)).expect("a known limit");
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[..2], ["0", "0"], "{role}: {limit}");
        }
        eprintln!("{role}: process {pid}, uid {uid}");
    }
    assert_eq!(uids.len(), ROLES.len(), "two roles share a uid: {uids:?}");
}

#[test]
fn no_worker_can_be_traced_or_read_by_another() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::new(1);
    let server = start(&lan);
    for role in ROLES {
        let pid = worker(server.pid(), role, None);
        // The files of a process that is not dumpable belong to root.
        wait_until(&format!("{role} not to be dumpable"), || {
            fs::metadata(format!("/proc/{pid}/environ")).is_ok_and(|data| data.uid() == 0)
        });
    }
}

#[test]
fn the_parent_keeps_what_its_work_needs_and_no_more() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::new(1);
    let server = start(&lan);
    let parent = server.pid();
    let may: u64 = PARENT_MAY.iter().map(|(bit, _)| 1 << bit).sum();
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        let held = number(parent, set);
        assert_eq!(held & !may, 0, "the parent's {set} is {held:x}, of which only {PARENT_MAY:?} are explained");
    }
    assert_eq!(status(parent, "Seccomp").as_deref(), Some("2"), "the parent has no system call filter");
    eprintln!("parent: process {parent}, CapEff {:x}, {} processes", number(parent, "CapEff"), family(parent).len());
}

#[test]
fn net_has_one_capability_and_nothing_else() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::new(1);
    let server = start_with(&lan, "ipset=/example/set\nadd-mac\n");
    let parent = server.pid();
    let pid = worker(parent, "net", None);
    wait_until("the worker to be confined", || {
        status(pid, "Seccomp_filters").is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n >= 2))
    });
    for (set, expected) in [("CapPrm", NET_MAY), ("CapEff", NET_MAY), ("CapInh", 0), ("CapBnd", 0), ("CapAmb", 0)] {
        assert_eq!(number(pid, set), expected, "{set}");
    }
    let uid = status(pid, "Uid").expect("a running worker");
    let ids: BTreeSet<&str> = uid.split_whitespace().collect();
    assert!(ids.len() == 1 && !ids.contains("0"), "net runs as {uid}");
    for role in ROLES {
        assert_ne!(status(worker(parent, role, None), "Uid").as_deref(), Some(uid.as_str()), "net shares {role}'s uid");
    }
    assert_eq!(status(pid, "NoNewPrivs").as_deref(), Some("1"));
    assert_eq!(status(pid, "Groups").as_deref(), Some(""));
    let root: Vec<_> = fs::read_dir(format!("/proc/{pid}/root/")).expect("list a worker's root").collect();
    assert!(root.is_empty(), "net sees files: {root:?}");
    wait_until("net not to be dumpable", || {
        fs::metadata(format!("/proc/{pid}/environ")).is_ok_and(|data| data.uid() == 0)
    });
    let may: u64 = PARENT_MAY.iter().chain(&PARENT_MAY_WITH_NET).map(|(bit, _)| 1 << bit).sum();
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        assert_eq!(number(parent, set) & !may, 0, "the parent's {set}");
    }
}

#[test]
fn without_need_there_is_no_net_worker() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::new(1);
    let server = start(&lan);
    // While workers start, there are short-lived processes besides.
    wait_until("the parent to have its three workers and nobody else", || {
        family(server.pid()).len() == 1 + ROLES.len()
    });
}

#[test]
fn a_lease_script_loosens_nobody_else_and_holds_nothing_of_ours() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::new(1);
    let server = start_with(&lan, "dhcp-script=/bin/true\ndhcp-scriptuser=nobody\n");
    let parent = server.pid();
    let may: u64 = PARENT_MAY.iter().map(|(bit, _)| 1 << bit).sum();
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        assert_eq!(number(parent, set) & !may, 0, "the parent's {set}");
    }
    assert_eq!(status(parent, "Seccomp").as_deref(), Some("2"), "the parent has no system call filter");
    let keeper = worker(parent, "script", None);
    let runner = worker(keeper, "script", None);
    for pid in [keeper, runner] {
        // It is outside all that, for scripts inherit what it has, but it is who it was told to be.
        assert_eq!(status(pid, "Seccomp").as_deref(), Some("0"));
        let uid = status(pid, "Uid").expect("a running process");
        assert!(!uid.split_whitespace().any(|id| id == "0"), "it runs as {uid}");
        assert_eq!(status(pid, "Groups").as_deref(), Some(""));
        assert_eq!(number(pid, "CapEff"), 0);
        // Channels and the null device; a descriptor of the runner's own by which it hears that a script has ended.
        let held: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
            .expect("list descriptors")
            .map(|entry| fs::read_link(entry.expect("an entry").path()).expect("a link").display().to_string())
            .collect();
        let known =
            |link: &String| link == "/dev/null" || link.starts_with("socket:") || link == "anon_inode:[signalfd]";
        assert!(held.len() <= 6 && held.iter().all(known), "{held:?}");
        assert_eq!(held.iter().filter(|link| link.starts_with("socket:")).count(), 2, "{held:?}");
    }
}
