//! Known faults of DNS servers and known attacks on them, tried on the running program: what takes a kernel to show.
//!
//! A test's name begins with its row in the project's list of threats (`d15_...`); docs/threat-model.md has the table. Rows that bytes and
//! time suffice for are in `workers/dns/tests/threats`. Needs root.

mod burden;
mod forgery;
mod ports;
mod strangers;
mod tap;
