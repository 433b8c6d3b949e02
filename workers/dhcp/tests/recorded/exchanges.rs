//! Answers recorded from dnsmasq 2.93, byte for byte: the same requests in the same order must get the same answers from us.
//!
//! The server's interface had 192.168.77.1/24, and this was its configuration:
//!
//! ```text
//! dhcp-range=192.168.77.10,192.168.77.20,1h
//! dhcp-range=set:second,192.168.77.30,192.168.77.40,2h
//! dhcp-range=tag:red,192.168.77.50,192.168.77.60,infinite
//! dhcp-range=192.168.77.0,static
//! no-ping
//! dhcp-rapid-commit
//! domain=example.org
//! dhcp-host=02:00:00:00:03:01,fixed,192.168.77.70,set:fx
//! dhcp-host=02:00:00:00:03:02,onlyname
//! dhcp-host=02:00:00:00:03:03,ignore
//! dhcp-host=02:00:00:*:03:04,set:red,wild
//! dhcp-host=nm,192.168.77.71
//! dhcp-host=id:me,192.168.77.72,10m
//! dhcp-vendorclass=set:voip,phone
//! dhcp-option=tag:voip,150,9.9.9.1
//! dhcp-option=vendor:foo,1,5.6.7.8
//! dhcp-option=vendor:foo,2,"xy"
//! dhcp-option=tag:fx,42,1.1.1.1
//! dhcp-option=42,0.0.0.0,2.2.2.2
//! dhcp-option=tag:second,44,3.3.3.3
//! dhcp-option=44,4.4.4.4
//! dhcp-option=26,1400
//! dhcp-option=tag:voip,6
//! dhcp-option-force=208,01:02
//! dhcp-option=tag:red,252,"http://wpad.example.org/"
//! dhcp-boot=tag:fx,pxe.0,srv,9.9.9.9
//! ```

/// A request and its answer. `[N]` in the hex stands for N bytes of zero.
pub struct Exchange {
    /// What it shows.
    pub case: &'static str,
    /// Who sent it.
    pub source: &'static str,
    /// To which address.
    pub destination: &'static str,
    /// The request.
    pub request: &'static str,
    /// Where the answer went, and the answer.
    pub answer: Option<(&'static str, &'static str)>,
    /// What was logged.
    pub log: &'static [&'static str],
}

