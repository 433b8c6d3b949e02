//! Tags that follow from other tags, from a client's name, or from what a relay or a vendor says of the client.

use std::num::NonZeroU32;

use ipc::config::client_tag::{NameMatch, RelayId, RelayIdRule, TagIf};
use serde::Serialize;

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::number::loose;
use super::text::{fields, reveal, reveal_text, split};
use super::{hex, tag};

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// One `dhcp-vendorclass` with `enterprise:`: DHCPv6 clients with this vendor class get the tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnterpriseRule {
    /// The tag to set.
    pub tag: String,
    /// Which classes match.
    pub class: EnterpriseClass,
}

/// Vendor classes of DHCPv6 (RFC 8415 section 21.16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum EnterpriseClass {
    /// Every class of this enterprise.
    Any(NonZeroU32),
    /// Classes that contain a text.
    Containing {
        /// The enterprise; `None`: any.
        enterprise: Option<NonZeroU32>,
        /// The text.
        text: Vec<u8>,
    },
}

/// `tag-if = ("set:" | "tag:") TAG {"," …}`.
pub(crate) fn tag_if(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad tag-if");
    let mut rule = TagIf::default();
    for field in fields(value.ok_or_else(bad)?) {
        match (field.strip_prefix("set:"), field.strip_prefix("tag:")) {
            (Some(name), _) if !name.is_empty() => rule.sets.push(reveal_text(name)),
            (_, Some(name)) if !name.is_empty() => rule.tests.push(tag::test(name)),
            _ => return Err(bad().at(field, "set: or tag: and a name")),
        }
    }
    if rule.sets.is_empty() {
        return Err(bad());
    }
    draft.dhcp.tag_if.push(rule);
    Ok(())
}

/// `dhcp-name-match = ["set:"] TAG "," NAME ["*"]`.
pub(crate) fn name_match(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let wanted = "a tag and a name";
    let (tag, name) = tag::set_and_rest(value, wanted)?;
    if name.is_empty() {
        return Err(Fault::Value.at(value.unwrap_or_default(), wanted));
    }
    let name = reveal_text(name);
    let (name, prefix) = match name.strip_suffix('*') {
        Some(beginning) => (beginning.to_owned(), true),
        None => (name, false),
    };
    draft.dhcp.name_matches.push(NameMatch { tag, name, prefix });
    Ok(())
}

pub(crate) fn circuit_id(draft: &mut Draft, value: Value<'_>) -> Outcome {
    relay_id(draft, value, RelayId::Circuit)
}

pub(crate) fn remote_id(draft: &mut Draft, value: Value<'_>) -> Outcome {
    relay_id(draft, value, RelayId::Remote)
}

pub(crate) fn subscriber_id(draft: &mut Draft, value: Value<'_>) -> Outcome {
    relay_id(draft, value, RelayId::Subscriber)
}

/// `["set:"] TAG "," (HEX | TEXT)`: hex digits with a colon somewhere are bytes.
fn relay_id(draft: &mut Draft, value: Value<'_>, which: RelayId) -> Outcome {
    let (tag, text) = tag::set_and_rest(value, "a tag and an id")?;
    let looks_hex = text.contains(':') && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    let id = match hex::pattern(text).filter(|_| looks_hex) {
        Some(bytes) => bytes.into_iter().flatten().collect(),
        None => reveal(text),
    };
    draft.dhcp.relay_ids.push(RelayIdRule { tag, which, id });
    Ok(())
}

/// What stands behind `enterprise:` in a `dhcp-vendorclass`: `NUMBER ["," TEXT]`.
pub(crate) fn enterprise_class(draft: &mut Draft, tag: String, rest: &str) -> Outcome {
    let (number, text) = split(rest, ',');
    let enterprise = NonZeroU32::new(loose(number).cast_unsigned());
    let class = match text {
        Some(text) => EnterpriseClass::Containing { enterprise, text: reveal(text) },
        None => EnterpriseClass::Any(enterprise.ok_or(Fault::Value)?),
    };
    draft.unserved.enterprise_classes.push(EnterpriseRule { tag, class });
    Ok(())
}

#[cfg(test)]
mod tests {
    use ipc::tag::TagTest;

    use super::*;

    #[test]
    fn tags_from_tags() {
        let mut draft = Draft::new();
        tag_if(&mut draft, Some("set:a,tag:b , tag:!ppp*,set:!c")).unwrap();
        let rule = &draft.dhcp.tag_if[0];
        assert_eq!(rule.sets, ["a", "!c"]);
        assert_eq!(rule.tests[1], TagTest { tag: "ppp*".into(), negated: true });
        for bad in ["", "tag:a", "set:", "set:a,", "set:a,b", "net:a,set:b", "SET:a", "set:a,tag:"] {
            assert_eq!(tag_if(&mut draft, Some(bad)), Err(Fault::from("bad tag-if")), "{bad}");
        }
    }

    #[test]
    fn tags_from_names() {
        let mut draft = Draft::new();
        name_match(&mut draft, Some("set:a,pc*")).unwrap();
        name_match(&mut draft, Some("a,b,c")).unwrap();
        let rules = &draft.dhcp.name_matches;
        assert_eq!((rules[0].name.as_str(), rules[0].prefix), ("pc", true));
        assert_eq!((rules[1].name.as_str(), rules[1].prefix), ("b,c", false));
        assert_eq!(name_match(&mut draft, Some("set:a,")), Err(Fault::Value));
    }

    #[test]
    fn ids_of_relays_are_hex_or_text() {
        let mut draft = Draft::new();
        for value in ["set:a,01:02", "a,0102", "a,*:11", "a,01:02,03", "a,"] {
            circuit_id(&mut draft, Some(value)).unwrap();
        }
        let ids: Vec<_> = draft.dhcp.relay_ids.iter().map(|rule| rule.id.as_slice()).collect();
        assert_eq!(ids, [b"\x01\x02".as_slice(), b"0102", b"*:11", b"01:02,03", b""]);
        assert_eq!(remote_id(&mut draft, Some("set:a")), Err(Fault::Value));
    }

    #[test]
    fn classes_of_enterprises() {
        let class = |rest: &str| {
            let mut draft = Draft::new();
            enterprise_class(&mut draft, "a".into(), rest)?;
            Ok(draft.unserved.enterprise_classes.remove(0).class)
        };
        assert_eq!(class("311"), Ok(EnterpriseClass::Any(NonZeroU32::new(311).unwrap())));
        assert_eq!(class("x"), Err(Fault::Value));
        assert_eq!(class("x,MS,FT"), Ok(EnterpriseClass::Containing { enterprise: None, text: b"MS,FT".to_vec() }));
    }
}
