//! Answers against dnsmasq itself: generated configurations and questions are put before both programs, and what comes back must be the same.
//!
//! Needs the reference (`WARDMASQ_REFERENCE`) and root for namespaces. The seed is printed; `WARDMASQ_SEED` repeats a run and `WARDMASQ_PAIRS`
//! sets how many questions are asked.

mod configuration;
mod damage;
mod edns;
mod names;
mod question;
mod reply;
mod site;
mod world;

use std::fmt::Write as _;

use configuration::Configuration;
use question::{Question, Way};
use site::Site;
use support::{Dice, Server, Subject, shrink};

/// Questions when nothing else is said.
const PAIRS: usize = 5_000;
/// Questions to one configuration.
const PAIRS_PER_CONFIGURATION: usize = 150;
/// A run ends when so many differences have been seen.
const DIFFERENCES_MAX: usize = 20;

#[test]
fn generated_questions_are_answered_as_dnsmasq_answers_them() {
    let mut dice = Dice::announced();
    let wanted = std::env::var("WARDMASQ_PAIRS").ok().and_then(|text| text.parse().ok()).unwrap_or(PAIRS);
    let pair = Pair { ours: Site::new(Subject::Ours), theirs: Site::new(Subject::Theirs) };
    let (mut asked, mut answered, mut configurations) = (0, 0, 0);
    let mut differences = Vec::new();
    while asked < wanted && differences.len() < DIFFERENCES_MAX {
        let configuration = configuration::fresh(&mut dice);
        configurations += 1;
        let _servers = pair.serve(&configuration);
        let mut history: Vec<Question> = Vec::new();
        for _ in 0..PAIRS_PER_CONFIGURATION {
            history.push(question::fresh(&configuration, history.last().map(|last| last.way), &mut dice));
            asked += 1;
            let (mine, yours) = pair.ask(&history);
            answered += usize::from(yours.is_some());
            if reply::difference(&history, &configuration, mine.as_deref(), yours.as_deref()).is_some() {
                drop(_servers);
                let text = pair.smallest(configuration, history);
                // Each takes a while to find, so it is told at once.
                eprintln!("{text}");
                differences.push(text);
                // What follows may differ for the same reason.
                break;
            }
        }
    }
    eprintln!(
        "{asked} questions to {configurations} configurations, {answered} answered, {} differences",
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Both programs.
struct Pair {
    ours: Site,
    theirs: Site,
}

impl Pair {
    fn serve(&self, configuration: &Configuration) -> (Server, Server) {
        (self.ours.serve(configuration), self.theirs.serve(configuration))
    }

    /// Puts the last of these questions before both.
    fn ask(&self, history: &[Question]) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let question = history.last().expect("a question");
        self.ours.send(question);
        self.theirs.send(question);
        let (mut mine, mut yours) = (self.ours.receive(), self.theirs.receive());
        if question.way == Way::Datagram {
            // Only one is late.
            match (&mine, &yours) {
                (None, Some(_)) => mine = self.ours.receive_late(),
                (Some(_), None) => yours = self.theirs.receive_late(),
                _ => {}
            }
        }
        (mine, yours)
    }

    /// The difference in the answers to the last of these questions, all asked afresh.
    fn replay(&self, configuration: &Configuration, history: &[Question]) -> Option<String> {
        let _servers = self.serve(configuration);
        let mut difference = None;
        for count in 1..=history.len() {
            let (mine, yours) = self.ask(&history[..count]);
            difference = reply::difference(&history[..count], configuration, mine.as_deref(), yours.as_deref());
        }
        difference
    }

    /// Tells of a difference with as few questions and lines as show it.
    fn smallest(&self, mut configuration: Configuration, mut history: Vec<Question>) -> String {
        let last = history.pop().expect("a question");
        let then = |earlier: &[Question]| [earlier, std::slice::from_ref(&last)].concat();
        // What depends on the time may not show again.
        if self.replay(&configuration, &then(&history)).is_some() {
            history = shrink(&history, |earlier| self.replay(&configuration, &then(earlier)).is_some());
            let parts = shrink(&configuration.parts(), |parts| {
                self.replay(&Configuration::of(parts), &then(&history)).is_some()
            });
            configuration = Configuration::of(&parts);
        }
        let difference = self.replay(&configuration, &then(&history)).unwrap_or("  (not seen again)".to_owned());
        let mut text = format!("{last}\n{difference}\n  configuration:\n");
        let lines = configuration.text() + &configuration.hosts();
        for line in lines.lines() {
            let _ = writeln!(text, "    {line}");
        }
        text += "  asked before:\n";
        for earlier in &history {
            let _ = writeln!(text, "    {earlier}");
        }
        text
    }
}
