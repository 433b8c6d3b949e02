//! Name suffix to upstreams or a fixed answer: `server=`, `local=`, `address=`.
//!
//! The longest domain that can answer the type wins; a plain domain beats a wildcard of the same length. Look-ups ask the table, which
//! the parent laid out (`ipc/src/config/route_table.rs`), once per label, and once per distinct wildcard length.

use ipc::config::route_table::{RouteEntry, RouteTable};
use ipc::config::routing::GROUP_OF_ALL;

use crate::name::{Name, labels, suffixes};
use crate::wire::rtype;

/// The routes.
#[derive(Debug)]
pub(crate) struct Routes {
    table: RouteTable,
    /// Are there upstreams without a domain?
    pub defaults: bool,
}

/// What is to be done with a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict<'a> {
    /// Answer with these, given as octets.
    V6(&'a [[u8; 16]]),
    /// Answer with these, given as octets.
    V4(&'a [[u8; 4]]),
    /// Answer with the zero addresses.
    Null,
    /// Never forward; `exists`: the domain has addresses of its own, so its names exist.
    NoData { exists: bool },
    /// Ask this group.
    Forward { group: u32 },
    /// Nobody is responsible.
    Nobody,
}

impl Routes {
    /// Routes of this table; `defaults`: there are upstreams without a domain.
    pub fn new(table: RouteTable, defaults: bool) -> Routes {
        Routes { table, defaults }
    }

    /// What is to be done with a question for `name` (lower case).
    pub fn find(&self, name: &Name, qtype: u16) -> Verdict<'_> {
        // A DS record lives in the parent zone (RFC 4035, section 2.4), so the parent's upstream is asked.
        let parent = if qtype == rtype::DS { Some(name.parent()) } else { None };
        let at = parent.as_ref().unwrap_or(name);
        let specific = self.first(at, |entry| answer(entry, qtype));
        // What there is for names without dots is all that there is for them.
        let catch_all = || {
            let fits = name.is_unqualified() && !matches!(qtype, rtype::DS | rtype::DNSKEY);
            let unqualified = if fits { self.table.unqualified() } else { None };
            answer(unqualified.or_else(|| self.table.all())?, qtype)
        };
        match specific.or_else(catch_all) {
            Some(Decision::Standard | Decision::Final(Verdict::Forward { group: GROUP_OF_ALL })) => {
                if self.defaults {
                    Verdict::Forward { group: GROUP_OF_ALL }
                } else {
                    Verdict::Nobody
                }
            }
            Some(Decision::Final(verdict)) => verdict,
            None => Verdict::Nobody,
        }
    }

    /// Does an `address=` line cover this name (lower case)? Then it exists, whatever upstreams say.
    pub fn has_address(&self, name: &Name) -> bool {
        let unqualified = if name.is_unqualified() { self.table.unqualified() } else { None };
        self.first(name, |entry| entry.has_address().then_some(())).is_some()
            || unqualified.or_else(|| self.table.all()).is_some_and(|entry| entry.has_address())
    }

    /// Does a domain of its own, not a catch-all, cover this name with an upstream?
    pub fn has_own_upstream(&self, name: &Name) -> bool {
        self.first(name, |entry| entry.group).is_some()
    }

    /// The first thing that `test` finds, from the longest matching domain to the shortest.
    fn first<'a, T>(&'a self, name: &Name, test: impl Fn(RouteEntry<'a>) -> Option<T>) -> Option<T> {
        let mut text = [0u8; 256];
        let mut length = 0;
        let lengths = self.table.wildcard_lengths();
        if !lengths.is_empty() {
            length = write_text(name, &mut text);
        }
        let text = &text[..length];
        let mut wildcards =
            lengths.iter().map(|wanted| usize::from(*wanted)).filter(|wanted| *wanted <= length).peekable();
        let wildcard = |wanted: usize| self.table.wildcard(&text[length - wanted..]).and_then(&test);
        for suffix in suffixes(name.wire()) {
            // Text has one byte less for the first length and one for the root; the root itself is no domain here.
            let Some(text_length) = suffix.len().checked_sub(2).filter(|length| *length > 0) else { break };
            while let Some(longer) = wildcards.next_if(|wanted| *wanted > text_length) {
                if let Some(found) = wildcard(longer) {
                    return Some(found);
                }
            }
            if let Some(found) = self.table.domain(suffix).and_then(&test) {
                return Some(found);
            }
        }
        wildcards.find_map(wildcard)
    }
}

enum Decision<'a> {
    Final(Verdict<'a>),
    Standard,
}