/// In order.
pub const EXCHANGES: &[Exchange] = &[
    Exchange {
        case: "a new client is offered the address of its hash",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "01010601010203040005[18]020000000202[202]6382536335010137090103060c0f1c2a2b2c0c05616c7068613d0701020000000202ff",
        answer: Some((
            "192.168.77.17:68",
            "02010601010203040005[6]c0a84d11c0a84d01[4]020000000202[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:02 ", "DHCPOFFER(eth0) 192.168.77.17 02:00:00:00:02:02 "],
    },
    Exchange {
        case: "and gets it",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "01010600010203040005[18]020000000202[202]6382536335010337090103060c0f1c2a2b2c0c05616c7068613d07010200000002023204c0a84d113604c0a84d01ff",
        answer: Some((
            "192.168.77.17:68",
            "02010600010203040005[6]c0a84d11c0a84d01[4]020000000202[202]638253633501053604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c05616c706861d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.17 02:00:00:00:02:02 ",
            "DHCPACK(eth0) 192.168.77.17 02:00:00:00:02:02 alpha",
        ],
    },
    Exchange {
        case: "another client id on the same hardware is another client",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000202[202]6382536335010137090103060c0f1c2a2b2c3d0701020000000203ff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]020000000202[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:02 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:02:02 "],
    },
    Exchange {
        case: "without parameter list everything is sent",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000203[202]63825363350101ff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]020000000203[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201021a0205782c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:03 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:02:03 "],
    },
    Exchange {
        case: "the broadcast flag is obeyed",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304000080[17]020000000203[202]6382536335010137090103060c0f1c2a2b2cff",
        answer: Some((
            "255.255.255.255:68",
            "0201060001020304000080[5]c0a84d12c0a84d01[4]020000000203[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:03 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:02:03 "],
    },
    Exchange {
        case: "a host rule gives address, name, tag and boot data",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000301[202]6382536335010137090103060c0f1c2a2b2cff",
        answer: Some((
            "192.168.77.70:68",
            "0201060001020304[8]c0a84d4609090909[4]020000000301[10]737276[61]7078652e30[123]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c056669786564d00201022c04040404042a0401010101ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:01 ", "DHCPOFFER(eth0) 192.168.77.70 02:00:00:00:03:01 "],
    },
    Exchange {
        case: "boot data goes into options when listed",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000301[202]63825363350101370e0103060c0f1a1c2a2b2c424396fcff",
        answer: Some((
            "192.168.77.70:68",
            "0201060001020304[8]c0a84d4609090909[4]020000000301[202]638253633501023604c0a84d01330400000e1042047372760043067078652e30003a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c056669786564d00201021a0205782c04040404042a0401010101ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:01 ", "DHCPOFFER(eth0) 192.168.77.70 02:00:00:00:03:01 "],
    },
    Exchange {
        case: "a name alone",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000302[202]63825363350101370e0103060c0f1a1c2a2b2c424396fc5106080000666f6fff",
        answer: Some((
            "192.168.77.12:68",
            "0201060001020304[8]c0a84d0cc0a84d01[4]020000000302[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c086f6e6c796e616d65511703ffff6f6e6c796e616d652e6578616d706c652e6f7267d00201021a0205782c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:02 ", "DHCPOFFER(eth0) 192.168.77.12 02:00:00:00:03:02 "],
    },
    Exchange {
        case: "ignored",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000303[202]63825363350101370e0103060c0f1a1c2a2b2c424396fcff",
        answer: None,
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:03 ignored"],
    },
    Exchange {
        case: "wildcards, a tagged pool, infinite time",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000990304[202]63825363350101370e0103060c0f1a1c2a2b2c424396fcff",
        answer: Some((
            "192.168.77.55:68",
            "0201060001020304[8]c0a84d37c0a84d01[4]020000990304[202]638253633501023604c0a84d013304ffffffff0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c0477696c64fc18687474703a2f2f777061642e6578616d706c652e6f72672fd00201021a0205782c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:99:03:04 ", "DHCPOFFER(eth0) 192.168.77.55 02:00:00:99:03:04 "],
    },
    Exchange {
        case: "a rule found by name",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000306[202]6382536335010137090103060c0f1c2a2b2c0c024e4dff",
        answer: Some((
            "192.168.77.71:68",
            "0201060001020304[8]c0a84d47c0a84d01[4]020000000306[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:06 ", "DHCPOFFER(eth0) 192.168.77.71 02:00:00:00:03:06 "],
    },
    Exchange {
        case: "a rule found by client id",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000306[202]6382536335010137090103060c0f1c2a2b2c3d026d65ff",
        answer: Some((
            "192.168.77.72:68",
            "0201060001020304[8]c0a84d48c0a84d01[4]020000000306[202]638253633501023604c0a84d013304000002583a040000012c3b040000020d0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:06 ", "DHCPOFFER(eth0) 192.168.77.72 02:00:00:00:03:06 "],
    },
    Exchange {
        case: "a rule found by client id with a type byte",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000306[202]6382536335010137090103060c0f1c2a2b2c3d03006d65ff",
        answer: Some((
            "192.168.77.72:68",
            "0201060001020304[8]c0a84d48c0a84d01[4]020000000306[202]638253633501023604c0a84d013304000002583a040000012c3b040000020d0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:06 ", "DHCPOFFER(eth0) 192.168.77.72 02:00:00:00:03:06 "],
    },
    Exchange {
        case: "vendor options and the class back",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000307[202]63825363350101370e0103060c0f1a1c2a2b2c424396fc3c076120666f6f2062ff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]020000000307[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201021a0205782c04040404042a08c0a84d01020202022b0b02027879010405060708ff3c076120666f6f2062ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:07 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:03:07 "],
    },
    Exchange {
        case: "a vendor class sets a tag, and an empty option suppresses",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000307[202]63825363350101370e0103060c0f1a1c2a2b2c424396fc3c07612070686f6e65ff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]020000000307[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010f0b6578616d706c652e6f7267d00201021a0205782c04040404042a08c0a84d0102020202960409090901ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:07 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:03:07 "],
    },
    Exchange {
        case: "subnet selection is echoed",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000307[202]6382536335010137090103060c0f1c2a2b2c7604c0a84d00ff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]020000000307[202]638253633501023604c0a84d01330400000e107604c0a84d003a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:07 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:03:07 "],
    },
    Exchange {
        case: "a subnet of nobody",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000307[202]6382536335010137090103060c0f1c2a2b2c7604c0a86300ff",
        answer: None,
        log: &["no address range available for DHCP request with subnet selector 192.168.99.0"],
    },
    Exchange {
        case: "a relay agent",
        source: "192.168.77.5:67",
        destination: "192.168.77.1",
        request: "0101060101020304[16]c0a84d05020000000307[202]6382536335010137090103060c0f1c2a2b2c5204010261620c0372656cff",
        answer: Some((
            "192.168.77.5:67",
            "0201060101020304[8]c0a84d12c0a84d01c0a84d05020000000307[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202520401026162ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:07 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:03:07 "],
    },
    Exchange {
        case: "a relay agent that overrides the server id",
        source: "192.168.77.5:67",
        destination: "192.168.77.1",
        request: "0101060001020304[16]c0a84d05020000000307[202]6382536335010137090103060c0f1c2a2b2c520c0b04070707070504c0a84d00ff",
        answer: Some((
            "192.168.77.5:67",
            "0201060001020304[8]c0a84d12c0a84d01c0a84d05020000000307[202]63825363350102360407070707330400000e107604c0a84d003a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202520c0b04070707070504c0a84d00ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:03:07 ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:03:07 "],
    },
    Exchange {
        case: "a refusal through a relay agent",
        source: "192.168.77.5:67",
        destination: "192.168.77.1",
        request: "0101060001020304[16]c0a84d05020000000307[202]6382536335010337090103060c0f1c2a2b2c3604c0a84d013204c0a84d11520401026162ff",
        answer: Some((
            "192.168.77.5:67",
            "0201060001020304000080[13]c0a84d05020000000307[202]638253633501063604c0a84d01380e6164647265737320696e20757365520401026162ff[28]",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.17 02:00:00:00:03:07 ",
            "DHCPNAK(eth0) 192.168.77.17 02:00:00:00:03:07 address in use",
        ],
    },
    Exchange {
        case: "rapid commit with a name in wire form",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000209[202]6382536335010137090103060c0f1c2a2b2c500051160500000567616d6d61076578616d706c65036f726700ff",
        answer: Some((
            "192.168.77.13:68",
            "0201060001020304[8]c0a84d0dc0a84d01[4]020000000209[202]638253633501053604c0a84d01330400000e1050003a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c0567616d6d61511605ffff0567616d6d61076578616d706c65036f726700d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:09 ", "DHCPACK(eth0) 192.168.77.13 02:00:00:00:02:09 gamma"],
    },
    Exchange {
        case: "rapid commit with a name in text form",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]02000000020a[202]6382536335010137090103060c0f1c2a2b2c5000511401000064656c74612e6578616d706c652e6f7267ff",
        answer: Some((
            "192.168.77.14:68",
            "0201060001020304[8]c0a84d0ec0a84d01[4]02000000020a[202]638253633501053604c0a84d01330400000e1050003a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c0564656c7461511401ffff64656c74612e6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:0a ", "DHCPACK(eth0) 192.168.77.14 02:00:00:00:02:0a delta"],
    },
    Exchange {
        case: "the server does the update anyhow",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]02000000020b[202]6382536335010137090103060c0f1c2a2b2c50005112000000657073696c6f6e2e666f6f2e6f7267ff",
        answer: Some((
            "192.168.77.15:68",
            "0201060001020304[8]c0a84d0fc0a84d01[4]02000000020b[202]638253633501053604c0a84d01330400000e1050003a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c07657073696c6f6e511603ffff657073696c6f6e2e6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &[
            "DHCPDISCOVER(eth0) 02:00:00:00:02:0b ",
            "Ignoring domain foo.org for DHCP host name epsilon",
            "DHCPACK(eth0) 192.168.77.15 02:00:00:00:02:0b epsilon",
        ],
    },
    Exchange {
        case: "strings end with NUL if the client's does, and short times are asked for",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]02000000020c[202]6382536335010150000c057a65746100330400000001ff",
        answer: Some((
            "192.168.77.16:68",
            "0201060001020304[8]c0a84d10c0a84d01[4]02000000020c[202]638253633501053604c0a84d0133040000007850003a040000003c3b04000000690104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0c6578616d706c652e6f7267000c057a65746100d00201021a0205782c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:0c ", "DHCPACK(eth0) 192.168.77.16 02:00:00:00:02:0c zeta"],
    },
    Exchange {
        case: "a lease of 10 minutes is asked for",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]02000000020e[202]63825363350101330400000258ff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]02000000020e[202]638253633501023604c0a84d013304000002583a040000012c3b040000020d0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201021a0205782c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:0e ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:02:0e "],
    },
    Exchange {
        case: "an inform",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[4]c0a84d11[12]020000000202[202]6382536335010837090103060c0f1c2a2b2cff",
        answer: Some((
            "192.168.77.17:68",
            "0201060001020304[4]c0a84d11[4]c0a84d01[4]020000000202[202]638253633501053604c0a84d010104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPINFORM(eth0) 192.168.77.17 02:00:00:00:02:02 ", "DHCPACK(eth0) 192.168.77.17 02:00:00:00:02:02 "],
    },
    Exchange {
        case: "an inform from an address we know nothing of",
        source: "192.168.77.99:4000",
        destination: "192.168.77.1",
        request: "0101060001020304[4]c0a84d63[12]0200000002ff[202]6382536335010837023303ff",
        answer: Some((
            "192.168.77.99:4000",
            "0201060001020304[4]c0a84d63[4]c0a84d01[4]0200000002ff[202]638253633501053604c0a84d010104ffffff001c04c0a84dff0304c0a84d01d0020102ff[28]",
        )),
        log: &["DHCPINFORM(eth0) 192.168.77.99 02:00:00:00:02:ff ", "DHCPACK(eth0) 192.168.77.99 02:00:00:00:02:ff "],
    },
    Exchange {
        case: "reboot with another address than the lease's",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000202[202]638253633501033204c0a84d0cff",
        answer: Some((
            "255.255.255.255:68",
            "0201060001020304000080[17]020000000202[202]638253633501063604c0a84d01380d77726f6e672061646472657373ff[35]",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.12 02:00:00:00:02:02 ",
            "DHCPNAK(eth0) 192.168.77.12 02:00:00:00:02:02 wrong address",
        ],
    },
    Exchange {
        case: "reboot without lease",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]0200000002fe[202]638253633501033204c0a84d0cff",
        answer: None,
        log: &[],
    },
    Exchange {
        case: "renewal without lease, to us alone",
        source: "192.168.77.12:68",
        destination: "192.168.77.1",
        request: "0101060001020304[4]c0a84d0c[12]0200000002fe[202]63825363350103ff",
        answer: Some((
            "255.255.255.255:68",
            "0201060001020304000080[17]0200000002fe[202]638253633501063604c0a84d01380f6c65617365206e6f7420666f756e64ff[33]",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.12 02:00:00:00:02:fe ",
            "DHCPNAK(eth0) 192.168.77.12 02:00:00:00:02:fe lease not found",
        ],
    },
    Exchange {
        case: "renewal without lease, to everybody",
        source: "192.168.77.12:68",
        destination: "255.255.255.255",
        request: "0101060001020304[4]c0a84d0c[12]0200000002fe[202]63825363350103ff",
        answer: None,
        log: &[],
    },
    Exchange {
        case: "an address in use",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]0200000002fe[202]638253633501033204c0a84d113604c0a84d01ff",
        answer: Some((
            "255.255.255.255:68",
            "0201060001020304000080[17]0200000002fe[202]638253633501063604c0a84d01380e6164647265737320696e20757365ff[34]",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.17 02:00:00:00:02:fe ",
            "DHCPNAK(eth0) 192.168.77.17 02:00:00:00:02:fe address in use",
        ],
    },
    Exchange {
        case: "an address of another network",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]0200000002fe[202]6382536335010332040a0000013604c0a84d01ff",
        answer: Some((
            "255.255.255.255:68",
            "0201060001020304000080[17]0200000002fe[202]638253633501063604c0a84d01380d77726f6e67206e6574776f726bff[35]",
        )),
        log: &[
            "DHCPREQUEST(eth0) 10.0.0.1 02:00:00:00:02:fe ",
            "DHCPNAK(eth0) 10.0.0.1 02:00:00:00:02:fe wrong network",
        ],
    },
    Exchange {
        case: "an address outside the pools",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]0200000002fe[202]638253633501033204c0a84d643604c0a84d01ff",
        answer: Some((
            "255.255.255.255:68",
            "0201060001020304000080[17]0200000002fe[202]638253633501063604c0a84d01381561646472657373206e6f7420617661696c61626c65ff[27]",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.100 02:00:00:00:02:fe ",
            "DHCPNAK(eth0) 192.168.77.100 02:00:00:00:02:fe address not available",
        ],
    },
    Exchange {
        case: "another server's offer",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]0200000002fe[202]638253633501033204c0a84d0c3604c0a84d02ff",
        answer: None,
        log: &[],
    },
    Exchange {
        case: "the second pool has its own options",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000309[202]6382536335010337090103060c0f1c2a2b2c3204c0a84d213604c0a84d010c0374776fff",
        answer: Some((
            "192.168.77.33:68",
            "0201060001020304[8]c0a84d21c0a84d01[4]020000000309[202]638253633501053604c0a84d01330400001c203a0400000e103b040000189c0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c0374776fd00201022c04030303032a08c0a84d0102020202ff",
        )),
        log: &[
            "DHCPREQUEST(eth0) 192.168.77.33 02:00:00:00:03:09 ",
            "DHCPACK(eth0) 192.168.77.33 02:00:00:00:03:09 two",
        ],
    },
    Exchange {
        case: "the host rule's client asks for another address",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000301[202]6382536335010337090103060c0f1c2a2b2c3204c0a84d0cff",
        answer: None,
        log: &[],
    },
    Exchange {
        case: "a client's own decline",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]02000000020a[202]638253633501043204c0a84d0e3604c0a84d01ff",
        answer: None,
        log: &["DHCPDECLINE(eth0) 192.168.77.14 02:00:00:00:02:0a "],
    },
    Exchange {
        case: "moves it one further",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]02000000020a[202]6382536335010137090103060c0f1c2a2b2cff",
        answer: Some((
            "192.168.77.18:68",
            "0201060001020304[8]c0a84d12c0a84d01[4]02000000020a[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:0a ", "DHCPOFFER(eth0) 192.168.77.18 02:00:00:00:02:0a "],
    },
    Exchange {
        case: "and everybody else who is new",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000207[202]6382536335010137090103060c0f1c2a2b2cff",
        answer: Some((
            "192.168.77.12:68",
            "0201060001020304[8]c0a84d0cc0a84d01[4]020000000207[202]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 02:00:00:00:02:07 ", "DHCPOFFER(eth0) 192.168.77.12 02:00:00:00:02:07 "],
    },
    Exchange {
        case: "a declined host rule address",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000301[202]638253633501043204c0a84d463604c0a84d01ff",
        answer: None,
        log: &[
            "DHCPDECLINE(eth0) 192.168.77.70 02:00:00:00:03:01 ",
            "disabling DHCP static address 192.168.77.70 for 10m",
        ],
    },
    Exchange {
        case: "is not used for a while",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]020000000301[202]6382536335010137090103060c0f1c2a2b2cff",
        answer: Some((
            "192.168.77.12:68",
            "0201060001020304[8]c0a84d0c09090909[4]020000000301[10]737276[61]7078652e30[123]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f72670c056669786564d00201022c04040404042a0401010101ff",
        )),
        log: &[
            "not using configured address 192.168.77.70 because it was previously declined",
            "DHCPDISCOVER(eth0) 02:00:00:00:03:01 ",
            "DHCPOFFER(eth0) 192.168.77.12 02:00:00:00:03:01 ",
        ],
    },
    Exchange {
        case: "a release",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[4]c0a84d0f[12]02000000020b[202]638253633501073604c0a84d01ff",
        answer: None,
        log: &["DHCPRELEASE(eth0) 192.168.77.15 02:00:00:00:02:0b "],
    },
    Exchange {
        case: "frees the address",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101060001020304[20]0200000002fd[202]6382536335010337090103060c0f1c2a2b2c3204c0a84d0f3604c0a84d01ff",
        answer: Some((
            "192.168.77.15:68",
            "0201060001020304[8]c0a84d0fc0a84d01[4]0200000002fd[202]638253633501053604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPREQUEST(eth0) 192.168.77.15 02:00:00:00:02:fd ", "DHCPACK(eth0) 192.168.77.15 02:00:00:00:02:fd "],
    },
    Exchange {
        case: "no hardware address, but a client id",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101000001020304[228]6382536335010137090103060c0f1c2a2b2c3d0400616263ff",
        answer: Some((
            "255.255.255.255:68",
            "0201000001020304[8]c0a84d12c0a84d01[212]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &["DHCPDISCOVER(eth0) 00:61:62:63 ", "DHCPOFFER(eth0) 192.168.77.18 00:61:62:63 "],
    },
    Exchange {
        case: "nothing to know the client by",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101000001020304[228]6382536335010137090103060c0f1c2a2b2cff",
        answer: None,
        log: &["DHCPDISCOVER(eth0) <null> no unique-id"],
    },
    Exchange {
        case: "sixteen bytes of hardware address",
        source: "0.0.0.0:68",
        destination: "255.255.255.255",
        request: "0101100001020304[20]02020202020202020202020202020202[192]6382536335010137090103060c0f1c2a2b2cff",
        answer: Some((
            "255.255.255.255:68",
            "0201100001020304[8]c0a84d0cc0a84d01[4]02020202020202020202020202020202[192]638253633501023604c0a84d01330400000e103a04000007083b0400000c4e0104ffffff001c04c0a84dff0304c0a84d010604c0a84d010f0b6578616d706c652e6f7267d00201022c04040404042a08c0a84d0102020202ff",
        )),
        log: &[
            "DHCPDISCOVER(eth0) 02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02 ",
            "DHCPOFFER(eth0) 192.168.77.12 02:02:02:02:02:02:02:02:02:02:02:02:02:02:02:02 ",
        ],
    },
];
