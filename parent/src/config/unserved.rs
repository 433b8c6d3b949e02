//! What was configured for DHCP and TFTP and no worker serves yet.
//!
//! Every value here has been checked and has its final type. When a worker learns an option, its field moves to that worker's
//! slice.

use std::net::Ipv6Addr;

use ipc::config::relay::RelayRoute;
use ipc::config::wire::SharedNetwork;
use serde::Serialize;

use super::client_tags::EnterpriseRule;

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unserved {
    /// `dhcp-vendorclass` lines with `enterprise:`, for DHCPv6; the last first. (DHCPv4 looks at their text alone.)
    pub enterprise_classes: Vec<EnterpriseRule>,
    /// `dhcp-relay` lines for DHCPv6, the last first.
    pub relays6: Vec<RelayRoute<Ipv6Addr>>,
    /// `shared-network` lines for DHCPv6.
    pub shared_networks6: Vec<SharedNetwork<Ipv6Addr>>,
    /// `tftp-unique-root=mac`: every client has a root of its own, named by its hardware address.
    pub tftp_unique_root_by_mac: bool,
    /// `tftp-single-port`: transfers come from port 69.
    pub tftp_single_port: bool,
}

impl Unserved {
    /// Puts lists into the order in which they are searched or read.
    pub(crate) fn settle(&mut self) {
        self.enterprise_classes.reverse();
        self.relays6.reverse();
    }
}
