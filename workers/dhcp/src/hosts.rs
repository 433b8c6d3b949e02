//! What hosts files say of the hosts that DHCP serves; the dns worker has read them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipc::config::domain::Domains;
use ipc::known_host::{KnownHosts, KnownName};

/// Names and addresses, and what has come of those that are to replace them.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    coming: KnownHosts,
    names: BTreeMap<String, Named>,
    addresses: BTreeMap<Ipv4Addr, (String, Option<String>)>,
}

#[derive(Debug)]
struct Named {
    known: KnownName,
    /// Whose turn it is among several addresses of a server.
    turn: Cell<usize>,
}

impl Hosts {
    /// Takes a piece. True when it was the last one, and what came counts.
    pub(crate) fn take(&mut self, piece: KnownHosts, last: bool) -> bool {
        self.coming.append(piece);
        if last {
            let KnownHosts { names, addresses } = std::mem::take(&mut self.coming);
            let named = |known: KnownName| (known.name.clone(), Named { known, turn: Cell::new(0) });
            self.names = names.into_iter().map(named).collect();
            self.addresses = addresses.into_iter().map(|known| (known.address, (known.name, known.domain))).collect();
        }
        last
    }

    /// The name that the lease of an address has from hosts files: that of the address, if what is written behind it is the address's
    /// domain.
    pub(crate) fn name_of(&self, address: Ipv4Addr, domains: &Domains) -> Option<&str> {
        let (name, domain) = self.addresses.get(&address)?;
        let ours = |domain: &String| domains.of(address.into()).is_some_and(|ours| ours.eq_ignore_ascii_case(domain));
        domain.as_ref().is_none_or(ours).then_some(name)
    }

    /// The address of a server, the next one at each call if it has several.
    pub(crate) fn server(&self, name: &str) -> Option<Ipv4Addr> {
        let named = self.names.get(&name.to_ascii_lowercase())?;
        let turn = named.turn.replace(named.turn.get().wrapping_add(1));
        named.known.addresses.get(turn.checked_rem(named.known.addresses.len())?).copied()
    }

    /// The addresses of a name.
    pub(crate) fn addresses(&self, name: &str) -> Option<&KnownName> {
        self.names.get(&name.to_ascii_lowercase()).map(|named| &named.known)
    }
}

#[cfg(test)]
mod tests {
    use ipc::known_host::KnownAddress;

    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn named(name: &str, addresses: &[Ipv4Addr]) -> KnownHosts {
        let name = KnownName { name: name.into(), addresses: addresses.to_vec(), primary: None, ipv6: false };
        KnownHosts { names: vec![name], addresses: Vec::new() }
    }

    #[test]
    fn what_comes_counts_when_it_is_complete_and_replaces_what_was() {
        let mut hosts = Hosts::default();
        assert!(!hosts.take(named("a", &[A]), false) && hosts.server("a").is_none());
        assert!(hosts.take(named("b", &[B]), true));
        assert_eq!((hosts.server("A"), hosts.server("b")), (Some(A), Some(B)));
        assert!(hosts.take(named("c", &[]), true));
        assert_eq!((hosts.server("a"), hosts.server("c")), (None, None));
    }

    #[test]
    fn servers_take_turns() {
        let mut hosts = Hosts::default();
        hosts.take(named("s", &[A, B]), true);
        let turns: Vec<_> = (0..4).filter_map(|_| hosts.server("s")).collect();
        assert_eq!(turns, [A, B, A, B]);
    }

    #[test]
    fn a_name_of_another_domain_is_none() {
        let known = |address, domain: Option<&str>| KnownAddress {
            address,
            name: "h".into(),
            domain: domain.map(str::to_owned),
        };
        let mut hosts = Hosts::default();
        let addresses = vec![known(A, Some("Lan")), known(B, None)];
        hosts.take(KnownHosts { names: Vec::new(), addresses }, true);
        let domain = |text: &str| Domains { default: Some(text.to_owned()), conditional: Vec::new() };
        assert_eq!(hosts.name_of(A, &domain("lan")), Some("h"));
        assert_eq!(hosts.name_of(A, &domain("wan")), None);
        assert_eq!((hosts.name_of(A, &Domains::default()), hosts.name_of(B, &domain("wan"))), (None, Some("h")));
    }
}
