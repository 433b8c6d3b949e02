//! A reply under construction: the header, and options written in the order in which they are put.
//!
//! The order is dnsmasq's, since some boot ROMs depend on it. When the options field is full, `file` and then `sname` take
//! options (RFC 2131 section 4.1, option 52) if nothing else is in them.

use std::net::Ipv4Addr;

use ipc::link::HardwareAddress;

use crate::packet::{BROADCAST_FLAG, FILE_AT, HEADER_BYTES, MAGIC_COOKIE, Packet, SNAME_AT};

/// Smallest packet sent (RFC 1542 section 2.1).
const PACKET_BYTES_MIN: usize = 300;
/// What a BOOTP client takes: 64 bytes behind the header, cookie included, of which dnsmasq leaves one free.
const PACKET_BYTES_BOOTP: usize = 299;
/// What a client takes that says nothing of its own: a 576-byte IP packet (RFC 2131 section 2).
const PACKET_BYTES_STANDARD: usize = 548;
/// Largest packet sent, whatever the client says.
const PACKET_BYTES_MAX: usize = 16_384;
/// IP and UDP headers, which option 57 counts.
const LOWER_HEADER_BYTES: usize = 28;

/// A reply.
pub(crate) struct Reply {
    bytes: Vec<u8>,
    /// Bytes that `bytes` may grow to; what is kept back for the end of the packet is taken off already.
    limit: usize,
    /// Kept back for option 52 while `file` or `sname` could still be needed.
    overload_room: usize,
    /// Where the value of option 52 is.
    overload_at: Option<usize>,
    /// Bytes used in `file` and `sname` by options; `None` when they are not for options.
    file_used: Option<usize>,
    sname_used: Option<usize>,
    /// Option 82 as received.
    relay: Option<Vec<u8>>,
    /// Options that found no room.
    left_out: Vec<u8>,
}

impl Reply {
    /// A reply to `request` that repeats its header, with no options yet.
    pub(crate) fn to(request: &Packet<'_>) -> Reply {
        let asked = request.option(57).and_then(|value| Some(u16::from_be_bytes(value.get(..2)?.try_into().ok()?)));
        let asked = asked.map_or(0, |bytes| usize::from(bytes).saturating_sub(LOWER_HEADER_BYTES));
        Reply::within(
            request,
            // dnsmasq never fills the last byte.
            asked.clamp(PACKET_BYTES_STANDARD, PACKET_BYTES_MAX) - 1,
            request.option(82).filter(|relay| !relay.is_empty()),
        )
    }

    /// The same to a BOOTP client, which has room for few options (RFC 951 section 3) and gets those of
    /// relay agents back only if its message has a type, though none that there is.
    pub(crate) fn to_bootp(request: &Packet<'_>) -> Reply {
        let relay = request.option(82).filter(|relay| request.option(53).is_some() && !relay.is_empty());
        // They come on top.
        let more = relay.map_or(0, |value| written_bytes(value.len()));
        Reply::within(request, PACKET_BYTES_BOOTP + more, relay)
    }

