//! What is done to queries on their way upstream, and how stale answers may be.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::prefix::Prefix;

/// Rules for queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRules {
    /// `add-mac`: the client's hardware address, if it is a neighbor.
    pub add_mac: AddMac,
    /// `strip-mac`: hardware addresses that clients send are removed.
    pub strip_mac: bool,
    /// `add-subnet`: the client's network (RFC 7871).
    pub add_subnet: Option<AddSubnet>,
    /// `strip-subnet`: networks that clients send are removed.
    pub strip_subnet: bool,
    /// `add-cpe-id`: this text.
    pub add_cpe_id: Option<String>,
    /// `umbrella`: who asks, for Cisco Umbrella.
    pub umbrella: Option<Umbrella>,
    /// `proxy-dnssec`: the AD bit of upstreams is passed on.
    pub proxy_dnssec: bool,
    /// `port-limit`: source ports for one question to one upstream, at most; `None`: one.
    pub port_limit: Option<NonZeroU32>,
    /// `dns-loop-detect`: upstreams without a domain that lead back here are found and not used.
    pub loop_detect: bool,
    /// `do-0x20-encode`, `no-0x20-encode`.
    pub letter_case: LetterCase,
    /// `use-stale-cache`: an answer that has run out is served while a fresh one is fetched.
    pub stale_answers: Option<StaleLimit>,
}

/// `add-mac`, whose forms add up; but base64 gives way to text, which has the same option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddMac {
    /// Six bytes.
    pub binary: bool,
    /// Base64.
    pub base64: bool,
    /// Hexadecimal with colons.
    pub text: bool,
}

impl AddMac {
    /// Is it wanted in any form?
    pub fn any(self) -> bool {
        self.binary || self.base64 || self.text
    }
}

/// `add-subnet`, by family of the client; where there is nothing, no bit of such clients' addresses is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddSubnet {
    /// For IPv4 clients.
    pub ipv4: Option<Subnet>,
    /// For IPv6 clients.
    pub ipv6: Option<Subnet>,
}

/// The network to send upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subnet {
    /// So many leading bits of the client's address.
    OfClient(u8),
    /// This one, whoever asks.
    Constant(Prefix),
}

/// Identifiers of an Umbrella client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Umbrella {
    /// `deviceid:`.
    pub device: Option<[u8; 8]>,
    /// `orgid:`; 0: none.
    pub organization: u32,
    /// `assetid:`; 0: none.
    pub asset: u32,
}

/// Is the letter case of questions made random?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LetterCase {
    /// As dnsmasq does by default, which is no.
    #[default]
    Default,
    /// `do-0x20-encode`.
    Random,
    /// `no-0x20-encode`.
    Kept,
}

impl LetterCase {
    /// `do-0x20-encode`, which `no-0x20-encode` undoes wherever it stands.
    pub fn vary(&mut self) {
        if *self == LetterCase::Default {
            *self = LetterCase::Random;
        }
    }
}

/// How long an answer that has run out may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StaleLimit {
    /// For ever.
    None,
    /// For so many seconds.
    Seconds(NonZeroU32),
}
