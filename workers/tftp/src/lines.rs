//! Log lines and error texts. People parse them: they are dnsmasq's.
//!
//! dnsmasq sends the text that it logs to the client. Names come from the network, so only printable ASCII is repeated.

use std::net::IpAddr;

use ipc::config::tftp::TftpSlice;

/// `text` without what a terminal or a log could choke on.
pub fn printable(text: &[u8]) -> String {
    text.iter().filter(|byte| matches!(byte, b' '..=b'~')).map(|byte| char::from(*byte)).collect()
}

/// Logged at start. The blanks at the end stay when the words between them are absent.
pub fn started(slice: &TftpSlice) -> String {
    let secure = if slice.secure { "secure mode" } else { "" };
    match slice.roots.iter().find(|root| root.interface.is_none()) {
        Some(root) => {
            let shown = root.path.strip_suffix('/').filter(|shown| !shown.is_empty()).unwrap_or(&root.path);
            format!("TFTP root is {shown} {secure} ")
        }
        None => format!("TFTP enabled {secure} "),
    }
}

pub fn unsupported_request(client: IpAddr) -> String {
    format!("unsupported request from {client}")
}

pub fn unsupported_write(client: IpAddr) -> String {
    format!("unsupported write request from {client}")
}

pub fn empty_name(client: IpAddr) -> String {
    format!("empty filename in request from {client}")
}

pub fn not_found(path: &[u8], client: IpAddr) -> String {
    format!("file {} not found for {client}", printable(path))
}

pub fn denied(path: &[u8]) -> String {
    format!("cannot access {}: Permission denied", printable(path))
}

pub fn unreadable(path: &[u8], reason: &str) -> String {
    format!("cannot read {}: {reason}", printable(path))
}

pub fn client_error(code: u16, text: &[u8], client: IpAddr) -> String {
    format!("error {code} {} received from {client}", printable(text))
}

pub fn timeout(path: &str, client: IpAddr) -> String {
    format!("timeout sending {} to {client}", printable(path.as_bytes()))
}

pub fn failed(path: &str, client: IpAddr) -> String {
    format!("failed sending {} to {client}", printable(path.as_bytes()))
}

pub fn sent(path: &str, client: IpAddr) -> String {
    format!("sent {} to {client}", printable(path.as_bytes()))
}