    /// An answer to a lease query: about the lease of `hardware`, and with what an agent said when it was made.
    pub(crate) fn to_query(
        request: &Packet<'_>,
        hardware: HardwareAddress,
        ciaddr: Option<Ipv4Addr>,
        agent_info: Option<&[u8]>,
    ) -> Reply {
        let mut reply = Reply::to(request);
        reply.relay = agent_info.map(<[u8]>::to_vec);
        let relay_bytes = |value: &[u8]| written_bytes(value.len());
        reply.limit =
            (reply.limit + request.option(82).map_or(0, relay_bytes)).saturating_sub(agent_info.map_or(0, relay_bytes));
        reply.bytes[1] = hardware.kind;
        reply.bytes[2] = hardware.length;
        reply.bytes[28..44].fill(0);
        let used = hardware.used();
        reply.bytes[28..28 + used.len().min(16)].copy_from_slice(&used[..used.len().min(16)]);
        reply.bytes[12..16].copy_from_slice(&ciaddr.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
        reply
    }

    fn within(request: &Packet<'_>, size: usize, relay: Option<&[u8]>) -> Reply {
        let mut bytes = Vec::with_capacity(PACKET_BYTES_STANDARD);
        bytes.extend_from_slice(request.head());
        bytes[0] = 2;
        bytes.resize(HEADER_BYTES - 4, 0);
        bytes.extend_from_slice(&MAGIC_COOKIE);
        // `yiaddr` and `siaddr` are ours to fill.
        bytes[16..24].fill(0);

        let relay = relay.map(<[u8]>::to_vec);
        let relay_bytes = relay.as_ref().map_or(0, |value| written_bytes(value.len()));
        let limit = size.saturating_sub(1 + relay_bytes);
        Reply {
            bytes,
            limit,
            overload_room: 0,
            overload_at: None,
            file_used: None,
            sname_used: None,
            relay,
            left_out: Vec::new(),
        }
    }

    /// Sets `yiaddr`.
    pub(crate) fn set_yiaddr(&mut self, address: Ipv4Addr) {
        self.bytes[16..20].copy_from_slice(&address.octets());
    }

    /// Takes `siaddr` back.
    pub(crate) fn clear_siaddr(&mut self) {
        self.set_siaddr(Ipv4Addr::UNSPECIFIED);
    }

    /// Sets `siaddr`.
    pub(crate) fn set_siaddr(&mut self, address: Ipv4Addr) {
        self.bytes[20..24].copy_from_slice(&address.octets());
    }

    /// `siaddr`, if set.
    pub(crate) fn siaddr(&self) -> Option<Ipv4Addr> {
        let address = Ipv4Addr::new(self.bytes[20], self.bytes[21], self.bytes[22], self.bytes[23]);
        Some(address).filter(|address| !address.is_unspecified())
    }

    /// Sets the broadcast flag and clears `ciaddr`: for a refusal that must reach a client on whatever network it is.
    pub(crate) fn set_broadcast(&mut self) {
        self.set_broadcast_flag();
        self.clear_ciaddr();
    }

    /// Clears `ciaddr`.
    pub(crate) fn clear_ciaddr(&mut self) {
        self.bytes[12..16].fill(0);
    }

    /// Sets the broadcast flag alone.
    pub(crate) fn set_broadcast_flag(&mut self) {
        self.bytes[10] |= (BROADCAST_FLAG >> 8) as u8;
    }

    /// Puts a server name into `sname`, cut to its 63 bytes.
    pub(crate) fn set_sname(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(63)];
        self.bytes[SNAME_AT..SNAME_AT + text.len()].copy_from_slice(text);
    }

    /// Puts a file name into `file`, cut to its 127 bytes.
    pub(crate) fn set_file(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(127)];
        self.bytes[FILE_AT..FILE_AT + text.len()].copy_from_slice(text);
    }

    /// The text in `sname`.
    pub(crate) fn sname(&self) -> &[u8] {
        until_nul(&self.bytes[SNAME_AT..FILE_AT])
    }

    /// The text in `file`.
    pub(crate) fn file(&self) -> &[u8] {
        until_nul(&self.bytes[FILE_AT..HEADER_BYTES - 4])
    }

    /// The options in `sname`, if it holds options.
    pub(crate) fn sname_options(&self) -> Option<&[u8]> {
        self.options_in(Field::SNAME)
    }

    /// The options in `file`, if it holds options.
    pub(crate) fn file_options(&self) -> Option<&[u8]> {
        self.options_in(Field::FILE)
    }

    /// Lets options use `sname` and `file` as far as they are empty now.
    pub(crate) fn allow_overload(&mut self) {
        self.sname_used = self.sname().is_empty().then_some(0);
        self.file_used = self.file().is_empty().then_some(0);
        if self.sname_used.or(self.file_used).is_some() {
            self.overload_room = 3;
        }
    }

    /// Adds an option, in parts if it is longer than 255 bytes (RFC 3396). One that finds no room is left out whole.
    pub(crate) fn put(&mut self, code: u8, value: &[u8]) {
        if self.bytes.len() + written_bytes(value.len()) <= self.limit.saturating_sub(self.overload_room) {
            write_option(&mut self.bytes, code, value);
        } else if !self.put_elsewhere(code, value) {
            self.left_out.push(code);
        }
    }

    /// Adds an option that holds one address.
    pub(crate) fn put_address(&mut self, code: u8, address: Ipv4Addr) {
        self.put(code, &address.octets());
    }

    /// Adds an option that holds one 32-bit number.
    pub(crate) fn put_number(&mut self, code: u8, number: u32) {
        self.put(code, &number.to_be_bytes());
    }

    /// The codes of the options that found no room.
    pub(crate) fn left_out(&self) -> &[u8] {
        &self.left_out
    }

    /// The finished packet.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if let Some(relay) = &self.relay {
            // RFC 3046 section 2.2: last of all, as it came.
            write_option(&mut self.bytes, 82, relay);
        }
        self.bytes.push(255);
        if self.bytes.len() < PACKET_BYTES_MIN {
            self.bytes.resize(PACKET_BYTES_MIN, 0);
        }
        self.bytes
    }

    /// Puts an option into `file` or `sname`. A field that was tried is marked as taken even if the option does not fit, as in
    /// dnsmasq.
    fn put_elsewhere(&mut self, code: u8, value: &[u8]) -> bool {
        let Ok(length) = u8::try_from(value.len()) else { return false };
        let needed = value.len() + 2;
        for field in [Field::FILE, Field::SNAME] {
            let Some(used) = self.used(field) else { continue };
            self.take(field);
            // Each field keeps a byte for its own end.
            if used + needed < field.bytes {
                let at = field.start + used;
                self.bytes[at] = code;
                self.bytes[at + 1] = length;
                self.bytes[at + 2..at + needed].copy_from_slice(value);
                self.bytes[at + needed] = 255;
                self.set_used(field, used + needed);
                return true;
            }
        }
        false
    }

    fn used(&self, field: Field) -> Option<usize> {
        if field == Field::FILE { self.file_used } else { self.sname_used }
    }

    fn set_used(&mut self, field: Field, used: usize) {
        *(if field == Field::FILE { &mut self.file_used } else { &mut self.sname_used }) = Some(used);
    }

    /// Says in option 52 that a field holds options.
    fn take(&mut self, field: Field) {
        let overload_at = *self.overload_at.get_or_insert_with(|| {
            self.overload_room = 0;
            self.bytes.extend_from_slice(&[52, 1, 0]);
            self.bytes.len() - 1
        });
        if self.bytes[overload_at] & field.bit == 0 {
            self.bytes[overload_at] |= field.bit;
            self.bytes[field.start] = 255;
        }
    }

    /// What a header field holds instead of its text, if it holds options.
    fn options_in(&self, field: Field) -> Option<&[u8]> {
        let taken = self.overload_at.is_some_and(|at| self.bytes[at] & field.bit != 0);
        taken.then(|| &self.bytes[field.start..field.start + field.bytes])
    }
}

