//! What the service manager is told, and the sockets it hands over.

use std::os::fd::{FromRawFd as _, OwnedFd};

use sd_notify::NotifyState;

/// Sockets from the service manager, with their names. Call once, before anything else opens a descriptor.
///
/// Every other inherited descriptor is closed, as in dnsmasq.
#[expect(unsafe_code, reason = "descriptors that were handed over by number become owned here")]
pub fn sockets() -> Vec<(String, OwnedFd)> {
    let passed = match sd_notify::listen_fds_with_names() {
        Ok(passed) => {
            // SAFETY: the service manager has opened these numbers for us, and nobody else in this process knows them.
            passed.map(|(raw, name)| (name, unsafe { OwnedFd::from_raw_fd(raw) })).collect()
        }
        Err(_) => Vec::new(),
    };
    let first = 3 + passed.len() as libc::c_uint;
    // SAFETY: this is the first thing the program does: nothing of ours is open yet.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    passed
}

/// Every role serves.
pub fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
}

/// SIGHUP was received; `ready` follows.
pub fn reloading() {
    if let Ok(stamp) = NotifyState::monotonic_usec_now() {
        let _ = sd_notify::notify(&[NotifyState::Reloading, stamp]);
    }
}

/// We are about to end.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}
