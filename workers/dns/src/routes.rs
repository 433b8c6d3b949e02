//! Name suffix to upstreams or a fixed answer: `server=`, `local=`, `address=`.
//!
//! The longest domain that can answer the type wins; a plain domain beats a wildcard of the same length. Look-ups probe a hash table once
//! per label, and once per distinct wildcard length.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::dns::{DnsSlice, RouteScope, RouteTarget};

use crate::hash::{Map, SeededState};
use crate::name::{Name, labels, suffixes};
use crate::wire::rtype;

/// The group of the upstreams without a domain.
pub(crate) const DEFAULT_GROUP: u32 = 0;

/// The table.
#[derive(Debug)]
pub(crate) struct Routes {
    /// By domain in wire form.
    domains: Map<Box<[u8]>, Entry>,
    /// `*text`, by text.
    wildcards: Map<Box<[u8]>, Entry>,
    /// Lengths of the wildcards' texts, longest first.
    wildcard_lengths: Vec<usize>,
    unqualified: Entry,
    all: Entry,
    /// Are there upstreams without a domain?
    pub defaults: bool,
}

/// Upstreams that serve the same names, in configuration order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// The domain for log lines; empty for the default group.
    pub domain: String,
    /// Indexes into the configured upstreams.
    pub upstreams: Vec<u32>,
}

/// What is configured for one domain.
#[derive(Debug, Default)]
struct Entry {
    null: bool,
    no_data: bool,
    standard: bool,
    rest: Option<Box<Rest>>,
}

/// The rarer fields, kept apart so that a block list's entries stay small.
#[derive(Debug, Default)]
struct Rest {
    v6: Vec<Ipv6Addr>,
    v4: Vec<Ipv4Addr>,
    group: Option<u32>,
}

