//! The front door: events in, one call of the script after the other out.

use ipc::event::Event;
use ipc::frame;
use ipc::log::Line;
use ipc::script::{Setup, ToParent, ToScript};

use crate::call::Call;
use crate::lines;
use crate::output::Output;
use crate::queue::Queue;
use crate::table::LuaCall;

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A message of the parent, encoded.
    Told(Vec<u8>),
    /// The script printed this.
    Output(&'a [u8]),
    /// The call is over.
    Ended(Ending),
    /// The parent is gone or going: finish what waits, then leave.
    Finish,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// It never began, for this reason.
    NotStarted(String),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell of an event: call the function of the Lua program, if given; then the script, if given, and say how that ended. Without a
    /// script it has ended well at once. There is never more than one event at a time.
    Run {
        /// For the Lua program.
        lua: Option<LuaCall>,
        /// For the script.
        script: Option<Call>,
    },
    /// Tell the parent.
    Tell(ToParent),
    /// End the process.
    Leave,
}

/// What one input wants done.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// What to log, in order.
    pub lines: Vec<Line>,
}

/// The queue and the call that is under way.
#[derive(Debug)]
pub struct Engine {
    /// The script, for log lines; `None`: there is only a Lua program.
    program: Option<String>,
    lua: bool,
    log_dhcp: bool,
    queue: Queue,
    running: Option<Output>,
    finishing: bool,
}

impl Engine {
    /// An engine without events.
    pub fn new(setup: &Setup) -> Engine {
        let program = setup.program.as_deref().map(|path| String::from_utf8_lossy(path).into_owned());
        Engine {
            program,
            lua: setup.lua.is_some(),
            log_dhcp: setup.log_dhcp,
            queue: Queue::default(),
            running: None,
            finishing: false,
        }
    }

    /// Takes one thing that happened and puts into `out` what is to be done about it.
    pub fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        match input {
            Input::Told(bytes) => self.queue.push(bytes),
            Input::Output(piece) => {
                if let Some(output) = &mut self.running {
                    output.take(piece, |line| out.lines.push(lines::said(line)));
                }
            }
            Input::Ended(ending) => {
                let rest = self.running.take().and_then(|mut output| output.end());
                out.lines.extend(rest.map(lines::said));
                out.lines.extend(lines::ended(self.program.as_deref().unwrap_or_default(), &ending));
            }
            Input::Finish => self.finishing = true,
        }
        if self.running.is_none() {
            self.next(out);
        }
    }

    fn next(&mut self, out: &mut Outbox) {
        while let Some(bytes) = self.queue.pop() {
            if let Some(event) = event(&bytes) {
                self.running = Some(Output::default());
                let call = Call::of(&event, self.log_dhcp);
                let lua = self.lua.then(|| LuaCall::of(&event, &call));
                out.actions.push(Action::Run { lua, script: self.program.is_some().then_some(call) });
                return;
            }
        }
        let lost = self.queue.take_lost();
        if lost > 0 {
            out.lines.push(lines::lost(lost));
            out.actions.push(Action::Tell(ToParent::Lost(lost)));
        }
        if self.finishing {
            out.actions.push(Action::Leave);
        }
    }
}

/// The event of a message. The parent sends nothing else after the start.
fn event(bytes: &[u8]) -> Option<Event> {
    match frame::decode(bytes) {
        Ok(ToScript::Event(event)) => Some(event),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(size: u64) -> Input<'static> {
        let event = Event::Tftp { size, client: [10, 0, 0, 1].into(), path: "/f".to_owned() };
        let mut bytes = Vec::new();
        frame::encode(&ToScript::Event(event), &mut bytes).unwrap();
        Input::Told(bytes)
    }

    fn sizes(out: &mut Outbox) -> Vec<String> {
        let size = |action: Action| match action {
            Action::Run { lua: None, script: Some(call) } => String::from_utf8(call.arguments[1].clone()).unwrap(),
            other => format!("{other:?}"),
        };
        out.actions.drain(..).map(size).collect()
    }

    fn engine() -> (Engine, Outbox) {
        let setup = Setup { program: Some(b"/s".to_vec()), ..Setup::default() };
        (Engine::new(&setup), Outbox::default())
    }

    #[test]
    fn events_are_told_in_order_and_one_at_a_time() {
        let (mut engine, mut out) = engine();
        for size in 1..=3 {
            engine.handle(told(size), &mut out);
        }
        assert_eq!(sizes(&mut out), ["1"]);
        engine.handle(Input::Ended(Ending::Exited(0)), &mut out);
        assert_eq!(sizes(&mut out), ["2"]);
        engine.handle(Input::Finish, &mut out);
        engine.handle(Input::Ended(Ending::Killed(9)), &mut out);
        assert_eq!(sizes(&mut out), ["3"]);
        engine.handle(Input::Ended(Ending::NotStarted("gone".to_owned())), &mut out);
        assert_eq!(sizes(&mut out), ["Leave"]);
        let lines: Vec<&str> = out.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["script process killed by signal 9", "failed to execute /s: gone"]);
    }

    #[test]
    fn output_is_logged_as_the_scripts_own_words() {
        let (mut engine, mut out) = engine();
        engine.handle(told(1), &mut out);
        engine.handle(Input::Output(b"hello\nno newline"), &mut out);
        engine.handle(Input::Ended(Ending::Exited(7)), &mut out);
        let lines: Vec<String> = out.lines.iter().map(|line| format!("{:?} {}", line.severity, line.text)).collect();
        assert_eq!(lines, ["Debug hello", "Debug no newline", "Warning script process exited with status 7"]);
    }

    #[test]
    fn a_lua_program_is_told_first_or_alone() {
        let mut setup = Setup { program: Some(b"/s".to_vec()), lua: Some(b"/l".to_vec()), ..Setup::default() };
        let run = |setup: &Setup| {
            let mut out = Outbox::default();
            Engine::new(setup).handle(told(1), &mut out);
            match out.actions.pop() {
                Some(Action::Run { lua, script }) => (lua.map(|lua| lua.function), script.is_some()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(run(&setup), (Some("tftp"), true));
        setup.program = None;
        assert_eq!(run(&setup), (Some("tftp"), false));
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        let (mut engine, mut out) = engine();
        engine.handle(Input::Told(vec![9, 9, 9]), &mut out);
        engine.handle(told(5), &mut out);
        assert_eq!(sizes(&mut out), ["5"]);
    }
}
