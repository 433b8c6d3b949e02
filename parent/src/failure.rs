//! Why the start failed: dnsmasq's words and exit status first, and then where that was configured and what to do.

use crate::config::ConfigError;
use crate::config::journal::Journal;

/// A failure that ends the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Exit status as in dnsmasq: 1 configuration, 2 network, 3 file, 4 memory, 5 other.
    pub status: u8,
    /// dnsmasq's text, without program name.
    pub text: String,
    /// What the reader can do about it.
    pub remedy: Option<String>,
    /// Which options it is about, and which value of theirs.
    about: Option<(&'static [&'static str], String)>,
}

impl Failure {
    /// A configuration that cannot be carried out (status 1).
    pub fn configuration(text: String) -> Failure {
        Failure { status: 1, text, remedy: None, about: None }
    }

    /// A socket or interface (status 2).
    pub fn network(text: String) -> Failure {
        Failure { status: 2, text, remedy: None, about: None }
    }

    /// A file or directory (status 3).
    pub fn file(text: String) -> Failure {
        Failure { status: 3, text, remedy: None, about: None }
    }

    /// Anything else (status 5).
    pub fn other(text: String) -> Failure {
        Failure { status: 5, text, remedy: None, about: None }
    }

    /// Adds what to do.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Failure {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds the options that it is about, and which value of theirs.
    pub fn about(mut self, options: &'static [&'static str], value: impl ToString) -> Failure {
        self.about = Some((options, value.to_string()));
        self
    }

    /// Says where that value was written.
    pub fn located(mut self, journal: &Journal) -> Failure {
        let place = self.about.take().and_then(|(options, value)| journal.written(options, &value));
        if let Some(place) = place {
            self.remedy = Some(match self.remedy {
                Some(remedy) => format!("{place}; {remedy}"),
                None => place,
            });
        }
        self
    }

    /// Adds what to do, if anything is known.
    pub fn maybe_remedy(mut self, remedy: Option<String>) -> Failure {
        self.remedy = remedy;
        self
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure { status: error.status, text: error.text, remedy: error.remedy, about: None }
    }
}
