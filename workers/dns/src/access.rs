//! Who may ask: the arrival interface and `local-service`.

use std::net::IpAddr;

use ipc::config::dns::DnsSlice;
use ipc::config::prefix::Prefix;
use ipc::link::Interface;

use crate::input::Arrival;

/// Interfaces and the rules over them.
#[derive(Debug)]
pub(crate) struct Access {
    interfaces: Vec<Interface>,
    listen_addresses: Vec<IpAddr>,
    check_arrival: bool,
    local_service: bool,
}

impl Access {
    pub fn new(slice: &DnsSlice) -> Access {
        Access {
            interfaces: Vec::new(),
            listen_addresses: slice.listen_addresses.clone(),
            check_arrival: slice.check_arrival,
            local_service: slice.local_service,
        }
    }

    pub fn set_interfaces(&mut self, interfaces: Vec<Interface>) {
        self.interfaces = interfaces;
    }

    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// May a query that arrived like this be served? Loopback always may.
    pub fn arrival_is_served(&self, arrival: &Arrival) -> bool {
        if !self.check_arrival || arrival.local.is_loopback() || self.listen_addresses.contains(&arrival.local) {
            return true;
        }
        let arrived_at = |interface: &&Interface| match arrival.interface {
            0 => has_address(interface, arrival.local),
            index => interface.index == index,
        };
        self.interfaces.iter().find(arrived_at).is_some_and(|interface| interface.serves_dns || interface.loopback)
    }

    /// Is this client near enough for `local-service`?
    pub fn client_is_served(&self, client: IpAddr) -> bool {
        let attached = |interface: &Interface| {
            interface.addresses.iter().any(|(own, bits)| Prefix::cut(*own, *bits).contains(client))
        };
        !self.local_service || client.is_loopback() || self.interfaces.iter().any(attached)
    }

    /// The network of this address of ours, if it is one.
    pub fn network(&self, own: IpAddr) -> Option<Prefix> {
        let mut addresses = self.interfaces.iter().flat_map(|interface| &interface.addresses);
        addresses.find(|(address, _)| *address == own).map(|(address, bits)| Prefix::cut(*address, *bits))
    }

    /// Is this one of our own addresses?
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| has_address(interface, address))
    }
}

fn has_address(interface: &Interface, address: IpAddr) -> bool {
    interface.addresses.iter().any(|(own, _)| *own == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(check_arrival: bool, local_service: bool) -> Access {
        let interface = |index, serves_dns, address: &str| Interface {
            index,
            name: format!("if{index}"),
            addresses: vec![(address.parse().unwrap(), 24)],
            mtu: 1500,
            loopback: false,
            serves_dns,
            serves_dhcp: false,
            serves_tftp: false,
        };
        let slice = DnsSlice {
            check_arrival,
            local_service,
            listen_addresses: vec!["10.2.0.1".parse().unwrap()],
            ..DnsSlice::default()
        };
        let mut access = Access::new(&slice);
        access.set_interfaces(vec![interface(2, true, "10.1.0.1"), interface(3, false, "10.2.0.9")]);
        access
    }

    fn arrival(interface: u32, local: &str) -> Arrival {
        Arrival { socket: 0, peer: "10.1.0.7:5353".parse().unwrap(), local: local.parse().unwrap(), interface }
    }

    #[test]
    fn the_arrival_interface_decides_except_for_loopback_and_listen_addresses() {
        let strict = access(true, false);
        assert!(strict.arrival_is_served(&arrival(2, "10.1.0.1")));
        assert!(!strict.arrival_is_served(&arrival(3, "10.2.0.9")));
        assert!(strict.arrival_is_served(&arrival(3, "10.2.0.1")));
        assert!(strict.arrival_is_served(&arrival(1, "127.0.0.1")));
        assert!(strict.arrival_is_served(&arrival(0, "10.1.0.1")));
        assert!(!strict.arrival_is_served(&arrival(9, "10.9.0.1")));
        assert!(access(false, false).arrival_is_served(&arrival(9, "10.9.0.1")));
    }

    #[test]
    fn local_service_means_attached_subnets() {
        let local = access(false, true);
        assert!(local.client_is_served("10.1.0.200".parse().unwrap()));
        assert!(!local.client_is_served("10.3.0.1".parse().unwrap()));
        assert!(local.client_is_served("127.0.0.1".parse().unwrap()));
        assert!(access(false, false).client_is_served("10.3.0.1".parse().unwrap()));
    }
}
