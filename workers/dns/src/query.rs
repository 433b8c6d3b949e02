//! A query that passed the door: well-formed, one question.

use std::net::IpAddr;

use ipc::net::ClientFacts;
use ipc::time::Now;

use crate::edns::{self, Opt};
use crate::lines::About;
use crate::reply::Echo;
use crate::wire::{Header, Question, RD};

/// One query and what its reply must respect.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    /// The message as received.
    pub bytes: &'a [u8],
    pub header: Header,
    pub question: Question,
    pub opt: Option<Opt>,
    /// Largest reply, in bytes.
    pub limit: usize,
    /// Is the answer good only for those whose query goes upstream with the same options?
    pub personal: bool,
    /// What the kernel knows of the client, where it was asked.
    pub facts: ClientFacts,
    /// Must replies of our own carry an OPT record?
    pub edns: bool,
    /// Number of the query in the log.
    pub serial: u32,
    pub client: Client,
    pub now: Now,
}

/// Who asked, for log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub address: IpAddr,
    pub port: u16,
    pub tcp: bool,
    /// The address of ours that was asked.
    pub asked: IpAddr,
}

impl<'a> Query<'a> {
    /// Puts a query together; `edns_bytes_max` is `edns-packet-max`.
    pub fn new(
        bytes: &'a [u8],
        header: Header,
        question: Question,
        client: Client,
        serial: u32,
        edns_bytes_max: u16,
        now: Now,
    ) -> Query<'a> {
        let opt = edns::find(bytes, question.end, &header);
        let limit = match &opt {
            _ if client.tcp => usize::from(u16::MAX),
            None => 512,
            Some(opt) => usize::from(opt.udp_bytes.min(edns_bytes_max).max(512)),
        };
        let edns = opt.is_some();
        let facts = ClientFacts::default();
        Query { bytes, header, question, opt, limit, personal: false, facts, edns, serial, client, now }
    }

    /// The question section as the client spelled it.
    pub fn spelled(&self) -> &'a [u8] {
        self.bytes.get(crate::wire::HEADER..self.question.end).unwrap_or_default()
    }

    /// What log lines say of it.
    pub fn about(&self) -> About {
        About { serial: self.serial, client: self.client, answered: false }
    }

    /// What the reply repeats.
    pub fn echo(&self) -> Echo<'a> {
        Echo {
            id: self.header.id,
            high: self.header.high,
            low: self.header.low,
            spelled: self.spelled(),
            edns: self.edns,
            dnssec_ok: self.dnssec_ok(),
            limit: self.limit,
        }
    }

    pub fn dnssec_ok(&self) -> bool {
        self.opt.as_ref().is_some_and(|opt| opt.dnssec_ok)
    }

    pub fn recursion_desired(&self) -> bool {
        self.header.high & RD != 0
    }
}
