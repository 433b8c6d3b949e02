//! Known faults of DNS servers and known attacks on them, each tried on the engine.
//!
//! A test's name begins with its row in the project's list of threats (`d16_...`); docs/threat-model.md has the table. What needs a kernel
//! (ports, socket options, ICMP, memory) is tried in `tests/threats` instead.

#![allow(clippy::unwrap_used, reason = "this is test code, although it is not all in test functions")]

#[path = "../lab/mod.rs"]
mod lab;

mod craft;
mod floods;
mod forgery;
mod malformed;
mod poison;
mod ports;
mod rebinding;
mod replies;
mod strangers;
