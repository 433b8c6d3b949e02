//! How long a source port serves: short enough that finding it does not pay (R04, A04).

use std::collections::{BTreeMap, BTreeSet};

use dns::Input;
use hickory_proto::rr::RecordType;

use crate::lab::{Lab, Sent, a, query, slice};

/// Questions that are in flight together.
const TOGETHER: usize = 40;
/// So many questions in a row leave from different ports.
const APART: usize = 256;
/// Questions that a port serves, at most.
const PER_PORT: usize = 16;
/// From its first question to the beginning of its last, in milliseconds, at most.
const LIFETIME_MS: u64 = 1000;

fn one() -> Lab {
    let mut slice = slice(&["192.0.2.1:53"]);
    slice.cache_size = 0;
    Lab::new(slice)
}

/// Asks so many new questions at once.
fn ask(lab: &mut Lab, first: usize) -> Vec<Sent> {
    lab.parent_busy = true;
    for number in first..first + TOGETHER {
        lab.datagram(5353, &query(number as u16, &format!("n{number}.example.com."), RecordType::A));
    }
    lab.parent_answers();
    std::mem::take(&mut lab.sent)
}

fn answer(lab: &mut Lab, sent: &Sent) {
    let owner = hickory_proto::op::Message::from_vec(&sent.bytes).unwrap().queries[0].name().to_string();
    lab.answer(sent, |m| {
        m.add_answer(a(&owner, 300, [1, 2, 3, 4]));
    });
}

#[test]
fn r04_a_port_serves_few_questions_and_not_for_long() {
    let mut lab = one();
    let mut asked: Vec<(u32, u64)> = Vec::new();
    for round in 0..400 {
        // Busy, and then slower and slower.
        lab.pass(if round < 200 { 1 } else { round - 200 });
        for sent in ask(&mut lab, round as usize * TOGETHER) {
            asked.push((sent.socket.0, lab.now.monotonic_ms));
            answer(&mut lab, &sent);
        }
        lab.replies.clear();
    }
    let mut by_port: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    asked.iter().for_each(|(port, at)| by_port.entry(*port).or_default().push(*at));
    let most = by_port.values().map(Vec::len).max();
    assert_eq!(most, Some(PER_PORT), "under load they are used as often as they may");
    assert!(by_port.values().all(|times| times[times.len() - 1] - times[0] < LIFETIME_MS));
    for some in asked.windows(APART) {
        assert_eq!(some.iter().map(|(port, _)| port).collect::<BTreeSet<_>>().len(), APART);
    }
    lab.pass(LIFETIME_MS);
    assert!(lab.sockets.is_empty(), "without load nothing stays open");
}

#[test]
fn r04_few_questions_have_a_port_each() {
    let mut lab = one();
    let mut ports = BTreeSet::new();
    for number in 0..2000 {
        lab.datagram(5353, &query(number, &format!("n{number}.example.com."), RecordType::A));
        let sent = lab.sent.pop().unwrap();
        assert!(ports.insert(sent.socket.0), "question {number}");
        answer(&mut lab, &sent);
    }
}

#[test]
fn a04_a_port_that_somebody_has_found_serves_no_other_question() {
    let mut lab = one();
    let mut found = BTreeSet::new();
    let mut served: BTreeMap<u32, usize> = BTreeMap::new();
    for round in 0..100 {
        lab.pass(1);
        for (position, sent) in ask(&mut lab, round * TOGETHER).into_iter().enumerate() {
            *served.entry(sent.socket.0).or_default() += 1;
            assert!(!found.contains(&sent.socket.0), "a port that was found is used again");
            if position % 3 == 0 {
                let mut forged = sent.bytes.clone();
                forged[0] ^= 1;
                forged[2] |= 0x80;
                lab.input(Input::UpstreamDatagram { socket: sent.socket, bytes: &forged });
                found.insert(sent.socket.0);
            }
            answer(&mut lab, &sent);
            if position % 3 == 1 && lab.sockets.contains_key(&sent.socket.0) {
                // Between two questions.
                lab.input(Input::UpstreamDatagram { socket: sent.socket, bytes: &sent.bytes });
                assert!(!lab.sockets.contains_key(&sent.socket.0));
                found.insert(sent.socket.0);
            }
        }
        lab.replies.clear();
    }
    assert!(served.values().any(|count| *count > 1), "the others are used again");
}
