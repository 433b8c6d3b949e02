//! The table of routes, as a worker would see it if the parent were wrong: any bytes are a table, perhaps an empty one.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use ipc::config::route_table::RouteTable;
use ipc::config::routes::{Route, RouteScope, RouteTarget, Routes};
use ipc::config::routing::Routing;

const NAMES: [&[u8]; 5] =
    [b"\x07blocked\x04test\0", b"\x04null\x04test\0", b"\x05fixed\x04test\0", b"\x01x\0", b"not a name"];

/// Looks everything up.
pub fn look_up(bytes: &[u8]) {
    let table = RouteTable::new(Cow::Owned(bytes.to_vec()));
    let found = NAMES.iter().filter_map(|name| table.domain(name)).chain(table.all()).chain(table.unqualified());
    let octets: usize = found.map(|entry| entry.v6.as_flattened().len() + entry.v4.as_flattened().len()).sum();
    assert!(octets <= (NAMES.len() + 2) * bytes.len(), "addresses from beyond the table");
    let _ = table.wildcard(b"ads.test").or_else(|| table.wildcard(b""));
    assert!(table.wildcard_lengths().len() <= bytes.len());
}

/// A table with every kind of entry.
pub fn seeds() -> Vec<Vec<u8>> {
    let route = |scope, target| Route { scope, target };
    let routes: Routes = [
        route(RouteScope::All, RouteTarget::Upstream(0)),
        route(RouteScope::Unqualified, RouteTarget::NoData),
        route(RouteScope::Domain("blocked.test"), RouteTarget::NoData),
        route(RouteScope::Domain("null.test"), RouteTarget::NullAddress),
        route(RouteScope::Domain("fixed.test"), RouteTarget::Address([10, 0, 0, 1].into())),
        route(RouteScope::Domain("fixed.test"), RouteTarget::Address(Ipv6Addr::LOCALHOST.into())),
        route(RouteScope::Domain("x"), RouteTarget::Standard),
        route(RouteScope::Suffix("ads.test"), RouteTarget::Upstream(1)),
    ]
    .into_iter()
    .collect();
    let build = |routes: &Routes| Routing::build(routes, [3; 16]).expect("a short list").table.into_owned();
    vec![build(&routes), build(&Routes::default())]
}
