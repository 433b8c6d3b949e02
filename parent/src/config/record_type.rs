//! DNS record types, by number or mnemonic.

use std::collections::BTreeSet;

use super::blame::At as _;
use super::fault::Fault;
use super::number::number;
use super::text::{fields, reveal_text};

/// A comma list of types, as `filter-rr` and `cache-rr` have. Numbers are cut to 16 bits, no number is type 0.
pub(crate) fn record_types(value: Option<&str>) -> Result<BTreeSet<u16>, Fault> {
    fields(value.ok_or(Fault::Value)?)
        .map(|field| {
            let mnemonic = || by_mnemonic(&reveal_text(field));
            number(field)
                .map(|number| number as u16)
                .or_else(mnemonic)
                .ok_or_else(|| Fault::from("bad RR type").at(field, "a record type, such as AAAA or 28"))
        })
        .collect()
}

fn by_mnemonic(name: &str) -> Option<u16> {
    MNEMONICS.iter().find(|(mnemonic, _)| mnemonic.eq_ignore_ascii_case(name)).map(|&(_, code)| code)
}

/// The types with a name (the registry of RFC 6895 section 3.1), by number. `TYPE65` (RFC 3597) is not a name here.
#[rustfmt::skip]
const MNEMONICS: &[(&str, u16)] = &[
    ("A", 1), ("NS", 2), ("MD", 3), ("MF", 4), ("CNAME", 5), ("SOA", 6), ("MB", 7), ("MG", 8), ("MR", 9), ("NULL", 10),
    ("WKS", 11), ("PTR", 12), ("HINFO", 13), ("MINFO", 14), ("MX", 15), ("TXT", 16), ("RP", 17), ("AFSDB", 18), ("X25", 19),
    ("ISDN", 20), ("RT", 21), ("NSAP", 22), ("NSAP_PTR", 23), ("SIG", 24), ("KEY", 25), ("PX", 26), ("GPOS", 27), ("AAAA", 28),
    ("LOC", 29), ("NXT", 30), ("EID", 31), ("NIMLOC", 32), ("SRV", 33), ("ATMA", 34), ("NAPTR", 35), ("KX", 36), ("CERT", 37),
    ("A6", 38), ("DNAME", 39), ("SINK", 40), ("OPT", 41), ("APL", 42), ("DS", 43), ("SSHFP", 44), ("IPSECKEY", 45),
    ("RRSIG", 46), ("NSEC", 47), ("DNSKEY", 48), ("DHCID", 49), ("NSEC3", 50), ("NSEC3PARAM", 51), ("TLSA", 52),
    ("SMIMEA", 53), ("HIP", 55), ("NINFO", 56), ("RKEY", 57), ("TALINK", 58), ("CDS", 59), ("CDNSKEY", 60),
    ("OPENPGPKEY", 61), ("CSYNC", 62), ("ZONEMD", 63), ("SVCB", 64), ("HTTPS", 65), ("DSYNC", 66), ("HHIT", 67),
    ("BRID", 68), ("SPF", 99), ("UINFO", 100), ("UID", 101), ("GID", 102), ("UNSPEC", 103), ("NID", 104), ("L32", 105),
    ("L64", 106), ("LP", 107), ("EUI48", 108), ("EUI64", 109), ("NXNAME", 128), ("TKEY", 249), ("TSIG", 250),
    ("IXFR", 251), ("AXFR", 252), ("MAILB", 253), ("MAILA", 254), ("ANY", 255), ("URI", 256), ("CAA", 257), ("AVC", 258),
    ("DOA", 259), ("AMTRELAY", 260), ("RESINFO", 261), ("WALLET", 262), ("CLA", 263), ("IPN", 264), ("TA", 32768),
    ("DLV", 32769),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_mix() {
        let types = |text| record_types(Some(text)).map(|types| types.into_iter().collect::<Vec<_>>());
        assert_eq!(types("https, 65536,a,Dlv,"), Ok(vec![0, 1, 65, 32_769]));
        assert_eq!(types("TYPE65"), Err(Fault::from("bad RR type")));
        assert_eq!(types("-1"), Err(Fault::from("bad RR type")));
    }
}
