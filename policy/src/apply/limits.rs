//! Resource limits.

use nix::sys::resource::{self, setrlimit};

use crate::facts::{ConfineError, Facts, Report};
use crate::table::{Bound, Resource, WorkerPolicy};

/// Sets every limit of the table, soft and hard alike.
pub(super) fn set(
    policy: &WorkerPolicy,
    facts: &Facts<'_>,
    own_uid: bool,
    report: &mut Report,
) -> Result<(), ConfineError> {
    for limit in policy.limits {
        let amount = match limit.bound {
            Bound::At(amount) => amount,
            Bound::LaterPlus(more) => more.saturating_add(u64::try_from(facts.partition.later).unwrap_or(0)),
            Bound::NoneIfOwnUid if own_uid => 0,
            Bound::NoneIfOwnUid => continue,
        };
        let kind = kind(limit.resource);
        // A system that allows less already is left at that: raising a hard limit needs a privilege.
        let hard = resource::getrlimit(kind).map_or(u64::MAX, |(_, hard)| hard);
        let amount = amount.min(hard);
        setrlimit(kind, amount, amount).map_err(|errno| ConfineError::Limit(limit.resource.word(), errno))?;
        report.limits += 1;
    }
    Ok(())
}

fn kind(resource: Resource) -> resource::Resource {
    match resource {
        Resource::Core => resource::Resource::RLIMIT_CORE,
        Resource::FileSize => resource::Resource::RLIMIT_FSIZE,
        Resource::MemoryLock => resource::Resource::RLIMIT_MEMLOCK,
        Resource::MessageQueue => resource::Resource::RLIMIT_MSGQUEUE,
        Resource::Descriptors => resource::Resource::RLIMIT_NOFILE,
        Resource::AddressSpace => resource::Resource::RLIMIT_AS,
        Resource::PendingSignals => resource::Resource::RLIMIT_SIGPENDING,
        Resource::Processes => resource::Resource::RLIMIT_NPROC,
        Resource::RealtimePriority => resource::Resource::RLIMIT_RTPRIO,
    }
}
