//! Generated configurations.

use support::Dice;

/// Lines that may be there, besides those that every configuration has.
const LINES: [&str; 139] = [
    "dhcp-range=10.77.0.0,proxy",
    "pxe-prompt=\"Press\",5",
    "pxe-prompt=tag:red,\"now\",0",
    "pxe-service=x86PC,\"One\",one",
    "pxe-service=x86PC,\"Local\",0",
    "pxe-service=tag:voip,x86PC,\"Two\",two,10.77.0.9",
    "pxe-service=7,\"Efi\",efi.efi",
    "pxe-service=7,\"Type\",3,10.77.0.8",
    "dhcp-option-pxe=150,1.2.3.4",
    "dhcp-pxe-vendor=foo,PXE",
    "dhcp-range=set:second,10.77.0.60,10.77.0.64,2h",
    "dhcp-range=tag:red,10.77.0.70,10.77.0.75,infinite",
    "dhcp-range=tag:!red,10.77.0.80,10.77.0.82,10m",
    "dhcp-range=10.77.0.0,static",
    "dhcp-range=10.88.0.10,10.88.0.14,255.255.255.0,20m",
    "dhcp-range=set:far,10.89.0.10,10.89.0.14,255.255.255.0,10.89.0.255,3m",
    "dhcp-range=10.90.0.0,static,255.255.255.0",
    "dhcp-host=02:00:00:00:0a:01,fixed,10.77.0.101,set:fx",
    "dhcp-host=02:00:00:00:0a:02,onlyname",
    "dhcp-host=02:00:00:00:0a:03,ignore",
    "dhcp-host=02:00:00:*:0a:04,set:red,wild",
    "dhcp-host=nm,10.77.0.102",
    "dhcp-host=id:me,10.77.0.103,10m",
    "dhcp-host=id:01:02:00:00:00:0a:05,10.77.0.104",
    "dhcp-host=02:00:00:00:0a:05,02:00:00:00:0a:06,10.77.0.105,two,infinite",
    "dhcp-host=02:00:00:00:0a:07,id:*,seven",
    "dhcp-host=tag:red,02:00:00:00:0a:01,10.77.0.106",
    "dhcp-host=02:00:00:00:0a:00,10.88.0.50,elsewhere",
    "dhcp-host=02:00:00:00:0a:04,10.77.0.12",
    "dhcp-host=06-02:00:00:00:0a:03,typed,10.77.0.107",
    "dhcp-vendorclass=set:voip,phone",
    "dhcp-vendorclass=set:ms,MSFT",
    "dhcp-userclass=set:uc,accounting",
    "dhcp-mac=set:red,02:00:00:*:*:02",
    "dhcp-match=set:m60,60",
    "dhcp-match=set:arch7,option:client-arch,7",
    "dhcp-match=set:m175,175",
    "dhcp-match=set:m77,77,accounting",
    "dhcp-match=set:wild,61,01:02:*:00:00:0a:*",
    "dhcp-match=set:vi,vi-encap:311,MSFT",
    "dhcp-match=set:mname,option:hostname,alpha",
    "tag-if=set:red,tag:voip",
    "tag-if=set:both,tag:red,tag:!fx",
    "tag-if=set:any,tag:m*",
    "tag-if=set:always",
    "tag-if=set:red,tag:known",
    "dhcp-circuitid=set:circ,01:02",
    "dhcp-circuitid=set:circ,port",
    "dhcp-remoteid=set:rem,remote",
    "dhcp-subscrid=set:sub,subscriber",
    "dhcp-name-match=set:voip,al*",
    "dhcp-name-match=set:nmatch,bravo",
    "dhcp-ignore=tag:uc",
    "dhcp-ignore=tag:!known,tag:!fence",
    "dhcp-ignore=tag:bootp",
    "dhcp-ignore-names=tag:voip",
    "dhcp-ignore-names",
    "dhcp-generate-names",
    "dhcp-generate-names=tag:voip",
    "dhcp-broadcast",
    "dhcp-broadcast=tag:fx",
    "dhcp-option=3,10.77.0.2",
    "dhcp-option=3",
    "dhcp-option=6,10.77.0.3,0.0.0.0",
    "dhcp-option=option:ntp-server,0.0.0.0,10.77.0.4",
    "dhcp-option=tag:red,option:ntp-server,10.77.0.5",
    "dhcp-option=tag:second,42,10.77.0.6",
    "dhcp-option=tag:fx,42,1.1.1.1",
    "dhcp-option=15,other.example",
    "dhcp-option=28,10.77.0.254",
    "dhcp-option=1,255.255.0.0",
    "dhcp-option=12,called",
    "dhcp-option=58,100",
    "dhcp-option=option:T2,200",
    "dhcp-option=26,1400",
    "dhcp-option=tag:voip,150,9.9.9.1",
    "dhcp-option=tag:voip,6",
    "dhcp-option=option:domain-search,a.example,b.example.org,eng.a.example",
    "dhcp-option=option:classless-static-route,10.1.0.0/16,10.77.0.9,0.0.0.0/0,10.77.0.1",
    "dhcp-option=121,192.168.0.0/24,0.0.0.0",
    "dhcp-option=option:sip-server,sip.example.org",
    "dhcp-option=option:sip-server,10.77.0.8",
    "dhcp-option=tag:both,44,3.3.3.3",
    "dhcp-option=44,4.4.4.4",
    "dhcp-option=252,\"http://wpad.example.org/\"",
    "dhcp-option=119,x.example",
    "dhcp-option=option:tftp-server,\"tftp.example\"",
    "dhcp-option=option:bootfile-name,\"boot.img\"",
    "dhcp-option=option:server-ip-address,10.77.0.7",
    "dhcp-option=vendor:foo,1,5.6.7.8",
    "dhcp-option=vendor:foo,2,\"xy\"",
    "dhcp-option=vendor:MSFT,2,1i",
    "dhcp-option=vendor:,9,01:02:03",
    "dhcp-option=vendor:PXEClient,6,2b",
    "dhcp-option=60,\"our class\"",
    "dhcp-option=43,01:01:07",
    "dhcp-option=encap:175,190,user",
    "dhcp-option=encap:175,tag:red,191,pass",
    "dhcp-option=vi-encap:311,1,text",
    "dhcp-option=vi-encap:311,2,10.1.1.1",
    "dhcp-option=vi-encap:3561,tag:always,5,99",
    "dhcp-option-force=208,01:02",
    "dhcp-option-force=tag:voip,26,1300",
    "dhcp-option-force=option:mtu,1280",
    "dhcp-option-force=encap:176,1,forced",
    "dhcp-option-force=vi-encap:9,3,forced",
    "dhcp-option-force=vendor:phone,4,forced",
    "dhcp-option=224,\"a value of two hundred bytes and a few more, so that the area for options is soon used up and the file and sname fields have to take what is left, as long as nobody forbids it, which some configurations do\"",
    "dhcp-option=225,\"another long value, of a hundred and twenty bytes or so, that makes it necessary to look for room in still other places\"",
    "dhcp-boot=pxelinux.0",
    "dhcp-boot=tag:fx,pxe.0,srv,9.9.9.9",
    "dhcp-boot=tag:arch7,efi.0,,10.77.0.9",
    "dhcp-no-override",
    "dhcp-authoritative",
    "dhcp-rapid-commit",
    "dhcp-sequential-ip",
    "dhcp-ignore-clid",
    "domain=example.org",
    "domain=far.example,10.88.0.0/24",
    "dhcp-client-update",
    "bootp-dynamic",
    "bootp-dynamic=tag:red",
    "leasequery",
    "dhcp-proxy",
    "dhcp-proxy=10.88.0.1",
    "dhcp-lease-max=5",
    "log-dhcp",
    "shared-network=lan0,10.89.0.1",
    "addn-hosts=DIR/hosts",
    "addn-hosts=DIR/hosts",
    "expand-hosts",
    "dhcp-host=02:00:00:00:0a:05,hostsname",
    "dhcp-host=02:00:00:00:0a:06,several",
    "dhcp-host=02:00:00:00:0a:07,taken,set:fx",
    "dhcp-host=ten,set:red",
    "dhcp-host=02:00:00:00:0a:01,hostsname,[fd00::1]",
    "host-record=onlyname,recorded,10.77.0.111",
    "dhcp-boot=named.0,,boot",
    "dhcp-boot=tag:red,named.1,,absent",
];
/// The pool that every configuration has; some are soon used up.
const POOLS: [&str; 3] = ["10.77.0.10,10.77.0.13,1h", "10.77.0.10,10.77.0.20,30m", "10.77.0.10,10.77.0.40"];
/// The machine behind the fence, which is always served.
const FENCE: &str = "dhcp-host=02:fe:00:00:00:01,10.77.0.250,set:fence,1d";

