//! Uid, gid, groups and capabilities of a worker.

use caps::{CapSet, Capability};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

use super::{capabilities, raw};
use crate::facts::{ConfineError, Facts, Report};
use crate::table::WorkerPolicy;

/// The id that the parent maps to the role's, in a user namespace made for one worker.
const ID_IN_USER_NAMESPACE: u32 = 1;

/// Becomes the role's uid and drops every capability but the role's. True when the uid is the role's own.
pub(super) fn change(policy: &WorkerPolicy, facts: &Facts<'_>, report: &mut Report) -> Result<bool, ConfineError> {
    let target = match (facts.user_namespace, facts.uid) {
        (true, _) => Some(ID_IN_USER_NAMESPACE),
        (false, Some(uid)) if geteuid().is_root() => Some(uid),
        (false, _) => None,
    };
    let may = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    let kept: Vec<Capability> = policy.capabilities.iter().map(|row| row.capability).collect();
    let keeps = !kept.is_empty();
    let bounds = may(Capability::CAP_SETPCAP);
    let lock = || raw::lock_securebits().map_err(|errno| ConfineError::Attribute("securebits", errno));
    if bounds {
        // Both while the capability for it is still held.
        caps::clear(None, CapSet::Bounding).map_err(capabilities::failed)?;
        if !keeps {
            lock()?;
        }
    } else {
        report.missing.push("bounding set");
    }
    if keeps {
        // Otherwise the change of uid takes them all.
        prctl::set_keepcaps(true).map_err(|errno| ConfineError::Attribute("keepcaps", errno))?;
    }
    match target {
        Some(id) => {
            match setgroups(&[]) {
                Ok(()) => {}
                // A namespace made without the privilege to do so in the host's may not change groups, ever.
                Err(Errno::EPERM) => report.missing.push("setgroups"),
                Err(errno) => return Err(ConfineError::Identity("groups", errno)),
            }
            let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
            setresgid(gid, gid, gid).map_err(|errno| ConfineError::Identity("gid", errno))?;
            setresuid(uid, uid, uid).map_err(|errno| ConfineError::Identity("uid", errno))?;
        }
        None => report.missing.push("own uid"),
    }
    report.uid = geteuid().as_raw();
    if keeps {
        prctl::set_keepcaps(false).map_err(|errno| ConfineError::Attribute("keepcaps", errno))?;
        if bounds {
            // The change of uid has put it to sleep.
            caps::raise(None, CapSet::Effective, Capability::CAP_SETPCAP).map_err(capabilities::failed)?;
            lock()?;
        }
    }
    capabilities::keep(&kept)?;
    report.capabilities = kept.into_iter().filter(|capability| may(*capability)).collect();
    Ok(target.is_some())
}
