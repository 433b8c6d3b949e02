//! A TFTP reader (RFC 1350) that takes its time.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::wait::PATIENCE;

const DATA: u8 = 3;
const ERROR: u8 = 5;
const BLOCK_BYTES: usize = 512;

/// Reads a whole file, waiting `pause` before each acknowledgement. To be called inside a namespace.
///
/// A lost block costs a repetition, as with every client: the last acknowledgement (or the request) is sent again after
/// half a second.
pub fn read(server: Ipv4Addr, file: &str, pause: Duration) -> Result<Vec<u8>, String> {
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(Duration::from_millis(500))).map_err(|error| error.to_string())?;
    let mut out = [&[0, 1], file.as_bytes(), b"\0octet\0"].concat();
    let mut peer: SocketAddr = (server, 69).into();
    let mut content = Vec::new();
    let mut expected: u16 = 1;
    let mut buffer = [0; 4 + BLOCK_BYTES];
    let mut progress = Instant::now();
    let mut send = true;
    while progress.elapsed() < PATIENCE {
        if send && socket.send_to(&out, peer).is_err() {
            return Err("cannot send".to_owned());
        }
        send = false;
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            send = true;
            continue;
        };
        match buffer[..length] {
            [0, DATA, high, low, ..] if u16::from_be_bytes([high, low]) == expected => {
                peer = from;
                content.extend(&buffer[4..length]);
                out = vec![0, 4, high, low];
                expected = expected.wrapping_add(1);
                progress = Instant::now();
                if length < buffer.len() {
                    let _ = socket.send_to(&out, peer);
                    return Ok(content);
                }
                std::thread::sleep(pause);
                send = true;
            }
            [0, ERROR, ..] => return Err(String::from_utf8_lossy(&buffer[4..length]).into_owned()),
            // A repeated block: its acknowledgement went out already, or is on its way.
            _ => {}
        }
    }
    Err(format!("no block {expected} within {PATIENCE:?}"))
}
