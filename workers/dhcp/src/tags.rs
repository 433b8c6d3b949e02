//! The tags that are set for one request, and what they select.

use std::borrow::Cow;
use std::fmt;

use ipc::config::client_tag::{MatchValue, MatchedOption, NameMatch, OptionMatch, RelayId, RelayIdRule, TagIf};
use ipc::config::dhcp::{ClassRule, ClassTest, DhcpSlice};
use ipc::tag::TagTest;

use crate::client_name::Name;
use crate::host_rules;
use crate::packet::{Packet, walk, walk_enterprises};

/// The enterprise number of the Broadband Forum, whose TR-069 tells gateways of the devices behind them.
const BROADBAND_FORUM: u32 = 3561;

/// The tags of one request, in the order in which they were set. Nearly all are texts of the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags<'t>(Vec<Cow<'t, str>>);

impl<'t> Tags<'t> {
    /// The tags that follow from where a request came in and what it says, but for names.
    pub(crate) fn of(interface: &'t str, packet: &Packet<'_>, slice: &'t DhcpSlice) -> Tags<'t> {
        let mut tags = Tags::default();
        tags.set(interface);
        if is_behind_gateway(packet) {
            tags.set("cpewan-id");
        }
        tags.set_each(slice.relay_ids.iter().filter(|rule| has_relay_id(packet, rule)).map(|rule| &rule.tag));
        let hardware = slice.hardware_rules.iter().filter(|rule| host_rules::fits(&rule.pattern, packet.hardware()));
        tags.set_each(hardware.map(|rule| &rule.tag));
        tags.set_each(slice.option_matches.iter().filter(|rule| has_option(packet, rule)).map(|rule| &rule.tag));
        tags.set_each(slice.class_rules.iter().filter(|rule| has_class(packet, rule)).map(|rule| &rule.tag));
        tags
    }

    /// Sets a tag.
    pub(crate) fn set(&mut self, tag: impl Into<Cow<'t, str>>) {
        let tag = tag.into();
        if !self.has(&tag) {
            self.0.push(tag);
        }
    }

    fn set_each(&mut self, tags: impl Iterator<Item = &'t String>) {
        tags.for_each(|tag| self.set(tag));
    }

    /// Sets the tags for what the client calls itself, with its domain (`dhcp-name-match`).
    pub(crate) fn set_for_name(&mut self, rules: &'t [NameMatch], name: &Name) {
        let name = name.whole();
        let fits = |rule: &&NameMatch| {
            let start = if rule.prefix { name.get(..rule.name.len()) } else { Some(name.as_str()) };
            start.is_some_and(|start| start.eq_ignore_ascii_case(&rule.name))
        };
        self.set_each(rules.iter().filter(fits).map(|rule| &rule.tag));
    }

    /// These tags and those that follow from them (`tag-if`).
    pub(crate) fn with_following(&self, rules: &'t [TagIf]) -> Tags<'t> {
        let mut tags = self.clone();
        for rule in rules {
            if rule.tests.iter().all(|test| tags.has_like(&test.tag) != test.negated) {
                tags.set_each(rule.sets.iter());
            }
        }
        tags
    }

    /// Do all of these tests hold? An empty list holds.
    pub(crate) fn pass(&self, tests: &[TagTest]) -> bool {
        tests.iter().all(|test| self.has(&test.tag) != test.negated)
    }

    /// Does any of these lines apply, where a line without tests always does?
    pub(crate) fn pass_any(&self, lines: &[Vec<TagTest>]) -> bool {
        lines.iter().any(|tests| self.pass(tests))
    }

    /// The tags, the latest first.
    pub(crate) fn latest_first(&self) -> impl Iterator<Item = &str> {
        self.0.iter().rev().map(|tag| &**tag)
    }

    fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|set| set == tag)
    }

    /// As [`Tags::has`], where a `*` at the end matches any tail.
    fn has_like(&self, pattern: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some(beginning) => self.0.iter().any(|set| set.starts_with(beginning)),
            None => self.has(pattern),
        }
    }
}

/// The text of the `tags:` log line: the latest first.
impl fmt::Display for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, tag) in self.latest_first().enumerate() {
            write!(f, "{}{tag}", if position == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Does a device say which gateway it is behind, by manufacturer and serial number (TR-069 annex F)?
fn is_behind_gateway(packet: &Packet<'_>) -> bool {
    walk_enterprises(packet.option(125).unwrap_or_default()).any(|(enterprise, data)| {
        let says = |wanted: u8| walk(data).any(|(code, value)| code == wanted && !value.is_empty());
        enterprise == BROADBAND_FORUM && says(1) && says(2)
    })
}

fn has_relay_id(packet: &Packet<'_>, rule: &RelayIdRule) -> bool {
    let code = match rule.which {
        RelayId::Circuit => 1,
        RelayId::Remote => 2,
        RelayId::Subscriber => 6,
    };
    let found = walk(packet.option(82).unwrap_or_default()).find(|(found, _)| *found == code);
    found.is_some_and(|(_, id)| id == rule.id)
}

fn has_class(packet: &Packet<'_>, rule: &ClassRule) -> bool {
    let (code, text) = match &rule.test {
        ClassTest::VendorClass(text) => (60, text),
        ClassTest::UserClass(text) => (77, text),
    };
    packet.option(code).is_some_and(|class| !class.is_empty() && contains(class, text))
}

fn has_option(packet: &Packet<'_>, rule: &OptionMatch) -> bool {
    match rule.option {
        MatchedOption::V4(code) => packet.option(code).is_some_and(|value| matches(value, &rule.value)),
        MatchedOption::V6(_) => false,
        MatchedOption::EnterpriseClass(wanted) => walk_enterprises(packet.option(124).unwrap_or_default())
            .filter(|(enterprise, _)| *enterprise == wanted)
            .flat_map(|(_, data)| lengths_first(data))
            .any(|class| rule.value == MatchValue::Present || matches(class, &rule.value)),
    }
}

/// Does a value match? An empty one never does.
fn matches(value: &[u8], wanted: &MatchValue) -> bool {
    if value.is_empty() {
        return false;
    }
    match wanted {
        MatchValue::Present => true,
        MatchValue::Beginning(pattern) => {
            value.len() >= pattern.len()
                && pattern.iter().zip(value).all(|(want, byte)| want.is_none_or(|want| want == *byte))
        }
        MatchValue::Element(element) => {
            !element.is_empty() && value.chunks_exact(element.len()).any(|part| part == element)
        }
        MatchValue::Containing(text) => contains(value, text),
    }
}

/// The elements of a field in which each has its length in front, up to the first that does not fit.
fn lengths_first(mut field: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = field.split_first()?;
        let (element, rest) = rest.split_at_checked(usize::from(length))?;
        field = rest;
        Some(element)
    })
}

/// Does `text` occur in `bytes`? The empty text occurs everywhere.
pub(crate) fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}
