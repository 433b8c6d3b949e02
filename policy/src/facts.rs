//! What a worker knows about itself when it confines itself, and what came of it.

use std::fmt;
use std::ops::Range;
use std::os::fd::BorrowedFd;

use caps::Capability;
use nix::errno::Errno;

use crate::table::Namespace;

/// The fixed places of a worker's descriptors. seccomp sees descriptor numbers, so a number is a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The control channel to the parent.
    pub control: i32,
    /// The log channel to the parent.
    pub log: i32,
    /// The epoll set.
    pub epoll: i32,
    /// Sockets on which the worker may choose whom to send to.
    pub sockets: Range<i32>,
    /// Descriptors that are only read from.
    pub held: Range<i32>,
    /// From here on: whatever arrives later; may be closed.
    pub later: i32,
}

/// What is true of a worker when [`confine`](crate::confine) is called: it has one thread, descriptors 0 to 2 are the null
/// device, every place of the partition below `later` is in use, and it has read nothing from the network yet.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Where descriptors are.
    pub partition: Partition,
    /// Is this process uid 0 of a user namespace of its own (with the role's other namespaces) in which id 1 is mapped?
    pub user_namespace: bool,
    /// The uid (and gid) to become when there is no user namespace and the process is root; `None` keeps the parent's.
    pub uid: Option<u32>,
    /// A read-only empty directory to enter as root. `confine` does not close it; it gives no power if it stays open.
    pub empty_root: Option<BorrowedFd<'a>>,
    /// Directories that a role which reads files may read below.
    pub directories: &'a [BorrowedFd<'a>],
    /// End the process, instead of refusing, at a call that no table names.
    pub strict: bool,
}

/// Proof that [`confine`](crate::confine) succeeded. Every worker loop demands one, so that forgetting to lock the door does not
/// compile.
#[derive(Debug)]
pub struct Confined(pub(crate) ());

/// What is in force. Displays as one line for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The uid as this process sees it.
    pub uid: u32,
    /// Capabilities it keeps.
    pub capabilities: Vec<Capability>,
    /// Namespaces of its own.
    pub namespaces: Vec<Namespace>,
    /// Has it entered the empty root?
    pub empty_root: bool,
    /// The Landlock ABI in force.
    pub landlock_abi: Option<i32>,
    /// Resource limits set.
    pub limits: usize,
    /// System calls allowed; `None` where there is no filter.
    pub allowed: Option<usize>,
    /// System calls that kill.
    pub killed: usize,
    /// What this system lacks or the start did not give, in words.
    pub missing: Vec<&'static str>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {}, ", self.uid)?;
        if self.capabilities.is_empty() {
            f.write_str("no capabilities")?;
        } else {
            f.write_str("capabilities")?;
        }
        for capability in &self.capabilities {
            write!(f, " {}", capability.to_string().trim_start_matches("CAP_").to_lowercase())?;
        }
        f.write_str(", no_new_privs")?;
        if !self.namespaces.is_empty() {
            f.write_str(", namespaces")?;
            for namespace in &self.namespaces {
                write!(f, " {}", namespace.word())?;
            }
        }
        if self.empty_root {
            f.write_str(", empty root")?;
        }
        if let Some(abi) = self.landlock_abi {
            write!(f, ", landlock ABI {abi}")?;
        }
        write!(f, ", {} limits", self.limits)?;
        if let Some(allowed) = self.allowed {
            write!(f, ", {allowed} calls allowed, {} kill", self.killed)?;
        }
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

/// Why confinement failed. The process must end: it is neither free nor confined.
#[derive(Debug)]
pub enum ConfineError {
    /// The empty root could not be entered.
    Root(Errno),
    /// A resource limit could not be set.
    Limit(&'static str, Errno),
    /// Uid, gid or groups could not be changed.
    Identity(&'static str, Errno),
    /// A capability set could not be cut.
    Capabilities(String),
    /// A process attribute could not be set.
    Attribute(&'static str, Errno),
    /// The Landlock rule set was refused.
    Landlock(String),
    /// The seccomp filter was refused.
    Filter(String),
}

impl fmt::Display for ConfineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfineError::Root(errno) => write!(f, "cannot enter the empty root: {}", errno.desc()),
            ConfineError::Limit(name, errno) => write!(f, "cannot limit {name}: {}", errno.desc()),
            ConfineError::Identity(what, errno) => write!(f, "cannot change {what}: {}", errno.desc()),
            ConfineError::Capabilities(reason) => write!(f, "cannot drop capabilities: {reason}"),
            ConfineError::Attribute(what, errno) => write!(f, "cannot set {what}: {}", errno.desc()),
            ConfineError::Landlock(reason) => write!(f, "cannot restrict with Landlock: {reason}"),
            ConfineError::Filter(reason) => write!(f, "cannot install the system call filter: {reason}"),
        }
    }
}

impl std::error::Error for ConfineError {}
