//! The privileged side of wardmasq.
//!
//! It reads the configuration, binds every port, owns the lease file, confines itself, and starts one confined worker per role. It
//! parses no byte from the network and trusts nothing that a worker says. Read `start` first (the order of the start, in
//! prose), then `hub` (the loop).
//!
//! | file | holds |
//! |---|---|
//! | `start` | the privileged start, step by step |
//! | `command_line`, `config` | arguments and files to one typed tree |
//! | `interfaces`, `listen` | which sockets; bind or adopt them |
//! | `accounts`, `daemon`, `failure`, `holder` | users; leaving the terminal; why a start failed; who holds a port |
//! | `spawn`, `worker`, `supervisor` | how a worker comes to be, how it is spoken to, when it is started again |
//! | `hub` | the event loop |
//! | `permit`, `commit` | what a worker may say; what it may change |
//! | `leases` | the lease store and dnsmasq's lease file |
//! | `script`, `lease_events`, `neighbors` | the process that calls scripts; what it is told |
//! | `broker`, `files`, `watch` | small deeds for workers; files passed on; word of changes |
//! | `dhcp_files`, `known_hosts` | host rules and options of files; what dhcp learns of hosts files |
//! | `log`, `service_manager` | the log; readiness notices |
//! | `dhcp_tools` | three small clients, which are programs of their own |
//! | `wardctl` | the other program: questions about a configuration |

pub mod accounts;
pub mod broker;
pub mod capture;
pub mod command_line;
pub mod commit;
pub mod config;
pub mod daemon;
pub mod dhcp_files;
#[cfg(feature = "dhcp-tools")]
pub mod dhcp_tools;
pub mod errands;
mod failure;
pub mod files;
pub mod holder;
pub mod hub;
pub mod interfaces;
pub mod known_hosts;
pub mod lease_events;
pub mod leases;
pub mod listen;
pub mod log;
pub mod neighbors;
pub mod path_mtu;
pub mod permit;
#[cfg(feature = "probe")]
pub mod probe;
pub mod script;
pub mod service_manager;
pub mod spawn;
pub mod start;
pub mod supervisor;
pub mod upstreams;
pub mod wardctl;
pub mod watch;
pub mod worker;
