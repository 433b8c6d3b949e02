//! Replies that somebody else has sent, and errors that somebody else has caused.

use dns::{Handle, Input};
use hickory_proto::rr::RecordType;
use ipc::config::query::{AddSubnet, Subnet};

use crate::craft::{self, A, OPT, REPLY, asked, id, message, question, record, wire};
use crate::lab::{Lab, Sent, a, addresses, slice};

const NAME: &str = "www.example.com.";

fn one() -> Lab {
    Lab::new(slice(&["192.0.2.1:53"]))
}

/// Asks, and returns what went upstream.
fn ask(lab: &mut Lab, name: &str) -> Sent {
    assert!(lab.ask(name, RecordType::A).is_none());
    lab.sent.pop().unwrap()
}

/// The true reply is still welcome, and reaches the client.
fn still_answers(lab: &mut Lab, sent: &Sent, name: &str, what: &str) {
    assert!(lab.replies.is_empty(), "{what}: the client heard something");
    assert!(lab.sent.is_empty(), "{what}: it made us ask");
    lab.answer(sent, |m| {
        m.add_answer(a(name, 300, [1, 2, 3, 4]));
    });
    assert_eq!(addresses(&lab.reply().expect(what)), ["1.2.3.4"], "{what}");
}

/// D15: a reply counts on the socket of its question only. (That the socket hears its upstream only is the kernel's doing.)
#[test]
fn d15_a_reply_on_the_socket_of_another_question_is_ignored() {
    let mut lab = one();
    let (first, second) = (ask(&mut lab, NAME), ask(&mut lab, "other.example.com."));
    let forged = craft::reply(&first, REPLY, [&[record(&[0xc0, 12], A, 300, &[6, 6, 6, 6])], &[], &[]]);
    let with_others_id = [&second.bytes[..2], &forged[2..]].concat();
    let spare: Vec<u32> = lab.sockets.keys().copied().collect();
    for socket in spare.into_iter().filter(|socket| *socket != first.socket.0).chain([1, 0, u32::MAX]) {
        for bytes in [&forged, &with_others_id] {
            lab.input(Input::UpstreamDatagram { socket: Handle(socket), bytes });
        }
    }
    still_answers(&mut lab, &first, NAME, "another socket");
    still_answers(&mut lab, &second, "other.example.com.", "another socket");
}

/// D16: the question itself is compared, not a hash of it.
#[test]
fn d16_a_reply_to_a_question_that_differs_in_anything_is_ignored() {
    let mut lab = one();
    let sent = ask(&mut lab, NAME);
    let answer = record(&[0xc0, 12], A, 300, &[6, 6, 6, 6]);
    let mut forged: Vec<Vec<u8>> =
        (0..16).map(|bit| message(id(&sent) ^ 1 << bit, REPLY, [1, 1, 0, 0], &[&asked(&sent), &answer])).collect();
    // Every byte of the question, with each of its bits turned but the one that makes upper case.
    let whole = craft::reply(&sent, REPLY, [std::slice::from_ref(&answer), &[], &[]]);
    for at in 12..12 + asked(&sent).len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            if !bytes[at].eq_ignore_ascii_case(&whole[at]) {
                forged.push(bytes);
            }
        }
    }
    for name in ["example.com", "www.example.com.com", "a.www.example.com", "ww.example.com", "", "www.example"] {
        forged.push(message(id(&sent), REPLY, [1, 1, 0, 0], &[&question(&wire(name), A), &answer]));
    }
    for counts in [[0, 1, 0, 0], [2, 1, 0, 0]] {
        forged.push(message(id(&sent), REPLY, counts, &[&asked(&sent), &asked(&sent), &answer]));
    }
    for flags in [0x0180, 0x8980, 0x9180, 0xa180, 0xa980, 0xf980] {
        forged.push(message(id(&sent), flags, [1, 1, 0, 0], &[&asked(&sent), &answer]));
    }
    for bytes in &forged {
        lab.answer_bytes(&sent, bytes);
    }
    assert!(forged.len() > 150);
    still_answers(&mut lab, &sent, NAME, "another question");
}

