//! The tags that are set for one request, and what they select.

use std::fmt;

use ipc::config::dhcp::{ClassRule, ClassTest};
use ipc::tag::TagTest;

use crate::host_rules;
use crate::packet::Packet;

/// The tags of one request, in the order in which they were set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags(Vec<String>);

impl Tags {
    /// Sets a tag.
    pub(crate) fn set(&mut self, tag: &str) {
        if !self.has(tag) {
            self.0.push(tag.to_owned());
        }
    }

    /// Sets the tag of every class rule that the client fits.
    pub(crate) fn set_classes(&mut self, rules: &[ClassRule], packet: &Packet<'_>) {
        for rule in rules {
            let fits = match &rule.test {
                ClassTest::VendorClass(text) => packet.option(60).is_some_and(|class| contains(class, text)),
                ClassTest::UserClass(text) => packet.option(77).is_some_and(|class| contains(class, text)),
                ClassTest::Hardware(pattern) => host_rules::fits(pattern, packet.hardware()),
            };
            if fits {
                self.set(&rule.tag);
            }
        }
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
        self.0.iter().rev().map(String::as_str)
    }

    fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|set| set == tag)
    }
}

/// The text of the `tags:` log line: the latest first.
impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, tag) in self.latest_first().enumerate() {
            write!(f, "{}{tag}", if position == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Does `text` occur in `bytes`? The empty text occurs everywhere.
pub(crate) fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}
