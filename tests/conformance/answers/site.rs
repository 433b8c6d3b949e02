//! One program on a network of its own, with an upstream that knows the pretend world, and a client.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use support::lan::{SERVER_ADDRESS, UPSTREAMS};
use support::message::{A, encode_query};
use support::{Directory, Lan, Server, Subject, Upstream};

use crate::configuration::{Configuration, FENCE};
use crate::question::{Question, Way};
use crate::world;

/// How long an answer may take that the fence has overtaken: it is on its way from the upstream next door.
const GRACE: Duration = Duration::from_millis(100);
/// How long it may take when the other program has given it.
const MORE_GRACE: Duration = Duration::from_secs(1);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The id of the question that is put behind every other one.
const FENCE_ID: u16 = 0xfe9c;

/// The network, and the client that asks there.
pub struct Site {
    subject: Subject,
    lan: Lan,
    _upstream: Upstream,
    orders: Sender<Order>,
    replies: Receiver<Option<Vec<u8>>>,
}

/// What the client shall do.
enum Order {
    Ask(Vec<u8>, Way),
    /// Wait longer for the reply to a datagram.
    Wait,
    /// Close all connections.
    Close,
}

impl Site {
    /// Builds a network.
    pub fn new(subject: Subject) -> Site {
        let lan = Lan::with_addresses(1);
        let upstream = Upstream::start(&lan.upstream, UPSTREAMS[0], world::answer);
        let (orders, ordered) = channel();
        let (answers, replies) = channel();
        lan.clients[0].spawn(move || {
            let mut client = Client::default();
            for order in ordered {
                let reply = match order {
                    Order::Ask(bytes, Way::Datagram) => client.ask_udp(&bytes),
                    Order::Ask(bytes, way) => client.ask_tcp(&bytes, way == Way::SameConnection),
                    Order::Wait => client.receive(MORE_GRACE),
                    Order::Close => {
                        client = Client::default();
                        continue;
                    }
                };
                if answers.send(reply).is_err() {
                    break;
                }
            }
        });
        Site { subject, lan, _upstream: upstream, orders, replies }
    }

    /// Starts the program.
    pub fn serve(&self, configuration: &Configuration) -> Server {
        self.order(Order::Close);
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
        self.order(Order::Ask(question.bytes.clone(), question.way));
    }

    /// The reply to what was asked last, if one came.
    pub fn receive(&self) -> Option<Vec<u8>> {
        self.replies.recv().expect("the client lives")
    }

    /// The reply to the datagram that was asked last, if one comes now.
    pub fn receive_late(&self) -> Option<Vec<u8>> {
        self.order(Order::Wait);
        self.receive()
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the client lives");
    }
}

fn server() -> SocketAddr {
    SocketAddr::new(SERVER_ADDRESS.into(), 53)
}

/// The sockets of the last question.
///
/// Behind each question goes another that is always answered: then what is unanswered is ignored, or (in datagrams only) with the upstream.
#[derive(Default)]
struct Client {
    datagrams: Option<UdpSocket>,
    connection: Option<TcpStream>,
}

impl Client {
    fn ask_udp(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.connection = None;
        let socket = UdpSocket::bind("0.0.0.0:0").expect("bind a socket");
        socket.connect(server()).expect("connect it");
        socket.send(bytes).expect("send a question");
        socket.send(&encode_query(FENCE_ID, FENCE, A)).expect("send a question");
        self.datagrams = Some(socket);
        self.await_reply()
    }

    /// The reply, if it comes before the fence or soon after it. The fence must come.
    fn await_reply(&self) -> Option<Vec<u8>> {
        match self.receive(PATIENCE).expect("the server is not silent") {
            fence if is_fence(&fence) => self.receive(GRACE),
            reply => Some(reply),
        }
    }

    /// The next datagram, if it comes in time.
    fn receive(&self, time: Duration) -> Option<Vec<u8>> {
        let socket = self.datagrams.as_ref()?;
        socket.set_read_timeout(Some(time)).expect("set a timeout");
        let mut buffer = [0; 65_535];
        let length = support::uninterrupted(|| socket.recv(&mut buffer)).ok()?;
        Some(buffer[..length].to_vec())
    }

    /// Asks over TCP; `None` when the connection ends without a reply, or the fence is answered first.
    fn ask_tcp(&mut self, bytes: &[u8], same: bool) -> Option<Vec<u8>> {
        self.datagrams = None;
        let mut stream = if same { self.connection.take()? } else { connect() };
        let fence = encode_query(FENCE_ID, FENCE, A);
        stream.write_all(&[frame(bytes), frame(&fence)].concat()).ok()?;
        let first = read_message(&mut stream)?;
        if is_fence(&first) {
            self.connection = Some(stream);
            return None;
        }
        self.connection = read_message(&mut stream).map(|_| stream);
        Some(first)
    }
}

fn is_fence(reply: &[u8]) -> bool {
    reply.starts_with(&FENCE_ID.to_be_bytes())
}

fn connect() -> TcpStream {
    let stream = TcpStream::connect_timeout(&server(), PATIENCE).expect("connect to the server");
    stream.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    stream
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a short question");
    [&length.to_be_bytes(), message].concat()
}

fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}
