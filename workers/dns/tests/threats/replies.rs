//! What replies carry: the client's own id, spelling and size, on every path.

use std::net::SocketAddr;

use dns::{Arrival, Handle, Input};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use ipc::config::dns::DnsSlice;
use ipc::config::prefix::Prefix;
use ipc::config::routes::RouteTarget;

use crate::craft::{self, A, REPLY, message, question, record, wire};
use crate::lab::{self, Lab, Sent, a, arrival, cname, domain, query, query_edns, slice};

const UPSTREAM: &str = "192.0.2.1:53";
const SPELLED: &str = "Www.eXamPle.com.";

/// What an upstream does on one of the paths.
type Deed = fn(&mut Lab, &Sent);

fn code(lab: &mut Lab, sent: &Sent, code: ResponseCode) {
    lab.answer(sent, |m| m.metadata.response_code = code);
}

fn with_address(lab: &mut Lab, sent: &Sent, address: [u8; 4]) {
    lab.answer(sent, |m| {
        m.add_answer(a("www.example.com.", 300, address));
    });
}

/// Paths on which the upstream is asked, and what it does there.
const DEEDS: [(&str, Deed); 12] = [
    ("an answer", |lab, sent| with_address(lab, sent, [1, 2, 3, 4])),
    ("SERVFAIL", |lab, sent| code(lab, sent, ResponseCode::ServFail)),
    ("REFUSED", |lab, sent| code(lab, sent, ResponseCode::Refused)),
    ("FORMERR", |lab, sent| code(lab, sent, ResponseCode::FormErr)),
    ("NOTIMP", |lab, sent| code(lab, sent, ResponseCode::NotImp)),
    ("NXDOMAIN", |lab, sent| code(lab, sent, ResponseCode::NXDomain)),
    ("truncation", |lab, sent| lab.answer(sent, |m| m.metadata.truncation = true)),
    ("a rebinding", |lab, sent| with_address(lab, sent, [10, 0, 0, 1])),
    ("a bogus NXDOMAIN", |lab, sent| with_address(lab, sent, [64, 94, 110, 11])),
    ("a malformed record", |lab, sent| {
        let bytes = craft::reply(sent, REPLY, [&[record(&[0xc0, 12], A, 300, &[1])], &[], &[]]);
        lab.answer_bytes(sent, &bytes);
    }),
    ("more than fits", |lab, sent| {
        lab.answer(sent, |m| {
            for last in 0..100 {
                m.add_answer(a("www.example.com.", 300, [1, 0, 0, last]));
            }
        });
    }),
    ("an alias", |lab, sent| {
        lab.answer(sent, |m| {
            m.add_answer(cname("www.example.com.", 300, "other.example.com."));
            m.add_answer(a("other.example.com.", 300, [1, 2, 3, 4]));
        });
    }),
];

fn judging() -> DnsSlice {
    let mut slice = slice(&[UPSTREAM]);
    slice.replies.stop_rebind = true;
    slice.replies.bogus_nxdomain = vec![Prefix::cut([64, 94, 110, 11].into(), 32)];
    slice
}

/// Id and question as the client wrote them.
fn is_own(reply: &[u8], asked: &[u8], what: &str) {
    assert_eq!(reply[..2], asked[..2], "{what}: another id");
    let end = 12 + wire(SPELLED).len() + 4;
    assert_eq!(reply[12..end], asked[12..end], "{what}: another question or spelling");
    assert!(reply[2] & 0x80 != 0 && reply[4..6] == [0, 1], "{what}: no reply to one question");
}

