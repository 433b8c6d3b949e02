//! The DNS core with every option on that rewrites queries or replies: each of them walks and rebuilds messages of strangers.

use std::net::Ipv4Addr;

use dns::{Input, Outbox};
use ipc::config::dns::DnsSlice;
use ipc::config::prefix::Prefix;
use ipc::config::query::{AddSubnet, LetterCase, QueryRules, StaleLimit, Subnet, Umbrella};
use ipc::config::reply::{Alias, ReplyRules};
use ipc::time::Now;

use super::dns_core::{NOW, arrival, check, engine_of, message, serve, slice};

/// The largest reply to a client that has not said what it takes (RFC 1035, section 4.2.1), and to any other here.
const BYTES_MAX: [usize; 2] = [512, 1232];
/// Where the type stands in a message about [`NAME`].
const TYPE_AT: usize = 12 + 18;
const NAME: &str = "www.example.test";

fn editing() -> DnsSlice {
    let subnet = Some(Subnet::OfClient(24));
    let queries = QueryRules {
        strip_mac: true,
        add_subnet: Some(AddSubnet { ipv4: subnet, ipv6: subnet }),
        add_cpe_id: Some("home".to_owned()),
        umbrella: Some(Umbrella { device: Some([1; 8]), organization: 7, asset: 9 }),
        letter_case: LetterCase::Random,
        loop_detect: true,
        ..QueryRules::default()
    };
    DnsSlice { queries, ..slice() }
}

fn judging() -> DnsSlice {
    let prefix = |octets: [u8; 4], length| Prefix::cut(Ipv4Addr::from(octets).into(), length);
    let replies = ReplyRules {
        aliases: vec![Alias {
            first: Ipv4Addr::new(192, 0, 2, 0),
            last: Ipv4Addr::new(192, 0, 2, 0),
            replacement: Ipv4Addr::new(8, 8, 8, 0),
            mask: Ipv4Addr::new(255, 255, 255, 0),
        }],
        bogus_nxdomain: vec![prefix([64, 94, 110, 11], 32)],
        ignore_addresses: vec![prefix([6, 6, 6, 6], 32)],
        filtered_types: [28, 257].into(),
        cached_types: [255].into(),
        stop_rebind: true,
        rebind_domains_ok: vec!["inside.test".to_owned()],
        ..ReplyRules::default()
    };
    let queries = QueryRules { stale_answers: Some(StaleLimit::None), ..QueryRules::default() };
    DnsSlice { replies, queries, filter_windows: true, neg_ttl: Some(60), max_ttl: Some(300), ..slice() }
}

/// A datagram from a client.
pub fn query(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine_of(editing(), &mut out);
    serve(&mut engine, &mut out);
    engine.handle(Input::Datagram { arrival: arrival(), bytes }, NOW, &mut out);
    let served = serve(&mut engine, &mut out);
    check(&served.replies, bytes.get(..2).unwrap_or_default());
    for (_, asked) in served.asked {
        let length = |at: usize| usize::from(u16::from_be_bytes([asked[at], asked[at + 1]]));
        assert!(length(4) == 1 && length(6) == 0 && length(8) == 0, "not one plain question: {asked:02x?}");
    }
}

/// A datagram from the upstream to a question of the type that the datagram names; then that question again, fresh and stale.
pub fn reply(bytes: &[u8]) {
    let kind = bytes.get(TYPE_AT..TYPE_AT + 2).map_or(1, |kind| u16::from_be_bytes([kind[0], kind[1]]));
    for (edns, most) in [(false, BYTES_MAX[0]), (true, BYTES_MAX[1])] {
        let mut out = Outbox::new();
        let mut engine = engine_of(judging(), &mut out);
        out.clear();
        let opt: &[(usize, &[u8])] = &[(3, super::dns_core::OPT)];
        let question = message(0x1234, 0x0100, NAME, kind, if edns { opt } else { &[] });
        engine.handle(Input::Datagram { arrival: arrival(), bytes: &question }, NOW, &mut out);
        let served = serve(&mut engine, &mut out);
        let mut replies = served.replies;
        if let Some((socket, asked)) = served.asked.first() {
            let mut bytes = bytes.to_vec();
            for (to, from) in bytes.iter_mut().zip(&asked[..2]) {
                *to = *from;
            }
            engine.handle(Input::UpstreamDatagram { socket: *socket, bytes: &bytes }, NOW, &mut out);
            replies.extend(serve(&mut engine, &mut out).replies);
        }
        for seconds in [1, 100_000] {
            let later = Now { monotonic_ms: NOW.monotonic_ms + 1000 * seconds, wall_s: NOW.wall_s + seconds };
            engine.handle(Input::Datagram { arrival: arrival(), bytes: &question }, later, &mut out);
            replies.extend(serve(&mut engine, &mut out).replies);
            engine.handle(Input::DumpStatistics { utc_offset_s: 0 }, later, &mut out);
            out.clear();
        }
        check(&replies, &question[..2]);
        assert!(replies.iter().all(|reply| reply.len() <= most), "a reply longer than {most} bytes");
    }
}

