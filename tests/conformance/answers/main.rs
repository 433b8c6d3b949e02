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
use support::effort::{amount, side_by_side};
use support::{Dice, Server, Subject, shrink};

/// Questions when nothing else is said.
const PAIRS: usize = 5_000;
/// Questions to one configuration.
const PAIRS_PER_CONFIGURATION: usize = 150;
/// One of the runs side by side ends when it has seen so many differences.
const DIFFERENCES_MAX: usize = 5;

#[test]
fn generated_questions_are_answered_as_dnsmasq_answers_them() {
    let mut dice = Dice::announced();
    let mut all = Run::default();
    for run in side_by_side(&mut dice, amount("WARDMASQ_PAIRS", PAIRS), run) {
        all.asked += run.asked;
        all.answered += run.answered;
        all.configurations += run.configurations;
        all.differences += run.differences;
    }
    eprintln!(
        "{} questions to {} configurations, {} answered, {} differences",
        all.asked, all.configurations, all.answered, all.differences
    );
    assert_eq!(all.differences, 0);
}

/// What was done.
#[derive(Default)]
struct Run {
    asked: usize,
    answered: usize,
    configurations: usize,
    differences: usize,
}

fn run(mut dice: Dice, wanted: usize) -> Run {
    let pair = Pair { ours: Site::new(Subject::Ours), theirs: Site::new(Subject::Theirs) };
    let mut run = Run::default();
    while run.asked < wanted && run.differences < DIFFERENCES_MAX {
        let configuration = configuration::fresh(&mut dice);
        run.configurations += 1;
        let servers = pair.serve(&configuration);
        let mut history: Vec<Question> = Vec::new();
        let mut differs = false;
        // What follows a difference may differ for the same reason.
        while history.len() < PAIRS_PER_CONFIGURATION && !differs {
            history.push(question::fresh(&configuration, history.last().map(|last| last.way), &mut dice));
            run.asked += 1;
            let (mine, yours) = pair.ask(&history);
            run.answered += usize::from(yours.is_some());
            differs = reply::difference(&history, &configuration, mine.as_deref(), yours.as_deref()).is_some();
        }
        drop(servers);
        if differs {
            run.differences += 1;
            eprintln!("{}", pair.smallest(configuration, history));
        }
    }
    run
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
