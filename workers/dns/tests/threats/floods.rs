//! Many questions, and questions that cost much.

use std::net::SocketAddr;

use dns::{Arrival, Handle, Input};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use ipc::config::dns::DnsSlice;

use crate::craft::{self, A, CNAME, REPLY, record, wire};
use crate::lab::{Lab, a, addresses, arrival, query, query_edns, slice};

const UPSTREAM: &str = "192.0.2.1:53";
/// Most queries in flight for one question.
const SIBLINGS_MAX: usize = 32;
/// Most queries that one question of a client may cost (A01).
const BUDGET: usize = 40;

/// D17: a thousand equal questions are asked once, so that a forger has one id and one port to hit.
#[test]
fn d17_a_thousand_equal_questions_are_asked_once() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    for number in 0..1000u16 {
        let spelled = if number % 2 == 0 { "www.example.com." } else { "WWW.eXample.COM." };
        lab.datagram(2000 + number, &query(number, spelled, RecordType::A));
    }
    assert_eq!(lab.sent.len(), 1);
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| {
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    });
    // `dns-forward-max` clients may wait with the first.
    assert_eq!(lab.replies.len(), 151);
    for (to, bytes) in &lab.replies {
        let id = u16::from_be_bytes([bytes[0], bytes[1]]);
        assert_eq!(to.peer.port(), 2000 + id, "everybody gets their own id");
    }
}

/// D17: every mixture of flags counts as one question more, within a limit.
#[test]
fn d17_flags_do_not_multiply_a_question_without_limit() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    for round in 0..3u16 {
        for flags in 0..=u8::MAX {
            for (opt, dnssec_ok) in [(false, false), (true, false), (true, true)] {
                let mut bytes = match opt {
                    true => query_edns(round, "www.example.com.", RecordType::A, 1232, dnssec_ok),
                    false => query(round, "www.example.com.", RecordType::A),
                };
                // AA, TC, RD; RA, Z, AD, CD.
                bytes[2] = flags & 0x07;
                bytes[3] = flags & 0xf0;
                lab.datagram(2000 + round * 1000 + u16::from(flags), &bytes);
            }
        }
    }
    let sockets: std::collections::BTreeSet<u32> = lab.sent.iter().map(|sent| sent.socket.0).collect();
    assert!(sockets.len() <= SIBLINGS_MAX, "{} ports to hit", sockets.len());
    assert!(sockets.len() >= 2, "they are different questions");
}

/// R10: a thousand subnets do not make a thousand chances ("rebirthday"); when some are answered, others may ask.
#[test]
fn r10_subnets_do_not_multiply_a_question_without_limit() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    let ask = |lab: &mut Lab, number: u16| {
        let mut bytes = query_edns(number, "www.example.com.", RecordType::A, 1232, false);
        let subnet = [0, 8, 0, 7, 0, 1, 24, 0, 10, (number >> 8) as u8, number as u8];
        let length_at = bytes.len() - 1;
        bytes[length_at] = subnet.len() as u8;
        bytes.extend(subnet);
        lab.datagram(2000 + number, &bytes);
    };
    (0..1000).for_each(|number| ask(&mut lab, number));
    assert_eq!(lab.sent.len(), SIBLINGS_MAX);
    // Other questions are none of its business.
    assert!(lab.ask("other.example.com.", RecordType::A).is_none());
    assert!(lab.ask("www.example.com.", RecordType::AAAA).is_none());
    assert_eq!(lab.sent.len(), SIBLINGS_MAX + 2);
    for sent in std::mem::take(&mut lab.sent) {
        lab.answer(&sent, |m| {
            m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
        });
    }
    ask(&mut lab, 1000);
    assert_eq!(lab.sent.len(), 1);
}

/// What a round of upstreams says to everything.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Silent,
    Unreachable,
    Says(ResponseCode),
    Truncates,
    Mumbles,
    LoopsAliases,
}

fn ten() -> DnsSlice {
    let addresses: Vec<String> = (1..=10).map(|last| format!("192.0.2.{last}:53")).collect();
    slice(&addresses.iter().map(String::as_str).collect::<Vec<_>>())
}