/// Queries with options of all kinds.
pub fn query_seeds() -> Vec<Vec<u8>> {
    let opt = |options: &[u8]| [&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8], options].concat();
    let with = |options: &[u8]| message(1, 0x0100, NAME, 1, &[(3, &opt(options))]);
    let mut seeds = super::dns_core::query_seeds();
    seeds.extend([
        with(&[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2]),
        with(&[0xfd, 0xe9, 0, 6, 2, 0, 0, 0, 0, 1, 0xfe, 0x32, 0, 2, 1, 2]),
        with(&[0x4f, 0x44, 0, 4, b'O', b'D', b'N', b'S', 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
        message(2, 0x0100, &["b"; 127].join("."), 1, &[(3, &opt(&[]))]),
        message(3, 0x0100, "12345678.test", 16, &[]),
    ]);
    seeds
}

/// Replies about [`NAME`] with records of many types.
pub fn reply_seeds() -> Vec<Vec<u8>> {
    let record = |kind: u16, rdata: &[u8]| {
        let mut bytes = vec![0xc0, 12];
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 1, 44]);
        bytes.extend((rdata.len() as u16).to_be_bytes());
        bytes.extend(rdata);
        bytes
    };
    let types: [(u16, &[u8]); 14] = [
        (1, &[8, 8, 8, 8]),
        (2, &[2, b'n', b's', 0xc0, 16]),
        (6, &[0xc0, 16, 0xc0, 16, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5]),
        (12, &[1, b'p', 0xc0, 12]),
        (15, &[0, 10, 0xc0, 12]),
        (16, &[5, b'h', b'e', b'l', b'l', b'o', 0]),
        (28, &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (33, &[0, 1, 0, 2, 0, 53, 0xc0, 16]),
        (35, &[0, 1, 0, 2, 1, b'u', 1, b's', 1, b'r', 0xc0, 16]),
        (43, &[1, 2, 8, 1, 9, 9, 9, 9]),
        (46, &[0, 1, 8, 2, 0, 0, 1, 44, 0, 0, 0, 2, 0, 0, 0, 1, 0, 7, 1, b'x', 0, 1, 2, 3]),
        (47, &[1, b'x', 0, 0, 2, 0x40, 1]),
        (65, &[0, 1, 0, 0, 4, 0, 4, 192, 0, 2, 1, 0, 6, 0, 16, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (257, &[0, 5, b'i', b's', b's', b'u', b'e', b'c', b'a']),
    ];
    let records: Vec<(u16, Vec<u8>)> = types.iter().map(|(kind, rdata)| (*kind, record(*kind, rdata))).collect();
    let mut seeds = super::dns_core::reply_seeds();
    seeds.extend(records.iter().map(|(kind, record)| message(0, 0x8180, NAME, *kind, &[(1, record.as_slice())])));
    // All at once, in every section, many times over.
    let all: Vec<(usize, &[u8])> =
        [1, 2, 3].iter().flat_map(|section| records.iter().map(|(_, bytes)| (*section, bytes.as_slice()))).collect();
    seeds.push(message(0, 0x8180, NAME, 255, &all));
    let addresses = [&records[0].1, &records[6].1].map(|bytes| (1, bytes.as_slice()));
    seeds.push(message(0, 0x8180, NAME, 1, &addresses.repeat(40)));
    // Options that are longer than a reply may be.
    let options = [&[0, 0, 41, 4, 208, 0, 0, 0, 0, 7, 208, 0xfd, 0xe9, 7, 204][..], &[0; 1996]].concat();
    seeds.push(message(0, 0x8180, NAME, 1, &[addresses[0], (3, &options)]));
    for address in [[64, 94, 110, 11], [6, 6, 6, 6], [10, 0, 0, 1], [192, 0, 2, 9]] {
        seeds.push(message(0, 0x8180, NAME, 1, &[(1, &record(1, &address))]));
    }
    seeds
}
