//! Generated configurations.

use std::fmt::Write as _;

use support::Dice;

/// A name that every configuration answers.
pub const FENCE: &str = "fence.test";

/// Lines that may be there, besides those that every configuration has. Names in them are what questions are about.
const LINES: [&str; 136] = [
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
    "cname=*.stars.lan,box.lan",
    "cname=one.ring.lan,two.ring.lan,three.ring.lan,box.lan",
    "cname=to-null.lan,a.null.lan",
    "cname=to-synth.lan,p-10-5-0-7.synth.lan",
    "cname=nx3.up.example,box.lan",
    "host-record=v6only.lan,fd44::6",
    "host-record=deep.er.and.deeper.lan,10.4.4.8",
    "host-record=nx4.up.example,10.4.4.9",
    "txt-record=\"dots in.lan\",x",
    "txt-record=_under._score.lan,x",
    "mx-host=lan,mail.lan,10",
    "srv-host=_sip._udp.up.example,both1.up.example,5060",
    "ptr-record=lan,pointed.lan",
    "ptr-record=1.0.18.198.in-addr.arpa,pointed.lan",
    "naptr-record=mail.lan,10,20,u,E2U+sip,!^.*$!sip:info@example!",
    "caa-record=only-caa.lan,128,iodef,mailto:x@example",
    "dns-rr=box.lan,65281,0001000000",
    "dns-rr=alone.lan,99,0161",
    "address=//10.3.3.3",
    "address=/*ing.lan/10.9.9.7",
    "address=/deep.er.and.deeper.lan/::",
    "address=/box.up.example/a.covered.lan/10.9.9.8",
    "local=/arpa/",
    "local=/covered.lan/",
    "local=/example/",
    "server=//198.51.100.53",
    "server=/covered.lan/198.51.100.53",
    "server=/a2.up.example/#",
    "server=/up.example/198.51.100.53",
    "rev-server=10.0.0.0/8,198.51.100.53",
    "rev-server=192.168.4.0/23,198.51.100.53",
    "rev-server=fd00::/16",
    "domain=lan,10.77.0.0/24,local",
    "alias=192.168.7.1-192.168.7.9,198.18.1.0,255.255.255.0",
    "bogus-nxdomain=192.168.7.2",
    "ignore-address=198.18.0.5",
    "all-servers",
    "port-limit=2",
    "max-ttl=5000",
    "edns-packet-max=4096",
    "cache-rr=65280,HTTPS",
    "filter-rr=HTTPS,CNAME",
    "filter-rr=PTR,NAPTR,A",
];

/// What hosts files are made of.
const HOSTS: [&str; 14] = [
    "10.77.0.50 printer.lan printer-alias.lan",
    "fd77::50 printer.lan",
    "10.77.0.51 Scanner",
    "192.168.9.9 box.lan",
    "10.77.0.52 private1.up.example",
    "10.77.0.53 deep.under.hosts.lan",
    "127.0.0.1 localhost",
    "10.77.0.54 scanner printer.lan",
    "0.0.0.0 blocked.up.example a3.up.example",
    ":: blocked.up.example",
    "::1 localhost ip6-localhost",
    "fe80::1%lan0 scoped.lan",
    "10.77.0.55 UPPER.Lan upper.lan 10.77.0.56",
    "10.77.0.57 bad_name.lan -dash.lan x..nowhere-else",
];

/// One configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    lines: Vec<&'static str>,
    hosts: Vec<&'static str>,
}

/// A line of a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    of_hosts: bool,
    line: &'static str,
}

/// A configuration of some lines of each list.
pub fn fresh(dice: &mut Dice) -> Configuration {
    // Few lines show what each does, many how they get along.
    let share = [8, 16, 40][dice.below(3)];
    let mut lines: Vec<&'static str> = Vec::new();
    for line in LINES {
        if dice.below(100) < share && !clashes(line, &lines) {
            lines.push(line);
        }
    }
    let hosts = HOSTS.iter().copied().filter(|_| dice.below(2) == 0).collect();
    Configuration { lines, hosts }
}

/// May this line not stand beside those?
fn clashes(line: &str, lines: &[&str]) -> bool {
    let beside = |start: &str| lines.iter().any(|other| other.starts_with(start));
    match line {
        // What the cache keeps by choice, and of everything, the reference takes for a sign that a filtered name exists.
        "cache-rr=ANY" => beside("filter-") || beside("cache-rr="),
        // The reference gives domains that hosts are in mail of their own, and thus no address.
        "address=/#/10.8.8.8" => beside("localmx") || beside("selfmx"),
        // What is added for one client is everybody's in the reference when a network that is everybody's is added behind it.
        "umbrella" => beside("add-subnet"),
        // As above; and what the reference denies over UDP it refuses over TCP.
        "address=//10.3.3.3" => ["localmx", "selfmx", "domain-needed"].iter().any(|other| beside(other)),
        line if line.starts_with("filter-") && beside("cache-rr=ANY") => true,
        line => ["domain=", "cache-size=", "filter-rr=", "add-subnet", "max-ttl=", "edns-packet-max="]
            .iter()
            .any(|key| line.starts_with(key) && beside(key)),
    }
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

    /// The lines that could be left out: of the file, and of the hosts file.
    pub fn parts(&self) -> Vec<Part> {
        let (lines, hosts) = (self.lines.iter(), self.hosts.iter());
        lines
            .map(|line| Part { of_hosts: false, line })
            .chain(hosts.map(|line| Part { of_hosts: true, line }))
            .collect()
    }

    /// A configuration of these lines.
    pub fn of(parts: &[Part]) -> Configuration {
        let lines =
            |of_hosts| parts.iter().filter(move |part| part.of_hosts == of_hosts).map(|part| part.line).collect();
        Configuration { lines: lines(false), hosts: lines(true) }
    }

    /// The hosts file.
    pub fn hosts(&self) -> String {
        self.hosts.join("\n") + "\n"
    }
}
