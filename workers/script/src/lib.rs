//! Lease scripts without processes (`dhcp-script`): what a script is called with, and one call at a time.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the front door: events in, calls out, in order |
//! | `queue` | events that wait, bounded in bytes |
//! | `call`, `table` | an event as arguments and environment, and as the arguments of a Lua function |
//! | `output` | what a script prints, as lines |
//! | `lines` | log lines |
//!
//! What a script does cannot be confined, since it is the administrator's and does what it is there for. So nothing here trusts a byte
//! that a client chose: such bytes become values of variables, without control characters, and never anything else.

#![forbid(unsafe_code)]

mod call;
mod engine;
mod lines;
mod output;
mod queue;
mod table;

pub use call::{Call, is_ours};
pub use engine::{Action, Ending, Engine, Input, Outbox};
pub use table::{LuaCall, LuaValue};
