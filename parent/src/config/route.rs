//! Upstreams and fixed answers: `server`, `local`, `rev-server`, `address`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};

use ipc::config::routes::{RouteScope, RouteTarget, Routes};

use super::blame::At as _;
use super::dns::{block, width};
use super::draft::Draft;
use super::fault::Fault;
use super::number::{number, number16};
use super::prefix::LENGTH;
use super::process::PORT;
use super::reach::Reach;
use super::text::{every, from_bytes, reveal, reveal_text, revealed, split};
use super::{UpstreamSource, name};

/// Port of DNS.
const DNS_PORT: u16 = 53;
/// Longest interface name, in bytes; what is beyond is cut.
const INTERFACE_BYTES_MAX: usize = 15;

type Value<'a> = Option<&'a str>;

/// `server = ["/" {DOMAIN "/"}] [UPSTREAM]`.
pub(crate) fn server(draft: &mut Draft, value: Value<'_>) -> Result<(), Fault> {
    if let Some(name) = value.and_then(only_name) {
        draft.dns.routes.push(RouteScope::Domain(name), RouteTarget::NoData);
        return Ok(());
    }
    let value = shown(value)?;
    let (domains, upstream) = cut_domains(&value);
    // Faults of the upstream are told before those of the domains.
    let targets = targets(draft, upstream)?;
    route_all(&mut draft.dns.routes, domains, &targets)
}

/// `rev-server = ADDRESS["/" LENGTH]["," UPSTREAM]`.
pub(crate) fn rev_server(draft: &mut Draft, value: Value<'_>) -> Result<(), Fault> {
    let (prefix, upstream) = split(value.ok_or(Fault::Value)?, ',');
    let (address, length) = split(prefix, '/');
    let address: IpAddr = reveal_text(address).parse().map_err(|_| Fault::Value).at(address, "an address")?;
    // A length that is no number counts as absent.
    let length = length.and_then(number).unwrap_or_else(|| width(address).into());
    let targets = match upstream {
        Some("") => resolve("", DNS_PORT, draft.reach)?.iter().map(|_| RouteTarget::NoData).collect(),
        Some(upstream) => targets(draft, upstream)?,
        None => vec![RouteTarget::NoData],
    };
    let length = u8::try_from(length).ok().filter(|length| (1..=width(address)).contains(length));
    let length = length.ok_or_else(|| {
        Fault::from(if address.is_ipv4() { "bad IPv4 prefix length" } else { "bad IPv6 prefix length" })
            .at(prefix, LENGTH)
    })?;
    let zones = reverse_zones(address, length);
    for target in targets {
        zones.iter().for_each(|zone| draft.dns.routes.push(RouteScope::Domain(zone), target));
    }
    Ok(())
}

/// `address = ["/" {DOMAIN "/"}] ("" | "#" | ADDRESS)`.
pub(crate) fn address(draft: &mut Draft, value: Value<'_>) -> Result<(), Fault> {
    if let Some(name) = value.and_then(only_name) {
        draft.dns.routes.push(RouteScope::Domain(name), RouteTarget::NoData);
        return Ok(());
    }
    let value = shown(value)?;
    let (domains, answer) = cut_domains(&value);
    let target = match &*revealed(answer) {
        "" => RouteTarget::NoData,
        "#" => RouteTarget::NullAddress,
        text => {
            let parsed = text.parse().map_err(|_| Fault::from("Bad address in --address"));
            RouteTarget::Address(parsed.at(answer, "an address or #")?)
        }
    };
    route_all(&mut draft.dns.routes, domains, &[target])
}

/// The name of a value that is `/NAME/` and nothing else, if the name needs no change: what block lists consist of. The long way
/// comes to the same.
fn only_name(value: &str) -> Option<&str> {
    let name = value.strip_prefix('/')?.strip_suffix('/')?;
    let bytes = name.as_bytes();
    let usual = !matches!(bytes.first(), None | Some(b'*' | b'.' | b'#')) && every(bytes, |byte| byte != b'/');
    (usual && name::is_plain(bytes)).then_some(name)
}

