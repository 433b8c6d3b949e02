//! What waits for the kernel: address sets, connection marks, hardware addresses.

#![allow(clippy::unwrap_used, reason = "this is test code, although it is not in a test function")]

mod lab;

use std::num::NonZeroU32;

use dns::{Handle, Input};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use ipc::config::dns::DnsSlice;
use ipc::config::kernel_set::{NftSet, SetRule};
use ipc::config::mark::{Allowlist, ConnectionMarks, NamePattern};
use ipc::config::record::Families;
use ipc::dns::ToParent;
use ipc::link::HardwareAddress;
use ipc::net::{ClientFacts, Filling, SetOutcome};
use lab::{Lab, a, addresses, arrival, cname, query, slice};

const UPSTREAM: &str = "192.0.2.1:53";
/// As long as a reply is held at most.
const WAIT_MS: u64 = 500;

fn with_sets(ipset: &[(&str, &str)], nftset: &[(&str, &str)]) -> DnsSlice {
    let mut slice = slice(&[UPSTREAM]);
    let domains = |domain: &str| vec![domain.to_owned()];
    slice.sets.ipset =
        ipset.iter().map(|(domain, set)| SetRule { domains: domains(domain), sets: vec![(*set).to_owned()] }).collect();
    let nft = |path: &str| NftSet { families: Families::Both, path: path.to_owned() };
    slice.sets.nftset =
        nftset.iter().map(|(domain, path)| SetRule { domains: domains(domain), sets: vec![nft(path)] }).collect();
    slice
}

/// What the parent was asked to put into sets, each with its ticket.
fn fillings(lab: &mut Lab) -> Vec<(u32, Filling)> {
    let told = std::mem::take(&mut lab.told);
    told.into_iter()
        .filter_map(|message| match message {
            ToParent::FillSets { ticket, filling } => Some((ticket, filling)),
            _ => None,
        })
        .collect()
}

/// The tickets of questions about clients.
fn looks(lab: &mut Lab) -> Vec<u32> {
    let told = std::mem::take(&mut lab.told);
    told.into_iter()
        .filter_map(|message| match message {
            ToParent::WantFacts { ticket, .. } => Some(ticket),
            _ => None,
        })
        .collect()
}

fn ask_and_answer(lab: &mut Lab, name: &str, address: [u8; 4]) {
    lab.sent.clear();
    assert!(lab.ask(name, RecordType::A).is_none());
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |message| {
        message.add_answer(a(name, 60, address));
    });
}

#[test]
fn the_client_gets_its_answer_when_the_sets_have_it() {
    let mut lab = Lab::new(with_sets(&[("x.test", "early")], &[("test", "inet t s")]));
    ask_and_answer(&mut lab, "www.x.test.", [192, 0, 2, 5]);
    assert!(lab.reply().is_none(), "answered before the sets were filled");
    let [(ticket, filling)] = &fillings(&mut lab)[..] else { panic!("one request") };
    assert_eq!(filling, &Filling { ipset: Some(0), nftset: Some(0), addresses: vec![[192, 0, 2, 5].into()] });
    // Nobody else gets it from the cache meanwhile.
    assert!(lab.ask("www.x.test.", RecordType::A).is_none());
    lab.take_lines();
    let outcomes = Some(vec![SetOutcome::Added, SetOutcome::NoSuchSet]);
    lab.input(Input::SetsFilled { ticket: *ticket, outcomes });
    assert_eq!(addresses(&lab.reply().unwrap()), ["192.0.2.5"]);
    assert_eq!(
        lab.take_lines(),
        [
            "ipset add early 192.0.2.5 x.test",
            "nftset inet t s Error: No such file or directory",
            "reply www.x.test is 192.0.2.5"
        ]
    );
    // From the cache nothing goes into sets.
    assert_eq!(addresses(&lab.ask("www.x.test.", RecordType::A).unwrap()), ["192.0.2.5"]);
    assert!(fillings(&mut lab).is_empty());
}

