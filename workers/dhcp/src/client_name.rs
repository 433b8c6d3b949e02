//! The name of a client: what it says (options 12 and 81), what is allowed, and who holds it.

use ipc::lease::{Lease, name_is_legal};

use crate::packet::Packet;

/// What a client says of its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The name as far as it is usable.
    pub(crate) name: Option<Name>,
    /// The flags of option 81 to answer with, if the client sent that option.
    pub(crate) fqdn_flags: Option<u8>,
    /// Its host name option ends with NUL, and so must ours (old Windows clients).
    pub(crate) ends_with_nul: bool,
}

/// A host name and the domain written behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// The host name: legal for a lease.
    pub(crate) label: String,
    /// What followed the first dot.
    pub(crate) domain: Option<String>,
    /// Does it come from the configuration?
    pub(crate) configured: bool,
}

impl Name {
    /// A name in text form; `None` unless its first label is a legal host name and the rest printable.
    fn from_text(text: &[u8]) -> Option<Name> {
        text.iter().all(u8::is_ascii_graphic).then(|| Name::from_labels(text)).flatten()
    }

    /// The same for a name that came in wire form. A rest that is not printable is left out.
    fn from_labels(text: &[u8]) -> Option<Name> {
        let end = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
        let label = std::str::from_utf8(&text[..end]).ok()?;
        let printable = |rest: &&[u8]| !rest.is_empty() && rest.iter().all(u8::is_ascii_graphic);
        let domain = text.get(end + 1..).filter(printable).and_then(|rest| std::str::from_utf8(rest).ok());
        name_is_legal(label).then(|| Name {
            label: label.to_owned(),
            domain: domain.map(str::to_owned),
            configured: false,
        })
    }

    /// The name as the client wrote it.
    pub(crate) fn whole(&self) -> String {
        match &self.domain {
            Some(domain) => format!("{}.{domain}", self.label),
            None => self.label.clone(),
        }
    }
}

/// Reads the name options. Where there is an option 81 (RFC 4702), option 12 is not looked at. `client_update`: clients are to
/// update DNS themselves (`dhcp-client-update`).
pub(crate) fn said(request: &Packet<'_>, client_update: bool) -> Said {
    if let Some((flags, name)) = request.option(81).and_then(|value| Some((*value.first()?, value.get(3..)?))) {
        let ends_with_nul = flags & 4 == 0 && name.last() == Some(&0);
        let name = match name {
            _ if flags & 4 != 0 => Name::from_labels(&text_of_labels(name)),
            [name @ .., 0] => Name::from_text(name),
            _ => Name::from_text(name),
        };
        let flags = if client_update {
            // N set, and O if that overrides the client: nobody but the client does the update. E as received.
            8 | if flags & 3 == 0 { 0 } else { 2 } | (flags & 4)
        } else {
            // S set, and O if that overrides the client: the server does the update. N is meaningless then. E as received.
            (if flags & 1 == 0 { flags | 3 } else { flags }) & 0x07
        };
        return Said { name, fqdn_flags: Some(flags), ends_with_nul };
    }
    let host_name = request.option(12).unwrap_or_default();
    let ends_with_nul = host_name.last() == Some(&0);
    let host_name = host_name.strip_suffix(&[0]).unwrap_or(host_name);
    Said { name: Name::from_text(host_name), fqdn_flags: None, ends_with_nul }
}

/// The name of a client by its hardware address, or by what stands for it (`dhcp-generate-names`); `None` when that is too long.
pub(crate) fn generated(identity: &[u8]) -> Option<Name> {
    let label = identity.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join("-");
    name_is_legal(&label).then_some(Name { label, domain: None, configured: false })
}

/// A name in wire form (RFC 1035 section 3.1, without compression) as text; labels that do not fit are left out.
fn text_of_labels(mut wire: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((&length, rest)) = wire.split_first() {
        let Some((label, rest)) = rest.split_at_checked(usize::from(length)) else { break };
        if label.is_empty() || length > 63 {
            break;
        }
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(label);
        wire = rest;
    }
    text
}

/// The value of option 81 in an answer: flags, two return codes of old, and the name in the form the client used.
pub(crate) fn fqdn_value(flags: u8, label: &str, domain: Option<&str>, end_with_nul: bool) -> Vec<u8> {
    let mut value = vec![flags, 255, 255];
    if flags & 4 != 0 {
        for label in std::iter::once(label).chain(domain.into_iter().flat_map(|domain| domain.split('.'))) {
            let bytes = &label.as_bytes()[..label.len().min(63)];
            if !bytes.is_empty() {
                value.push(bytes.len() as u8);
                value.extend_from_slice(bytes);
            }
        }
        // A name without domain is a partial one, which has no end (RFC 4702 section 2.3.1).
        if domain.is_some() {
            value.push(0);
        }
    } else {
        value.extend_from_slice(label.as_bytes());
        if let Some(domain) = domain {
            value.push(b'.');
            value.extend_from_slice(domain.as_bytes());
        }
        if end_with_nul {
            value.push(0);
        }
    }
    value
}

/// The older lease that must give up its name, if any, when a newer one claims it.
pub(crate) enum Claim {
    /// Nobody else has the name.
    Granted,
    /// This lease must lose it.
    Taken(Box<Lease>),
    /// It is another's by configuration.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{HEADER_BYTES, MAGIC_COOKIE};

    fn said_by(options: &[u8]) -> Said {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[0] = 1;
        bytes[236..].copy_from_slice(&MAGIC_COOKIE);
        bytes.extend_from_slice(options);
        said(&Packet::parse(&bytes).unwrap(), false)
    }

    #[test]
    fn option_81_goes_before_option_12() {
        let both = said_by(b"\x0c\x05plain\x51\x07\x01\0\0full");
        assert_eq!(both.name.unwrap().label, "full");
        assert_eq!(both.fqdn_flags, Some(1));
        let empty = said_by(b"\x0c\x06plain\0\x51\x03\x08\0\0");
        assert_eq!(empty, Said { name: None, fqdn_flags: Some(3), ends_with_nul: false });
    }

    #[test]
    fn names_are_legal_or_ignored_as_a_whole() {
        assert_eq!(said_by(b"\x0c\x04bad!").name, None);
        assert_eq!(said_by(b"\x0c\x04-bad").name, None);
        assert_eq!(said_by(b"\x0c\x05a\nb.c").name, None);
        let dotted = said_by(b"\x0c\x06ok.a.b").name.unwrap();
        assert_eq!((dotted.label.as_str(), dotted.domain.as_deref()), ("ok", Some("a.b")));
        let nul = said_by(b"\x0c\x03ok\0");
        assert!(nul.ends_with_nul && nul.name.unwrap().label == "ok");
    }

    #[test]
    fn wire_names_are_read_and_written() {
        let wire = said_by(b"\x51\x0c\x05\0\0\x02ab\x02cd\0\0\0");
        assert_eq!(wire.name.unwrap().whole(), "ab.cd");
        assert_eq!(wire.fqdn_flags, Some(5));
        assert_eq!(fqdn_value(5, "ab", Some("c.d"), true), b"\x05\xff\xff\x02ab\x01c\x01d\0");
        assert_eq!(fqdn_value(5, "ab", None, true), b"\x05\xff\xff\x02ab");
        assert_eq!(fqdn_value(3, "ab", Some("c.d"), true), b"\x03\xff\xffab.c.d\0");
    }
}
