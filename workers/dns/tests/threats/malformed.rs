//! Replies that are wrong in themselves (the "TuDoor" family, and the readers of records behind it).

use hickory_proto::rr::RecordType;

use crate::craft::{self, A, AAAA, CNAME, OPT, REPLY, asked, id, message, question, record, wire};
use crate::lab::{Lab, Sent, a, addresses, slice};

const NAME: &str = "www.example.com";
const OWNER: [u8; 2] = [0xc0, 12];

/// What a reply must come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It is no reply to the question, which stays open for one that is.
    Ignored,
    /// It ends the question, and teaches nothing.
    Ended,
}

/// Kinds of wrong replies to the query that was sent.
fn kinds(sent: &Sent) -> Vec<(&'static str, Fate, Vec<u8>)> {
    use Fate::{Ended, Ignored};
    let (id, asked) = (id(sent), asked(sent));
    let plain = |flags, counts, body: &[u8]| message(id, flags, counts, &[&asked, body]);
    let good = record(&OWNER, A, 300, &[6, 6, 6, 6]);
    let of = |name: &[u8]| message(id, REPLY, [1, 1, 0, 0], &[&question(name, A), &good]);
    let link = |from: &str, to: &str| record(&wire(from), CNAME, 300, &wire(to));
    let chain: Vec<u8> = (0..20).flat_map(|at| link(&format!("c{at}.test"), &format!("c{}.test", at + 1))).collect();
    let option = |bytes: &[u8]| [&record(&[0], OPT, 0, &[])[..9], &[0, bytes.len() as u8], bytes].concat();
    let mut chaos = good.clone();
    chaos[5] = 3;
    let mut long_rdata = good.clone();
    long_rdata[11] = 200;
    let too_long: Vec<u8> = [1, b'a'].repeat(200);
    vec![
        ("nothing at all", Ignored, Vec::new()),
        ("one byte", Ignored, vec![7]),
        ("eleven bytes", Ignored, plain(REPLY, [1, 0, 0, 0], &[])[..11].to_vec()),
        ("a header that promises a question", Ignored, message(id, REPLY, [1, 0, 0, 0], &[])),
        ("no question", Ignored, message(id, REPLY, [0, 0, 0, 0], &[])),
        (
            "an answer without question",
            Ignored,
            message(id, REPLY, [0, 1, 0, 0], &[&record(&wire(NAME), A, 300, &[6; 4])]),
        ),
        ("a question cut in its name", Ignored, message(id, REPLY, [1, 0, 0, 0], &[&asked[..5]])),
        ("a question cut before its class", Ignored, message(id, REPLY, [1, 0, 0, 0], &[&asked[..asked.len() - 2]])),
        ("another id", Ignored, message(id ^ 1, REPLY, [1, 1, 0, 0], &[&asked, &good])),
        ("a query", Ignored, plain(0x0100, [1, 0, 0, 0], &[])),
        ("an update's reply", Ignored, plain(0xa980, [1, 1, 0, 0], &good)),
        ("the question twice", Ignored, plain(REPLY, [2, 1, 0, 0], &[&asked[..], &good].concat())),
        ("another name", Ignored, of(&wire("evil.example.com"))),
        ("a longer name", Ignored, of(&wire("www.example.com.evil"))),
        ("another type", Ignored, message(id, REPLY, [1, 1, 0, 0], &[&question(&wire(NAME), AAAA), &good])),
        ("another class", Ignored, message(id, REPLY, [1, 1, 0, 0], &[&wire(NAME), &[0, 1, 0, 3], &good])),
        ("a question that points to itself", Ignored, of(&OWNER)),
        ("a question that points forward", Ignored, of(&[0xc0, 40])),
        ("a question that points into the header", Ignored, of(&[0xc0, 0])),
        ("a question with a reserved label", Ignored, of(&[0x80, 0])),
        ("a question with a bit-string label", Ignored, of(&[0x41, 8, 0xff, 0])),
        ("a question of 400 bytes", Ignored, of(&too_long)),
        ("FORMERR", Ended, plain(0x8181, [1, 0, 0, 0], &[])),
        ("SERVFAIL", Ended, plain(0x8182, [1, 0, 0, 0], &[])),
        ("NOTIMP", Ended, plain(0x8184, [1, 0, 0, 0], &[])),
        ("REFUSED", Ended, plain(0x8185, [1, 0, 0, 0], &[])),
        ("YXDOMAIN with an answer", Ended, plain(0x8186, [1, 1, 0, 0], &good)),
        ("SERVFAIL with an answer", Ended, plain(0x8182, [1, 1, 0, 0], &good)),
        ("RCODE 15 with an answer", Ended, plain(0x818f, [1, 1, 0, 0], &good)),
        ("TC and nothing", Ended, plain(0x8380, [1, 0, 0, 0], &[])),
        ("TC and an answer", Ended, plain(0x8380, [1, 1, 0, 0], &good)),
        ("TC and half a record", Ended, plain(0x8380, [1, 1, 0, 0], &good[..9])),
        ("fewer answers than promised", Ended, plain(REPLY, [1, 2, 0, 0], &good)),
        ("half a record", Ended, plain(REPLY, [1, 1, 0, 0], &good[..9])),
        ("65535 of everything", Ended, plain(REPLY, [1, 65535, 65535, 65535], &good)),
        ("65535 additional records", Ended, plain(REPLY, [1, 1, 0, 65535], &good)),
        ("RDATA beyond the end", Ended, plain(REPLY, [1, 1, 0, 0], &long_rdata)),
        ("an owner that points to itself", Ended, plain(REPLY, [1, 1, 0, 0], &record(&[0xc0, 33], A, 300, &[6; 4]))),
        ("an owner that points forward", Ended, plain(REPLY, [1, 1, 0, 0], &record(&[0xff, 0xff], A, 300, &[6; 4]))),
        ("an owner with a reserved label", Ended, plain(REPLY, [1, 1, 0, 0], &record(&[0x80, 0], A, 300, &[6; 4]))),
        (
            "an owner with a bit-string label",
            Ended,
            plain(REPLY, [1, 1, 0, 0], &record(&[0x41, 8, 1, 0], A, 300, &[6; 4])),
        ),
        ("an owner of 400 bytes", Ended, plain(REPLY, [1, 1, 0, 0], &record(&too_long, A, 300, &[6; 4]))),
        ("an address of three bytes", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, A, 300, &[6; 3]))),
        ("an address of no bytes", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, A, 300, &[]))),
        ("an address of 16 bytes", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, A, 300, &[6; 16]))),
        ("only another type", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, AAAA, 300, &[6; 16]))),
        ("only another class", Ended, plain(REPLY, [1, 1, 0, 0], &chaos)),
        ("an alias of itself", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, CNAME, 300, &OWNER))),
        (
            "two aliases of each other",
            Ended,
            plain(REPLY, [1, 2, 0, 0], &[link(NAME, "b.test"), link("b.test", NAME)].concat()),
        ),
        ("a chain without end", Ended, plain(REPLY, [1, 21, 0, 0], &[link(NAME, "c0.test"), chain].concat())),
        ("an alias without target", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, CNAME, 300, &[]))),
        ("an alias cut in its target", Ended, plain(REPLY, [1, 1, 0, 0], &record(&OWNER, CNAME, 300, &[9, b'x']))),
        ("a denial without SOA", Ended, plain(0x8183, [1, 0, 0, 0], &[])),
        ("a denial with half an SOA", Ended, plain(0x8183, [1, 0, 1, 0], &record(&OWNER, 6, 300, &[0, 0, 1, 2]))),
        ("nothing, without SOA", Ended, plain(REPLY, [1, 0, 0, 0], &[])),
        ("an OPT record among the answers", Ended, plain(REPLY, [1, 1, 0, 0], &option(&[]))),
        ("two OPT records", Ended, plain(0x8182, [1, 0, 0, 2], &[option(&[]), option(&[])].concat())),
        ("an option longer than its record", Ended, plain(0x8182, [1, 0, 0, 1], &option(&[0, 8, 0, 99, 1]))),
        ("EDNS version 255", Ended, plain(0x8180, [1, 0, 0, 1], &[0, 0, 41, 4, 208, 1, 255, 0, 0, 0, 0])),
        ("an OPT record of another owner", Ended, plain(0x8182, [1, 0, 0, 1], &record(&OWNER, OPT, 0, &[]))),
    ]
}

