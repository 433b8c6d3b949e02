//! DNS without sockets: forwarding, cache, local names.
//!
//! A pure core. The shell feeds an [`Engine`] with [`Input`]s and carries out the [`Action`]s that gather in an [`Outbox`]; time and
//! the random seed are arguments. It is *not* a resolver: it asks configured upstreams and never follows referrals.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the front door, and the order in which messages pass between the two sides |
//! | `input`, `outbox` | what goes in and what comes out |
//! | `front`, `waiting`, `shares`, `harvest` | clients and their questions; what is learnt from replies |
//! | `exchange` | the messages between the front and the upstream side |
//! | `upstream`, `pending`, `call`, `reserve`, `loops` | sockets, ids, retries: how a question gets an answer |
//! | `local`, `records`, `hosts`, `lease_names`, `interface_names`, `synthetic`, `known`, `chaos`, `arpa` | names that are known here |
//! | `cache`, `routes` | what upstreams said, and who is asked about what |
//! | `query_rules`, `letter_case`, `reply_rules` | what is done to queries on their way up, and to replies on their way down |
//! | `wire`, `name`, `rdata`, `query`, `edns`, `reply`, `resolv`, `tcp` | bytes |
//! | `access`, `allowlist` | who may ask, and for what |
//! | `held`, `sets` | what waits for the kernel; which address sets replies go into |
//! | `lines`, `statistics`, `cache_table` | what the operator sees |
//! | `hash`, `random` | seeded hashing and numbers |

#![forbid(unsafe_code)]

mod access;
mod allowlist;
mod arpa;
mod cache;
mod cache_table;
mod call;
mod chaos;
mod edns;
mod engine;
mod exchange;
mod front;
mod harvest;
mod hash;
mod held;
mod hosts;
mod input;
mod interface_names;
mod known;
mod lease_names;
mod letter_case;
mod lines;
mod local;
mod loops;
mod name;
mod outbox;
mod pending;
mod query;
mod query_rules;
mod random;
mod rdata;
mod rebind;
mod records;
mod reply;
mod reply_rules;
mod reserve;
mod resolv;
mod routes;
mod sets;
mod shares;
mod siblings;
mod statistics;
mod synthetic;
mod tcp;
mod upstream;
mod waiting;
mod wire;

pub use engine::Engine;
pub use input::{Arrival, Handle, Input};
pub use outbox::{Action, Outbox};
