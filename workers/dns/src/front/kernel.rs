//! What the front has the kernel asked for: marks of connections and hardware addresses before a query is looked at, and address sets
//! before a reply goes out. The parent passes it on to the worker that may; meanwhile queries and replies are held.

use std::net::{IpAddr, SocketAddr};

use ipc::dns::ToParent;
use ipc::net::{ClientFacts, SetOutcome};
use ipc::time::Now;

use super::{Front, Outcome};
use crate::allowlist::Judgement;
use crate::exchange::{Exchange, Ticket};
use crate::harvest::harvest;
use crate::lines::{self, Said};
use crate::outbox::{Action, Outbox};
use crate::query::{Client, Query};
use crate::sets::Lines;
use crate::tcp::Stream;
use crate::waiting::{Origin, Waiting};
use crate::wire::{Header, IN, Question, TC, rcode, rtype};

/// Something that waits for the kernel's answer.
#[derive(Debug)]
pub(super) enum Held {
    /// A query, for what the kernel knows of its client.
    Query(Box<HeldQuery>),
    /// A reply, for its addresses to be in sets.
    Reply(Box<HeldReply>),
}

/// A plain question that was received.
#[derive(Debug)]
pub(super) struct HeldQuery {
    origin: Origin,
    client: Client,
    edns: bool,
    bytes: Box<[u8]>,
    header: Header,
    question: Question,
    serial: u32,
    /// What its connection waits for meanwhile.
    ticket: Ticket,
}

/// A reply of an upstream.
#[derive(Debug)]
pub(super) struct HeldReply {
    ticket: Ticket,
    waiting: Waiting,
    upstream: SocketAddr,
    message: Box<[u8]>,
    lines: Lines,
    addresses: Vec<IpAddr>,
    /// How many of them the kernel has been told of.
    asked: usize,
    /// What became of them, as far as it is known.
    outcomes: Vec<SetOutcome>,
}

impl Front {
    /// Asks about the client of a query, which is held. Error: it is not to wait.
    pub(super) fn hold_query(
        &mut self,
        origin: Origin,
        query: &Query<'_>,
        now: Now,
        out: &mut Outbox,
    ) -> Result<Ticket, ()> {
        let client = query.client;
        let (peer, interface) = match origin {
            Origin::Datagram(arrival) => (arrival.peer, arrival.interface),
            Origin::Stream(handle) => match self.streams.get(&handle) {
                Some(stream) => (stream.arrival.peer, stream.arrival.interface),
                None => (SocketAddr::new(client.address, client.port), 0),
            },
        };
        let question = self.held.ticket();
        let (local, tcp) = (client.asked, client.tcp);
        let message = ToParent::WantFacts { ticket: question, client: peer, local, tcp, interface };
        out.actions.push(Action::Tell(message));
        let ticket = self.waiting.reserve();
        let held = HeldQuery {
            origin,
            client,
            edns: query.edns,
            bytes: query.bytes.into(),
            header: query.header,
            question: query.question,
            serial: query.serial,
            ticket,
        };
        match self.held.hold(question, Held::Query(Box::new(held)), now.monotonic_ms, &mut out.lines) {
            None => Ok(ticket),
            Some(_) => Err(()),
        }
    }

    /// The kernel's answer about a client.
    pub fn facts(
        &mut self,
        ticket: u32,
        facts: Option<ClientFacts>,
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        if let Some(held) = self.held.answered(ticket, facts.is_some(), now.monotonic_ms, &mut out.lines) {
            self.go_on(held, facts, None, now, exchange, out);
        }
    }

    /// The kernel's answer about addresses.
    pub fn sets_filled(
        &mut self,
        ticket: u32,
        outcomes: Option<Vec<SetOutcome>>,
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        if let Some(held) = self.held.answered(ticket, outcomes.is_some(), now.monotonic_ms, &mut out.lines) {
            self.go_on(held, None, outcomes, now, exchange, out);
        }
    }

    /// Lets go what has waited long enough.
    pub(super) fn release_overdue(&mut self, now: Now, exchange: &mut Exchange, out: &mut Outbox) {
        while let Some(held) = self.held.overdue(now.monotonic_ms, &mut out.lines) {
            self.go_on(held, None, None, now, exchange, out);
        }
    }

    fn go_on(
        &mut self,
        held: Held,
        facts: Option<ClientFacts>,
        outcomes: Option<Vec<SetOutcome>>,
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        match held {
            Held::Query(query) => self.query_goes_on(&query, facts, now, exchange, out),
            Held::Reply(reply) => self.reply_goes_on(reply, outcomes, now, exchange, out),
        }
    }

