//! What is done to queries on their way upstream, and what that means for their answers.

mod lab;

use std::net::SocketAddr;

use dns::{Arrival, Handle, Input};
use hickory_proto::rr::RecordType;
use ipc::config::dns::DnsSlice;
use ipc::config::query::{AddSubnet, LetterCase, Subnet, Umbrella};
use lab::{Lab, Sent, a, addresses, cname, query, query_edns, slice};

const SUBNET: [u8; 11] = [0, 8, 0, 7, 0, 1, 24, 0, 10, 0, 0];
const COOKIE: [u8; 12] = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];

fn lab(set: impl FnOnce(&mut DnsSlice)) -> Lab {
    let mut slice = slice(&["192.0.2.1:53"]);
    set(&mut slice);
    Lab::new(slice)
}

/// A query with these options.
fn with_options(name: &str, options: &[u8]) -> Vec<u8> {
    let mut bytes = query_edns(7, name, RecordType::A, 4096, false);
    let length = bytes.len() - 1;
    bytes[length] = options.len() as u8;
    bytes.extend_from_slice(options);
    bytes
}

/// What stands behind the question: an OPT record at least, with a size of ours.
fn options(sent: &Sent) -> Vec<u8> {
    let end = sent.bytes.windows(11).position(|part| part.starts_with(&[0, 0, 41, 0x04, 0xd0])).expect("an OPT record");
    let (length, options) = sent.bytes[end + 9..].split_at(2);
    assert_eq!((sent.bytes[10..12].to_vec(), usize::from(length[1])), (vec![0, 1], options.len()));
    options.to_vec()
}

fn ask_from(lab: &mut Lab, client: &str, bytes: &[u8]) {
    let peer = SocketAddr::new(client.parse().expect("an address"), 5353);
    let arrival = Arrival { socket: 0, peer, local: std::net::Ipv4Addr::LOCALHOST.into(), interface: 1 };
    lab.input(Input::Datagram { arrival, bytes });
}

/// Asks, and tells what goes upstream; the upstream answers if it is asked.
fn exchange(lab: &mut Lab, client: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    lab.sent.clear();
    lab.replies.clear();
    ask_from(lab, client, bytes);
    let sent = (!lab.sent.is_empty()).then(|| lab.sent.remove(0));
    if let Some(sent) = &sent {
        lab.answer(sent, |m| {
            m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
        });
    }
    assert_eq!(addresses(&lab.reply().expect("a reply")), ["1.2.3.4"]);
    sent.as_ref().map(options)
}

const WWW: &str = "www.example.com.";

// ---------------------------------------------------------------------- subnets

fn adds(ipv4: Option<Subnet>, ipv6: Option<Subnet>) -> impl FnOnce(&mut DnsSlice) {
    move |slice| slice.queries.add_subnet = Some(AddSubnet { ipv4, ipv6 })
}

#[test]
fn a_clients_network_goes_upstream_and_its_answer_is_not_kept() {
    let mut lab = lab(adds(Some(Subnet::OfClient(24)), Some(Subnet::OfClient(48))));
    for _ in 0..2 {
        let sent = exchange(&mut lab, "192.0.2.77", &query(1, WWW, RecordType::A));
        assert_eq!(sent.unwrap(), [0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2]);
        let sent = exchange(&mut lab, "2001:db8::77", &with_options(WWW, &COOKIE));
        assert_eq!(sent.unwrap(), [&COOKIE[..], &[0, 8, 0, 10, 0, 2, 48, 0, 0x20, 1, 0x0d, 0xb8, 0, 0]].concat());
    }
}

#[test]
fn a_network_of_length_zero_or_a_constant_one_is_everybodys() {
    let constant = Subnet::Constant(ipc::config::prefix::Prefix::cut("198.51.100.9".parse().unwrap(), 24));
    for (ipv6, expected) in
        [(None, vec![0, 8, 0, 4, 0, 2, 0, 0]), (Some(constant), vec![0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100])]
    {
        let mut lab = lab(adds(Some(Subnet::OfClient(24)), ipv6));
        assert_eq!(exchange(&mut lab, "2001:db8::77", &query(1, WWW, RecordType::A)).unwrap(), expected);
        assert_eq!(exchange(&mut lab, "2001:db8:1::78", &query(1, WWW, RecordType::A)), None);
        assert!(exchange(&mut lab, "192.0.2.77", &query(1, WWW, RecordType::A)).is_some());
    }
}

