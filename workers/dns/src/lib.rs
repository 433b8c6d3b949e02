//! DNS without sockets: forwarding, cache, local names.
//!
//! A pure core. The shell feeds an [`Engine`] with [`Input`]s and carries out the [`Action`]s that gather in an [`Outbox`]; time and
//! the random seed are arguments. It is *not* a resolver: it asks configured upstreams and never follows referrals.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the front door, and the order in which messages pass between the two sides |
//! | `input`, `outbox` | what goes in and what comes out |
//! | `front` | clients, local data, cache: decides what a query gets |
//! | `exchange` | the messages between `front` and `upstream` |
//! | `upstream`, `pending`, `reserve` | sockets, ids, retries: how a question gets an answer |
//! | `cache`, `hosts`, `lease_names`, `known`, `routes` | what names mean |
//! | `wire`, `name`, `edns`, `reply`, `resolv`, `tcp` | bytes |
//! | `access` | who may ask |
//! | `lines`, `statistics` | what the operator sees |
//! | `hash`, `random` | seeded hashing and numbers |

#![forbid(unsafe_code)]

mod engine;
mod input;
mod outbox;

pub use engine::Engine;
pub use input::{Arrival, Handle, Input};
pub use outbox::{Action, Outbox};
