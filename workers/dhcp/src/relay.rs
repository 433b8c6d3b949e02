//! What relay agents add: option 82 (RFC 3046) and the subnets they speak for.

use std::net::Ipv4Addr;

use crate::packet::{self, Packet};

/// What a request's relay agent information says.
#[derive(Clone, Debug, Default)]
pub(crate) struct RelayWord {
    /// Sub-option 5 (RFC 3527): the client's link, when `giaddr` is not on it.
    pub(crate) link: Option<Ipv4Addr>,
    /// Sub-option 11 (RFC 5107): the server id that clients shall see.
    pub(crate) server_id: Option<Ipv4Addr>,
}

impl RelayWord {
    /// Reads option 82; what does not fit is left out.
    pub(crate) fn read(request: &Packet<'_>) -> RelayWord {
        let mut word = RelayWord::default();
        for (code, value) in packet::walk(request.option(82).unwrap_or_default()) {
            let address = || Some(Ipv4Addr::from(<[u8; 4]>::try_from(value.get(..4)?).ok()?));
            match code {
                5 => word.link = address(),
                11 => word.server_id = address(),
                _ => {}
            }
        }
        word
    }
}
