//! One program on a network of its own, with an upstream that knows the pretend world, and a client.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::{Directory, Lan, Server, Subject, Upstream};

use crate::configuration::{Configuration, FENCE};
use crate::question::Question;
use crate::world;

/// How long an answer may take that the fence has overtaken: it is on its way from the upstream next door.
const GRACE: Duration = Duration::from_millis(300);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The id of the question that is put behind every other one.
const FENCE_ID: u16 = 0xfe9c;

/// The network, and the client that asks there.
pub struct Site {
    subject: Subject,
    lan: Lan,
    _upstream: Upstream,
    questions: Sender<(Vec<u8>, bool)>,
    replies: Receiver<Option<Vec<u8>>>,
}

impl Site {
    /// Builds a network.
    pub fn new(subject: Subject) -> Site {
        let lan = Lan::with_addresses(1);
        let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], world::answer);
        let (questions, asked) = channel::<(Vec<u8>, bool)>();
        let (answers, replies) = channel();
        lan.clients[0].spawn(move || {
            for (bytes, tcp) in asked {
                let reply = if tcp { ask_tcp(&bytes) } else { ask_udp(&bytes) };
                if answers.send(reply).is_err() {
                    break;
                }
            }
        });
        Site { subject, lan, _upstream: upstream, questions, replies }
    }

    /// Starts the program.
    pub fn serve(&self, configuration: &Configuration) -> Server {
        let directory = Arc::new(Directory::new());
        directory.write("hosts", configuration.hosts());
        let text = configuration.text();
        let server = Server::launch_program(&self.lan.server, &self.subject.program(), directory, &text, &[]);
        server.wait_for_line("started, version");
        server.wait_for_line("names");
        server
    }

    /// Asks.
    pub fn send(&self, question: &Question) {
        self.questions.send((question.bytes.clone(), question.tcp)).expect("the client lives");
    }

    /// The reply to what was asked last, if one came.
    pub fn receive(&self, _: &Question) -> Option<Vec<u8>> {
        self.replies.recv().expect("the client lives")
    }
}

fn server() -> SocketAddr {
    SocketAddr::new(SERVER_ADDRESS.into(), 53)
}

/// Asks by datagram, and puts a question behind it that is always answered: then what is unanswered is either ignored or with the upstream.
fn ask_udp(bytes: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
    socket.connect(server()).expect("connect it");
    socket.send(bytes).expect("send a question");
    let fence = support::message::encode_query(FENCE_ID, FENCE, support::message::A);
    socket.send(&fence).expect("send a question");
    let start = Instant::now();
    let mut deadline = start + PATIENCE;
    let mut buffer = [0; 65_535];
    let mut fenced = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            assert!(fenced, "the server is silent");
            return None;
        }
        socket.set_read_timeout(Some(left)).expect("set a timeout");
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        if buffer[..2] == FENCE_ID.to_be_bytes() {
            (fenced, deadline) = (true, Instant::now() + GRACE);
        } else {
            return Some(buffer[..length].to_vec());
        }
    }
}

/// Asks over TCP; `None` when the connection ends without a reply, or nothing comes.
fn ask_tcp(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server(), PATIENCE).expect("connect to the server");
    stream.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    let length = u16::try_from(bytes.len()).expect("a short question");
    stream.write_all(&[&length.to_be_bytes(), bytes].concat()).ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).ok()?;
    Some(reply)
}
