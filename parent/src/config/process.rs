//! Values of options about the process itself: who it is, where it logs, which sockets it has.

use std::net::IpAddr;

use super::blame::{At, Wanted};
use super::draft::{Draft, LEASE_FILE};
use super::fault::Fault;
use super::number::{is_time, number, number16, required, seconds};
use super::text::{fields, reveal_path, reveal_text};
use super::{GroupChoice, LogTarget};

/// The name on D-Bus unless given.
const DBUS_NAME: &str = "uk.org.thekelleys.dnsmasq";
/// The name on ubus unless given.
const UBUS_NAME: &str = "dnsmasq";

/// Longest log queue, in lines.
const LOG_ASYNC_MAX: u32 = 100;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// The value, if there is one and it is not empty.
pub(crate) fn given(value: Value<'_>) -> Value<'_> {
    value.filter(|value| !value.is_empty())
}

pub(crate) fn user(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.user = given(value).map(reveal_text);
    Ok(())
}

pub(crate) fn group(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.group = given(value).map_or(GroupChoice::Primary, |name| GroupChoice::Named(reveal_text(name)));
    Ok(())
}

pub(crate) fn pid_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.pid_file = given(value).map(reveal_path);
    Ok(())
}

pub(crate) fn lease_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.lease_file = given(value).map_or_else(|| LEASE_FILE.into(), reveal_path);
    Ok(())
}

/// The first line replaces the default, further ones add; an empty one drops the default while that is still in place.
pub(crate) fn resolv_file(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let files = draft.resolv_files.get_or_insert_default();
    files.extend(given(value).map(reveal_path));
    Ok(())
}

pub(crate) fn addn_hosts(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.addn_hosts.extend(value.map(reveal_path));
    Ok(())
}

pub(crate) fn hostsdir(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.hostsdirs.extend(value.map(reveal_path));
    Ok(())
}

/// A comma list of interface patterns: what follows the first `*` means nothing.
pub(crate) fn interfaces(value: Value<'_>) -> impl Iterator<Item = String> {
    value.into_iter().flat_map(fields).map(|field| {
        let mut name = reveal_text(field);
        if let Some(star) = name.find('*') {
            name.truncate(star + 1);
        }
        name
    })
}

pub(crate) fn listen_address(draft: &mut Draft, value: Value<'_>) -> Outcome {
    for field in fields(value.ok_or(Fault::Value)?) {
        let address: IpAddr = reveal_text(field).parse().map_err(|_| Fault::Value).at(field, "an address")?;
        draft.process.listen_addresses.push(address);
    }
    Ok(())
}

pub(crate) fn local_service(draft: &mut Draft, value: Value<'_>) -> Outcome {
    match value {
        None | Some("net") => draft.dns.local_service = true,
        Some(value) if reveal_text(value) == "host" => draft.local_host_only = true,
        Some(value) => return Err(Fault::Value.at(value, Wanted::Words(&["net", "host"]))),
    }
    Ok(())
}

/// What is wanted where a port is.
pub(crate) const PORT: &str = "a port from 0 to 65535";

/// A required port.
pub(crate) fn port(value: Value<'_>) -> Result<u16, Fault> {
    value.and_then(number16).ok_or(Fault::Value).at(value.unwrap_or_default(), PORT)
}

pub(crate) fn log_queries(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let log = &mut draft.dns.log_queries;
    log.on = true;
    match value.map(reveal_text).as_deref() {
        Some("extra") => log.extra = true,
        Some("proto") => (log.extra, log.proto) = (true, true),
        Some("auth") => log.auth = true,
        Some("only_failed") => log.only_failed = true,
        None => {}
        // dnsmasq takes any other word for none.
        Some(_) => {
            let fault = Fault::from("unknown word of log-queries");
            draft.doubt = Some(fault.at(value.unwrap_or_default(), Wanted::Words(LOG_QUERIES_WORDS)));
        }
    }
    Ok(())
}

/// What `log-queries` may say.
const LOG_QUERIES_WORDS: &[&str] = &["extra", "proto", "auth", "only_failed"];

