//! Log lines, in dnsmasq's words.
//!
//! The parent logs what is of severity `Debug` as a script's own words, under the name of the script process, and the rest under its own.

use ipc::log::{Line, Severity};

use crate::engine::Ending;

/// A line that a script printed.
pub(crate) fn said(text: String) -> Line {
    Line { severity: Severity::Debug, text }
}

/// What there is to say about the end of a call, if anything.
pub(crate) fn ended(program: &str, ending: &Ending) -> Option<Line> {
    let text = match ending {
        Ending::Exited(0) => return None,
        Ending::Exited(status) => format!("script process exited with status {status}"),
        Ending::Killed(signal) => format!("script process killed by signal {signal}"),
        Ending::NotStarted(reason) => format!("failed to execute {program}: {reason}"),
    };
    Some(Line { severity: Severity::Warning, text })
}

/// Events were dropped.
pub(crate) fn lost(count: u32) -> Line {
    let text = format!("script queue full: {count} events lost, telling all leases again");
    Line { severity: Severity::Error, text }
}
