//! Both ends of a forwarded question in the hands of the test: the client's socket, and the upstream's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use support::lan::SERVER_ADDRESS;
use support::message::{A, Query, Record, encode_query};
use support::{Lan, Namespace, uninterrupted};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long silence is listened to.
const SILENCE: Duration = Duration::from_millis(300);
/// What honest upstreams answer.
pub const TRUTH: [u8; 4] = [192, 0, 2, 1];

/// A socket bound in a namespace, used from here.
pub fn bound(namespace: &Namespace, at: SocketAddr) -> UdpSocket {
    let bind = move || UdpSocket::bind(at).unwrap_or_else(|error| panic!("bind {at}: {error}"));
    let socket = namespace.spawn(bind).join().expect("bind a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    socket
}

/// A client's socket, connected to the server.
pub fn client(namespace: &Namespace) -> UdpSocket {
    let socket = bound(namespace, SocketAddr::from(([0, 0, 0, 0], 0)));
    socket.connect((SERVER_ADDRESS, 53)).expect("connect to the server");
    socket
}

/// A client that is answered with these last bytes.
pub fn hears(client: &UdpSocket, ends_with: &[u8]) {
    let mut reply = [0; 4096];
    let length = uninterrupted(|| client.recv(&mut reply)).expect("an answer");
    assert!(reply[..length].ends_with(ends_with), "another answer: {:02x?}", &reply[..length]);
}

/// A client that is not answered.
pub fn hears_nothing(client: &UdpSocket) {
    client.set_read_timeout(Some(SILENCE)).expect("set a timeout");
    let mut reply = [0; 4096];
    if let Ok(length) = uninterrupted(|| client.recv(&mut reply)) {
        panic!("an answer: {:02x?}", &reply[..length]);
    }
    client.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
}

/// A question of a client.
pub fn ask(client: &UdpSocket, id: u16, name: &str) {
    client.send(&encode_query(id, name, A)).expect("send a question");
}

/// An upstream whose every datagram the test sends itself.
pub struct Tap(pub UdpSocket);

impl Tap {
    pub fn new(lan: &Lan, address: Ipv4Addr) -> Tap {
        Tap(bound(&lan.upstream, SocketAddr::from((address, 53))))
    }

    /// The next query, and where it came from.
    pub fn query(&self) -> (Query, SocketAddr) {
        let mut bytes = [0; 4096];
        let (length, from) = uninterrupted(|| self.0.recv_from(&mut bytes)).expect("a query");
        (Query::parse(&bytes[..length], false).expect("a plain query"), from)
    }

    /// Answers truly.
    pub fn answer(&self, query: &Query, to: SocketAddr) {
        self.0.send_to(&truth(query), to).expect("answer");
    }
}

/// The true answer.
pub fn truth(query: &Query) -> Vec<u8> {
    query.reply(0, &[Record::a(Ipv4Addr::from(TRUTH), 0)], 0)
}

/// One query as an upstream sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub port: u16,
    pub id: u16,
}

/// An upstream that answers truly and remembers ports and ids, in order.
pub struct Recorder {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    pub fn start(lan: &Lan, address: Ipv4Addr) -> Recorder {
        let socket = bound(&lan.upstream, SocketAddr::new(IpAddr::V4(address), 53));
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("set a timeout");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (record, over) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while !over.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut bytes) else { continue };
                let Some(query) = Query::parse(&bytes[..length], false) else { continue };
                record.lock().expect("no panic while held").push(Seen { port: from.port(), id: query.id });
                let _ = socket.send_to(&truth(&query), from);
            }
        });
        Recorder { seen, stop, thread: Some(thread) }
    }

    /// All so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic while held").clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
