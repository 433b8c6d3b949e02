//! The front door.

use ipc::config::dns::DnsSlice;
use ipc::dns::ToParent;
use ipc::time::Now;

use crate::input::Input;
use crate::outbox::{Action, Outbox};

/// The DNS core.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// Builds an engine from its slice of the configuration; `seed` feeds every random choice.
    pub fn new(_slice: DnsSlice, _seed: [u8; 32]) -> Engine {
        // TODO: the sides of the engine follow in the next commits; until then only `Start` is answered.
        Engine {}
    }

    /// Takes one event and adds what should be done to `out`.
    pub fn handle(&mut self, input: Input<'_>, _now: Now, out: &mut Outbox) {
        if let Input::Start = input {
            out.actions.push(Action::Tell(ToParent::Serving));
        }
    }

    /// When to call again with `Input::Deadline`, in milliseconds of the monotonic clock. An idle engine has none.
    pub fn deadline(&self) -> Option<u64> {
        None
    }

    /// After `Drain`: is nothing owed to any client any more?
    pub fn idle(&self) -> bool {
        true
    }
}