#[test]
fn only_addresses_that_were_asked_for_go_into_sets() {
    let mut lab = Lab::new(with_sets(&[("test", "s")], &[]));
    // A chain counts by the name that was asked for.
    lab.ask("alias.test.", RecordType::A);
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |message| {
        message.add_answer(cname("alias.test.", 60, "other.example."));
        message.add_answer(a("other.example.", 60, [192, 0, 2, 6]));
        message.add_answer(a("stranger.example.", 60, [192, 0, 2, 7]));
    });
    let [(_, filling)] = &fillings(&mut lab)[..] else { panic!("one request") };
    assert_eq!(filling.addresses, [std::net::IpAddr::from([192, 0, 2, 6])]);
    for (name, rtype) in
        [("any.test.", RecordType::ANY), ("www.example.", RecordType::A), ("txt.test.", RecordType::TXT)]
    {
        lab.sent.clear();
        lab.ask(name, rtype);
        let sent = lab.sent.remove(0);
        lab.answer(&sent, |message| {
            message.add_answer(a(name, 60, [192, 0, 2, 8]));
        });
        assert!(lab.reply().is_some(), "{name} waits");
        assert!(fillings(&mut lab).is_empty(), "{name}");
    }
}

#[test]
fn a_silent_broker_costs_one_wait() {
    let mut lab = Lab::new(with_sets(&[("", "s")], &[]));
    ask_and_answer(&mut lab, "one.test.", [192, 0, 2, 5]);
    lab.pass(WAIT_MS - 1);
    assert!(lab.reply().is_none());
    lab.take_lines();
    lab.pass(1);
    assert_eq!(addresses(&lab.reply().unwrap()), ["192.0.2.5"]);
    let lines = lab.take_lines();
    assert!(lines[0].starts_with("the kernel cannot be asked"), "{lines:?}");
    assert_eq!(lines[1..], ["reply one.test is 192.0.2.5"]);
    // Nobody waits again until somebody answers, but the sets are asked for.
    ask_and_answer(&mut lab, "two.test.", [192, 0, 2, 6]);
    assert_eq!(addresses(&lab.reply().unwrap()), ["192.0.2.6"]);
    let asked = fillings(&mut lab);
    assert_eq!(asked.len(), 2);
    lab.input(Input::SetsFilled { ticket: asked[1].0, outcomes: Some(vec![SetOutcome::Added]) });
    ask_and_answer(&mut lab, "three.test.", [192, 0, 2, 7]);
    assert!(lab.reply().is_none());
}

#[test]
fn a_dead_broker_costs_no_wait() {
    let mut lab = Lab::new(with_sets(&[("", "s")], &[]));
    for (name, lines_more) in [("one.test.", 1), ("two.test.", 0)] {
        ask_and_answer(&mut lab, name, [192, 0, 2, 5]);
        let ticket = fillings(&mut lab)[0].0;
        lab.take_lines();
        lab.input(Input::SetsFilled { ticket, outcomes: None });
        assert!(lab.reply().is_some());
        assert_eq!(lab.take_lines().len(), 1 + lines_more);
    }
}

#[test]
fn many_addresses_go_in_parts() {
    let mut lab = Lab::new(with_sets(&[("", "s")], &[]));
    lab.ask("many.test.", RecordType::A);
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |message| {
        for last in 0..70 {
            message.add_answer(a("many.test.", 60, [192, 0, 2, last]));
        }
    });
    let mut seen = 0;
    while let Some((ticket, filling)) = fillings(&mut lab).pop() {
        assert!(lab.reply().is_none());
        seen += filling.addresses.len();
        lab.take_lines();
        lab.input(Input::SetsFilled { ticket, outcomes: Some(vec![SetOutcome::Added; filling.addresses.len()]) });
    }
    assert_eq!(seen, 70);
    let added = lab.take_lines().iter().filter(|line| line.starts_with("ipset add s 192.0.2.")).count();
    assert_eq!(added, 70);
    assert!(lab.reply().is_some());
}

fn with_marks(marks: ConnectionMarks) -> DnsSlice {
    DnsSlice { marks, ..slice(&[UPSTREAM]) }
}

