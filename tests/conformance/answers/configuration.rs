//! Generated configurations.

use std::fmt::Write as _;

use support::Dice;

/// A name that every configuration answers.
pub const FENCE: &str = "fence.test";

/// Lines that may be there, besides those that every configuration has. Names in them are what questions are about.
const LINES: [&str; 93] = [
    "host-record=box.lan,alias.lan,10.4.4.4,fd44::4",
    "host-record=timed.lan,10.4.4.5,77",
    "host-record=MiXed.lan,192.168.4.6",
    "host-record=two.lan,10.4.4.7",
    "host-record=two.lan,10.77.0.8",
    "cname=short.lan,box.lan",
    "cname=chain.lan,short.lan,60",
    "cname=away.lan,both1.up.example",
    "cname=astray.lan,nx1.up.example",
    "cname=to-hosts.lan,printer.lan",
    "txt-record=text.lan,one",
    "txt-record=text.lan,two,three",
    "txt-record=both1.up.example,local",
    "mx-host=mail.lan,box.lan,50",
    "mx-host=mail.lan,other.lan",
    "mx-host=box.lan",
    "mx-target=box.lan",
    "localmx",
    "selfmx",
    "srv-host=_ldap._tcp.lan,box.lan,389,1,2",
    "srv-host=_ldap._tcp.lan,printer.lan,390",
    "srv-host=_none._tcp.lan",
    "naptr-record=naptr.lan,100,50,s,SIP+D2U,,_sip._udp.lan",
    "caa-record=box.lan,0,issue,ca.example",
    "dns-rr=raw.lan,65280,0a0b0c",
    "dns-rr=text.lan,65280,01",
    "ptr-record=5.4.4.10.in-addr.arpa,pointed.lan",
    "ptr-record=_http._tcp.lan,box.lan",
    "interface-name=gate.lan,lan0",
    "interface-name=two.lan,lan0/4",
    "interface-name=gone.lan,eth9",
    "dynamic-host=near.lan,0.0.0.9,lan0",
    "synth-domain=synth.lan,10.5.0.0/24,p-",
    "synth-domain=count.lan,10.6.0.50,10.6.0.60,n-*",
    "synth-domain=six.lan,fd55::/64",
    "address=/covered.lan/10.9.9.9",
    "address=/covered.lan/fd99::9",
    "address=/null.lan/#",
    "address=/empty.lan/",
    "address=/up.example/10.1.2.3",
    "address=/box.lan/10.9.9.1",
    "address=/#/10.8.8.8",
    "local=/lan/",
    "local=//",
    "server=/nx2.up.example/",
    "server=/lan/#",
    "server=/sub.lan/198.51.100.53",
    "server=/*ard.lan/",
    "rev-server=10.4.4.0/24",
    "domain-needed",
    "bogus-priv",
    "filterwin2k",
    "localise-queries",
    "expand-hosts",
    "domain=lan",
    "domain=example,10.0.0.0/8",
    "no-round-robin",
    "local-ttl=55",
    "neg-ttl=20",
    "max-ttl=100",
    "max-cache-ttl=90",
    "min-cache-ttl=500",
    "cache-size=0",
    "cache-size=1000",
    "no-negcache",
    "no-ident",
    "filter-A",
    "filter-AAAA",
    "filter-rr=MX",
    "filter-rr=ANY",
    "filter-rr=TXT,SRV",
    "cache-rr=MX,TXT",
    "cache-rr=ANY",
    "stop-dns-rebind",
    "rebind-localhost-ok",
    "rebind-domain-ok=/private1.up.example/",
    "alias=198.18.0.1,10.99.0.1",
    "alias=198.18.0.2-198.18.0.9,192.0.2.0,255.255.255.0",
    "bogus-nxdomain=198.18.0.3",
    "bogus-nxdomain=2001:db8:18::4/126",
    "strict-order",
    "edns-packet-max=600",
    "proxy-dnssec",
    "add-subnet=24,56",
    "add-subnet",
    // Without the second, what is kept of questions that name a network is a matter of luck in the reference.
    "add-subnet=198.51.100.0/24\nstrip-subnet",
    "strip-subnet",
    "strip-mac",
    "add-cpe-id=home",
    "umbrella",
    "use-stale-cache",
    "do-0x20-encode",
    "no-0x20-encode",
];

/// What hosts files are made of.
const HOSTS: [&str; 8] = [
    "10.77.0.50 printer.lan printer-alias.lan",
    "fd77::50 printer.lan",
    "10.77.0.51 Scanner",
    "192.168.9.9 box.lan",
    "10.77.0.52 private1.up.example",
    "10.77.0.53 deep.under.hosts.lan",
    "127.0.0.1 localhost",
    "10.77.0.54 scanner printer.lan",
];

/// One configuration.
#[derive(Debug)]
pub struct Configuration {
    lines: Vec<&'static str>,
    hosts: Vec<&'static str>,
}

/// A configuration of some lines of each list.
pub fn fresh(dice: &mut Dice) -> Configuration {
    // Few lines show what each does, many how they get along.
    let share = [8, 16, 40][dice.below(3)];
    let once = ["domain=", "cache-size=", "filter-rr=", "add-subnet"];
    let mut lines: Vec<&'static str> = Vec::new();
    for line in LINES {
        // What the cache keeps by choice, and of everything, the reference takes for a sign that a filtered name exists.
        let clash = line.starts_with("filter-") && lines.contains(&"cache-rr=ANY")
            || line == "cache-rr=ANY" && lines.iter().any(|other| other.starts_with("filter-"));
        // The reference gives domains that hosts are in mail of their own, and thus no address.
        let clash =
            clash || line == "address=/#/10.8.8.8" && lines.iter().any(|other| ["localmx", "selfmx"].contains(other));
        // What is added for one client is everybody's in the reference when a network that is everybody's is added behind it.
        let clash = clash || line == "umbrella" && lines.iter().any(|other| other.starts_with("add-subnet"));
        let again =
            clash || once.iter().any(|key| line.starts_with(key) && lines.iter().any(|other| other.starts_with(key)));
        if dice.below(100) < share && !again {
            lines.push(line);
        }
    }
    let hosts = HOSTS.iter().copied().filter(|_| dice.below(2) == 0).collect();
    Configuration { lines, hosts }
}

impl Configuration {
    /// The configuration file. `DIR` stands for the server's directory.
    pub fn text(&self) -> String {
        let mut text = format!(
            "no-resolv\nno-hosts\naddn-hosts=DIR/hosts\nserver=198.51.100.53\nhost-record={FENCE},192.0.2.254\n"
        );
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// The hosts file.
    pub fn hosts(&self) -> String {
        self.hosts.join("\n") + "\n"
    }
}
