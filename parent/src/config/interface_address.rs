//! The addresses of an interface, as several options name them: `eth0`, `eth0/4`, `eth0/6`.

use ipc::config::record::Families;
use serde::Serialize;

use super::blame::{At as _, Wanted};
use super::fault::Fault;
use super::text::{reveal_text, split};

/// Addresses of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceAddresses {
    /// The interface, which need not exist.
    pub interface: String,
    /// Which of its addresses.
    pub families: Families,
}

/// `INTERFACE ["/4" | "/6"]`. A digit in quotes is none of these.
pub(crate) fn interface_addresses(text: &str) -> Result<InterfaceAddresses, Fault> {
    let (interface, family) = split(text, '/');
    let families = match family {
        None => Families::Both,
        Some("4") => Families::Ipv4,
        Some("6") => Families::Ipv6,
        Some(family) => return Err(Fault::Value.at(family, Wanted::Words(&["4", "6"]))),
    };
    Ok(InterfaceAddresses { interface: reveal_text(interface), families })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_may_follow() {
        let told = |text| interface_addresses(text).map(|found| (found.interface, found.families));
        assert_eq!(told("eth0"), Ok(("eth0".into(), Families::Both)));
        assert_eq!(told("eth0 / 6"), Ok(("eth0".into(), Families::Ipv6)));
        assert_eq!(told("eth0/5"), Err(Fault::Value));
    }
}
