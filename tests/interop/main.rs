//! Real clients against the server: resolvers, DHCP clients, TFTP clients.
//!
//! Every test runs against wardmasq or, with `WARDMASQ_UNDER_TEST=theirs`, against dnsmasq, and must pass with both. Needs
//! root and the clients' packages; `tests/all` installs and runs everything.

mod capture;
mod dhcp;
mod dhcp_client;
mod dhcp_files;
mod dhcp_hosts;
mod dhcp_tools;
mod dig;
mod dns_forwarded;
mod dns_kernel;
mod dns_local;
mod dns_records;
mod ipconfig;
mod lua;
mod network_manager;
mod networkd;
mod perfdhcp;
mod process;
mod resolver;
mod script;
mod service_manager;
mod tftp;
