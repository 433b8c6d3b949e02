//! Who may import whom.
//!
//! ```text
//! parent (the binary) ──► workers/shell ──► the cores
//!          │                   │               │
//!          ├──► policy ◄───────┤               │
//!          └──► ipc    ◄───────┴───────────────┘
//! ```

use crate::manifest::{key, section};
use crate::{CORES, none, sources};

/// Every crate of this workspace that can be imported.
const OURS: [&str; 10] = ["ipc", "policy", "shell", "dns", "dhcp", "tftp", "net", "script", "wardmasq", "parent"];

fn dependencies(folder: &str) -> Vec<String> {
    let text = sources::read(&format!("{folder}/Cargo.toml"));
    section(&text, "[dependencies]").into_iter().map(str::to_owned).collect()
}

/// What `folder` imports of ours and may not.
fn strangers(folder: &str, allowed: &[&str]) -> Vec<String> {
    let lines = dependencies(folder);
    let names = lines.iter().map(|line| key(line)).filter(|name| OURS.contains(name) && !allowed.contains(name));
    names.map(|name| format!("{folder} imports {name}")).collect()
}

#[test]
fn ipc_and_policy_import_nothing_of_ours() {
    none("a leaf must stay a leaf", [strangers("ipc", &[]), strangers("policy", &[])].concat());
}

#[test]
fn the_shell_and_the_parent_import_only_what_is_below_them() {
    let shell = strangers("workers/shell", &["ipc", "policy", "dns", "dhcp", "tftp", "net", "script"]);
    let parent = strangers("parent", &["ipc", "policy", "shell"]);
    none("an arrow points upwards", [shell, parent].concat());
}

#[test]
fn a_core_imports_ipc_and_codecs_only() {
    // A new codec is a decision; a crate that can make a system call is a mistake. (The calendar is taken without its clock.)
    const ALLOWED: [&str; 4] = ["ipc", "hickory-proto", "dhcproto", "time"];
    let mut found = Vec::new();
    for core in CORES {
        for line in dependencies(core) {
            if !ALLOWED.contains(&key(&line)) {
                found.push(format!("{core}: {line}"));
            }
            if key(&line) == "ipc" && line.contains("features") {
                found.push(format!("{core} asks for the socket half of ipc: {line}"));
            }
        }
    }
    none("a core reaches beyond data", found);
}