/// D33: an error, as any other reply, carries the id and the spelling of the client it goes to, and never the id used upstream; also when a
/// question is repeated while the first is failing, and to everybody who joined it.
#[test]
fn d33_every_reply_carries_only_the_clients_id() {
    for (what, deed) in DEEDS {
        for rounds in 1..=3 {
            let mut lab = Lab::new(judging());
            let queries = [
                (1001, query(0x1111, SPELLED, RecordType::A)),
                (1002, query(0x2222, "www.EXAMPLE.com.", RecordType::A)),
                (1003, query(0x3333, "wWw.eXaMpLe.CoM.", RecordType::A)),
            ];
            for _ in 0..rounds {
                for (port, bytes) in &queries {
                    lab.datagram(*port, bytes);
                }
            }
            let sent = lab.sent.remove(0);
            let upstream_id = craft::id(&sent);
            assert!(![0x1111, 0x2222, 0x3333].contains(&upstream_id));
            deed(&mut lab, &sent);
            // Who repeats the question in this very moment joins or begins anew, and nothing else comes of it.
            for (port, bytes) in &queries {
                lab.datagram(*port, bytes);
            }
            assert!(lab.replies.len() >= 3, "{what}: everybody is told");
            for (to, reply) in &lab.replies {
                let (_, asked) = queries.iter().find(|(port, _)| *port == to.peer.port()).unwrap();
                is_own(reply, asked, what);
                assert_ne!(reply[..2], sent.bytes[..2], "{what}: the upstream's id");
            }
        }
    }
}

/// D33 over TCP.
#[test]
fn d33_every_reply_over_tcp_carries_only_the_clients_id() {
    for (what, deed) in DEEDS {
        let mut lab = Lab::new(judging());
        let asked = query(0x1111, SPELLED, RecordType::A);
        lab.input(Input::Accepted { stream: Handle(1), arrival: arrival(4000) });
        let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
        lab.input(Input::StreamBytes { stream: Handle(1), bytes: &framed });
        let sent = lab.sent.remove(0);
        deed(&mut lab, &sent);
        assert_eq!(lab.stream_replies.len(), 1, "{what}");
        is_own(&lab.stream_replies[0].1, &asked, what);
    }
}

/// D33: errors that are made here.
#[test]
fn d33_errors_made_here_carry_only_the_clients_id() {
    let asked = query(0x1111, SPELLED, RecordType::A);
    let heard = |lab: &mut Lab, what: &str| {
        lab.datagram(1001, &asked);
        let (_, reply) = lab.replies.pop().unwrap_or_else(|| panic!("{what}: nothing"));
        is_own(&reply, &asked, what);
    };
    let mut nobody = Lab::new(slice(&[]));
    heard(&mut nobody, "no upstream");
    let mut unreachable = Lab::new(slice(&[UPSTREAM]));
    unreachable.unreachable.insert(0);
    heard(&mut unreachable, "no socket");
    let mut few = slice(&[UPSTREAM]);
    few.dns_forward_max = 1;
    let mut busy = Lab::new(few);
    busy.ask("first.test.", RecordType::A);
    heard(&mut busy, "too many questions");
    for (what, target) in
        [("a fixed answer", RouteTarget::Address([10, 0, 0, 7].into())), ("a local domain", RouteTarget::NoData)]
    {
        let mut fixed = slice(&[UPSTREAM]);
        fixed.routes = [domain("example.com", target)].into_iter().collect();
        heard(&mut Lab::new(fixed), what);
    }
    // What cannot be read as a question is repeated as it came.
    let strange: [(&str, Vec<u8>); 4] = [
        ("an update", message(0x1111, 0x2800, [1, 0, 0, 0], &[&question(&wire(SPELLED), A)])),
        ("two questions", message(0x1111, 0x0100, [2, 0, 0, 0], &[&question(&wire(SPELLED), A).repeat(2)])),
        ("no question", message(0x1111, 0x0100, [0, 0, 0, 0], &[])),
        (
            "an answer in a query",
            message(0x1111, 0x0100, [1, 1, 0, 0], &[&question(&wire(SPELLED), A), &record(&[0xc0, 12], A, 1, &[1; 4])]),
        ),
    ];
    for (what, bytes) in strange {
        let mut lab = Lab::new(slice(&[UPSTREAM]));
        lab.datagram(1001, &bytes);
        let (_, reply) = lab.replies.pop().unwrap_or_else(|| panic!("{what}: nothing"));
        assert_eq!(reply[..2], [0x11, 0x11], "{what}");
        assert!(reply[2] & 0x80 != 0 && reply.len() <= bytes.len(), "{what}");
        assert_eq!(reply[12..], bytes[12..reply.len()], "{what}");
        assert!(lab.sent.is_empty());
    }
}

