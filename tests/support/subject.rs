//! Which program is under test.

use std::path::{Path, PathBuf};

/// The program under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// wardmasq.
    Ours,
    /// The reference, dnsmasq.
    Theirs,
}

impl Subject {
    /// What `WARDMASQ_UNDER_TEST` says: `ours` (also when unset) or `theirs`.
    pub fn chosen() -> Subject {
        match std::env::var("WARDMASQ_UNDER_TEST").as_deref() {
            Err(_) | Ok("" | "ours") => Subject::Ours,
            Ok("theirs") => Subject::Theirs,
            Ok(other) => panic!("WARDMASQ_UNDER_TEST is {other:?}, neither \"ours\" nor \"theirs\""),
        }
    }

    /// Whose program file this is: the reference is called `dnsmasq`.
    pub fn of(program: &Path) -> Subject {
        if program.file_name().is_some_and(|name| name == "dnsmasq") { Subject::Theirs } else { Subject::Ours }
    }

    /// The program file: `WARDMASQ_BINARY`, or the newest build beside the test itself; `WARDMASQ_REFERENCE` for dnsmasq.
    pub fn program(self) -> PathBuf {
        match self {
            Subject::Theirs => std::env::var_os("WARDMASQ_REFERENCE")
                .map(PathBuf::from)
                .expect("WARDMASQ_REFERENCE names the reference dnsmasq (tests/reference fetches it)"),
            Subject::Ours => std::env::var_os("WARDMASQ_BINARY").map(PathBuf::from).unwrap_or_else(built_program),
        }
    }
}

/// The newest `wardmasq` in the target directory that this test was built into.
fn built_program() -> PathBuf {
    let test = std::env::current_exe().expect("know the test's own path");
    // target/TUPLE/PROFILE/deps/TEST
    let tuple_directory = test.ancestors().nth(3).unwrap_or(Path::new("/"));
    let changed = |path: &PathBuf| path.metadata().and_then(|data| data.modified()).ok();
    ["release", "debug"]
        .map(|profile| tuple_directory.join(profile).join("wardmasq"))
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(changed)
        .unwrap_or_else(|| panic!("no wardmasq below {}: cargo build -p wardmasq", tuple_directory.display()))
}