/// How many queries one question costs when all ten upstreams are in this mood.
fn cost(slice: DnsSlice, tcp: bool, mood: Mood) -> usize {
    let mut lab = Lab::new(slice);
    if tcp {
        lab.input(Input::Accepted { stream: Handle(1), arrival: arrival(4000) });
        let query = query(7, "www.example.com.", RecordType::A);
        let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
        lab.input(Input::StreamBytes { stream: Handle(1), bytes: &framed });
    } else {
        lab.datagram(5353, &query(7, "www.example.com.", RecordType::A));
    }
    let mut count = 0;
    for _ in 0..200 {
        for sent in std::mem::take(&mut lab.sent) {
            count += 1;
            if !lab.sockets.contains_key(&sent.socket.0) {
                continue;
            }
            match mood {
                Mood::Silent => {}
                Mood::Unreachable if tcp => {
                    lab.sockets.remove(&sent.socket.0);
                    lab.input(Input::UpstreamFailed { socket: sent.socket });
                }
                Mood::Unreachable => lab.input(Input::UpstreamFailed { socket: sent.socket }),
                Mood::Says(code) => lab.answer(&sent, |m| m.metadata.response_code = code),
                Mood::Truncates => lab.answer(&sent, |m| m.metadata.truncation = true),
                Mood::Mumbles => lab.answer_bytes(&sent, &sent.bytes[..14]),
                Mood::LoopsAliases => {
                    let (here, there) = (wire("www.example.com"), wire("b.example.com"));
                    let links = [record(&here, CNAME, 300, &there), record(&there, CNAME, 300, &here)];
                    lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&links, &[], &[]]));
                }
            }
        }
        lab.pass(500);
    }
    assert!(lab.sent.is_empty(), "{mood:?}: it goes on and on");
    count
}

/// A01: one question of a client costs a bounded number of queries, whatever upstreams do and however we are configured.
#[test]
fn a01_a_question_has_a_budget_of_queries() {
    let (strict, all, fast) = {
        let (mut strict, mut all, mut fast) = (ten(), ten(), ten());
        strict.strict_order = true;
        all.all_servers = true;
        fast.fast_dns_retry = Some((1000, 10_000));
        (strict, all, fast)
    };
    let codes = [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::FormErr, ResponseCode::NotImp];
    let moods = [Mood::Silent, Mood::Unreachable, Mood::Truncates, Mood::Mumbles, Mood::LoopsAliases];
    for mood in moods.into_iter().chain(codes.map(Mood::Says)) {
        for tcp in [false, true] {
            for (name, slice) in [
                ("default", ten()),
                ("strict-order", strict.clone()),
                ("all-servers", all.clone()),
                ("fast-dns-retry", fast.clone()),
            ] {
                let count = cost(slice, tcp, mood);
                assert!((1..=BUDGET).contains(&count), "{name}, TCP {tcp}, {mood:?}: {count} queries");
            }
        }
    }
}

/// A03: answers cannot be saved up for a blow: what comes after a question's time is not delivered, and only so many clients can wait for one.
#[test]
fn a03_answers_cannot_be_held_back_for_a_pulse() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    for number in 0..2000u16 {
        lab.datagram(2000 + number, &query(number, &format!("n{}.example.com.", number % 500), RecordType::A));
        lab.pass(10);
    }
    let held = lab.replies.len();
    let refused = lab.replies.drain(..).filter(|(_, bytes)| bytes[3] & 0x0f == 5).count();
    assert_eq!(held, refused, "so far nobody has an answer");
    lab.pass(40_000);
    for sent in std::mem::take(&mut lab.sent) {
        lab.answer(&sent, |m| {
            m.add_answer(a("n1.example.com.", 300, [1, 2, 3, 4]));
        });
    }
    assert!(lab.replies.is_empty(), "{} late answers", lab.replies.len());
    assert!(lab.sockets.is_empty());
}

fn from(number: u8, port: u16) -> Arrival {
    Arrival { peer: SocketAddr::from(([127, 0, 0, number], port)), ..arrival(port) }
}