pub(crate) fn log_facility(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let value = value.ok_or(Fault::Value)?;
    let target = if value == "-" {
        LogTarget::Stderr
    } else if value.contains('/') {
        LogTarget::File(reveal_path(value))
    } else {
        let known = facility(value).ok_or_else(|| Fault::from("bad log facility"));
        LogTarget::Syslog(known.at(value, Wanted::Words(FACILITIES))?)
    };
    draft.log_facility = Some(target);
    Ok(())
}

/// The names of facilities.
const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "security", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// The number of a syslog facility (RFC 5424 section 6.2.1), in any letter case. `mark` is the C library's own.
fn facility(name: &str) -> Option<u8> {
    Some(match name.to_ascii_lowercase().as_str() {
        "kern" => 0,
        "user" => 1,
        "mail" => 2,
        "daemon" => 3,
        "auth" | "security" => 4,
        "syslog" => 5,
        "lpr" => 6,
        "news" => 7,
        "uucp" => 8,
        "cron" => 9,
        "authpriv" => 10,
        "ftp" => 11,
        "mark" => 24,
        other => match other.strip_prefix("local")?.as_bytes() {
            [digit @ b'0'..=b'7'] => 16 + (digit - b'0'),
            _ => return None,
        },
    })
}

pub(crate) fn log_async(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let lines = value.map_or(Ok(5), |value| number(value).ok_or(Fault::Value).at(value, "a number"))?;
    draft.process.log_async =
        u32::try_from(lines).ok().filter(|&lines| lines > 0).map(|lines| lines.min(LOG_ASYNC_MAX));
    Ok(())
}

/// The name is the system's to refuse.
pub(crate) fn enable_dbus(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.dbus = Some(given(value).map_or_else(|| DBUS_NAME.to_owned(), reveal_text));
    Ok(())
}

pub(crate) fn enable_ubus(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.process.ubus = Some(given(value).map_or_else(|| UBUS_NAME.to_owned(), reveal_text));
    Ok(())
}

/// As C's `strtol` with base 0, which takes what it can and never fails.
pub(crate) fn dumpmask(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let text = reveal_text(value.unwrap_or_default());
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{B}', '\u{C}']);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (radix, digits) = match hexadecimal {
        Some(digits) if digits.starts_with(|letter: char| letter.is_ascii_hexdigit()) => (16, digits),
        _ if text.starts_with('0') => (8, text),
        _ => (10, text),
    };
    let digits = digits.chars().map_while(|letter| letter.to_digit(radix));
    let value = digits.fold(0_i64, |value, digit| value.saturating_mul(radix.into()).saturating_add(digit.into()));
    draft.process.dumpmask = (if negative { -value } else { value }) as u32;
    Ok(())
}

/// Ours, not dnsmasq's.
pub(crate) fn sandbox(draft: &mut Draft, value: Value<'_>) -> Outcome {
    match value {
        Some("strict") => draft.process.strict_sandbox = true,
        _ => return Err(Fault::Value.at(value.unwrap_or_default(), Wanted::Words(&["strict"]))),
    }
    Ok(())
}

/// Longest delay of `lease-journal`, in seconds: a day.
const LEASE_JOURNAL_MAX_S: u32 = 86_400;

/// Ours, not dnsmasq's.
pub(crate) fn lease_journal(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let value = value.ok_or(Fault::Value)?;
    let delay_s =
        is_time(value, false).then(|| seconds(value)).filter(|delay_s| (1..=LEASE_JOURNAL_MAX_S).contains(delay_s));
    draft.process.lease_journal_s = Some(delay_s.ok_or(Fault::Value).at(value, "a time from 1s to 1d")?);
    Ok(())
}

/// A number that may not be negative, cut at 0.
pub(crate) fn count(value: Value<'_>) -> Result<u32, Fault> {
    Ok(u32::try_from(required(value)?).unwrap_or(0))
}

/// A number of at least 1.
pub(crate) fn positive(value: Value<'_>) -> Result<u32, Fault> {
    let number = u32::try_from(required(value)?).ok().filter(|&number| number >= 1);
    number.ok_or(Fault::Value).at(value.unwrap_or_default(), "a number from 1 on")
}
