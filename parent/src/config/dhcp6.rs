//! DHCPv6 and router advertisements: all that was configured.

use serde::Serialize;

use super::blame::At as _;
use super::dhcp_host::HostEntry;
use super::dhcp_option::Option6;
use super::draft::Draft;
use super::fault::Fault;
use super::hex;
use super::number::number;
use super::process::interfaces;
use super::ra::RaParam;
use super::range6::Range6;
use super::text::split;

/// The settings. No worker serves them yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dhcp6 {
    /// `dhcp-range` lines, the last first.
    pub ranges: Vec<Range6>,
    /// All `dhcp-host` lines, the last first; none without a range.
    pub host_entries: Vec<HostEntry>,
    /// `dhcp-option` and `dhcp-option-force` lines, the last first.
    pub options: Vec<Option6>,
    /// `dhcp-duid`; `None`: one that is made of the time and a hardware address.
    pub duid: Option<Duid>,
    /// `enable-ra`: advertise on every interface that has a range.
    pub enable_ra: bool,
    /// `ra-param` lines, the last first.
    pub ra_params: Vec<RaParam>,
    /// `no-dhcpv6-interface` patterns.
    pub no_interfaces: Vec<String>,
    /// `quiet-dhcp6`.
    pub quiet: bool,
    /// `quiet-ra`.
    pub quiet_ra: bool,
}

/// A server's identifier, assigned by a vendor (RFC 8415 section 11.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duid {
    /// The vendor.
    pub enterprise: u32,
    /// What the vendor assigned.
    pub identifier: Vec<u8>,
}

/// `dhcp-duid = ENTERPRISE "," HEX`.
pub(crate) fn duid(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let bad = || Fault::from("bad DUID");
    let (enterprise, identifier) = split(value.ok_or_else(bad)?, ',');
    let enterprise = number(enterprise).ok_or_else(bad).at(enterprise, "an enterprise number")?.cast_unsigned();
    let identifier = identifier.and_then(hex::bytes).ok_or_else(bad)?;
    draft.dhcp6.duid = Some(Duid { enterprise, identifier });
    Ok(())
}

pub(crate) fn no_interface(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    draft.dhcp6.no_interfaces.extend(interfaces(value));
    Ok(())
}

impl Dhcp6 {
    /// Puts lists into the order in which they are searched.
    pub(crate) fn settle(&mut self) {
        self.ranges.reverse();
        self.options.reverse();
        self.ra_params.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_hex() {
        let mut draft = Draft::new();
        duid(&mut draft, Some("4294967295,01:02 03")).unwrap();
        assert_eq!(draft.dhcp6.duid, Some(Duid { enterprise: u32::MAX, identifier: vec![1, 2, 3] }));
        for bad in ["1", "x,01", "-1,01", "1,01,02", "1,zz"] {
            assert_eq!(duid(&mut draft, Some(bad)), Err(Fault::from("bad DUID")), "{bad}");
        }
    }
}
