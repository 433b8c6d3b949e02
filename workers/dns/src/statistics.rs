//! Counters for SIGUSR1 and the `*.bind` names.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ipc::log::{Line, Severity};

use crate::cache::Cache;
use crate::lines::line;

/// What the front has counted.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub forwarded: u64,
    pub answered_locally: u64,
    /// With `use-stale-cache`: queries answered from expired entries.
    pub answered_stale: Option<u64>,
    pub streams_most: usize,
    /// By address: one upstream that serves several domains is shown once. Bounded by the upstreams that ever were.
    upstreams: BTreeMap<SocketAddr, Figures>,
}

/// How one upstream does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub sent: u64,
    pub retried: u64,
    pub failed: u64,
    pub missing: u64,
    answered: u64,
    waited_ms: u64,
}

impl Statistics {
    /// `stale`: there may be answers from expired entries.
    pub fn new(stale: bool) -> Statistics {
        Statistics { answered_stale: stale.then_some(0), ..Statistics::default() }
    }

    /// The figures of an upstream.
    pub fn upstream(&mut self, address: SocketAddr) -> &mut Figures {
        self.upstreams.entry(address).or_default()
    }

    /// The figures of an upstream as they are.
    pub fn figures(&self, address: SocketAddr) -> Figures {
        self.upstreams.get(&address).copied().unwrap_or_default()
    }

    /// Keeps figures of these upstreams only.
    pub fn retain(&mut self, addresses: &[SocketAddr]) {
        self.upstreams.retain(|address, _| addresses.contains(address));
    }

    /// Writes the lines of SIGUSR1. High-water marks start anew.
    pub fn dump(
        &mut self,
        cache: &Cache,
        upstreams: &[SocketAddr],
        streams: usize,
        streams_max: u32,
        wall_s: u64,
        lines: &mut Vec<Line>,
    ) {
        let mut write = |text: String| lines.push(line(Severity::Info, text));
        write(format!("time {wall_s}"));
        write(format!(
            "cache size {}, {}/{} cache insertions re-used unexpired cache entries.",
            cache.capacity(),
            cache.evictions,
            cache.insertions
        ));
        write(format!("queries forwarded {}, queries answered locally {}", self.forwarded, self.answered_locally));
        if let Some(count) = self.answered_stale {
            write(format!("queries answered from stale cache {count}"));
        }
        write("queries for authoritative zones 0".to_owned());
        // Without validation, none of its work is done.
        for work in ["per-query subqueries", "per-query crypto work", "per-RRSet signature fails"] {
            write(format!("DNSSEC {work} HWM 0"));
        }
        let bytes = cache.bytes();
        write(format!("pool memory in use {bytes}, max {}, allocated {bytes}", cache.bytes_max()));
        write(format!(
            "child processes for TCP requests: in use {streams}, highest since last SIGUSR1 {}, max allowed {streams_max}.",
            self.streams_most
        ));
        self.streams_most = streams;
        for address in upstreams {
            let figures = self.figures(*address);
            write(format!(
                "server {}#{}: queries sent {}, retried {}, failed {}, nxdomain replies {}, avg. latency {}ms",
                address.ip(),
                address.port(),
                figures.sent,
                figures.retried,
                figures.failed,
                figures.missing,
                figures.waited_ms / figures.answered.max(1)
            ));
        }
    }
}

impl Figures {
    /// A reply came after so long.
    pub fn answered(&mut self, waited_ms: u64) {
        self.answered += 1;
        self.waited_ms = self.waited_ms.saturating_add(waited_ms);
    }
}
