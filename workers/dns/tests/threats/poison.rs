//! Records that nobody asked for, and answers that would replace better ones.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use ipc::config::query::{AddSubnet, Subnet};
use ipc::config::routes::{Route, RouteScope, RouteTarget};

use crate::craft::{self, A, AAAA, CNAME, REPLY, record, wire};
use crate::lab::{Lab, a, addresses, cname, domain, query_edns, slice, soa};

const UPSTREAM: &str = "192.0.2.1:53";
const EVIL: [u8; 4] = [6, 6, 6, 6];

/// R08: whatever else a reply holds, only the RRsets on the way from the question to its answer are kept.
#[test]
fn r08_records_that_were_not_asked_for_are_not_kept() {
    let victims =
        ["bank.test", "www.example.com", "example.com", "com", "mail.example.com", "sub.www.mine.example.com", ""];
    let soa = [wire("ns.example.com"), wire("host.example.com"), [0, 0, 0, 1].repeat(5)].concat();
    let mut strays: Vec<Vec<u8>> = Vec::new();
    for victim in victims {
        let owner = wire(victim);
        strays.push(record(&owner, A, 3600, &EVIL));
        strays.push(record(&owner, AAAA, 3600, &[6; 16]));
        // NS, CNAME, SOA, PTR, DNAME, SRV to names of the attacker.
        for (rtype, before) in [(2, 0), (CNAME, 0), (12, 0), (39, 0), (33, 6)] {
            strays.push(record(&owner, rtype, 3600, &[vec![0; before], wire("ns.evil.test")].concat()));
        }
        strays.push(record(&owner, 6, 3600, &soa));
    }
    strays.push(record(&wire("ns.evil.test"), A, 3600, &EVIL));
    strays.push(record(&wire("*.example.com"), A, 3600, &EVIL));
    // The name asked for, but another type, and another class.
    strays.push(record(&[0xc0, 12], AAAA, 3600, &[6; 16]));
    let mut chaos = record(&[0xc0, 12], A, 3600, &EVIL);
    chaos[5] = 3;
    strays.push(chaos);
    for (section, stray) in (0..3).flat_map(|section| strays.iter().map(move |stray| (section, stray))) {
        let mut lab = Lab::new(slice(&[UPSTREAM]));
        assert!(lab.ask("mine.example.com.", RecordType::A).is_none());
        let sent = lab.sent.pop().unwrap();
        let answer = record(&[0xc0, 12], A, 300, &[1, 2, 3, 4]);
        let mut sections = [vec![answer], Vec::new(), Vec::new()];
        sections[section].push(stray.clone());
        lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&sections[0], &sections[1], &sections[2]]));
        assert!(lab.reply().is_some());
        assert_eq!(addresses(&lab.ask("mine.example.com.", RecordType::A).unwrap()), ["1.2.3.4"]);
        let types =
            [RecordType::A, RecordType::AAAA, RecordType::PTR, RecordType::SRV, RecordType::CNAME, RecordType::NS];
        for name in victims.iter().chain(&["ns.evil.test", "any.example.com", "new.bank.test"]) {
            for rtype in types {
                let known = lab.ask(&format!("{name}."), rtype);
                assert!(known.is_none(), "section {section}: {stray:02x?} taught us {name} {rtype}");
            }
        }
        assert!(lab.ask("mine.example.com.", RecordType::AAAA).is_none(), "{stray:02x?}");
    }
}

/// R08: a denial denies the name it is about, and nothing above or beside it.
#[test]
fn r08_a_denial_is_about_one_name() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    lab.resolve("www.example.com.", RecordType::A, |m| {
        m.add_answer(a("www.example.com.", 300, [1, 2, 3, 4]));
    });
    for (zone, name) in [(".", "x.example.com."), ("com.", "y.example.com."), ("example.com.", "z.example.com.")] {
        lab.resolve(name, RecordType::A, |m| {
            m.metadata.response_code = ResponseCode::NXDomain;
            m.add_authority(soa(zone, 600, 600));
        });
        assert_eq!(lab.ask(name, RecordType::A).unwrap().metadata.response_code, ResponseCode::NXDomain);
    }
    assert_eq!(addresses(&lab.ask("www.example.com.", RecordType::A).unwrap()), ["1.2.3.4"]);
    for name in ["example.com.", "com.", "a.x.example.com.", "bank.test."] {
        assert!(lab.ask(name, RecordType::A).is_none(), "{name} was denied with another name");
    }
}

