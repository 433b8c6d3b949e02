//! resolv.conf text to upstreams: the `nameserver` lines, nothing else.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use ipc::dns::RESOLV_UPSTREAMS_MAX;
use ipc::link::Interface;

/// The port of upstreams for which none is written.
const PORT: u16 = 53;

/// The upstreams that a resolv file names, in order, each once, at most [`RESOLV_UPSTREAMS_MAX`].
pub(crate) fn read(content: &[u8], interfaces: &[Interface]) -> Vec<SocketAddr> {
    let mut upstreams = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if !matches!(words.next(), Some(b"nameserver" | b"server")) {
            continue;
        }
        let word = words.next().and_then(|word| std::str::from_utf8(word).ok());
        if let Some(upstream) = word.and_then(|word| address(word, interfaces))
            && !upstreams.contains(&upstream)
            && upstreams.len() < RESOLV_UPSTREAMS_MAX
        {
            upstreams.push(upstream);
        }
    }
    upstreams
}

fn address(word: &str, interfaces: &[Interface]) -> Option<SocketAddr> {
    if let Some((address, scope)) = word.split_once('%') {
        let index = interfaces.iter().find(|interface| interface.name == scope).map(|interface| interface.index);
        let index = index.or_else(|| scope.parse().ok())?;
        return Some(SocketAddrV6::new(address.parse::<Ipv6Addr>().ok()?, PORT, 0, index).into());
    }
    Some(SocketAddr::new(word.parse::<IpAddr>().ok()?, PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nameserver_lines_count() {
        let text = b"# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.1\nnameserver\t::1 # c\nnameserver bad\nnameserver 10.0.0.1\n";
        let expected: Vec<SocketAddr> = vec!["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        assert_eq!(read(text, &[]), expected);
    }

    #[test]
    fn a_scope_is_a_number_or_the_name_of_an_interface() {
        let upstreams = read(b"nameserver fe80::1%7\nnameserver fe80::1%nosuch", &[]);
        assert_eq!(upstreams, [SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 0, 7).into()]);
    }
}
