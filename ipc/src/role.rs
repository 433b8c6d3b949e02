//! Which worker a process is, and which start of it.

use serde::{Deserialize, Serialize};

/// The kind of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Answers and forwards DNS.
    Dns,
    /// Serves DHCPv4.
    Dhcp,
    /// Serves files by TFTP.
    Tftp,
    /// Asks the kernel for what needs CAP_NET_ADMIN.
    Net,
}

impl Role {
    /// Every role, in start order.
    pub const ALL: [Role; 4] = [Role::Dns, Role::Dhcp, Role::Tftp, Role::Net];

    /// The word used in process titles, log lines and user names.
    pub fn word(self) -> &'static str {
        match self {
            Role::Dns => "dns",
            Role::Dhcp => "dhcp",
            Role::Tftp => "tftp",
            Role::Net => "net",
        }
    }

    /// The role that `word` names.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// Which start of a worker this is; grows with each reload or restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation(pub u32);
