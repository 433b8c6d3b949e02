//! What the net worker is told at start.

use serde::{Deserialize, Serialize};

use super::kernel_set::{KernelSets, NftSet};
use crate::net::SETS_MAX;

/// The net slice: the sets that indexes stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetSlice {
    /// The sets of each `ipset` line.
    pub ipsets: Vec<Vec<String>>,
    /// The sets of each `nftset` line.
    pub nftsets: Vec<Vec<NftSet>>,
}

impl NetSlice {
    /// The sets of all rules, in their order.
    pub fn of(sets: &KernelSets) -> NetSlice {
        NetSlice {
            ipsets: sets.ipset.iter().map(|rule| first(&rule.sets)).collect(),
            nftsets: sets.nftset.iter().map(|rule| first(&rule.sets)).collect(),
        }
    }
}

fn first<S: Clone>(sets: &[S]) -> Vec<S> {
    sets.iter().take(SETS_MAX).cloned().collect()
}