/// What is to be done with a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict<'a> {
    /// Answer with these.
    V6(&'a [Ipv6Addr]),
    /// Answer with these.
    V4(&'a [Ipv4Addr]),
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
    /// Builds the table, and the groups of upstreams in order of first appearance; the default group comes first.
    pub fn new(slice: &DnsSlice, domains: SeededState, wildcards: SeededState) -> (Routes, Vec<Members>) {
        let mut routes = Routes {
            domains: Map::with_hasher(domains),
            wildcards: Map::with_hasher(wildcards),
            wildcard_lengths: Vec::new(),
            unqualified: Entry::default(),
            all: Entry::default(),
            defaults: false,
        };
        let mut groups = vec![Members::default()];
        routes.all.rest = Some(Box::new(Rest { group: Some(DEFAULT_GROUP), ..Rest::default() }));
        for route in &slice.routes {
            let (entry, domain) = match &route.scope {
                RouteScope::All => (&mut routes.all, String::new()),
                RouteScope::Unqualified => (&mut routes.unqualified, "<unqualified>".to_owned()),
                RouteScope::Suffix(text) if text.is_empty() => (&mut routes.all, String::new()),
                RouteScope::Suffix(text) => {
                    if !routes.wildcard_lengths.contains(&text.len()) {
                        routes.wildcard_lengths.push(text.len());
                    }
                    let key = text.to_ascii_lowercase().into_bytes().into();
                    (routes.wildcards.entry(key).or_default(), format!("*{text}"))
                }
                RouteScope::Domain(text) => match Name::from_text(text.as_bytes()) {
                    None => continue,
                    Some(name) if name.is_root() => (&mut routes.all, String::new()),
                    Some(name) => (routes.domains.entry(name.lowered().wire().into()).or_default(), text.clone()),
                },
            };
            match route.target {
                RouteTarget::NullAddress => entry.null = true,
                RouteTarget::NoData => entry.no_data = true,
                RouteTarget::Standard => entry.standard = true,
                // dnsmasq answers with the last configured first.
                RouteTarget::Address(std::net::IpAddr::V4(v4)) => entry.rest().v4.insert(0, v4),
                RouteTarget::Address(std::net::IpAddr::V6(v6)) => entry.rest().v6.insert(0, v6),
                RouteTarget::Upstream(upstream) => {
                    let next = groups.len() as u32;
                    let group = *entry.rest().group.get_or_insert(next);
                    if group == next {
                        groups.push(Members { domain, upstreams: Vec::new() });
                    }
                    if let Some(members) = groups.get_mut(group as usize) {
                        members.upstreams.push(upstream);
                    }
                }
            }
        }
        routes.wildcard_lengths.sort_unstable_by(|a, b| b.cmp(a));
        routes.defaults = !groups[0].upstreams.is_empty();
        (routes, groups)
    }

    /// What is to be done with a question for `name` (lower case).
    pub fn find(&self, name: &Name, qtype: u16) -> Verdict<'_> {
        // A DS record lives in the parent zone (RFC 4035, section 2.4), so the parent's upstream is asked.
        let parent = if qtype == rtype::DS { Some(name.parent()) } else { None };
        let at = parent.as_ref().unwrap_or(name);
        let specific = self.first(at, |entry| entry.answers(qtype));
        let unqualified = || {
            let fits = name.is_unqualified() && !matches!(qtype, rtype::DS | rtype::DNSKEY);
            if fits { self.unqualified.answers(qtype) } else { None }
        };
        match specific.or_else(unqualified).or_else(|| self.all.answers(qtype)) {
            Some(Decision::Standard | Decision::Final(Verdict::Forward { group: DEFAULT_GROUP })) => {
                if self.defaults {
                    Verdict::Forward { group: DEFAULT_GROUP }
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
        let test = |entry: &Entry| entry.has_address().then_some(());
        self.first(name, test).is_some()
            || name.is_unqualified() && self.unqualified.has_address()
            || self.all.has_address()
    }

    /// Does a domain of its own, not a catch-all, cover this name with an upstream?
    pub fn has_own_upstream(&self, name: &Name) -> bool {
        self.first(name, |entry| entry.rest.as_ref().and_then(|rest| rest.group)).is_some()
    }

    /// The first thing that `test` finds, from the longest matching domain to the shortest.
    fn first<'a, T>(&'a self, name: &Name, test: impl Fn(&'a Entry) -> Option<T>) -> Option<T> {
        let mut text = [0u8; 256];
        let mut length = 0;
        if !self.wildcards.is_empty() {
            length = write_text(name, &mut text);
        }
        let text = &text[..length];
        let mut wildcards = self.wildcard_lengths.iter().copied().filter(|wanted| *wanted <= length).peekable();
        let wildcard = |wanted: usize| self.wildcards.get(&text[length - wanted..]).and_then(&test);
        for suffix in suffixes(name.wire()) {
            // Text has one byte less for the first length and one for the root; the root itself is no domain here.
            let Some(text_length) = suffix.len().checked_sub(2).filter(|length| *length > 0) else { break };
            while let Some(longer) = wildcards.next_if(|wanted| *wanted > text_length) {
                if let Some(found) = wildcard(longer) {
                    return Some(found);
                }
            }
            if let Some(found) = self.domains.get(suffix).and_then(&test) {
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

impl Entry {
    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    fn has_address(&self) -> bool {
        self.null || self.rest.as_ref().is_some_and(|rest| !rest.v4.is_empty() || !rest.v6.is_empty())
    }

    /// The first kind of answer, in dnsmasq's order, that fits the type.
    fn answers(&self, qtype: u16) -> Option<Decision<'_>> {
        let (for_v6, for_v4) = match qtype {
            rtype::A => (false, true),
            rtype::AAAA => (true, false),
            rtype::ANY => (true, true),
            _ => (false, false),
        };
        if let Some(rest) = &self.rest {
            if for_v6 && !rest.v6.is_empty() {
                return Some(Decision::Final(Verdict::V6(&rest.v6)));
            }
            if for_v4 && !rest.v4.is_empty() {
                return Some(Decision::Final(Verdict::V4(&rest.v4)));
            }
        }
        if self.null && (for_v4 || for_v6) {
            return Some(Decision::Final(Verdict::Null));
        }
        if self.no_data {
            return Some(Decision::Final(Verdict::NoData { exists: self.has_address() }));
        }
        if self.standard {
            return Some(Decision::Standard);
        }
        let group = self.rest.as_ref()?.group?;
        Some(Decision::Final(Verdict::Forward { group }))
    }
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
    use super::*;
    use ipc::config::dns::Route;

    fn build(lines: &[(&str, RouteTarget)]) -> (Routes, Vec<Members>) {
        let scope = |text: &str| match text {
            "" => RouteScope::All,
            "//" => RouteScope::Unqualified,
            text => match text.strip_prefix('*') {
                Some(rest) => RouteScope::Suffix(rest.to_owned()),
                None => RouteScope::Domain(text.to_owned()),
            },
        };
        let routes = lines.iter().map(|(text, target)| Route { scope: scope(text), target: *target }).collect();
        let state = SeededState::new([5; 16]);
        Routes::new(&DnsSlice { routes, ..DnsSlice::default() }, state.clone(), state)
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
        assert_eq!(routes.find(&name("b.test"), rtype::A), Verdict::V4(&[[10, 0, 0, 1].into()]));
        assert_eq!(routes.find(&name("x.b.test"), rtype::AAAA), Verdict::V6(&[Ipv6Addr::LOCALHOST]));
        assert_eq!(routes.find(&name("ab.test"), rtype::AAAA), Verdict::Nobody);
        assert!(routes.has_address(&name("q.test")) && !routes.has_address(&name("testx")));
    }

    #[test]
    fn a_plain_domain_beats_a_wildcard_of_the_same_length() {
        let (routes, _) = build(&[("*ads", v4(1)), ("ads", v4(2)), ("*.ads.x", v4(3))]);
        assert_eq!(routes.find(&name("a.ads"), rtype::A), Verdict::V4(&[[10, 0, 0, 2].into()]));
        assert_eq!(routes.find(&name("myads"), rtype::A), Verdict::V4(&[[10, 0, 0, 1].into()]));
        assert_eq!(routes.find(&name("q.ads.x"), rtype::A), Verdict::V4(&[[10, 0, 0, 3].into()]));
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
        assert_eq!(routes.find(&name("d"), rtype::A), Verdict::V4(&[[10, 0, 0, 2].into(), [10, 0, 0, 1].into()]));
        assert_eq!(routes.find(&name("d"), rtype::TXT), Verdict::NoData { exists: true });
        assert_eq!(routes.find(&name("x.s.d"), rtype::A), Verdict::Forward { group: DEFAULT_GROUP });
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1], Members { domain: "d".to_owned(), upstreams: vec![1] });
    }

    #[test]
    fn unqualified_names_have_their_own_servers_except_for_dnssec_types() {
        let (routes, _) = build(&[("", RouteTarget::Upstream(0)), ("//", RouteTarget::Upstream(1))]);
        assert_eq!(routes.find(&name("single"), rtype::TXT), Verdict::Forward { group: 1 });
        assert_eq!(routes.find(&name("single"), rtype::DS), Verdict::Forward { group: DEFAULT_GROUP });
        assert_eq!(routes.find(&name("a.b"), rtype::A), Verdict::Forward { group: DEFAULT_GROUP });
        assert_eq!(routes.find(&Name::ROOT, rtype::A), Verdict::Forward { group: DEFAULT_GROUP });
    }

    #[test]
    fn ds_goes_to_the_parents_upstream() {
        let (routes, _) = build(&[("example.org", RouteTarget::Upstream(1)), ("", RouteTarget::Upstream(0))]);
        assert_eq!(routes.find(&name("example.org"), rtype::DS), Verdict::Forward { group: DEFAULT_GROUP });
        assert_eq!(routes.find(&name("a.example.org"), rtype::DS), Verdict::Forward { group: 1 });
        assert!(routes.has_own_upstream(&name("x.example.org")) && !routes.has_own_upstream(&name("org")));
    }
}
