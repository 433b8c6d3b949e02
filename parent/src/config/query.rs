//! What is done to queries on their way upstream: `add-mac`, `add-subnet`, `umbrella` and their kin, and how stale answers may be.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipc::config::prefix::Prefix;
use ipc::config::query::{AddSubnet, StaleLimit, Subnet, Umbrella};

use super::blame::{At as _, Wanted};
use super::draft::Draft;
use super::fault::Fault;
use super::number::{number, required, unsigned};
use super::prefix::LENGTH;
use super::process::positive;
use super::text::{fields, reveal_text, split};

/// Longest time for which an answer is served when it has run out, unless `use-stale-cache` says otherwise, in seconds.
const STALE_DEFAULT_S: u32 = 86_400;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `add-mac = ["base64" | "text"]`.
pub(crate) fn add_mac(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let forms = &mut draft.dns.queries.add_mac;
    match value.map(reveal_text).as_deref() {
        None => forms.binary = true,
        Some("base64") => forms.base64 = true,
        Some("text") => forms.text = true,
        Some(_) => return Err(Fault::Value.at(value.unwrap_or_default(), Wanted::Words(&["base64", "text"]))),
    }
    Ok(())
}

/// `add-subnet = [SUBNET ["," SUBNET]]`, the second for IPv6 clients.
pub(crate) fn add_subnet(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let mut subnets = AddSubnet::default();
    if let Some(value) = value {
        let (ipv4, ipv6) = split(value, ',');
        subnets.ipv4 = Some(subnet(ipv4, 32)?);
        subnets.ipv6 = ipv6.map(|text| subnet(text, 128)).transpose()?;
    }
    draft.dns.queries.add_subnet = Some(subnets);
    Ok(())
}

/// `[ADDRESS "/"] LENGTH`. A length beyond the width of the address is that width.
fn subnet(text: &str, width_of_client: u8) -> Result<Subnet, Fault> {
    let (address, length) = match split(text, '/') {
        (address, Some(length)) => (Some(address), length),
        (length, None) => (None, length),
    };
    let address: Option<IpAddr> =
        address.map(str::parse).transpose().map_err(|_| Fault::from("bad address")).at(text, "an address")?;
    let length = number(length).ok_or(Fault::Value).at(length, LENGTH)?;
    let length = u8::try_from(length.max(0)).unwrap_or(u8::MAX);
    Ok(match address {
        Some(address) => Subnet::Constant(Prefix::cut(address, length)),
        None => Subnet::OfClient(length.min(width_of_client)),
    })
}

/// What is wanted where an identifier is.
const UMBRELLA: &str = "deviceid:, orgid: or assetid:";

/// `umbrella = [ITEM {"," ITEM}]`, `ITEM = "deviceid:" HEX16 | "orgid:" NUMBER | "assetid:" NUMBER`.
pub(crate) fn umbrella(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let mut identifiers = Umbrella::default();
    for item in value.into_iter().flat_map(fields) {
        let (key, text) = item.split_once(':').ok_or(Fault::Value).at(item, UMBRELLA)?;
        match reveal_text(key).as_str() {
            "deviceid" => {
                identifiers.device =
                    Some(device(&reveal_text(text)).ok_or(Fault::Value).at(text, "16 hexadecimal digits")?)
            }
            "orgid" => identifiers.organization = unsigned(text).ok_or(Fault::Value).at(text, "a number")?,
            "assetid" => identifiers.asset = unsigned(text).ok_or(Fault::Value).at(text, "a number")?,
            _ => return Err(Fault::Value.at(key, Wanted::Words(&["deviceid", "orgid", "assetid"]))),
        }
    }
    draft.dns.queries.umbrella = Some(identifiers);
    Ok(())
}

/// Exactly 16 hex digits.
fn device(text: &str) -> Option<[u8; 8]> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(u64::to_be_bytes)
}

pub(crate) fn port_limit(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dns.queries.port_limit = NonZeroU32::new(positive(value)?);
    Ok(())
}

/// `use-stale-cache = [SECONDS]`, 0 being no limit.
pub(crate) fn use_stale_cache(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let seconds = match value {
        None => STALE_DEFAULT_S,
        Some(_) => u32::try_from(required(value)?).map_err(|_| Fault::Value)?,
    };
    draft.dns.queries.stale_answers = Some(NonZeroU32::new(seconds).map_or(StaleLimit::None, StaleLimit::Seconds));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_by_family_of_the_client() {
        let parsed = |value| {
            let mut draft = Draft::new();
            add_subnet(&mut draft, value).unwrap();
            draft.dns.queries.add_subnet.unwrap()
        };
        assert_eq!(parsed(None), AddSubnet::default());
        assert_eq!(parsed(Some("24")).ipv4, Some(Subnet::OfClient(24)));
        let both = parsed(Some("192.0.2.0/40 , 255"));
        assert_eq!(both.ipv4, Some(Subnet::Constant(Prefix::cut("192.0.2.0".parse().unwrap(), 32))));
        assert_eq!(both.ipv6, Some(Subnet::OfClient(128)));
    }

    #[test]
    fn umbrella_identifiers() {
        let mut draft = Draft::new();
        umbrella(&mut draft, Some("deviceid:0123456789abcdef,orgid:4294967295,assetid:")).unwrap();
        let identifiers = draft.dns.queries.umbrella.unwrap();
        assert_eq!(identifiers.device.unwrap()[7], 0xEF);
        assert_eq!((identifiers.organization, identifiers.asset), (u32::MAX, 0));
        for bad in ["", "orgid", "orgid:x", "deviceid:012", "userid:1", "orgid:1,"] {
            assert_eq!(umbrella(&mut draft, Some(bad)), Err(Fault::Value), "{bad}");
        }
    }

    #[test]
    fn stale_answers_have_a_limit_unless_it_is_0() {
        let parsed = |value| {
            let mut draft = Draft::new();
            use_stale_cache(&mut draft, value).map(|()| draft.dns.queries.stale_answers.unwrap())
        };
        assert_eq!(parsed(Some("0")), Ok(StaleLimit::None));
        assert_eq!(parsed(None), Ok(StaleLimit::Seconds(NonZeroU32::new(86_400).unwrap())));
        assert_eq!(parsed(Some("2147483648")), Err(Fault::Value));
    }
}
