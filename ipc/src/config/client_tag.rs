//! Tags that follow from what a client, its vendor or its relay agent says, from its name, or from other tags.

use serde::{Deserialize, Serialize};

use crate::tag::TagTest;

/// One `tag-if`: when all tests hold, the tags are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagIf {
    /// What must hold; here a `*` at the end of a tag matches any tail.
    pub tests: Vec<TagTest>,
    /// What is set; at least one, none empty.
    pub sets: Vec<String>,
}

/// One `dhcp-match`: clients that send this get the tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionMatch {
    /// The tag to set.
    pub tag: String,
    /// What is looked at.
    pub option: MatchedOption,
    /// What it must be.
    pub value: MatchValue,
}

/// What of a request a `dhcp-match` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchedOption {
    /// An option of DHCPv4; never 0.
    V4(u8),
    /// An option of DHCPv6; never 0.
    V6(u16),
    /// The vendor class data of an enterprise (RFC 3925 section 3).
    EnterpriseClass(u32),
}

/// What an option must be for a `dhcp-match` to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchValue {
    /// It is there and not empty, whatever it holds.
    Present,
    /// It begins with these bytes; `None` matches any.
    Beginning(Vec<Option<u8>>),
    /// It is a row of elements as long as this, one of which is this.
    Element(Vec<u8>),
    /// It contains this text.
    Containing(Vec<u8>),
}

/// One `dhcp-name-match`: clients that call themselves so get the tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameMatch {
    /// The tag to set.
    pub tag: String,
    /// The name, or how it begins; letter case does not matter.
    pub name: String,
    /// A `*` was written behind the name: any tail will do.
    pub prefix: bool,
}

/// Which id of the relay agent information option (RFC 3046) a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelayId {
    /// Agent circuit id (RFC 3046 section 3.1).
    Circuit,
    /// Agent remote id (RFC 3046 section 3.2).
    Remote,
    /// Subscriber id (RFC 3993).
    Subscriber,
}

/// One `dhcp-circuitid`, `dhcp-remoteid` or `dhcp-subscrid`: clients whose relay sends this id get the tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayIdRule {
    /// The tag to set.
    pub tag: String,
    /// Which id.
    pub which: RelayId,
    /// The whole id.
    pub id: Vec<u8>,
}
