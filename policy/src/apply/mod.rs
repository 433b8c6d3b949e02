//! Puts a table in force. The order matters: each step still needs what a later one takes away.

mod attributes;
pub(crate) mod capabilities;
mod identity;
pub(crate) mod landlock;
mod limits;
mod raw;
mod root;
pub(crate) mod seccomp;

use crate::facts::{ConfineError, Confined, Facts, Report};
use crate::table::WorkerPolicy;

/// Confines this process, which must have one thread, for the rest of its life.
///
/// Errors: something that this kernel has was refused. The process must then end.
pub fn confine(policy: &WorkerPolicy, facts: &Facts<'_>) -> Result<(Confined, Report), ConfineError> {
    let mut report = Report::default();
    if facts.user_namespace {
        report.namespaces.extend(policy.namespaces.iter().map(|row| row.namespace));
    } else if !policy.namespaces.is_empty() {
        report.missing.push("namespaces");
    }
    root::enter(facts, &mut report)?;
    let own_uid = identity::change(policy, facts, &mut report)?;
    limits::set(policy, facts, own_uid, &mut report)?;
    attributes::set(&mut report)?;
    landlock::restrict_worker(policy, facts, &mut report)?;
    seccomp::install_worker(policy, facts, &mut report)?;
    Ok((Confined(()), report))
}
