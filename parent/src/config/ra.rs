//! Router advertisements: how often, and what they say.

use serde::Serialize;

use super::blame::At as _;
use super::draft::Draft;
use super::fault::Fault;
use super::number::number;
use super::process::interfaces;
use super::text::{reveal_text, split};

/// Smallest MTU of IPv6 (RFC 8200 section 5).
const MTU_MIN: i32 = 1280;
/// Seconds between advertisements unless written, and the limits within which it is brought (RFC 4861 section 6.2.1).
const INTERVAL_S: u16 = 600;
const INTERVAL_MIN_S: i32 = 4;
const INTERVAL_MAX_S: i32 = 1800;
/// Longest life of a default route (RFC 4861 section 6.2.1).
const LIFETIME_MAX_S: i32 = 9000;

/// One `ra-param`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RaParam {
    /// Which interfaces; a trailing `*` matches any tail.
    pub interface: String,
    /// The MTU that is advertised.
    pub mtu: RaMtu,
    /// How good a router we are (RFC 4191).
    pub priority: RaPriority,
    /// Seconds between advertisements, 4 to 1800.
    pub interval_s: u16,
    /// Seconds for which we are a default router: 0 (we are none), or from the interval to 9000.
    pub lifetime_s: u16,
}

/// The MTU that is advertised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum RaMtu {
    /// That of the interface itself.
    #[default]
    Own,
    /// None.
    Off,
    /// This one, at least 1280.
    Bytes(u32),
    /// That of another interface.
    OfInterface(String),
}

/// How good a router we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum RaPriority {
    /// Better than others.
    High,
    /// As good as others.
    #[default]
    Medium,
    /// To be used when there is no other.
    Low,
}

/// `ra-param = INTERFACE "," ["mtu:" MTU ","] [("high" | "low") ","] INTERVAL ["," LIFETIME]`. An interface alone says nothing.
pub(crate) fn param(draft: &mut Draft, value: Option<&str>) -> Result<(), Fault> {
    let bad = || Fault::from("bad RA-params");
    let (interface, rest) = split(value.ok_or_else(bad)?, ',');
    let Some(mut rest) = rest else { return Ok(()) };
    let mut mtu = RaMtu::Own;
    if let Some(text) = keyword(rest, "mtu:") {
        let (text, after) = split(text, ',');
        rest = after.ok_or_else(bad)?;
        mtu = match number(text) {
            _ if text.eq_ignore_ascii_case("off") => RaMtu::Off,
            Some(bytes) if bytes >= MTU_MIN => RaMtu::Bytes(bytes.unsigned_abs()),
            Some(_) => return Err(bad().at(text, "an MTU of at least 1280, off, or an interface")),
            None => RaMtu::OfInterface(reveal_text(text)),
        };
    }
    let mut priority = RaPriority::Medium;
    for (word, meaning) in [("high", RaPriority::High), ("low", RaPriority::Low)] {
        if priority == RaPriority::Medium && keyword(rest, word).is_some() {
            (priority, rest) = (meaning, split(rest, ',').1.ok_or_else(bad)?);
        }
    }
    let (interval, lifetime) = split(rest, ',');
    let interval = number(interval).ok_or_else(bad).at(interval, "an interval in seconds")?;
    let lifetime = lifetime.map(|text| number(text).ok_or_else(bad).at(text, "a lifetime in seconds")).transpose()?;
    let interval_s = match interval {
        0 => INTERVAL_S,
        _ => interval.clamp(INTERVAL_MIN_S, INTERVAL_MAX_S) as u16,
    };
    let lifetime_s = match lifetime {
        // All bits set is how dnsmasq remembers that nothing was written.
        None | Some(-1) => 3 * interval_s,
        Some(0) => 0,
        Some(seconds) => seconds.clamp(interval_s.into(), LIFETIME_MAX_S) as u16,
    };
    let interface = interfaces(Some(interface)).next().unwrap_or_default();
    draft.dhcp6.ra_params.push(RaParam { interface, mtu, priority, interval_s, lifetime_s });
    Ok(())
}

/// What follows a keyword that the text begins with, in any letter case.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (beginning, rest) = text.split_at_checked(word.len())?;
    beginning.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Result<RaParam, Fault> {
        let mut draft = Draft::new();
        param(&mut draft, Some(value))?;
        draft.dhcp6.ra_params.pop().ok_or(Fault::Value)
    }

    #[test]
    fn everything_but_the_interval_may_be_left_out() {
        let param = parsed("eth*x,MTU:1400,LOW,60,1200").unwrap();
        assert_eq!(
            (param.interface.as_str(), param.mtu, param.priority),
            ("eth*", RaMtu::Bytes(1400), RaPriority::Low)
        );
        assert_eq!((param.interval_s, param.lifetime_s), (60, 1200));
        assert_eq!(parsed("eth0,mtu:off,10").unwrap().mtu, RaMtu::Off);
        assert_eq!(parsed("eth0,mtu:eth1,10").unwrap().mtu, RaMtu::OfInterface("eth1".into()));
        assert_eq!(parsed("eth0,highest,").unwrap().priority, RaPriority::High);
        assert_eq!(parsed("eth0"), Err(Fault::Value), "accepted, and nothing is stored");
    }

    #[test]
    fn times_are_brought_within_limits() {
        let times = |value: &str| parsed(value).map(|param| (param.interval_s, param.lifetime_s));
        assert_eq!(times("eth0,"), Ok((600, 1800)));
        assert_eq!(times("eth0,1,1"), Ok((4, 4)));
        assert_eq!(times("eth0,99999,99999"), Ok((1800, 9000)));
        assert_eq!(times("eth0,60,0"), Ok((60, 0)));
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "eth0,x",
            "eth0,high",
            "eth0,mtu:1280",
            "eth0,mtu:1279,60",
            "eth0,mtu:,60",
            "eth0,low,high,60",
            "eth0,1,2,3",
        ] {
            assert_eq!(parsed(bad), Err(Fault::from("bad RA-params")), "{bad}");
        }
    }
}