/// The value with nothing hidden: quotes around upstreams hide nothing that separates.
fn shown(value: Value<'_>) -> Result<Cow<'_, str>, Fault> {
    let value = value.ok_or(Fault::Value)?;
    // What is hidden is not ASCII.
    Ok(if value.is_ascii() { Cow::Borrowed(value) } else { Cow::Owned(from_bytes(&reveal(value))) })
}

/// Gives each of these domains (`None`: there are none, so all names) each target. After a fault nothing has been added.
fn route_all(routes: &mut Routes, domains: Option<&str>, targets: &[RouteTarget]) -> Result<(), Fault> {
    let Some(domains) = domains else {
        targets.iter().for_each(|target| routes.push(RouteScope::All, *target));
        return Ok(());
    };
    routes.all_or_none(|routes| {
        let mut add =
            |target| domains.split('/').try_for_each(|domain| route_one(routes, domain.trim_matches(' '), target));
        if targets.is_empty() {
            // Without targets the domains are looked at all the same.
            add(None)?;
        }
        targets.iter().try_for_each(|target| add(Some(*target)))?;
        // Of several domains, dnsmasq loses the last when blanks stand in front of it, and one of nothing but blanks, and finds
        // fault with what it sees instead.
        let mut behind = domains.split('/').skip(1);
        let blank = |domain: &str| !domain.is_empty() && domain.trim_matches(' ').is_empty();
        let lost = domains.contains(' ')
            && (domains.rsplit_once('/').is_some_and(|(_, last)| last.starts_with(' ')) || behind.any(blank));
        if lost { Err(Fault::Value) } else { Ok(()) }
    })
}

/// The text of the domains in front of a value, and what follows the last `/`. With one `/` only there are no domains.
fn cut_domains(value: &str) -> (Option<&str>, &str) {
    let Some(inner) = value.strip_prefix('/') else { return (None, value) };
    match inner.rsplit_once('/') {
        Some((domains, rest)) => (Some(domains), rest.trim_start_matches(' ')),
        None => (None, inner),
    }
}

fn route_one(routes: &mut Routes, domain: &str, target: Option<RouteTarget>) -> Result<(), Fault> {
    let mut push = |scope: RouteScope<'_>| {
        if let Some(target) = target {
            routes.push(scope, target);
        }
    };
    match domain {
        "" => push(RouteScope::Unqualified),
        "#" => push(RouteScope::All),
        _ => {
            let domain = name::listed_domain(domain, Fault::Value)?;
            push(match domain.strip_prefix('*') {
                Some("") => RouteScope::All,
                Some(suffix) => RouteScope::Suffix(suffix),
                None => match domain.trim_start_matches('.') {
                    "" => RouteScope::All,
                    domain => RouteScope::Domain(domain),
                },
            });
        }
    }
    Ok(())
}

/// What an upstream text stands for: nothing is "never forwarded", `#` the ordinary upstreams, a host name all its addresses.
fn targets(draft: &mut Draft, text: &str) -> Result<Vec<RouteTarget>, Fault> {
    match text {
        "" => return Ok(vec![RouteTarget::NoData]),
        "#" => return Ok(vec![RouteTarget::Standard]),
        _ => {}
    }
    let upstream = parse_upstream(text, draft.reach)?;
    let mut targets = Vec::with_capacity(upstream.addresses.len());
    for address in upstream.addresses {
        let index = u32::try_from(draft.dns.upstreams.len()).map_err(|_| Fault::Value)?;
        draft.dns.upstreams.push(address);
        draft.process.upstream_sources.push(upstream.source.clone());
        targets.push(RouteTarget::Upstream(index));
    }
    Ok(targets)
}

#[derive(Debug)]
struct Upstream {
    addresses: Vec<SocketAddr>,
    source: UpstreamSource,
}

/// `ADDRESS["%" SCOPE]["#" PORT]["@" [INTERFACE "@"] SOURCE ["#" PORT]]`, cut in the order `@`, both `#`, `%`, inner `@`.
fn parse_upstream(text: &str, reach: Reach) -> Result<Upstream, Fault> {
    let bad_port = || Fault::from("bad port");
    let (target, source) = split(text, '@');
    let (source, source_port) = source.map_or((None, None), |source| {
        let (source, port) = split(source, '#');
        (Some(source), port)
    });
    let source_port = source_port.map(|port| number16(port).ok_or_else(bad_port).at(port, PORT)).transpose()?;
    let (target, port) = split(target, '#');
    let port = port.map_or(Ok(DNS_PORT), |port| number16(port).ok_or_else(bad_port).at(port, PORT))?;
    let (host, zone) = split(target, '%');
    let parsed_source = || source.map_or(Ok(UpstreamSource::default()), |source| parse_source(source, source_port));

    let host = reveal_text(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        let socket_address = match (address, zone) {
            (IpAddr::V6(address), Some(zone)) => {
                reach.step_out()?;
                let index = nix::net::if_::if_nametoindex(reveal_text(zone).as_str());
                let index =
                    index.map_err(|_| Fault::from("bad interface name")).at(zone, "an interface that exists now")?;
                SocketAddrV6::new(address, port, 0, index).into()
            }
            (address, _) => SocketAddr::new(address, port),
        };
        let source = parsed_source()?;
        if source.address.is_some_and(|source| source.is_ipv4() != address.is_ipv4()) {
            return Err(Fault::from(match address {
                IpAddr::V4(_) => "cannot use IPv4 server address with IPv6 source address",
                IpAddr::V6(_) => "cannot use IPv6 server address with IPv4 source address",
            })
            .at(text, "both addresses of one family"));
        }
        return Ok(Upstream { addresses: vec![socket_address], source });
    }
    let mut addresses = resolve(&host, port, reach).at(&host, "an address, or a name that can be looked up now")?;
    let source = parsed_source()?;
    addresses.retain(|address| source.address.is_none_or(|source| source.is_ipv4() == address.is_ipv4()));
    Ok(Upstream { addresses, source })
}

