//! Why there is no configuration: one error, or all that a reading found.

use std::fmt;

use super::spot::Spot;

/// Most errors of one reading that are kept.
pub(crate) const ERRORS_MAX: usize = 100;

/// Why there is no configuration.
#[derive(Clone, Debug)]
pub struct ConfigError {
    /// The exit status (1 configuration, 3 file, 5 other, 10 and up a script).
    pub status: u8,
    /// dnsmasq's wording, without the `dnsmasq: ` in front.
    pub text: String,
    /// What to do about it, where we know more than dnsmasq says.
    pub remedy: Option<String>,
    /// Where it is, if it is in some line.
    pub(crate) spot: Option<Box<Spot>>,
}

impl ConfigError {
    /// An error of which there is no more to say.
    pub fn new(status: u8, text: String) -> ConfigError {
        ConfigError { status, text, remedy: None, spot: None }
    }

    /// Adds where it is, unless that is known better already.
    pub(crate) fn in_spot(mut self, spot: impl FnOnce() -> Spot) -> ConfigError {
        if self.spot.is_none() {
            self.spot = Some(Box::new(spot()));
        }
        self
    }
}

/// Errors are the same that read the same.
impl PartialEq for ConfigError {
    fn eq(&self, other: &ConfigError) -> bool {
        (self.status, &self.text, &self.remedy) == (other.status, &other.text, &other.remedy)
    }
}

impl Eq for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ConfigError {}

/// What a reading found wrong, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// The errors, at most 100. There is no configuration if there are any.
    pub errors: Vec<ConfigError>,
    /// How many there were besides.
    pub more: usize,
    /// What is accepted but hardly meant.
    pub doubts: Vec<ConfigError>,
}

impl From<ConfigError> for Refusals {
    fn from(error: ConfigError) -> Refusals {
        Refusals { errors: vec![error], ..Refusals::default() }
    }
}

impl Refusals {
    /// Adds one, or counts it.
    pub(crate) fn add(&mut self, error: ConfigError) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        } else {
            self.more += 1;
        }
    }

    /// The exit status: that of the first error.
    pub fn status(&self) -> u8 {
        self.errors.first().map_or(0, |error| error.status)
    }
}
