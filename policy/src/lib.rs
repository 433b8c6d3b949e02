//! What each wardmasq process may do to the system: tables to be read aloud, and the code that puts them in force.
//!
//! | file | holds |
//! |---|---|
//! | `table` | the row types; every row carries its reason |
//! | `base` | the calls that every worker makes, and the calls that no worker could ever mean |
//! | `dns`, `dhcp`, `tftp`, `net`, `parent` | one table per process |
//! | `facts` | what a process knows about itself when it confines itself, and what came of it |
//! | `apply` | one applier per mechanism: root, limits, identity, Landlock, seccomp |
//! | `document` | the tables as a page for people |
//!
//! Rules of failure: a feature that this kernel lacks is named in the report and confinement goes on; a feature that is
//! there and fails is an error, and the process must end. Nothing here opens a path that came from the network.

mod apply;
mod base;
pub mod dhcp;
pub mod dns;
mod document;
mod facts;
pub mod net;
pub mod parent;
pub mod script;
pub mod table;
pub mod tftp;

pub use apply::confine;
pub use caps::Capability;
pub use document::{describe, document};
pub use facts::{ConfineError, Confined, Facts, Partition, Report};
pub use table::WorkerPolicy;
