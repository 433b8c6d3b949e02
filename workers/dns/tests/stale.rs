//! Stale answers: what has expired is served while a fresh answer is fetched.

mod lab;

use std::num::NonZeroU32;

use dns::{Handle, Input};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use ipc::config::dns::{DnsSlice, LogQueries};
use ipc::config::query::StaleLimit;
use lab::{Lab, a, addresses, arrival, cname, query, query_edns, slice, soa};

const WWW: &str = "www.example.com.";

fn limited(seconds: u32) -> DnsSlice {
    let mut slice = slice(&["192.0.2.1:53"]);
    slice.queries.stale_answers = NonZeroU32::new(seconds).map(StaleLimit::Seconds);
    slice
}

/// An engine that has an answer which expired ten seconds ago.
fn lab() -> Lab {
    lab_of(limited(3600))
}

fn lab_of(slice: DnsSlice) -> Lab {
    let mut lab = Lab::new(slice);
    lab.resolve(WWW, RecordType::A, |m| {
        m.add_answer(a(WWW, 60, [1, 2, 3, 4]));
    });
    lab.pass(70_000);
    lab.take_lines();
    lab
}

fn is_stale(bytes: &[u8]) -> bool {
    bytes.ends_with(&[0, 15, 0, 2, 0, 3])
}

#[test]
fn an_expired_answer_is_served_with_ttl_zero_and_refreshed_without_a_second_reply() {
    let mut lab = lab();
    lab.datagram(5353, &query_edns(8, WWW, RecordType::A, 1232, false));
    assert!(is_stale(&lab.replies[0].1));
    let reply = lab.reply().unwrap();
    assert_eq!((addresses(&reply), reply.answers[0].ttl), (vec!["1.2.3.4".to_owned()], 0));
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| {
        m.add_answer(a(WWW, 60, [1, 2, 3, 5]));
    });
    assert!(lab.replies.is_empty() && lab.sent.is_empty());
    let reply = lab.ask(WWW, RecordType::A).unwrap();
    assert_eq!((addresses(&reply), reply.answers[0].ttl), (vec!["1.2.3.5".to_owned()], 60));
    let expected = [
        "query[A] www.example.com from 127.0.0.1",
        "cached-stale www.example.com is 1.2.3.4",
        "forwarded www.example.com to 192.0.2.1",
        "reply www.example.com is 1.2.3.5",
        "query[A] www.example.com from 127.0.0.1",
        "cached www.example.com is 1.2.3.5",
    ];
    assert_eq!(lab.take_lines(), expected);
}

#[test]
fn what_is_logged_of_a_refresh_names_no_client() {
    let mut slice = limited(3600);
    slice.log_queries = LogQueries { on: true, proto: true, ..LogQueries::default() };
    let mut lab = lab_of(slice);
    lab.ask(WWW, RecordType::A).unwrap();
    let expected = [
        "UDP 2 127.0.0.1/5353 query[A] www.example.com from 127.0.0.1",
        "UDP 2 127.0.0.1/5353 cached-stale www.example.com is 1.2.3.4",
        "UDP 2 forwarded www.example.com to 192.0.2.1",
    ];
    assert_eq!(lab.take_lines(), expected);
    lab.input(Input::DumpStatistics { utc_offset_s: 0 });
    let lines = lab.take_lines();
    assert_eq!(lines[2..4], ["queries forwarded 2, queries answered locally 0", "queries answered from stale cache 1"]);
}

#[test]
fn one_refresh_serves_everybody_until_it_takes_too_long() {
    let mut lab = lab();
    for port in 0..20 {
        lab.datagram(6000 + port, &query(port, WWW, RecordType::A));
    }
    assert_eq!((lab.replies.len(), lab.sent.len()), (20, 1));
    lab.pass(2000);
    lab.datagram(6100, &query(1, WWW, RecordType::A));
    assert_eq!((lab.replies.len(), lab.sent.len()), (21, 2));
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| m.metadata.response_code = ResponseCode::ServFail);
    assert_eq!(lab.replies.len(), 21);
    // What failed is tried again.
    lab.pass(10_000);
    assert!(lab.ask(WWW, RecordType::A).is_some());
}

#[test]
fn behind_the_limit_clients_wait_and_may_join_a_refresh() {
    let mut lab = lab_of(limited(11));
    assert!(lab.ask(WWW, RecordType::A).is_some());
    lab.pass(1000);
    assert!(lab.ask(WWW, RecordType::A).is_none());
    assert!(lab.ask("WWW.example.com.", RecordType::A).is_none());
    let sent = lab.sent.remove(0);
    lab.answer(&sent, |m| {
        m.add_answer(a(WWW, 60, [1, 2, 3, 5]));
    });
    assert_eq!(addresses(&lab.reply().unwrap()), ["1.2.3.5"]);
    // The table's counts still fit: what follows is joined and answered as ever.
    lab.resolve("other.example.com.", RecordType::A, |m| {
        m.add_answer(a("other.example.com.", 60, [1, 2, 3, 6]));
    });
}

