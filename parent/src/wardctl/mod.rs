//! `wardctl`: what a configuration says, what is wrong with it, and what its options mean. It reads files and starts nothing.
//!
//! | file | holds |
//! |---|---|
//! | `check` | `config check`: every error, drawn |
//! | `show` | `config show`: the effective configuration, as a file or as JSON |
//! | `explain` | `config explain`: one option |

mod check;
mod explain;
pub mod show;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use crate::config::diagnosis;
use crate::config::nearest::nearest;

/// Exit status: the arguments are wrong.
const STATUS_USAGE: u8 = 2;
/// Exit status: the answer cannot be written.
const STATUS_OUTPUT: u8 = 5;

const HELP: &str = "\
Usage: wardctl config check [FILE] [-- ARGUMENTS]
       wardctl config show [--json] [FILE] [-- ARGUMENTS]
       wardctl config explain OPTION [FILE]

Questions about a configuration of wardmasq (or dnsmasq).

  check      read everything and report every error, with its place; the
             status is that of `wardmasq --test` (0: no error)
  show       print the effective configuration as one file, or as JSON, and
             where each setting was written
  explain    say what an option means, how it is written, what holds without
             it, and where it is set

FILE is /etc/dnsmasq.conf unless given. ARGUMENTS are those that wardmasq is
started with; they count as if written on its command line.

  -h, --help     print this
  -V, --version  print the version
";

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Help,
    Version,
    Check(Subject),
    Show { json: bool, subject: Subject },
    Explain { option: String, subject: Subject },
}

/// The configuration that a question is about.
#[derive(Debug, Default, PartialEq, Eq)]
struct Subject {
    file: Option<OsString>,
    arguments: Vec<OsString>,
}

impl Subject {
    /// The command line on which the server would read it.
    fn command_line(&self) -> Vec<OsString> {
        let mut words = vec![OsString::from("dnsmasq")];
        if let Some(file) = &self.file {
            words.extend([OsString::from("-C"), file.clone()]);
        }
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// What to call it.
    fn name(&self) -> String {
        match &self.file {
            Some(file) => diagnosis::visible(file.as_encoded_bytes()),
            None => crate::command_line::DEFAULT_FILE.to_owned(),
        }
    }
}

/// Runs the program; the exit status.
pub fn main(arguments: impl Iterator<Item = OsString>) -> u8 {
    let (text, status) = match parse(arguments.collect()) {
        Ok(Question::Help) => (HELP.as_bytes().to_vec(), 0),
        Ok(Question::Version) => (format!("wardctl {}\n", env!("CARGO_PKG_VERSION")).into_bytes(), 0),
        Ok(Question::Check(subject)) => check::answer(&subject),
        Ok(Question::Show { json, subject }) => show::answer(&subject, json),
        Ok(Question::Explain { option, subject }) => explain::answer(&option, &subject),
        Err(error) => {
            let error = diagnosis::visible(error.as_bytes());
            eprintln!("wardctl: {error}\nTry `wardctl --help`.");
            return STATUS_USAGE;
        }
    };
    let mut output = std::io::stdout().lock();
    match output.write_all(&text).and_then(|()| output.flush()) {
        // Whoever reads only the beginning has what was asked for.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => STATUS_OUTPUT,
        _ => status,
    }
}

/// The arguments, without the program's name.
fn parse(mut words: Vec<OsString>) -> Result<Question, String> {
    let end = words.iter().position(|word| word == "--");
    let arguments = end.map(|end| words.split_off(end).split_off(1)).unwrap_or_default();
    let mut parser = lexopt::Parser::from_args(words);
    let mut json = false;
    let mut plain: Vec<OsString> = Vec::new();
    while let Some(word) = parser.next().map_err(|error| error.to_string())? {
        match word {
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => return Ok(Question::Help),
            lexopt::Arg::Short('V') | lexopt::Arg::Long("version") => return Ok(Question::Version),
            lexopt::Arg::Long("json") => json = true,
            lexopt::Arg::Value(value) => plain.push(value),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let mut plain = plain.into_iter();
    one_of(&mut plain, "a subject", &["config"])?;
    let verb = one_of(&mut plain, "what to do with it", &["check", "show", "explain"])?;
    if json && verb != "show" {
        return Err(format!("--json goes with `config show`, not with `config {verb}`"));
    }
    let option = match verb {
        "explain" => Some(plain.next().ok_or("`config explain` needs the name of an option")?),
        _ => None,
    };
    let file = plain.next();
    if let Some(extra) = plain.next() {
        let extra = Path::new(&extra).display();
        return Err(format!("unexpected argument `{extra}` (arguments of the server go behind --)"));
    }
    let subject = Subject { file, arguments };
    Ok(match (verb, option) {
        ("check", _) => Question::Check(subject),
        ("show", _) => Question::Show { json, subject },
        (_, option) => {
            let option = option.unwrap_or_default().to_string_lossy().into_owned();
            Question::Explain { option, subject }
        }
    })
}

/// The next word, which must be one of these.
fn one_of<'a>(plain: &mut impl Iterator<Item = OsString>, what: &str, words: &[&'a str]) -> Result<&'a str, String> {
    let Some(given) = plain.next() else { return Err(format!("{what} is missing: {}", words.join(", "))) };
    if let Some(word) = words.iter().find(|word| given == **word) {
        return Ok(word);
    }
    let given = given.to_string_lossy();
    Err(match nearest(&given, words.iter().copied()) {
        Some(word) => format!("`{given}` is not known; did you mean `{word}`?"),
        None => format!("`{given}` is not known: {}", words.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Question, String> {
        parse(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn files_stand_before_the_arguments_of_the_server() {
        let Ok(Question::Check(subject)) = asked(&["config", "check", "/f", "--", "--port=53", "-k"]) else { panic!() };
        assert_eq!(subject.command_line(), ["dnsmasq", "-C", "/f", "--port=53", "-k"]);
        let Ok(Question::Check(subject)) = asked(&["config", "check", "--", "-k"]) else { panic!() };
        assert_eq!(subject.command_line(), ["dnsmasq", "-k"]);
        let shown = asked(&["config", "show", "--json"]);
        assert_eq!(shown, Ok(Question::Show { json: true, subject: Subject::default() }));
        let explained = asked(&["config", "explain", "port", "/f"]);
        let subject = Subject { file: Some("/f".into()), arguments: Vec::new() };
        assert_eq!(explained, Ok(Question::Explain { option: "port".into(), subject }));
        assert_eq!(asked(&["--help"]), Ok(Question::Help));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (words, part) in [
            (&["config"][..], "check, show, explain"),
            (&[], "config"),
            (&["config", "chekc"], "did you mean `check`?"),
            (&["config", "check", "a", "b"], "unexpected argument `b`"),
            (&["config", "check", "--json"], "--json"),
            (&["config", "explain"], "needs the name"),
            (&["config", "check", "--port=53"], "--port"),
        ] {
            let error = asked(words).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
