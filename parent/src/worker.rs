//! One running worker, as the parent sees it: two sockets, a phase, and what waits to be sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use ipc::channel::{ChannelError, receive_bytes, send_bytes};
use ipc::control::ToWorker;
use ipc::role::{Generation, Role};
use ipc::{MESSAGE_BYTES_MAX, frame};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::known_hosts::OwedAnswer;
use crate::permit::{Allowance, Phase, units_per_second};
use crate::upstreams::Upstreams;

/// Messages kept for a worker that does not read. One that lets more pile up is taken for hung and replaced. A replay of all leases
/// that `dhcp-lease-max` can name fits.
const QUEUE_MAX: usize = 1 << 20;

/// A worker that is alive, or dying.
pub struct Worker {
    /// Its role.
    pub role: Role,
    /// Which start of the role.
    pub generation: Generation,
    /// Its process.
    pub pid: Pid,
    /// Where it is in its life.
    pub phase: Phase,
    /// When it is to be killed if it still lives, in monotonic milliseconds.
    pub kill_at_ms: Option<u64>,
    /// What it may still ask for.
    pub allowance: Allowance,
    /// It asked for more than that, and is not read before this time, in monotonic milliseconds.
    pub paused_until_ms: Option<u64>,
    /// Resolv files sent to it that it has not answered for.
    pub resolv_owed: u32,
    /// What its latest answer named: upstreams after those it was started with.
    pub resolv_upstreams: Vec<SocketAddr>,
    /// dns: what it was asked of hosts files and has not answered.
    pub hosts_owed: VecDeque<OwedAnswer>,
    /// dns: the upstreams it was started with.
    pub upstreams: Rc<Upstreams>,
    control: OwnedFd,
    log: OwnedFd,
    queue: VecDeque<(Vec<u8>, Vec<OwnedFd>)>,
}

/// What a look into a worker's channel found.
#[derive(Debug)]
pub enum Heard<M> {
    /// This.
    Message(M),
    /// Nothing more for now.
    Nothing,
    /// It has closed the channel, so it is ending.
    Closed,
    /// Something that is no message: it must go.
    Illegal,
}

/// Whether messages could be sent: the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// Sent, or it was already known to be gone.
    Done,
    /// Queued: watch for writability.
    Queued,
    /// It does not read: it must go.
    Hung,
}

impl Worker {
    /// A worker whose boot message is about to be sent.
    pub fn new(role: Role, generation: Generation, pid: Pid, control: OwnedFd, log: OwnedFd) -> Worker {
        Worker {
            role,
            generation,
            pid,
            phase: Phase::Spawned,
            kill_at_ms: None,
            allowance: Allowance::new(units_per_second(role), 0),
            paused_until_ms: None,
            resolv_owed: 0,
            resolv_upstreams: Vec::new(),
            hosts_owed: VecDeque::new(),
            upstreams: Rc::default(),
            control,
            log,
            queue: VecDeque::new(),
        }
    }

    /// The control socket.
    pub fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    /// The log socket.
    pub fn log(&self) -> BorrowedFd<'_> {
        self.log.as_fd()
    }

    /// Is anything queued for it?
    pub fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Is this descriptor one of its two?
    pub fn owns(&self, fd: RawFd) -> bool {
        self.control.as_raw_fd() == fd || self.log.as_raw_fd() == fd
    }

    /// Sends encoded messages, or queues them behind those that wait.
    pub fn send_encoded(&mut self, bytes: Vec<u8>, descriptors: Vec<OwnedFd>) -> Sent {
        if self.queue.is_empty() {
            let raw: Vec<RawFd> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
            match send_bytes(self.control.as_fd(), &bytes, &raw) {
                Ok(()) => return Sent::Done,
                Err(ChannelError::Full) => {}
                // It is gone; its death will be noticed where deaths are noticed.
                Err(_) => return Sent::Done,
            }
        }
        if self.queue.len() >= QUEUE_MAX {
            return Sent::Hung;
        }
        self.queue.push_back((bytes, descriptors));
        Sent::Queued
    }

    /// Sends a message of its conversation.
    pub fn send<M: Serialize>(&mut self, message: &ToWorker<M>, descriptors: Vec<OwnedFd>) -> Sent {
        let mut bytes = Vec::new();
        frame::encode(message, &mut bytes).expect("our own messages are within the limit");
        self.send_encoded(bytes, descriptors)
    }

    /// Sends messages of its conversation, as many together as may be.
    pub fn send_together<M: Serialize>(&mut self, messages: impl IntoIterator<Item = ToWorker<M>>) -> Sent {
        let (mut bytes, mut worst) = (Vec::new(), Sent::Done);
        for message in messages {
            let before = bytes.len();
            frame::encode(&message, &mut bytes).expect("our own messages are within the limit");
            if bytes.len() > MESSAGE_BYTES_MAX {
                let last = bytes.split_off(before);
                worst = worst.max(self.send_encoded(std::mem::replace(&mut bytes, last), Vec::new()));
            }
        }
        if bytes.is_empty() { worst } else { worst.max(self.send_encoded(bytes, Vec::new())) }
    }

    /// Sends what waits; true when nothing waits any more.
    pub fn flush(&mut self) -> bool {
        while let Some((bytes, descriptors)) = self.queue.front() {
            let raw: Vec<RawFd> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
            match send_bytes(self.control.as_fd(), bytes, &raw) {
                Ok(()) => drop(self.queue.pop_front()),
                Err(ChannelError::Full) => return false,
                Err(_) => self.queue.clear(),
            }
        }
        true
    }

    /// What it has sent together on its control channel: so many bytes of messages. Descriptors that it tries to send are dropped by the
    /// kernel: none is asked for.
    pub fn hear(&self, buffer: &mut [u8]) -> Heard<usize> {
        hear(self.control.as_fd(), buffer)
    }

    /// The next batch from its log channel.
    pub fn hear_log<M: DeserializeOwned>(&self, buffer: &mut [u8]) -> Heard<M> {
        match hear(self.log.as_fd(), buffer) {
            Heard::Message(length) => frame::decode(&buffer[..length]).map_or(Heard::Illegal, Heard::Message),
            Heard::Nothing => Heard::Nothing,
            Heard::Closed => Heard::Closed,
            Heard::Illegal => Heard::Illegal,
        }
    }
}

