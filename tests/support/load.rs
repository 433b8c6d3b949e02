//! A steady stream of DNS questions, each asked once, and an account of what came back.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use crate::Namespace;
use crate::message::{A, encode_query};

/// How long the last answers may take.
const STRAGGLERS: Duration = Duration::from_secs(3);
/// Room for the answers while this process is not scheduled; no load ever has as much in flight.
const RECEIVE_BYTES: usize = 8 << 20;

/// A running load.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<(UdpSocket, u64)>,
    hearing: JoinHandle<()>,
    account: Arc<Mutex<Account>>,
    heard_all: Arc<AtomicBool>,
}

/// What happened to the questions of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Questions asked.
    pub asked: u64,
    /// Questions answered with at least one record.
    pub answered: u64,
    /// Questions answered otherwise.
    pub failed: u64,
    /// Longest time between a question and its answer.
    pub slowest: Duration,
}

impl Tally {
    /// Questions without an answer.
    pub fn lost(&self) -> u64 {
        self.asked - self.answered - self.failed
    }
}

#[derive(Debug)]
struct Account {
    /// By message id: when the question went out that waits for an answer.
    waiting: Vec<Option<Instant>>,
    answered: u64,
    failed: u64,
    slowest: Duration,
}

impl Load {
    /// Begins to ask `server`, from `namespace`, so many questions a second; `name` gives the name of question number n.
    pub fn start(
        namespace: &Namespace,
        server: SocketAddr,
        per_second: u32,
        name: impl Fn(u64) -> String + Send + 'static,
    ) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let heard_all = Arc::new(AtomicBool::new(false));
        let account = Account { waiting: vec![None; 1 << 16], answered: 0, failed: 0, slowest: Duration::ZERO };
        let account = Arc::new(Mutex::new(account));
        let (give, take) = std::sync::mpsc::channel();
        let asking = {
            let (stop, account) = (Arc::clone(&stop), Arc::clone(&account));
            namespace.spawn(move || {
                let socket = UdpSocket::bind("0.0.0.0:0").expect("bind the load's socket");
                socket.connect(server).expect("connect the load's socket");
                setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BYTES).expect("enlarge the load's socket");
                give.send(socket.try_clone().expect("clone a socket")).expect("the other thread waits");
                let asked = ask(&socket, &stop, &account, per_second, name);
                (socket, asked)
            })
        };
        let hearing = {
            let (heard_all, account) = (Arc::clone(&heard_all), Arc::clone(&account));
            std::thread::spawn(move || {
                let socket: UdpSocket = take.recv().expect("the asking thread has a socket");
                hear(&socket, &heard_all, &account);
            })
        };
        Load { stop, asking, hearing, account, heard_all }
    }

    /// Answers so far.
    pub fn answered(&self) -> u64 {
        self.account.lock().expect("no panic while held").answered
    }

    /// Stops asking, waits for the last answers, and counts.
    pub fn finish(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let (_socket, asked) = self.asking.join().expect("the asking thread ends");
        let last = Instant::now();
        loop {
            let account = self.account.lock().expect("no panic while held");
            let complete = account.answered + account.failed >= asked;
            drop(account);
            if complete || last.elapsed() > STRAGGLERS {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.heard_all.store(true, Ordering::Relaxed);
        self.hearing.join().expect("the hearing thread ends");
        let account = self.account.lock().expect("no panic while held");
        Tally { asked, answered: account.answered, failed: account.failed, slowest: account.slowest }
    }
}

fn ask(
    socket: &UdpSocket,
    stop: &AtomicBool,
    account: &Mutex<Account>,
    per_second: u32,
    name: impl Fn(u64) -> String,
) -> u64 {
    let start = Instant::now();
    let mut asked = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = start.elapsed().as_micros() as u64 * u64::from(per_second) / 1_000_000;
        // After a pause of the scheduler the backlog is spread, or the load would measure its own bursts.
        for _ in 0..due.saturating_sub(asked).min(32) {
            let id = asked as u16;
            let query = encode_query(id, &name(asked), A);
            account.lock().expect("no panic while held").waiting[usize::from(id)] = Some(Instant::now());
            if socket.send(&query).is_err() {
                // A refusal of the moment between two owners of the port; the question counts as lost.
            }
            asked += 1;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    asked
}

fn hear(socket: &UdpSocket, heard_all: &AtomicBool, account: &Mutex<Account>) {
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("set a timeout");
    let mut reply = [0; 4096];
    while !heard_all.load(Ordering::Relaxed) {
        let Ok(length) = socket.recv(&mut reply) else { continue };
        if length < 12 {
            continue;
        }
        let id = usize::from(u16::from_be_bytes([reply[0], reply[1]]));
        let mut account = account.lock().expect("no panic while held");
        let Some(since) = account.waiting[id].take() else { continue };
        account.slowest = account.slowest.max(since.elapsed());
        let records = u16::from_be_bytes([reply[6], reply[7]]);
        if reply[3] & 0x0f == 0 && records > 0 {
            account.answered += 1;
        } else {
            account.failed += 1;
        }
    }
}
