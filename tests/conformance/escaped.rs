//! How the recorded tables write bytes.

/// `\\`, `\t`, `\r`, `\n`, `\xNN` to bytes.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, rest) {
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("hex digits are ASCII");
                bytes.push(u8::from_str_radix(digits, 16).expect("two hex digits"));
                rest = tail;
            }
            (b'\\', [letter, tail @ ..]) => {
                bytes.push(match letter {
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'n' => b'\n',
                    other => *other,
                });
                rest = tail;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    bytes
}
