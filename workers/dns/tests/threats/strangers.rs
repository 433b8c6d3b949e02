//! Bytes that have no business in names, and text files of strangers.

use dns::Input;
use hickory_proto::rr::RecordType;
use ipc::dns::ToParent;

use crate::craft::{self, A, CNAME, REPLY, message, question, record, wire};
use crate::lab::{Lab, addresses, query, slice};

const UPSTREAM: &str = "192.0.2.1:53";

/// Names that hold this byte at the beginning, in the middle and at the end of a label, alone, and all over the longest name there is.
fn names(byte: u8) -> Vec<Vec<u8>> {
    let longest = [[vec![63], vec![byte; 63]].concat().repeat(3), vec![61], vec![byte; 61], vec![0]].concat();
    assert_eq!(longest.len(), 255);
    let of = |label: &[u8]| [&[label.len() as u8], label, &wire("example.com")].concat();
    vec![of(&[byte]), of(&[byte, b'x']), of(&[b'x', byte, b'y']), of(&[b'x', byte]), longest]
}

/// Lines of the log show no byte that could end a line or move a cursor.
fn are_clean(lines: &[String], byte: u8) {
    for line in lines {
        assert!(line.chars().all(|c| (' '..='~').contains(&c)), "byte {byte:#04x}: {line:?}");
    }
}

/// A11, D27: names of any bytes go to upstream and back as they are, and are told apart.
#[test]
fn a11_every_byte_in_a_name_goes_through_unchanged() {
    for byte in 0..=255u8 {
        for name in names(byte) {
            let mut lab = Lab::new(slice(&[UPSTREAM]));
            let asked = message(7, 0x0100, [1, 0, 0, 0], &[&question(&name, A)]);
            lab.datagram(1001, &asked);
            let sent = lab.sent.pop().unwrap_or_else(|| panic!("{name:02x?} is not forwarded"));
            assert_eq!(craft::asked(&sent), question(&name, A));
            let answer = record(&[0xc0, 12], A, 300, &[1, 2, 3, 4]);
            lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&[answer], &[], &[]]));
            // From upstream, and from the cache.
            lab.datagram(1001, &asked);
            assert_eq!(lab.replies.len(), 2, "{name:02x?}");
            for (_, reply) in lab.replies.drain(..) {
                assert_eq!(reply[12..12 + name.len()], name);
                assert!(reply.ends_with(&[1, 2, 3, 4]));
            }
            // The byte with its highest bit turned is another one.
            let other: Vec<u8> =
                name.iter().map(|at| if *at == byte && byte > 0x40 { byte ^ 0x80 } else { *at }).collect();
            if other != name {
                lab.datagram(1002, &message(8, 0x0100, [1, 0, 0, 0], &[&question(&other, A)]));
                assert!(lab.replies.is_empty(), "{other:02x?} is not {name:02x?}");
            }
        }
    }
}

/// A21, D27: the log tells of such names in printable characters, one event a line, however they come: asked for, aliased, pointed to, denied.
#[test]
fn a21_no_byte_of_a_name_reaches_the_log_raw() {
    for byte in 0..=255u8 {
        let mut lab = Lab::new(slice(&[UPSTREAM]));
        for name in names(byte) {
            lab.datagram(1001, &message(7, 0x0100, [1, 0, 0, 0], &[&question(&name, A)]));
            let sent = lab.sent.remove(0);
            let before = lab.take_lines();
            assert_eq!(before.iter().filter(|line| line.starts_with("query[A] ")).count(), 1);
            assert_eq!(before.iter().filter(|line| line.starts_with("forwarded ")).count(), 1);
            are_clean(&before, byte);
            let soa = [name.clone(), name.clone(), vec![1; 20]].concat();
            let link = record(&[0xc0, 12], CNAME, 300, &name);
            lab.answer_bytes(&sent, &craft::reply(&sent, 0x8183, [&[link], &[record(&name, 6, 300, &soa)], &[]]));
            are_clean(&lab.take_lines(), byte);
        }
        // As the name of an address, which the log and the cache's table show.
        lab.ask("4.3.2.1.in-addr.arpa.", RecordType::PTR);
        let sent = lab.sent.remove(0);
        let pointers: Vec<Vec<u8>> = names(byte).iter().map(|name| record(&[0xc0, 12], 12, 300, name)).collect();
        lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&pointers, &[], &[]]));
        lab.input(Input::DumpStatistics { utc_offset_s: 0 });
        are_clean(&lab.take_lines(), byte);
    }
}