fn marked(mark: u32) -> Option<ClientFacts> {
    Some(ClientFacts { mark: Some(mark), hardware: None })
}

#[test]
fn questions_with_different_marks_share_no_socket() {
    let mut lab = Lab::new(with_marks(ConnectionMarks { copied: true, ..ConnectionMarks::default() }));
    for (number, mark) in [7, 0, 9, 7, 0, 9].into_iter().enumerate() {
        let name = format!("n{number}.test.");
        assert!(lab.ask(&name, RecordType::A).is_none());
        assert!(lab.sent.is_empty(), "asked upstream before the mark was known");
        let ticket = looks(&mut lab)[0];
        lab.input(Input::Facts { ticket, facts: marked(mark) });
        let sent = lab.sent.remove(0);
        assert_eq!(lab.marks[&sent.socket.0], mark, "{name}");
        lab.answer(&sent, |message| {
            message.add_answer(a(&name, 60, [192, 0, 2, 5]));
        });
        assert!(lab.reply().is_some());
    }
    // Reserves of all marks go when nobody needs them.
    lab.pass(60_000);
    assert!(lab.sockets.is_empty() && lab.engine.deadline().is_none());
}

#[test]
fn a_kept_connection_serves_its_own_mark_only() {
    let mut lab = Lab::new(with_marks(ConnectionMarks { copied: true, ..ConnectionMarks::default() }));
    let mut used = Vec::new();
    for (number, mark) in [7, 9, 7, 0, 9].into_iter().enumerate() {
        let (stream, name) = (Handle(70 + number as u32), format!("n{number}.test."));
        lab.input(Input::Accepted { stream, arrival: arrival(4000) });
        let query = query(1, &name, RecordType::A);
        let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
        lab.input(Input::StreamBytes { stream, bytes: &framed });
        let ticket = looks(&mut lab)[0];
        lab.input(Input::Facts { ticket, facts: marked(mark) });
        let sent = lab.sent.remove(0);
        assert_eq!((sent.tcp, lab.marks[&sent.socket.0]), (true, mark));
        lab.answer(&sent, |message| {
            message.add_answer(a(&name, 60, [192, 0, 2, 5]));
        });
        assert_eq!(lab.stream_replies.len(), number + 1);
        used.push(sent.socket);
    }
    assert!(used[2] == used[0] && used[4] == used[1], "{used:?}");
}

#[test]
fn a_marked_question_that_gets_no_socket_fails() {
    let mut lab = Lab::new(with_marks(ConnectionMarks { copied: true, ..ConnectionMarks::default() }));
    lab.unreachable.insert(0);
    lab.ask("www.test.", RecordType::A);
    let ticket = looks(&mut lab)[0];
    lab.input(Input::Facts { ticket, facts: marked(7) });
    assert_eq!(lab.reply().unwrap().metadata.response_code, ResponseCode::Refused);
}

fn with_list() -> DnsSlice {
    let number = NonZeroU32::new(7).unwrap();
    let patterns = vec![NamePattern::Labels("*.good.test".to_owned())];
    with_marks(ConnectionMarks {
        copied: false,
        mask: Some(number),
        allowlists: vec![Allowlist { mark: number, mask: number, patterns }],
    })
}

#[test]
fn a_list_decides_before_everything_else() {
    let mut lab = Lab::with_hosts(with_list(), "192.0.2.9 local.test a.good.test\n");
    for (name, facts, code) in [
        ("local.test.", marked(7), ResponseCode::Refused),
        ("a.good.test.", marked(7), ResponseCode::NoError),
        ("local.test.", marked(0), ResponseCode::NoError),
        ("local.test.", Some(ClientFacts::default()), ResponseCode::NoError),
        // Whoever cannot be asked about is not let through.
        ("a.good.test.", None, ResponseCode::Refused),
    ] {
        assert!(lab.ask(name, RecordType::A).is_none(), "{name}");
        let ticket = looks(&mut lab)[0];
        lab.input(Input::Facts { ticket, facts });
        assert_eq!(lab.reply().unwrap().metadata.response_code, code, "{name} {facts:?}");
    }
    lab.ask("local.test.", RecordType::A);
    lab.pass(WAIT_MS);
    assert_eq!(lab.reply().unwrap().metadata.response_code, ResponseCode::Refused);
}

