//! Values of DHCP options, but for host rules and options to send (see `dhcp_host`, `dhcp_option`).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipc::config::dhcp::{Boot, ClassRule, ClassTest, HardwareRule, INFINITE, Pool, PoolMode, ReplyDelay};
use ipc::tag::TagTest;

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::number::{is_time, number, number16, seconds};
use super::process::PORT;
use super::pxe;
use super::text::{fields, reveal, reveal_text, split};
use super::{client_tags, hex, range6, tag};

/// Lease time without any other, in seconds.
const LEASE_TIME_S: u32 = 3600;
/// Shortest lease time, in seconds: a shorter one becomes this.
pub(crate) const LEASE_TIME_MIN_S: u32 = 120;
/// Most fields of a `dhcp-range` behind its tags.
const RANGE_FIELDS_MAX: usize = 8;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `dhcp-range = {TAG ","} FIRST "," (LAST | MODE) …`.
pub(crate) fn range(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad dhcp-range");
    let mut rest = value.ok_or(Fault::Value)?;
    let mut set_tag: Option<String> = None;
    let mut tests = Vec::new();
    while let Some((field, after)) = leading_tag(rest) {
        rest = after;
        match tag::tested(field) {
            Some("") => {}
            Some(name) => tests.push(tag::test(name)),
            None if set_tag.is_some() => return Err(Fault::from("only one tag allowed").at(field, "an address")),
            // A tag without a name is none.
            None => {
                set_tag = Some(reveal_text(field.strip_prefix("set:").unwrap_or(field))).filter(|tag| !tag.is_empty())
            }
        }
    }
    let mut rest = fields(rest);
    let all: Vec<&str> = rest.by_ref().take(RANGE_FIELDS_MAX).collect();
    let [first, fields @ ..] = &all[..] else { return Err(bad()) };
    if fields.is_empty() {
        return Err(bad().at(first, "two addresses, or an address and a mode"));
    }
    if let Ok(first) = first.parse::<Ipv4Addr>() {
        draft.dhcp.pools.push(range4(first, fields, set_tag, tests)?);
    } else if let Ok(first) = first.parse::<Ipv6Addr>() {
        draft.not_built("dhcp-range for IPv6");
        draft.dhcp6.ranges.push(range6::range(first, fields, set_tag, tests)?);
    } else {
        return Err(bad().at(first, "an address"));
    }
    // What is wrong with the fields that count is said before there are too many.
    rest.next().map_or(Ok(()), |extra| Err(bad().at(extra, "nothing more")))
}

/// A field in front of a range that cannot be an address, with what follows its comma.
fn leading_tag(text: &str) -> Option<(&str, &str)> {
    let address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | ' ');
    let odd = text.find(|c: char| !address(c))?;
    if text[odd..].starts_with(',') {
        return None;
    }
    let (field, rest) = split(text, ',');
    Some((field, rest?))
}

fn range4(first: Ipv4Addr, fields: &[&str], set_tag: Option<String>, tests: Vec<TagTest>) -> Result<Pool, Fault> {
    let bad = || Fault::from("bad dhcp-range");
    let (&end, mut rest) = fields.split_first().ok_or_else(bad)?;
    let (mode, last) = match end {
        "static" => (PoolMode::Static, first),
        "proxy" => (PoolMode::Proxy, first),
        _ => (PoolMode::Dynamic, end.parse().map_err(|_| bad()).at(end, "an IPv4 address, static or proxy")?),
    };
    let (first, last) = (first.min(last), first.max(last));
    let mut address = || {
        let (field, after) = rest.split_first()?;
        let parsed = field.parse::<Ipv4Addr>().ok()?;
        rest = after;
        Some(parsed)
    };
    let netmask = address();
    let broadcast = netmask.and_then(|_| address());
    if netmask.is_some_and(|mask| u32::from(first) & u32::from(mask) != u32::from(last) & u32::from(mask)) {
        return Err(Fault::from("inconsistent DHCP range").at(end, "an address in the same network as the first"));
    }
    let lease_time_s = match rest {
        [] => LEASE_TIME_S,
        [field] => lease_time(field, LEASE_TIME_S).ok_or_else(bad).at(field, TIME)?,
        [_, extra, ..] => return Err(bad().at(extra, "nothing more")),
    };
    Ok(Pool { first, last, netmask, broadcast, mode, lease_time_s, set_tag, tests })
}

/// What is wanted where a lease time is.
pub(crate) const TIME: &str = "a lease time, such as 45m, 12h or infinite";

/// The lease field of a range. `deprecated` means something for IPv6 only.
pub(crate) fn lease_time(field: &str, default_s: u32) -> Option<u32> {
    match field {
        "" | "deprecated" => Some(default_s),
        "infinite" => Some(INFINITE),
        _ if is_time(field, false) => Some(seconds(field).max(LEASE_TIME_MIN_S)),
        _ => None,
    }
}

/// `dhcp-boot = {TEST ","} FILE ["," [SERVER-NAME] ["," ADDRESS]]`.
pub(crate) fn boot(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tests, rest) = tag::leading_tests(value.ok_or(Fault::Value)?);
    let (file, rest) = split(rest.ok_or(Fault::Value)?, ',');
    let (server_name, address) = rest.map_or((None, None), |rest| {
        let (name, address) = split(rest, ',');
        (Some(name), address)
    });
    let server_name = server_name.filter(|name| !name.is_empty()).map(reveal_text);
    let next_server = address.and_then(pxe::boot_server);
    draft.dhcp.boot.push(Boot { file: reveal_text(file), server_name, next_server, tests });
    Ok(())
}

/// What is wanted where clients are told apart.
const TAG_AND_MORE: &str = "a tag and something behind a comma";

