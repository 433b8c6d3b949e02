//! The upstream: what it answers follows from the name. Nothing is remembered.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use support::Lan;
use support::lan::UPSTREAMS;
use support::message::{Query, Record, TC, encode_name};

use crate::kind::{Kind, LARGE, address};

/// How late slow answers are.
const SLOW: Duration = Duration::from_millis(50);
const TICK: Duration = Duration::from_millis(50);

/// A running upstream, and the socket of the one that says nothing.
pub struct Upstream {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    _dead: UdpSocket,
}

impl Upstream {
    /// Starts them in the namespace of the upstreams.
    pub fn start(lan: &Lan) -> Upstream {
        let stop = Arc::new(AtomicBool::new(false));
        let open = || {
            let at = |address: Ipv4Addr| SocketAddr::from((address, 53));
            let udp = UdpSocket::bind(at(UPSTREAMS[0])).expect("bind the upstream");
            let tcp = TcpListener::bind(at(UPSTREAMS[0])).expect("bind the upstream");
            let dead = UdpSocket::bind(at(UPSTREAMS[1])).expect("bind the dead upstream");
            (udp, tcp, dead)
        };
        let (udp, tcp, dead) = lan.upstream.spawn(open).join().expect("open the upstream's sockets");
        udp.set_read_timeout(Some(TICK)).expect("set a timeout");
        tcp.set_nonblocking(true).expect("do not wait for connections");
        let (late, due) = channel();
        let later = udp.try_clone().expect("clone a socket");
        let (stop_udp, stop_tcp) = (Arc::clone(&stop), Arc::clone(&stop));
        let threads = vec![
            std::thread::spawn(move || serve_udp(&udp, &late, &stop_udp)),
            std::thread::spawn(move || serve_late(&later, &due)),
            std::thread::spawn(move || serve_tcp(&tcp, &stop_tcp)),
        ];
        Upstream { stop, threads, _dead: dead }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

type Late = (Instant, Vec<u8>, SocketAddr);

fn serve_udp(socket: &UdpSocket, late: &Sender<Late>, stop: &AtomicBool) {
    let mut bytes = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut bytes) else { continue };
        let Some((kind, reply)) = Query::parse(&bytes[..length], false).and_then(|query| answer(&query)) else {
            continue;
        };
        if kind == Kind::Slow {
            let _ = late.send((Instant::now() + SLOW, reply, from));
        } else {
            let _ = socket.send_to(&reply, from);
        }
    }
}

/// Sends what has become due; all are late by the same time, so they are due in order.
fn serve_late(socket: &UdpSocket, due: &Receiver<Late>) {
    loop {
        match due.recv_timeout(TICK) {
            Ok((at, reply, to)) => {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                let _ = socket.send_to(&reply, to);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn serve_tcp(listener: &TcpListener, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => drop(serve_connection(stream)),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn serve_connection(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    let Some((_, reply)) = Query::parse(&bytes, true).and_then(|query| answer(&query)) else { return Ok(()) };
    stream.write_all(&[&(reply.len() as u16).to_be_bytes(), &reply[..]].concat())
}

fn answer(query: &Query) -> Option<(Kind, Vec<u8>)> {
    let (kind, number) = Kind::read(&query.name)?;
    let a = |ttl_s| vec![Record::a(address(number, 0), ttl_s)];
    let reply = match kind {
        Kind::Cached => query.reply(0, &a(86_400), 0),
        Kind::Hosts | Kind::Dead => return None,
        Kind::Fresh | Kind::Slow => query.reply(0, &a(60), 0),
        Kind::Flood => denial(query),
        Kind::Failing => query.reply(2, &[], 0),
        Kind::Refusing => query.reply(5, &[], 0),
        Kind::Large if query.tcp => {
            query.reply(0, &(0..LARGE).map(|record| Record::a(address(number, record), 0)).collect::<Vec<_>>(), 0)
        }
        Kind::Large => query.reply(0, &[], TC),
    };
    Some((kind, reply))
}

/// NXDOMAIN with an SOA, so that it is kept.
fn denial(query: &Query) -> Vec<u8> {
    let data = [encode_name("ns.example"), encode_name("host.example"), [0, 0, 0, 60].repeat(5)].concat();
    let soa = Record { owner: Some("example".to_owned()), kind: 6, ttl_s: 60, data };
    let mut reply = query.reply(3, &[soa], 0);
    // The record belongs to the authority section.
    reply[6..10].copy_from_slice(&[0, 0, 0, 1]);
    reply
}