#[test]
fn a_connection_asks_one_thing_after_the_other() {
    let mut lab = Lab::with_hosts(with_list(), "192.0.2.9 a.good.test b.good.test\n");
    let stream = Handle(77);
    lab.input(Input::Accepted { stream, arrival: arrival(4000) });
    let mut bytes = Vec::new();
    for (id, name) in [(1, "a.good.test."), (2, "b.good.test.")] {
        let query = query(id, name, RecordType::A);
        bytes.extend_from_slice(&(query.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&query);
    }
    lab.input(Input::StreamBytes { stream, bytes: &bytes });
    for count in 1..=2 {
        let [ticket] = looks(&mut lab)[..] else { panic!("one question at a time") };
        lab.input(Input::Facts { ticket, facts: marked(7) });
        assert_eq!(lab.stream_replies.len(), count);
    }
    // Who hangs up meanwhile gets no answer, nor does who comes next under the same number.
    lab.input(Input::StreamBytes { stream, bytes: &bytes });
    let ticket = looks(&mut lab)[0];
    lab.input(Input::StreamClosed { stream });
    lab.input(Input::Accepted { stream, arrival: arrival(4001) });
    lab.input(Input::Facts { ticket, facts: marked(7) });
    assert_eq!(lab.stream_replies.len(), 2);
}

#[test]
fn a_reply_held_for_a_connection_that_ended_goes_nowhere() {
    let mut lab = Lab::new(with_sets(&[("", "s")], &[]));
    let stream = Handle(77);
    lab.input(Input::Accepted { stream, arrival: arrival(4000) });
    let query = query(1, "www.test.", RecordType::A);
    let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
    lab.input(Input::StreamBytes { stream, bytes: &framed });
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |message| {
        message.add_answer(a("www.test.", 60, [192, 0, 2, 5]));
    });
    let ticket = fillings(&mut lab)[0].0;
    lab.input(Input::StreamClosed { stream });
    lab.input(Input::Accepted { stream, arrival: arrival(4001) });
    lab.input(Input::SetsFilled { ticket, outcomes: Some(vec![SetOutcome::Added]) });
    assert!(lab.stream_replies.is_empty());
}

#[test]
fn a_neighbors_address_goes_upstream_and_its_answer_is_kept_for_nobody() {
    let mut slice = slice(&[UPSTREAM]);
    slice.queries.add_mac.binary = true;
    slice.queries.add_mac.text = true;
    slice.queries.add_mac.base64 = true;
    let mut lab = Lab::new(slice);
    let hardware = HardwareAddress::new(1, &[2, 0, 0, 0, 1, 7]);
    let option = |lab: &mut Lab, hardware| {
        lab.sent.clear();
        assert!(lab.ask("www.test.", RecordType::A).is_none());
        let ticket = looks(lab)[0];
        lab.input(Input::Facts { ticket, facts: Some(ClientFacts { mark: None, hardware }) });
        if lab.sent.is_empty() {
            return None;
        }
        let sent = lab.sent.remove(0);
        lab.answer(&sent, |message| {
            message.add_answer(a("www.test.", 60, [192, 0, 2, 5]));
        });
        assert!(lab.reply().is_some());
        Some(sent.bytes)
    };
    let expected = b"\xfd\xe9\x00\x06\x02\x00\x00\x00\x01\x07\xfe\x31\x00\x1102:00:00:00:01:07";
    for _ in 0..2 {
        let sent = option(&mut lab, hardware).expect("nothing was kept");
        assert!(sent.ends_with(expected), "{sent:?}");
    }
    // A stranger's answer is kept, but not for neighbors.
    let sent = option(&mut lab, None).unwrap();
    assert!(sent.ends_with(&[0, 0]), "{sent:?}");
    assert_eq!(option(&mut lab, None), None);
    assert!(option(&mut lab, hardware).is_some());
}
