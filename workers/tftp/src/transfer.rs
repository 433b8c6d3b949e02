//! One file on its way: blocks, windows, acknowledgements, retransmission.

use std::net::IpAddr;

use crate::Handle;
use crate::files::{FileHandle, Files};
use crate::options::Agreement;
use crate::outbox::Outbox;
use crate::wire::{self, Mode};

/// A client that has acknowledged nothing new for so long is given up.
const SILENCE_MAX_MS: u64 = 120_000;

/// A transfer whose socket has arrived.
#[derive(Debug)]
pub struct Transfer {
    pub plan: Plan,
    /// Is the option acknowledgement still unanswered?
    options_open: bool,
    /// Blocks that the client has, from the first on.
    acknowledged: u64,
    /// Highest block sent.
    sent: u64,
    /// The short block that ends the file, once it was read.
    last: Option<u64>,
    /// Netascii: where in the file the block after `acknowledged` begins.
    cursor: Cursor,
    /// When the client last acknowledged something new.
    progress_ms: u64,
    /// Retransmissions since.
    retries: u32,
    /// When to send again.
    pub due_ms: u64,
}

/// What a transfer is to send, and to whom.
#[derive(Debug)]
pub struct Plan {
    /// The client.
    pub client: IpAddr,
    /// The whole path, for log lines.
    pub path: String,
    /// The file's size in bytes, when it was opened.
    pub size: u64,
    /// The open file.
    pub file: FileHandle,
    /// How it travels.
    pub mode: Mode,
    /// What was agreed.
    pub agreement: Agreement,
}

/// Where a netascii block begins: the offset, and whether the LF of a line end is still owed.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    offset: u64,
    owes_line_feed: bool,
}

/// What an acknowledgement meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Go on waiting.
    Waiting,
    /// The client has the whole file.
    Done,
}

impl Transfer {
    /// Begins: sends the option acknowledgement, or the first block. Errors: the file cannot be read.
    pub fn begin(
        plan: Plan,
        socket: Handle,
        now_ms: u64,
        files: &mut dyn Files,
        out: &mut Outbox,
    ) -> (Transfer, Result<(), String>) {
        let mut transfer = Transfer {
            options_open: plan.agreement.acknowledgement.is_some(),
            acknowledged: 0,
            sent: 0,
            last: None,
            cursor: Cursor::default(),
            progress_ms: now_ms,
            retries: 0,
            due_ms: now_ms.saturating_add(plan.agreement.timeout_ms),
            plan,
        };
        let result = transfer.send(socket, files, out);
        (transfer, result)
    }

    /// Takes an acknowledgement. One of a block that was already acknowledged is passed over, since answering it would double
    /// every packet from here on (RFC 1123 section 4.2.3.1); one of a block inside the window restarts behind it (RFC 7440).
    pub fn acknowledge(
        &mut self,
        number: u16,
        socket: Handle,
        now_ms: u64,
        files: &mut dyn Files,
        out: &mut Outbox,
    ) -> Result<Progress, String> {
        if self.options_open {
            if number != 0 {
                return Ok(Progress::Waiting);
            }
            self.options_open = false;
        } else {
            // Block numbers wrap, so the distance decides. It is at least 1, at most what is under way.
            let ahead = u64::from(number.wrapping_sub(self.acknowledged as u16));
            if ahead == 0 || ahead > self.sent - self.acknowledged {
                return Ok(Progress::Waiting);
            }
            self.acknowledged += ahead;
            if self.last == Some(self.acknowledged) {
                return Ok(Progress::Done);
            }
            if self.plan.mode == Mode::Netascii {
                self.cursor = self.skip_block(files)?;
            }
        }
        self.progress_ms = now_ms;
        self.retries = 0;
        self.due_ms = now_ms.saturating_add(self.plan.agreement.timeout_ms);
        self.send(socket, files, out)?;
        Ok(Progress::Waiting)
    }