/// A field of the header that may hold options.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Field {
    start: usize,
    bytes: usize,
    /// Its bit in option 52.
    bit: u8,
}

impl Field {
    const FILE: Field = Field { start: FILE_AT, bytes: 128, bit: 1 };
    const SNAME: Field = Field { start: SNAME_AT, bytes: 64, bit: 2 };
}

fn written_bytes(length: usize) -> usize {
    length + 2 * length.div_ceil(255).max(1)
}

fn write_option(bytes: &mut Vec<u8>, code: u8, value: &[u8]) {
    if value.is_empty() {
        bytes.extend_from_slice(&[code, 0]);
    }
    for part in value.chunks(255) {
        bytes.extend_from_slice(&[code, part.len() as u8]);
        bytes.extend_from_slice(part);
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(options: &[u8]) -> Reply {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..3].copy_from_slice(&[1, 1, 6]);
        bytes[236..].copy_from_slice(&MAGIC_COOKIE);
        bytes.extend_from_slice(options);
        Reply::to(&Packet::parse(&bytes).unwrap())
    }

    #[test]
    fn small_packets_are_padded_and_end_with_option_82() {
        let mut reply = reply(&[82, 3, 1, 1, 7]);
        reply.put(53, &[2]);
        let bytes = reply.finish();
        assert_eq!(bytes.len(), 300);
        assert_eq!(bytes[240..250], [53, 1, 2, 82, 3, 1, 1, 7, 255, 0]);
    }

    #[test]
    fn a_full_options_field_flows_into_file_and_sname() {
        let mut reply = reply(&[]);
        reply.allow_overload();
        reply.put(200, &[1; 253]);
        reply.put(201, &[2; 100]);
        reply.put(202, &[3; 60]);
        reply.put(203, &[4; 60]);
        assert_eq!(reply.left_out(), [203]);
        let bytes = reply.finish();
        assert!(bytes.len() <= PACKET_BYTES_STANDARD);
        assert_eq!(bytes[495..499], [52, 1, 3, 255]);
        assert_eq!(bytes[FILE_AT..FILE_AT + 3], [201, 100, 2]);
        assert_eq!(bytes[FILE_AT + 102], 255);
        assert_eq!(bytes[SNAME_AT..SNAME_AT + 3], [202, 60, 3]);
    }

    #[test]
    fn long_options_are_split() {
        let mut reply = reply(&[57, 2, 5, 220]);
        reply.put(121, &[9; 300]);
        let bytes = reply.finish();
        assert_eq!(bytes[240..242], [121, 255]);
        assert_eq!(bytes[497..499], [121, 45]);
        assert_eq!(bytes[544], 255);
    }
}
