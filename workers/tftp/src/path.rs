//! From the name in a request to a path below a root.

use std::net::IpAddr;

use ipc::config::tftp::TftpSlice;

use crate::files::Files;

/// Where a request leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Index of the root; `None` when no root serves the interface.
    pub root: Option<usize>,
    /// The whole path, for log lines.
    pub full: Vec<u8>,
    /// The path below the root.
    pub relative: Vec<u8>,
    /// Does it try to climb? Refused even when it would stay inside.
    pub climbs: bool,
}

/// Applies the rules of roots, prefixes and per-client directories.
pub fn resolve(
    slice: &TftpSlice,
    name: &[u8],
    interface: Option<&str>,
    client: IpAddr,
    files: &mut dyn Files,
) -> Target {
    let lower = |byte: &u8| if slice.lowercase { byte.to_ascii_lowercase() } else { *byte };
    // Clients of another system write backslashes.
    let name: Vec<u8> = name.iter().map(|byte| if *byte == b'\\' { b'/' } else { lower(byte) }).collect();
    let serves = |wanted: Option<&str>| slice.roots.iter().position(|root| root.interface.as_deref() == wanted);
    let Some(index) = interface.and_then(|interface| serves(Some(interface))).or_else(|| serves(None)) else {
        let climbs = climbs(&name);
        return Target { root: None, full: name.clone(), relative: name, climbs };
    };
    let root = slice.roots.get(index).map_or("/", |root| root.path.as_str());
    // The client's own directory, if it has one, stands in front of every name; there is no way back to the common root.
    let own = format!("{client}");
    let below = if slice.unique_root && files.is_directory(index, &own) { own + "/" } else { String::new() };
    let prefix = format!("{root}{below}");
    let rest = match name.strip_prefix(prefix.as_bytes()) {
        Some(rest) => rest,
        None => name.strip_prefix(b"/").unwrap_or(&name),
    };
    let full = [prefix.as_bytes(), rest].concat();
    let relative = [below.as_bytes(), rest].concat();
    let climbs = climbs(&[b"/", rest].concat());
    // Slashes in front would make it absolute.
    let start = relative.iter().position(|byte| *byte != b'/').unwrap_or(relative.len());
    let relative = relative.get(start..).filter(|path| !path.is_empty()).unwrap_or(b".").to_vec();
    Target { root: Some(index), full, relative, climbs }
}

fn climbs(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|part| part == b"..")
}
