//! What the engine asks of the kernel.

/// Which netlink socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// NETLINK_NETFILTER.
    Netfilter,
    /// NETLINK_ROUTE.
    Route,
}

/// The kernel behind its netlink sockets.
pub trait Kernel {
    /// Sends a request and appends what the kernel answers at once to `answer`: datagrams one behind the other, each a multiple of
    /// four bytes long. Errors: the errno for which it could not be sent.
    fn ask(&mut self, family: Family, request: &[u8], answer: &mut Vec<u8>) -> Result<(), i32>;
}
