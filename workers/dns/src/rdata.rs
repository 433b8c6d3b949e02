//! RDATA whose names may be compressed (RFC 1035, section 3.3, and the types of RFC 3597, section 4), written out in full, so that it can
//! stand in any message.

use crate::name::Name;
use crate::wire::Record;

/// What RDATA is made of.
#[derive(Clone, Copy)]
enum Part {
    /// So many bytes.
    Bytes(usize),
    /// A length byte and as many bytes.
    String,
    Name,
}

/// The parts of a type's RDATA up to its last name; what follows contains none.
fn parts(rtype: u16) -> &'static [Part] {
    match rtype {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, NXT, DNAME
        2..=5 | 7..=9 | 12 | 30 | 39 => &[Part::Name],
        // SOA, MINFO, RP
        6 | 14 | 17 => &[Part::Name, Part::Name],
        // MX, AFSDB, RT, KX
        15 | 18 | 21 | 36 => &[Part::Bytes(2), Part::Name],
        // SIG
        24 => &[Part::Bytes(18), Part::Name],
        // PX
        26 => &[Part::Bytes(2), Part::Name, Part::Name],
        // SRV
        33 => &[Part::Bytes(6), Part::Name],
        // NAPTR
        35 => &[Part::Bytes(4), Part::String, Part::String, Part::String, Part::Name],
        _ => &[],
    }
}

/// Appends the RDATA of a record with its names in full. `None` when it cannot be read, and then there may be a part of it.
pub(crate) fn append(out: &mut Vec<u8>, message: &[u8], record: &Record) -> Option<()> {
    let (mut at, end) = (record.rdata.start, record.rdata.end);
    for part in parts(record.rtype) {
        let length = match part {
            Part::Name => {
                let (name, after) = Name::read(message, at).ok()?;
                out.extend_from_slice(name.wire());
                at = after;
                continue;
            }
            Part::Bytes(length) => *length,
            Part::String => 1 + usize::from(*message.get(at)?),
        };
        out.extend_from_slice(message.get(at..at + length)?);
        at += length;
    }
    out.extend_from_slice(message.get(at..end)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(rtype: u16, rdata: &[u8]) -> Option<Vec<u8>> {
        let message = [b"header bytes\x01x\0", rdata].concat();
        let record = Record { start: 0, rtype, class: 1, ttl: 0, ttl_at: 0, rdata: 15..message.len() };
        let mut out = Vec::new();
        append(&mut out, &message, &record).map(|()| out)
    }

    #[test]
    fn names_are_written_out() {
        assert_eq!(expanded(15, b"\0\x05\x01m\xc0\x0c").unwrap(), b"\0\x05\x01m\x01x\0");
        assert_eq!(expanded(6, b"\xc0\x0c\xc0\x0cabc").unwrap(), b"\x01x\0\x01x\0abc");
        assert_eq!(expanded(35, b"abcd\x01s\0\x02re\xc0\x0c").unwrap(), b"abcd\x01s\0\x02re\x01x\0");
        assert_eq!(expanded(16, b"\xc0\x0c").unwrap(), b"\xc0\x0c");
    }

    #[test]
    fn what_does_not_fit_its_type_is_refused() {
        for (rtype, rdata) in [(15, &b"\0"[..]), (15, b"\0\x05\x09m"), (35, b"abcd\x09s"), (2, b"\x40")] {
            assert_eq!(expanded(rtype, rdata), None);
        }
        // A name that runs beyond its record.
        assert_eq!(expanded(33, b"\0\0\0\0\0\0\x02a"), None);
    }
}