/// A04, the part that says what letter case is for: with 0x20, the spelling must fit too.
#[test]
fn a04_with_random_letters_only_the_same_spelling_counts() {
    let mut random = slice(&["192.0.2.1:53"]);
    random.queries.letter_case = ipc::config::query::LetterCase::Random;
    let mut lab = Lab::new(random);
    let sent = ask(&mut lab, NAME);
    assert_ne!(asked(&sent), question(&wire(NAME), A), "a seed that flips no letter proves nothing");
    for at in 13..12 + wire(NAME).len() {
        let mut bytes = craft::reply(&sent, REPLY, [&[record(&[0xc0, 12], A, 300, &[6, 6, 6, 6])], &[], &[]]);
        if bytes[at].is_ascii_alphabetic() {
            bytes[at] ^= 0x20;
            lab.answer_bytes(&sent, &bytes);
        }
    }
    still_answers(&mut lab, &sent, NAME, "another spelling");
}

/// A04: ICMP errors end no question; a reply after any number of them is the answer.
#[test]
fn a04_icmp_errors_do_not_end_a_question() {
    for one_port in [false, true] {
        let mut fixed = slice(&["192.0.2.1:53"]);
        fixed.one_port = vec![one_port];
        let mut lab = Lab::new(fixed);
        let sent = ask(&mut lab, NAME);
        for _ in 0..100 {
            lab.input(Input::UpstreamFailed { socket: sent.socket });
        }
        still_answers(&mut lab, &sent, NAME, "ICMP errors");
        let next = ask(&mut lab, "next.example.com.");
        assert_eq!(next.socket == sent.socket, one_port);
        still_answers(&mut lab, &next, "next.example.com.", "a question after ICMP errors");
    }
}

/// A04: while the error may be true, somebody else is asked, once.
#[test]
fn a04_an_icmp_error_makes_the_next_upstream_be_asked_once() {
    let mut lab = Lab::new(slice(&["192.0.2.1:53", "192.0.2.2:53"]));
    let (first, second) = {
        lab.ask(NAME, RecordType::A);
        (lab.sent[0].clone(), lab.sent[1].clone())
    };
    lab.answer(&first, |m| {
        m.add_answer(a(NAME, 0, [1, 1, 1, 1]));
    });
    assert_ne!(first.upstream, second.upstream);
    lab.replies.clear();
    lab.sent.clear();
    // Now there is a favorite.
    let sent = ask(&mut lab, "next.example.com.");
    for _ in 0..10 {
        lab.input(Input::UpstreamFailed { socket: sent.socket });
    }
    assert_eq!(lab.sent.iter().map(|sent| sent.upstream).collect::<Vec<_>>(), [second.upstream]);
    lab.sent.clear();
    still_answers(&mut lab, &sent, "next.example.com.", "the first upstream after all");
    assert!(lab.sockets.len() <= 2, "only spare sockets are left");
}

/// D31: a reply that names another subnet than the query did is not its reply.
#[test]
fn d31_a_reply_with_a_forged_client_subnet_is_ignored() {
    let mut subnets = slice(&["192.0.2.1:53"]);
    let of_client = Some(Subnet::OfClient(24));
    subnets.queries.add_subnet = Some(AddSubnet { ipv4: of_client, ipv6: of_client });
    let mut lab = Lab::new(subnets);
    let sent = ask(&mut lab, NAME);
    assert!(sent.bytes.windows(11).any(|part| part == [0, 8, 0, 7, 0, 1, 24, 0, 127, 0, 0]), "{:02x?}", sent.bytes);
    let with = |option: &[u8]| {
        let opt = [&record(&[0], OPT, 0, &[])[..9], &(option.len() as u16).to_be_bytes(), option].concat();
        craft::reply(&sent, REPLY, [&[record(&[0xc0, 12], A, 300, &[6, 6, 6, 6])], &[], &[opt]])
    };
    let forged: [&[u8]; 9] = [
        &[0, 8, 0, 7, 0, 1, 24, 24, 127, 0, 1],
        &[0, 8, 0, 7, 0, 1, 23, 24, 127, 0, 0],
        &[0, 8, 0, 7, 0, 2, 24, 24, 127, 0, 0],
        &[0, 8, 0, 8, 0, 1, 24, 24, 127, 0, 0, 0],
        &[0, 8, 0, 6, 0, 1, 24, 24, 127, 0],
        &[0, 8, 0, 4, 0, 1, 0, 0],
        &[0, 8, 0, 3, 0, 1, 24],
        &[0, 8, 0, 0],
        &[0, 8, 0, 7, 0, 1, 24, 24, 127, 0, 0, 0, 8, 0, 4, 0, 1, 0, 0],
    ];
    for option in forged {
        lab.answer_bytes(&sent, &with(option));
    }
    still_answers(&mut lab, &sent, NAME, "a forged subnet");
}
