//! Builds with the `probe` feature: one forbidden deed instead of serving, from inside a worker that is confined as always.

use std::os::fd::{AsRawFd, BorrowedFd};

use ipc::boot::{CONTROL, SOCKETS};
use ipc::channel::receive_bytes;
use ipc::control::ToWorker;
use ipc::log::{Line, Severity};
use ipc::{MESSAGE_BYTES_MAX, dns, frame};

use crate::line::Log;
use crate::probe::{DEEDS, Ground};

/// Does deed number `deed`, says on the log channel what came of it (`works` or `errno N`), and ends. The parent sees it if the deed is the end.
pub fn run(deed: usize, control: BorrowedFd<'_>, log: &mut Log) -> ! {
    // The ground comes behind the boot message: a connected socket, and in the number's place the parent's process id.
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    let (parent_pid, socket) = loop {
        match receive_bytes(control, &mut bytes, 1) {
            Ok(None) => std::hint::spin_loop(),
            Ok(Some((length, mut descriptors))) => match frame::decode(&bytes[..length]) {
                Ok(ToWorker::Role(dns::ToWorker::UdpSockets { upstream, .. })) => {
                    break (upstream as i32, descriptors.pop());
                }
                other => panic!("not the ground of a trial: {other:?}"),
            },
            Err(error) => panic!("no ground for a trial: {error:?}"),
        }
    };
    let ground = Ground {
        parent_pid,
        connected_udp: socket.as_ref().map_or(-1, |socket| socket.as_raw_fd()),
        listening: SOCKETS.start,
        control: CONTROL,
    };
    let text = match DEEDS.get(deed).map(|deed| (deed.run)(&ground)) {
        None => "no such deed".to_owned(),
        Some(Ok(())) => "works".to_owned(),
        Some(Err(errno)) => format!("errno {errno}"),
    };
    log.write(&mut vec![Line { severity: Severity::Info, text }]);
    crate::boot::exit_now(0)
}