/// A02: none of them crashes, teaches, opens a connection, or makes us ask more often than there are upstreams.
#[test]
fn a02_malformed_replies_change_nothing() {
    let count = {
        let mut lab = Lab::new(slice(&["192.0.2.1:53"]));
        lab.ask(NAME, RecordType::A);
        kinds(&lab.sent[0]).len()
    };
    assert!(count >= 30, "{count} kinds");
    for number in 0..count {
        let mut lab = Lab::new(slice(&["192.0.2.1:53"]));
        lab.resolve("good.test.", RecordType::A, |m| {
            m.add_answer(a("good.test.", 300, [1, 2, 3, 4]));
        });
        assert!(lab.ask(NAME, RecordType::A).is_none());
        let sent = lab.sent.remove(0);
        let (what, fate, bytes) = kinds(&sent).swap_remove(number);
        lab.answer_bytes(&sent, &bytes);
        // After a failure the upstream is asked once more, as by dnsmasq.
        if let (Fate::Ended, Some(again)) = (fate, lab.sent.pop()) {
            lab.answer_bytes(&again, &bytes);
        }
        assert!(lab.sent.is_empty(), "{what}: it made us ask");
        assert!(lab.sockets.values().all(|(_, tcp)| !tcp), "{what}: a connection");
        match fate {
            Fate::Ignored => {
                assert!(lab.replies.is_empty(), "{what}: the client heard of it");
                lab.answer(&sent, |m| {
                    m.add_answer(a(NAME, 300, [1, 2, 3, 4]));
                });
                assert_eq!(addresses(&lab.reply().unwrap()), ["1.2.3.4"], "{what}");
            }
            Fate::Ended => {
                assert_eq!(lab.replies.len(), 1, "{what}");
                assert_eq!(lab.replies[0].1[..2], [0, 7], "{what}: the client's id");
                assert!(lab.ask(NAME, RecordType::A).is_none(), "{what} is in the cache");
                assert_eq!(lab.sent.len(), 1);
            }
        }
        assert_eq!(addresses(&lab.ask("good.test.", RecordType::A).unwrap()), ["1.2.3.4"], "{what}");
        lab.pass(60_000);
        assert!(lab.sockets.is_empty(), "{what} leaves sockets behind");
        assert_eq!(lab.engine.deadline(), None, "{what} leaves something to do");
    }
}

