//! Leases from a script instead of a file (`leasefile-ro`): the script is run once, at start, and what it prints is read as a lease file.
//!
//! The only call of a script that goes through a shell, and the only one that the start waits for.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::store::Store;
use crate::failure::Failure;
use crate::files;

/// Most bytes that a script may print: far more leases than there can be, and an end to endless output.
const BYTES_MAX: u64 = 256 << 20;
/// To this the script's own status is added, for our exit status.
const STATUS_SCRIPT: i32 = 10;
/// What a shell says of a program that is not there, and of one that it may not execute.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

/// Runs `sh -c "PROGRAM init"`. Returns the leases that it prints and the lines that are no records.
pub fn run(program: &Path) -> Result<(Store, Vec<(usize, String)>), Failure> {
    let cannot_run = |error: &io::Error| {
        let text = format!("cannot run lease-init script {}: {}", program.display(), files::reason(error));
        Failure::file(text).about(&["dhcp-script"], program.display())
    };
    let mut command = OsString::from(program);
    command.push(" init");
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_run(&error))?;
    let mut bytes = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(BYTES_MAX).read_to_end(&mut bytes).map_err(|error| cannot_run(&error))?;
    }
    let status = child.wait().map_err(|error| cannot_run(&error))?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(Store::of_text(&bytes)),
        (Some(NOT_FOUND), _) => Err(cannot_run(&io::Error::from_raw_os_error(libc::ENOENT))),
        (Some(NOT_EXECUTABLE), _) => Err(cannot_run(&io::Error::from_raw_os_error(libc::EACCES))),
        (Some(code), _) => Err(failed(program, &format!("returned exit code {code}"), STATUS_SCRIPT + code)),
        (None, signal) => {
            Err(failed(program, &format!("killed by signal {}", signal.unwrap_or_default()), STATUS_SCRIPT))
        }
    }
}

fn failed(program: &Path, how: &str, status: i32) -> Failure {
    let text = format!("lease-init script {how}");
    // What does not fit an exit status comes out as it would from the system.
    let mut failure = Failure::other(text);
    failure.status = (status & 0xff) as u8;
    failure.about(&["dhcp-script"], program.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn outcome(text: &str) -> Result<(usize, Vec<usize>), (u8, String)> {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wardmasq-init-{}-{number}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let outcome = run(&path);
        std::fs::remove_file(&path).unwrap();
        match outcome {
            Ok((store, invalid)) => Ok((store.len(), invalid.into_iter().map(|(number, _)| number).collect())),
            Err(failure) => Err((failure.status, failure.text)),
        }
    }

    #[test]
    fn what_it_prints_is_a_lease_file() {
        let lease = "0 02:00:00:00:00:61 10.9.0.61 box *";
        let text = format!("#!/bin/sh\n[ \"$1\" = init ] || exit 9\necho '{lease}'\necho bad\nprintf '{lease}'\n");
        assert_eq!(outcome(&text), Ok((1, vec![2])));
    }

    #[test]
    fn its_failure_ends_the_start() {
        let failed = |status, text: &str| Err((status, text.to_owned()));
        assert_eq!(outcome("#!/bin/sh\nexit 7\n"), failed(17, "lease-init script returned exit code 7"));
        assert!(outcome("#!/bin/sh\nkill -9 $$\n").is_err());
        let absent = run(Path::new("/absent/script")).err().map(|failure| (failure.status, failure.text));
        let text = "cannot run lease-init script /absent/script: No such file or directory";
        assert_eq!(absent, Some((3, text.to_owned())));
    }
}