/// A09: whoever may be lied about as the sender of a query gets no more than half as much again as was sent in his name: nothing at all for
/// addresses that are not of a local network, and errors of the size of the query for others.
#[test]
fn a09_replies_that_anybody_could_cause_are_small() {
    let mut local = slice(&[UPSTREAM]);
    local.local_service = true;
    let mut lab = Lab::with_hosts(local, "10.0.0.1 h.lan\n");
    let names = ["h.lan.", "www.example.com.", "version.bind.", "."];
    let types = [RecordType::A, RecordType::ANY, RecordType::TXT, RecordType::DNSKEY];
    for source in ["8.8.8.8:53", "[2001:4860:4860::8888]:53", "198.51.100.9:123", "10.0.0.1:53"] {
        let peer: SocketAddr = source.parse().unwrap();
        for (name, rtype) in names.iter().flat_map(|name| types.map(|rtype| (name, rtype))) {
            let bytes = query_edns(7, name, rtype, 4096, true);
            lab.input(Input::Datagram { arrival: Arrival { peer, ..arrival(1) }, bytes: &bytes });
            assert!(lab.replies.is_empty() && lab.sent.is_empty(), "{source} is answered about {name}");
        }
    }
    // Replies without any knowledge, to clients that are served.
    let mut lab = Lab::new(slice(&[]));
    for (name, rtype) in names.iter().flat_map(|name| types.map(|rtype| (name, rtype))) {
        let queries = [query(7, name, rtype), query_edns(7, name, rtype, 4096, true)];
        for bytes in queries.into_iter().flat_map(|bytes| {
            let with = |at: usize, value: u8| [&bytes[..at], &[value], &bytes[at + 1..]].concat();
            [bytes.clone(), with(2, 0x28), with(5, 2), with(7, 1), with(9, 1)]
        }) {
            lab.datagram(1001, &bytes);
            for (_, reply) in lab.replies.drain(..) {
                assert!(2 * reply.len() <= 3 * bytes.len(), "{} bytes for {}: {bytes:02x?}", reply.len(), bytes.len());
            }
        }
    }
}

/// D21: what a client has not said it takes is not sent, and what we take is said to be 1232 bytes.
#[test]
fn d21_sizes_are_those_of_both_sides() {
    for (takes, most) in
        [(None, 512), (Some(0), 512), (Some(511), 512), (Some(700), 700), (Some(1232), 1232), (Some(65_535), 1232)]
    {
        let mut lab = Lab::new(slice(&[UPSTREAM]));
        let ask = |lab: &mut Lab| match takes {
            None => lab.datagram(1001, &query(7, "many.test.", RecordType::A)),
            Some(size) => lab.datagram(1001, &query_edns(7, "many.test.", RecordType::A, size, false)),
        };
        for count in (1..120u8).step_by(7) {
            ask(&mut lab);
            let sent = lab.sent.remove(0);
            let opt = sent.bytes.len() - 11;
            assert_eq!(sent.bytes[opt..opt + 5], [0, 0, 41, 4, 208], "1232 bytes");
            lab.answer(&sent, |m| {
                for last in 0..count {
                    m.add_answer(a("many.test.", 0, [10, 0, 0, last]));
                }
            });
            let (_, reply) = lab.replies.pop().unwrap();
            assert!(reply.len() <= most, "{takes:?}: {} bytes", reply.len());
            let whole = 12 + 15 + 16 * usize::from(count);
            assert_eq!(reply[2] & 0x02 != 0, whole > most, "{takes:?}, {count} records");
        }
    }
}

/// D21: nor do an upstream's options make a reply too long.
#[test]
fn d21_options_of_upstreams_do_not_make_replies_too_long() {
    for (options, filtered) in [(400, false), (1100, false), (2000, false), (1100, true), (1180, true), (2000, true)] {
        let mut slice = slice(&[UPSTREAM]);
        slice.replies.filtered_types = if filtered { [28].into() } else { [].into() };
        let mut lab = Lab::new(slice);
        lab.datagram(1001, &query_edns(7, "many.test.", RecordType::ANY, 1232, false));
        let sent = lab.sent.remove(0);
        let mut message = lab::response(&sent.bytes);
        for last in 0..70 {
            message.add_answer(a("many.test.", 0, [10, 0, 0, last]));
        }
        if filtered {
            let address = std::net::Ipv6Addr::LOCALHOST.into();
            message.add_answer(Record::from_rdata(lab::name("many.test."), 0, RData::AAAA(address)));
        }
        let mut bytes = message.to_vec().unwrap();
        bytes[11] += 1;
        let length = u16::try_from(options).unwrap().to_be_bytes();
        bytes.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, length[0], length[1], 0xfd, 0xe9]);
        bytes.extend(u16::try_from(options - 4).unwrap().to_be_bytes());
        bytes.resize(bytes.len() + options - 4, 0);
        lab.answer_bytes(&sent, &bytes);
        let (_, reply) = lab.replies.pop().unwrap();
        assert!(reply.len() <= 1232, "{options} bytes of options: {} bytes", reply.len());
        let reply = Message::from_vec(&reply).unwrap();
        assert_eq!((reply.metadata.truncation, reply.edns.is_some()), (true, true), "{options} bytes of options");
    }
}

