//! What this program was built with: DNS always; connection marks, DHCP and TFTP by Cargo features (the Gentoo package's USE flags of
//! the same names).

use super::fault::Fault;

/// A service that can be left out of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Connection marks (`USE=conntrack`; dnsmasq: HAVE_CONNTRACK).
    Conntrack,
    /// DHCPv4 (`USE=dhcp`; dnsmasq: HAVE_DHCP).
    Dhcp,
    /// TFTP (`USE=tftp`; dnsmasq: HAVE_TFTP).
    Tftp,
}

impl Feature {
    /// Is it in this build?
    pub const fn built(self) -> bool {
        match self {
            Feature::Conntrack => cfg!(feature = "conntrack"),
            Feature::Dhcp => cfg!(feature = "dhcp"),
            Feature::Tftp => cfg!(feature = "tftp"),
        }
    }

    /// The feature's name in Cargo, dnsmasq's name for the service, and its build switch there.
    pub const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Feature::Conntrack => ("conntrack", "conntrack support", "HAVE_CONNTRACK"),
            Feature::Dhcp => ("dhcp", "DHCP", "HAVE_DHCP"),
            Feature::Tftp => ("tftp", "TFTP server", "HAVE_TFTP"),
        }
    }

    /// The feature without which dnsmasq refuses this option when it reads it. (`enable-tftp` and `conntrack` are refused at
    /// the start only.)
    pub fn of(option: &str) -> Option<Feature> {
        match option {
            "connmark-allowlist" | "connmark-allowlist-enable" => Some(Feature::Conntrack),
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
    if Feature::Conntrack.built() && Feature::Dhcp.built() && Feature::Tftp.built() {
        return Ok(());
    }
    match Feature::of(option) {
        Some(feature) if !feature.built() => {
            Err(Fault::from("unsupported option (check that dnsmasq was compiled with DHCP/TFTP/DNSSEC/DBus support)"))
        }
        _ => Ok(()),
    }
}

/// What is built in, in dnsmasq's words and order, as `--version` and the log print it.
pub fn words() -> String {
    let dhcp = if Feature::Dhcp.built() { "DHCP" } else { "no-DHCP" };
    let tftp = if Feature::Tftp.built() { "TFTP" } else { "no-TFTP" };
    let conntrack = if Feature::Conntrack.built() { "conntrack" } else { "no-conntrack" };
    format!(
        "IPv6 GNU-getopt no-DBus no-UBus no-i18n no-IDN {dhcp} no-DHCPv6 no-scripts {tftp} {conntrack} ipset nftset no-auth \
         no-DNSSEC no-loop-detect inotify no-dumpfile"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_refused_by_name_and_told() {
        for (option, feature) in [
            ("connmark-allowlist", Feature::Conntrack),
            ("dhcp-range", Feature::Dhcp),
            ("tag-if", Feature::Dhcp),
            ("tftp-root", Feature::Tftp),
        ] {
            assert_eq!(Feature::of(option), Some(feature));
            assert_eq!(check(option).is_ok(), feature.built());
        }
        assert_eq!(check("server"), Ok(()));
        assert_eq!(words().contains(" DHCP "), Feature::Dhcp.built());
        assert_eq!(words().contains(" no-TFTP "), !Feature::Tftp.built());
    }
}
