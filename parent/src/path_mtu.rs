//! Keeps UDP sockets from believing what ICMP says about the path.
//!
//! A forged "fragmentation needed" makes the kernel cut datagrams to that address into pieces, and the second piece of a DNS message has
//! neither port nor id that a forger would have to guess. RFC 8899 section 4.6 and RFC 9715 section 3 ask for what is set here.

use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::errno::Errno;

/// Datagrams of this socket are cut only for the interface they leave by, whatever ICMP says of the way beyond.
#[expect(unsafe_code, reason = "IP_MTU_DISCOVER has no safe wrapper")]
pub fn ignore(socket: BorrowedFd<'_>, v4: bool) -> Result<(), Errno> {
    let (level, option, value) = match v4 {
        true => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT),
        false => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT),
    };
    // SAFETY: the value lives across the call.
    let done = unsafe {
        let length = size_of::<libc::c_int>() as u32;
        libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), length)
    };
    Errno::result(done).map(drop)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd as _;

    use super::*;

    #[expect(unsafe_code, reason = "IP_MTU_DISCOVER has no safe wrapper")]
    fn option(socket: &UdpSocket, level: libc::c_int, option: libc::c_int) -> libc::c_int {
        let (mut value, mut length): (libc::c_int, _) = (-1, size_of::<libc::c_int>() as u32);
        // SAFETY: the kernel writes at most `length` bytes into the value.
        unsafe {
            libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut value).cast(), &raw mut length);
        }
        value
    }

    #[test]
    fn sockets_of_both_families_ignore_the_path() {
        let v4 = UdpSocket::bind("127.0.0.1:0").unwrap();
        ignore(v4.as_fd(), true).unwrap();
        assert_eq!(option(&v4, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER), libc::IP_PMTUDISC_OMIT);
        // A machine may do without IPv6.
        let Ok(v6) = UdpSocket::bind("[::1]:0") else { return };
        ignore(v6.as_fd(), false).unwrap();
        assert_eq!(option(&v6, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER), libc::IPV6_PMTUDISC_OMIT);
    }
}
