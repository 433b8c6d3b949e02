//! Which process holds a port: for the message of a start that failed.

use std::fs;

/// Name and pid of a process that has this local port open, as far as we may look.
pub fn of(port: u16, tcp: bool) -> Option<String> {
    let tables = if tcp { ["/proc/net/tcp", "/proc/net/tcp6"] } else { ["/proc/net/udp", "/proc/net/udp6"] };
    let inode =
        tables.into_iter().find_map(|table| inode_of(&fs::read_to_string(table).ok()?, port).map(str::to_owned))?;
    let wanted = format!("socket:[{inode}]");
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|b| b.is_ascii_digit())) else { continue };
        let Ok(open) = fs::read_dir(entry.path().join("fd")) else { continue };
        let holds =
            |fd: fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str());
        if open.flatten().any(holds) {
            let command = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", command.trim()));
        }
    }
    None
}

/// The socket inode of a local port in a table of `/proc/net`.
fn inode_of(table: &str, port: u16) -> Option<&str> {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1)?;
        // slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode
        local.ends_with(&suffix).then(|| fields.nth(7)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_our_own_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let holder = of(socket.local_addr().unwrap().port(), false).unwrap();
        assert!(holder.ends_with(&format!("(pid {})", std::process::id())), "{holder}");
    }
}
