//! DNS answers from records of the configuration.

use support::{Lan, Server};

use crate::dig::dig;

/// One server for all: each test reads its own names.
const CONFIG: &str = "\
no-resolv
no-hosts
local=/lan/
host-record=box.lan,alias.lan,10.4.4.4,fd44::4,77
cname=short.lan,long.lan,box.lan
cname=chain.lan,short.lan,60
cname=away.lan,www.elsewhere.example
txt-record=text.lan,one,\"two, three\"
mx-host=mail.lan,box.lan,50
mx-target=box.lan
localmx
srv-host=_ldap._tcp.lan,box.lan,389,1,2
srv-host=_none._tcp.lan
naptr-record=naptr.lan,100,50,s,SIP+D2U,,_sip._udp.lan
caa-record=caa.lan,0,issue,ca.example
dns-rr=raw.lan,65280,0a0b0c
ptr-record=9.9.9.10.in-addr.arpa,pointed.lan
interface-name=gate.lan,lan0
dynamic-host=near.lan,0.0.0.9,lan0
synth-domain=synth.lan,10.5.0.0/24,p-
synth-domain=count.lan,10.6.0.50,10.6.0.60,n-*
";

#[test]
fn records_of_every_kind_are_answered() {
    let lan = Lan::with_addresses(1);
    let _server = Server::start(&lan.server, CONFIG);
    for (question, data) in [
        (&["box.lan", "A"][..], &["10.4.4.4"][..]),
        (&["alias.lan", "AAAA"], &["fd44::4"]),
        (&["-x", "10.4.4.4"], &["box.lan."]),
        (&["text.lan", "TXT"], &["\"one\" \"two, three\""]),
        (&["mail.lan", "MX"], &["50 box.lan."]),
        (&["alias.lan", "MX"], &["1 box.lan."]),
        (&["_ldap._tcp.lan", "SRV"], &["1 2 389 box.lan."]),
        (&["_none._tcp.lan", "SRV"], &["0 0 1 ."]),
        (&["naptr.lan", "NAPTR"], &["100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.lan."]),
        (&["caa.lan", "CAA"], &["0 issue \"ca.example\""]),
        (&["raw.lan", "TYPE65280"], &["\\# 3 0A0B0C"]),
        (&["-x", "10.9.9.9"], &["pointed.lan."]),
        (&["gate.lan", "A"], &["10.77.0.1"]),
        (&["-x", "10.77.0.1"], &["gate.lan."]),
        (&["near.lan", "A"], &["10.77.0.9"]),
        (&["p-10-5-0-7.synth.lan", "A"], &["10.5.0.7"]),
        (&["-x", "10.5.0.7"], &["p-10-5-0-7.synth.lan."]),
        (&["n-3.count.lan", "A"], &["10.6.0.53"]),
        (&["-x", "10.6.0.53"], &["n-3.count.lan."]),
    ] {
        assert_eq!(dig(&lan.clients[0], question).data(), data, "{question:?}");
    }
    // Types that these names lack, and names that only have others below them, exist all the same.
    for question in [["text.lan", "A"], ["_tcp.lan", "A"], ["p-10-5-0-7.synth.lan", "AAAA"]] {
        let reply = dig(&lan.clients[0], &question);
        assert!(reply.status == "NOERROR" && reply.answers.is_empty(), "{reply:?}");
    }
    for name in ["below.text.lan", "p-10-5-1-7.synth.lan", "n-11.count.lan"] {
        assert_eq!(dig(&lan.clients[0], &[name, "A"]).status, "NXDOMAIN", "{name}");
    }
}

#[test]
fn aliases_are_followed_as_far_as_they_lead() {
    let lan = Lan::with_addresses(1);
    let _server = Server::start(&lan.server, CONFIG);
    let client = &lan.clients[0];
    let reply = dig(client, &["chain.lan", "A"]);
    assert_eq!(reply.data(), ["10.4.4.4", "box.lan.", "short.lan."]);
    assert!(reply.has_flag("aa"));
    assert_eq!(dig(client, &["long.lan", "CNAME"]).data(), ["box.lan."]);
    let reply = dig(client, &["away.lan", "A"]);
    assert_eq!((reply.status.as_str(), reply.data()), ("NOERROR", vec!["www.elsewhere.example."]));
}
