//! A DNS upstream that a test scripts: it listens in a namespace, counts, and answers as it is told.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Namespace;
use crate::message::{Query, Record, TC};

/// What an upstream does with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// NOERROR with these records; none is NODATA.
    Records(Vec<Record>),
    /// NXDOMAIN.
    NoSuchName,
    /// Another RCODE and no records.
    Error(u8),
    /// Over UDP: nothing but the truncation flag. Over TCP: these records.
    OnlyOverTcp(Vec<Record>),
    /// This message, in which nothing is changed.
    Message(Vec<u8>),
    /// No reply.
    Silence,
    /// These records after a while; meanwhile other queries are answered.
    Late(Duration, Vec<Record>),
}

/// A running upstream; it stops on drop.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    queries: Arc<Mutex<Vec<Query>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Upstream {
    /// Listens on port 53 of `address` in `namespace`, UDP and TCP, and answers by `script`.
    pub fn start(
        namespace: &Namespace,
        address: impl Into<IpAddr>,
        script: impl Fn(&Query) -> Answer + Send + Sync + 'static,
    ) -> Upstream {
        let address = SocketAddr::new(address.into(), 53);
        let queries = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let script: Arc<Script> = Arc::new(script);
        let (listening, heard) = mpsc::channel();
        let udp = {
            let (queries, stop, script, listening) =
                (Arc::clone(&queries), Arc::clone(&stop), Arc::clone(&script), listening.clone());
            namespace.spawn(move || {
                let socket = UdpSocket::bind(address).expect("bind the upstream's UDP socket");
                socket.set_read_timeout(Some(TICK)).expect("set a timeout");
                listening.send(()).expect("the test waits");
                serve_udp(&socket, &queries, &stop, &script);
            })
        };
        let tcp = {
            let (queries, stop) = (Arc::clone(&queries), Arc::clone(&stop));
            namespace.spawn(move || {
                let listener = TcpListener::bind(address).expect("bind the upstream's TCP socket");
                listener.set_nonblocking(true).expect("make the listener non-blocking");
                listening.send(()).expect("the test waits");
                while !stop.load(Ordering::Relaxed) {
                    match listener.accept() {
                        Ok((stream, _)) => serve_tcp(stream, &queries, &script),
                        Err(_) => std::thread::sleep(Duration::from_millis(5)),
                    }
                }
            })
        };
        for _ in 0..2 {
            heard.recv().expect("the upstream starts");
        }
        Upstream { address, queries, stop, threads: vec![udp, tcp] }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All queries received so far.
    pub fn queries(&self) -> Vec<Query> {
        self.queries.lock().expect("no panic while held").clone()
    }

    /// How often this name was asked for so far, whatever the type and the case of the letters.
    pub fn count(&self, name: &str) -> usize {
        self.queries().iter().filter(|query| query.name.eq_ignore_ascii_case(name)).count()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

type Script = dyn Fn(&Query) -> Answer + Send + Sync;

/// How often the threads look whether they should stop.
const TICK: Duration = Duration::from_millis(50);

fn serve_udp(socket: &UdpSocket, queries: &Mutex<Vec<Query>>, stop: &AtomicBool, script: &Arc<Script>) {
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, client)) = socket.recv_from(&mut buffer) else { continue };
        let Some(query) = Query::parse(&buffer[..length], false) else { continue };
        queries.lock().expect("no panic while held").push(query.clone());
        let (delay, reply) = reply_to(&query, script(&query));
        let Some(reply) = reply else { continue };
        match delay {
            None => drop(socket.send_to(&reply, client)),
            Some(delay) => {
                let socket = socket.try_clone().expect("clone a socket");
                std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    let _ = socket.send_to(&reply, client);
                });
            }
        }
    }
}

fn serve_tcp(mut stream: TcpStream, queries: &Mutex<Vec<Query>>, script: &Arc<Script>) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut bytes).is_err() {
            break;
        }
        let Some(query) = Query::parse(&bytes, true) else { break };
        queries.lock().expect("no panic while held").push(query.clone());
        let (_, Some(reply)) = reply_to(&query, script(&query)) else { break };
        let mut framed = u16::try_from(reply.len()).expect("a short reply").to_be_bytes().to_vec();
        framed.extend(reply);
        if stream.write_all(&framed).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn reply_to(query: &Query, answer: Answer) -> (Option<Duration>, Option<Vec<u8>>) {
    const NXDOMAIN: u8 = 3;
    match answer {
        Answer::Records(records) => (None, Some(query.reply(0, &records, 0))),
        Answer::NoSuchName => (None, Some(query.reply(NXDOMAIN, &[], 0))),
        Answer::Error(rcode) => (None, Some(query.reply(rcode, &[], 0))),
        Answer::OnlyOverTcp(records) if query.tcp => (None, Some(query.reply(0, &records, 0))),
        Answer::OnlyOverTcp(_) => (None, Some(query.reply(0, &[], TC))),
        Answer::Message(message) => (None, Some(message)),
        Answer::Silence => (None, None),
        Answer::Late(delay, records) => (Some(delay), Some(query.reply(0, &records, 0))),
    }
}