/// The first kind of answer, in dnsmasq's order, that fits the type.
fn answer(entry: RouteEntry<'_>, qtype: u16) -> Option<Decision<'_>> {
    let (for_v6, for_v4) = match qtype {
        rtype::A => (false, true),
        rtype::AAAA => (true, false),
        rtype::ANY => (true, true),
        _ => (false, false),
    };
    let verdict = match entry {
        RouteEntry { v6, .. } if for_v6 && !v6.is_empty() => Verdict::V6(v6),
        RouteEntry { v4, .. } if for_v4 && !v4.is_empty() => Verdict::V4(v4),
        RouteEntry { null: true, .. } if for_v4 || for_v6 => Verdict::Null,
        RouteEntry { no_data: true, .. } => Verdict::NoData { exists: entry.has_address() },
        RouteEntry { standard: true, .. } => return Some(Decision::Standard),
        RouteEntry { group, .. } => Verdict::Forward { group: group? },
    };
    Some(Decision::Final(verdict))
}

/// Writes the text form of a name without final dot; returns its length.
fn write_text(name: &Name, text: &mut [u8; 256]) -> usize {
    let mut length = 0;
    for label in labels(name.wire()) {
        if length > 0 {
            text[length] = b'.';
            length += 1;
        }
        text[length..length + label.len()].copy_from_slice(label);
        length += label.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use ipc::config::routes::{Route, RouteScope, RouteTarget};
    use ipc::config::routing::{RouteGroup, Routing};

    use super::*;

    fn build(lines: &[(&'static str, RouteTarget)]) -> (Routes, Vec<RouteGroup>) {
        let scope = |text: &'static str| match text {
            "" => RouteScope::All,
            "//" => RouteScope::Unqualified,
            text => match text.strip_prefix('*') {
                Some(rest) => RouteScope::Suffix(rest),
                None => RouteScope::Domain(text),
            },
        };
        let routes = lines.iter().map(|(text, target)| Route { scope: scope(text), target: *target }).collect();
        let routing = Routing::build(&routes, [5; 16]).unwrap();
        let defaults = !routing.groups[0].upstreams.is_empty();
        (Routes::new(RouteTable::new(routing.table), defaults), routing.groups)
    }

    fn name(text: &str) -> Name {
        Name::from_text(text.as_bytes()).unwrap()
    }

    fn v4(last: u8) -> RouteTarget {
        RouteTarget::Address([10, 0, 0, last].into())
    }

    const V6: RouteTarget = RouteTarget::Address(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST));

    #[test]
    fn the_longest_domain_that_can_answer_the_type_wins() {
        let (routes, _) = build(&[("test", v4(1)), ("b.test", V6)]);
        assert_eq!(routes.find(&name("b.test"), rtype::A), Verdict::V4(&[[10, 0, 0, 1]]));
        assert_eq!(routes.find(&name("x.b.test"), rtype::AAAA), Verdict::V6(&[Ipv6Addr::LOCALHOST.octets()]));
        assert_eq!(routes.find(&name("ab.test"), rtype::AAAA), Verdict::Nobody);
        assert!(routes.has_address(&name("q.test")) && !routes.has_address(&name("testx")));
    }

    #[test]
    fn a_plain_domain_beats_a_wildcard_of_the_same_length() {
        let (routes, _) = build(&[("*ads", v4(1)), ("ads", v4(2)), ("*.ads.x", v4(3))]);
        assert_eq!(routes.find(&name("a.ads"), rtype::A), Verdict::V4(&[[10, 0, 0, 2]]));
        assert_eq!(routes.find(&name("myads"), rtype::A), Verdict::V4(&[[10, 0, 0, 1]]));
        assert_eq!(routes.find(&name("q.ads.x"), rtype::A), Verdict::V4(&[[10, 0, 0, 3]]));
        assert_eq!(routes.find(&name("ads.x"), rtype::A), Verdict::Nobody);
    }

    #[test]
    fn kinds_come_in_dnsmasqs_order() {
        let (routes, groups) = build(&[
            ("d", RouteTarget::Upstream(1)),
            ("d", RouteTarget::NoData),
            ("d", v4(1)),
            ("d", v4(2)),
            ("", RouteTarget::Upstream(0)),
            ("s.d", RouteTarget::Standard),
        ]);
        assert_eq!(routes.find(&name("d"), rtype::A), Verdict::V4(&[[10, 0, 0, 2], [10, 0, 0, 1]]));
        assert_eq!(routes.find(&name("d"), rtype::TXT), Verdict::NoData { exists: true });
        assert_eq!(routes.find(&name("x.s.d"), rtype::A), Verdict::Forward { group: GROUP_OF_ALL });
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1], RouteGroup { domain: "d".to_owned(), upstreams: vec![1] });
    }

    #[test]
    fn unqualified_names_have_their_own_servers_except_for_dnssec_types() {
        let (routes, _) = build(&[("", RouteTarget::Upstream(0)), ("//", RouteTarget::Upstream(1))]);
        assert_eq!(routes.find(&name("single"), rtype::TXT), Verdict::Forward { group: 1 });
        assert_eq!(routes.find(&name("single"), rtype::DS), Verdict::Forward { group: GROUP_OF_ALL });
        assert_eq!(routes.find(&name("a.b"), rtype::A), Verdict::Forward { group: GROUP_OF_ALL });
        assert_eq!(routes.find(&Name::ROOT, rtype::A), Verdict::Forward { group: GROUP_OF_ALL });
    }

    #[test]
    fn an_address_for_unqualified_names_leaves_their_other_types_to_nobody() {
        let (routes, _) = build(&[("", RouteTarget::Upstream(0)), ("//", v4(1))]);
        assert_eq!(routes.find(&name("single"), rtype::A), Verdict::V4(&[[10, 0, 0, 1]]));
        assert_eq!(routes.find(&name("single"), rtype::AAAA), Verdict::Nobody);
        assert_eq!(routes.find(&name("a.b"), rtype::AAAA), Verdict::Forward { group: GROUP_OF_ALL });
    }

    #[test]
    fn ds_goes_to_the_parents_upstream() {
        let (routes, _) = build(&[("example.org", RouteTarget::Upstream(1)), ("", RouteTarget::Upstream(0))]);
        assert_eq!(routes.find(&name("example.org"), rtype::DS), Verdict::Forward { group: GROUP_OF_ALL });
        assert_eq!(routes.find(&name("a.example.org"), rtype::DS), Verdict::Forward { group: 1 });
        assert!(routes.has_own_upstream(&name("x.example.org")) && !routes.has_own_upstream(&name("org")));
    }
}