/// A21: what files say reaches the log only as numbers of lines.
#[test]
fn a21_no_byte_of_a_file_reaches_the_log_raw() {
    for byte in (0..=255u8).filter(|byte| *byte != b'\n') {
        let mut lab = Lab::new(slice(&[UPSTREAM]));
        lab.take_lines();
        let hosts = [&b"10.0.0.1 a"[..], &[byte], b"b\n", &[byte], b" name\n10.0.0.2 ", &[byte], b"\n"].concat();
        lab.input(Input::HostsFile { path: "/etc/hosts", content: Ok(&hosts) });
        let resolv = [&b"nameserver "[..], &[byte], b"\n", &[byte], b"\nnameserver 192.0.2.7\n"].concat();
        lab.input(Input::ResolvFile { path: "/etc/resolv.conf", content: &resolv });
        lab.input(Input::DumpStatistics { utc_offset_s: 0 });
        are_clean(&lab.take_lines(), byte);
    }
}

/// A23: a resolv file of any length gives a bounded number of upstreams.
#[test]
fn a23_a_resolv_file_names_only_so_many_upstreams() {
    let mut resolved = slice(&[]);
    resolved.resolv = true;
    let mut lab = Lab::new(resolved);
    let text: String = (0..100_000u32)
        .map(|number| format!("nameserver 20.{}.{}.{}\n", number >> 16, number >> 8 & 255, number & 255))
        .collect();
    lab.input(Input::ResolvFile { path: "/r", content: text.as_bytes() });
    let counts: Vec<usize> = lab
        .told
        .iter()
        .filter_map(|told| if let ToParent::ResolvUpstreams(all) = told { Some(all.len()) } else { None })
        .collect();
    assert_eq!(counts, [ipc::dns::RESOLV_UPSTREAMS_MAX]);
    lab.ask("www.example.com.", RecordType::A);
    assert!(lab.sent.len() <= ipc::dns::RESOLV_UPSTREAMS_MAX);
    // A line of a megabyte, and a million empty ones.
    for text in ["nameserver ".to_owned() + &"1".repeat(1 << 20), "\n".repeat(1 << 20), "nameserver\n".repeat(100_000)]
    {
        lab.input(Input::ResolvFile { path: "/r", content: text.as_bytes() });
    }
    assert!(lab.ask("other.example.com.", RecordType::A).is_some(), "nobody is left to ask");
}

/// A23: a hosts file full of nonsense does not become as many lines of the log.
#[test]
fn a23_nonsense_in_a_hosts_file_is_reported_briefly() {
    let mut lab = Lab::new(slice(&[]));
    lab.take_lines();
    let nonsense = "x\n".repeat(1_000_000) + &"10.0.0.1 bad..name ..\n".repeat(1000);
    lab.input(Input::HostsFile { path: "/h", content: Ok(nonsense.as_bytes()) });
    let lines = lab.take_lines();
    assert!(lines.len() <= 110, "{} lines", lines.len());
    assert!(lines.iter().any(|line| line == "bad address at /h line 1"));
    assert!(lines.iter().any(|line| line == "1001900 more bad addresses and names at /h"), "{:?}", lines.last());
}

/// A23: one name may have only so many addresses, and one address many names, without anything growing out of bounds.
#[test]
fn a23_a_hosts_file_of_repetitions_stays_usable() {
    let many: String = (0..100_000u32)
        .map(|number| format!("10.{}.{}.{} many.lan\n", number >> 16, number >> 8 & 255, number & 255))
        .collect();
    let one: String = (0..100_000u32).map(|number| format!("10.9.9.9 n{number}.lan\n")).collect();
    let line = "10.8.8.8 ".to_owned() + &(0..100_000u32).map(|number| format!("w{number}.lan ")).collect::<String>();
    let mut lab = Lab::with_hosts(slice(&[]), &[many, one, line].join("\n"));
    for (name, address) in [("n99999.lan.", "10.9.9.9"), ("w99999.lan.", "10.8.8.8")] {
        assert_eq!(addresses(&lab.ask(name, RecordType::A).unwrap()), [address]);
    }
    lab.datagram(1001, &query(7, "many.lan.", RecordType::A));
    assert!(lab.replies.pop().unwrap().1.len() <= 512);
    assert!(lab.ask("9.9.9.10.in-addr.arpa.", RecordType::PTR).is_some());
}
