//! Generated OPT records of questions (RFC 6891), good and bad.

use support::Dice;

/// A cookie, an NSID, subnets, a hardware address, another one as text with a cookie; then some that are cut short or malformed.
const OPTIONS: [&[u8]; 16] = [
    b"",
    b"",
    b"",
    b"\0\x0a\0\x08abcdefgh",
    b"\0\x03\0\0",
    b"\0\x08\0\x07\0\x01\x18\0\xc0\0\x02",
    b"\xfd\xe9\0\x06abcdef",
    b"\xfe\x31\0\x01a\0\x0a\0\x08abcdefgh",
    b"\0\x0f\0\x02\0\x12",
    b"\0\x0c\0\x10padpadpadpadpadp",
    b"\0\x0a\0\x09abcdefgh",
    b"\0\x0a\0",
    b"\0\x0a\xff\xff",
    b"\0\x08\0\x02\0\x01",
    b"\0\x08\0\x05\0\x01\xff\0\x0a",
    b"\0\x08\0\x08\0\x02\x20\0\x20\x01\x0d\xb8",
];

/// Appends one OPT record or more, and tells which.
pub fn append(bytes: &mut Vec<u8>, dnssec_ok: &mut bool, dice: &mut Dice) -> String {
    let mut text = String::new();
    let (before, again, behind) = (dice.below(40) == 0, dice.below(40) == 0, dice.below(40) == 0);
    if before {
        address(bytes);
        text += " with an address before";
    }
    for _ in 0..=usize::from(again) {
        text += &one(bytes, dnssec_ok, dice);
    }
    if behind {
        address(bytes);
        text += " with an address behind";
    }
    bytes[11] = 1 + u8::from(before) + u8::from(again) + u8::from(behind);
    text
}

fn one(bytes: &mut Vec<u8>, dnssec_ok: &mut bool, dice: &mut Dice) -> String {
    let size = [512_u16, 1232, 4096, 100, 0, 700, 65_535][dice.below(7)];
    let (extended, version) =
        (u8::from(dice.below(60) == 0), if dice.below(20) == 0 { 1 + dice.below(255) } else { 0 });
    let version = u8::try_from(version).expect("versions are bytes");
    let flags = match dice.below(12) {
        0..=2 => 0x8000_u16,
        3 => dice.roll() as u16,
        _ => 0,
    };
    *dnssec_ok = flags & 0x8000 != 0;
    let options = OPTIONS[dice.below(OPTIONS.len())];
    // An owner other than the root is as good as none.
    let owner: &[u8] = if dice.below(60) == 0 { b"\xc0\x0c" } else { b"\0" };
    bytes.extend(owner);
    bytes.extend([0, 41]);
    bytes.extend(size.to_be_bytes());
    bytes.extend([extended, version]);
    bytes.extend(flags.to_be_bytes());
    bytes.extend(u16::try_from(options.len()).expect("short options").to_be_bytes());
    bytes.extend(options);
    format!(" edns {size} version {version} flags {flags:04x} options {options:02x?}")
}

fn address(bytes: &mut Vec<u8>) {
    bytes.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x09\0\x04\x01\x02\x03\x04");
}
