//! Records written as in a zone file: `txt-record`, `ptr-record`, `naptr-record`, `caa-record`, and `dns-rr` for any type.

use ipc::config::record::{CaaRecord, NaptrRecord, PtrRecord, RawRecord, TxtRecord};

use super::super::blame::At as _;
use super::super::draft::Draft;
use super::super::fault::Fault;
use super::super::number::{number, number16};
use super::super::text::{fields, reveal, split};
use super::super::{hex, name};

/// Longest character string within a record, in bytes (RFC 1035 section 3.3).
const STRING_BYTES_MAX: usize = 255;
/// Most data of a record, in bytes (RFC 1035 section 3.2.1).
const DATA_BYTES_MAX: usize = 65_535;

type Value<'a> = Option<&'a str>;
type Outcome = Result<(), Fault>;

/// `txt-record = NAME {"," STRING}`; strings that are too long are split.
pub(crate) fn txt(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (name, strings) = split(value.ok_or(Fault::Value)?, ',');
    let name = name::domain(name, Fault::from("bad TXT record"))?;
    let mut pieces = Vec::new();
    for string in fields(strings.unwrap_or_default()).map(reveal) {
        if string.is_empty() {
            pieces.push(Vec::new());
        }
        pieces.extend(string.chunks(STRING_BYTES_MAX).map(<[u8]>::to_vec));
    }
    if pieces.iter().map(|piece| piece.len() + 1).sum::<usize>() > DATA_BYTES_MAX {
        return Err(Fault::from("bad TXT record"));
    }
    draft.dns.records.txt.push(TxtRecord { name, strings: pieces });
    Ok(())
}

/// `ptr-record = NAME ["," TARGET]`; commas of the target are part of it.
pub(crate) fn ptr(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let (name, target) = split(value.ok_or(Fault::Value)?, ',');
    let bad = || Fault::from("bad PTR record");
    let name = name::domain(name, bad())?;
    let target = name::domain(target.unwrap_or_default(), bad())?;
    draft.dns.records.ptr.push(PtrRecord { name, target });
    Ok(())
}

/// `naptr-record = NAME "," ORDER "," PREFERENCE "," FLAGS "," SERVICES "," REGEXP ["," REPLACEMENT]`; commas of the replacement
/// are part of it.
pub(crate) fn naptr(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad NAPTR record");
    let mut rest = Some(value.ok_or(Fault::Value)?);
    let mut next = || {
        let (field, after) = split(rest?, ',');
        rest = after;
        Some(field)
    };
    let name = name::domain(next().unwrap_or_default(), bad())?;
    let (order, preference) = (next().and_then(number16), next().and_then(number16));
    let texts = [next(), next(), next()].map(|text| text.map(character_string));
    let (Some(order), Some(preference), [Some(flags), Some(services), Some(regexp)]) = (order, preference, texts)
    else {
        return Err(bad().at(value.unwrap_or_default(), "a name, two numbers and three texts"));
    };
    let replacement = name::domain(rest.unwrap_or_default(), bad())?;
    draft.dns.records.naptr.push(NaptrRecord { name, order, preference, flags, services, regexp, replacement });
    Ok(())
}

/// `caa-record = NAME "," FLAGS "," TAG "," VALUE`; commas of the value are part of it, and flags are cut to 8 bits.
pub(crate) fn caa(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad CAA record");
    let (name, rest) = split(value.ok_or(Fault::Value)?, ',');
    let name = name::domain(name, bad())?;
    let four = "a name, flags, a tag and a value";
    let (flags, rest) = split(rest.ok_or_else(bad).at(value.unwrap_or_default(), four)?, ',');
    let flags = number(flags).ok_or_else(bad).at(flags, "a number")? as u8;
    let (tag, text) = split(rest.ok_or_else(bad).at(value.unwrap_or_default(), four)?, ',');
    let text = text.ok_or_else(bad).at(value.unwrap_or_default(), four)?;
    let (tag, value) = (character_string(tag), reveal(text));
    if 2 + tag.len() + value.len() > DATA_BYTES_MAX {
        return Err(bad());
    }
    draft.dns.records.caa.push(CaaRecord { name, flags, tag, value });
    Ok(())
}

