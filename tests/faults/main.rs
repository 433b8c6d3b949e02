//! What goes wrong must not be noticed: reloads under load, workers that die or misbehave, a parent that is killed.
//!
//! Everything here needs root. With `WARDMASQ_UNDER_TEST=theirs` the tests that make sense for one process run against
//! dnsmasq. Tests that need a worker to misbehave take a build with the feature `probe` from `WARDMASQ_PROBE_BINARY` (or from
//! `target/probe`).

mod broker;
mod freed;
mod hosts;
mod kill_points;
mod leases;
mod misbehavior;
mod reload;
mod replaced;
mod script;
mod service;
