//! The clients: they ask, and compare each answer with what is right about the name.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::Dice;
use support::lan::SERVER_ADDRESS;
use support::message::{A, Query, encode_query};

use crate::kind::{ALL, Kind, address};

/// Queries without an answer at once: below what a client gets of the server's own limit.
const IN_FLIGHT: usize = 64;
/// After so long no answer is expected any more; one that comes is still compared.
const GIVEN_UP: Duration = Duration::from_secs(3);
/// Queries per connection: fewer than the server allows.
const PER_CONNECTION: u64 = 50;
/// Wrong answers that are told of.
const WRONG_MAX: usize = 20;

/// What became of the queries.
#[derive(Debug, Default)]
pub struct Tally {
    kinds: BTreeMap<Kind, (u64, u64)>,
    /// What was wrong, in words.
    pub wrong: Vec<String>,
}

impl Tally {
    /// Adds another.
    pub fn add(&mut self, other: &Tally) {
        for (kind, (asked, right)) in &other.kinds {
            let own = self.kinds.entry(*kind).or_default();
            *own = (own.0 + asked, own.1 + right);
        }
        self.wrong.extend(other.wrong.iter().cloned());
    }

    /// Queries of all kinds.
    pub fn asked(&self) -> u64 {
        self.kinds.values().map(|(asked, _)| asked).sum()
    }

    /// Queries without an answer that should have had one.
    pub fn lost(&self) -> u64 {
        let living = self.kinds.iter().filter(|(kind, _)| **kind != Kind::Dead);
        living.map(|(_, (asked, right))| asked - right).sum::<u64>().saturating_sub(self.wrong.len() as u64)
    }

    /// Kind, asked, answered rightly, not answered.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64, u64, u64)> {
        ALL.iter().filter_map(|(kind, _)| {
            let (asked, right) = *self.kinds.get(kind)?;
            Some((kind.word(), asked, right, asked - right))
        })
    }

    fn count_asked(&mut self, kind: Kind) {
        self.kinds.entry(kind).or_default().0 += 1;
    }

    fn judge(&mut self, question: &Asked, reply: &[u8], tcp: bool) {
        match question.fault(reply, tcp) {
            None => self.kinds.entry(question.kind).or_default().1 += 1,
            Some(fault) if self.wrong.len() < WRONG_MAX => {
                self.wrong.push(format!("{}: {fault}: {reply:02x?}", question.kind.name(question.number)));
            }
            Some(_) => {}
        }
    }
}

/// A question that went out.
#[derive(Clone, Debug)]
struct Asked {
    kind: Kind,
    number: u64,
    query: Vec<u8>,
    at: Instant,
    waiting: bool,
}

impl Asked {
    fn new(serial: u64, dice: &mut Dice) -> Asked {
        let kind = Kind::roll(dice);
        let number = kind.number(serial, dice);
        let mut query = encode_query(serial as u16, &kind.name(number), A);
        // Some shout.
        if serial.is_multiple_of(7) {
            query[12..].make_ascii_uppercase();
        }
        Asked { kind, number, query, at: Instant::now(), waiting: true }
    }

    /// What is wrong with the reply to this question.
    fn fault(&self, reply: &[u8], tcp: bool) -> Option<&'static str> {
        let end = self.query.len();
        if reply.len() < end || reply[..2] != self.query[..2] || reply[2] & 0x80 == 0 {
            return Some("no reply to it");
        }
        if reply[12..end] != self.query[12..end] {
            return Some("another question");
        }
        if !self.kind.codes().contains(&(reply[3] & 0x0f)) {
            return Some("another RCODE");
        }
        let records = self.kind.records(tcp);
        if u64::from(u16::from_be_bytes([reply[6], reply[7]])) != records {
            return Some("another number of records");
        }
        if (reply[2] & 0x02 != 0) != (self.kind == Kind::Large && !tcp) {
            return Some("truncated, or not");
        }
        let mut addresses: Vec<_> =
            reply[end..].chunks_exact(16).take(records as usize).map(|record| &record[12..]).collect();
        let mut right: Vec<_> = (0..records).map(|record| address(self.number, record).octets()).collect();
        // Records of one name may come in any order.
        addresses.sort_unstable();
        right.sort_unstable();
        (addresses != right).then_some("another address")
    }
}

/// Asks so many questions, keeping some in flight.
pub fn ask_by_udp(queries: u64, asked: &AtomicU64) -> Tally {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
    socket.connect((SERVER_ADDRESS, 53)).expect("connect a socket");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set a timeout");
    let mut dice = Dice::new(1);
    let mut tally = Tally::default();
    // By id. An answer that is late by 65,536 questions would be compared with another question, and be wrong.
    let mut open: Vec<Option<Asked>> = vec![None; 1 << 16];
    let (mut sent, mut in_flight, mut last) = (0, 0, Instant::now());
    let mut reply = [0; 4096];
    while sent < queries || in_flight > 0 && last.elapsed() < GIVEN_UP {
        while in_flight < IN_FLIGHT && sent < queries {
            let question = Asked::new(sent, &mut dice);
            tally.count_asked(question.kind);
            if socket.send(&question.query).is_ok() && question.kind != Kind::Dead {
                in_flight += 1;
            }
            let slot = &mut open[usize::from(sent as u16)];
            // Whoever had this id was given up long ago.
            *slot = Some(question);
            sent += 1;
            last = Instant::now();
        }
        asked.store(sent, Ordering::Relaxed);
        match socket.recv(&mut reply) {
            Ok(length) if length >= 12 => {
                let slot = &mut open[usize::from(u16::from_be_bytes([reply[0], reply[1]]))];
                let Some(question) = slot.take() else {
                    tally.wrong.push(format!("a reply to no question: {:02x?}", &reply[..length]));
                    continue;
                };
                in_flight -= usize::from(question.waiting && question.kind != Kind::Dead);
                tally.judge(&question, &reply[..length], false);
            }
            Ok(length) => tally.wrong.push(format!("{length} bytes")),
            Err(_) => {
                for question in open.iter_mut().flatten() {
                    if question.waiting && question.kind != Kind::Dead && question.at.elapsed() > GIVEN_UP {
                        question.waiting = false;
                        in_flight -= 1;
                    }
                }
            }
        }
    }
    tally
}

/// Asks so many questions one after another, over one connection after another, until they are asked or it is over.
pub fn ask_by_tcp(queries: u64, over: &AtomicBool) -> Tally {
    let mut dice = Dice::new(2);
    let mut tally = Tally::default();
    let mut stream: Option<TcpStream> = None;
    for serial in 0..queries {
        if over.load(Ordering::Relaxed) {
            break;
        }
        if serial.is_multiple_of(PER_CONNECTION) {
            stream = TcpStream::connect((SERVER_ADDRESS, 53)).ok();
        }
        // Other numbers than the other client's, so that names asked for once are.
        let question = Asked::new(serial + (1 << 40), &mut dice);
        if question.kind == Kind::Dead {
            continue;
        }
        tally.count_asked(question.kind);
        let Some(connection) = &mut stream else { continue };
        match exchange(connection, &question.query) {
            Ok(reply) => tally.judge(&question, &reply, true),
            Err(_) => stream = None,
        }
        debug_assert!(Query::parse(&question.query, true).is_some());
    }
    tally
}

fn exchange(stream: &mut TcpStream, query: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(GIVEN_UP))?;
    stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}