/// R13: one client with all connections does not keep others out, and there are never more than allowed.
#[test]
fn r13_connections_are_shared_between_clients() {
    let mut few = slice(&[UPSTREAM]);
    few.max_tcp_connections = 10;
    let mut lab = Lab::new(few);
    let mut open = std::collections::BTreeSet::new();
    let mut accept = |lab: &mut Lab, number: u32, client: u8| {
        let stream = Handle(number);
        lab.pass(1);
        open.insert(number);
        lab.input(Input::Accepted { stream, arrival: from(client, 1000 + number as u16) });
        for closed in lab.closed_streams.drain(..) {
            assert!(open.remove(&closed.0), "{closed:?} was closed twice");
        }
        assert!(open.len() <= 10);
        open.clone()
    };
    for number in 0..100 {
        let open = accept(&mut lab, number, 1);
        assert_eq!(open.contains(&number), number < 10, "it takes what is free, and no more");
    }
    // The oldest waits for an answer; it goes all the same, and what it asked is forgotten.
    let bytes = [&[0, 34][..], &query(7, "www.example.com.", RecordType::A)].concat();
    let bytes = [&((bytes.len() - 2) as u16).to_be_bytes()[..], &bytes[2..]].concat();
    lab.input(Input::StreamBytes { stream: Handle(0), bytes: &bytes });
    assert_eq!(lab.sockets.len(), 1);
    for number in 100..105 {
        let open = accept(&mut lab, number, 2);
        let kept = open.contains(&number) && !open.contains(&(number - 100));
        assert_eq!(kept, number < 105, "the newcomer gets in for the oldest of the other");
    }
    assert!(lab.sockets.is_empty());
    let open = accept(&mut lab, 105, 2);
    assert!(!open.contains(&105), "no more than half of it for one of two");
    let open = accept(&mut lab, 106, 3);
    assert!(open.contains(&106), "a third one still gets in");
}

/// R13: a connection ends after a hundred queries, and after 150 seconds, however slowly it is used.
#[test]
fn r13_a_connection_has_an_end() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 h.lan\n");
    let bytes = query(7, "h.lan.", RecordType::A);
    let framed = [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
    lab.input(Input::Accepted { stream: Handle(1), arrival: arrival(4000) });
    lab.input(Input::StreamBytes { stream: Handle(1), bytes: &framed.repeat(150) });
    assert_eq!((lab.stream_replies.len(), lab.closed_streams.clone()), (100, vec![Handle(1)]));
    lab.closed_streams.clear();
    // A byte every five seconds.
    lab.input(Input::Accepted { stream: Handle(2), arrival: arrival(4001) });
    for byte in framed.iter().cycle().take(30) {
        lab.pass(5000);
        lab.input(Input::StreamBytes { stream: Handle(2), bytes: &[*byte] });
    }
    lab.pass(5000);
    assert_eq!(lab.closed_streams, [Handle(2)]);
    assert_eq!(lab.engine.deadline(), None);
}

/// R11: the worst names for their size: every owner at the end of a long walk, in a reply of 64 KiB.
#[test]
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "what is measured is the time it takes")]
fn r11_the_cost_of_a_reply_is_bounded_by_its_size() {
    for walk in ["pointers", "labels"] {
        let mut all = slice(&[UPSTREAM]);
        all.replies.cached_types = [255].into();
        all.replies.stop_rebind = true;
        all.replies.filtered_types = [28].into();
        let mut lab = Lab::new(all);
        lab.input(Input::Accepted { stream: Handle(1), arrival: arrival(4000) });
        let query = query(7, "www.example.com.", RecordType::ANY);
        let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
        lab.input(Input::StreamBytes { stream: Handle(1), bytes: &framed });
        let sent = lab.sent.remove(0);
        let mut reply = craft::reply(&sent, REPLY, [&[], &[], &[]]);
        let mut records = 0u16;
        // RDATA of an unknown type holds the walk.
        let (mut rdata, start) = (Vec::new(), reply.len() + 12);
        match walk {
            "pointers" => {
                rdata.extend([0, 0]);
                for at in (start..start + 16_000).step_by(2) {
                    rdata.extend((0xc000 | at as u16).to_be_bytes());
                }
            }
            _ => rdata.extend([[1, b'a'].repeat(127), vec![0]].concat()),
        }
        let end = match walk {
            "pointers" => start + rdata.len() - 2,
            _ => start,
        };
        reply.extend(record(&[0xc0, 12], 99, 300, &rdata));
        records += 1;
        let pointer = (0xc000 | end as u16).to_be_bytes();
        while reply.len() + 14 < 65_535 {
            reply.extend(record(&pointer, 12, 300, &pointer));
            records += 1;
        }
        reply[6..8].copy_from_slice(&records.to_be_bytes());
        let begun = std::time::Instant::now();
        lab.answer_bytes(&sent, &reply);
        let taken = begun.elapsed();
        assert!(taken < std::time::Duration::from_secs(2), "{walk}: {taken:?} for one reply");
        let (_, reply) = lab.stream_replies.pop().expect("an answer of some kind");
        assert!(reply.len() <= 65_535);
    }
}