#[test]
fn a_network_that_a_client_names_goes_before_ours_unless_it_is_stripped() {
    let asked = with_options(WWW, &[&SUBNET[..], &COOKIE].concat());
    let mut kept = lab(adds(Some(Subnet::OfClient(16)), None));
    assert_eq!(exchange(&mut kept, "192.0.2.77", &asked).unwrap(), [&SUBNET[..], &COOKIE].concat());
    let mut replaced = lab(|slice| {
        adds(Some(Subnet::OfClient(16)), None)(slice);
        slice.queries.strip_subnet = true;
    });
    let expected = [&COOKIE[..], &[0, 8, 0, 6, 0, 1, 16, 0, 192, 0]].concat();
    assert_eq!(exchange(&mut replaced, "192.0.2.77", &asked).unwrap(), expected);
    let mut stripped = lab(|slice| slice.queries.strip_subnet = true);
    assert_eq!(exchange(&mut stripped, "192.0.2.77", &asked).unwrap(), COOKIE);
    assert_eq!(exchange(&mut stripped, "192.0.2.78", &query(1, WWW, RecordType::A)), None);
}

#[test]
fn clients_of_one_network_share_a_question_and_those_of_two_do_not() {
    let mut lab = lab(adds(Some(Subnet::OfClient(24)), None));
    for client in ["192.0.2.77", "192.0.2.78", "198.51.100.1"] {
        ask_from(&mut lab, client, &query(1, WWW, RecordType::A));
    }
    assert_eq!(lab.sent.len(), 2);
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| {
        m.add_answer(a(WWW, 300, [1, 2, 3, 4]));
    });
    assert_eq!(lab.replies.len(), 2);
}

#[test]
fn a_reply_about_another_network_is_dropped() {
    let mut lab = lab(adds(Some(Subnet::OfClient(24)), None));
    ask_from(&mut lab, "192.0.2.77", &with_options(WWW, &[]));
    let sent = lab.sent.remove(0);
    let mut reply = sent.bytes.clone();
    reply[2] |= 0x80;
    let last = reply.len() - 1;
    reply[last] ^= 1;
    lab.answer_bytes(&sent, &reply);
    assert!(lab.reply().is_none());
    assert_eq!(lab.take_lines().last().unwrap(), "discarding DNS reply: subnet option mismatch");
    reply[last] ^= 1;
    lab.answer_bytes(&sent, &reply);
    assert!(lab.reply().is_some());
}

#[test]
fn over_tcp_a_reply_about_another_network_makes_the_upstream_a_bad_one() {
    let mut lab = lab(adds(Some(Subnet::OfClient(24)), None));
    lab.input(Input::Accepted { stream: Handle(1), arrival: lab::arrival(4000) });
    let asked = query(9, WWW, RecordType::A);
    let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
    lab.input(Input::StreamBytes { stream: Handle(1), bytes: &framed });
    let sent = lab.sent.remove(0);
    assert_eq!((sent.tcp, options(&sent)), (true, vec![0, 8, 0, 7, 0, 1, 24, 0, 127, 0, 0]));
    let mut reply = sent.bytes.clone();
    reply[2] |= 0x80;
    let last = reply.len() - 1;
    reply[last] ^= 1;
    lab.answer_bytes(&sent, &reply);
    assert_eq!(lab.stream_replies[0].1[3] & 15, 5);
    assert!(lab.take_lines().contains(&"discarding DNS reply: subnet option mismatch".to_owned()));
}

// ---------------------------------------------------------------------- identifiers

#[test]
fn a_cpe_id_replaces_the_clients_and_its_answers_are_kept() {
    let mut lab = lab(|slice| slice.queries.add_cpe_id = Some("home".to_owned()));
    let asked = with_options(WWW, &[&[0xfe, 0x32, 0, 1, b'x'][..], &COOKIE].concat());
    assert_eq!(exchange(&mut lab, "192.0.2.77", &asked).unwrap(), [&COOKIE[..], b"\xfe\x32\0\x04home"].concat());
    assert_eq!(exchange(&mut lab, "192.0.2.78", &query(1, WWW, RecordType::A)), None);
}

#[test]
fn umbrella_names_the_client_and_its_answers_are_not_kept() {
    let mut lab = lab(|slice| {
        slice.queries.umbrella = Some(Umbrella { organization: 5, ..Umbrella::default() });
        slice.queries.add_cpe_id = Some("x".to_owned());
        adds(None, None)(slice);
    });
    for last in [77, 78, 77] {
        let asked = with_options(WWW, b"\x4f\x44\0\x04ODNS");
        let ours = b"\xfe\x32\0\x01x\x4f\x44\0\x12ODNS\x01\0\0\x08\0\0\0\x05\0\x10\xc0\0\x02";
        let expected = [ours.as_slice(), &[last], &[0, 8, 0, 4, 0, 1, 0, 0]].concat();
        assert_eq!(exchange(&mut lab, &format!("192.0.2.{last}"), &asked).unwrap(), expected);
    }
}

#[test]
fn hardware_addresses_that_clients_send_are_stripped() {
    let mut lab = lab(|slice| slice.queries.strip_mac = true);
    let mac = b"\xfd\xe9\0\x06123456\xfe\x31\0\x02ab\xfd\xe9\0\0";
    let asked = with_options(WWW, &[mac, &COOKIE[..]].concat());
    assert_eq!(exchange(&mut lab, "192.0.2.77", &asked).unwrap(), COOKIE);
    assert_eq!(exchange(&mut lab, "192.0.2.78", &query(1, WWW, RecordType::A)), None);
}

