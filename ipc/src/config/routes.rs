//! Routes as the configuration writes them: which names, and what happens to them. `server=/…/`, `local=/…/`, `address=/…/` and
//! `server=` without domain.
//!
//! Block lists have a million of them, so the list is one run of bytes: two bytes and the name each. How the dns worker looks
//! names up is in `route_table`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

/// A name suffix and what happens to the names below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Route<'a> {
    /// Which names.
    pub scope: RouteScope<'a>,
    /// What happens.
    pub target: RouteTarget,
}

/// Which names a route covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RouteScope<'a> {
    /// Every name: no domain was written, or `#`.
    All,
    /// Names without a dot (`//`).
    Unqualified,
    /// This domain and all names below it: lower case, no leading or trailing dot.
    Domain(&'a str),
    /// `*text`: names that end in this text, also inside a label.
    Suffix(&'a str),
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RouteTarget {
    /// Forward to this upstream (index into `upstreams`).
    Upstream(u32),
    /// `server=/domain/#`: as if no domain had been named.
    Standard,
    /// `address=/domain/ADDRESS`.
    Address(IpAddr),
    /// `address=/domain/#`: 0.0.0.0 and ::.
    NullAddress,
    /// `local=/domain/` or `address=/domain/`: never forwarded.
    NoData,
}

/// Routes in the order written.
///
/// Shape of each: a byte with the kinds of scope and target; for a domain or a suffix the length of its text and the text;
/// for an upstream its index in four bytes, for an address its octets.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Routes {
    bytes: Vec<u8>,
    count: u32,
}

/// For another process as they lie; for people route by route.
impl Serialize for Routes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_seq(self.iter());
        }
        let mut fields = serializer.serialize_struct("Routes", 2)?;
        fields.serialize_field("bytes", &self.bytes)?;
        fields.serialize_field("count", &self.count)?;
        fields.end()
    }
}

const SCOPE: u8 = 0x03;
const ALL: u8 = 0;
const UNQUALIFIED: u8 = 1;
const DOMAIN: u8 = 2;
const SUFFIX: u8 = 3;

const TARGET: u8 = 0x1c;
const UPSTREAM: u8 = 0 << 2;
const STANDARD: u8 = 1 << 2;
const ADDRESS_4: u8 = 2 << 2;
const ADDRESS_6: u8 = 3 << 2;
const NULL_ADDRESS: u8 = 4 << 2;
const NO_DATA: u8 = 5 << 2;

