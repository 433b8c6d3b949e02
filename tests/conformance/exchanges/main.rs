//! DHCP exchanges against dnsmasq itself: generated machines say the same to both programs, and what comes back must be the same to the
//! byte, on the same way; so must the lines in the log, the leases in the file, and what a script hears.
//!
//! Needs the reference (`WARDMASQ_REFERENCE`) and root for namespaces. The seed is printed; `WARDMASQ_SEED` repeats a run and
//! `WARDMASQ_SEQUENCES` sets how many sequences there are.

mod configuration;
mod events;
mod machine;
mod message;
mod record;
mod reply;
mod site;

use std::fmt::Write as _;

use configuration::Configuration;
use machine::{MACHINES, Machine};
use message::Message;
use reply::Reply;
use site::Site;
use support::effort::{amount, side_by_side};
use support::wire::Datagram;
use support::{Dice, Server, Subject, shrink};

/// Sequences when nothing else is said.
const SEQUENCES: usize = 3_000;
/// Sequences with one configuration.
const SEQUENCES_PER_CONFIGURATION: usize = 25;
/// After so many sequences, scripts are waited for.
const SEQUENCES_PER_PAUSE: usize = 5;
/// Messages of a sequence, at most.
const MESSAGES_MAX: usize = 12;
/// One of the runs side by side ends when it has seen so many differences.
const DIFFERENCES_MAX: usize = 5;

#[test]
fn generated_machines_are_answered_as_dnsmasq_answers_them() {
    let mut dice = Dice::announced();
    let mut all = Run::default();
    for run in side_by_side(&mut dice, amount("WARDMASQ_SEQUENCES", SEQUENCES), run) {
        all.sequences += run.sequences;
        all.messages += run.messages;
        all.answered += run.answered;
        all.differences += run.differences;
    }
    eprintln!(
        "{} sequences, {} messages, {} answered, {} differences",
        all.sequences, all.messages, all.answered, all.differences
    );
    assert_eq!(all.differences, 0);
}

/// What has been done.
#[derive(Default)]
struct Run {
    sequences: usize,
    messages: usize,
    answered: usize,
    differences: usize,
}

fn run(mut dice: Dice, wanted: usize) -> Run {
    let pair = Pair { ours: Site::new(Subject::Ours), theirs: Site::new(Subject::Theirs) };
    let mut run = Run::default();
    while run.sequences < wanted && run.differences < DIFFERENCES_MAX {
        let configuration = Configuration::fresh(&mut dice);
        if let Some(text) = run.with(configuration, &pair, &mut dice) {
            run.differences += 1;
            eprintln!("{text}");
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

    /// Says this to both: what comes back from us, and from the reference, unless that has fallen silent.
    fn say(&self, message: &Message) -> Option<(Vec<Datagram>, Vec<Datagram>)> {
        self.ours.say(message);
        self.theirs.say(message);
        let (mine, yours) = (self.ours.heard(), self.theirs.heard());
        let mut mine = mine.expect("the fence is acknowledged");
        let Some(mut yours) = yours else {
            eprintln!("dnsmasq has fallen silent after\n    {message}");
            return None;
        };
        // Only one is late.
        if mine.is_empty() && !yours.is_empty() {
            mine = self.ours.heard_late();
        } else if yours.is_empty() && !mine.is_empty() {
            yours = self.theirs.heard_late();
        }
        Some((mine, yours))
    }

    /// The difference in what these messages cause, said afresh.
    fn replay(&self, configuration: &Configuration, messages: &[Message]) -> Option<String> {
        let servers = self.serve(configuration);
        let mut difference = None;
        for count in 1..=messages.len() {
            let said = &messages[..count];
            let (mine, yours) = self.say(&said[count - 1])?;
            difference = difference.or_else(|| reply::difference(said, configuration, &mine, &yours));
        }
        difference.or_else(|| self.left_behind(configuration, &servers, 1))
    }

    /// Waits until both scripts have been told everything: dnsmasq makes fewer events of many when its script is slow. Their fences have
    /// ended so many times then, and begin again.
    fn catch_up(&self, (ours, theirs): &(Server, Server), ends: usize) {
        for (site, server) in [(&self.ours, ours), (&self.theirs, theirs)] {
            site.end();
            events::heard(server.directory(), ends);
            site.begin();
        }
    }

    /// The difference in what both leave behind.
    fn left_behind(
        &self,
        configuration: &Configuration,
        (ours, theirs): &(Server, Server),
        ends: usize,
    ) -> Option<String> {
        let told = || {
            self.ours.end();
            self.theirs.end();
            events::difference(&events::heard(ours.directory(), ends), &events::heard(theirs.directory(), ends))
        };
        record::log_difference(&ours.lines(), &theirs.lines())
            .or_else(|| record::lease_difference(&ours.leases(), &theirs.leases()))
            .or_else(|| configuration.script.then(told)?)
    }

    /// Tells of a difference with as few messages and lines as show it.
    fn smallest(&self, difference: &str, mut configuration: Configuration, mut messages: Vec<Message>) -> String {
        if self.replay(&configuration, &messages).is_some() {
            messages = shrink(&messages, |fewer| self.replay(&configuration, fewer).is_some());
            let lines =
                shrink(&configuration.lines, |lines| self.replay(&configuration.with(lines), &messages).is_some());
            configuration.lines = lines;
        }
        let difference =
            self.replay(&configuration, &messages).unwrap_or_else(|| format!("  not seen again:\n{difference}"));
        let mut text = format!("{difference}\n  configuration:\n");
        for line in configuration.text().lines() {
            let _ = writeln!(text, "    {line}");
        }
        text += "  messages:\n";
        for message in &messages {
            let _ = writeln!(text, "    {message}");
        }
        text
    }
}

impl Run {
    /// Some sequences with one configuration: the first difference. What follows it may differ for the same reason.
    fn with(&mut self, configuration: Configuration, pair: &Pair, dice: &mut Dice) -> Option<String> {
        let servers = pair.serve(&configuration);
        let mut history: Vec<Message> = Vec::new();
        let mut difference = None;
        let mut ends = 0;
        'all: for sequence in 0..SEQUENCES_PER_CONFIGURATION {
            self.sequences += 1;
            if configuration.script && sequence % SEQUENCES_PER_PAUSE == SEQUENCES_PER_PAUSE - 1 {
                ends += 1;
                pair.catch_up(&servers, ends);
            }
            let first = dice.below(usize::from(MACHINES));
            let mut machines: Vec<Machine> = [0, 1, 3]
                .map(|step| Machine::new(((first + step) % usize::from(MACHINES)) as u8, &configuration, dice))
                .to_vec();
            for _ in 0..2 + dice.below(MESSAGES_MAX) {
                // One of them does most of the talking.
                let speaker = [0, 0, 0, 1, 2][dice.below(5)];
                let message = machines[speaker].speak(history.len() as u32 + 1, dice);
                history.push(message);
                let (mine, yours) = pair.say(&history[history.len() - 1])?;
                self.messages += 1;
                self.answered += usize::from(!yours.is_empty());
                difference = reply::difference(&history, &configuration, &mine, &yours);
                if let Some(reply) = yours.first().and_then(|datagram| Reply::of(&datagram.payload)) {
                    machines[speaker].hear(reply.kind, reply.address, reply.server);
                }
                if difference.is_some() {
                    break 'all;
                }
            }
        }
        let difference = difference.or_else(|| pair.left_behind(&configuration, &servers, ends + 1));
        drop(servers);
        Some(pair.smallest(&difference?, configuration, history))
    }
}
