//! Builds for the fault and confinement tests.

use std::net::SocketAddr;

use ipc::control::ToWorker;
use ipc::dns;
use ipc::log::Batch;
use ipc::role::{Generation, Role};
use nix::sys::wait::{WaitStatus, waitpid};

use super::Hub;
use crate::broker;
use crate::config::UpstreamSource;
use crate::permit::Phase;
use crate::spawn::Side;
use crate::worker::{Heard, Worker};

impl Hub {
    /// A real-time signal asks a worker to go wrong: role index times five plus the deed.
    pub(super) fn misbehave(&mut self, signal: i32) {
        use ipc::control::Misbehavior::{Abort, Fault, Loop, Overflow, Panic};
        let number = (signal - libc::SIGRTMIN()) as usize;
        let (Some(role), Some(deed)) =
            (Role::ALL.get(number / 5), [Panic, Abort, Loop, Overflow, Fault].get(number % 5))
        else {
            return;
        };
        let serving = |worker: &Worker| worker.role == *role && worker.phase == Phase::Serving;
        if let Some(index) = self.workers.iter().position(serving) {
            self.send::<()>(index, &ToWorker::Misbehave(*deed), Vec::new());
        }
    }

    /// Starts one worker of `role` to try forbidden deed number `deed`; the lines it logs, and how it ended.
    pub fn probe(&mut self, role: Role, deed: u32) -> std::io::Result<(Vec<String>, WaitStatus)> {
        let Side::Parent(newborn) = self.nursery.spawn(role)? else { return Err(std::io::Error::other("no exec")) };
        let worker = Worker::new(role, Generation(deed), newborn.pid, newborn.control, newborn.log);
        self.workers.push(worker);
        let index = self.workers.len() - 1;
        self.send_boot(index, Some(deed));
        // A connected socket to misuse, and in the number's place our process id.
        let discard = SocketAddr::from(([127, 0, 0, 1], 9));
        let socket = broker::upstream_udp(discard, &UpstreamSource::default(), 0, &self.ports)?;
        self.send_dns(index, dns::ToWorker::UdpSockets { upstream: std::process::id(), mark: 0 }, vec![socket]);
        let status = waitpid(newborn.pid, None)?;
        let mut lines = Vec::new();
        let Some(worker) = self.workers.pop() else { return Ok((lines, status)) };
        while let Heard::Message(batch) = worker.hear_log::<Batch>(&mut self.buffer) {
            lines.extend(batch.lines.into_iter().map(|line| line.text));
        }
        Ok((lines, status))
    }
}
