//! Lines of files that are read late and again: `dhcp-hostsfile` and `dhcp-hostsdir`, `dhcp-optsfile` and `dhcp-optsdir`.
//!
//! Each is the value of a `dhcp-host` or a `dhcp-option`, without the keyword. Quotes, comments and blanks are those of the
//! configuration. Nothing here ends a start: who reads such a file logs the error and goes on with the next line.

use ipc::config::dhcp::{ConfiguredOption, HardwarePattern};
use ipc::lease::name_is_legal;

use super::ConfigError;
use super::dhcp_host::{self, HostEntry};
use super::dhcp_option::{self, SentOption};
use super::draft::Draft;
use super::fault::Fault;
use super::line::content;
use super::{hex, name};

/// A line of a hosts file, without its newline. `None`: it is empty or a comment. `place` is what an error ends in, such as
/// ` at line 3 of FILE`.
pub fn host(line: &[u8], place: &str) -> Result<Option<HostEntry>, ConfigError> {
    value(line, |text| dhcp_host::entry(text).map(Some)).map_err(|fault| fault.in_file(place))
}

/// A line of an options file, as [`host`]. `None` also stands for an option whose number none can have.
pub fn option(line: &[u8], place: &str) -> Result<Option<SentOption>, ConfigError> {
    value(line, dhcp_option::sent).map_err(|fault| fault.in_file(place))
}

/// Lines of an options file, gathered as the dhcp worker wants them.
pub struct Options(Draft);

impl Default for Options {
    fn default() -> Options {
        Options(Draft::new())
    }
}

impl Options {
    /// Takes a line, as [`host`].
    pub fn take(&mut self, line: &[u8], place: &str) -> Result<(), ConfigError> {
        let draft = &mut self.0;
        match value(line, |text| Ok(Some(text.to_owned()))).map_err(|fault| fault.in_file(place))? {
            Some(text) => dhcp_option::option(draft, Some(&text)).map_err(|fault| fault.in_file(place)),
            None => Ok(()),
        }
    }

    /// The options of all lines, the last line first.
    pub fn finish(self) -> Vec<ConfiguredOption> {
        let mut options = self.0.dhcp.options;
        options.reverse();
        options
    }
}

/// A hardware address or a pattern of some, as in a `dhcp-host`.
pub fn hardware(text: &str) -> Option<HardwarePattern> {
    hex::hardware(text)
}

/// A host name, and the domain behind it.
pub fn host_name(text: &str) -> Option<(String, Option<String>)> {
    let plain = text.split('.').all(|label| label.is_empty() || label.bytes().all(is_plain));
    name::host(text, || Fault::Value).ok().filter(|(host, _)| plain && name_is_legal(host))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn value<T>(line: &[u8], parse: impl Fn(&str) -> Result<Option<T>, Fault>) -> Result<Option<T>, Fault> {
    match content(line)?.trim_matches(' ') {
        "" => Ok(None),
        text => parse(text),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_line_is_a_value() {
        let entry = host(b"  11:22:33:44:55:66,10.0.0.5,[fd00::5],\"fred\" # a comment\r", "").unwrap().unwrap();
        assert_eq!(entry.rule.address, Some(Ipv4Addr::new(10, 0, 0, 5)));
        assert_eq!((entry.rule.name.as_deref(), entry.addresses6.len()), (Some("fred"), 1));
        let Ok(Some(SentOption::V4(sent))) = option(b"tag:a,option:router,10.0.0.1", "") else { panic!() };
        assert_eq!((sent.code, sent.tests.len(), sent.force), (3, 1, false));
        assert!(matches!(option(b"option6:dns-server,[fd00::1]", ""), Ok(Some(SentOption::V6(_)))));
        for empty in [b"".as_slice(), b"   ", b"# nothing", b"\0x"] {
            assert_eq!((host(empty, ""), option(empty, "")), (Ok(None), Ok(None)));
        }
    }

    #[test]
    fn an_error_says_where() {
        let text = |line: &[u8]| host(line, " at line 3 of /h").unwrap_err().text;
        assert_eq!(text(b"[fd00::x]"), "bad IPv6 address at line 3 of /h");
        assert_eq!(text(b"\"open"), "missing \" at line 3 of /h");
        assert_eq!(option(b"a", " at line 1 of /o").unwrap_err().text, "bad dhcp-option at line 1 of /o");
    }

    #[test]
    fn no_line_can_upset_it() {
        let pieces: [&[u8]; 24] = [
            b"11:22",
            b":",
            b",",
            b"[",
            b"]",
            b"fd00::",
            b"/64",
            b"\"",
            b"\\",
            b"#",
            b" ",
            b"id:",
            b"*",
            b"tag:!",
            b"set:",
            b"option6:",
            b"option:router",
            b"vi-encap:",
            b"encap:9",
            b"vendor:",
            b"56",
            b"1.2.3.4",
            b"\xC3",
            b"-1s",
        ];
        let mut state = 11_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut accepted = 0;
        for _ in 0..20_000 {
            let line: Vec<u8> = (0..next(9)).flat_map(|_| pieces[next(pieces.len())]).copied().collect();
            accepted += usize::from(host(&line, "").is_ok()) + usize::from(option(&line, "").is_ok());
        }
        assert!(accepted > 2000, "the noise should also hold good lines, not {accepted}");
    }
}
