//! The empty root.
//!
//! Entered with `chroot` and not with `pivot_root`: the parent is confined with Landlock, which forbids mounts to it and to all
//! its children. A process without capabilities cannot leave it.

use caps::{CapSet, Capability};
use nix::errno::Errno;
use nix::unistd;

use crate::facts::{ConfineError, Facts, Report};

/// Makes the empty directory of `facts` the root, if there is one and this process may.
pub(super) fn enter(facts: &Facts<'_>, report: &mut Report) -> Result<(), ConfineError> {
    let may = caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_CHROOT).unwrap_or(false);
    let Some(directory) = facts.empty_root.filter(|_| may) else {
        report.missing.push("empty root");
        return Ok(());
    };
    let steps = || -> Result<(), Errno> {
        unistd::fchdir(directory)?;
        unistd::chroot(".")?;
        unistd::chdir("/")
    };
    steps().map_err(ConfineError::Root)?;
    report.empty_root = true;
    Ok(())
}