// ---------------------------------------------------------------------- the AD bit

#[test]
fn the_ad_bit_of_upstreams_is_passed_on_if_they_are_trusted_and_never_kept() {
    for proxy in [false, true] {
        let mut lab = lab(|slice| slice.queries.proxy_dnssec = proxy);
        let reply = lab.resolve(WWW, RecordType::A, |m| {
            m.add_answer(a(WWW, 300, [1, 2, 3, 4]));
        });
        assert_eq!(reply.metadata.authentic_data, proxy);
        assert!(!lab.ask(WWW, RecordType::A).unwrap().metadata.authentic_data);
        let reply = lab.resolve("insecure.example.com.", RecordType::A, |m| m.metadata.authentic_data = false);
        assert!(!reply.metadata.authentic_data);
    }
}

// ---------------------------------------------------------------------- letter case

/// The name of a message's question, as spelled; no label is longer than names here have.
fn spelled(bytes: &[u8]) -> String {
    let end = bytes[12..].iter().position(|byte| *byte == 0).expect("an end") + 12;
    bytes[12..end].iter().map(|byte| if *byte < 64 && *byte != b'-' { '.' } else { char::from(*byte) }).collect()
}

fn random_case() -> Lab {
    lab(|slice| slice.queries.letter_case = LetterCase::Random)
}

#[test]
fn letters_vary_upstream_and_the_client_sees_its_own_everywhere() {
    let mut lab = random_case();
    let asked = "wWw.a-long-and-winding-name.Example.com.";
    lab.ask(asked, RecordType::A);
    let sent = lab.sent.remove(0);
    let name = spelled(&sent.bytes);
    assert_ne!(name, ".wWw.a-long-and-winding-name.Example.com");
    assert!(name.eq_ignore_ascii_case(".wWw.a-long-and-winding-name.Example.com"));
    // An alias into the same domain, which the codec writes as a pointer to the question.
    let domain = &name["..www".len()..];
    let target = format!("Real.{domain}.");
    lab.answer(&sent, |m| {
        m.add_answer(cname(&format!("{}.", &name[1..]), 300, &target));
        m.add_answer(a(&target, 300, [1, 2, 3, 4]));
    });
    assert_eq!(spelled(&lab.replies[0].1), ".wWw.a-long-and-winding-name.Example.com");
    let reply = lab.reply().unwrap();
    assert_eq!(reply.answers[0].name.to_ascii(), asked);
    let expected = "Real.a-long-and-winding-name.Example.com.";
    assert_eq!(reply.answers[1].name.to_ascii(), expected);
    let kept = lab.ask(asked, RecordType::A).unwrap();
    assert_eq!(kept.answers[1].name.to_ascii(), expected);
}

#[test]
fn a_reply_with_other_letters_is_ignored_with_one_warning() {
    let mut lab = random_case();
    lab.ask("www.another-long-name.example.com.", RecordType::A);
    lab.take_lines();
    let sent = lab.sent.remove(0);
    let mut forged = sent.bytes.clone();
    forged[2] |= 0x80;
    for at in [13, 14] {
        forged[at] ^= 0x20;
        lab.answer_bytes(&sent, &forged);
        assert!(lab.reply().is_none());
    }
    assert_eq!(lab.take_lines(), ["Case mismatch in DNS reply - check bit 0x20 encoding."]);
    lab.answer(&sent, |_| {});
    assert!(lab.reply().is_some());
}

#[test]
fn questions_in_other_letters_join_and_retries_are_spelled_alike() {
    let mut lab = random_case();
    lab.datagram(5353, &query(1, "one.long-name.example.com.", RecordType::A));
    lab.datagram(5354, &query(1, "ONE.long-name.example.com.", RecordType::A));
    lab.datagram(5353, &query(1, "one.long-name.example.com.", RecordType::A));
    let [first, again] = &lab.sent.clone()[..] else { panic!("not one retry: {:?}", lab.sent) };
    assert_eq!(first.bytes, again.bytes);
    lab.answer(again, |_| {});
    let spellings: Vec<String> = lab.replies.iter().map(|(_, bytes)| spelled(bytes)).collect();
    assert_eq!(spellings, [".one.long-name.example.com", ".ONE.long-name.example.com"]);
}

#[test]
fn over_tcp_letters_are_the_clients() {
    let mut lab = random_case();
    lab.input(Input::Accepted { stream: Handle(1), arrival: lab::arrival(4000) });
    let asked = query(9, "www.yet-another-name.example.com.", RecordType::A);
    let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
    lab.input(Input::StreamBytes { stream: Handle(1), bytes: &framed });
    assert_eq!(lab.sent[0].bytes[2..], asked[2..]);
}
