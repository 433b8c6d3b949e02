//! What this program was built with: DNS always, everything else by Cargo features, which have the names of the Gentoo package's USE
//! flags.
//!
//! A configuration that asks for a service that is not there is never ignored: where dnsmasq refuses the option as it reads it, so do we;
//! all others are named at the start, which then fails.

use super::Config;
use super::fault::Fault;

/// A service that a build may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Authoritative zones (`USE=auth-dns`).
    Auth,
    /// Connection marks (`USE=conntrack`).
    Conntrack,
    /// Control over D-Bus (`USE=dbus`).
    Dbus,
    /// DHCPv4 (`USE=dhcp`).
    Dhcp,
    /// DHCPv6 and router advertisements (`USE=ipv6`).
    Dhcp6,
    /// Validation (`USE=dnssec`).
    Dnssec,
    /// Copies of packets (`USE=dumpfile`).
    Dumpfile,
    /// Answers about the server itself (`USE=id`).
    Ident,
    /// Names beyond ASCII (`USE=idn` and `USE=libidn2`).
    Idn,
    /// Word of changed files (`USE=inotify`).
    Inotify,
    /// Addresses into IP sets. (No USE flag.)
    Ipset,
    /// Finding upstreams that lead back here (`USE=loop`).
    Loop,
    /// Lease scripts in Lua (`USE=lua`).
    Lua,
    /// Addresses into nftables sets. (No USE flag.)
    Nftset,
    /// Lease scripts (`USE=script`).
    Script,
    /// TFTP (`USE=tftp`).
    Tftp,
    /// Control over ubus. (No USE flag.)
    Ubus,
}

/// Whether a service is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is.
    Built,
    /// It was left out of this build.
    LeftOut,
    /// No build has it yet.
    Missing,
}

const fn built_if(condition: bool) -> State {
    if condition { State::Built } else { State::LeftOut }
}

impl Feature {
    /// Every service, in the order in which a start looks for what is missing.
    pub const ALL: [Feature; 17] = [
        Feature::Tftp,
        Feature::Dhcp,
        Feature::Dhcp6,
        Feature::Auth,
        Feature::Conntrack,
        Feature::Dbus,
        Feature::Ubus,
        Feature::Dnssec,
        Feature::Dumpfile,
        Feature::Loop,
        Feature::Ipset,
        Feature::Nftset,
        Feature::Script,
        Feature::Lua,
        Feature::Inotify,
        Feature::Idn,
        Feature::Ident,
    ];

    const fn state(self) -> State {
        match self {
            Feature::Conntrack => built_if(cfg!(feature = "conntrack")),
            Feature::Dhcp => built_if(cfg!(feature = "dhcp")),
            Feature::Ipset | Feature::Nftset => State::Built,
            Feature::Ident => built_if(cfg!(feature = "id")),
            Feature::Idn => built_if(cfg!(feature = "idn")),
            Feature::Inotify => built_if(cfg!(feature = "inotify")),
            Feature::Loop => built_if(cfg!(feature = "loop")),
            Feature::Lua => built_if(cfg!(feature = "lua")),
            Feature::Script => built_if(cfg!(feature = "script")),
            Feature::Tftp => built_if(cfg!(feature = "tftp")),
            Feature::Dumpfile => built_if(cfg!(feature = "dumpfile")),
            Feature::Auth | Feature::Dbus | Feature::Dhcp6 | Feature::Dnssec | Feature::Ubus => State::Missing,
        }
    }

    /// Is it in this build?
    pub const fn built(self) -> bool {
        matches!(self.state(), State::Built)
    }