/// R11 and D06: what is remembered of replies has a limit, in bytes as well as in records.
#[test]
fn r11_the_cache_holds_no_more_than_it_may() {
    let mut all = slice(&[UPSTREAM]);
    all.replies.cached_types = [255].into();
    let mut lab = Lab::new(all);
    for number in 0..1000 {
        assert!(lab.ask(&format!("n{number}.test."), RecordType::TXT).is_none());
        let sent = lab.sent.remove(0);
        let text = vec![255; 256].repeat(60);
        lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&[record(&[0xc0, 12], 16, 3600, &text)], &[], &[]]));
        lab.replies.clear();
    }
    lab.take_lines();
    let kept = (0..1000)
        .filter(|number| {
            lab.ask(&format!("n{number}.test."), RecordType::TXT).is_some_and(|reply| reply.metadata.truncation)
        })
        .count();
    // 150 records of 512 bytes and room for one large one: see cache.rs.
    assert!((1..=10).contains(&kept), "{kept} answers of 15 KiB each");
}

/// A27: questions that no upstream answers are a bounded burden, and leave nothing behind.
#[test]
fn a27_a_flood_of_unanswered_questions_leaves_nothing_behind() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    for number in 0..20_000u32 {
        lab.datagram(
            (number % 60_000) as u16 + 1,
            &query(number as u16, &format!("r{number}.example.com."), RecordType::A),
        );
        lab.sent.clear();
        lab.replies.clear();
        lab.lines.clear();
        assert!(lab.sockets.len() <= 150 + 64, "{} sockets", lab.sockets.len());
        if number % 100 == 0 {
            lab.pass(100);
        }
    }
    lab.pass(60_000);
    assert!(lab.sockets.is_empty() && lab.engine.idle());
    assert_eq!(lab.engine.deadline(), None);
    let reply = lab.resolve("good.test.", RecordType::A, |m| {
        m.add_answer(a("good.test.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(addresses(&reply), ["1.2.3.4"]);
}

/// D01: a datagram of any length is judged by its length alone.
#[test]
fn d01_queries_of_every_length() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 h.lan\n");
    let plain = query(7, "h.lan.", RecordType::A);
    for length in 0..=65_535usize {
        if (5000..65_000).contains(&length) && length % 997 != 0 {
            continue;
        }
        let mut bytes = plain.clone();
        bytes.resize(length, 0);
        let reply = lab.ask_bytes(&bytes);
        // `edns-packet-max` is the longest query.
        assert_eq!(reply.is_some(), (plain.len()..=1232).contains(&length), "{length} bytes");
    }
    assert!(lab.sent.is_empty());
}

/// A01: aliases are followed within what is known; a cycle of them, even across answers, ends.
#[test]
fn a01_cycles_of_aliases_end() {
    let mut cycle = slice(&[UPSTREAM]);
    cycle.replies.cached_types = [5].into();
    let mut lab = Lab::new(cycle);
    for (from, to) in [("a.test", "b.test"), ("b.test", "c.test"), ("c.test", "a.test")] {
        assert!(lab.ask(&format!("{from}."), RecordType::CNAME).is_none());
        let sent = lab.sent.remove(0);
        let link = record(&wire(from), CNAME, 300, &wire(to));
        lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&[link], &[], &[]]));
    }
    lab.replies.clear();
    lab.datagram(5353, &craft::message(9, 0x0100, [1, 0, 0, 0], &[&craft::question(&wire("a.test"), A)]));
    let replies: Vec<Message> = lab.replies.iter().map(|(_, bytes)| Message::from_vec(bytes).unwrap()).collect();
    assert!(replies.len() + lab.sent.len() == 1, "one thing comes of it");
}
