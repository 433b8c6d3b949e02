//! The file of `servers-file`: lines of a configuration, but only `server` and `rev-server`. It is read after the start and on
//! SIGHUP, and nothing in it ends a start: who reads it logs the error and goes on with the next line.

use std::net::SocketAddr;

use ipc::config::routes::Routes;

use super::draft::Draft;
use super::fault::Fault;
use super::{ConfigError, UpstreamSource, line, source};

/// The servers of one reading of the file, which replace those of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileServers {
    /// What is to be done with which names, in file order.
    pub routes: Routes,
    /// The upstreams that the routes name by their index here.
    pub upstreams: Vec<SocketAddr>,
    /// Where queries to the upstream of the same index come from.
    pub upstream_sources: Vec<UpstreamSource>,
}

/// Reads the file. Each error ends in its place: `bad port at line 3 of FILE`.
pub fn read(bytes: &[u8], file: &str) -> (FileServers, Vec<ConfigError>) {
    read_into(Draft::new(), bytes, file)
}

/// As [`read`], with a draft that nothing has been written to.
pub(crate) fn read_into(mut draft: Draft, bytes: &[u8], file: &str) -> (FileServers, Vec<ConfigError>) {
    let mut errors = Vec::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if let Err(fault) = take_line(&mut draft, line) {
            errors.push(fault.in_file(&format!(" at line {} of {file}", index + 1)));
        }
    }
    let routes = std::mem::take(&mut draft.dns.routes);
    let upstreams = std::mem::take(&mut draft.dns.upstreams);
    let upstream_sources = std::mem::take(&mut draft.process.upstream_sources);
    (FileServers { routes, upstreams, upstream_sources }, errors)
}

fn take_line(draft: &mut Draft, bytes: &[u8]) -> Result<(), Fault> {
    let Some(entry) = line::entry(bytes)? else { return Ok(()) };
    let row = source::row(&entry, None)?;
    if !matches!(row.name, "server" | "rev-server") {
        return Err(Fault::from("illegal option"));
    }
    (row.parse)(draft, entry.value.as_deref())
}

#[cfg(test)]
mod tests {
    use ipc::config::routes::RouteTarget;

    use super::*;

    #[test]
    fn only_servers_may_be_written() {
        let text = b"server=192.0.2.1 # one\nlocal=/a/\nfoo\nserver\nno-hosts=1\nserver=192.0.2.1#x\n\nrev-server=10.0.0.0/8,192.0.2.2";
        let (servers, errors) = read(text, "/s");
        assert_eq!(servers.upstreams, ["192.0.2.1:53".parse().unwrap(), "192.0.2.2:53".parse().unwrap()]);
        assert_eq!(servers.routes.iter().nth(1).unwrap().target, RouteTarget::Upstream(1));
        let told: Vec<_> = errors.into_iter().map(|error| error.text).collect();
        let expected = [
            "illegal option at line 2 of /s",
            "bad option at line 3 of /s",
            "missing parameter at line 4 of /s",
            "extraneous parameter at line 5 of /s",
            "bad port at line 6 of /s",
        ];
        assert_eq!(told, expected);
    }
}