/// `dns-rr = NAME "," TYPE ["," HEX]`; the type is cut to 16 bits. dnsmasq takes bad hex for a lack of memory.
pub(crate) fn raw(draft: &mut Draft, value: Value<'_>) -> Outcome {
    let bad = || Fault::from("bad RR record");
    let (name, rest) = split(value.ok_or(Fault::Value)?, ',');
    let name = name::domain(name, bad())?;
    let (record_type, hexadecimal) = split(rest.ok_or_else(bad)?, ',');
    let record_type = number(record_type).ok_or_else(bad).at(record_type, "the number of a record type")? as u16;
    let data = hex::bytes(hexadecimal.unwrap_or_default()).filter(|data| data.len() <= DATA_BYTES_MAX);
    let data = data.ok_or_else(bad).at(hexadecimal.unwrap_or_default(), "bytes in hexadecimal, at most 65535")?;
    draft.dns.records.raw.push(RawRecord { name, record_type, data });
    Ok(())
}

/// The bytes of a text, cut at what one length byte can tell.
fn character_string(text: &str) -> Vec<u8> {
    let mut bytes = reveal(text);
    bytes.truncate(STRING_BYTES_MAX);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::super::text::{from_bytes, push_quoted};
    use super::*;

    #[test]
    fn strings_are_split_at_commas_and_at_their_limit() {
        let mut draft = Draft::new();
        let long = "x".repeat(300);
        txt(&mut draft, Some(&format!("T , a , ,{long}"))).unwrap();
        txt(&mut draft, Some("u")).unwrap();
        let lengths = |record: &TxtRecord| record.strings.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(&draft.dns.records.txt[0]), [1, 0, 255, 45]);
        assert_eq!(lengths(&draft.dns.records.txt[1]), [0]);
        let mut quoted = from_bytes(b"t,a");
        push_quoted(&mut quoted, b',');
        txt(&mut draft, Some(&quoted)).unwrap();
        assert_eq!(draft.dns.records.txt[2].strings, [b"a,"]);
    }

    #[test]
    fn an_naptr_record_has_six_or_seven_fields() {
        let mut draft = Draft::new();
        naptr(&mut draft, Some("n,1, 2 ,S,SIP,")).unwrap();
        assert_eq!((draft.dns.records.naptr[0].order, draft.dns.records.naptr[0].preference), (1, 2));
        naptr(&mut draft, Some("n,1,2,,,!a!,r,x")).unwrap();
        assert_eq!(draft.dns.records.naptr[1].replacement, "r,x");
        for bad in ["", "n,1,2,S,SIP", "n,1,x,S,SIP,re", "n,1,2,S,SIP,re,-R"] {
            assert_eq!(naptr(&mut draft, Some(bad)), Err(Fault::from("bad NAPTR record")), "{bad}");
        }
    }

    #[test]
    fn commas_stay_in_the_last_field() {
        let mut draft = Draft::new();
        ptr(&mut draft, Some("a,b,c")).unwrap();
        caa(&mut draft, Some("a,256,issue,x,y")).unwrap();
        assert_eq!(draft.dns.records.ptr[0].target, "b,c");
        assert_eq!((draft.dns.records.caa[0].flags, &draft.dns.records.caa[0].value[..]), (0, &b"x,y"[..]));
        assert_eq!(caa(&mut draft, Some("a,0,issue")), Err(Fault::from("bad CAA record")));
    }

    #[test]
    fn data_must_fit_a_record() {
        let mut draft = Draft::new();
        let long = "a".repeat(DATA_BYTES_MAX);
        assert_eq!(txt(&mut draft, Some(&format!("t,{long}"))), Err(Fault::from("bad TXT record")));
        assert_eq!(caa(&mut draft, Some(&format!("t,0,x,{long}"))), Err(Fault::from("bad CAA record")));
        assert_eq!(raw(&mut draft, Some(&format!("t,1,{long}{long}ff"))), Err(Fault::from("bad RR record")));
        naptr(&mut draft, Some(&format!("n,1,2,{long},s,r"))).unwrap();
        assert_eq!(draft.dns.records.naptr[0].flags.len(), 255);
    }

    #[test]
    fn raw_data_is_hex() {
        let mut draft = Draft::new();
        raw(&mut draft, Some("r,65537, 01 23:4")).unwrap();
        raw(&mut draft, Some("r,51")).unwrap();
        assert_eq!((draft.dns.records.raw[0].record_type, &draft.dns.records.raw[0].data[..]), (1, &[1, 0x23, 4][..]));
        for bad in ["r", "r,TXT", "r,51,zz", "r,51,01,02"] {
            assert_eq!(raw(&mut draft, Some(bad)), Err(Fault::from("bad RR record")), "{bad}");
        }
    }
}