fn parse_source(text: &str, port: Option<u16>) -> Result<UpstreamSource, Fault> {
    let (interface, text) = match split(text, '@') {
        (interface, Some(rest)) => (Some(interface), rest),
        (text, None) => (None, text),
    };
    let text = reveal_text(text);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(UpstreamSource { interface: interface.and_then(cut_interface), address: Some(address), port });
    }
    if interface.is_some() {
        return Err(Fault::from("interface can only be specified once").at(&text, "an address"));
    }
    Ok(UpstreamSource { interface: cut_interface(&text), address: None, port })
}

fn cut_interface(text: &str) -> Option<String> {
    let name = reveal_text(text);
    let mut end = name.len().min(INTERFACE_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The addresses of a host name, as the system's resolver knows them.
fn resolve(host: &str, port: u16, reach: Reach) -> Result<Vec<SocketAddr>, Fault> {
    reach.step_out()?;
    let refused = |error: io::Error| {
        let text = error.to_string();
        let text = text.rsplit_once(": ").map_or(text.as_str(), |(_, reason)| reason);
        match text {
            "Temporary failure in name resolution" => Fault::from("Cannot resolve server name"),
            text if text.starts_with("file name contained") => Fault::from("Name or service not known"),
            text => Fault::from(text),
        }
    };
    let mut addresses = Vec::new();
    for address in (host, port).to_socket_addrs().map_err(refused)? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// The reverse zones that cover a prefix (RFC 1035 section 3.5, RFC 3596 section 2.5): one if it ends at a label, else the 2 to
/// 128 next longer ones. None for length 0.
pub(crate) fn reverse_zones(address: IpAddr, length: u8) -> Vec<String> {
    if length == 0 {
        return Vec::new();
    }
    let label_bits = if address.is_ipv4() { 8 } else { 4 };
    let labels = length.div_ceil(label_bits);
    let end = labels * label_bits;
    let count = 1_u128 << (end - length);
    let (first, _) = block(address, length);
    (0..count).map(|position| zone(first, position, labels, width(address) - end)).collect()
}

/// The zone of the `position`th block of `2^shift` addresses from `first` on.
fn zone(first: IpAddr, position: u128, labels: u8, shift: u8) -> String {
    let mut zone = String::new();
    let written = match first {
        IpAddr::V4(first) => {
            let octets = Ipv4Addr::from(u32::from(first) | (position << shift) as u32).octets();
            octets.iter().take(labels.into()).rev().try_for_each(|octet| write!(zone, "{octet}."))
        }
        IpAddr::V6(first) => {
            let octets = Ipv6Addr::from(u128::from(first) | (position << shift)).octets();
            let nibbles: Vec<u8> = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]).collect();
            nibbles.iter().take(labels.into()).rev().try_for_each(|nibble| write!(zone, "{nibble:x}."))
        }
    };
    written.expect("a string takes any text");
    zone + if first.is_ipv4() { "in-addr.arpa" } else { "ip6.arpa" }
}

#[cfg(test)]
mod tests {
    use ipc::config::routes::Route;

    use super::*;

    fn told(key: &str, value: &str) -> String {
        let mut draft = Draft::new();
        let parse = super::super::keys::find(key).unwrap().parse;
        parse(&mut draft, Some(value)).unwrap();
        let routes: Vec<_> =
            draft.dns.routes.iter().map(|route| format!("{:?} {:?}", route.scope, route.target)).collect();
        format!("{} {:?}", routes.join("; "), draft.dns.upstreams)
    }

    #[test]
    fn the_domain_forms() {
        assert_eq!(told("server", "192.0.2.1#5353"), "All Upstream(0) [192.0.2.1:5353]");
        assert_eq!(
            told("server", "/a/B.c/192.0.2.1"),
            "Domain(\"a\") Upstream(0); Domain(\"b.c\") Upstream(0) [192.0.2.1:53]"
        );
        assert_eq!(told("local", "//"), "Unqualified NoData []");
        assert_eq!(told("local", ""), "All NoData []");
        assert_eq!(told("local", "/"), "All NoData []");
        assert_eq!(told("local", "/192.0.2.1"), "All Upstream(0) [192.0.2.1:53]");
        assert_eq!(told("server", "/*.a/..b/*/#"), "Suffix(\".a\") Standard; Domain(\"b\") Standard; All Standard []");
        assert_eq!(told("address", "/a/#"), "Domain(\"a\") NullAddress []");
        assert_eq!(told("address", "::1"), "All Address(::1) []");
        assert_eq!(told("address", "/a/"), "Domain(\"a\") NoData []");
    }

    #[test]
    fn blanks_may_stand_for_the_first_domain_only() {
        let accepted = |value: &str| {
            let mut draft = Draft::new();
            let done = server(&mut draft, Some(value));
            assert_eq!(done.is_err(), draft.dns.routes.is_empty(), "after a fault nothing is kept");
            done.is_ok()
        };
        for good in ["/a/ b/c/", "/a//b/", "/ /a/b/", "/a /b/", "/ /"] {
            assert!(accepted(good), "{good}");
        }
        for bad in ["/a/ /b/", "/a/b/ /c/", "/a/ //b/", "/ / /a/", "/a/ b/", "/a/ /", "/a / /b/c/"] {
            assert!(!accepted(bad), "{bad}");
        }
    }

    /// Whatever the short way takes, the long way takes for the same.
    #[test]
    fn both_ways_read_a_value_alike() {
        let pieces = ["/", "/", "ads", ".", "-", "*", "#", "A", " ", "example", "192.0.2.1", "\u{f72c}"];
        let mut state = 9_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut short = 0;
        for _ in 0..100_000 {
            let middle: String = (0..next(6)).map(|_| pieces[next(pieces.len())]).collect();
            let value = if next(2) == 0 { format!("/{middle}/") } else { middle };
            let Some(name) = only_name(&value) else { continue };
            short += 1;
            let (domains, rest) = cut_domains(&value);
            let mut routes = Routes::default();
            route_all(&mut routes, domains, &[RouteTarget::NoData]).unwrap();
            let expected = Route { scope: RouteScope::Domain(name), target: RouteTarget::NoData };
            assert_eq!((routes.iter().collect::<Vec<_>>(), rest), (vec![expected], ""), "{value}");
        }
        assert!(short > 5_000, "{short} values went the short way");
    }

    #[test]
    fn sources_are_kept_beside_their_upstream() {
        let parsed = parse_upstream("192.0.2.1#99@eth0@192.0.2.9#53", Reach::TextOnly).unwrap();
        let expected = UpstreamSource {
            interface: Some("eth0".into()),
            address: Some("192.0.2.9".parse().unwrap()),
            port: Some(53),
        };
        assert_eq!(parsed.source, expected);
        let parsed = parse_upstream("192.0.2.1@a-very-long-interface-name", Reach::TextOnly).unwrap();
        assert_eq!(parsed.source.interface.as_deref(), Some("a-very-long-int"));
    }

    #[test]
    fn reverse_zones_split_at_labels() {
        let zones = |address: &str, length| reverse_zones(address.parse().unwrap(), length).join(" ");
        assert_eq!(zones("10.0.0.0", 8), "10.in-addr.arpa");
        assert_eq!(
            zones("192.0.2.130", 26),
            (128..192).map(|n| format!("{n}.2.0.192.in-addr.arpa")).collect::<Vec<_>>().join(" ")
        );
        assert_eq!(zones("2001:db8::", 31), "8.b.d.0.1.0.0.2.ip6.arpa 9.b.d.0.1.0.0.2.ip6.arpa");
        assert_eq!(zones("fd00::1", 128).len(), 72);
        assert_eq!(zones("10.0.0.0", 0), "");
        assert_eq!(reverse_zones("10.0.0.0".parse().unwrap(), 1).len(), 128);
    }
}
