//! The TFTP core: requests on the port socket, and what comes back on a transfer's socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipc::config::tftp::{TftpRoot, TftpSlice};
use ipc::link::Interface;
use ipc::tftp::ToParent;
use ipc::time::Now;
use tftp::{Action, Arrival, Engine, FileFacts, FileHandle, Files, Handle, Input, OpenError, Outbox};

const NOW: Now = Now { monotonic_ms: 1_000_000, wall_s: 1_700_000_000 };
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const INTERFACE: u32 = 2;
const CONTENT: [u8; 1500] = [b'\n'; 1500];

/// Every name is the same file, unless it tries to leave.
struct OneFile;

impl Files for OneFile {
    fn open(&mut self, _root: usize, path: &str) -> Result<(FileHandle, FileFacts), OpenError> {
        assert!(!path.split('/').any(|part| part == ".."), "the core asks for a path that leaves the root: {path:?}");
        let size = CONTENT.len() as u64;
        let facts = FileFacts { size, regular: true, directory: false, world_readable: true, own: true };
        Ok((FileHandle(1), facts))
    }

    fn is_directory(&mut self, _root: usize, _path: &str) -> bool {
        false
    }

    fn read_at(&mut self, _file: FileHandle, offset: u64, buffer: &mut [u8]) -> Result<usize, String> {
        let rest = usize::try_from(offset).ok().and_then(|offset| CONTENT.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn close(&mut self, _file: FileHandle) {}
}

fn engine(out: &mut Outbox) -> Engine {
    let slice = TftpSlice {
        roots: vec![TftpRoot { path: "/srv/tftp/".to_owned(), interface: None }],
        max: 50,
        ..TftpSlice::default()
    };
    let mut engine = Engine::new(slice, [7; 32]);
    let interface = Interface {
        index: INTERFACE,
        name: "lan0".to_owned(),
        addresses: vec![(SERVER, 24)],
        mtu: 1500,
        loopback: false,
        serves_dns: true,
        serves_dhcp: true,
        serves_tftp: true,
    };
    engine.handle(Input::Interfaces(vec![interface]), NOW, &mut OneFile, out);
    engine.handle(Input::Start, NOW, &mut OneFile, out);
    engine
}

/// Gives every transfer a socket.
fn serve(engine: &mut Engine, out: &mut Outbox) {
    for _ in 0..4 {
        let actions = std::mem::take(&mut out.actions);
        let bytes = std::mem::take(&mut out.bytes);
        out.clear();
        for action in actions {
            match action {
                Action::Reply { bytes: range, .. } | Action::Send { bytes: range, .. } => {
                    assert!(bytes.get(range).is_some_and(|packet| packet.len() >= 4), "a packet outside the buffer");
                }
                Action::Tell(ToParent::WantTransfer { ticket, .. }) => {
                    engine.handle(Input::Socket { ticket, socket: Handle(1) }, NOW, &mut OneFile, out);
                }
                _ => {}
            }
        }
    }
}

fn hear_request(engine: &mut Engine, bytes: &[u8], out: &mut Outbox) {
    let peer = SocketAddr::from(([10, 0, 0, 9], 4000));
    let arrival = Arrival { interface: INTERFACE, peer, local: SERVER };
    engine.handle(Input::Request { bytes, arrival }, NOW, &mut OneFile, out);
    serve(engine, out);
}

/// A packet on port 69.
pub fn request(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    hear_request(&mut engine, bytes, &mut out);
    let later = Now { monotonic_ms: NOW.monotonic_ms + 10_000, wall_s: NOW.wall_s + 10 };
    engine.handle(Input::Deadline, later, &mut OneFile, &mut out);
    serve(&mut engine, &mut out);
}

/// Two packets on the socket of a transfer with a window of four.
pub fn transfer(bytes: &[u8]) {
    let mut out = Outbox::new();
    let mut engine = engine(&mut out);
    out.clear();
    hear_request(&mut engine, &request_seeds()[2], &mut out);
    let (first, second) = bytes.split_at(bytes.len().min(4));
    for bytes in [first, second, &[0, 4, 0, 1]] {
        engine.handle(Input::Transfer { socket: Handle(1), bytes }, NOW, &mut OneFile, &mut out);
        serve(&mut engine, &mut out);
    }
}

/// Requests.
pub fn request_seeds() -> Vec<Vec<u8>> {
    vec![
        b"\0\x01boot.img\0octet\0".to_vec(),
        b"\0\x01/srv/tftp/a/b.txt\0NetASCII\0".to_vec(),
        b"\0\x01boot.img\0octet\0blksize\x001428\0tsize\x000\0timeout\x003\0windowsize\x004\0".to_vec(),
        b"\0\x01../../etc/passwd\0octet\0".to_vec(),
        b"\0\x01a\\b\\..\\c\0mail\0blksize\x0099999999999999999999\0".to_vec(),
        b"\0\x02upload\0octet\0".to_vec(),
    ]
}

/// Acknowledgements and errors, two to an input.
pub fn transfer_seeds() -> Vec<Vec<u8>> {
    vec![
        vec![0, 4, 0, 0, 0, 4, 0, 1],
        vec![0, 4, 0, 2, 0, 4, 0, 2],
        vec![0, 4, 255, 255, 0, 5, 0, 3, b'f', b'u', b'l', b'l', 0],
        vec![0, 5, 0, 8, 0, 4, 0, 1],
    ]
}
