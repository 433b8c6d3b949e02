//! Which events a script hears when leases change, in dnsmasq's order. Pure: the leases before, the changes, and the time are arguments.
//!
//! Of the changes of one commit, leases that end are told first, then names that leases have lost, then what leases are now. What a client
//! has said is told with the events of its own lease that its message causes, and with no others.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipc::config::domain::Domains;
use ipc::config::prefix::Prefix;
use ipc::dhcp::Contact;
use ipc::event::{ClientWord, LeaseEvent, Turn};
use ipc::lease::{Lease, LeaseChange};
use ipc::link::Interface;

/// What is remembered of leases besides what is in the store. One entry per lease at most.
#[derive(Debug, Default)]
pub struct Contacts {
    by_address: BTreeMap<Ipv4Addr, Heard>,
    made: u64,
}

/// What is remembered of one lease.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// Kernel index of the interface where its client was last heard.
    interface: Option<u32>,
    /// The last relay agent through which it spoke.
    relay: Option<Ipv4Addr>,
    /// How many leases had been told as new, this one included; 0: it is from before this start.
    made: u64,
}

/// What events are made of besides leases.
pub struct Scene<'a> {
    /// The domains of addresses.
    pub domains: &'a Domains,
    /// The interfaces there are.
    pub interfaces: &'a [Interface],
    /// Seconds since the epoch.
    pub now_s: u64,
    /// Is a lease told when only its end has moved (`script-on-renewal`, `leasefile-ro`)?
    pub on_renewal: bool,
    /// Is it told when only its client id has changed, since the script keeps the leases (`leasefile-ro`)?
    pub keeps_leases: bool,
}

impl Contacts {
    /// Notes where the client of a lease was heard.
    pub fn note(&mut self, address: Ipv4Addr, interface: u32, relay: Option<Ipv4Addr>) {
        let heard = self.by_address.entry(address).or_default();
        heard.interface = Some(interface);
        heard.relay = relay.or(heard.relay);
    }

    fn note_new(&mut self, address: Ipv4Addr) {
        self.made += 1;
        self.by_address.entry(address).or_default().made = self.made;
    }

    /// Forgets a lease that is over.
    pub fn forget(&mut self, address: Ipv4Addr) {
        self.by_address.remove(&address);
    }

    fn heard(&self, address: Ipv4Addr) -> Heard {
        self.by_address.get(&address).copied().unwrap_or_default()
    }

    /// The interface of the last contact, else the one whose network the address is on.
    fn interface(&self, address: Ipv4Addr, interfaces: &[Interface]) -> Option<String> {
        let on_it = |interface: &&Interface| {
            interface.serves_dhcp
                && interface
                    .addresses
                    .iter()
                    .any(|(own, length)| own.is_ipv4() && Prefix::cut(*own, *length).contains(address.into()))
        };
        let found = match self.heard(address).interface {
            Some(index) => interfaces.iter().find(|interface| interface.index == index),
            None => interfaces.iter().find(on_it),
        };
        found.map(|interface| interface.name.clone())
    }
}