/// D02: replies made of many and long names end at their limit, from upstream, from the cache and from hosts files.
#[test]
fn d02_no_set_of_names_makes_a_reply_too_long() {
    let mut hosts = String::new();
    for number in 0..40 {
        let label = |letter: char| std::iter::repeat_n(letter, 60).collect::<String>();
        hosts += &format!("10.0.0.{number} {}.{}.{}.n{number} many.lan\n", label('a'), label('b'), label('c'));
    }
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), &hosts);
    let sizes = [512, 513, 600, 1000, 1231, 1232, 4096];
    for size in sizes {
        for (name, rtype) in
            [("many.lan.", RecordType::A), ("many.lan.", RecordType::ANY), ("5.0.0.10.in-addr.arpa.", RecordType::PTR)]
        {
            lab.datagram(1001, &query_edns(7, name, rtype, size, false));
            let (_, reply) = lab.replies.pop().expect("known here");
            assert!(reply.len() <= usize::from(size).min(1232), "{name}: {} bytes", reply.len());
            hickory_proto::op::Message::from_vec(&reply).expect("a whole message");
        }
    }
    for count in [1, 2, 3, 8, 20] {
        for length in [1, 20, 60] {
            let owner = format!("p{count}x{length}.test");
            let names: Vec<Vec<u8>> = (0..count)
                .map(|number| {
                    wire(&format!("{}{number}.{}.{}", "x".repeat(length), "y".repeat(length), "z".repeat(length)))
                })
                .collect();
            for rtype in [12u16, 2, 33] {
                let query = message(7, 0x0100, [1, 0, 0, 0], &[&question(&wire(&owner), rtype)]);
                lab.datagram(1001, &query);
                let Some(sent) = lab.sent.pop() else { continue };
                let before: &[u8] = if rtype == 33 { &[0; 6] } else { &[] };
                let records: Vec<Vec<u8>> =
                    names.iter().map(|name| record(&[0xc0, 12], rtype, 300, &[before, name].concat())).collect();
                lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&records, &[], &[]]));
                // Once more, from the cache where it is kept.
                lab.datagram(1001, &query);
                for (_, reply) in lab.replies.drain(..) {
                    assert!(reply.len() <= 512);
                    hickory_proto::op::Message::from_vec(&reply).expect("a whole message");
                }
                lab.sent.clear();
                lab.pass(1_000_000);
            }
        }
    }
}

/// D40: bit-string labels, and questions that end before their type and class do, are refused or dropped, and never forwarded.
#[test]
fn d40_questions_that_cannot_be_read_go_nowhere() {
    let whole = question(&wire("www.example.com"), A);
    let mut strange: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for bits in [0, 1, 8, 255] {
        for length in [0, 1, 32, 40] {
            strange.push([&[0x41, bits][..], &vec![0xff; length], &[0, 0, 1, 0, 1]].concat());
        }
    }
    strange.extend([vec![0xc0, 12, 0, 1, 0, 1], vec![0xc0, 0, 0, 1, 0, 1], vec![0x80, 0, 0, 1, 0, 1], vec![0xff; 40]]);
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    for part in strange {
        let bytes = message(0x1234, 0x0100, [1, 0, 0, 0], &[&part]);
        lab.datagram(1001, &bytes);
        assert!(lab.sent.is_empty(), "{part:02x?} is forwarded");
        for (_, reply) in lab.replies.drain(..) {
            assert!(reply[..2] == [0x12, 0x34] && reply[3] & 0x0f == 5, "{part:02x?}: {reply:02x?}");
        }
    }
}