impl Routes {
    /// Adds a route. A text longer than 255 bytes covers no name, so such a route is left out.
    #[inline]
    pub fn push(&mut self, scope: RouteScope<'_>, target: RouteTarget) {
        let (scope, text) = match scope {
            RouteScope::All => (ALL, None),
            RouteScope::Unqualified => (UNQUALIFIED, None),
            RouteScope::Domain(text) => (DOMAIN, Some(text)),
            RouteScope::Suffix(text) => (SUFFIX, Some(text)),
        };
        let kind = match target {
            RouteTarget::Upstream(_) => UPSTREAM,
            RouteTarget::Standard => STANDARD,
            RouteTarget::Address(IpAddr::V4(_)) => ADDRESS_4,
            RouteTarget::Address(IpAddr::V6(_)) => ADDRESS_6,
            RouteTarget::NullAddress => NULL_ADDRESS,
            RouteTarget::NoData => NO_DATA,
        };
        match text.map(|text| (u8::try_from(text.len()), text)) {
            None => self.bytes.push(scope | kind),
            Some((Ok(length), text)) => {
                self.bytes.extend_from_slice(&[scope | kind, length]);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            Some((Err(_), _)) => return,
        }
        match target {
            RouteTarget::Upstream(index) => self.bytes.extend_from_slice(&index.to_le_bytes()),
            RouteTarget::Address(IpAddr::V4(address)) => self.bytes.extend_from_slice(&address.octets()),
            RouteTarget::Address(IpAddr::V6(address)) => self.bytes.extend_from_slice(&address.octets()),
            RouteTarget::Standard | RouteTarget::NullAddress | RouteTarget::NoData => {}
        }
        self.count += 1;
    }

    /// Adds those of another list, whose upstreams are counted from `first_upstream`.
    pub fn append(&mut self, others: &Routes, first_upstream: u32) {
        for route in others.iter() {
            let target = match route.target {
                RouteTarget::Upstream(index) => RouteTarget::Upstream(index + first_upstream),
                target => target,
            };
            self.push(route.scope, target);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Lets `add` add routes; if it fails, the list stays as it was.
    pub fn all_or_none<E>(&mut self, add: impl FnOnce(&mut Routes) -> Result<(), E>) -> Result<(), E> {
        let (bytes, count) = (self.bytes.len(), self.count);
        let done = add(self);
        if done.is_err() {
            self.bytes.truncate(bytes);
            self.count = count;
        }
        done
    }

    /// All of them, in the order written.
    pub fn iter(&self) -> impl Iterator<Item = Route<'_>> {
        self.placed().map(|(_, route)| route)
    }

    /// All of them, each with its place for [`Routes::at`].
    pub(crate) fn placed(&self) -> impl Iterator<Item = (usize, Route<'_>)> {
        let mut at = 0;
        // Bytes that no `push` wrote end the list.
        std::iter::from_fn(move || {
            let (route, length) = read(self.bytes.get(at..)?)?;
            at += length;
            Some((at - length, route))
        })
    }

    /// The route at a place.
    pub(crate) fn at(&self, place: usize) -> Option<Route<'_>> {
        read(self.bytes.get(place..)?).map(|(route, _)| route)
    }

    /// Bytes of the whole list.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The route that `bytes` begin with, and its length.
#[inline]
fn read(bytes: &[u8]) -> Option<(Route<'_>, usize)> {
    let (&head, mut rest) = bytes.split_first()?;
    let text = if head & SCOPE >= DOMAIN {
        let (&length, tail) = rest.split_first()?;
        let (text, tail) = tail.split_at_checked(usize::from(length))?;
        rest = tail;
        std::str::from_utf8(text).ok()?
    } else {
        ""
    };
    let scope = match head & SCOPE {
        ALL => RouteScope::All,
        UNQUALIFIED => RouteScope::Unqualified,
        DOMAIN => RouteScope::Domain(text),
        _ => RouteScope::Suffix(text),
    };
    let (target, octets) = match head & TARGET {
        UPSTREAM => (RouteTarget::Upstream(u32::from_le_bytes(*rest.first_chunk()?)), 4),
        STANDARD => (RouteTarget::Standard, 0),
        ADDRESS_4 => (RouteTarget::Address(Ipv4Addr::from(*rest.first_chunk::<4>()?).into()), 4),
        ADDRESS_6 => (RouteTarget::Address(Ipv6Addr::from(*rest.first_chunk::<16>()?).into()), 16),
        NULL_ADDRESS => (RouteTarget::NullAddress, 0),
        NO_DATA => (RouteTarget::NoData, 0),
        _ => return None,
    };
    Some((Route { scope, target }, bytes.len() - rest.len() + octets))
}

impl<'a> Extend<Route<'a>> for Routes {
    fn extend<I: IntoIterator<Item = Route<'a>>>(&mut self, routes: I) {
        routes.into_iter().for_each(|route| self.push(route.scope, route.target));
    }
}

impl<'a> FromIterator<Route<'a>> for Routes {
    fn from_iter<I: IntoIterator<Item = Route<'a>>>(routes: I) -> Routes {
        let mut list = Routes::default();
        list.extend(routes);
        list
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Vec<Route<'static>> {
        let scopes = [RouteScope::All, RouteScope::Unqualified, RouteScope::Domain("a.b"), RouteScope::Suffix("")];
        let targets = [
            RouteTarget::Upstream(70_000),
            RouteTarget::Standard,
            RouteTarget::Address([192, 0, 2, 1].into()),
            RouteTarget::Address(Ipv6Addr::LOCALHOST.into()),
            RouteTarget::NullAddress,
            RouteTarget::NoData,
        ];
        scopes.iter().flat_map(|&scope| targets.map(|target| Route { scope, target })).collect()
    }

    #[test]
    fn routes_come_back_in_order() {
        let routes: Routes = every_kind().into_iter().collect();
        assert_eq!(routes.iter().collect::<Vec<_>>(), every_kind());
        assert_eq!(routes.len(), 24);
        for (place, route) in routes.placed() {
            assert_eq!(routes.at(place), Some(route));
        }
    }

    #[test]
    fn what_is_added_can_be_taken_back() {
        let mut routes: Routes = every_kind().into_iter().take(3).collect();
        let before = routes.clone();
        let failed = routes.all_or_none(|routes| {
            routes.extend(every_kind());
            Err(())
        });
        assert_eq!((failed, &routes), (Err(()), &before));
        let done: Result<(), ()> = routes.all_or_none(|routes| {
            routes.extend(every_kind());
            Ok(())
        });
        assert_eq!((done, routes.len()), (Ok(()), 27));
    }

    #[test]
    fn a_blocked_name_takes_two_bytes_beside_its_text() {
        let names = ["ads.example", "x.test"];
        let routes: Routes = names
            .map(|name| Route { scope: RouteScope::Domain(name), target: RouteTarget::NoData })
            .into_iter()
            .collect();
        assert_eq!(routes.bytes_len(), names.concat().len() + 2 * names.len());
    }

    #[test]
    fn foreign_bytes_end_the_list() {
        let whole: Routes = every_kind().into_iter().collect();
        for end in 0..whole.bytes.len() {
            let cut = Routes { bytes: whole.bytes[..end].to_vec(), count: 9 };
            assert!(cut.iter().count() < 24);
        }
        let broken = Routes { bytes: vec![DOMAIN | NO_DATA, 1, 0xff], count: 1 };
        assert_eq!(broken.iter().count(), 0);
    }
}
