//! What the kernel might answer on a netlink socket, to every kind of request.

use ipc::config::kernel_set::NftSet;
use ipc::config::net::NetSlice;
use ipc::config::record::Families;
use ipc::net::{Contact, Filling, OUTCOMES_MAX, ToParent, ToWorker};
use net::{Engine, Family, Kernel};

/// Says the same to everything.
struct Parrot<'a>(&'a [u8]);

impl Kernel for Parrot<'_> {
    fn ask(&mut self, _: Family, request: &[u8], answer: &mut Vec<u8>) -> Result<(), i32> {
        assert!(!request.is_empty() && request.len().is_multiple_of(4), "a request that the kernel would not take");
        answer.extend_from_slice(self.0);
        Ok(())
    }
}

/// Asks everything and gets these bytes for an answer.
pub fn answer(bytes: &[u8]) {
    let set = |path: &str| NftSet { families: Families::Both, path: path.to_owned() };
    let slice =
        NetSlice { ipsets: vec![vec!["s".to_owned()]], nftsets: vec![vec![set("inet t s"), set("t s"), set("odd")]] };
    let mut engine = Engine::new(slice);
    let contact = Contact {
        client: ([192, 0, 2, 7], 4000).into(),
        server: ([192, 0, 2, 1], 53).into(),
        tcp: true,
        interface: 2,
        mark: true,
        hardware: true,
    };
    let addresses = vec![[255; 4].into(), [0x20; 16].into()];
    let filling = Filling { ipset: Some(0), nftset: Some(0), addresses };
    for message in [ToWorker::Look { ticket: 1, contact }, ToWorker::Fill { ticket: 2, filling }] {
        match engine.handle(message, &mut Parrot(bytes)) {
            ToParent::Seen { ticket, .. } => assert_eq!(ticket, 1),
            ToParent::Filled { ticket, outcomes } => {
                assert_eq!((ticket, outcomes.len()), (2, 8));
                assert!(outcomes.len() <= OUTCOMES_MAX);
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }
    for told in engine.neighbors(bytes) {
        assert!(matches!(told, ToParent::Neighbor { .. } | ToParent::NeighborsEnd));
    }
}

/// Success, and one answer of each kind, with the sequence numbers that the requests have: a mark, a neighbor, a set.
pub fn seeds() -> Vec<Vec<u8>> {
    let message = |kind: u16, sequence: u32, payload: &[u8]| {
        let length = (16 + payload.len()) as u32;
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0, 0], &sequence.to_ne_bytes(), &[0; 4], payload].concat()
    };
    let attribute = |kind: u16, value: &[u8]| {
        let mut bytes = [&((4 + value.len()) as u16).to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let mark = message(0x0100, 1, &[&[2, 0, 0, 0][..], &attribute(8, &[0, 0, 0, 7])].concat());
    let neighbor =
        message(28, 2, &[&[2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0][..], &attribute(2, &[2, 0, 0, 0, 0, 7])].concat());
    let set = |sequence: u32| {
        let user_data = attribute(13, &[2, 4, 1, 0, 0, 0]);
        let numbers = [attribute(3, &[0, 0, 0, 4]), attribute(5, &[0, 0, 0, 4])].concat();
        message(0x0a09, sequence, &[&[1, 0, 0, 0][..], &numbers, &user_data].concat())
    };
    let report = |sequence: u32, errno: i32| message(2, sequence, &[&(-errno).to_ne_bytes()[..], &[0; 16]].concat());
    vec![
        [mark, neighbor, report(3, 0), set(4), report(5, 17)].concat(),
        [report(1, 2), report(2, 2), report(3, 4097), set(4), report(5, 39)].concat(),
    ]
}
