//! Clients ask, upstreams answer, time passes: what comes out of the engine.

mod lab;

use dns::{Handle, Input};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{NULL, PTR, TXT};
use hickory_proto::rr::{RData, Record, RecordType};
use ipc::config::routes::{Route, RouteScope, RouteTarget};
use ipc::dns::{LeaseName, ToParent};
use lab::{Lab, a, addresses, arrival, cname, domain, name, query, query_edns, query_message, slice, soa};

const UPSTREAM: &str = "192.0.2.1:53";

fn one() -> Lab {
    Lab::new(slice(&[UPSTREAM]))
}

fn two() -> Lab {
    Lab::new(slice(&[UPSTREAM, "192.0.2.2:5353"]))
}

fn ede(bytes: &[u8]) -> Option<u16> {
    // Code 15, length 2, at the end of our replies.
    bytes
        .strip_suffix(&bytes[bytes.len() - 2..])?
        .ends_with(&[0, 15, 0, 2])
        .then(|| u16::from_be_bytes([bytes[bytes.len() - 2], bytes[bytes.len() - 1]]))
}

// ---------------------------------------------------------------------- cache and forwarding

#[test]
fn a_miss_goes_upstream_and_a_hit_does_not() {
    let mut lab = one();
    let reply = lab.resolve("WWW.Example.com.", RecordType::A, |m| {
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(addresses(&reply), ["1.2.3.4"]);
    assert_eq!(reply.metadata.id, 7);
    assert!(reply.metadata.recursion_available && !reply.metadata.authoritative && !reply.metadata.authentic_data);
    lab.pass(100_000);
    let reply = lab.ask("wwW.example.COM.", RecordType::A).unwrap();
    assert_eq!((reply.answers[0].ttl, reply.queries[0].name().to_ascii()), (200, "wwW.example.COM.".to_owned()));
    assert_eq!(reply.answers[0].name.to_ascii(), "wwW.example.COM.");
    lab.pass(200_000);
    assert!(lab.ask("www.example.com.", RecordType::A).is_none());
    assert_eq!(lab.sent.len(), 1);
    let expected = [
        "using nameserver 192.0.2.1#53",
        "cleared cache",
        "query[A] www.example.com from 127.0.0.1",
        "forwarded www.example.com to 192.0.2.1",
        "reply www.example.com is 1.2.3.4",
        "query[A] www.example.com from 127.0.0.1",
        "cached www.example.com is 1.2.3.4",
    ];
    assert_eq!(lab.take_lines()[..expected.len()], expected);
}

#[test]
fn what_goes_upstream_has_our_size_a_fresh_id_and_the_clients_flags() {
    let mut lab = one();
    lab.ask("a.test.", RecordType::A);
    lab.ask("b.test.", RecordType::A);
    let first = hickory_proto::op::Message::from_vec(&lab.sent[0].bytes).unwrap();
    let second = hickory_proto::op::Message::from_vec(&lab.sent[1].bytes).unwrap();
    assert_eq!(first.edns.as_ref().unwrap().max_payload(), 1232);
    assert!(first.metadata.recursion_desired);
    assert_ne!(first.metadata.id, second.metadata.id);
    assert_ne!(lab.sent[0].socket, lab.sent[1].socket);
}

#[test]
fn cname_chains_are_kept_link_by_link() {
    let mut lab = one();
    let reply = lab.resolve("c1.example.com.", RecordType::A, |m| {
        m.add_answer(cname("c1.example.com.", 300, "C2.example.com."));
        m.add_answer(cname("c2.example.com.", 300, "www.example.com."));
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(reply.answers.len(), 3);
    for (text, records) in [("c1.example.com.", 3), ("c2.example.com.", 2), ("www.example.com.", 1)] {
        let reply = lab.ask(text, RecordType::A).unwrap();
        assert_eq!((reply.answers.len(), addresses(&reply)), (records, vec!["1.2.3.4".to_owned()]), "{text}");
        assert!(!reply.metadata.authoritative);
    }
    let alias = lab.ask("c2.example.com.", RecordType::CNAME).unwrap();
    assert!(alias.metadata.authoritative && alias.answers.len() == 1);
    assert!(lab.ask("c1.example.com.", RecordType::AAAA).is_none());
    let lines = lab.take_lines();
    assert!(lines.contains(&"cached c1.example.com is <CNAME>".to_owned()));
    assert!(lines.contains(&"reply c1.example.com is <CNAME>".to_owned()));
}

#[test]
fn strangers_in_an_answer_are_relayed_but_not_kept() {
    let mut lab = one();
    let reply = lab.resolve("mine.example.com.", RecordType::A, |m| {
        m.add_answer(a("stranger.example.org.", 300, [9, 9, 9, 9]));
        m.add_answer(a("mine.example.com.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(reply.answers.len(), 2);
    assert_eq!(addresses(&lab.ask("mine.example.com.", RecordType::A).unwrap()), ["1.2.3.4"]);
    assert!(lab.ask("stranger.example.org.", RecordType::A).is_none());
}

#[test]
fn a_chain_into_a_local_name_is_not_kept() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 www.example.com\n");
    let answer = |m: &mut hickory_proto::op::Message| {
        m.add_answer(cname("alias.example.com.", 300, "www.example.com."));
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    };
    lab.resolve("alias.example.com.", RecordType::A, answer);
    assert_eq!(addresses(&lab.resolve("alias.example.com.", RecordType::A, answer)), ["1.2.3.4"]);
}

#[test]
fn answers_made_for_one_subnet_are_not_kept() {
    let mut lab = one();
    // Option 8: family 1, prefix 24.
    let subnet = [0, 8, 0, 7, 0, 1, 24, 0, 10, 0, 0];
    let mut asked = query_edns(1, "www.example.com.", RecordType::A, 1232, false);
    let length = asked.len() - 1;
    asked[length] = subnet.len() as u8;
    asked.extend_from_slice(&subnet);
    for _ in 0..2 {
        assert!(lab.ask_bytes(&asked).is_none());
        let sent = lab.sent.remove(0);
        lab.answer(&sent, |m| {
            m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
        });
        assert!(lab.reply().is_some());
    }
}

#[test]
fn negative_answers_live_as_long_as_the_soa_allows() {
    let mut lab = one();
    let deny = |m: &mut hickory_proto::op::Message| {
        m.metadata.response_code = ResponseCode::NXDomain;
        m.add_authority(soa("example.com.", 600, 60));
    };
    lab.resolve("nx.example.com.", RecordType::A, deny);
    lab.pass(10_000);
    let reply = lab.ask("nx.example.com.", RecordType::TXT).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!((reply.authorities.len(), reply.authorities[0].ttl), (1, 590));
    assert!(lab.ask("nx.example.com.", RecordType::ANY).is_some());
    lab.pass(50_000);
    assert!(lab.ask("nx.example.com.", RecordType::A).is_none());
    // The SOA of another zone does not count.
    for _ in 0..2 {
        lab.resolve("nx.example.net.", RecordType::A, deny);
    }

    lab.resolve("nodata.example.com.", RecordType::AAAA, |m| {
        m.add_authority(soa("example.com.", 600, 60));
    });
    assert!(lab.ask("nodata.example.com.", RecordType::AAAA).is_some());
    assert!(lab.ask("nodata.example.com.", RecordType::A).is_none());
    lab.resolve("nosoa.example.com.", RecordType::A, |m| m.metadata.response_code = ResponseCode::NXDomain);
    assert!(lab.ask("nosoa.example.com.", RecordType::A).is_none());
    let lines = lab.take_lines();
    for line in [
        "reply nx.example.com is NXDOMAIN",
        "cached nx.example.com is NXDOMAIN",
        "reply nodata.example.com is NODATA-IPv6",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}");
    }
}

#[test]
fn what_the_cache_may_not_answer_goes_upstream() {
    let mut lab = one();
    lab.resolve("www.example.com.", RecordType::A, |m| {
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    });
    assert!(lab.ask_bytes(&query_edns(1, "www.example.com.", RecordType::A, 1232, true)).is_none());
    let mut no_recursion = query(2, "www.example.com.", RecordType::A);
    no_recursion[2] &= !1;
    assert!(lab.ask_bytes(&no_recursion).is_none());
    assert!(lab.ask("www.example.com.", RecordType::ANY).is_none());
    let mut checking_disabled = query(3, "www.example.com.", RecordType::A);
    checking_disabled[3] |= 0x10;
    let reply = lab.ask_bytes(&checking_disabled).unwrap();
    assert!(reply.metadata.checking_disabled);
}

#[test]
fn ttl_limits() {
    let mut limits = slice(&[UPSTREAM]);
    limits.max_ttl = Some(100);
    limits.min_cache_ttl = 30;
    let mut lab = Lab::new(limits);
    let reply = lab.resolve("a.test.", RecordType::A, |m| {
        m.add_answer(a("a.test.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(reply.answers[0].ttl, 100);
    assert_eq!(lab.ask("a.test.", RecordType::A).unwrap().answers[0].ttl, 100);
    let reply = lab.resolve("b.test.", RecordType::A, |m| {
        m.add_answer(a("b.test.", 5, [1, 2, 3, 4]));
    });
    assert_eq!(reply.answers[0].ttl, 5);
    assert_eq!(lab.ask("b.test.", RecordType::A).unwrap().answers[0].ttl, 30);
}

#[test]
fn other_types_are_relayed_and_logged() {
    let mut lab = one();
    for _ in 0..2 {
        let reply = lab.resolve("t.test.", RecordType::TXT, |m| {
            let text = TXT::new(vec!["hello".to_owned(), "world".to_owned()]);
            m.add_answer(Record::from_rdata(name("t.test."), 300, RData::TXT(text)));
        });
        assert_eq!(reply.answers.len(), 1);
    }
    let lines = lab.take_lines();
    assert!(lines.contains(&"reply t.test is hello".to_owned()) && lines.contains(&"reply t.test is world".to_owned()));
    let pointer = || Record::from_rdata(name("4.3.2.1.in-addr.arpa."), 300, RData::PTR(PTR(name("Host.test."))));
    lab.resolve("4.3.2.1.in-addr.arpa.", RecordType::PTR, |m| {
        m.add_answer(pointer());
    });
    let reply = lab.ask("4.3.2.1.in-addr.arpa.", RecordType::PTR).unwrap();
    assert_eq!(reply.answers[0].data, pointer().data);
    let lines = lab.take_lines();
    assert!(lines.contains(&"reply 1.2.3.4 is host.test".to_owned()), "{lines:?}");
    assert!(lines.contains(&"cached 1.2.3.4 is host.test".to_owned()));
}

#[test]
fn replies_that_do_not_belong_are_ignored() {
    let mut lab = one();
    lab.ask("www.example.com.", RecordType::A);
    let sent = lab.sent.remove(0);
    let good = |m: &mut hickory_proto::op::Message| {
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    };
    lab.answer(&sent, |m| m.metadata.id ^= 1);
    lab.answer(&sent, |m| {
        m.queries.clear();
    });
    lab.answer(&sent, |m| {
        m.queries[0].set_name(name("wrong.example.com."));
    });
    lab.answer(&sent, |m| {
        m.queries[0].set_query_type(RecordType::AAAA);
    });
    assert!(lab.replies.is_empty());
    lab.answer(&sent, good);
    assert!(lab.reply().is_some());
    // The socket is gone with its question: a second reply means nothing.
    lab.answer(&sent, good);
    assert!(lab.replies.is_empty());
}

#[test]
fn malformed_records_become_servfail() {
    let mut lab = one();
    let reply = lab.resolve("bad.test.", RecordType::A, |m| {
        let data = RData::Unknown { code: RecordType::A, rdata: NULL::with(vec![1, 2, 3]) };
        m.add_answer(Record::from_rdata(name("bad.test."), 300, data));
    });
    assert_eq!(reply.metadata.response_code, ResponseCode::ServFail);
    assert!(reply.answers.is_empty());
    assert!(lab.ask("bad.test.", RecordType::A).is_none());
}

// ---------------------------------------------------------------------- sizes

#[test]
fn answers_that_do_not_fit_are_empty_and_truncated() {
    let mut lab = one();
    let many = |m: &mut hickory_proto::op::Message| {
        for last in 0..40 {
            m.add_answer(a("many.test.", 300, [10, 0, 0, last]));
        }
        m.set_edns(hickory_proto::op::Edns::new());
    };
    // 26 + 40 * 16 bytes.
    let reply = lab.resolve("many.test.", RecordType::A, many);
    assert!(reply.metadata.truncation && reply.answers.is_empty() && reply.edns.is_none());
    let reply = lab.ask("many.test.", RecordType::A).unwrap();
    assert!(reply.metadata.truncation && reply.answers.is_empty());
    let reply = lab.ask_bytes(&query_edns(1, "many.test.", RecordType::A, 600, false)).unwrap();
    assert!(reply.metadata.truncation && reply.edns.unwrap().max_payload() == 1232);
    let reply = lab.ask_bytes(&query_edns(1, "many.test.", RecordType::A, 700, false)).unwrap();
    assert_eq!((reply.answers.len(), reply.metadata.truncation), (40, false));
}

#[test]
fn the_option_record_goes_only_to_those_who_sent_one() {
    let mut lab = one();
    let with_opt = |m: &mut hickory_proto::op::Message| {
        m.add_answer(a("a.test.", 0, [1, 2, 3, 4]));
        let mut edns = hickory_proto::op::Edns::new();
        edns.set_max_payload(4096);
        m.set_edns(edns);
    };
    assert!(lab.resolve("a.test.", RecordType::A, with_opt).edns.is_none());
    lab.sent.clear();
    assert!(lab.ask_bytes(&query_edns(1, "a.test.", RecordType::A, 1232, false)).is_none());
    let sent = lab.sent.remove(0);
    lab.answer(&sent, with_opt);
    assert_eq!(lab.reply().unwrap().edns.unwrap().max_payload(), 1232);
}

#[test]
fn truncation_by_the_upstream_is_passed_on() {
    let mut lab = one();
    let reply = lab.resolve("a.test.", RecordType::A, |m| m.metadata.truncation = true);
    assert!(reply.metadata.truncation);
    assert!(lab.take_lines().contains(&"reply is truncated".to_owned()));
    assert!(lab.ask("a.test.", RecordType::A).is_none());
}

// ---------------------------------------------------------------------- joining and retrying

#[test]
fn equal_questions_are_asked_once_and_answered_in_each_clients_spelling() {
    let mut lab = one();
    lab.datagram(1001, &query(11, "www.example.com.", RecordType::A));
    lab.datagram(1002, &query(22, "WWW.example.com.", RecordType::A));
    assert_eq!(lab.sent.len(), 1);
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| {
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    });
    assert_eq!((lab.replies[0].0, lab.replies[1].0), (arrival(1001), arrival(1002)));
    let (first, second) = (lab.reply().unwrap(), lab.reply().unwrap());
    assert_eq!((first.metadata.id, second.metadata.id), (11, 22));
    assert_eq!(second.queries[0].name().to_ascii(), "WWW.example.com.");
}

#[test]
fn a_clients_retry_goes_to_all_upstreams() {
    let mut lab = two();
    lab.resolve_with_favorite();
    lab.datagram(1001, &query(11, "a.test.", RecordType::A));
    assert_eq!(lab.upstreams_asked(), [0]);
    lab.datagram(1002, &query(12, "a.test.", RecordType::A));
    assert_eq!(lab.upstreams_asked(), [] as [u32; 0]);
    lab.datagram(1001, &query(11, "a.test.", RecordType::A));
    assert_eq!(lab.upstreams_asked(), [0, 1]);
    lab.pass(2000);
    lab.datagram(1003, &query(13, "a.test.", RecordType::A));
    assert_eq!(lab.upstreams_asked(), [0, 1]);
}

trait Favorites {
    fn resolve_with_favorite(&mut self);
    fn upstreams_asked(&mut self) -> Vec<u32>;
}

impl Favorites for Lab {
    /// Makes upstream 0 the favorite.
    fn resolve_with_favorite(&mut self) {
        self.ask("favorite.test.", RecordType::A);
        assert_eq!(self.sent.len(), 2);
        let sent = self.sent.iter().find(|sent| sent.upstream == 0).expect("upstream 0 is asked").clone();
        self.answer(&sent, |m| {
            m.add_answer(a("favorite.test.", 0, [1, 1, 1, 1]));
        });
        self.sent.clear();
        self.replies.clear();
    }

    fn upstreams_asked(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.sent).iter().map(|sent| sent.upstream).collect()
    }
}

#[test]
fn the_favorite_is_asked_alone_until_it_is_time_to_test() {
    let mut lab = two();
    lab.resolve_with_favorite();
    for number in 0..50 {
        lab.ask(&format!("n{number}.test."), RecordType::A);
        assert_eq!(lab.upstreams_asked(), [0], "{number}");
    }
    lab.ask("test.test.", RecordType::A);
    assert_eq!(lab.upstreams_asked(), [0, 1]);
    lab.pass(20_001);
    lab.ask("later.test.", RecordType::A);
    assert_eq!(lab.upstreams_asked(), [0, 1]);
}

#[test]
fn servfail_from_the_favorite_is_asked_of_all_and_then_relayed_at_once() {
    let mut lab = two();
    lab.resolve_with_favorite();
    lab.ask("a.test.", RecordType::A);
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| m.metadata.response_code = ResponseCode::ServFail);
    assert!(lab.replies.is_empty());
    let again = lab.sent.clone();
    assert_eq!(lab.upstreams_asked(), [0, 1]);
    lab.answer(&again[1], |m| m.metadata.response_code = ResponseCode::ServFail);
    assert_eq!(lab.reply().unwrap().metadata.response_code, ResponseCode::ServFail);
    assert!(lab.take_lines().contains(&"reply error is SERVFAIL".to_owned()));
}

#[test]
fn refused_is_held_back_until_all_have_answered() {
    let mut lab = two();
    lab.ask("a.test.", RecordType::A);
    let sent = lab.sent.clone();
    lab.answer(&sent[0], |m| m.metadata.response_code = ResponseCode::Refused);
    assert!(lab.replies.is_empty());
    lab.answer(&sent[1], |m| m.metadata.response_code = ResponseCode::Refused);
    assert_eq!(lab.reply().unwrap().metadata.response_code, ResponseCode::Refused);
    lab.ask("b.test.", RecordType::A);
    let sent = lab.sent[2..].to_vec();
    lab.answer(&sent[0], |m| m.metadata.response_code = ResponseCode::Refused);
    lab.answer(&sent[1], |m| {
        m.add_answer(a("b.test.", 0, [1, 2, 3, 4]));
    });
    assert_eq!(addresses(&lab.reply().unwrap()), ["1.2.3.4"]);
}

#[test]
fn strict_order_goes_down_the_list_and_ends_in_silence() {
    let mut strict = slice(&[UPSTREAM, "192.0.2.2:53"]);
    strict.strict_order = true;
    let mut lab = Lab::new(strict);
    lab.ask("a.test.", RecordType::A);
    let first = lab.sent.remove(0);
    assert_eq!(first.upstream, 0);
    lab.answer(&first, |m| m.metadata.response_code = ResponseCode::Refused);
    let second = lab.sent.remove(0);
    assert_eq!(second.upstream, 1);
    lab.answer(&second, |m| m.metadata.response_code = ResponseCode::Refused);
    assert!(lab.replies.is_empty() && lab.sent.is_empty());
    lab.datagram(5353, &query(7, "a.test.", RecordType::A));
    assert_eq!(lab.upstreams_asked(), [0]);
}

#[test]
fn all_servers_asks_all() {
    let mut all = slice(&[UPSTREAM, "192.0.2.2:53"]);
    all.all_servers = true;
    let mut lab = Lab::new(all);
    lab.resolve_with_favorite();
    lab.ask("a.test.", RecordType::A);
    assert_eq!(lab.upstreams_asked(), [0, 1]);
}

#[test]
fn fast_retry_repeats_by_itself_with_doubling_pauses() {
    let mut fast = slice(&[UPSTREAM, "192.0.2.2:53"]);
    fast.fast_dns_retry = Some((1000, 10_000));
    let mut lab = Lab::new(fast);
    lab.resolve_with_favorite();
    lab.ask("a.test.", RecordType::A);
    assert_eq!(lab.upstreams_asked(), [0]);
    lab.pass(999);
    assert!(lab.sent.is_empty());
    lab.pass(1);
    assert_eq!(lab.upstreams_asked(), [1]);
    lab.pass(2000);
    assert_eq!(lab.upstreams_asked(), [0]);
    lab.pass(4000);
    assert_eq!(lab.upstreams_asked(), [1]);
    lab.pass(60_000);
    assert!(lab.sent.is_empty());
    assert_eq!(lab.engine.deadline(), None);
}

#[test]
fn a_failed_socket_means_the_next_upstream() {
    let mut lab = two();
    lab.resolve_with_favorite();
    lab.ask("a.test.", RecordType::A);
    let sent = lab.sent.remove(0);
    lab.input(Input::UpstreamFailed { socket: sent.socket });
    assert_eq!(lab.upstreams_asked(), [1]);
    // The error may be forged: the first may still answer.
    lab.answer(&sent, |m| {
        m.add_answer(a("a.test.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(addresses(&lab.reply().unwrap()), ["1.2.3.4"]);
    assert!(lab.sockets.is_empty());
}

#[test]
fn no_route_to_anybody_is_refused_with_a_reason() {
    let mut lab = two();
    lab.unreachable.extend([0, 1]);
    let reply = lab.ask_bytes(&query_edns(1, "a.test.", RecordType::A, 1232, false)).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::Refused);
    lab.replies.clear();
    lab.datagram(1, &query_edns(2, "b.test.", RecordType::A, 1232, false));
    assert_eq!(ede(&lab.replies[0].1), Some(23));
    assert!(lab.take_lines().contains(&"config error is REFUSED (EDE: network error)".to_owned()));
}

#[test]
fn too_many_questions_are_refused_and_old_ones_make_room() {
    let mut small = slice(&[UPSTREAM]);
    small.dns_forward_max = 3;
    let mut lab = Lab::new(small);
    for number in 0..3 {
        assert!(lab.ask(&format!("n{number}.test."), RecordType::A).is_none());
    }
    assert_eq!(lab.ask("n3.test.", RecordType::A).unwrap().metadata.response_code, ResponseCode::Refused);
    lab.ask("n4.test.", RecordType::A);
    let warning = "Maximum number of concurrent DNS queries reached (max: 3)";
    assert_eq!(lab.take_lines().iter().filter(|line| *line == warning).count(), 1);
    lab.pass(10_000);
    assert!(lab.ask("n5.test.", RecordType::A).is_none());
    assert_eq!(lab.sent.len(), 4);
}

#[test]
fn an_idle_engine_waits_for_nothing_and_holds_no_socket() {
    let mut lab = one();
    for number in 0..20 {
        lab.ask(&format!("n{number}.test."), RecordType::A);
        let sent = lab.sent.remove(0);
        lab.answer(&sent, |_| {});
    }
    assert!(!lab.sockets.is_empty());
    lab.pass(1000);
    assert!(lab.sockets.is_empty());
    assert_eq!(lab.engine.deadline(), None);
    // A question that nobody answers is dropped after 40 s, without a reply.
    lab.ask("silent.test.", RecordType::A);
    lab.pass(39_999);
    assert_eq!(lab.sockets.len(), 1);
    lab.pass(1);
    assert!(lab.sockets.is_empty() && lab.replies.is_empty() && lab.engine.deadline().is_none());
}

// ---------------------------------------------------------------------- local names

#[test]
fn hosts_names_and_their_reverse() {
    let mut local = slice(&[UPSTREAM]);
    local.local_ttl = 5;
    let mut lab = Lab::with_hosts(local, "10.0.0.1 Host.lan host2.lan\n2001:db8::1 Host.lan\n");
    let reply = lab.ask("hOST.lan.", RecordType::A).unwrap();
    assert!(reply.metadata.authoritative && reply.metadata.recursion_available);
    assert_eq!((addresses(&reply), reply.answers[0].ttl), (vec!["10.0.0.1".to_owned()], 5));
    assert_eq!(addresses(&lab.ask("host.lan.", RecordType::AAAA).unwrap()), ["2001:db8::1"]);
    assert_eq!(lab.ask("host.lan.", RecordType::ANY).unwrap().answers.len(), 2);
    let reply = lab.ask("1.0.0.10.in-addr.arpa.", RecordType::PTR).unwrap();
    assert_eq!(reply.answers[0].data, RData::PTR(PTR(name("host.lan."))));
    let lines = lab.take_lines();
    for line in ["/etc/hosts host.lan is 10.0.0.1", "/etc/hosts 10.0.0.1 is host.lan", "read /etc/hosts - 3 names"] {
        assert!(lines.contains(&line.to_owned()), "{line}");
    }
}

#[test]
fn a_denial_of_a_name_that_exists_here_becomes_nodata() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 h.lan\n");
    let deny = |m: &mut hickory_proto::op::Message| {
        m.metadata.response_code = ResponseCode::NXDomain;
        m.add_authority(soa(".", 600, 60));
    };
    for (text, rtype) in [("h.lan.", RecordType::AAAA), ("h.lan.", RecordType::TXT), ("lan.", RecordType::A)] {
        let reply = lab.resolve(text, rtype, deny);
        assert_eq!(reply.metadata.response_code, ResponseCode::NoError, "{text}");
        assert!(reply.metadata.authoritative && reply.authorities.len() == 1);
    }
    let reply = lab.resolve("sub.h.lan.", RecordType::A, deny);
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    assert!(!reply.metadata.authoritative);
}

#[test]
fn lease_names_come_and_go_and_yield_to_hosts_files() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 fixed.lan\n");
    let lease = |address: &str, text: &str| LeaseName {
        address: address.parse().unwrap(),
        name: text.to_owned(),
        domain: Some("lan".to_owned()),
        expires_s: 1_700_000_100,
    };
    lab.input(Input::LeaseName(lease("10.0.0.50", "Laptop")));
    lab.input(Input::LeaseName(lease("10.0.0.51", "fixed")));
    assert_eq!(addresses(&lab.ask("laptop.lan.", RecordType::A).unwrap()), ["10.0.0.50"]);
    assert_eq!(addresses(&lab.ask("laptop.", RecordType::A).unwrap()), ["10.0.0.50"]);
    assert_eq!(addresses(&lab.ask("fixed.lan.", RecordType::A).unwrap()), ["10.0.0.1"]);
    let reply = lab.ask("50.0.0.10.in-addr.arpa.", RecordType::PTR).unwrap();
    assert_eq!(reply.answers[0].data, RData::PTR(PTR(name("Laptop.lan."))));
    lab.input(Input::LeaseNameGone("10.0.0.50".parse().unwrap()));
    assert!(lab.ask("laptop.lan.", RecordType::A).is_none());
    let lines = lab.take_lines();
    let taken = "not giving name fixed.lan to the DHCP lease of 10.0.0.51 because the name exists in /etc/hosts with address 10.0.0.1";
    assert!(lines.contains(&taken.to_owned()));
    assert!(lines.contains(&"DHCP laptop.lan is 10.0.0.50".to_owned()));
}

#[test]
fn configured_addresses_and_domains_without_servers() {
    let mut configured = slice(&[UPSTREAM]);
    configured.routes.extend([
        domain("ads.test", RouteTarget::Address([10, 1, 2, 3].into())),
        domain("null.test", RouteTarget::NullAddress),
        domain("l.test", RouteTarget::NoData),
    ]);
    let mut lab = Lab::new(configured);
    let reply = lab.ask("x.ads.test.", RecordType::A).unwrap();
    assert!(reply.metadata.authoritative && addresses(&reply) == ["10.1.2.3"]);
    assert_eq!(addresses(&lab.ask("null.test.", RecordType::ANY).unwrap()), ["0.0.0.0", "::"]);
    let reply = lab.ask("x.l.test.", RecordType::MX).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::NXDomain);
    assert!(!reply.metadata.authoritative);
    let reply = lab.resolve("ads.test.", RecordType::TXT, |m| m.metadata.response_code = ResponseCode::NXDomain);
    assert!(reply.metadata.response_code == ResponseCode::NoError && reply.metadata.authoritative);
    let lines = lab.take_lines();
    for line in [
        "using only locally-known addresses for l.test",
        "config x.ads.test is 10.1.2.3",
        "config x.l.test is NXDOMAIN",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}");
    }
}

#[test]
fn domains_have_servers_of_their_own() {
    let mut routed = slice(&[UPSTREAM, "192.0.2.2:5353"]);
    let everything = Route { scope: RouteScope::All, target: RouteTarget::Upstream(0) };
    let unqualified = Route { scope: RouteScope::Unqualified, target: RouteTarget::Upstream(1) };
    let routes = [everything, domain("example.org", RouteTarget::Upstream(1)), unqualified];
    routed.routes = routes.into_iter().collect();
    let mut lab = Lab::new(routed);
    lab.ask("www.example.org.", RecordType::A);
    lab.ask("single.", RecordType::A);
    lab.ask("www.example.com.", RecordType::A);
    assert_eq!(lab.upstreams_asked(), [1, 1, 0]);
    let lines = lab.take_lines();
    for line in [
        "using nameserver 192.0.2.2#5353 for domain example.org ",
        "using nameserver 192.0.2.2#5353 for unqualified names ",
        "forwarded www.example.org to 192.0.2.2#5353",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}");
    }
}

#[test]
fn domain_needed_and_bogus_priv() {
    let mut filtered = slice(&[UPSTREAM]);
    filtered.domain_needed = true;
    filtered.bogus_priv = true;
    let mut lab = Lab::with_hosts(filtered, "10.0.0.1 h.lan\n");
    let reply = lab.ask("single.", RecordType::A).unwrap();
    assert!(reply.metadata.response_code == ResponseCode::NXDomain && !reply.metadata.authoritative);
    assert_eq!(lab.ask("lan.", RecordType::A).unwrap().metadata.response_code, ResponseCode::NoError);
    assert!(lab.ask("single.", RecordType::MX).is_none());
    let reply = lab.ask("9.9.9.10.in-addr.arpa.", RecordType::PTR).unwrap();
    assert!(reply.metadata.response_code == ResponseCode::NXDomain && reply.metadata.authoritative);
    assert_eq!(lab.ask("1.0.0.10.in-addr.arpa.", RecordType::PTR).unwrap().answers.len(), 1);
    assert!(lab.ask("8.8.8.8.in-addr.arpa.", RecordType::PTR).is_none());
    assert!(lab.take_lines().contains(&"config 10.9.9.9 is NXDOMAIN".to_owned()));
}

// ---------------------------------------------------------------------- unusual queries

#[test]
fn without_upstreams_queries_are_refused() {
    let mut lab = Lab::new(slice(&[]));
    let reply = lab.ask("a.test.", RecordType::A).unwrap();
    assert!(reply.metadata.response_code == ResponseCode::Refused && reply.edns.is_none());
    lab.replies.clear();
    lab.datagram(1, &query_edns(2, "b.test.", RecordType::A, 1232, false));
    assert_eq!(ede(&lab.replies[0].1), Some(14));
    assert!(lab.take_lines().contains(&"config error is REFUSED (EDE: not ready)".to_owned()));
}

#[test]
fn malformed_and_unusual_queries() {
    let mut lab = one();
    let good = query(1, "www.example.com.", RecordType::A);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    // Dropped without a trace: short, a reply, too long, cut short, label type 0x80.
    let mut long = good.clone();
    long.resize(1233, 0);
    for silent in [&good[..11], &with(2, 0x81), &long, &good[..good.len() - 1], &with(12, 0x80)] {
        assert!(lab.ask_bytes(silent).is_none());
    }
    lab.input(Input::Datagram { arrival: arrival(0), bytes: &good });
    assert!(lab.replies.is_empty() && lab.sent.is_empty());
    assert_eq!(lab.ask_bytes(&with(2, 0x11)).unwrap().metadata.response_code, ResponseCode::NotImp);
    // No question; two questions; an answer in a query.
    let mut none = good[..12].to_vec();
    none[5] = 0;
    assert_eq!(lab.ask_bytes(&none).unwrap().metadata.response_code, ResponseCode::Refused);
    let two = [&with(5, 2), &good[12..]].concat();
    let reply = lab.ask_bytes(&two).unwrap();
    assert!(reply.metadata.response_code == ResponseCode::Refused && reply.queries.len() == 2);
    assert_eq!(lab.ask_bytes(&with(7, 1)).unwrap().metadata.response_code, ResponseCode::Refused);
    // A name that points at itself, and a bit-string label: the broken question is echoed.
    let pointer = [&good[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    let bits = [&good[..12], &[0x41, 8, 0xff, 0, 0, 1, 0, 1]].concat();
    for broken in [pointer, bits] {
        lab.replies.clear();
        lab.datagram(1, &broken);
        assert_eq!(lab.replies[0].1[3] & 0x0f, 5);
        assert_eq!(lab.replies[0].1[12..], broken[12..]);
    }
    assert!(lab.sent.is_empty());
}

#[test]
fn chaos_names() {
    let mut lab = one();
    let ask = |lab: &mut Lab, text: &str, rtype| {
        let mut message = query_message(1, text, rtype);
        message.queries[0].set_query_class(hickory_proto::rr::DNSClass::CH);
        lab.ask_bytes(&message.to_vec().unwrap())
    };
    let text = |message: hickory_proto::op::Message| match &message.answers[0].data {
        RData::TXT(txt) => String::from_utf8_lossy(&txt.txt_data[0]).into_owned(),
        other => panic!("{other}"),
    };
    assert_eq!(text(ask(&mut lab, "VERSION.bind.", RecordType::TXT).unwrap()), "dnsmasq-2.93");
    assert_eq!(text(ask(&mut lab, "cachesize.bind.", RecordType::TXT).unwrap()), "150");
    assert_eq!(text(ask(&mut lab, "hits.bind.", RecordType::TXT).unwrap()), "2");
    assert_eq!(text(ask(&mut lab, "servers.bind.", RecordType::ANY).unwrap()), "192.0.2.1#53 0 0");
    let reply = ask(&mut lab, "id.server.", RecordType::TXT).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::NotImp);
    assert!(ask(&mut lab, "x.test.", RecordType::TXT).is_none());
    assert_eq!(lab.sent.len(), 1);
    assert!(lab.take_lines().contains(&"config id.server is not implemented (EDE: unknown)".to_owned()));
}

#[test]
fn local_service_drops_strangers_and_says_so_once() {
    let mut local = slice(&[UPSTREAM]);
    local.local_service = true;
    let mut lab = Lab::new(local);
    let mut stranger = arrival(1000);
    stranger.peer = "198.51.100.7:1000".parse().unwrap();
    for _ in 0..2 {
        lab.input(Input::Datagram { arrival: stranger, bytes: &query(1, "a.test.", RecordType::A) });
    }
    assert!(lab.sent.is_empty());
    let lines = lab.take_lines();
    let warning = "ignoring query from non-local network 198.51.100.7 (logged only once)";
    assert_eq!(lines.iter().filter(|line| *line == warning).count(), 1);
}

// ---------------------------------------------------------------------- TCP

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|bytes| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()).collect()
}

#[test]
fn pipelined_questions_are_answered_in_order() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 h.lan\n");
    let stream = Handle(1);
    lab.input(Input::Accepted { stream, arrival: arrival(4000) });
    let bytes = framed(&[
        query(1, "a.test.", RecordType::A),
        query(2, "h.lan.", RecordType::A),
        query_edns(3, "h.lan.", RecordType::A, 1232, false),
        query(4, "h.lan.", RecordType::A),
    ]);
    for part in bytes.chunks(5) {
        lab.input(Input::StreamBytes { stream, bytes: part });
    }
    assert!(lab.stream_replies.is_empty());
    let sent = lab.sent.remove(0);
    assert!(sent.tcp);
    // Over TCP the query goes on untouched, without an OPT of ours.
    assert_eq!(sent.bytes[2..], query(1, "a.test.", RecordType::A)[2..]);
    lab.answer(&sent, |m| {
        m.add_answer(a("a.test.", 300, [1, 2, 3, 4]));
    });
    let replies: Vec<_> =
        lab.stream_replies.iter().map(|(_, bytes)| hickory_proto::op::Message::from_vec(bytes).unwrap()).collect();
    assert_eq!(replies.iter().map(|reply| reply.metadata.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    // Once a query had EDNS, later replies of ours on the connection have it too.
    assert_eq!(replies.iter().map(|reply| reply.edns.is_some()).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(lab.sockets.len(), 1, "the connection is kept");
    lab.pass(5_000);
    assert!(lab.sockets.is_empty());
    lab.pass(145_000);
    assert_eq!(lab.closed_streams, [stream]);
    assert_eq!(lab.engine.deadline(), None);
    // What was learnt over TCP is in the cache.
    assert!(lab.ask("a.test.", RecordType::A).is_some());
}

#[test]
fn a_connection_serves_again_and_its_end_is_no_setback() {
    let mut lab = one();
    let asks = |lab: &mut Lab, id: u16, name: &str| {
        let stream = Handle(id.into());
        lab.input(Input::Accepted { stream, arrival: arrival(4000 + id) });
        lab.input(Input::StreamBytes { stream, bytes: &framed(&[query(id, name, RecordType::A)]) });
        lab.sent.pop().unwrap()
    };
    let answers = |lab: &mut Lab, sent: &lab::Sent, name: &str| {
        lab.answer(sent, |m| {
            m.add_answer(a(name, 300, [1, 2, 3, 4]));
        });
        assert_eq!(
            hickory_proto::op::Message::from_vec(&lab.stream_replies.pop().unwrap().1).unwrap().answers.len(),
            1
        );
    };
    let first = asks(&mut lab, 1, "a.test.");
    answers(&mut lab, &first, "a.test.");
    let second = asks(&mut lab, 2, "b.test.");
    assert_eq!(second.socket, first.socket);
    answers(&mut lab, &second, "b.test.");

    // The upstream closes it just as it is used again: the question goes over a new one.
    let third = asks(&mut lab, 3, "c.test.");
    assert_eq!(third.socket, first.socket);
    lab.sockets.remove(&third.socket.0);
    lab.input(Input::UpstreamFailed { socket: third.socket });
    let third = lab.sent.pop().unwrap();
    assert_ne!(third.socket, first.socket);
    answers(&mut lab, &third, "c.test.");
    lab.take_lines();
    lab.input(Input::DumpStatistics { utc_offset_s: 0 });
    assert!(lab.take_lines().iter().any(|line| line.contains("queries sent 3, retried 0, failed 0")));
    // What an upstream says unasked ends its connection.
    lab.input(Input::UpstreamBytes { socket: third.socket, bytes: &[0] });
    assert!(lab.sockets.is_empty());
}

#[test]
fn over_tcp_the_next_upstream_is_tried_and_silence_ends() {
    let mut lab = two();
    lab.refusing.insert(0);
    let stream = Handle(1);
    lab.input(Input::Accepted { stream, arrival: arrival(4000) });
    lab.input(Input::StreamBytes { stream, bytes: &framed(&[query(1, "a.test.", RecordType::A)]) });
    assert_eq!(lab.upstreams_asked(), [1]);
    lab.pass(10_000);
    let reply = hickory_proto::op::Message::from_vec(&lab.stream_replies[0].1).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::Refused);
    assert!(lab.sockets.is_empty());
}

#[test]
fn connections_are_limited_and_bad_ones_closed() {
    let mut few = slice(&[UPSTREAM]);
    few.max_tcp_connections = 1;
    let mut lab = Lab::new(few);
    lab.input(Input::Accepted { stream: Handle(1), arrival: arrival(4000) });
    lab.input(Input::Accepted { stream: Handle(2), arrival: arrival(4001) });
    assert_eq!(lab.closed_streams, [Handle(2)]);
    lab.input(Input::StreamBytes { stream: Handle(1), bytes: &[0, 0] });
    assert_eq!(lab.closed_streams, [Handle(2), Handle(1)]);
}

#[test]
fn a_client_that_asks_nothing_makes_room_for_another() {
    let mut few = slice(&[UPSTREAM]);
    few.max_tcp_connections = 2;
    let mut lab = Lab::new(few);
    let accept = |lab: &mut Lab, stream: u32| {
        lab.input(Input::Accepted { stream: Handle(stream), arrival: arrival(4000 + stream as u16) });
    };
    accept(&mut lab, 1);
    accept(&mut lab, 2);
    // The first waits for an upstream, which is not its fault; the second drips.
    let asked = framed(&[query(1, "a.test.", RecordType::A)]);
    lab.input(Input::StreamBytes { stream: Handle(1), bytes: &asked });
    lab.pass(900);
    lab.input(Input::StreamBytes { stream: Handle(2), bytes: &asked[..5] });
    lab.pass(100);
    accept(&mut lab, 3);
    assert_eq!(lab.closed_streams, [Handle(2)]);
    accept(&mut lab, 4);
    assert_eq!(lab.closed_streams, [Handle(2), Handle(4)]);
}

#[test]
fn a_client_that_hangs_up_is_forgotten_upstream_too() {
    let mut lab = one();
    let stream = Handle(1);
    lab.input(Input::Accepted { stream, arrival: arrival(4000) });
    lab.input(Input::StreamBytes { stream, bytes: &framed(&[query(1, "a.test.", RecordType::A)]) });
    assert_eq!(lab.sockets.len(), 1);
    lab.input(Input::StreamClosed { stream });
    assert!(lab.sockets.is_empty() && lab.engine.idle());
}

#[test]
fn one_source_port_means_one_socket_for_all_questions() {
    let mut slice = slice(&[UPSTREAM]);
    slice.one_port = vec![true];
    let mut lab = Lab::new(slice);
    lab.ask("a.test.", RecordType::A);
    lab.ask("b.test.", RecordType::A);
    let (first, second) = (lab.sent.remove(0), lab.sent.remove(0));
    assert_eq!(first.socket, second.socket);
    assert_ne!(first.bytes[..2], second.bytes[..2], "only the id tells them apart");
    lab.answer(&second, |m| {
        m.add_answer(a("b.test.", 300, [2, 2, 2, 2]));
    });
    assert_eq!(addresses(&lab.reply().unwrap()), ["2.2.2.2"]);
    lab.answer(&first, |m| {
        m.add_answer(a("a.test.", 300, [1, 1, 1, 1]));
    });
    assert_eq!(addresses(&lab.reply().unwrap()), ["1.1.1.1"]);
    lab.ask("c.test.", RecordType::A);
    assert_eq!(lab.sent.remove(0).socket, first.socket, "it stays open");
}

// ---------------------------------------------------------------------- life

#[test]
fn the_resolv_file_gives_upstreams_and_takes_them_away() {
    let mut resolved = slice(&["192.0.2.9:53"]);
    resolved.routes = [domain("own.test", RouteTarget::Upstream(0))].into_iter().collect();
    resolved.resolv = true;
    let mut lab = Lab::new(resolved);
    assert!(lab.ask("a.test.", RecordType::A).is_some());
    lab.told.clear();
    lab.take_lines();
    lab.input(Input::ResolvFile { path: "/r", content: b"nameserver 192.0.2.1\nnameserver 127.0.0.1\n" });
    assert_eq!(lab.told, [ToParent::ResolvUpstreams(vec![UPSTREAM.parse().unwrap()])]);
    let expected = [
        "reading /r",
        "ignoring nameserver 127.0.0.1 - local interface",
        "using nameserver 192.0.2.9#53 for domain own.test ",
        "using nameserver 192.0.2.1#53",
    ];
    assert_eq!(lab.take_lines(), expected);
    lab.ask("a.test.", RecordType::A);
    assert_eq!(lab.upstreams_asked(), [1]);
    lab.told.clear();
    lab.input(Input::ResolvFile { path: "/r", content: b"" });
    assert_eq!(lab.told, [ToParent::ResolvUpstreams(Vec::new())]);
    assert_eq!(lab.ask("b.test.", RecordType::A).unwrap().metadata.response_code, ResponseCode::Refused);
    assert!(lab.take_lines().contains(&"no servers found in /r, will retry".to_owned()));
}

#[test]
fn draining_finishes_what_is_owed() {
    let mut lab = one();
    lab.input(Input::Accepted { stream: Handle(1), arrival: arrival(4000) });
    lab.ask("a.test.", RecordType::A);
    lab.input(Input::Drain);
    assert!(!lab.engine.idle());
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |_| {});
    assert!(lab.reply().is_some());
    assert_eq!(lab.closed_streams, [], "a client that has connected may be about to ask");
    lab.pass(5_000);
    assert_eq!(lab.closed_streams, [Handle(1)]);
    assert!(lab.engine.idle());
}

#[test]
fn statistics() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 h.lan\n");
    lab.resolve("a.test.", RecordType::A, |m| {
        m.add_answer(a("a.test.", 300, [1, 2, 3, 4]));
    });
    lab.resolve("nx.test.", RecordType::A, |m| {
        m.metadata.response_code = ResponseCode::NXDomain;
        m.add_authority(soa("test.", 600, 60));
    });
    lab.ask("h.lan.", RecordType::A);
    lab.take_lines();
    lab.input(Input::DumpStatistics { utc_offset_s: 0 });
    let lines = lab.take_lines();
    assert_eq!(lines[0], "time 1700000000");
    assert_eq!(lines[1], "cache size 150, 0/3 cache insertions re-used unexpired cache entries.");
    assert_eq!(lines[2], "queries forwarded 2, queries answered locally 1");
    let server = "server 192.0.2.1#53: queries sent 2, retried 0, failed 0, nxdomain replies 1, avg. latency 0ms";
    assert_eq!(lines[9], server);
    // With the log of queries, a table of all names: two of three records hold, and one of the two is a denial.
    let named = |name: &str| lines.iter().skip(12).filter(|line| line.starts_with(name)).count();
    assert_eq!((named("a.test "), named("nx.test "), named("h.lan "), named("lan ")), (1, 1, 1, 1));
}

// ---------------------------------------------------------------------- loops

#[test]
fn a_probe_that_comes_back_over_udp_takes_its_upstream_out() {
    let mut slice = slice(&[UPSTREAM, "192.0.2.2:5353"]);
    slice.queries.loop_detect = true;
    let mut lab = Lab::new(slice);
    assert_eq!(lab.sent.len(), 2, "one probe each");
    lab.pass(2_000);
    assert!(lab.sockets.is_empty(), "nobody waits for replies to probes");
    let probe = lab.sent[0].bytes.clone();
    assert_ne!(probe[2..], lab.sent[1].bytes[2..], "each has a number of its own");
    for _ in 0..2 {
        lab.input(Input::Datagram { arrival: arrival(4000), bytes: &probe });
    }
    assert_eq!(lab.replies.len(), 0);
    let said = lab.take_lines();
    let told = said.iter().filter(|line| *line == "NOT using nameserver 192.0.2.1#53 - query loop detected").count();
    assert_eq!((told, said.iter().filter(|line| line.contains("using nameserver 192.0.2.2#5353")).count()), (1, 2));
    let to_first = |lab: &Lab| lab.sent.iter().filter(|sent| sent.upstream == 0).count();
    // The probe itself, when it came for the second time, was a question like any other.
    assert_eq!(to_first(&lab), 1);
    assert!(lab.ask("www.example.", RecordType::A).is_none());
    assert_eq!(to_first(&lab), 1);
}

// ---------------------------------------------------------------------- many questions at once

#[test]
fn a_flood_of_one_client_makes_room_for_others() {
    let mut slice = slice(&[UPSTREAM]);
    slice.dns_forward_max = 4;
    let mut lab = Lab::new(slice);
    let mut number = 0;
    let mut ask = |lab: &mut Lab, last: u8| {
        number += 1;
        let mut from = arrival(4000 + number);
        from.peer.set_ip([127, 0, 0, last].into());
        lab.input(Input::Datagram { arrival: from, bytes: &query(number, &format!("n{number}.test."), RecordType::A) });
        let refused = lab.replies.drain(..).map(|(to, bytes)| {
            assert_eq!(bytes[3] & 0x0f, 5);
            (to.peer.ip().to_string(), u16::from_be_bytes([bytes[0], bytes[1]]))
        });
        refused.collect::<Vec<_>>()
    };
    let refused = |last: u8, id: u16| vec![(format!("127.0.0.{last}"), id)];
    for _ in 1..=4 {
        assert!(ask(&mut lab, 1).is_empty());
    }
    assert_eq!(ask(&mut lab, 1), refused(1, 5), "who has most is refused");
    assert_eq!(ask(&mut lab, 2), refused(1, 4), "another client's question takes the place of the newest");
    assert_eq!(ask(&mut lab, 3), refused(1, 3));
    assert_eq!(ask(&mut lab, 3), refused(3, 8), "shares are equal now");
    assert_eq!(lab.sent.len(), 6);
    let said = lab.take_lines();
    let most = "4 of them are for 127.0.0.1, more than for any other client";
    assert_eq!(said.iter().filter(|line| *line == most).count(), 1);
    // Later questions of everybody are asked when the first have aged.
    lab.pass(10_000);
    assert!(ask(&mut lab, 3).is_empty());
}

#[test]
fn a_repeated_question_may_leave_from_further_ports() {
    let mut slice = slice(&[UPSTREAM]);
    slice.queries.port_limit = std::num::NonZeroU32::new(2);
    let mut lab = Lab::new(slice);
    for _ in 0..4 {
        lab.datagram(4000, &query(7, "a.test.", RecordType::A));
    }
    let sockets: Vec<_> = lab.sent.iter().map(|sent| sent.socket).collect();
    assert_ne!(sockets[0], sockets[1]);
    assert_eq!((sockets[2], sockets[3]), (sockets[1], sockets[1]));
    // An answer to any of them counts, and all ports are given up.
    let first = lab.sent.remove(0);
    lab.answer(&first, |m| {
        m.add_answer(a("a.test.", 300, [1, 2, 3, 4]));
    });
    assert_eq!(lab.replies.len(), 1);
    lab.pass(1_000);
    assert!(lab.sockets.is_empty());
}
