//! `wardctl config check`: every error of a configuration.

use super::Subject;
use crate::config::{diagnosis, feature, survey};

/// What is said on standard output, and the status. Errors go to standard error, as those of the server do.
pub(super) fn answer(subject: &Subject) -> (Vec<u8>, u8) {
    let (config, _, refusals) = survey(&subject.command_line());
    let style = diagnosis::Style::of_stderr();
    eprint!("{}", diagnosis::report("dnsmasq", &refusals, style));
    for doubt in &refusals.doubts {
        eprint!("{}", diagnosis::doubt("dnsmasq", doubt, style));
    }
    let Some(config) = config else { return (Vec::new(), refusals.status()) };
    let mut text = format!("{}: syntax check OK.\n", subject.name());
    if let Some((feature, _)) = feature::lacking(&config) {
        text += &format!("a start will fail: {}; {}\n", feature.refusal(), feature.remedy());
    }
    for option in &config.process.not_built {
        text += &format!("option {option} has no effect yet\n");
    }
    for warning in &config.process.warnings {
        text += &diagnosis::visible(warning.as_bytes());
        text.push('\n');
    }
    (text.into_bytes(), 0)
}
