//! Connection marks: `conntrack`, `connmark-allowlist-enable`, `connmark-allowlist`.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// What is done with connection marks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionMarks {
    /// `conntrack`: queries carry the mark of the client's connection upstream.
    pub copied: bool,
    /// `connmark-allowlist-enable`: the bits of the mark that say which list holds. `None`: no lists.
    pub mask: Option<NonZeroU32>,
    /// `connmark-allowlist`, of which no two have the same mark and mask.
    pub allowlists: Vec<Allowlist>,
}

impl ConnectionMarks {
    /// Must the marks of clients' connections be known?
    pub fn wanted(&self) -> bool {
        self.copied || self.mask.is_some()
    }
}

/// Names that clients with a mark may resolve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowlist {
    /// The mark; without bits outside the mask.
    pub mark: NonZeroU32,
    /// The bits that are compared.
    pub mask: NonZeroU32,
    /// The names; at least one.
    pub patterns: Vec<NamePattern>,
}

/// Names that may be resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamePattern {
    /// `*`: all.
    All,
    /// Two or more labels in lower case, where a `*` stands for any text within its label.
    Labels(String),
}