/// One configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    pool: &'static str,
    port: u16,
    /// Does a script hear of leases?
    pub script: bool,
    /// Lines that could be left out.
    pub lines: Vec<&'static str>,
}

impl Configuration {
    /// Any configuration.
    pub fn fresh(dice: &mut Dice) -> Configuration {
        // Few lines show what each does; many, how they get along.
        let share = [12, 8, 4][dice.below(3)];
        let mut lines: Vec<&'static str> = LINES.iter().copied().filter(|_| dice.below(share) == 0).collect();
        // Their order matters.
        for position in (1..lines.len()).rev() {
            lines.swap(position, dice.below(position + 1));
        }
        let port = if dice.below(2) == 0 { 53 } else { 0 };
        let script = dice.below(2) == 0;
        Configuration { pool: POOLS[dice.below(POOLS.len())], port, script, lines }
    }

    /// The same with other lines.
    pub fn with(&self, lines: &[&'static str]) -> Configuration {
        Configuration { lines: lines.to_vec(), ..self.clone() }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!("no-ping\nno-resolv\nno-hosts\nport={}\n{FENCE}\ndhcp-range={}\n", self.port, self.pool);
        text += if self.script { "dhcp-script=DIR/script\n" } else { "" };
        text.extend(self.lines.iter().flat_map(|line| [line, "\n"]));
        text
    }
}