fn hear(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Heard<usize> {
    match receive_bytes(socket, buffer, 0) {
        Ok(None) => Heard::Nothing,
        Ok(Some((0, _))) | Err(ChannelError::System(_)) => Heard::Closed,
        Ok(Some((length, _))) => Heard::Message(length),
        Err(_) => Heard::Illegal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::control::ToParent;
    use nix::sys::memfd::{MFdFlags, memfd_create};

    fn worker() -> (Worker, OwnedFd) {
        let (control, theirs) = ipc::channel::pair().unwrap();
        let (log, _) = ipc::channel::pair().unwrap();
        (Worker::new(Role::Dns, Generation(1), Pid::from_raw(1), control, log), theirs)
    }

    #[test]
    fn whatever_a_hostile_worker_sends_is_a_message_or_illegal() {
        let (worker, theirs) = worker();
        let mut state = 1u64;
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        for _ in 0..20_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let length = (state >> 58) as usize + 1;
            let bytes: Vec<u8> = (0..length).map(|i| (state >> (i % 8 * 7)) as u8).collect();
            send_bytes(theirs.as_fd(), &bytes, &[]).unwrap();
            let Heard::Message(heard) = worker.hear(&mut buffer) else { panic!("{bytes:?}") };
            assert_eq!(buffer[..heard], bytes);
            let _ = frame::decode_first::<ToParent<ipc::dhcp::ToParent>>(&buffer[..heard]);
        }
    }

    #[test]
    fn descriptors_from_a_worker_never_arrive() {
        let (worker, theirs) = worker();
        let passed = memfd_create(c"passed-by-a-worker", MFdFlags::MFD_CLOEXEC).unwrap();
        let raw = passed.as_raw_fd();
        let name = std::fs::read_link(format!("/proc/self/fd/{raw}")).unwrap();
        // Other tests of this process open and close descriptors of their own meanwhile.
        let open = || {
            let all = std::fs::read_dir("/proc/self/fd").unwrap();
            all.filter(|entry| std::fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|link| link == name))
                .count()
        };
        let mut bytes = Vec::new();
        frame::encode(&ToParent::<ipc::dns::ToParent>::Drained, &mut bytes).unwrap();
        assert_eq!(open(), 1);
        for _ in 0..50 {
            send_bytes(theirs.as_fd(), &bytes, &[raw; 100]).unwrap();
            let _ = worker.hear(&mut [0; 64]);
        }
        assert_eq!(open(), 1);
    }

    #[test]
    fn what_is_said_together_travels_together_as_far_as_it_fits() {
        let (mut worker, theirs) = worker();
        let lease = |number: u32| ipc::lease::Lease {
            address: number.into(),
            hardware: ipc::link::HardwareAddress::new(1, &[2; 6]).unwrap(),
            client_id: Some(vec![7; 255]),
            name: None,
            expires_s: 0,
            provenance: None,
        };
        let said: Vec<ToWorker<ipc::dhcp::ToWorker>> =
            (0..1000).map(|number| ToWorker::Role(ipc::dhcp::ToWorker::Leases(vec![lease(number)]))).collect();
        assert_ne!(worker.send_together(said.clone()), Sent::Hung);
        let (mut heard, mut times) = (Vec::<ToWorker<ipc::dhcp::ToWorker>>::new(), 0);
        let mut bytes = vec![0; MESSAGE_BYTES_MAX];
        while let Some((length, _)) = receive_bytes(theirs.as_fd(), &mut bytes, 0).unwrap() {
            let mut rest = &bytes[..length];
            while !rest.is_empty() {
                let (message, taken) = frame::decode_first(rest).unwrap();
                heard.push(message);
                rest = &rest[taken..];
            }
            times += 1;
            worker.flush();
        }
        assert_eq!(heard, said);
        assert!((2..10).contains(&times), "{times}");
        assert_eq!(worker.send_together(Vec::<ToWorker<()>>::new()), Sent::Done);
        assert_eq!(receive_bytes(theirs.as_fd(), &mut bytes, 0).unwrap().map(|(length, _)| length), None);
    }

    #[test]
    fn what_does_not_fit_waits_in_order() {
        let (mut worker, theirs) = worker();
        let mut sent = 0u32;
        while worker.send_encoded(sent.to_ne_bytes().to_vec(), Vec::new()) == Sent::Done {
            sent += 1;
        }
        worker.send_encoded((sent + 1).to_ne_bytes().to_vec(), Vec::new());
        let mut got = Vec::new();
        let mut bytes = [0; 16];
        loop {
            worker.flush();
            match receive_bytes(theirs.as_fd(), &mut bytes, 0).unwrap() {
                Some((4, _)) => got.push(u32::from_ne_bytes(bytes[..4].try_into().unwrap())),
                _ => break,
            }
        }
        assert_eq!(got, (0..=sent + 1).collect::<Vec<_>>());
    }
}