    /// The feature's name in Cargo, dnsmasq's name for the service, and its build switch there.
    pub const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Feature::Auth => ("auth-dns", "authoritative DNS", "HAVE_AUTH"),
            Feature::Conntrack => ("conntrack", "conntrack support", "HAVE_CONNTRACK"),
            Feature::Dbus => ("dbus", "DBus", "HAVE_DBUS"),
            Feature::Dhcp => ("dhcp", "DHCP", "HAVE_DHCP"),
            Feature::Dhcp6 => ("ipv6", "DHCPv6", "HAVE_DHCP6"),
            Feature::Dnssec => ("dnssec", "DNSSEC", "HAVE_DNSSEC"),
            Feature::Dumpfile => ("dumpfile", "Packet dumps", "HAVE_DUMPFILE"),
            Feature::Ident => ("id", "server identity", "NO_ID"),
            Feature::Idn => ("idn", "IDN", "HAVE_LIBIDN2"),
            Feature::Inotify => ("inotify", "inotify", "HAVE_INOTIFY"),
            Feature::Ipset => ("ipset", "ipset support", "HAVE_IPSET"),
            Feature::Loop => ("loop", "loop detection", "HAVE_LOOP"),
            Feature::Lua => ("lua", "Lua scripts", "HAVE_LUASCRIPT"),
            Feature::Nftset => ("nftset", "nftset support", "HAVE_NFTSET"),
            Feature::Script => ("script", "lease-change scripts", "HAVE_SCRIPT"),
            Feature::Tftp => ("tftp", "TFTP server", "HAVE_TFTP"),
            Feature::Ubus => ("ubus", "Ubus", "HAVE_UBUS"),
        }
    }

    /// The options by which `config` asks for this service, the first that it may have first; empty when it does not.
    fn asked_by(self, config: &Config) -> &'static [&'static str] {
        let script = &config.script;
        let (asks, options): (bool, &[&str]) = match self {
            Feature::Auth => {
                (config.auth.server.is_some() || !config.auth.zones.is_empty(), &["auth-zone", "auth-server"])
            }
            Feature::Conntrack => (config.dns.marks.wanted(), &["conntrack", "connmark-allowlist-enable"]),
            Feature::Dbus => (config.process.dbus.is_some(), &["enable-dbus"]),
            Feature::Dhcp => (config.dhcp.is_some(), &["dhcp-range"]),
            Feature::Dhcp6 => (!config.dhcp6.ranges.is_empty(), &["dhcp-range"]),
            Feature::Dnssec => (config.dnssec.on, &["dnssec"]),
            Feature::Dumpfile => (config.process.dumpfile.is_some(), &["dumpfile"]),
            // Without it there is nothing to answer, which is what `no-ident` asks for; names stay as they are.
            Feature::Ident | Feature::Idn => (false, &[]),
            Feature::Inotify => (
                !config.process.hostsdirs.is_empty() || config.dhcp_files.watched(),
                &["hostsdir", "dhcp-hostsdir", "dhcp-optsdir"],
            ),
            Feature::Ipset => (!config.dns.sets.ipset.is_empty(), &["ipset"]),
            Feature::Loop => (config.dns.queries.loop_detect, &["dns-loop-detect"]),
            Feature::Lua => (script.lua.is_some(), &["dhcp-luascript"]),
            Feature::Nftset => (!config.dns.sets.nftset.is_empty(), &["nftset"]),
            Feature::Script => (script.program.is_some(), &["dhcp-script"]),
            Feature::Tftp => (config.tftp.is_some(), &["enable-tftp"]),
            Feature::Ubus => (config.process.ubus.is_some(), &["enable-ubus"]),
        };
        if asks { options } else { &[] }
    }

    /// What a start says of its absence, in dnsmasq's words.
    pub fn refusal(self) -> String {
        let (_, service, switch) = self.names();
        format!("{service} not available: set {switch} in src/config.h")
    }

    /// What to do about its absence.
    pub fn remedy(self) -> String {
        let (name, _, _) = self.names();
        match self.state() {
            State::Missing => "no build of this program has it yet".to_owned(),
            State::Built | State::LeftOut => format!("this program was built without the feature `{name}`"),
        }
    }

    /// The feature without which dnsmasq refuses this option when it reads it. (`enable-tftp` is refused at the start only.)
    pub fn of(option: &str) -> Option<Feature> {
        match option {
            // Read by name only, or flags of a service that stays off.
            "dhcp-hostsfile" | "dhcp-optsfile" | "dhcp-hostsdir" | "dhcp-optsdir" | "dhcp-authoritative"
            | "dhcp-fqdn" | "dhcp-no-override" | "dhcp-sequential-ip" | "dhcp-client-update" | "dhcp-rapid-commit"
            | "dhcp-ignore-clid" | "dhcp-ttl" | "dhcp-luascript" => None,
            "bootp-dynamic" | "leasequery" | "pxe-prompt" | "pxe-service" | "shared-network" | "tag-if"
            | "ra-param" => Some(Feature::Dhcp),
            "tftp-max" | "tftp-mtu" | "tftp-port-range" | "tftp-root" | "tftp-unique-root" => Some(Feature::Tftp),
            option if option.starts_with("dhcp-") => Some(Feature::Dhcp),
            _ => None,
        }
    }
}

