//! What the parent is told of a client whose message changes a lease, for a script that hears of leases (`dhcp-script`).
//!
//! Of a client that merely extends its lease (RFC 2131 section 4.3.2, RENEWING and REBINDING; or a rapid commit) scripts hear no more than
//! that, as with dnsmasq.

use dhcproto::v4::MessageType;
use ipc::dhcp::Contact;
use ipc::event::{ClientWord, TAGS_MAX, WORD_BYTES_MAX};

use crate::packet::walk;
use crate::v4::Exchange;

/// The enterprise of the Broadband Forum, whose option 125 tells who made a device (TR-069 amendment 2, annex F).
const BROADBAND_FORUM: [u8; 4] = 3561_u32.to_be_bytes();

/// What is to be told of a request that makes a lease (`new`) or changes one; `None` when no script hears of it.
pub(crate) fn contact(exchange: &Exchange<'_>, new: bool) -> Option<Box<Contact>> {
    if !exchange.config.slice.tell_script {
        return None;
    }
    let interface = exchange.arrival.interface;
    let asks = exchange.packet.kind() == Some(MessageType::Request) && exchange.own_address().is_none();
    if !new && !asks {
        return Some(Box::new(Contact { interface, word: None }));
    }
    let option = |code| cut(exchange.packet.option(code).unwrap_or_default());
    let part = |option: &[u8], wanted: u8| {
        let value = walk(option).find(|(code, _)| *code == wanted).map(|(_, value)| value);
        cut(value.unwrap_or_default())
    };
    let device = device(exchange.packet.option(125).unwrap_or_default());
    let agent = exchange.packet.option(82).unwrap_or_default();
    let word = ClientWord {
        host_name: option(12),
        vendor_class: option(60),
        user_class: option(77),
        cpewan: [1, 2, 3].map(|code| part(device, code)),
        relay_ids: [1, 2, 6].map(|code| part(agent, code)),
        relay: exchange.packet.giaddr(),
        requested: option(55),
        mud_url: option(161),
        tags: exchange.tags.latest_first().take(TAGS_MAX).map(str::to_owned).collect(),
    };
    Some(Box::new(Contact { interface, word: Some(word) }))
}

fn cut(value: &[u8]) -> Vec<u8> {
    value[..value.len().min(WORD_BYTES_MAX)].to_vec()
}

/// The part of option 125 (RFC 3925 section 4) that speaks of the device.
fn device(mut option: &[u8]) -> &[u8] {
    while let Some((enterprise, rest)) = option.split_first_chunk::<4>() {
        let Some((&length, rest)) = rest.split_first() else { break };
        let Some((data, rest)) = rest.split_at_checked(usize::from(length)) else { break };
        if *enterprise == BROADBAND_FORUM {
            return data;
        }
        option = rest;
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_found_among_other_enterprises() {
        let option = b"\0\0\0\x09\x02xy\0\0\x0d\xe9\x03\x01\x01A";
        assert_eq!(device(option), b"\x01\x01A");
        for end in 0..option.len() {
            assert_eq!(device(&option[..end]), b"");
        }
    }
}
