//! The front door: one request of the parent, one answer.

use std::net::{IpAddr, SocketAddr};

use ipc::config::net::NetSlice;
use ipc::config::record::Families;
use ipc::link::HardwareAddress;
use ipc::net::{ADDRESSES_MAX, ClientFacts, Contact, Filling, OUTCOMES_MAX, SetOutcome, ToParent, ToWorker};

use crate::kernel::{Family, Kernel};
use crate::nftset::SetName;
use crate::{conntrack, ipset, neighbor, netlink, nftset};

/// The net core.
#[derive(Debug)]
pub struct Engine {
    slice: NetSlice,
    sequence: u32,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Engine {
    /// An engine for these sets.
    pub fn new(slice: NetSlice) -> Engine {
        Engine { slice, sequence: 0, request: Vec::new(), answer: Vec::new() }
    }

    /// Does what the parent asks for. What the kernel refuses, or answers without sense, is an answer too.
    pub fn handle(&mut self, message: ToWorker, kernel: &mut impl Kernel) -> ToParent {
        match message {
            ToWorker::Start => ToParent::Serving,
            ToWorker::Look { ticket, contact } => ToParent::Seen { ticket, facts: self.look(&contact, kernel) },
            ToWorker::Fill { ticket, filling } => ToParent::Filled { ticket, outcomes: self.fill(&filling, kernel) },
        }
    }

    /// The request for all neighbors, which are then told by [`Engine::neighbors`].
    pub fn ask_for_neighbors(&mut self) -> &[u8] {
        let sequence = self.begin();
        neighbor::ask_all(&mut self.request, sequence);
        &self.request
    }

    /// What the kernel says about neighbors, to be told to the parent.
    pub fn neighbors(&self, bytes: &[u8]) -> Vec<ToParent> {
        netlink::all(bytes).filter_map(|(kind, payload)| neighbor::news(kind, payload)).collect()
    }

    fn look(&mut self, contact: &Contact, kernel: &mut impl Kernel) -> ClientFacts {
        let same_family = contact.client.is_ipv4() == contact.server.is_ipv4();
        let mark = if contact.mark && same_family {
            self.mark(contact.client, contact.server, contact.tcp, kernel)
        } else {
            None
        };
        let hardware = if contact.hardware && contact.interface != 0 {
            self.hardware(contact.interface, contact.client.ip(), kernel)
        } else {
            None
        };
        ClientFacts { mark, hardware }
    }

    fn mark(&mut self, client: SocketAddr, server: SocketAddr, tcp: bool, kernel: &mut impl Kernel) -> Option<u32> {
        let sequence = self.begin();
        conntrack::ask(&mut self.request, sequence, client, server, tcp);
        self.ask(Family::Netfilter, kernel).ok()?;
        conntrack::read(netlink::answer(&self.answer, sequence, conntrack::ASKED).ok()?)
    }

    fn hardware(&mut self, interface: u32, address: IpAddr, kernel: &mut impl Kernel) -> Option<HardwareAddress> {
        let sequence = self.begin();
        neighbor::ask(&mut self.request, sequence, interface, address);
        self.ask(Family::Route, kernel).ok()?;
        neighbor::read(netlink::answer(&self.answer, sequence, neighbor::ASKED).ok()?)
    }

    fn fill(&mut self, filling: &Filling, kernel: &mut impl Kernel) -> Vec<SetOutcome> {
        let slice = std::mem::take(&mut self.slice);
        let ipsets = line(&slice.ipsets, filling.ipset);
        let nftsets = line(&slice.nftsets, filling.nftset);
        let mut outcomes = Vec::new();
        for address in filling.addresses.iter().take(ADDRESSES_MAX) {
            outcomes.extend(ipsets.iter().map(|set| self.add_to_ipset(set, *address, kernel)));
            outcomes.extend(nftsets.iter().map(|set| match (set.families, address) {
                (Families::Ipv4, IpAddr::V6(_)) | (Families::Ipv6, IpAddr::V4(_)) => SetOutcome::LeftOut,
                _ => self.add_to_nftset(&set.path, *address, kernel),
            }));
            if outcomes.len() >= OUTCOMES_MAX {
                break;
            }
        }
        outcomes.truncate(OUTCOMES_MAX);
        self.slice = slice;
        outcomes
    }

    fn add_to_ipset(&mut self, set: &str, address: IpAddr, kernel: &mut impl Kernel) -> SetOutcome {
        let sequence = self.begin();
        if !ipset::add(&mut self.request, sequence, set, address) {
            return SetOutcome::NameTooLong;
        }
        ipset::outcome(self.ask(Family::Netfilter, kernel).and_then(|()| netlink::verdict(&self.answer)))
    }

    fn add_to_nftset(&mut self, path: &str, address: IpAddr, kernel: &mut impl Kernel) -> SetOutcome {
        let Some(name) = SetName::read(path) else { return SetOutcome::NoName };
        let sequence = self.begin();
        nftset::ask(&mut self.request, sequence, name);
        let found = self
            .ask(Family::Netfilter, kernel)
            .and_then(|()| netlink::answer(&self.answer, sequence, nftset::ASKED).map(nftset::read));
        let kind = match found {
            Err(errno) => return nftset::refused(errno),
            Ok(None) => return SetOutcome::OtherFamily,
            Ok(Some(kind)) if !kind.holds(address) => return SetOutcome::OtherFamily,
            Ok(Some(kind)) => kind,
        };
        let sequence = self.begin();
        nftset::add(&mut self.request, sequence, name, kind, address);
        kind.outcome(self.ask(Family::Netfilter, kernel).and_then(|()| netlink::verdict(&self.answer)))
    }

    /// Begins another request, with a sequence number of its own.
    fn begin(&mut self) -> u32 {
        self.request.clear();
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn ask(&mut self, family: Family, kernel: &mut impl Kernel) -> Result<(), i32> {
        self.answer.clear();
        kernel.ask(family, &self.request, &mut self.answer)
    }
}

/// The sets of a line.
fn line<S>(lines: &[Vec<S>], index: Option<u32>) -> &[S] {
    index.and_then(|index| lines.get(index as usize)).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use ipc::config::kernel_set::NftSet;

    use super::*;
    use crate::netlink::pretend::report;

    /// Answers each request with what it is given, in order; then EIO.
    #[derive(Default)]
    struct Pretend {
        answers: Vec<Vec<u8>>,
        asked: Vec<(Family, Vec<u8>)>,
    }

    impl Kernel for Pretend {
        fn ask(&mut self, family: Family, request: &[u8], answer: &mut Vec<u8>) -> Result<(), i32> {
            self.asked.push((family, request.to_vec()));
            if self.answers.is_empty() {
                return Err(5);
            }
            answer.extend(self.answers.remove(0));
            Ok(())
        }
    }

    /// A report of this errno on the request with this sequence number.
    fn reported(sequence: u32, errno: i32) -> Vec<u8> {
        let mut bytes = Vec::new();
        report(&mut bytes, sequence, errno);
        bytes
    }

    /// What a set of nftables is said to be.
    fn set(sequence: u32, key_bytes: u32, flags: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let start = netlink::begin(&mut bytes, nftset::ASKED, 0, sequence);
        bytes.extend_from_slice(&[1, 0, 0, 0]);
        netlink::attribute(&mut bytes, 3, &flags.to_be_bytes());
        netlink::attribute(&mut bytes, 5, &key_bytes.to_be_bytes());
        netlink::end(&mut bytes, start);
        bytes
    }

    fn engine() -> Engine {
        let nft = |families, path: &str| NftSet { families, path: path.to_owned() };
        Engine::new(NetSlice {
            ipsets: vec![vec!["a".to_owned(), "b".to_owned()]],
            nftsets: vec![vec![nft(Families::Both, "inet t s"), nft(Families::Ipv6, "inet t six")]],
        })
    }

    fn outcomes(engine: &mut Engine, filling: Filling, kernel: &mut Pretend) -> Vec<SetOutcome> {
        match engine.handle(ToWorker::Fill { ticket: 4, filling }, kernel) {
            ToParent::Filled { ticket: 4, outcomes } => outcomes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_goes_to_every_set_of_both_lines() {
        let mut kernel = Pretend {
            answers: vec![reported(1, 0), reported(2, 2), set(3, 4, 0), reported(4, 0)],
            ..Pretend::default()
        };
        let filling = Filling { ipset: Some(0), nftset: Some(0), addresses: vec![[192, 0, 2, 5].into()] };
        let got = outcomes(&mut engine(), filling, &mut kernel);
        assert_eq!(got, [SetOutcome::Added, SetOutcome::NoSuchSet, SetOutcome::Added, SetOutcome::LeftOut]);
        assert_eq!(kernel.asked.len(), 4);
    }

    #[test]
    fn an_address_of_another_family_is_not_tried_with_nftables() {
        let mut kernel = Pretend { answers: vec![set(1, 4, 0), set(2, 16, 4)], ..Pretend::default() };
        let filling = Filling { ipset: None, nftset: Some(0), addresses: vec![IpAddr::from([0x20; 16])] };
        let got = outcomes(&mut engine(), filling, &mut kernel);
        assert_eq!(got, [SetOutcome::OtherFamily, SetOutcome::Refused(5)]);
    }

    #[test]
    fn indexes_without_a_line_do_nothing() {
        let filling = Filling { ipset: Some(1), nftset: Some(7), addresses: vec![[192, 0, 2, 5].into()] };
        let mut kernel = Pretend::default();
        assert_eq!(outcomes(&mut engine(), filling, &mut kernel), []);
        assert!(kernel.asked.is_empty());
    }

    #[test]
    fn a_connection_has_a_mark_and_a_neighbor_an_address() {
        let mut connection = Vec::new();
        let start = netlink::begin(&mut connection, conntrack::ASKED, 0, 1);
        connection.extend_from_slice(&[2, 0, 0, 0]);
        netlink::attribute(&mut connection, 8, &7u32.to_be_bytes());
        netlink::end(&mut connection, start);
        let mut entry = Vec::new();
        let start = netlink::begin(&mut entry, neighbor::ASKED, 0, 2);
        entry.extend_from_slice(&[2, 0, 0, 0, 3, 0, 0, 0]);
        entry.extend_from_slice(&2u16.to_ne_bytes());
        entry.extend_from_slice(&[0, 0]);
        netlink::attribute(&mut entry, 2, &[2, 0, 0, 0, 1, 7]);
        netlink::end(&mut entry, start);
        let contact = Contact {
            client: "10.0.0.7:4000".parse().unwrap(),
            server: "10.0.0.1:53".parse().unwrap(),
            tcp: false,
            interface: 3,
            mark: true,
            hardware: true,
        };
        let mut kernel = Pretend { answers: vec![connection, entry], ..Pretend::default() };
        let look = ToWorker::Look { ticket: 1, contact };
        let facts = ClientFacts { mark: Some(7), hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 1, 7]) };
        assert_eq!(engine().handle(look.clone(), &mut kernel), ToParent::Seen { ticket: 1, facts });
        assert_eq!([kernel.asked[0].0, kernel.asked[1].0], [Family::Netfilter, Family::Route]);
        // Nobody answers.
        let facts = ClientFacts::default();
        assert_eq!(engine().handle(look, &mut kernel), ToParent::Seen { ticket: 1, facts });
    }
}
