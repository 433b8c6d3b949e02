//! How far reading a configuration reaches: into the system, or not beyond its own text.
//!
//! Options name further files, directories and scripts, hosts that the resolver is asked for, interfaces, and this machine. Who
//! looks at a text that nobody vouches for (a fuzz target, a check of somebody else's file) wants none of these
//! touched.

use super::draft::Draft;
use super::fault::Fault;
use super::journal::Source;
use super::server_file::{self, FileServers};
use super::{Config, ConfigError, source};

/// What reading may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Whatever options name.
    System,
    /// Nothing: an option that leads elsewhere is refused.
    TextOnly,
}

impl Reach {
    /// Stands before every step out of the text.
    pub(crate) fn step_out(self) -> Result<(), Fault> {
        match self {
            Reach::System => Ok(()),
            Reach::TextOnly => Err(Fault::from("this leads out of the text, which alone is read")),
        }
    }
}

/// Reads a configuration from this text alone, with the checks of `--test`.
pub fn read(text: &[u8]) -> Result<Config, ConfigError> {
    let mut draft = Draft::within(Reach::TextOnly);
    source::lines(&mut draft, text, &Source::Text).map_err(|fault| fault.in_file(""))?;
    draft.finish(true)
}

/// Reads the text of a servers file alone.
pub fn read_servers(text: &[u8]) -> (FileServers, Vec<ConfigError>) {
    server_file::read_into(Draft::within(Reach::TextOnly), text, "the text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_text() {
        let outside = [
            "conf-file=/etc/hosts",
            "conf-dir=/etc",
            "conf-script=touch /tmp/reached",
            "server=localhost",
            "server=/a/localhost",
            "server=fe80::1%lo",
            "rev-server=10.0.0.0/8,",
            "rev-server=10.0.0.0/8,localhost",
        ];
        for line in outside {
            let error = read(format!("port=53\n{line}\n").as_bytes()).unwrap_err();
            assert_eq!(error.text, "this leads out of the text, which alone is read at line 2", "{line}");
        }
        for line in ["domain=#", "localmx", "mx-host=a"] {
            assert!(read(line.as_bytes()).unwrap_err().text.starts_with("this leads out"), "{line}");
        }
        assert_eq!(read_servers(b"server=localhost\nserver=192.0.2.1\n").1.len(), 1);
    }

    #[test]
    fn the_rest_is_read_as_ever() {
        let config = read(b"port=5353\naddress=/a/b/192.0.2.1\n").unwrap();
        assert_eq!((config.dns.port, config.dns.routes.len()), (5353, 2));
        assert_eq!(read(b"port=x").unwrap_err().text, "error at line 1");
    }
}
