//! Process attributes.

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::raw;
use crate::facts::{ConfineError, Report};

/// Dies with the parent and of its own faults, is not dumpable, gains nothing by exec, makes nothing executable.
pub(super) fn set(report: &mut Report) -> Result<(), ConfineError> {
    raw::die_of_faults().map_err(|errno| ConfineError::Attribute("fault signals", errno))?;
    // Again, because a change of uid clears it.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|errno| ConfineError::Attribute("parent death signal", errno))?;
    prctl::set_dumpable(false).map_err(|errno| ConfineError::Attribute("dumpable", errno))?;
    prctl::set_no_new_privs().map_err(|errno| ConfineError::Attribute("no_new_privs", errno))?;
    match raw::refuse_exec_gain() {
        Ok(()) => Ok(()),
        // Linux before 6.3, or an architecture without it.
        Err(Errno::EINVAL | Errno::ENOTSUP) => {
            report.missing.push("memory-deny-write-execute");
            Ok(())
        }
        Err(errno) => Err(ConfineError::Attribute("memory-deny-write-execute", errno)),
    }
}