/// Refuses an option whose service was left out of the build, in dnsmasq's words.
pub(crate) fn check(option: &str) -> Result<(), Fault> {
    if Feature::Dhcp.built() && Feature::Tftp.built() {
        return Ok(());
    }
    match Feature::of(option) {
        Some(feature) if !feature.built() => {
            Err(Fault::from("unsupported option (check that dnsmasq was compiled with DHCP/TFTP/DNSSEC/DBus support)"))
        }
        _ => Ok(()),
    }
}

/// The first service that `config` asks for and this build lacks, and the options that ask.
pub fn lacking(config: &Config) -> Option<(Feature, &'static [&'static str])> {
    let asked = Feature::ALL.into_iter().map(|feature| (feature, feature.asked_by(config)));
    asked.into_iter().find(|(feature, options)| !feature.built() && !options.is_empty())
}

/// What is built in, in dnsmasq's words and order, as `--version` and the log print it.
pub fn words() -> String {
    let listed = [
        (Feature::Dbus, "DBus"),
        (Feature::Ubus, "UBus"),
        (Feature::Idn, "IDN2"),
        (Feature::Dhcp, "DHCP"),
        (Feature::Dhcp6, "DHCPv6"),
        (Feature::Lua, "Lua"),
        (Feature::Script, "scripts"),
        (Feature::Tftp, "TFTP"),
        (Feature::Conntrack, "conntrack"),
        (Feature::Ipset, "ipset"),
        (Feature::Nftset, "nftset"),
        (Feature::Auth, "auth"),
        (Feature::Dnssec, "DNSSEC"),
        (Feature::Ident, "ID"),
        (Feature::Loop, "loop-detect"),
        (Feature::Inotify, "inotify"),
        (Feature::Dumpfile, "dumpfile"),
    ];
    let mut text = String::from("IPv6 GNU-getopt");
    for (feature, word) in listed {
        match (feature, feature.built()) {
            // dnsmasq is silent about an identity that is there.
            (Feature::Ident, true) => {}
            // One word for both kinds of scripts.
            (Feature::Lua, false) => {}
            (Feature::Script, true) if Feature::Lua.built() => {}
            (_, true) => text.extend([" ", word]),
            // Without IDN2 there is no IDN of any kind.
            (Feature::Idn, false) => text.push_str(" no-IDN"),
            (_, false) => text.extend([" no-", word]),
        }
        if feature == Feature::Ubus {
            text.push_str(" no-i18n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_refused_by_name_and_told() {
        for (option, feature) in
            [("dhcp-range", Feature::Dhcp), ("tag-if", Feature::Dhcp), ("tftp-root", Feature::Tftp)]
        {
            assert_eq!(Feature::of(option), Some(feature));
            assert_eq!(check(option).is_ok(), feature.built());
        }
        assert_eq!(check("server"), Ok(()));
        assert_eq!(words().contains(" DHCP "), Feature::Dhcp.built());
        assert_eq!(words().contains(" no-TFTP "), !Feature::Tftp.built());
    }

    #[test]
    fn what_a_configuration_asks_for_in_vain_is_found() {
        let mut config = Config::default();
        assert_eq!(lacking(&config), None);
        config.process.hostsdirs.push("/etc/hosts.d".into());
        assert_eq!(lacking(&config).is_some(), !Feature::Inotify.built());
        config.process.hostsdirs.clear();
        config.dnssec.on = true;
        assert_eq!(lacking(&config), Some((Feature::Dnssec, &["dnssec"][..])));
    }
}
