//! Finding upstreams that lead back here (`dns-loop-detect`): each is sent a question for a name with a number of its own, and if that
//! comes in as a client's, the upstream is not used any more.

use crate::wire::{IN, Question, RD, rtype};

/// What follows the number, in wire form.
const DOMAIN: &[u8] = b"\x04test\0";
/// Length of the number in hexadecimal.
const DIGITS: usize = 8;

/// The query with this number, with id 0.
pub(crate) fn query(number: u32) -> Vec<u8> {
    let mut query = vec![0, 0, RD, 0, 0, 1, 0, 0, 0, 0, 0, 0, DIGITS as u8];
    query.extend_from_slice(format!("{number:08x}").as_bytes());
    query.extend_from_slice(DOMAIN);
    query.extend_from_slice(&rtype::TXT.to_be_bytes());
    query.extend_from_slice(&IN.to_be_bytes());
    query
}

/// The number of a question that has the shape of such a query.
pub(crate) fn number(question: &Question) -> Option<u32> {
    if question.qtype != rtype::TXT || question.qclass != IN {
        return None;
    }
    let (length, rest) = question.name.wire().split_first()?;
    let (digits, domain) = rest.split_at_checked(DIGITS)?;
    let shaped = usize::from(*length) == DIGITS && domain.eq_ignore_ascii_case(DOMAIN);
    if !shaped || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_recognised_in_any_case_and_no_other_is() {
        let mut bytes = query(0x00ab_cdef);
        bytes.make_ascii_uppercase();
        assert_eq!(number(&Question::read(&bytes).unwrap()), Some(0x00ab_cdef));
        for (at, byte) in [(12, 7), (13, b'+'), (13, b'g'), (22, b'x'), (28, 1), (30, 3)] {
            let mut other = query(0);
            other[at] = byte;
            assert_eq!(Question::read(&other).ok().as_ref().and_then(number), None, "{at}");
        }
    }
}