/// The events of one commit. `before` gives the lease that an address had.
pub fn of_commit<'l>(
    changes: &[LeaseChange],
    contact: Option<&Contact>,
    before: impl Fn(Ipv4Addr) -> Option<&'l Lease>,
    contacts: &mut Contacts,
    scene: &Scene<'_>,
) -> Vec<LeaseEvent> {
    // The client that spoke is that of the last lease.
    let spoken = changes.iter().rev().find_map(|change| match change {
        LeaseChange::Put(lease) => Some(lease.address),
        LeaseChange::Remove(_) => None,
    });
    let word: Option<&ClientWord> = contact.and_then(|contact| contact.word.as_ref());
    let word_of = |lease: &Lease| word.filter(|_| Some(lease.address) == spoken).cloned();

    let mut events = Vec::new();
    for change in changes {
        let (address, next) = match change {
            LeaseChange::Put(lease) => (lease.address, Some(lease)),
            LeaseChange::Remove(address) => (*address, None),
        };
        match (before(address), next) {
            (Some(held), None) => {
                events.push(event(Turn::Del, held, contacts, scene));
                contacts.forget(address);
            }
            (None, Some(_)) => contacts.note_new(address),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
    if let (Some(address), Some(contact)) = (spoken, contact) {
        contacts.note(address, contact.interface, word.and_then(|word| word.relay));
    }
    let mut puts: Vec<(&Lease, Option<&Lease>)> = Vec::new();
    for change in changes.iter().rev() {
        if let LeaseChange::Put(lease) = change {
            puts.push((lease, before(lease.address)));
        }
    }
    // The latest lease is told first.
    puts.sort_by_key(|(lease, _)| Reverse(contacts.heard(lease.address).made));
    for &(lease, held) in &puts {
        let lost = held.and_then(|held| held.name.clone()).filter(|name| lease.name.as_ref() != Some(name));
        if lost.is_some() {
            let nameless = Lease { name: None, ..lease.clone() };
            let mut event = event(Turn::Old, &nameless, contacts, scene);
            event.domain = domain(lease.address, scene);
            event.old_name = lost;
            event.word = word_of(lease);
            events.push(event);
        }
    }
    for &(lease, held) in &puts {
        let turn = match held {
            None => Turn::Add,
            // Who asks for its lease anew and is not merely extending it is told, whether anything has changed or not.
            Some(held) if changed(held, lease, scene) || word_of(lease).is_some() => Turn::Old,
            Some(_) => continue,
        };
        let mut event = event(turn, lease, contacts, scene);
        event.word = word_of(lease);
        events.push(event);
    }
    events
}

/// The event that tells of a lease as it stands: at a start and at a reload.
pub fn standing(lease: &Lease, contacts: &Contacts, scene: &Scene<'_>) -> LeaseEvent {
    event(Turn::Old, lease, contacts, scene)
}

fn event(turn: Turn, lease: &Lease, contacts: &Contacts, scene: &Scene<'_>) -> LeaseEvent {
    let finite = turn != Turn::Del && lease.expires_s != 0;
    LeaseEvent {
        turn,
        lease: lease.clone(),
        old_name: None,
        domain: lease.name.as_ref().and_then(|_| domain(lease.address, scene)),
        interface: contacts.interface(lease.address, scene.interfaces),
        relay: contacts.heard(lease.address).relay,
        remaining_s: finite.then(|| lease.expires_s.saturating_sub(scene.now_s)),
        word: None,
    }
}

fn domain(address: Ipv4Addr, scene: &Scene<'_>) -> Option<String> {
    scene.domains.of(address.into()).map(str::to_owned)
}

fn changed(held: &Lease, next: &Lease, scene: &Scene<'_>) -> bool {
    held.name != next.name
        || held.hardware != next.hardware
        || scene.on_renewal && held.expires_s != next.expires_s
        || scene.keeps_leases && held.client_id != next.client_id
}

#[cfg(test)]
mod tests {
    use ipc::link::HardwareAddress;

    use super::*;

    fn lease(last: u8, name: Option<&str>) -> Lease {
        Lease {
            address: Ipv4Addr::new(10, 0, 0, last),
            hardware: HardwareAddress::new(1, &[2, last]).unwrap(),
            client_id: None,
            name: name.map(str::to_owned),
            expires_s: 1100,
            provenance: None,
        }
    }

    /// How a client came to cause changes.
    #[derive(Clone, Copy)]
    enum How {
        /// It asked for its lease.
        Asked,
        /// It extended its lease.
        Extended,
    }
    use How::{Asked, Extended};

    fn told(held: &[Lease], changes: &[LeaseChange], how: How, on_renewal: bool) -> Vec<String> {
        let domains = Domains { default: Some("lan".to_owned()), ..Domains::default() };
        let scene = Scene { domains: &domains, interfaces: &[], now_s: 1000, on_renewal, keeps_leases: false };
        let word = matches!(how, Asked).then(ClientWord::default);
        let contact = Contact { interface: 2, word };
        let before = |address| held.iter().find(|lease| lease.address == address);
        let mut contacts = Contacts::default();
        let events = of_commit(changes, Some(&contact), before, &mut contacts, &scene);
        let text = |event: LeaseEvent| {
            let name = event.lease.name.unwrap_or_default();
            let old = event.old_name.map(|old| format!(" lost {old}")).unwrap_or_default();
            let word = if event.word.is_some() { " word" } else { "" };
            let left = event.remaining_s.map(|left| format!(" {left}s")).unwrap_or_default();
            format!("{:?} {} {name}{old}{word}{left}", event.turn, event.lease.address.octets()[3])
        };
        events.into_iter().map(text).collect()
    }

    #[test]
    fn a_new_lease_is_added_with_the_clients_word() {
        let changes = [LeaseChange::Put(lease(1, Some("box")))];
        assert_eq!(told(&[], &changes, Asked, false), ["Add 1 box word 100s"]);
    }

    #[test]
    fn a_renewal_is_told_only_if_wanted() {
        let later = Lease { expires_s: 1200, ..lease(1, Some("box")) };
        let changes = [LeaseChange::Put(later)];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Extended, false), [""; 0]);
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Extended, true), ["Old 1 box 200s"]);
    }

    #[test]
    fn a_client_that_asks_for_its_lease_again_is_told() {
        let changes = [LeaseChange::Put(lease(1, Some("box")))];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Asked, false), ["Old 1 box word 100s"]);
    }

    #[test]
    fn a_changed_name_is_two_events() {
        let changes = [LeaseChange::Put(lease(1, Some("new")))];
        let expected = ["Old 1  lost box 100s", "Old 1 new 100s"];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Extended, false), expected);
        let expected = ["Old 1  lost box word 100s", "Old 1 new word 100s"];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Asked, false), expected);
    }

    #[test]
    fn a_name_that_moves_is_lost_first_and_the_loser_told_last() {
        let changes = [LeaseChange::Put(lease(1, None)), LeaseChange::Put(lease(2, Some("box")))];
        let expected = ["Old 1  lost box 100s", "Add 2 box word 100s", "Old 1  100s"];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Asked, false), expected);
    }

    #[test]
    fn a_client_that_moves_leaves_its_address_first() {
        let moved = Lease { hardware: HardwareAddress::new(1, &[2, 1]).unwrap(), ..lease(2, Some("box")) };
        let changes = [LeaseChange::Remove(Ipv4Addr::new(10, 0, 0, 1)), LeaseChange::Put(moved)];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Asked, false), ["Del 1 box", "Add 2 box word 100s"]);
    }

    #[test]
    fn an_address_that_another_client_takes_over_stands() {
        let taken = Lease { hardware: HardwareAddress::new(1, &[2, 9]).unwrap(), ..lease(1, None) };
        let changes = [LeaseChange::Put(taken)];
        let expected = ["Old 1  lost box word 100s", "Old 1  word 100s"];
        assert_eq!(told(&[lease(1, Some("box"))], &changes, Asked, false), expected);
    }

    #[test]
    fn the_latest_lease_is_told_first_and_a_relay_agent_is_remembered() {
        let domains = Domains::default();
        let scene = Scene { domains: &domains, interfaces: &[], now_s: 1000, on_renewal: true, keeps_leases: false };
        let mut contacts = Contacts::default();
        let relay = Some(Ipv4Addr::new(10, 9, 9, 9));
        let mut held: Vec<Lease> = Vec::new();
        let mut told = |changes: &[Lease], relay: Option<Ipv4Addr>| {
            let word = relay.map(|relay| ClientWord { relay: Some(relay), ..ClientWord::default() });
            let contact = Contact { interface: 2, word };
            let before = |address| held.iter().find(|lease| lease.address == address);
            let puts: Vec<_> = changes.iter().cloned().map(LeaseChange::Put).collect();
            let events = of_commit(&puts, Some(&contact), before, &mut contacts, &scene);
            held.extend(changes.iter().filter(|lease| !held.contains(lease)).cloned().collect::<Vec<_>>());
            events.iter().map(|event| (event.lease.address.octets()[3], event.relay)).collect::<Vec<_>>()
        };
        let later = |last| Lease { expires_s: 1200, ..lease(last, None) };
        assert_eq!(told(&[lease(1, None)], relay), [(1, relay)]);
        assert_eq!(told(&[lease(2, None)], None), [(2, None)]);
        assert_eq!(told(&[later(1), later(2)], None), [(2, None), (1, relay)]);
        assert_eq!(told(&[later(2), later(1)], None), [(2, None), (1, relay)]);
    }

    #[test]
    fn networks_are_compared_by_their_length() {
        let found = |address: [u8; 4], length| {
            let own = Ipv4Addr::new(10, 0, 0, 1);
            let interface = Interface {
                index: 2,
                name: "lan0".to_owned(),
                addresses: vec![("fd00::1".parse().unwrap(), 0), (own.into(), length)],
                mtu: 1500,
                loopback: false,
                serves_dns: false,
                serves_dhcp: true,
                serves_tftp: false,
            };
            Contacts::default().interface(address.into(), &[interface]).is_some()
        };
        assert!(found([10, 0, 0, 127], 25) && !found([10, 0, 0, 128], 25));
        assert!(found([99, 1, 2, 3], 0) && !found([10, 0, 0, 2], 32));
    }
}