/// A02 over TCP, where there is one reply per connection: the client hears one thing, and the connection is closed.
#[test]
fn a02_malformed_replies_over_tcp_cost_one_connection() {
    let mut number = 0;
    loop {
        let mut lab = Lab::new(slice(&["192.0.2.1:53"]));
        let stream = dns::Handle(1);
        lab.input(dns::Input::Accepted { stream, arrival: crate::lab::arrival(4000) });
        let query = crate::lab::query(7, "www.example.com.", RecordType::A);
        let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
        lab.input(dns::Input::StreamBytes { stream, bytes: &framed });
        let sent = lab.sent.remove(0);
        assert!(sent.tcp);
        let mut all = kinds(&sent);
        if number == all.len() {
            return;
        }
        let (what, _, bytes) = all.swap_remove(number);
        lab.answer_bytes(&sent, &bytes);
        assert!(lab.sent.is_empty(), "{what}: it made us ask");
        assert_eq!(lab.stream_replies.len(), 1, "{what}");
        assert_eq!(lab.stream_replies[0].1[..2], [0, 7], "{what}: the client's id");
        // A connection whose reply was to the question may serve the next one, but not for long.
        lab.pass(5_000);
        assert!(lab.sockets.is_empty(), "{what} leaves a connection open");
        number += 1;
    }
}

