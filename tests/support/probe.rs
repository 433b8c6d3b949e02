//! The build with the Cargo feature `probe`, in which workers misbehave when told to.

use std::path::{Path, PathBuf};

/// The program file: `WARDMASQ_PROBE_BINARY`, or the newest one below `target/probe`.
pub fn program() -> PathBuf {
    if let Some(given) = std::env::var_os("WARDMASQ_PROBE_BINARY") {
        return given.into();
    }
    let test = std::env::current_exe().expect("know the test's own path");
    // target/TUPLE/PROFILE/deps/TEST
    let tuple = test.ancestors().nth(3).unwrap_or(Path::new("/"));
    let target = tuple.parent().unwrap_or(tuple);
    let builds = target.join("probe").join(tuple.file_name().unwrap_or_default());
    let changed = |path: &PathBuf| path.metadata().and_then(|data| data.modified()).ok();
    ["release", "debug"]
        .map(|profile| builds.join(profile).join("wardmasq"))
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(changed)
        .unwrap_or_else(|| {
            panic!(
                "no probe build below {}: cargo build -p wardmasq --features probe --target-dir target/probe",
                builds.display()
            )
        })
}
