//! What the dns worker is told at start.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::domain::Domains;
use super::kernel_set::KernelSets;
use super::mark::ConnectionMarks;
use super::query::QueryRules;
use super::record::Records;
use super::reply::ReplyRules;
use super::routes::Routes;

/// The dns slice. Field names are dnsmasq's option names where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsSlice {
    /// The port we serve on.
    pub port: u16,
    /// Configured upstreams (`server=`), in file order; the index is the name by which sockets are asked for.
    pub upstreams: Vec<SocketAddr>,
    /// For each of them: do its queries share one source port (`query-port`, or a port behind `@`)? Then one socket carries them all.
    pub one_port: Vec<bool>,
    /// The same for the upstreams of the resolv file.
    pub resolv_one_port: bool,
    /// `server=/…/`, `local=/…/`, `address=/…/` and `server=` without domain, in file order. The worker gets them as a
    /// [`Routing`](super::routing::Routing) instead.
    pub routes: Routes,
    /// `no-resolv` is off, so the upstreams of a resolv file will follow and serve the names without a route of their own.
    pub resolv: bool,
    /// `domain`.
    pub domains: Domains,
    /// Records of our own.
    pub records: Records,
    /// What is done to queries on their way upstream.
    pub queries: QueryRules,
    /// What happens to replies.
    pub replies: ReplyRules,
    /// Kernel address sets that replies are added to; the net worker knows them by their place here.
    pub sets: KernelSets,
    /// What is done with connection marks.
    pub marks: ConnectionMarks,
    /// `localise-queries`.
    pub localize_queries: bool,
    /// `filterwin2k`.
    pub filter_windows: bool,
    /// `cache-size`, in records.
    pub cache_size: u32,
    /// `local-ttl`, seconds.
    pub local_ttl: u32,
    /// `dhcp-ttl`, seconds; `None`: as `local-ttl`.
    pub dhcp_ttl: Option<u32>,
    /// `neg-ttl`, seconds, for negative answers without SOA; `None`: not cached.
    pub neg_ttl: Option<u32>,
    /// `max-ttl`, seconds, for clients; `None`: no limit.
    pub max_ttl: Option<u32>,
    /// `min-cache-ttl`, seconds.
    pub min_cache_ttl: u32,
    /// `max-cache-ttl`, seconds; `None`: no limit.
    pub max_cache_ttl: Option<u32>,
    /// `edns-packet-max`, bytes, at least 512.
    pub edns_packet_max: u16,
    /// `dns-forward-max`, queries in flight per server group.
    pub dns_forward_max: u32,
    /// `max-tcp-connections`.
    pub max_tcp_connections: u32,
    /// `domain-needed`.
    pub domain_needed: bool,
    /// `bogus-priv`.
    pub bogus_priv: bool,
    /// `expand-hosts`.
    pub expand_hosts: bool,
    /// `no-negcache`.
    pub no_negcache: bool,
    /// `strict-order`.
    pub strict_order: bool,
    /// `all-servers`.
    pub all_servers: bool,
    /// `no-round-robin`.
    pub no_round_robin: bool,
    /// `dhcp-fqdn`.
    pub dhcp_fqdn: bool,
    /// `no-ident`.
    pub no_ident: bool,
    /// `clear-on-reload`.
    pub clear_on_reload: bool,
    /// `fast-dns-retry`: first delay and total, in milliseconds.
    pub fast_dns_retry: Option<(u32, u32)>,
    /// `log-queries`.
    pub log_queries: LogQueries,
    /// Answer only clients on attached networks (`local-service`).
    pub local_service: bool,
    /// `listen-address` values, when there are any: a query to one of them is served whatever interface it came by.
    pub listen_addresses: Vec<IpAddr>,
    /// Must the arrival interface be checked (wildcard sockets)?
    pub check_arrival: bool,
    /// What `version.bind` answers: "dnsmasq-2.93".
    pub version: String,
}

/// `log-queries`, whose words add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQueries {
    /// Log at all.
    pub on: bool,
    /// Serial number and client in front of each line.
    pub extra: bool,
    /// Transport too.
    pub proto: bool,
    /// Only questions to authoritative zones.
    pub auth: bool,
    /// Only errors and negative answers.
    pub only_failed: bool,
}