/// D32: RDATA of every type, cut after every byte, is read within its own record.
#[test]
fn d32_rdata_of_every_length() {
    let name = wire("target.example.com");
    let whole: [(u16, Vec<u8>); 18] = [
        (A, vec![6; 4]),
        (2, name.clone()),
        (CNAME, name.clone()),
        (6, [name.clone(), name.clone(), vec![1; 20]].concat()),
        (12, name.clone()),
        (14, [name.clone(), name.clone()].concat()),
        (15, [vec![0, 1], name.clone()].concat()),
        (16, b"\x05hello\x05world".to_vec()),
        (24, [vec![1; 18], name.clone(), vec![1; 8]].concat()),
        (26, [vec![0, 1], name.clone(), name.clone()].concat()),
        (AAAA, vec![6; 16]),
        (33, [vec![0; 6], name.clone()].concat()),
        (35, [vec![0; 4], b"\x01u\x01s\x01r".to_vec(), name.clone()].concat()),
        (43, vec![1; 24]),
        (46, [vec![1; 18], name.clone(), vec![1; 8]].concat()),
        (47, [name.clone(), vec![0, 2, 0x40, 1]].concat()),
        (65, [vec![0, 1], name.clone(), vec![0, 4, 0, 4, 1, 2, 3, 4]].concat()),
        (257, b"\0\x05issueca".to_vec()),
    ];
    for (rtype, rdata) in &whole {
        for length in 0..=rdata.len() {
            let mut all = slice(&["192.0.2.1:53"]);
            all.replies.cached_types = [255].into();
            all.replies.stop_rebind = true;
            all.replies.filtered_types = [99].into();
            let mut lab = Lab::new(all);
            let query = message(7, 0x0100, [1, 0, 0, 0], &[&question(&wire(NAME), *rtype)]);
            assert!(lab.ask_bytes(&query).is_none());
            let sent = lab.sent.remove(0);
            let cut = record(&OWNER, *rtype, 300, &rdata[..length]);
            // What follows must not be read as a part of it; it belongs to another type, which is filtered out, so that all is rebuilt.
            let next = record(&OWNER, 99, 300, b"\x09forbidden");
            lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&[cut, next], &[], &[]]));
            let (_, first) = lab.replies.remove(0);
            lab.datagram(5353, &query);
            let again = lab.replies.pop().map(|(_, bytes)| bytes);
            for reply in std::iter::once(first).chain(again) {
                let read_beyond = reply.windows(9).any(|part| part == b"forbidden");
                assert!(!read_beyond || reply.ends_with(b"forbidden"), "type {rtype}, {length} bytes: {reply:02x?}");
            }
        }
    }
}

/// D40: more records than a table of fixed size would take, with filters that look at each of them.
#[test]
fn d40_many_records_with_filters() {
    for count in [64usize, 65, 66, 255, 256, 257, 2000] {
        let mut filters = slice(&["192.0.2.1:53"]);
        filters.replies.filtered_types = [28].into();
        filters.edns_packet_max = 4096;
        let mut lab = Lab::new(filters);
        assert!(lab.ask_bytes(&crate::lab::query_edns(7, "www.example.com.", RecordType::ANY, 4096, false)).is_none());
        let sent = lab.sent.remove(0);
        let records: Vec<Vec<u8>> = (0..count)
            .map(|at| {
                record(
                    &OWNER,
                    if at % 2 == 0 { A } else { AAAA },
                    300,
                    &[1, 2, 3, 4].repeat(if at % 2 == 0 { 1 } else { 4 }),
                )
            })
            .collect();
        lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&records, &[], &[]]));
        let reply = lab.reply().expect("a reply");
        if reply.metadata.truncation {
            assert!(count >= 257 && reply.answers.is_empty(), "{count}");
        } else {
            assert_eq!(reply.answers.len(), count.div_ceil(2), "{count}: every other one is left out");
        }
    }
}
