//! DNSSEC validation: `dnssec`, `trust-anchor`, `dnssec-check-unsigned`, `dnssec-limits`, `dnssec-timestamp` and their kin.

use std::path::PathBuf;

use serde::Serialize;

use super::blame::{At as _, Wanted};
use super::draft::Draft;
use super::fault::Fault;
use super::number::{number, number8, number16};
use super::text::{fields, reveal_path, reveal_text, split};
use super::{hex, name};

/// Settings of validation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dnssec {
    /// `dnssec`.
    pub on: bool,
    /// `trust-anchor`, the last line first.
    pub anchors: Vec<TrustAnchor>,
    /// `dnssec-check-unsigned=no`: an unsigned answer needs no proof that it may be.
    pub unsigned_unchecked: bool,
    /// `dnssec-debug`.
    pub debug: bool,
    /// `dnssec-no-timecheck`: signatures have no time until a signal says that the clock is right.
    pub no_time_check: bool,
    /// `dnssec-timestamp`: the clock is right once it is past the time of this file.
    #[serde(serialize_with = "super::path_text::maybe")]
    pub timestamp: Option<PathBuf>,
    /// `dnssec-limits`.
    pub limits: Limits,
}

/// `trust-anchor`: what is known of a zone beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum TrustAnchor {
    /// The zone counts as unsigned (RFC 7646).
    Negative {
        /// Its apex.
        zone: String,
    },
    /// The DS of a key that signs the zone (RFC 4034 section 5.1).
    Ds {
        /// Its apex.
        zone: String,
        /// The class.
        class: Class,
        /// Key tag.
        key_tag: u16,
        /// Algorithm.
        algorithm: u8,
        /// Digest type.
        digest_type: u8,
        /// Digest.
        digest: Vec<u8>,
    },
}

impl TrustAnchor {
    /// The apex of the zone.
    pub fn zone(&self) -> &str {
        match self {
            TrustAnchor::Negative { zone } | TrustAnchor::Ds { zone, .. } => zone,
        }
    }
}

/// A class of records (RFC 1035 section 3.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Class {
    /// IN, the Internet.
    In,
    /// CH, Chaos.
    Ch,
    /// HS, Hesiod.
    Hs,
}

/// How much work one answer may cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Signatures that fail.
    pub signature_failures: u32,
    /// Cryptographic operations.
    pub operations: u32,
    /// Queries for keys and the like.
    pub queries: u32,
    /// Iterations of NSEC3 (RFC 9276 section 3.2).
    pub nsec3_iterations: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { signature_failures: 20, operations: 200, queries: 40, nsec3_iterations: 150 }
    }
}

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `trust-anchor = ZONE ["," CLASS] ["," TAG "," ALGORITHM "," DIGEST-TYPE "," HEX]`.
pub(crate) fn trust_anchor(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad trust anchor");
    let (zone, rest) = split(value.ok_or(Fault::Value)?, ',');
    let zone = name::domain(zone, bad())?;
    let Some(rest) = rest else {
        draft.dnssec.anchors.push(TrustAnchor::Negative { zone });
        return Ok(());
    };
    let (class, rest) = match split(rest, ',') {
        ("IN", Some(rest)) => (Class::In, rest),
        ("CH", Some(rest)) => (Class::Ch, rest),
        ("HS", Some(rest)) => (Class::Hs, rest),
        _ => (Class::In, rest),
    };
    let (key_tag, rest) = split(rest, ',');
    let (algorithm, rest) = split(rest.ok_or_else(bad)?, ',');
    let (digest_type, digest) = split(rest.ok_or_else(bad)?, ',');
    let key_tag = number16(key_tag).ok_or_else(bad).at(key_tag, "a key tag from 0 to 65535")?;
    let algorithm = number8(algorithm).ok_or_else(bad).at(algorithm, "an algorithm from 0 to 255")?;
    let digest_type = number8(digest_type).ok_or_else(bad).at(digest_type, "a digest type from 0 to 255")?;
    let digest = digest.ok_or_else(bad)?;
    let bytes = hex::bytes(&reveal_text(&digest.replace(' ', "")));
    let digest = bytes.ok_or_else(|| Fault::from("bad HEX in trust anchor").at(digest, "a digest in hexadecimal"))?;
    draft.dnssec.anchors.push(TrustAnchor::Ds { zone, class, key_tag, algorithm, digest_type, digest });
    Ok(())
}

/// `dnssec-check-unsigned = ["no"]`.
pub(crate) fn check_unsigned(draft: &mut Draft, value: Value<'_>) -> Outcome {
    match value.map(reveal_text).as_deref() {
        None => draft.dnssec.unsigned_unchecked = false,
        Some("no") => draft.dnssec.unsigned_unchecked = true,
        Some(_) => {
            let fault = Fault::from("bad value for dnssec-check-unsigned");
            return Err(fault.at(value.unwrap_or_default(), Wanted::Words(&["no"])));
        }
    }
    Ok(())
}

/// `dnssec-limits = NUMBER {"," NUMBER}`; 0 keeps a default, and what follows the fourth is not looked at.
pub(crate) fn limits(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let limits = &mut draft.dnssec.limits;
    let slots =
        [&mut limits.signature_failures, &mut limits.operations, &mut limits.queries, &mut limits.nsec3_iterations];
    for (slot, field) in slots.into_iter().zip(fields(value.ok_or(Fault::Value)?)) {
        match number(field).ok_or(Fault::Value).at(field, "a number")? {
            0 => {}
            limit => *slot = limit as u32,
        }
    }
    Ok(())
}

pub(crate) fn timestamp(draft: &mut Draft, value: Value<'_>) -> Outcome {
    draft.dnssec.timestamp = value.map(reveal_path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(text: &str) -> Result<TrustAnchor, Fault> {
        let mut draft = Draft::new();
        trust_anchor(&mut draft, Some(text)).map(|()| draft.dnssec.anchors.remove(0))
    }

    #[test]
    fn a_zone_alone_is_a_negative_anchor() {
        assert_eq!(anchor("Example."), Ok(TrustAnchor::Negative { zone: "example".into() }));
        assert_eq!(anchor("example,IN"), Err(Fault::from("bad trust anchor")));
    }

    #[test]
    fn a_ds_may_have_a_class_and_blanks_in_its_digest() {
        let Ok(TrustAnchor::Ds { class, key_tag, digest, .. }) = anchor("., CH ,20326,8,2,AB CD-EF") else { panic!() };
        assert_eq!((class, key_tag, digest), (Class::Ch, 20326, vec![0xAB, 0xCD, 0xEF]));
        assert_eq!(anchor(".,1,8,256,AB"), Err(Fault::from("bad trust anchor")));
        assert_eq!(anchor(".,1,8,2,AZ"), Err(Fault::from("bad HEX in trust anchor")));
    }

    #[test]
    fn limits_are_taken_in_turn() {
        let mut draft = Draft::new();
        limits(&mut draft, Some("0,100,,7,x")).unwrap();
        let expected = Limits { signature_failures: 20, operations: 100, queries: 40, nsec3_iterations: 7 };
        assert_eq!(draft.dnssec.limits, expected);
        assert_eq!(limits(&mut draft, Some("x")), Err(Fault::Value));
    }
}