/// `dhcp-vendorclass = ["set:"] TAG "," ("enterprise:" NUMBER ["," TEXT] | TEXT)`.
pub(crate) fn vendor_class(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tag, text) = tag::set_and_rest(value, TAG_AND_MORE)?;
    if let Some(rest) = text.strip_prefix("enterprise:") {
        // DHCPv4 looks for the text alone, which then is in every class.
        let text = split(rest, ',').1.map(reveal).unwrap_or_default();
        client_tags::enterprise_class(draft, tag.clone(), rest)?;
        draft.dhcp.class_rules.push(ClassRule { tag, test: ClassTest::VendorClass(text) });
        return Ok(());
    }
    draft.dhcp.class_rules.push(ClassRule { tag, test: ClassTest::VendorClass(reveal(text)) });
    Ok(())
}

/// `dhcp-userclass = ["set:"] TAG "," TEXT`.
pub(crate) fn user_class(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tag, text) = tag::set_and_rest(value, TAG_AND_MORE)?;
    draft.dhcp.class_rules.push(ClassRule { tag, test: ClassTest::UserClass(reveal(text)) });
    Ok(())
}

/// `dhcp-mac = ["set:"] TAG "," HARDWARE-ADDRESS`.
pub(crate) fn mac(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tag, text) = tag::set_and_rest(value, TAG_AND_MORE)?;
    let pattern = hex::hardware(&reveal_text(text)).ok_or(Fault::Value).at(text, "a hardware address")?;
    draft.dhcp.hardware_rules.push(HardwareRule { tag, pattern });
    Ok(())
}

/// `dhcp-alternate-port = [SERVER ["," CLIENT]]`.
pub(crate) fn alternate_port(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("invalid port number");
    let (server, client) = match value {
        None => (1067, 1068),
        Some(value) => {
            let (server, client) = split(value, ',');
            let server = number16(server).ok_or_else(bad).at(server, PORT)?;
            let next = server.wrapping_add(1);
            let client = client.map_or(Ok(next), |client| number16(client).ok_or_else(bad).at(client, PORT))?;
            (server, client)
        }
    };
    draft.dhcp.server_port = server;
    draft.dhcp.client_port = client;
    Ok(())
}

/// `dhcp-reply-delay = {TEST ","} SECONDS`.
pub(crate) fn reply_delay(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (tests, seconds) = tag::leading_tests(value.ok_or(Fault::Value)?);
    let seconds = seconds.and_then(number).ok_or(Fault::Value).at(seconds.unwrap_or_default(), "seconds")?;
    draft.dhcp.reply_delay = Some(ReplyDelay { tests, seconds: u32::try_from(seconds).unwrap_or(0) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use ipc::config::pxe::BootServer;

    use super::*;

    fn pool(value: &str) -> Result<Pool, Fault> {
        let mut draft = Draft::new();
        range(&mut draft, Some(value))?;
        Ok(draft.dhcp.pools.remove(0))
    }

    #[test]
    fn a_range_with_everything() {
        let pool = pool("tag:a,tag:!b,set:c,192.168.0.150,192.168.0.50,255.255.255.0,192.168.0.255,12h").unwrap();
        assert_eq!((pool.first.octets()[3], pool.last.octets()[3]), (50, 150));
        assert_eq!(pool.broadcast, Some(Ipv4Addr::new(192, 168, 0, 255)));
        assert_eq!(pool.lease_time_s, 43_200);
        assert_eq!(pool.set_tag.as_deref(), Some("c"));
        assert_eq!(pool.tests.iter().map(|test| test.negated).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn lease_times() {
        let time = |field: &str| pool(&format!("10.0.0.1,10.0.0.2,{field}")).map(|pool| pool.lease_time_s);
        assert_eq!(time("1S"), Ok(120));
        assert_eq!(time("infinite"), Ok(INFINITE));
        assert_eq!(time(""), Ok(3600));
        assert_eq!(time("255.255.255"), Err(Fault::from("bad dhcp-range")));
        assert_eq!(time("1h30m"), Err(Fault::from("bad dhcp-range")));
    }

    #[test]
    fn a_bare_tag_of_hex_letters_is_taken_for_an_address() {
        assert_eq!(pool("cafe,10.0.0.1,10.0.0.2"), Err(Fault::from("bad dhcp-range")));
        assert_eq!(pool("red,10.0.0.1,static").unwrap().mode, PoolMode::Static);
        assert_eq!(pool("set:a,set:b,10.0.0.1,10.0.0.2"), Err(Fault::from("only one tag allowed")));
    }

    #[test]
    fn a_boot_line_takes_its_tests_off() {
        let mut draft = Draft::new();
        boot(&mut draft, Some("tag:a,tag:b,pxelinux.0,srv,192.0.2.1")).unwrap();
        let boot = &draft.dhcp.boot[0];
        assert_eq!((boot.tests.len(), boot.file.as_str()), (2, "pxelinux.0"));
        assert_eq!(boot.next_server, Some(BootServer::Address(Ipv4Addr::new(192, 0, 2, 1))));
    }

    #[test]
    fn a_delay_has_tests_and_seconds() {
        let mut draft = Draft::new();
        reply_delay(&mut draft, Some("tag:a,net:!b,5")).unwrap();
        let delay = draft.dhcp.reply_delay.unwrap();
        assert_eq!((delay.tests.len(), delay.tests[1].negated, delay.seconds), (2, true, 5));
        for bad in ["x", "tag:a", "2,3", "-1"] {
            assert_eq!(reply_delay(&mut Draft::new(), Some(bad)), Err(Fault::Value), "{bad}");
        }
    }
}
