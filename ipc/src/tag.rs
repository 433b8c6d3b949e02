//! Tags: condition names that DHCP rules set and test.

use serde::{Deserialize, Serialize};

/// One test of a tag: `tag:NAME`, or `tag:!NAME` when negated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagTest {
    /// The tag's name, compared exactly.
    pub tag: String,
    /// True when the line applies only while the tag is *not* set.
    pub negated: bool,
}
