//! `wardctl config explain`: one option.

use std::fmt::Write as _;

use super::Subject;
use crate::config::diagnosis::visible;
use crate::config::feature::Feature;
use crate::config::keys::{self, Argument, Built, Place, Row};
use crate::config::nearest::nearest;
use crate::config::survey;
use crate::config::written::written;

/// Most places that are listed.
const PLACES_MAX: usize = 20;

/// The explanation and the status.
pub(super) fn answer(option: &str, subject: &Subject) -> (Vec<u8>, u8) {
    let name = option.trim_start_matches('-');
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    let Some(row) = keys::find(name) else {
        let meant = nearest(name, keys::all().map(|row| row.name));
        let advice = meant.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
        eprintln!("wardctl: there is no option `{}`{advice}", visible(name.as_bytes()));
        return (Vec::new(), 1);
    };
    let mut text = meaning(row);
    text += &places(row, subject);
    (text.into_bytes(), 0)
}

/// What there is to say without a configuration.
fn meaning(row: &Row) -> String {
    let mut text = format!("{}: {}\n\n", row.name, row.help);
    let mut fact = |name: &str, fact: &str| {
        let _ = writeln!(text, "{name:<9}{fact}");
    };
    fact("form", &format!("{}{}", row.name, row.form));
    fact("example", row.example);
    if let Some(letter) = row.short.get(..1) {
        fact("letter", &format!("-{letter}"));
    }
    let default = match (row.default, row.argument) {
        ("", Argument::None) => "off",
        ("", _) => "none",
        (default, _) => default,
    };
    if row.place == Place::Both {
        fact("default", default);
        fact(
            "repeated",
            if row.once { "no: once in files, and once on the command line, which files override" } else { "yes" },
        );
    } else {
        fact("place", "on the command line; in a file it does nothing");
    }
    match (row.built, row.missing) {
        (Built::Yes, "") => fact("built", "yes"),
        (Built::Yes, missing) => fact("built", &format!("in part: {missing}")),
        (Built::No, missing) => fact("built", &format!("no effect yet: {missing}")),
    }
    if let Some(feature) = Feature::of(row.name) {
        let (name, _, _) = feature.names();
        let there =
            if feature.built() { "in this program" } else { "left out of this program, which refuses the option" };
        fact("feature", &format!("{name}, {there}"));
    }
    text
}

/// Where it is set.
fn places(row: &'static Row, subject: &Subject) -> String {
    let (_, journal, refusals) = survey(&subject.command_line());
    let found: Vec<_> = journal.occurrences().filter(|found| found.row.shared_name() == row.shared_name()).collect();
    let mut text = String::new();
    if found.is_empty() {
        let _ = writeln!(text, "set      nowhere in {}", subject.name());
    }
    for (index, found) in found.iter().take(PLACES_MAX).enumerate() {
        let heading = if index == 0 { "set" } else { "" };
        let line = written(found.row.name, found.value);
        let _ = writeln!(text, "{heading:<9}{}: {}", visible(found.place().as_bytes()), visible(&line));
    }
    if found.len() > PLACES_MAX {
        let _ = writeln!(text, "         and in {} more places", found.len() - PLACES_MAX);
    }
    if !refusals.errors.is_empty() {
        let _ = writeln!(text, "\nThe configuration has errors; `wardctl config check` shows them.");
    }
    text
}
