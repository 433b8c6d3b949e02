//! The recorded verdicts of dnsmasq (`tests/conformance/config`), for tests that run over all of them.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of them.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/config").join(name).canonicalize().unwrap()
}

/// The rows of a table, without its heading.
pub fn rows(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(data(name)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// `\\`, `\t`, `\r`, `\n`, `\xNN` to bytes.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&letter, tail) = rest.split_first().unwrap();
        rest = tail;
        bytes.push(match letter {
            b't' => b'\t',
            b'r' => b'\r',
            b'n' => b'\n',
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).unwrap();
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}

/// The strings of a JSON list of strings.
pub fn json_strings(text: &str) -> Vec<OsString> {
    serde_json::from_str::<Vec<String>>(text).unwrap().into_iter().map(OsString::from).collect()
}
