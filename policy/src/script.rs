//! The script process (`dhcp-script`), which is not confined, and why each layer is missing.
//!
//! There is nothing to apply here. The page of tables says so, instead of saying nothing.

/// A layer, and how it stands with the script process.
pub const LAYERS: &[(&str, &str)] = &[
    ("user", "`dhcp-scriptuser`, root by default, as in dnsmasq; for every other user without capabilities and groups"),
    (
        "system calls",
        "none refused. A filter is inherited by what is executed, and scripts do what administrators need",
    ),
    (
        "files",
        "all that the user may reach. Landlock rules are inherited as well; scripts change firewalls, zones, databases",
    ),
    ("capabilities", "those of the user, for the same reason"),
    ("namespaces", "the machine's: scripts are there to act on it"),
    ("network", "no socket is handed to it, and none is read. It hears the parent only"),
    (
        "descriptors",
        "null device, two channels to the parent; a script gets the null device and a pipe for what it prints",
    ),
    ("program", "executed afresh, so it has no memory of the parent; nor has it a way to start a worker"),
];
