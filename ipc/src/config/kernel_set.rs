//! Kernel address sets that replies are added to: `ipset`, `nftset`.

use serde::{Deserialize, Serialize};

use super::record::Families;

/// Rules for kernel address sets, the line written last first. The longest domain that fits a name decides; of equal ones, that of the
/// line written first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSets {
    /// `ipset`.
    pub ipset: Vec<SetRule<String>>,
    /// `nftset`.
    pub nftset: Vec<SetRule<NftSet>>,
}

impl KernelSets {
    /// Is there no rule?
    pub fn is_empty(&self) -> bool {
        self.ipset.is_empty() && self.nftset.is_empty()
    }
}

/// Domains and the sets that addresses of their names go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRule<S> {
    /// The domains, lower case without dots at their ends; an empty one stands for all names. At least one.
    pub domains: Vec<String>,
    /// The sets.
    pub sets: Vec<S>,
}

/// A set of nftables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NftSet {
    /// Addresses of which family go there (`4#`, `6#`).
    pub families: Families,
    /// Family, table and set, as words; not checked. Not empty.
    pub path: String,
}
