//! Landlock: what may be opened, by path or below a directory handle.

use std::os::fd::{AsFd, BorrowedFd};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};
use nix::sys::stat::{SFlag, fstat};

use crate::facts::{ConfineError, Facts, Report};
use crate::table::WorkerPolicy;

/// The newest file rights we handle; what an older kernel lacks is left out.
const FILES: ABI = ABI::V9;
/// TCP rights only: from V10 on the crate's "all" has the right to send UDP with an address, which is how workers answer.
const NETWORK: ABI = ABI::V4;
const SCOPES: ABI = ABI::V6;
/// What a worker may do below a directory it was handed.
const READ: BitFlags<AccessFs> = landlock::make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// Denies a worker all files (but reading below its directories, where the role has some), new TCP endpoints, and signals and
/// abstract sockets to the outside.
pub(super) fn restrict_worker(
    policy: &WorkerPolicy,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Result<(), ConfineError> {
    let directories = if policy.reads_directories { facts.directories } else { &[] };
    let restrict = || -> Result<RestrictionStatus, RulesetError> {
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(FILES))?
            .handle_access(AccessNet::from_all(NETWORK))?
            .scope(Scope::from_all(SCOPES))?
            .create()?;
        for directory in directories {
            ruleset = ruleset.add_rule(PathBeneath::new(directory, READ))?;
        }
        ruleset.restrict_self()
    };
    let status = restrict().map_err(failed)?;
    note(&status, report);
    Ok(())
}

/// A file or directory, and what the parent may do there.
pub(crate) struct Place<'a> {
    pub(crate) handle: BorrowedFd<'a>,
    pub(crate) access: BitFlags<AccessFs>,
}

/// Denies the parent every file but these.
///
/// Resolving path-named sockets is not handled: the system log is one, and is found at a new inode after each restart of the log
/// service. Network rights and signal scopes are not handled either, since binding and signalling are the parent's office.
pub(crate) fn restrict_parent(
    places: &[Place<'_>],
    no_new_privs: bool,
    report: &mut Report,
) -> Result<(), ConfineError> {
    let restrict = || -> Result<RestrictionStatus, RulesetError> {
        let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(ABI::V8))?.create()?;
        for place in places {
            let access =
                if is_directory(place.handle) { place.access } else { place.access & AccessFs::from_file(ABI::V8) };
            ruleset = ruleset.add_rule(PathBeneath::new(place.handle, access))?;
        }
        ruleset.no_new_privs(no_new_privs).restrict_self()
    };
    let status = restrict().map_err(failed)?;
    note(&status, report);
    Ok(())
}

fn is_directory(handle: impl AsFd) -> bool {
    fstat(handle).is_ok_and(|facts| facts.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits())
}

fn note(status: &RestrictionStatus, report: &mut Report) {
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => report.landlock_abi = Some(effective_abi as i32),
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => report.missing.push("landlock"),
    }
}

fn failed(error: RulesetError) -> ConfineError {
    ConfineError::Landlock(error.to_string())
}
