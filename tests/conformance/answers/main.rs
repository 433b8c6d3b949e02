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

use question::{Question, Way};
use site::Site;
use support::{Dice, Subject};

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
    let (ours, theirs) = (Site::new(Subject::Ours), Site::new(Subject::Theirs));
    let (mut asked, mut answered, mut configurations) = (0, 0, 0);
    let mut differences = Vec::new();
    while asked < wanted && differences.len() < DIFFERENCES_MAX {
        let configuration = configuration::fresh(&mut dice);
        configurations += 1;
        let (our_server, their_server) = (ours.serve(&configuration), theirs.serve(&configuration));
        let mut history: Vec<Question> = Vec::new();
        for _ in 0..PAIRS_PER_CONFIGURATION {
            let question = question::fresh(&configuration, history.last().map(|last| last.way), &mut dice);
            asked += 1;
            ours.send(&question);
            theirs.send(&question);
            let (mut mine, mut yours) = (ours.receive(), theirs.receive());
            if question.way == Way::Datagram {
                // Only one is late.
                match (&mine, &yours) {
                    (None, Some(_)) => mine = ours.receive_late(),
                    (Some(_), None) => yours = theirs.receive_late(),
                    _ => {}
                }
            }
            answered += usize::from(yours.is_some());
            let difference = reply::difference(&question, &configuration, mine.as_deref(), yours.as_deref());
            if let Some(difference) = difference {
                let mut text = format!("{question}\n{difference}\n  configuration:\n");
                let lines = configuration.text() + &configuration.hosts();
                for line in lines.lines() {
                    let _ = writeln!(text, "    {line}");
                }
                text += "  asked before about this name, or over this connection:\n";
                let alone = history.iter().rposition(|earlier| earlier.way != Way::SameConnection).unwrap_or_default();
                let connected = if question.way == Way::SameConnection { &history[alone..] } else { &[] };
                let same = history.iter().filter(|earlier| earlier.name.eq_ignore_ascii_case(&question.name));
                for earlier in same.chain(connected) {
                    let _ = writeln!(text, "    {earlier}");
                }
                differences.push(text);
                // What follows may differ for the same reason.
                break;
            }
            history.push(question);
        }
        drop((our_server, their_server));
    }
    eprintln!(
        "{asked} questions to {configurations} configurations, {answered} answered, {} differences",
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
