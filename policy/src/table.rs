//! The rows of the confinement tables.

use caps::Capability;

/// What one worker may do.
#[derive(Debug)]
pub struct WorkerPolicy {
    /// The role's word.
    pub role: &'static str,
    /// System calls that are allowed, in groups.
    pub calls: &'static [&'static [Call]],
    /// System calls that end the process: no worker could ever mean them.
    pub killed: &'static [Call],
    /// Capabilities that it keeps.
    pub capabilities: &'static [CapabilityRow],
    /// Namespaces of its own, where the kernel and the parent's privileges permit.
    pub namespaces: &'static [NamespaceRow],
    /// Resource limits.
    pub limits: &'static [Limit],
    /// May it read below the directories it was handed?
    pub reads_directories: bool,
}

impl WorkerPolicy {
    /// Every allowed call.
    pub fn allowed(&self) -> impl Iterator<Item = &'static Call> {
        self.calls.iter().flat_map(|group| group.iter())
    }
}

/// One system call and the conditions under which the row applies. Rows for the same call add up.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Name, as in the kernel's table.
    pub name: &'static str,
    /// Number on this architecture.
    pub number: i64,
    /// All must hold.
    pub conditions: &'static [Condition],
    /// The reason for the row.
    pub why: &'static str,
}

/// Begins a row.
pub(crate) const fn call(name: &'static str, number: i64) -> Call {
    Call { name, number, conditions: &[], why: "" }
}

impl Call {
    /// Adds conditions.
    pub(crate) const fn when(mut self, conditions: &'static [Condition]) -> Call {
        self.conditions = conditions;
        self
    }

    /// Adds the reason.
    pub(crate) const fn why(mut self, why: &'static str) -> Call {
        self.why = why;
        self
    }
}

/// A test of one argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// Which argument, from 0.
    pub argument: u8,
    /// What must hold.
    pub test: Test,
}

/// Short form of a condition.
pub(crate) const fn arg(argument: u8, test: Test) -> Condition {
    Condition { argument, test }
}

/// What must hold for an argument. Descriptor tests see the low 32 bits, as the kernel does.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// A descriptor on which the worker may choose whom to send to.
    Sockets,
    /// A descriptor that arrived after confinement.
    Later,
    /// The worker's epoll set.
    Epoll,
    /// All 64 bits are zero: a null pointer.
    Null,
    /// The low 32 bits are one of these.
    OneOf(&'static [u32]),
    /// No bit outside these is set in the low 32 bits.
    Within(u32),
    /// Apart from the bits of `free`, the low 32 bits are exactly `value`.
    Exactly {
        /// What the other bits must be.
        value: u32,
        /// Bits that may be either way.
        free: u32,
    },
    /// All these bits are set in the low 32 bits.
    Has(u32),
}

/// A capability that the worker keeps.
#[derive(Clone, Copy, Debug)]
pub struct CapabilityRow {
    /// Which.
    pub capability: Capability,
    /// The reason for the row.
    pub why: &'static str,
}

/// A namespace of the worker's own.
#[derive(Clone, Copy, Debug)]
pub struct NamespaceRow {
    /// Which.
    pub namespace: Namespace,
    /// The reason for the row.
    pub why: &'static str,
}

/// Kinds of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// User and group ids, and the capabilities that count in it.
    User,
    /// Mounts.
    Mount,
    /// Processes.
    Pid,
    /// Network interfaces, addresses, ports.
    Net,
    /// System V and POSIX message queues, shared memory.
    Ipc,
    /// Host and domain name.
    Uts,
    /// The view of control groups.
    Cgroup,
}

impl Namespace {
    /// The short word, as under `/proc/PID/ns`.
    pub fn word(self) -> &'static str {
        match self {
            Namespace::User => "user",
            Namespace::Mount => "mnt",
            Namespace::Pid => "pid",
            Namespace::Net => "net",
            Namespace::Ipc => "ipc",
            Namespace::Uts => "uts",
            Namespace::Cgroup => "cgroup",
        }
    }

    /// The flag of `clone` and `unshare`.
    pub fn flag(self) -> i32 {
        match self {
            Namespace::User => libc::CLONE_NEWUSER,
            Namespace::Mount => libc::CLONE_NEWNS,
            Namespace::Pid => libc::CLONE_NEWPID,
            Namespace::Net => libc::CLONE_NEWNET,
            Namespace::Ipc => libc::CLONE_NEWIPC,
            Namespace::Uts => libc::CLONE_NEWUTS,
            Namespace::Cgroup => libc::CLONE_NEWCGROUP,
        }
    }
}

/// A resource limit; soft and hard alike.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// To how much.
    pub bound: Bound,
    /// The reason for the row.
    pub why: &'static str,
}

/// How much of a resource.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// This much.
    At(u64),
    /// As many descriptors as the fixed places need, and this many more.
    LaterPlus(u64),
    /// None, provided that the process has a uid of its own: the limit counts per uid and would hit siblings.
    NoneIfOwnUid,
}

/// Resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Core file, bytes.
    Core,
    /// Written file, bytes.
    FileSize,
    /// Locked memory, bytes.
    MemoryLock,
    /// Message queues, bytes.
    MessageQueue,
    /// Descriptors, number.
    Descriptors,
    /// Address space, bytes.
    AddressSpace,
    /// Queued signals, number.
    PendingSignals,
    /// Processes of the uid, number.
    Processes,
    /// Realtime priority.
    RealtimePriority,
}

impl Resource {
    /// The constant's name without `RLIMIT_`.
    pub fn word(self) -> &'static str {
        match self {
            Resource::Core => "CORE",
            Resource::FileSize => "FSIZE",
            Resource::MemoryLock => "MEMLOCK",
            Resource::MessageQueue => "MSGQUEUE",
            Resource::Descriptors => "NOFILE",
            Resource::AddressSpace => "AS",
            Resource::PendingSignals => "SIGPENDING",
            Resource::Processes => "NPROC",
            Resource::RealtimePriority => "RTPRIO",
        }
    }
}
