//! What a script prints, as lines.

use ipc::log::LINE_BYTES_MAX;

/// Longest line; what is longer is told in pieces.
const BYTES_MAX: usize = LINE_BYTES_MAX - 64;

/// The line that has begun.
#[derive(Debug, Default)]
pub(crate) struct Output {
    begun: Vec<u8>,
}

impl Output {
    /// Takes a piece of output and hands on the lines that it ends.
    pub(crate) fn take(&mut self, mut piece: &[u8], mut line: impl FnMut(String)) {
        while !piece.is_empty() {
            let room = BYTES_MAX - self.begun.len();
            let near = &piece[..piece.len().min(room)];
            match near.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.begun.extend_from_slice(&near[..end]);
                    piece = &piece[end + 1..];
                    line(self.finish());
                }
                None => {
                    self.begun.extend_from_slice(near);
                    piece = &piece[near.len()..];
                    if self.begun.len() == BYTES_MAX {
                        line(self.finish());
                    }
                }
            }
        }
    }

    /// The line that has begun, if any, now that nothing more will come.
    pub(crate) fn end(&mut self) -> Option<String> {
        (!self.begun.is_empty()).then(|| self.finish())
    }

    fn finish(&mut self) -> String {
        let bytes = std::mem::take(&mut self.begun);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let mut output = Output::default();
        let mut lines = Vec::new();
        for piece in [&b"one\ntw"[..], b"o\n", b"\nlast"] {
            output.take(piece, |line| lines.push(line));
        }
        lines.extend(output.end());
        assert_eq!(lines, ["one", "two", "", "last"]);
        assert_eq!(output.end(), None);
    }

    #[test]
    fn an_endless_line_is_told_in_pieces() {
        let mut output = Output::default();
        let mut lines = Vec::new();
        output.take(&vec![b'x'; 3 * BYTES_MAX + 1], |line| lines.push(line));
        assert_eq!(lines.len(), 3);
        assert_eq!(output.end().as_deref(), Some("x"));
    }
}
