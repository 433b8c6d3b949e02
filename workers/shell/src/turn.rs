//! The loop of every worker: wait, hand over what is ready, sleep until the core's deadline, leave when drained.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use ipc::control::{ToParent, ToWorker};
use serde::de::DeserializeOwned;

use crate::boot::Booted;
use crate::clock::now;
use crate::poll::Ready;
use crate::watchdog;

/// A role: descriptors on one side, a core on the other.
pub trait Role {
    /// What the parent says to this role.
    type Told: DeserializeOwned;

    /// Channels and descriptors.
    fn booted(&mut self) -> &mut Booted;
    /// When the core wants to be called with nothing but the time, in monotonic milliseconds.
    fn deadline(&self) -> Option<u64>;
    /// That time has come.
    fn deadline_reached(&mut self);
    /// One of the role's own descriptors is ready.
    fn ready(&mut self, event: Ready);
    /// Everything that was ready has been handed over, and the deadline if it was reached. What the parent has been told leaves then.
    fn turn_ends(&mut self) {}
    /// A message of the parent.
    fn told(&mut self, message: Self::Told, descriptors: Vec<OwnedFd>);
    /// Log the statistics.
    fn dump_statistics(&mut self, utc_offset_s: i32);
    /// Take no new work from now on.
    fn drain(&mut self);
    /// Has everything that was owed been done?
    fn drained(&self) -> bool;
}

/// Serves until drained.
pub fn serve<R: Role>(mut role: R) -> ! {
    let mut ready = Vec::new();
    let mut draining = false;
    loop {
        let deadline = role.deadline();
        // The clock is only asked when somebody waits for it.
        let before = if deadline.is_some() { now().monotonic_ms } else { 0 };
        role.booted().poll.wait(deadline, before, &mut ready);
        watchdog::turn();
        for event in &ready {
            if event.fd == role.booted().control.as_fd().as_raw_fd() {
                draining |= parent_says(&mut role, *event);
            } else {
                role.ready(*event);
            }
        }
        if role.deadline().is_some_and(|at| at <= now().monotonic_ms) {
            role.deadline_reached();
        }
        role.turn_ends();
        let leaving = draining && role.drained();
        let booted = role.booted();
        if leaving {
            booted.control.tell::<()>(&booted.poll, &ToParent::Drained);
        }
        booted.control.send(&booted.poll);
        if leaving {
            crate::boot::exit_now(0);
        }
    }
}

/// Hears everything that the parent has said; true if it said Drain.
fn parent_says<R: Role>(role: &mut R, event: Ready) -> bool {
    let mut drain = false;
    if event.writable {
        let booted = role.booted();
        booted.control.flush(&booted.poll);
    }
    if !event.readable {
        return false;
    }
    while let Some((message, descriptors)) = role.booted().control.receive::<R::Told>() {
        match message {
            ToWorker::Drain => {
                drain = true;
                role.drain();
            }
            ToWorker::DumpStatistics { utc_offset_s } => role.dump_statistics(utc_offset_s),
            ToWorker::Role(message) => role.told(message, descriptors),
            ToWorker::Misbehave(deed) => crate::misbehave(deed),
        }
    }
    drain
}
