//! The upstreams that one generation of dns workers may ask sockets for: those of the configuration, and of the servers file.

use std::net::SocketAddr;

use crate::config::server_file::FileServers;
use crate::config::{Config, UpstreamSource};

/// Addresses by index, and where queries to them come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstreams {
    addresses: Vec<SocketAddr>,
    sources: Vec<UpstreamSource>,
    /// For those that a resolv file names.
    query_port: Option<u16>,
}

impl Upstreams {
    /// Those of the configuration, followed by those of a file.
    pub fn new(config: &Config, file: &FileServers) -> Upstreams {
        let query_port = config.process.query_port;
        let mut sources = config.process.upstream_sources.clone();
        sources.extend(file.upstream_sources.iter().map(|source| source.clone().from_port(query_port)));
        let addresses = config.dns.upstreams.iter().chain(&file.upstreams).copied().collect();
        Upstreams { addresses, sources, query_port }
    }

    /// The addresses, and for each whether its queries have one source port.
    pub fn listed(&self) -> (Vec<SocketAddr>, Vec<bool>) {
        (self.addresses.clone(), self.sources.iter().map(|source| source.port.is_some()).collect())
    }

    /// The address behind an index, and where queries to it come from. `resolv` are those that follow, from a resolv file.
    pub fn get(&self, index: u32, resolv: &[SocketAddr]) -> Option<(SocketAddr, UpstreamSource)> {
        let index = index as usize;
        match self.addresses.get(index) {
            Some(address) => Some((*address, self.sources.get(index).cloned().unwrap_or_default())),
            None => {
                let address = *resolv.get(index - self.addresses.len())?;
                Some((address, UpstreamSource { port: self.query_port, ..UpstreamSource::default() }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_go_through_configuration_file_and_resolv_file() {
        let mut config = Config::default();
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        config.process.query_port = Some(5353);
        config.dns.upstreams = vec![address("192.0.2.1:53")];
        config.process.upstream_sources = vec![UpstreamSource { port: Some(5353), ..UpstreamSource::default() }];
        let bound = UpstreamSource { interface: Some("eth0".to_owned()), ..UpstreamSource::default() };
        let file = FileServers {
            upstreams: vec![address("192.0.2.2:53"), address("192.0.2.3:53")],
            upstream_sources: vec![UpstreamSource::default(), bound.clone()],
            ..FileServers::default()
        };
        let upstreams = Upstreams::new(&config, &file);
        let resolv = [address("192.0.2.4:53")];
        let ports: Vec<_> = (0..4).map(|index| upstreams.get(index, &resolv).unwrap().1.port).collect();
        assert_eq!(ports, [Some(5353), Some(5353), None, Some(5353)]);
        assert_eq!(upstreams.get(2, &[]), Some((address("192.0.2.3:53"), bound)));
        assert_eq!(upstreams.get(3, &resolv).unwrap().0, resolv[0]);
        assert_eq!(upstreams.get(4, &resolv), None);
        assert_eq!(upstreams.listed().1, [true, true, false]);
    }
}
