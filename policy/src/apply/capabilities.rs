//! Capability sets.

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};

use crate::facts::ConfineError;

/// Cuts permitted and effective to `keep` (as far as held), and empties inheritable and ambient.
pub(crate) fn keep(keep: &[Capability]) -> Result<(), ConfineError> {
    let held = caps::read(None, CapSet::Permitted).map_err(failed)?;
    let kept: CapsHashSet = keep.iter().copied().filter(|capability| held.contains(capability)).collect();
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::clear(None, CapSet::Inheritable).map_err(failed)?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed)
}

/// Drops every capability but those of `keep` from the bounding set. Needs CAP_SETPCAP.
pub(crate) fn bound(keep: &[Capability]) -> Result<(), ConfineError> {
    for capability in caps::read(None, CapSet::Bounding).map_err(failed)? {
        if !keep.contains(&capability) {
            caps::drop(None, CapSet::Bounding, capability).map_err(failed)?;
        }
    }
    Ok(())
}

pub(crate) fn failed(error: CapsError) -> ConfineError {
    ConfineError::Capabilities(error.to_string())
}
