//! Copies of packets (`dumpfile`), read by tcpdump.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::Record;
use support::{Answer, Directory, Lan, Server, Subject, Upstream, tftp_client};

use crate::dhcp_client::{Client, Kind};
use crate::dig::dig;

const CONFIG: &str = "no-resolv\nno-hosts\nno-ping\nenable-tftp\ntftp-root=DIR/tftp\ndhcp-range=10.77.0.20,10.77.0.99\n\
                      dumpfile=DIR/packets.pcap\n";

/// What the log says of the packets up to one number: each with its number, and its kind as a mask.
fn told(server: &Server, last: usize) -> Vec<(usize, String)> {
    server.wait_for_line(&format!("dumping packet {last} mask"));
    let of = |line: &String| {
        let (_, rest) = line.split_once("dumping packet ")?;
        let (number, mask) = rest.split_once(" mask ")?;
        Some((number.parse().ok()?, mask.to_owned()))
    };
    server.lines().iter().filter_map(of).collect()
}

/// The packets of a file as tcpdump shows them; a damaged one ends the test.
fn shown(lan: &Lan, directory: &Directory) -> Vec<String> {
    let path = directory.join("packets.pcap");
    let text = lan.clients[0].run("tcpdump", &["-nn", "-vv", "-t", "-r", path.to_str().expect("a plain path")]);
    let text = format!("\n{text}");
    let packets: Vec<String> = text.split("\nIP (").skip(1).map(str::to_owned).collect();
    for packet in &packets {
        // Where dnsmasq leaves out an address of ours, the sum of the IP header is wrong at times.
        let damaged = Subject::chosen() == Subject::Ours && packet.contains("bad cksum");
        assert!(packet.contains("[udp sum ok]") && !damaged, "{packet}");
    }
    packets
}

#[test]
fn copies_of_packets_are_what_went_over_the_wire() {
    let lan = Lan::with_addresses(1);
    let client = &lan.clients[0];
    let _upstream =
        Upstream::start(&lan.upstream, UPSTREAMS[0], |_| Answer::Records(vec![Record::a(UPSTREAMS[0], 300)]));
    let directory = Arc::new(Directory::new());
    directory.write("tftp/file", "content");
    let config = format!("{CONFIG}server={}\n", UPSTREAMS[0]);

    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    let mut kinds = Vec::new();
    dig(client, &["www.example", "A"]);
    kinds.extend(["0x0001", "0x0004", "0x0008", "0x0002"]);
    dig(client, &["www.example", "A"]);
    kinds.extend(["0x0001", "0x0002"]);
    // Connections are not copied.
    dig(client, &["www.example", "A", "+tcp"]);
    let read = || tftp_client::read(SERVER_ADDRESS, "file", Duration::ZERO);
    assert_eq!(client.spawn(read).join().expect("read a file"), Ok(b"content".to_vec()));
    kinds.extend(["0x8000"; 3]);
    server.wait_for_line("tftp/file to 10.77.0.10");
    let udhcpc = Client::start(Kind::Udhcpc, client, "box");
    udhcpc.binding();
    kinds.extend(["0x1000"; 4]);
    let numbered: Vec<(usize, String)> = (1..).zip(kinds.iter().map(|kind| (*kind).to_owned())).collect();
    assert_eq!(told(&server, numbered.len()), numbered);
    let packets = shown(&lan, &directory);
    assert_eq!(packets.len(), numbered.len());
    let holds = |index: usize, text: &str| assert!(packets[index].contains(text), "{text}: {}", packets[index]);
    for (index, text) in
        [(0, "A? www.example."), (1, "A? www.example."), (2, "A 198.51.100.53"), (3, "A 198.51.100.53")]
    {
        holds(index, text);
    }
    holds(0, "10.77.0.10.");
    holds(6, "RRQ \"file\" octet");
    for (index, text) in [(9, "Discover"), (10, "Offer"), (11, "Request"), (12, "ACK")] {
        holds(index, text);
    }
    drop(udhcpc);
    drop(server);

    // A second start goes on where the first ended.
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &format!("{config}dumpmask=0x0002\n"));
    dig(client, &["www.example", "A"]);
    assert_eq!(told(&server, 14), [(14, "0x0002".to_owned())]);
    assert_eq!(shown(&lan, &directory).len(), 14);
}

#[test]
fn what_is_no_capture_file_is_not_written_to() {
    let lan = Lan::with_addresses(1);
    for (content, path, text) in [
        (Some("something that is none, and longer than a header"), "DIR/packets.pcap", "bad header in "),
        (Some("short"), "DIR/packets.pcap", "cannot access "),
        (None, "DIR/absent/packets.pcap", "cannot create "),
        (None, "DIR", "cannot access "),
    ] {
        let directory = Arc::new(Directory::new());
        if let Some(content) = content {
            directory.write("packets.pcap", content);
        }
        let config = format!("no-resolv\nno-hosts\ndumpfile={path}\n");
        let mut server = Server::launch(&lan.server, Arc::clone(&directory), &config, &[]);
        assert_eq!(server.wait().code(), Some(3), "{path}");
        server.wait_for_line(text);
        assert!(content.is_none_or(|content| directory.read("packets.pcap") == content));
    }
}

/// A crash may leave half a packet. (dnsmasq adds to it what no reader finds.)
#[test]
fn half_a_packet_at_the_end_is_cut_off() {
    if Subject::chosen() == Subject::Theirs {
        return;
    }
    let lan = Lan::with_addresses(1);
    let directory = Arc::new(Directory::new());
    let config = "no-resolv\nno-hosts\naddress=/here.test/192.0.2.9\ndumpfile=DIR/packets.pcap\n";
    let server = Server::start_in(&lan.server, Arc::clone(&directory), config);
    dig(&lan.clients[0], &["here.test", "A"]);
    assert_eq!(told(&server, 2).len(), 2);
    drop(server);
    let mut file = fs::OpenOptions::new().append(true).open(directory.join("packets.pcap")).expect("open the file");
    file.write_all(&[1; 27]).expect("damage the file");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), config);
    dig(&lan.clients[0], &["here.test", "A"]);
    assert_eq!(told(&server, 4).first(), Some(&(3, "0x0001".to_owned())));
    assert_eq!(shown(&lan, &directory).len(), 4);
}