#[test]
fn over_tcp_the_connection_ends_and_the_refresh_goes_over_tcp() {
    let mut lab = lab();
    let stream = Handle(1);
    lab.input(Input::Accepted { stream, arrival: arrival(4000) });
    let asked = query(9, WWW, RecordType::A);
    let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
    lab.input(Input::StreamBytes { stream, bytes: &framed.repeat(2) });
    assert_eq!((lab.stream_replies.len(), lab.closed_streams.clone()), (1, vec![stream]));
    // Another connection does not make another question.
    let stream = Handle(2);
    lab.input(Input::Accepted { stream, arrival: arrival(4001) });
    lab.input(Input::StreamBytes { stream, bytes: &framed });
    let sent = lab.sent.remove(0);
    assert!(sent.tcp && lab.sent.is_empty());
    lab.answer(&sent, |m| {
        m.add_answer(a(WWW, 60, [1, 2, 3, 5]));
    });
    assert_eq!((lab.stream_replies.len(), lab.replies.len()), (2, 0));
    assert_eq!(addresses(&lab.ask(WWW, RecordType::A).unwrap()), ["1.2.3.5"]);
}

#[test]
fn connections_cannot_pile_up_refreshes() {
    let mut slice = limited(3600);
    slice.dns_forward_max = 3;
    let mut lab = Lab::new(slice);
    let names: Vec<String> = (0..6).map(|number| format!("n{number}.example.com.")).collect();
    for name in &names {
        lab.resolve(name, RecordType::A, |m| {
            m.add_answer(a(name, 1, [1, 2, 3, 4]));
        });
    }
    lab.pass(1000);
    for (handle, name) in (1..).zip(&names) {
        lab.input(Input::Accepted { stream: Handle(handle), arrival: arrival(4000) });
        let asked = query(9, name, RecordType::A);
        let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
        lab.input(Input::StreamBytes { stream: Handle(handle), bytes: &framed });
    }
    assert_eq!((lab.stream_replies.len(), lab.sent.len()), (6, 3));
}

#[test]
fn denials_and_the_ends_of_chains_may_be_stale_too() {
    let mut lab = Lab::new(limited(3600));
    lab.resolve("nx.example.com.", RecordType::A, |m| {
        m.metadata.response_code = ResponseCode::NXDomain;
        m.add_authority(soa("example.com.", 600, 60));
    });
    lab.resolve("alias.example.com.", RecordType::A, |m| {
        m.add_answer(cname("alias.example.com.", 300, WWW));
        m.add_answer(a(WWW, 60, [1, 2, 3, 4]));
    });
    lab.sent.clear();
    lab.pass(70_000);
    lab.take_lines();
    lab.datagram(5353, &query_edns(8, "nx.example.com.", RecordType::AAAA, 1232, false));
    assert!(is_stale(&lab.replies[0].1));
    assert_eq!(lab.reply().unwrap().metadata.response_code, ResponseCode::NXDomain);
    lab.datagram(5353, &query_edns(8, "alias.example.com.", RecordType::A, 1232, false));
    assert!(is_stale(&lab.replies[0].1));
    let ttls: Vec<u32> = lab.reply().unwrap().answers.iter().map(|record| record.ttl).collect();
    assert_eq!((ttls, lab.sent.len()), (vec![230, 0], 2));
    let lines = lab.take_lines();
    assert_eq!(lines[1], "cached-stale nx.example.com is NXDOMAIN");
    assert_eq!(lines[4..6], ["cached alias.example.com is <CNAME>", "cached-stale www.example.com is 1.2.3.4"]);
}

#[test]
fn what_must_not_be_kept_is_fresh_for_a_second() {
    let mut lab = Lab::new(limited(3600));
    lab.resolve(WWW, RecordType::A, |m| {
        m.add_answer(a(WWW, 0, [1, 2, 3, 4]));
    });
    lab.pass(900);
    assert_eq!(lab.ask(WWW, RecordType::A).unwrap().answers[0].ttl, 0);
    assert!(lab.sent.is_empty());
    lab.pass(200);
    assert!(lab.ask(WWW, RecordType::A).is_some());
    assert_eq!(lab.sent.len(), 1);
}

#[test]
fn a_worker_that_only_refreshes_owes_nothing() {
    let mut lab = lab();
    lab.ask(WWW, RecordType::A).unwrap();
    lab.input(Input::Drain);
    assert!(lab.engine.idle());
}

#[test]
fn a_stale_name_is_not_asked_of_upstreams_that_it_has_no_business_with() {
    let mut slice = limited(3600);
    slice.domain_needed = true;
    let mut lab = Lab::new(slice);
    lab.resolve("alias.example.com.", RecordType::A, |m| {
        m.add_answer(cname("alias.example.com.", 300, "plain."));
        m.add_answer(a("plain.", 60, [1, 2, 3, 4]));
    });
    lab.pass(70_000);
    lab.sent.clear();
    assert!(lab.ask("plain.", RecordType::A).is_some());
    assert!(lab.sent.is_empty());
}
