//! Whole conversations with an engine whose files are in memory. What is expected was observed on dnsmasq 2.93, unless a
//! comment says otherwise.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipc::config::tftp::{TftpRoot, TftpSlice};
use ipc::link::Interface;
use ipc::tftp::ToParent;
use ipc::time::Now;
use tftp::{Action, Arrival, Engine, FileFacts, FileHandle, Files, Handle, Input, OpenError, Outbox};

const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)), 2000);
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const PUBLIC: FileFacts = FileFacts { size: 0, regular: true, directory: false, world_readable: true, own: false };

#[derive(Default)]
struct Memory {
    files: BTreeMap<String, (Vec<u8>, FileFacts)>,
    open: BTreeMap<u32, String>,
    next: u32,
    broken: bool,
}

impl Files for Memory {
    fn open(&mut self, _: usize, path: &str) -> Result<(FileHandle, FileFacts), OpenError> {
        match path {
            "secret" => return Err(OpenError::Denied),
            "loop" => return Err(OpenError::Other("Too many levels of symbolic links".to_owned())),
            _ => {}
        }
        let (content, facts) = self.files.get(path).ok_or(OpenError::NotFound)?;
        self.next += 1;
        self.open.insert(self.next, path.to_owned());
        Ok((FileHandle(self.next), FileFacts { size: content.len() as u64, ..*facts }))
    }

    fn is_directory(&mut self, _: usize, _: &str) -> bool {
        false
    }