/// R05: nothing that an upstream says empties the cache.
#[test]
fn r05_no_reply_empties_the_cache() {
    let mut lab = Lab::new(slice(&[UPSTREAM]));
    let names: Vec<String> = (0..20).map(|number| format!("good{number}.test.")).collect();
    for name in &names {
        lab.resolve(name, RecordType::A, |m| {
            m.add_answer(a(name, 3600, [1, 2, 3, 4]));
        });
    }
    let (zeros, ones) = ([0; 4], [255; 4]);
    for (number, (owner, address)) in
        [("", zeros), ("", ones), ("test", zeros), ("ns.test", zeros), ("good1.test", zeros)].into_iter().enumerate()
    {
        for section in 0..3 {
            assert!(lab.ask(&format!("evil{number}{section}.test."), RecordType::A).is_none());
            let sent = lab.sent.pop().unwrap();
            let mut sections = [Vec::new(), Vec::new(), Vec::new()];
            sections[section].push(record(&wire(owner), 2, 3600, &wire("ns.test")));
            sections[section].push(record(&wire(owner), A, 3600, &address));
            lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&sections[0], &sections[1], &sections[2]]));
        }
    }
    for code in 1..16 {
        assert!(lab.ask(&format!("code{code}.test."), RecordType::A).is_none());
        // After a failure the upstream is asked once more.
        while let Some(sent) = lab.sent.pop() {
            lab.answer(&sent, |m| m.metadata.response_code = ResponseCode::from(0, code));
        }
    }
    for name in &names {
        assert_eq!(addresses(&lab.ask(name, RecordType::A).expect("it is still in the cache")), ["1.2.3.4"]);
    }
}

/// A06: what is known here, and what other upstreams are responsible for, is not replaced by what an upstream says at the end of an alias.
#[test]
fn a06_an_alias_does_not_replace_what_others_are_trusted_with() {
    let mut ranks = slice(&[UPSTREAM, "192.0.2.2:53", "192.0.2.3:53"]);
    let local = [
        domain("corp.test", RouteTarget::Upstream(1)),
        domain("lab.test", RouteTarget::Upstream(2)),
        domain("blocked.test", RouteTarget::NoData),
        domain("fixed.test", RouteTarget::Address("10.0.0.7".parse().unwrap())),
    ];
    let all = Route { scope: RouteScope::All, target: RouteTarget::Upstream(0) };
    ranks.routes = std::iter::once(all).chain(local).collect();
    let mut lab = Lab::with_hosts(ranks, "10.0.0.1 host.test\n");
    // Whoever speaks for one of these speaks for none of the others.
    let groups = ["public.example.", "www.corp.test.", "www.lab.test."];
    let targets =
        ["host.test.", "www.fixed.test.", "www.blocked.test.", "www.corp.test.", "www.lab.test.", "bank.example."];
    for (from, group) in groups.into_iter().enumerate() {
        for target in targets.into_iter().filter(|target| *target != group && (from != 0 || *target != "bank.example."))
        {
            let reply = lab.resolve(group, RecordType::A, |m| {
                m.add_answer(cname(group, 3600, target));
                m.add_answer(a(target, 3600, EVIL));
            });
            assert_eq!(addresses(&reply), ["6.6.6.6"], "it is relayed, as by dnsmasq");
            let direct = lab.ask(target, RecordType::A).map(|reply| addresses(&reply));
            match target {
                "host.test." => assert_eq!(direct.unwrap(), ["10.0.0.1"]),
                "www.fixed.test." => assert_eq!(direct.unwrap(), ["10.0.0.7"]),
                "www.blocked.test." => assert_eq!(direct.unwrap(), [] as [&str; 0]),
                _ => assert_eq!(direct, None, "{group} taught us {target}"),
            }
            lab.pass(100_000);
        }
    }
    // Within what an upstream is asked about, chains are kept.
    lab.resolve("alias.corp.test.", RecordType::A, |m| {
        m.add_answer(cname("alias.corp.test.", 300, "www.corp.test."));
        m.add_answer(a("www.corp.test.", 300, [10, 1, 1, 1]));
    });
    assert_eq!(addresses(&lab.ask("www.corp.test.", RecordType::A).unwrap()), ["10.1.1.1"]);
}

/// A06: a direct answer of an upstream does not replace what is known here either: it is not even asked for.
#[test]
fn a06_names_known_here_are_never_asked_for() {
    let mut lab = Lab::with_hosts(slice(&[UPSTREAM]), "10.0.0.1 host.test\n");
    for _ in 0..3 {
        assert_eq!(addresses(&lab.ask("host.test.", RecordType::A).unwrap()), ["10.0.0.1"]);
        assert!(lab.ask("1.0.0.10.in-addr.arpa.", RecordType::PTR).is_some());
    }
    assert!(lab.sent.is_empty());
}

/// R12: an answer that was made for one subnet, or says that it holds for all, is kept for nobody.
#[test]
fn r12_answers_to_questions_with_a_subnet_are_not_kept() {
    for scope in [0, 8, 24, 32] {
        let mut subnets = slice(&[UPSTREAM]);
        let of_client = Some(Subnet::OfClient(24));
        subnets.queries.add_subnet = Some(AddSubnet { ipv4: of_client, ipv6: of_client });
        let mut lab = Lab::new(subnets);
        for _ in 0..2 {
            assert!(lab.ask_bytes(&query_edns(1, "www.example.com.", RecordType::A, 1232, false)).is_none());
            let sent = lab.sent.pop().unwrap();
            let subnet = [0, 8, 0, 7, 0, 1, 24, scope, 127, 0, 0];
            let opt = [&record(&[0], 41, 0, &[])[..9], &[0, subnet.len() as u8], &subnet].concat();
            let answer = record(&[0xc0, 12], A, 300, &[1, 2, 3, 4]);
            lab.answer_bytes(&sent, &craft::reply(&sent, REPLY, [&[answer], &[], &[opt]]));
            assert_eq!(addresses(&lab.reply().expect("the true subnet is repeated")), ["1.2.3.4"]);
        }
    }
}
