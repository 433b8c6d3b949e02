//! The dhcp worker: sockets on one side, the DHCP core on the other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use dhcp::{Action, Arrival, Engine, Input, Outbox, Port};
use ipc::capture::Kind;
use ipc::control::ToParent;
use ipc::dhcp as conversation;
use ipc::log::{Line, Severity};

use crate::boot::Booted;
use crate::clock::now;
use crate::datagram::{BATCH, Outgoing, Receiver, Sender};
use crate::poll::Ready;
use crate::turn::{self, Role};

/// Room for one packet: any Ethernet frame's worth, and the largest that a client may ask us to take.
const PACKET_BYTES: usize = 4096;
/// Packets taken at once: their leases are recorded together.
const PACKETS_PER_TURN: usize = BATCH;

struct Worker {
    booted: Booted,
    engine: Engine,
    outbox: Outbox,
    receiver: Receiver,
    sender: Sender,
    /// Packets of one port that are about to be sent.
    batch: Vec<Outgoing>,
    draining: bool,
}

/// Serves until drained.
pub fn serve(mut booted: Booted) -> ! {
    let engine = Engine::new(booted.slice(), booted.seed);
    let worker = Worker {
        booted,
        engine,
        outbox: Outbox::new(),
        receiver: Receiver::new(PACKET_BYTES),
        sender: Sender::new(),
        batch: Vec::new(),
        draining: false,
    };
    turn::serve(worker)
}

impl Role for Worker {
    type Told = conversation::ToWorker;

    fn booted(&mut self) -> &mut Booted {
        &mut self.booted
    }

    fn deadline(&self) -> Option<u64> {
        self.engine.deadline()
    }

    fn deadline_reached(&mut self) {
        self.hear(Input::Deadline);
    }

    fn dump_statistics(&mut self, _: i32) {
        self.hear(Input::DumpStatistics);
    }

    fn drained(&self) -> bool {
        self.engine.idle()
    }

    fn ready(&mut self, event: Ready) {
        if self.booted.echo.as_ref().is_some_and(|fd| fd.as_raw_fd() == event.fd) {
            self.echoes();
        } else if let Some(socket) = self.booted.datagram.iter().position(|fd| fd.as_raw_fd() == event.fd) {
            // After a Drain of the same turn it is left to the next generation.
            if !self.draining {
                self.packets(socket);
            }
        }
    }

    fn turn_ends(&mut self) {
        self.perform();
    }

    fn drain(&mut self) {
        self.draining = true;
        for fd in &self.booted.datagram {
            let _ = self.booted.poll.forget(fd.as_fd());
        }
        self.hear(Input::Drain);
    }

    fn told(&mut self, message: conversation::ToWorker, _: Vec<OwnedFd>) {
        let start = message == conversation::ToWorker::Start;
        self.hear(Input::FromParent(message));
        if start {
            for fd in self.booted.datagram.iter().chain(&self.booted.echo) {
                self.booted.poll.read(fd.as_fd()).expect("a socket can be watched");
            }
        }
    }
}

impl Worker {
    fn hear(&mut self, input: Input<'_>) {
        self.engine.handle(input, now(), &mut self.outbox);
    }

    fn packets(&mut self, socket: usize) {
        let Ok(count) = self.receiver.receive(self.booted.datagram[socket].as_fd(), PACKETS_PER_TURN) else { return };
        for index in 0..count {
            let Some(datagram) = self.receiver.datagram(index) else { continue };
            let SocketAddr::V4(source) = datagram.peer else { continue };
            let IpAddr::V4(destination) = datagram.local else { continue };
            let port = if socket == 0 { Port::Server } else { Port::Pxe };
            let arrival = Arrival { interface: datagram.interface, source, destination, port };
            let ends = || Some((datagram.peer, SocketAddr::new(datagram.local, *self.booted.ports.get(socket)?)));
            self.booted.log.capture(Kind::Dhcp, ends, datagram.bytes, &mut self.outbox.lines);
            self.engine.handle(Input::Packet { bytes: datagram.bytes, arrival }, now(), &mut self.outbox);
        }
    }

    fn echoes(&mut self) {
        let Some(echo) = &self.booted.echo else { return };
        let Ok(count) = self.receiver.receive(echo.as_fd(), PACKETS_PER_TURN) else { return };
        for index in 0..count {
            if let Some(datagram) = self.receiver.datagram(index) {
                self.engine.handle(Input::Echo { bytes: datagram.bytes }, now(), &mut self.outbox);
            }
        }
    }

    /// Packets are gathered and leave in batches; those of one port stay together.
    fn perform(&mut self) {
        let mut outbox = std::mem::replace(&mut self.outbox, Outbox::new());
        let mut current = Port::Server;
        for action in outbox.actions.drain(..) {
            match action {
                Action::Send { bytes, port, interface, source, to } => {
                    if port != current {
                        self.send_batch(current, &outbox.bytes, &mut outbox.lines);
                        current = port;
                    }
                    let local = IpAddr::V4(source.unwrap_or(Ipv4Addr::UNSPECIFIED));
                    self.batch.push(Outgoing { peer: SocketAddr::V4(to), local, interface, bytes });
                }
                Action::Tell(message) => self.booted.control.tell(&self.booted.poll, &ToParent::Role(message)),
            }
        }
        self.send_batch(current, &outbox.bytes, &mut outbox.lines);
        if !outbox.lines.is_empty() {
            self.booted.log.write(&mut outbox.lines);
        }
        outbox.clear();
        self.outbox = outbox;
    }

    fn send_batch(&mut self, port: Port, buffer: &[u8], lines: &mut Vec<Line>) {
        let index = match port {
            Port::Server => 0,
            Port::Pxe => 1,
        };
        if let (false, Some(socket)) = (self.batch.is_empty(), self.booted.datagram.get(index)) {
            for packet in &self.batch {
                let ends = || Some((SocketAddr::new(packet.local, *self.booted.ports.get(index)?), packet.peer));
                self.booted.log.capture(Kind::Dhcp, ends, &buffer[packet.bytes.clone()], lines);
            }
            self.sender.send(socket.as_fd(), buffer, &self.batch, |outgoing, errno| {
                let text = format!("Error sending DHCP packet to {}: {}", outgoing.peer.ip(), errno.desc());
                lines.push(Line { severity: Severity::Error, text });
            });
        }
        self.batch.clear();
    }
}