    fn query_goes_on(
        &mut self,
        held: &HeldQuery,
        facts: Option<ClientFacts>,
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        // Its connection may have ended, and the number may be another's.
        let waits = |stream: &Stream| stream.waiting == Some(held.ticket);
        let stream = match held.origin {
            Origin::Datagram(_) => None,
            Origin::Stream(handle) if self.streams.get(&handle).is_some_and(waits) => Some(handle),
            Origin::Stream(_) => return,
        };
        let HeldQuery { header, question, client, serial, .. } = *held;
        let mut query = Query::new(&held.bytes, header, question, client, serial, self.edns_bytes_max, now);
        query.edns |= held.edns;
        let outcome = self.plain_query(held.origin, query, facts, exchange, out);
        let Some((handle, stream)) = stream.and_then(|handle| Some((handle, self.streams.get_mut(&handle)?))) else {
            return;
        };
        stream.waiting = None;
        match outcome {
            Outcome::Done => self.pump(handle, now, exchange, out),
            Outcome::Waiting(ticket) => stream.waiting = Some(ticket),
            Outcome::Parting | Outcome::Hopeless => self.close(handle, out),
        }
    }

    /// May this client ask that? Whoever could not be asked about may not.
    pub(super) fn is_allowed(&mut self, query: &Query<'_>, facts: Option<ClientFacts>, out: &mut Outbox) -> bool {
        if !self.allowlists.are_on() {
            return true;
        }
        let Some(facts) = facts else { return false };
        match self.allowlists.judge(facts.mark, &query.question.name) {
            Judgement::Allowed => true,
            Judgement::Refused => false,
            Judgement::NoHost(fault) => {
                out.lines.push(lines::no_host_name(fault));
                false
            }
        }
    }

    /// Has the addresses of a reply put into the sets that they belong to, and holds the reply. Gives back what need not wait.
    pub(super) fn hold_reply(
        &mut self,
        ticket: Ticket,
        waiting: Waiting,
        upstream: SocketAddr,
        message: &[u8],
        now: Now,
        out: &mut Outbox,
    ) -> Option<Waiting> {
        let Some((lines, addresses)) = self.addresses_for_sets(&waiting, message) else { return Some(waiting) };
        let message = message.into();
        let reply = HeldReply { ticket, waiting, upstream, message, lines, addresses, asked: 0, outcomes: Vec::new() };
        self.ask_to_fill(Box::new(reply), now, out).map(|reply| reply.waiting)
    }

    /// Asks for the next addresses of a reply, which is held. Gives it back if it is not to wait.
    fn ask_to_fill(&mut self, mut reply: Box<HeldReply>, now: Now, out: &mut Outbox) -> Option<Box<HeldReply>> {
        let ticket = self.held.ticket();
        let end = reply.addresses.len().min(reply.asked + self.sets.addresses_at_once(&reply.lines));
        let filling = self.sets.filling(&reply.lines, &reply.addresses[reply.asked..end]);
        reply.asked = end;
        out.actions.push(Action::Tell(ToParent::FillSets { ticket, filling }));
        match self.held.hold(ticket, Held::Reply(reply), now.monotonic_ms, &mut out.lines) {
            Some(Held::Reply(reply)) => Some(reply),
            _ => None,
        }
    }

    fn reply_goes_on(
        &mut self,
        mut reply: Box<HeldReply>,
        outcomes: Option<Vec<SetOutcome>>,
        now: Now,
        exchange: &mut Exchange,
        out: &mut Outbox,
    ) {
        if let Some(outcomes) = outcomes {
            reply.outcomes.extend(outcomes);
            if reply.asked < reply.addresses.len() {
                match self.ask_to_fill(reply, now, out) {
                    None => return,
                    Some(back) => reply = back,
                }
            }
        }
        let HeldReply { ticket, mut waiting, upstream, message, lines, addresses, outcomes, .. } = *reply;
        // A connection may have ended, and its number may be another's.
        waiting.waiters.retain(|waiter| match waiter.origin {
            Origin::Datagram(_) => true,
            Origin::Stream(handle) => self.streams.get(&handle).is_some_and(|stream| stream.waiting == Some(ticket)),
        });
        let told = self.sets.report(&lines, &addresses, &outcomes, &self.log, waiting.about);
        self.relay(&waiting, upstream, &message, told, now, out);
        self.wake(&waiting, true, now, exchange, out);
    }

    /// The addresses of a reply that belong into sets, in the form in which clients will see them, and the lines that say so.
    fn addresses_for_sets(&self, waiting: &Waiting, message: &[u8]) -> Option<(Lines, Vec<IpAddr>)> {
        let asked = &waiting.question;
        if asked.qclass != IN || !matches!(asked.qtype, rtype::A | rtype::AAAA) {
            return None;
        }
        let lines = self.sets.find(&asked.name)?;
        let (header, question) = (Header::read(message)?, Question::read(message).ok()?);
        if header.rcode() != rcode::NOERROR || header.high & TC != 0 || !question.same(asked) {
            return None;
        }
        let mut renamed = message.to_vec();
        self.reply_rules.rename(&mut renamed, &question, &header);
        let emptied = self.reply_rules.denied(&renamed, &question, &header).is_some()
            || self.reply_rules.is_rebind(&renamed, &question, &header);
        let mut addresses = Vec::new();
        let read = harvest(&renamed, &header, &question, &self.limits, |said| {
            if let Said::Address { address, .. } = said {
                addresses.push(address);
            }
        });
        (!emptied && read.is_ok() && !addresses.is_empty()).then_some((lines, addresses))
    }
}
