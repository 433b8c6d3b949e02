//! The targets, free of everything else, so that another driver can use them by path.

mod config;
mod dhcp_core;
mod dns_core;
mod dns_rules;
mod frame;
mod netlink;
mod route_table;
mod tftp_core;

/// One parser of foreign bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Takes any bytes and returns.
    pub run: fn(&[u8]),
    /// Valid messages to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const ALL: &[Target] = &[
    Target { name: "dns_query", run: dns_core::query, seeds: dns_core::query_seeds },
    Target { name: "dns_reply", run: dns_core::reply, seeds: dns_core::reply_seeds },
    Target { name: "dns_query_rules", run: dns_rules::query, seeds: dns_rules::query_seeds },
    Target { name: "dns_reply_rules", run: dns_rules::reply, seeds: dns_rules::reply_seeds },
    Target { name: "dns_client_stream", run: dns_core::client_stream, seeds: dns_core::stream_seeds },
    Target { name: "dns_upstream_stream", run: dns_core::upstream_stream, seeds: dns_core::reply_stream_seeds },
    Target { name: "dns_hosts", run: dns_core::hosts, seeds: dns_core::hosts_seeds },
    Target { name: "dns_resolv", run: dns_core::resolv, seeds: dns_core::resolv_seeds },
    Target { name: "dhcp_packet", run: dhcp_core::packet, seeds: dhcp_core::packet_seeds },
    Target { name: "dhcp_packet_twice", run: dhcp_core::packet_twice, seeds: dhcp_core::packet_seeds },
    Target { name: "dhcp_echo", run: dhcp_core::echo, seeds: dhcp_core::echo_seeds },
    Target { name: "tftp_request", run: tftp_core::request, seeds: tftp_core::request_seeds },
    Target { name: "tftp_transfer", run: tftp_core::transfer, seeds: tftp_core::transfer_seeds },
    Target { name: "config_file", run: config::file, seeds: config::file_seeds },
    Target { name: "config_servers", run: config::servers, seeds: config::servers_seeds },
    Target { name: "config_late_lines", run: config::late_lines, seeds: config::late_seeds },
    Target { name: "route_table", run: route_table::look_up, seeds: route_table::seeds },
    Target { name: "netlink_answer", run: netlink::answer, seeds: netlink::seeds },
    Target { name: "frame", run: frame::decode, seeds: frame::seeds },
];

/// The target of this name.
pub fn named(name: &str) -> &'static Target {
    ALL.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target {name}"))
}
