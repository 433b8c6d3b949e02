//! Names that follow the addresses of an interface: `interface-name`, `dynamic-host`.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::record::{Families, InterfaceHost, InterfaceName};

use super::super::blame::At as _;
use super::super::draft::Draft;
use super::super::fault::Fault;
use super::super::interface_address::{InterfaceAddresses, interface_addresses};
use super::super::name;
use super::super::text::split;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `interface-name = NAME "," INTERFACE ["/4" | "/6"]`.
pub(crate) fn interface_name(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad interface name");
    let line = Line::parse(value.ok_or(Fault::Value)?)?;
    let name = name::domain(line.name, bad())?;
    let found = line.interface.filter(|found| !found.interface.is_empty() && !line.addressed);
    let found = found.ok_or_else(bad).at(value.unwrap_or_default(), "a name and an interface")?;
    let addresses = InterfaceHost::Same(found.families);
    draft.dns.records.interface_names.push(InterfaceName { name, interface: found.interface, addresses });
    Ok(())
}

/// `dynamic-host = NAME {"," ADDRESS} "," INTERFACE`; a later address of a family takes the place of an earlier one.
pub(crate) fn dynamic_host(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad dynamic host");
    let line = Line::parse(value.ok_or(Fault::Value)?)?;
    if !line.addressed {
        let fault = Fault::from("missing address in dynamic host");
        return Err(fault.at(value.unwrap_or_default(), "a name, addresses and an interface"));
    }
    let name = name::domain(line.name, bad())?;
    let plain = |found: &InterfaceAddresses| !found.interface.is_empty() && found.families == Families::Both;
    let found = line.interface.filter(plain).ok_or_else(bad);
    let found = found.at(value.unwrap_or_default(), "a name, addresses and an interface")?;
    let addresses = InterfaceHost::Within { ipv4: line.ipv4, ipv6: line.ipv6 };
    draft.dns.records.interface_names.push(InterfaceName { name, interface: found.interface, addresses });
    Ok(())
}

/// What lines of both options are made of.
#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    ipv4: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    /// There is an address.
    addressed: bool,
    interface: Option<InterfaceAddresses>,
}

impl<'a> Line<'a> {
    /// The last field is the interface, even if it looks like an address; what follows an interface is not looked at.
    fn parse(value: &'a str) -> Result<Line<'a>, Fault> {
        let (name, rest) = split(value, ',');
        let mut line = Line { name, ipv4: None, ipv6: None, addressed: false, interface: None };
        let Some(mut rest) = rest else { return Ok(line) };
        while let (field, Some(after)) = split(rest, ',') {
            if let Ok(address) = field.parse() {
                line.ipv4 = Some(address);
            } else if let Ok(address) = field.parse() {
                line.ipv6 = Some(address);
            } else {
                break;
            }
            line.addressed = true;
            rest = after;
        }
        line.interface = Some(interface_addresses(split(rest, ',').0)?);
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_addresses_of_an_interface() {
        let mut draft = Draft::new();
        interface_name(&mut draft, Some("A , eth0 / 6")).unwrap();
        assert_eq!(draft.dns.records.interface_names[0].addresses, InterfaceHost::Same(Families::Ipv6));
        for bad in ["a", "a,", "a,/4", "a,192.0.2.1,eth0"] {
            assert_eq!(interface_name(&mut draft, Some(bad)), Err(Fault::from("bad interface name")), "{bad}");
        }
        assert_eq!(interface_name(&mut draft, Some("a,eth0/5")), Err(Fault::Value));
    }

    #[test]
    fn a_name_has_an_address_within_a_network() {
        let mut draft = Draft::new();
        dynamic_host(&mut draft, Some("h,0.0.0.8,::8,0.0.0.9,eth0,x")).unwrap();
        let within = InterfaceHost::Within { ipv4: Some(Ipv4Addr::new(0, 0, 0, 9)), ipv6: "::8".parse().ok() };
        assert_eq!(draft.dns.records.interface_names[0].addresses, within);
        let refusal = |line| dynamic_host(&mut Draft::new(), Some(line)).unwrap_err();
        assert_eq!(refusal("h,::8"), Fault::from("missing address in dynamic host"));
        assert_eq!(refusal("h,::8,"), Fault::from("bad dynamic host"));
    }
}
