//! Clients that wait for a question to be answered upstream. Equal questions over UDP are asked once and answered to everybody.

use std::collections::BTreeMap;

use crate::edns;
use crate::exchange::Ticket;
use crate::hash::{Map, SeededState};
use crate::input::{Arrival, Handle};
use crate::lines::About;
use crate::query::{Client, Query};
use crate::reply::Echo;
use crate::shares::Shares;
use crate::siblings::{SIBLINGS_MAX, Siblings};
use crate::wire::{AD, CD, Header, Question, RD};

/// Where a reply goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Origin {
    Datagram(Arrival),
    Stream(Handle),
}

/// One client that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub origin: Origin,
    pub client: Client,
    pub serial: u32,
    id: u16,
    high: u8,
    low: u8,
    spelled: Box<[u8]>,
    edns: bool,
    dnssec_ok: bool,
    limit: usize,
}

impl Waiter {
    pub fn new(origin: Origin, query: &Query<'_>) -> Waiter {
        let echo = query.echo();
        Waiter {
            origin,
            client: query.client,
            serial: query.serial,
            id: echo.id,
            high: echo.high,
            low: echo.low,
            spelled: echo.spelled.into(),
            edns: echo.edns,
            dnssec_ok: echo.dnssec_ok,
            limit: echo.limit,
        }
    }

    /// What the reply repeats.
    pub fn echo(&self) -> Echo<'_> {
        Echo {
            id: self.id,
            high: self.high,
            low: self.low,
            spelled: &self.spelled,
            edns: self.edns,
            dnssec_ok: self.dnssec_ok,
            limit: self.limit,
        }
    }

    pub fn about(&self) -> About {
        About { serial: self.serial, client: self.client, answered: false }
    }
}

/// What makes two questions equal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sameness {
    name: Box<[u8]>,
    qtype: u16,
    qclass: u16,
    /// RD, AD, CD, DO, whether there was an OPT, and whether it came over TCP.
    bits: u8,
    /// Of queries whose answers depend on them: the options that go upstream.
    options: Box<[u8]>,
}

impl Sameness {
    /// `sent` is the query in the form in which it goes upstream.
    pub fn of(query: &Query<'_>, sent: &[u8]) -> Sameness {
        let question = &query.question;
        let bits = query.header.high & RD
            | query.header.low & (AD | CD)
            | u8::from(query.dnssec_ok()) << 1
            | u8::from(query.opt.is_some()) << 2
            | u8::from(query.client.tcp) << 3;
        let opt = if query.personal { Header::read(sent) } else { None };
        let opt = opt.and_then(|header| edns::find(sent, question.end, &header));
        let options = opt.and_then(|opt| sent.get(opt.options)).unwrap_or_default().into();
        Sameness { name: question.name.wire().into(), qtype: question.qtype, qclass: question.qclass, bits, options }
    }

    fn question(&self) -> (&[u8], u16, u16) {
        (&self.name, self.qtype, self.qclass)
    }
}

/// A question and everybody who waits for it.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub question: Question,
    /// Whose query it was.
    pub about: About,
    /// It is asked to refresh the cache: whoever made us ask has a stale answer.
    pub refresh: bool,
    /// Did the clients' queries have an OPT record?
    pub opt: bool,
    /// Which upstreams are asked; `None` over TCP, where connections are what is bounded.
    pub group: Option<u32>,
    pub begun_ms: u64,
    pub waiters: Vec<Waiter>,
    /// How others find it; `None` when nobody may join.
    pub sameness: Option<Sameness>,
    /// The answer is good only for queries with the same options.
    pub personal: bool,
}

/// All questions that clients wait for. Bounded by the upstream side, which refuses what is too much, and by `dns-forward-max` for clients that
/// joined a question of somebody else.
#[derive(Debug)]
pub(crate) struct WaitingTable {
    entries: BTreeMap<Ticket, Waiting>,
    joined: Map<Sameness, Ticket>,
    /// Who has how many of them.
    pub shares: Shares,
    siblings: Siblings,
    riders: usize,
    refreshes: usize,
    last_ticket: Ticket,
}

impl WaitingTable {
    pub fn new(state: SeededState) -> WaitingTable {
        WaitingTable {
            entries: BTreeMap::new(),
            joined: Map::with_hasher(state.clone()),
            siblings: Siblings::new(state),
            shares: Shares::default(),
            riders: 0,
            refreshes: 0,
            last_ticket: 0,
        }
    }

    /// Does any client wait?
    pub fn is_anybody_there(&self) -> bool {
        self.entries.values().any(|waiting| !waiting.waiters.is_empty())
    }

    /// Questions that refresh the cache.
    pub fn refreshes(&self) -> usize {
        self.refreshes
    }

    /// Clients beyond those whose queries were sent.
    pub fn riders(&self) -> usize {
        self.riders
    }

    /// The question that is equal to this one.
    pub fn find(&mut self, sameness: &Sameness) -> Option<(Ticket, &mut Waiting)> {
        let ticket = *self.joined.get(sameness)?;
        self.entries.get_mut(&ticket).map(|waiting| (ticket, waiting))
    }

    /// Are so many queries in flight for this question that one more would help a forger?
    pub fn has_many_siblings(&self, sameness: &Sameness) -> bool {
        self.siblings.count(sameness.question()) >= SIBLINGS_MAX
    }

    /// Adds a client to a question.
    pub fn join(&mut self, ticket: Ticket, waiter: Waiter) {
        if let Some(waiting) = self.entries.get_mut(&ticket) {
            waiting.waiters.push(waiter);
            self.riders += 1;
        }
    }

    /// A ticket for a question that is none yet.
    pub fn reserve(&mut self) -> Ticket {
        self.last_ticket += 1;
        self.last_ticket
    }

    /// Adds a question.
    pub fn insert(&mut self, waiting: Waiting) -> Ticket {
        self.last_ticket += 1;
        self.refreshes += usize::from(waiting.refresh);
        if let Some(sameness) = &waiting.sameness {
            self.siblings.add(sameness.question());
            self.joined.insert(sameness.clone(), self.last_ticket);
        }
        if let Some(group) = waiting.group {
            self.shares.add(group, waiting.about.client.address, self.last_ticket);
        }
        self.entries.insert(self.last_ticket, waiting);
        self.last_ticket
    }

    pub fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.entries.get(&ticket)
    }

    pub fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.entries.remove(&ticket)?;
        if let Some(sameness) = &waiting.sameness {
            self.siblings.remove(sameness.question());
            self.joined.remove(sameness);
        }
        if let Some(group) = waiting.group {
            self.shares.remove(group, waiting.about.client.address, ticket);
        }
        self.refreshes -= usize::from(waiting.refresh);
        self.riders -= waiting.waiters.len().saturating_sub(usize::from(!waiting.refresh));
        Some(waiting)
    }
}
