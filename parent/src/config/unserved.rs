//! What was configured for DHCP and TFTP and no worker serves yet.
//!
//! Every value here has been checked and has its final type. When a worker learns an option, its field moves to that worker's
//! slice.

use std::net::Ipv4Addr;

use ipc::config::prefix::Prefix;
use ipc::tag::TagTest;
use serde::Serialize;

use super::blame::At as _;
use super::client_tags::EnterpriseRule;
use super::draft::Draft;
use super::fault::Fault;
use super::number::number;
use super::pxe::Pxe;
use super::relay::{Relay, SplitRelay};
use super::tag;
use super::wire::{BridgeAliases, SharedNetwork};

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unserved {
    /// `dhcp-vendorclass` lines with `enterprise:`, for DHCPv6; the last first. (DHCPv4 looks at their text alone.)
    pub enterprise_classes: Vec<EnterpriseRule>,
    /// `dhcp-generate-names` lines: clients that pass all tests of one are named by their hardware address.
    pub generate_names: Vec<Vec<TagTest>>,
    /// `dhcp-reply-delay`.
    pub reply_delay: Option<ReplyDelay>,
    /// `dhcp-relay` lines, the last first.
    pub relays: Vec<Relay>,
    /// `dhcp-split-relay` lines, the last first.
    pub split_relays: Vec<SplitRelay>,
    /// `dhcp-proxy`: replies of relays at these addresses go through us; an empty list stands for all relays.
    pub proxy: Option<Vec<Ipv4Addr>>,
    /// `leasequery`: who may ask for leases; an empty list stands for everybody.
    pub leasequery: Option<Vec<Prefix>>,
    /// `shared-network` lines.
    pub shared_networks: Vec<SharedNetwork>,
    /// `bridge-interface` lines, one per bridge.
    pub bridges: Vec<BridgeAliases>,
    /// What PXE clients are offered.
    pub pxe: Pxe,
    /// `tftp-unique-root=mac`: every client has a root of its own, named by its hardware address.
    pub tftp_unique_root_by_mac: bool,
    /// `tftp-single-port`: transfers come from port 69.
    pub tftp_single_port: bool,
}

/// `dhcp-reply-delay`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplyDelay {
    /// All must hold.
    pub tests: Vec<TagTest>,
    /// How long a first offer waits, in seconds.
    pub seconds: u32,
}

/// `dhcp-reply-delay = {TEST ","} SECONDS`.
pub(crate) fn reply_delay(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tests, seconds) = tag::leading_tests(value.ok_or(Fault::Value)?);
    let seconds = seconds.and_then(number).ok_or(Fault::Value).at(seconds.unwrap_or_default(), "seconds")?;
    draft.unserved.reply_delay = Some(ReplyDelay { tests, seconds: u32::try_from(seconds).unwrap_or(0) });
    Ok(())
}

impl Unserved {
    /// Puts lists into the order in which they are searched or read.
    pub(crate) fn settle(&mut self) {
        self.enterprise_classes.reverse();
        self.pxe.options.reverse();
        self.pxe.boots_by_name.reverse();
        self.relays.reverse();
        self.split_relays.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_has_tests_and_seconds() {
        let mut draft = Draft::new();
        reply_delay(&mut draft, Some("tag:a,net:!b,5")).unwrap();
        let delay = draft.unserved.reply_delay.unwrap();
        assert_eq!((delay.tests.len(), delay.tests[1].negated, delay.seconds), (2, true, 5));
        for bad in ["x", "tag:a", "2,3", "-1"] {
            assert_eq!(reply_delay(&mut Draft::new(), Some(bad)), Err(Fault::Value), "{bad}");
        }
    }
}