    /// Reads at most 100 bytes at a time: the engine must ask again.
    fn read_at(&mut self, file: FileHandle, offset: u64, buffer: &mut [u8]) -> Result<usize, String> {
        if self.broken {
            return Err("Input/output error".to_owned());
        }
        let content = &self.files[&self.open[&file.0]].0;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(buffer.len()).min(100);
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn close(&mut self, file: FileHandle) {
        assert!(self.open.remove(&file.0).is_some(), "closed twice");
    }
}

struct Scene {
    engine: Engine,
    files: Memory,
    now_ms: u64,
    out: Outbox,
    sockets: u32,
}

fn slice() -> TftpSlice {
    let root = TftpRoot { path: "/srv/".to_owned(), interface: None };
    TftpSlice { roots: vec![root], max: 50, ..TftpSlice::default() }
}

fn scene(slice: TftpSlice) -> Scene {
    let mut files = Memory::default();
    let mut file = |name: &str, content: &[u8], facts: FileFacts| {
        files.files.insert(name.to_owned(), (content.to_vec(), facts));
    };
    file("text", b"line1\nline2\r\nend", PUBLIC);
    file("empty", b"", PUBLIC);
    file("exact", &[b'x'; 1024], PUBLIC);
    file("big", &(0..5120u32).map(|n| n as u8).collect::<Vec<_>>(), PUBLIC);
    file("huge", &vec![7; 70_000], PUBLIC);
    file("private", b"x", FileFacts { world_readable: false, ..PUBLIC });
    file("mine", b"x", FileFacts { own: true, world_readable: false, ..PUBLIC });
    file("directory", b"", FileFacts { regular: false, directory: true, ..PUBLIC });
    file("fifo", b"", FileFacts { regular: false, ..PUBLIC });
    let mut scene = Scene { engine: Engine::new(slice, [7; 32]), files, now_ms: 1000, out: Outbox::new(), sockets: 0 };
    let interface = Interface {
        index: 2,
        name: "eth0".to_owned(),
        addresses: vec![(SERVER, 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: true,
    };
    scene.give(Input::Interfaces(vec![interface]));
    scene
}

impl Scene {
    /// Packets, and everything else in words, that follow from an input.
    fn give(&mut self, input: Input<'_>) -> (Vec<Vec<u8>>, Vec<String>) {
        self.out.clear();
        let now = Now { monotonic_ms: self.now_ms, wall_s: 0 };
        self.engine.handle(input, now, &mut self.files, &mut self.out);
        let mut packets = Vec::new();
        let mut words = Vec::new();
        for action in &self.out.actions {
            match action {
                Action::Reply { bytes, .. } | Action::Send { bytes, .. } => {
                    packets.push(self.out.bytes[bytes.clone()].to_vec());
                }
                Action::Close { socket } => words.push(format!("close {}", socket.0)),
                Action::Tell(ToParent::Serving) => words.push("serving".to_owned()),
                Action::Tell(ToParent::WantTransfer { .. }) => words.push("want".to_owned()),
                Action::Tell(ToParent::Sent { size, client, path }) => {
                    words.push(format!("script hears of {path}, {size} bytes, to {client}"));
                }
            }
        }
        words.extend(self.out.lines.iter().map(|line| line.text.clone()));
        (packets, words)
    }

    fn ask_from(&mut self, peer: SocketAddr, request: &str) -> (Vec<Vec<u8>>, Vec<String>) {
        let packet = ["\0\x01", &request.replace(' ', "\0")].concat();
        let arrival = Arrival { interface: 2, peer, local: SERVER };
        self.give(Input::Request { bytes: packet.as_bytes(), arrival })
    }

    fn ask(&mut self, request: &str) -> (Vec<Vec<u8>>, Vec<String>) {
        self.ask_from(CLIENT, request)
    }

    /// Hands over the socket that was asked for last.
    fn socket(&mut self) -> (Handle, Vec<Vec<u8>>) {
        let ticket = self.out.actions.iter().find_map(|action| match action {
            Action::Tell(ToParent::WantTransfer { ticket, .. }) => Some(*ticket),
            _ => None,
        });
        self.sockets += 1;
        let socket = Handle(self.sockets);
        let (packets, _) = self.give(Input::Socket { ticket: ticket.expect("a request for a socket"), socket });
        (socket, packets)
    }

    fn fetch(&mut self, request: &str) -> (Handle, Vec<Vec<u8>>) {
        self.ask(request);
        self.socket()
    }

    fn acknowledge(&mut self, socket: Handle, block: u16) -> (Vec<Vec<u8>>, Vec<String>) {
        let [high, low] = block.to_be_bytes();
        self.give(Input::Transfer { socket, bytes: &[0, 4, high, low] })
    }

    fn pass(&mut self, now_ms: u64) -> (Vec<Vec<u8>>, Vec<String>) {
        self.now_ms = now_ms;
        self.give(Input::Deadline)
    }

    fn settled(&self) -> bool {
        self.engine.idle() && self.files.open.is_empty() && self.engine.deadline().is_none()
    }
}

fn error(code: u8, text: &str) -> Vec<u8> {
    [&[0, 5, 0, code], text.as_bytes(), &[0]].concat()
}

fn blocks(packets: &[Vec<u8>]) -> Vec<u16> {
    packets.iter().filter(|packet| packet[1] == 3).map(|packet| u16::from_be_bytes([packet[2], packet[3]])).collect()
}

#[test]
fn a_start_names_the_root_with_blanks_at_the_end() {
    assert_eq!(scene(slice()).give(Input::Start).1, ["serving", "TFTP root is /srv  "]);
    let secure = TftpSlice { secure: true, roots: Vec::new(), ..slice() };
    assert_eq!(scene(secure).give(Input::Start).1, ["serving", "TFTP enabled secure mode "]);
}

#[test]
fn refusals_say_to_the_client_what_they_say_to_the_log() {
    for (request, code, text) in [
        ("text mail ", 4, "unsupported request from 10.0.0.9"),
        ("text ", 4, "unsupported request from 10.0.0.9"),
        (" octet ", 4, "empty filename in request from 10.0.0.9"),
        ("nofile octet ", 1, "file /srv/nofile not found for 10.0.0.9"),
        ("/srv/no\u{1}f\u{e9}ile octet ", 1, "file /srv/nofile not found for 10.0.0.9"),
        ("private octet ", 2, "cannot access /srv/private: Permission denied"),
        ("secret octet ", 2, "cannot access /srv/secret: Permission denied"),
        ("fifo octet ", 2, "cannot access /srv/fifo: Permission denied"),
        ("x/../text octet ", 2, "cannot access /srv/x/../text: Permission denied"),
        ("directory octet ", 0, "cannot read /srv/directory: Is a directory"),
        ("loop octet ", 0, "cannot read /srv/loop: Too many levels of symbolic links"),
    ] {
        let mut scene = scene(slice());
        assert_eq!(scene.ask(request), (vec![error(code, text)], vec![text.to_owned()]), "{request:?}");
        assert!(scene.settled());
    }
}

#[test]
fn a_script_hears_of_what_was_sent_whole() {
    let mut scene = scene(TftpSlice { tell_script: true, quiet: true, ..slice() });
    let (socket, _) = scene.fetch("exact octet ");
    for block in 1..=2 {
        assert_eq!(scene.acknowledge(socket, block).1, [""; 0]);
    }
    let words = scene.acknowledge(socket, 3).1;
    assert_eq!(words, ["close 1", "script hears of /srv/exact, 1024 bytes, to 10.0.0.9"]);
}

#[test]
fn writing_is_not_supported_and_other_packets_are_not_answered() {
    let mut scene = scene(slice());
    let arrival = Arrival { interface: 2, peer: CLIENT, local: SERVER };
    let text = "unsupported write request from 10.0.0.9";
    let answer = scene.give(Input::Request { bytes: b"\0\x02text\0octet\0", arrival });
    assert_eq!(answer, (vec![error(4, text)], vec![text.to_owned()]));
    for bytes in [&b""[..], b"\0\x04\0\0", b"\0\x09text\0octet\0"] {
        assert_eq!(scene.give(Input::Request { bytes, arrival }), (vec![], vec![]));
    }
}

#[test]
fn a_name_that_is_no_text_is_not_found() {
    let mut scene = scene(slice());
    let arrival = Arrival { interface: 2, peer: CLIENT, local: SERVER };
    let answer = scene.give(Input::Request { bytes: b"\0\x01a\xffb\0octet\0", arrival });
    assert_eq!(answer.0, [error(1, "file /srv/ab not found for 10.0.0.9")]);
}

#[test]
fn requests_on_other_interfaces_are_passed_over() {
    let mut scene = scene(slice());
    let arrival = Arrival { interface: 3, peer: CLIENT, local: SERVER };
    assert_eq!(scene.give(Input::Request { bytes: b"\0\x01text\0octet\0", arrival }), (vec![], vec![]));
}

#[test]
fn a_short_file_is_one_block_and_its_end_is_logged() {
    let mut scene = scene(slice());
    assert_eq!(scene.ask("text octet "), (vec![], vec!["want".to_owned()]));
    let (socket, packets) = scene.socket();
    assert_eq!(packets, [b"\0\x03\0\x01line1\nline2\r\nend".to_vec()]);
    assert_eq!(scene.acknowledge(socket, 1), (vec![], vec!["close 1".into(), "sent /srv/text to 10.0.0.9".into()]));
    assert!(scene.settled());
}

#[test]
fn a_file_of_whole_blocks_ends_with_an_empty_one() {
    let mut scene = scene(slice());
    let (socket, packets) = scene.fetch("exact octet ");
    assert_eq!(packets[0].len(), 516);
    assert_eq!(scene.acknowledge(socket, 1).0[0].len(), 516);
    assert_eq!(scene.acknowledge(socket, 2).0, [vec![0, 3, 0, 3]]);
    scene.acknowledge(socket, 3);
    assert!(scene.settled());
    assert_eq!(scene.fetch("empty octet ").1, [vec![0, 3, 0, 1]]);
}

#[test]
fn options_wait_for_their_acknowledgement() {
    let mut scene = scene(slice());
    let (socket, packets) = scene.fetch("empty octet tsize 0 ");
    assert_eq!(packets, [b"\0\x06tsize\x000\0".to_vec()]);
    assert_eq!(scene.acknowledge(socket, 1).0, Vec::<Vec<u8>>::new());
    assert_eq!(scene.acknowledge(socket, 0).0, [vec![0, 3, 0, 1]]);
}

#[test]
fn netascii_ends_lines_with_two_bytes_also_across_blocks() {
    let mut scene = scene(slice());
    let (socket, packets) = scene.fetch("text netascii blksize 6 ");
    assert_eq!(packets, [b"\0\x06blksize\x006\0".to_vec()]);
    assert_eq!(scene.acknowledge(socket, 0).0, [b"\0\x03\0\x01line1\r".to_vec()]);
    assert_eq!(scene.acknowledge(socket, 1).0, [b"\0\x03\0\x02\nline2".to_vec()]);
    // A repetition begins where the block began.
    assert_eq!(scene.pass(scene.engine.deadline().unwrap()).0, [b"\0\x03\0\x02\nline2".to_vec()]);
    assert_eq!(scene.acknowledge(socket, 2).0, [b"\0\x03\0\x03\r\r\nend".to_vec()]);
    assert_eq!(scene.acknowledge(socket, 3).0, [b"\0\x03\0\x04".to_vec()]);
    scene.acknowledge(socket, 4);
    assert!(scene.settled());
}

#[test]
fn a_window_restarts_behind_an_acknowledged_block() {
    let mut scene = scene(slice());
    let (socket, packets) = scene.fetch("big octet blksize 512 windowsize 4 ");
    assert_eq!(packets.len(), 1);
    assert_eq!(blocks(&scene.acknowledge(socket, 0).0), [1, 2, 3, 4]);
    assert_eq!(blocks(&scene.acknowledge(socket, 4).0), [5, 6, 7, 8]);
    assert_eq!(blocks(&scene.acknowledge(socket, 6).0), [7, 8, 9, 10]);
    // Acknowledged before.
    for block in [6, 5, 3] {
        assert_eq!(blocks(&scene.acknowledge(socket, block).0), []);
    }
    // Never sent; dnsmasq would take this for the end.
    assert_eq!(blocks(&scene.acknowledge(socket, 11).0), []);
    assert_eq!(blocks(&scene.acknowledge(socket, 10).0), [11]);
    scene.acknowledge(socket, 11);
    assert!(scene.settled());
}

#[test]
fn block_numbers_wrap_to_zero() {
    let mut scene = scene(slice());
    let (socket, _) = scene.fetch("huge octet blksize 1 ");
    let mut packet = scene.acknowledge(socket, 0).0;
    for block in 1..=70_000u32 {
        assert_eq!(packet, [vec![0, 3, (block >> 8) as u8, block as u8, 7]]);
        packet = scene.acknowledge(socket, block as u16).0;
    }
    assert_eq!(packet, [vec![0, 3, (70_001u32 >> 8) as u8, 70_001u32 as u8]]);
    scene.acknowledge(socket, 70_001u32 as u16);
    assert!(scene.settled());
}

#[test]
fn a_silent_client_hears_it_again_at_growing_distances_for_two_minutes() {
    let mut scene = scene(slice());
    let (_, packets) = scene.fetch("big octet ");
    let mut sent_at = Vec::new();
    let (mut again, mut words) = (packets.clone(), Vec::new());
    while words.is_empty() {
        let due_ms = scene.engine.deadline().unwrap();
        assert_eq!(again, packets);
        (again, words) = scene.pass(due_ms);
        sent_at.push((due_ms - 1000) / 1000);
    }
    assert_eq!(sent_at, [2, 5, 9, 13, 19, 25, 35, 45, 63, 81, 115, 120]);
    assert_eq!(words, ["close 1", "timeout sending /srv/big to 10.0.0.9"]);
    assert!(scene.settled());
}

#[test]
fn progress_begins_the_two_minutes_again() {
    let mut scene = scene(slice());
    let (socket, _) = scene.fetch("big octet ");
    for block in 1..=4u16 {
        scene.now_ms += 100_000;
        assert_eq!(blocks(&scene.acknowledge(socket, block).0), [block + 1]);
        assert_eq!(scene.engine.deadline(), Some(scene.now_ms + 2000));
    }
}

#[test]
fn a_client_that_gives_up_ends_the_transfer() {
    for (packet, line) in [
        (&b"\0\x05\0\x03Disk\x01 full\0"[..], "error 3 Disk full received from 10.0.0.9"),
        (b"\0\x05\0\x03", "error 3  received from 10.0.0.9"),
        (b"\0\x05\0\x00nonul", "error 0  received from 10.0.0.9"),
    ] {
        let mut scene = scene(slice());
        let (socket, _) = scene.fetch("big octet ");
        let (packets, words) = scene.give(Input::Transfer { socket, bytes: packet });
        assert_eq!(packets, Vec::<Vec<u8>>::new());
        assert_eq!(words, ["close 1", line, "failed sending /srv/big to 10.0.0.9"]);
        assert!(scene.settled());
    }
}

#[test]
fn a_file_that_cannot_be_read_any_more_ends_the_transfer_with_an_error() {
    let mut scene = scene(slice());
    let (socket, _) = scene.fetch("big octet ");
    scene.files.broken = true;
    let text = "cannot read /srv/big: Input/output error";
    let (packets, words) = scene.acknowledge(socket, 1);
    assert_eq!(packets, [error(0, text)]);
    assert_eq!(words, ["close 1", text, "failed sending /srv/big to 10.0.0.9"]);
    assert!(scene.settled());
    scene.ask("big octet ");
    assert_eq!(scene.socket().1, [error(0, text)]);
    assert!(scene.settled());
}

#[test]
fn a_repeated_request_is_passed_over_until_the_socket_is_there() {
    let mut scene = scene(slice());
    assert_eq!(scene.ask("big octet ").1, ["want"]);
    let want = scene.out.actions.clone();
    assert_eq!(scene.ask("big octet "), (vec![], vec![]));
    scene.out.actions = want;
    scene.socket();
    assert_eq!(scene.ask("big octet ").1, ["want"]);
}

#[test]
fn a_request_without_socket_is_forgotten() {
    let mut scene = scene(slice());
    scene.ask("big octet ");
    let ticket = match scene.out.actions[..] {
        [Action::Tell(ToParent::WantTransfer { ticket, .. })] => ticket,
        _ => panic!("a request for a socket"),
    };
    assert_eq!(scene.pass(11_000).1, ["failed sending /srv/big to 10.0.0.9"]);
    assert!(scene.settled());
    // The socket comes after all.
    assert_eq!(scene.give(Input::Socket { ticket, socket: Handle(9) }).1, ["close 9"]);
    assert_eq!(scene.give(Input::NoSocket { ticket }), (vec![], vec![]));
}

#[test]
fn a_client_whose_port_is_gone_ends_the_transfer() {
    let mut scene = scene(slice());
    let (socket, _) = scene.fetch("big octet ");
    assert_eq!(scene.give(Input::SocketFailed { socket }).1, ["close 1", "failed sending /srv/big to 10.0.0.9"]);
    assert!(scene.settled());
}

#[test]
fn no_more_transfers_than_configured() {
    let mut scene = scene(TftpSlice { max: 2, ..slice() });
    scene.fetch("big octet ");
    assert!(!scene.engine.full());
    scene.ask_from(SocketAddr::new(CLIENT.ip(), 3), "big octet ");
    assert!(scene.engine.full());
    assert_eq!(scene.ask_from(SocketAddr::new(CLIENT.ip(), 4), "big octet "), (vec![], vec![]));
}

#[test]
fn a_draining_engine_finishes_what_it_has() {
    let mut scene = scene(slice());
    let (socket, _) = scene.fetch("text octet ");
    scene.give(Input::Drain);
    assert_eq!(scene.ask_from(SocketAddr::new(CLIENT.ip(), 3), "big octet "), (vec![], vec![]));
    assert!(!scene.engine.idle());
    scene.acknowledge(socket, 1);
    assert!(scene.engine.idle());
}

#[test]
fn secure_mode_serves_only_what_belongs_to_the_service() {
    let mut secure = scene(TftpSlice { secure: true, ..slice() });
    assert_eq!(secure.ask("mine octet ").1, ["want"]);
    assert_eq!(secure.ask_from(SocketAddr::new(CLIENT.ip(), 3), "text octet ").0[0][..4], [0, 5, 0, 2]);
}

#[test]
fn quiet_hides_what_was_sent_or_not_found_and_nothing_else() {
    let mut scene = scene(TftpSlice { quiet: true, ..slice() });
    assert_eq!(scene.ask("nofile octet ").1, Vec::<String>::new());
    assert_eq!(scene.ask("private octet ").1, ["cannot access /srv/private: Permission denied"]);
    let (socket, _) = scene.fetch("text octet ");
    assert_eq!(scene.acknowledge(socket, 1).1, ["close 1"]);
}

#[test]
fn hostile_bytes_neither_panic_nor_leave_anything_behind() {
    let mut scene = scene(slice());
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds: [&[u8]; 4] = [
        b"\0\x01big\0octet\0blksize\x00512\0windowsize\x004\0tsize\x000\0timeout\x001\0",
        b"\0\x01/srv/text\0netascii\0blksize\x007\0",
        b"\0\x04\0\x01",
        b"\0\x05\0\x01text\0",
    ];
    for round in 0..20_000u64 {
        let mut bytes = seeds[(random() % 4) as usize].to_vec();
        for _ in 0..random() % 4 {
            let at = (random() as usize) % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random() as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, random() as u8),
            }
        }
        scene.now_ms += random() % 50;
        let peer = SocketAddr::new(CLIENT.ip(), (random() % 40) as u16);
        let arrival = Arrival { interface: 2, peer, local: SERVER };
        scene.give(Input::Request { bytes: &bytes, arrival });
        if scene.out.actions.iter().any(|action| matches!(action, Action::Tell(_))) {
            scene.socket();
        }
        let socket = Handle((random() % 60) as u32 + (scene.sockets).saturating_sub(55));
        scene.give(Input::Transfer { socket, bytes: &bytes });
        scene.acknowledge(socket, (round % 12) as u16);
        if scene.engine.deadline().is_some_and(|due_ms| due_ms <= scene.now_ms) {
            scene.give(Input::Deadline);
        }
    }
    while let Some(due_ms) = scene.engine.deadline() {
        scene.pass(due_ms);
    }
    assert!(scene.settled());
}
