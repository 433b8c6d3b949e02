//! The slices of the configuration: exactly what each worker needs, and nothing else.
//!
//! Every value has been parsed into its type by the parent; no worker reads configuration text.

pub mod client_tag;
pub mod dhcp;
pub mod dns;
pub mod domain;
pub mod kernel_set;
pub mod mark;
pub mod net;
pub mod prefix;
pub mod pxe;
pub mod query;
pub mod record;
pub mod relay;
pub mod reply;
pub mod route_table;
pub mod routes;
pub mod routing;
pub mod tftp;
pub mod wire;
