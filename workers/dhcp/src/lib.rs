//! DHCPv4 without sockets (RFC 2131, 2132): who gets which address, for how long, under which name, and with which options.
//!
//! The core is free of system calls, time and randomness: packets, the clocks and a seed go in, actions come out. It keeps a
//! copy of the leases; the parent owns them, and nothing counts as leased before the parent has recorded it.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the front door, and the answers that wait |
//! | `event` | what a script is told of the client that changed a lease |
//! | `outbox` | what comes out |
//! | `packet`, `reply` | bytes in, bytes out |
//! | `v4` | one file per kind of message that arrives, and what is done when no address is free (`reclaim`) |
//! | `pool`, `probe` | which address, and whether somebody has it already |
//! | `host_rules`, `tags`, `options` | what the configuration says for this client |
//! | `file_rules` | what files add to that |
//! | `client_name`, `relay` | what clients and relay agents say |
//! | `relay_agent` | being a relay agent |
//! | `lease_view`, `state` | what is remembered |
//! | `lines`, `option_name` | the log |

#![forbid(unsafe_code)]

mod client_name;
mod engine;
mod event;
mod file_rules;
mod host_rules;
mod hosts;
mod lease_view;
mod lines;
mod option_name;
mod options;
mod outbox;
mod packet;
mod pool;
mod probe;
mod random;
mod relay;
mod relay_agent;
mod reply;
mod state;
mod tags;
mod v4;

pub use engine::{Arrival, Engine, Input, Port};
pub use outbox::{Action, Outbox};
