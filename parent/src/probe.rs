//! Builds with the `probe` feature: every forbidden deed, each in a fresh worker that is started and confined as always.

use ipc::role::Role;
use nix::sys::signal::SigSet;
use nix::sys::wait::WaitStatus;
use shell::probe::DEEDS;

use crate::hub::Hub;

/// Prints a line per deed: group, name, outcome (`works`, `errno N`, `killed N`), separated by tabs. The exit status.
pub fn run(hub: &mut Hub, role: Role) -> u8 {
    for (number, deed) in DEEDS.iter().enumerate() {
        let outcome = match hub.probe(role, number as u32) {
            Ok((_, WaitStatus::Signaled(_, signal, _))) => format!("killed {}", signal as i32),
            Ok((lines, _)) => lines.last().cloned().unwrap_or_else(|| "silent".to_owned()),
            Err(error) => format!("not tried: {error}"),
        };
        println!("{}\t{}\t{outcome}", deed.group, deed.name);
    }
    0
}

/// Real-time signals ask workers to misbehave.
#[expect(unsafe_code, reason = "real-time signals have no names in the library's type")]
pub fn add_real_time_signals(set: &mut SigSet) {
    let mut raw = *set.as_ref();
    for offset in 0..20 {
        // SAFETY: `raw` is an initialised signal set, and the numbers are valid signals.
        unsafe { libc::sigaddset(&mut raw, libc::SIGRTMIN() + offset) };
    }
    // SAFETY: the set was initialised above.
    *set = unsafe { SigSet::from_sigset_t_unchecked(raw) };
}