    /// Sends again what was not acknowledged. False when the client has been silent for too long.
    pub fn retransmit(
        &mut self,
        socket: Handle,
        now_ms: u64,
        files: &mut dyn Files,
        out: &mut Outbox,
    ) -> Result<bool, String> {
        if now_ms.saturating_sub(self.progress_ms) >= SILENCE_MAX_MS {
            return Ok(false);
        }
        self.retries += 1;
        // dnsmasq's steps: 1, 2, 2, 4, 4, 8, 8, ... seconds on top of the timeout.
        let extra_ms = 1000u64 << (self.retries / 2).min(10);
        let next = now_ms.saturating_add(self.plan.agreement.timeout_ms + extra_ms);
        self.due_ms = next.min(self.progress_ms.saturating_add(SILENCE_MAX_MS));
        self.send(socket, files, out)?;
        Ok(true)
    }

    /// Sends the option acknowledgement, or the window behind the last acknowledged block.
    fn send(&mut self, socket: Handle, files: &mut dyn Files, out: &mut Outbox) -> Result<(), String> {
        let start = out.bytes.len();
        if let Some(packet) = self.plan.agreement.acknowledgement.as_ref().filter(|_| self.options_open) {
            out.bytes.extend_from_slice(packet);
            out.send(socket, start);
            return Ok(());
        }
        let end = self.acknowledged.saturating_add(u64::from(self.plan.agreement.window));
        for block in self.acknowledged + 1..=self.last.unwrap_or(end).min(end) {
            let start = out.bytes.len();
            wire::data(block, &mut out.bytes);
            let length = match self.plan.mode {
                Mode::Octet => self.octets(block, files, &mut out.bytes),
                Mode::Netascii => self.netascii(files, &mut out.bytes).map(|(length, _)| length),
            };
            let length = match length {
                Ok(length) => length,
                Err(reason) => {
                    out.bytes.truncate(start);
                    return Err(reason);
                }
            };
            out.send(socket, start);
            self.sent = self.sent.max(block);
            if length < self.plan.agreement.block_bytes as usize {
                self.last = Some(block);
                break;
            }
        }
        Ok(())
    }

    /// Appends a block of the file as it is; returns its length.
    fn octets(&self, block: u64, files: &mut dyn Files, bytes: &mut Vec<u8>) -> Result<usize, String> {
        let size = self.plan.agreement.block_bytes;
        let offset = (block - 1).saturating_mul(u64::from(size));
        fill(self.plan.file, offset, size as usize, files, bytes)
    }

    /// Appends the block at the cursor with every LF as CR LF (a lone CR stays as it is, as in dnsmasq); returns its length and
    /// where the next block begins.
    fn netascii(&self, files: &mut dyn Files, bytes: &mut Vec<u8>) -> Result<(usize, Cursor), String> {
        let size = self.plan.agreement.block_bytes as usize;
        let mut raw = Vec::new();
        fill(self.plan.file, self.cursor.offset, size, files, &mut raw)?;
        let mut cursor = self.cursor;
        let start = bytes.len();
        if cursor.owes_line_feed {
            bytes.push(b'\n');
            cursor = Cursor { offset: cursor.offset + 1, owes_line_feed: false };
        }
        let skipped = (cursor.offset - self.cursor.offset) as usize;
        for byte in raw.get(skipped..).unwrap_or_default() {
            if bytes.len() - start == size {
                break;
            }
            if *byte == b'\n' {
                bytes.push(b'\r');
                if bytes.len() - start == size {
                    cursor.owes_line_feed = true;
                    break;
                }
            }
            bytes.push(*byte);
            cursor.offset += 1;
        }
        Ok((bytes.len() - start, cursor))
    }

    fn skip_block(&self, files: &mut dyn Files) -> Result<Cursor, String> {
        self.netascii(files, &mut Vec::new()).map(|(_, next)| next)
    }
}

/// Appends up to `size` bytes of a file from `offset`, fewer only at its end.
fn fill(
    file: FileHandle,
    offset: u64,
    size: usize,
    files: &mut dyn Files,
    bytes: &mut Vec<u8>,
) -> Result<usize, String> {
    let start = bytes.len();
    bytes.resize(start + size, 0);
    let mut filled = 0;
    let result = loop {
        let room = bytes.get_mut(start + filled..).unwrap_or_default();
        if room.is_empty() {
            break Ok(filled);
        }
        let most = room.len();
        match files.read_at(file, offset.saturating_add(filled as u64), room) {
            Ok(0) => break Ok(filled),
            Ok(length) => filled += length.min(most),
            Err(reason) => break Err(reason),
        }
    };
    bytes.truncate(start + filled);
    result
}
