//! What is wrong with one value, before anybody knows where it was written.

use super::ConfigError;
use super::blame::Blame;

/// Exit status: the configuration is wrong.
pub(crate) const STATUS_CONFIGURATION: u8 = 1;
/// Exit status: a file or directory is.
pub(crate) const STATUS_FILE: u8 = 3;
/// Exit status: something else is.
pub(crate) const STATUS_OTHER: u8 = 5;

/// Why an option is refused.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The value does not fit, and dnsmasq has no words for it: `error` in a file, `try --help` on the command line.
    Value,
    /// The value does not fit, in dnsmasq's words.
    Text(String),
    /// As `Value` or `Text`, with advice that dnsmasq does not give.
    Advised(Box<Fault>, &'static str),
    /// The inner one, with what is to blame for it.
    At(Box<Fault>, Box<Blame>),
    /// The whole error, which no place is added to: a file cannot be read, or the place is already there.
    Whole(ConfigError),
}

/// Faults are the same that read the same, whatever is to blame.
impl PartialEq for Fault {
    fn eq(&self, other: &Fault) -> bool {
        match (self, other) {
            (Fault::At(inner, _), other) | (other, Fault::At(inner, _)) => **inner == *other,
            (Fault::Value, Fault::Value) => true,
            (Fault::Text(a), Fault::Text(b)) => a == b,
            (Fault::Advised(a, advice), Fault::Advised(b, other)) => a == b && advice == other,
            (Fault::Whole(a), Fault::Whole(b)) => a == b,
            _ => false,
        }
    }
}

impl From<&str> for Fault {
    fn from(text: &str) -> Self {
        Fault::Text(text.to_owned())
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Fault::Text(text)
    }
}

impl Fault {
    /// An error of its own status, without a place.
    pub(crate) fn whole(status: u8, text: String) -> Fault {
        Fault::Whole(ConfigError::new(status, text))
    }

    /// The error, as it reads when the option stood in a file: `place` is ` at line 3 of FILE`.
    pub(crate) fn in_file(self, place: &str) -> ConfigError {
        self.worded("error", |text| format!("{text}{place}"))
    }

    /// The error, as it reads when the option stood on the command line.
    pub(crate) fn on_command_line(self) -> ConfigError {
        self.worded("try --help", |text| format!("bad command line options: {text}"))
    }

    /// What is to blame, and the fault without that.
    pub(crate) fn without_blame(self) -> (Fault, Option<Blame>) {
        match self {
            Fault::At(fault, blame) => (*fault, Some(*blame)),
            fault => (fault, None),
        }
    }

    fn worded(self, nameless: &str, place: impl Fn(&str) -> String) -> ConfigError {
        let status = STATUS_CONFIGURATION;
        match self {
            Fault::Value => ConfigError::new(status, place(nameless)),
            Fault::Text(text) => ConfigError::new(status, place(&text)),
            Fault::Advised(fault, advice) => {
                let mut error = fault.worded(nameless, place);
                error.remedy = Some(advice.to_owned());
                error
            }
            Fault::At(fault, _) => fault.worded(nameless, place),
            Fault::Whole(error) => error,
        }
    }
}
