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

#[cfg(test)]
mod tests {
    use ipc::config::tftp::TftpRoot;

    use super::*;
    use crate::files::{FileFacts, FileHandle, OpenError};

    /// Directories and nothing else.
    struct Directories(&'static [&'static str]);

    impl Files for Directories {
        fn open(&mut self, _: usize, _: &str) -> Result<(FileHandle, FileFacts), OpenError> {
            Err(OpenError::NotFound)
        }
        fn is_directory(&mut self, _: usize, path: &str) -> bool {
            self.0.contains(&path)
        }
        fn read_at(&mut self, _: FileHandle, _: u64, _: &mut [u8]) -> Result<usize, String> {
            Ok(0)
        }
        fn close(&mut self, _: FileHandle) {}
    }

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

    fn slice(roots: &[(&str, Option<&str>)]) -> TftpSlice {
        let root = |(path, interface): &(&str, Option<&str>)| TftpRoot {
            path: (*path).to_owned(),
            interface: interface.map(str::to_owned),
        };
        TftpSlice { roots: roots.iter().map(root).collect(), ..TftpSlice::default() }
    }

    fn ask(slice: &TftpSlice, name: &str) -> (String, String, bool) {
        let target = resolve(slice, name.as_bytes(), Some("eth0"), CLIENT, &mut Directories(&["10.0.0.9"]));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(target.full), text(target.relative), target.climbs)
    }

    #[test]
    fn names_are_taken_below_the_root() {
        let slice = slice(&[("/srv/", None)]);
        for (name, full, relative) in [
            ("a", "/srv/a", "a"),
            ("/a", "/srv/a", "a"),
            ("//a", "/srv//a", "a"),
            ("/srv/a", "/srv/a", "a"),
            ("\\srv\\a", "/srv/a", "a"),
            ("/srvx", "/srv/srvx", "srvx"),
            ("/SRV/a", "/srv/SRV/a", "SRV/a"),
            ("./a", "/srv/./a", "./a"),
            ("/", "/srv/", "."),
        ] {
            assert_eq!(ask(&slice, name), (full.to_owned(), relative.to_owned(), false), "{name}");
        }
    }

    #[test]
    fn names_that_climb_are_known() {
        let slice = slice(&[("/srv/", None)]);
        for name in ["..", "../a", "/..", "x/../a", "x\\..\\a", "x/..", "/srv/../a"] {
            assert!(ask(&slice, name).2, "{name}");
        }
        for name in ["a..", "..a", "a..b/c", "..."] {
            assert!(!ask(&slice, name).2, "{name}");
        }
    }

    #[test]
    fn lower_case_comes_before_the_prefix() {
        let slice = TftpSlice { lowercase: true, ..slice(&[("/srv/", None)]) };
        assert_eq!(ask(&slice, "/SRV/X").0, "/srv/x");
    }

    #[test]
    fn the_interface_has_its_root_before_the_common_one() {
        let both = slice(&[("/eth0/", Some("eth0")), ("/srv/", None)]);
        assert_eq!(ask(&both, "a").0, "/eth0/a");
        let other = slice(&[("/eth1/", Some("eth1"))]);
        assert_eq!(resolve(&other, b"a", Some("eth0"), CLIENT, &mut Directories(&[])).root, None);
    }

    #[test]
    fn a_client_with_a_directory_of_its_own_has_nothing_else() {
        let slice = TftpSlice { unique_root: true, ..slice(&[("/srv/", None)]) };
        assert_eq!(ask(&slice, "/srv/a"), ("/srv/10.0.0.9/srv/a".to_owned(), "10.0.0.9/srv/a".to_owned(), false));
        assert_eq!(ask(&slice, "/srv/10.0.0.9/a").0, "/srv/10.0.0.9/a");
        let none = resolve(&slice, b"a", None, CLIENT, &mut Directories(&[]));
        assert_eq!(none.full, b"/srv/a");
    }
}
