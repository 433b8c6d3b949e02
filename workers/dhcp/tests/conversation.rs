//! The engine in conversation with clients, the parent and the clock.

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use dhcp::{Arrival, Input, Port};
use ipc::config::dhcp::{ClientIdRule, ConfiguredOption, DhcpSlice, HostRule, INFINITE, OptionValue, Pool, PoolMode};
use ipc::dhcp::{Neighbor, ToParent, ToWorker};
use ipc::lease::{Lease, LeaseChange};
use ipc::link::Interface;
use ipc::tag::TagTest;
use support::*;

/// The request that follows an offer.
fn select(last: u8, address: u8) -> Ask {
    Ask::new(REQUEST, last).wants(ip(address)).selects(SERVER)
}

/// The kind of the only answer.
fn answer(sent: &[Sent]) -> (u8, String) {
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].kind()
}

fn refusal(text: &str) -> (u8, String) {
    (NAK, text.to_owned())
}

fn granted() -> (u8, String) {
    (ACK, String::new())
}

fn lease(last: u8, address: u8, name: Option<&str>, expires_s: u64) -> Lease {
    Lease {
        address: ip(address),
        hardware: hardware(last),
        client_id: None,
        name: name.map(str::to_owned),
        expires_s,
        provenance: None,
    }
}

// --- The four steps, and the parent's part in them ---------------------------------------------------------------------

#[test]
fn discover_offer_request_acknowledge() {
    let mut server = Server::new(slice());
    let offer = server.ask(&Ask::new(DISCOVER, 2).bytes());
    assert_eq!(offer[0].yiaddr(), ip(17));
    assert_eq!(offer[0].to, SocketAddrV4::new(ip(17), 68));
    assert_eq!(offer[0].interface, ETH0);
    let codes: Vec<u8> = offer[0].options().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [53, 54, 51, 58, 59, 1, 28, 3, 6, 15]);
    assert!(server.leases.is_empty());

    let ack = server.ask(&select(2, 17).named("pc").bytes());
    assert_eq!(answer(&ack), granted());
    assert_eq!(server.leases, [lease(2, 17, Some("pc"), WALL_S + 3600)]);
    assert_eq!(
        server.lines[server.lines.len() - 4..],
        [
            "DHCPDISCOVER(eth0) 02:00:00:00:02:02 ",
            "DHCPOFFER(eth0) 192.168.77.17 02:00:00:00:02:02 ",
            "DHCPREQUEST(eth0) 192.168.77.17 02:00:00:00:02:02 ",
            "DHCPACK(eth0) 192.168.77.17 02:00:00:00:02:02 pc",
        ]
    );
}

#[test]
fn the_independent_codec_reads_our_answers() {
    use dhcproto::{Decodable, v4};
    let mut server = Server::new(slice());
    let offer = server.ask(&Ask::new(DISCOVER, 2).bytes());
    let message = v4::Message::from_bytes(&offer[0].bytes).unwrap();
    assert_eq!(message.opts().msg_type(), Some(v4::MessageType::Offer));
    assert_eq!(message.yiaddr(), ip(17));
    assert_eq!(message.opts().get(v4::OptionCode::AddressLeaseTime), Some(&v4::DhcpOption::AddressLeaseTime(3600)));
    assert_eq!(message.opts().get(v4::OptionCode::Router), Some(&v4::DhcpOption::Router(vec![SERVER])));
}

#[test]
fn the_acknowledgement_waits_until_the_lease_is_recorded() {
    let mut server = Server::new(slice());
    server.parent = Parent::Slow;
    assert!(server.ask(&select(2, 17).bytes()).is_empty());
    let neighbor = Neighbor { interface: ETH0, address: ip(17), hardware: hardware(2) };
    let Some(ToParent::Commit { ticket, changes, neighbor: asked, contact: None }) = server.told.pop() else {
        panic!()
    };
    assert_eq!(changes, [LeaseChange::Put(lease(2, 17, None, WALL_S + 3600))]);
    assert_eq!(asked, Some(neighbor));
    assert_eq!(server.last_line(), "DHCPREQUEST(eth0) 192.168.77.17 02:00:00:00:02:02 ");

    // A second copy of the request, and somebody else who wants the address, wait for what becomes of the first.
    assert!(server.ask(&select(2, 17).bytes()).is_empty());
    assert!(server.ask(&select(3, 17).bytes()).is_empty());
    assert!(server.told.is_empty());

    server.say(ToWorker::Committed(ticket));
    let answers: Vec<_> = server.sent.iter().map(Sent::kind).collect();
    assert_eq!(answers, [granted(), (NAK, "address in use".to_owned())]);
    server.sent.clear();
    server.say(ToWorker::Committed(ticket));
    assert!(server.sent.is_empty(), "a ticket is good once");
    let copy = server.only_ticket();
    server.say(ToWorker::Committed(copy));
    assert_eq!(answer(&server.sent), granted());
}

#[test]
fn no_acknowledgement_and_no_lease_when_it_could_not_be_recorded() {
    let mut server = Server::new(slice());
    server.parent = Parent::Slow;
    server.ask(&select(2, 17).bytes());
    let ticket = server.only_ticket();
    server.say(ToWorker::NotCommitted(ticket));
    assert!(server.sent.is_empty());
    assert!(server.engine.deadline().is_none());
    // The address is free again, for anybody.
    server.parent = Parent::Willing;
    assert_eq!(answer(&server.ask(&select(3, 17).bytes())), granted());
}

#[test]
fn an_offer_waits_for_its_neighbor_entry_and_is_broadcast_without() {
    for done in [true, false] {
        let mut server = Server::new(slice());
        server.parent = Parent::Slow;
        assert!(server.ask(&Ask::new(DISCOVER, 2).bytes()).is_empty());
        let ticket = server.only_ticket();
        server.say(ToWorker::NeighborSet { ticket, done });
        let to = if done { ip(17) } else { Ipv4Addr::BROADCAST };
        assert_eq!(server.sent[0].to, SocketAddrV4::new(to, 68));
        assert_eq!(server.sent[0].interface, ETH0);
    }
}

#[test]
fn an_acknowledgement_without_neighbor_entry_is_broadcast() {
    let mut server = Server::new(slice());
    server.parent = Parent::Slow;
    server.ask(&select(2, 17).bytes());
    let ticket = server.only_ticket();
    server.say(ToWorker::NeighborSet { ticket, done: false });
    assert!(server.sent.is_empty());
    server.say(ToWorker::Committed(ticket));
    assert_eq!(server.sent[0].to, SocketAddrV4::new(Ipv4Addr::BROADCAST, 68));
}

// --- DHCPREQUEST in every state ----------------------------------------------------------------------------------------

#[test]
fn a_request_for_another_server_is_not_ours() {
    let mut server = Server::new(slice());
    let request = Ask::new(REQUEST, 2).wants(ip(17)).selects(ip(2)).bytes();
    assert!(server.ask(&request).is_empty());
    let mut server = Server::new(DhcpSlice { authoritative: true, ..slice() });
    assert_eq!(answer(&server.ask(&request)), refusal("wrong server-ID"));
}

#[test]
fn any_address_of_ours_is_a_server_id() {
    let mut server = Server::new(slice());
    let other = Interface {
        index: 3,
        name: "eth1".into(),
        addresses: vec![(IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9)), 24)],
        ..eth0()
    };
    server.say(ToWorker::Interfaces(vec![eth0(), other]));
    let ack = server.ask(&Ask::new(REQUEST, 2).wants(ip(17)).selects(Ipv4Addr::new(10, 9, 9, 9)).bytes());
    assert_eq!(answer(&ack), granted());
    assert_eq!(ack[0].option(54), Some(vec![10, 9, 9, 9]));
}

#[test]
fn a_new_address_replaces_the_old_one_in_one_commit() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, Some("pc"), WALL_S + 100)]);
    assert_eq!(answer(&server.ask(&select(2, 13).named("pc").bytes())), granted());
    assert_eq!(server.leases, [lease(2, 13, Some("pc"), WALL_S + 3600)]);
}

#[test]
fn the_old_lease_ends_even_when_the_new_address_cannot_be_had() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, 0), lease(3, 13, None, 0)]);
    assert_eq!(answer(&server.ask(&select(2, 13).bytes())), refusal("address in use"));
    assert_eq!(server.leases, [lease(3, 13, None, 0)]);
}

#[test]
fn the_latest_lease_of_a_client_is_its_lease() {
    let mut server = Server::new(slice());
    server.ask(&select(2, 15).with(61, b"one").bytes());
    server.ask(&select(2, 12).with(61, b"two").bytes());
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(12));
    // The id that was left out is that of the lease.
    assert_eq!(answer(&server.ask(&select(2, 12).bytes())), granted());
    assert_eq!(server.lease(12).unwrap().client_id.as_deref(), Some(b"two".as_slice()));
}

#[test]
fn init_reboot_is_confirmed_refused_or_met_with_silence() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, WALL_S + 100)]);
    let reboot = |last, address: Ipv4Addr| Ask::new(REQUEST, last).wants(address).bytes();
    assert_eq!(answer(&server.ask(&reboot(2, ip(12)))), granted());
    assert_eq!(answer(&server.ask(&reboot(2, ip(13)))), refusal("wrong address"));
    assert_eq!(answer(&server.ask(&reboot(2, Ipv4Addr::new(10, 0, 0, 1)))), refusal("wrong address"));
    assert!(server.ask(&reboot(3, ip(13))).is_empty());

    let mut server = Server::new(DhcpSlice { authoritative: true, ..slice() });
    assert_eq!(answer(&server.ask(&reboot(3, ip(13)))), granted());
    assert_eq!(answer(&server.ask(&reboot(4, Ipv4Addr::new(10, 0, 0, 1)))), refusal("wrong network"));
}

#[test]
fn renewal_extends_and_goes_back_where_it_came_from() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, Some("pc"), WALL_S + 100)]);
    let renewal = Ask::new(REQUEST, 2).at(ip(12)).bytes();
    let ack = server.ask_unicast(&renewal, "192.168.77.12:68");
    assert_eq!(answer(&ack), granted());
    assert_eq!((ack[0].to, ack[0].interface), (SocketAddrV4::new(ip(12), 68), 0));
    assert_eq!(server.leases, [lease(2, 12, Some("pc"), WALL_S + 3600)]);
    assert_eq!(server.ask_unicast(&renewal, "192.168.77.12:4000")[0].to, SocketAddrV4::new(ip(12), 4000));
    assert_eq!(server.ask_unicast(&renewal, "10.0.0.1:4000")[0].to, SocketAddrV4::new(ip(12), 68));

    // T1 and T2 are brought forward by the same random amount, at most an eighth of T1.
    let number = |code| u32::from_be_bytes(ack[0].option(code).unwrap().try_into().unwrap());
    assert_eq!(number(51), 3600);
    assert!((1800 - 225..=1800).contains(&number(58)), "{}", number(58));
    assert_eq!(1800 - number(58), 3150 - number(59));
}

#[test]
fn a_renewal_we_know_nothing_of_is_refused_only_when_sent_to_us_alone() {
    let mut server = Server::new(slice());
    let renewal = Ask::new(REQUEST, 2).at(ip(12)).bytes();
    let nak = server.ask_unicast(&renewal, "192.168.77.12:68");
    assert_eq!(answer(&nak), refusal("lease not found"));
    assert_eq!(nak[0].to, SocketAddrV4::new(Ipv4Addr::BROADCAST, 68));
    assert!(server.ask(&renewal).is_empty());
    // The only server on the network heals a lost lease file.
    let mut server = Server::new(DhcpSlice { authoritative: true, ..slice() });
    assert_eq!(answer(&server.ask(&renewal)), granted());
}

#[test]
fn refusals_have_their_reasons() {
    let rules = vec![HostRule { address: Some(ip(14)), ..rule(9) }];
    let leases = vec![lease(7, 15, None, 0), lease(9, 13, None, 0)];
    let mut server = Server::with_leases(DhcpSlice { host_rules: rules, lease_max: 2, ..slice() }, leases);
    let mut ask =
        |last, address: Ipv4Addr| answer(&server.ask(&Ask::new(REQUEST, last).wants(address).selects(SERVER).bytes()));
    assert_eq!(ask(2, ip(15)), refusal("address in use"));
    assert_eq!(ask(2, ip(14)), refusal("address reserved"));
    assert_eq!(ask(2, ip(99)), refusal("address not available"));
    assert_eq!(ask(2, Ipv4Addr::new(10, 1, 1, 1)), refusal("wrong network"));
    assert_eq!(ask(2, ip(16)), refusal("no leases left"));
    assert_eq!(answer(&server.ask(&Ask::new(REQUEST, 9).wants(ip(13)).bytes())), refusal("static lease available"));
}

#[test]
fn refusals_are_broadcast_on_our_networks_and_unicast_to_others() {
    // The pools have shrunk under the leases.
    let remote = |last| Ipv4Addr::new(10, 5, 0, last);
    let distant =
        Pool { first: remote(10), last: remote(20), netmask: Some([255, 255, 255, 0].into()), ..pool(0, 0, 3600) };
    let far = Lease { address: remote(99), ..lease(3, 0, None, 0) };
    let slice = DhcpSlice { pools: vec![distant, pool(10, 20, 3600)], ..slice() };
    let mut server = Server::with_leases(slice, vec![lease(2, 99, None, 0), far]);
    let near = server.ask_unicast(&Ask::new(REQUEST, 2).at(ip(99)).bytes(), "192.168.77.99:68");
    assert_eq!(answer(&near), refusal("address not available"));
    assert_eq!(near[0].to, SocketAddrV4::new(Ipv4Addr::BROADCAST, 68));
    let far = server.ask_unicast(&Ask::new(REQUEST, 3).at(remote(99)).bytes(), "10.5.0.99:68");
    assert_eq!(answer(&far), refusal("address not available"));
    assert_eq!(far[0].to, SocketAddrV4::new(remote(99), 68));
}

#[test]
fn one_host_rule_may_move_its_lease_between_its_interfaces() {
    let mut two = HostRule { address: Some(ip(50)), name: Some("two".into()), ..rule(5) };
    two.hardware.extend(rule(6).hardware);
    let mut server = Server::new(DhcpSlice { host_rules: vec![two], ..slice() });
    assert_eq!(answer(&server.ask(&select(5, 50).bytes())), granted());
    assert_eq!(answer(&server.ask(&select(6, 50).bytes())), granted());
    assert_eq!(server.leases, [lease(6, 50, Some("two"), WALL_S + 3600)]);
    assert!(server.lines.contains(&"abandoning lease to 02:00:00:00:02:05 of 192.168.77.50".to_owned()));
}

#[test]
fn the_other_interface_keeps_the_name_that_the_first_has_said() {
    let two = HostRule { hardware: [rule(5).hardware, rule(6).hardware].concat(), address: Some(ip(50)), ..rule(5) };
    let said = lease(5, 50, Some("said"), WALL_S + 60);
    let mut server = Server::with_leases(DhcpSlice { host_rules: vec![two], ..slice() }, vec![said]);
    assert_eq!(answer(&server.ask(&select(6, 50).bytes())), granted());
    assert_eq!(server.leases, [lease(6, 50, Some("said"), WALL_S + 3600)]);
}

// --- The other messages ------------------------------------------------------------------------------------------------

#[test]
fn release_ends_a_lease_of_ours() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, 0)]);
    assert!(server.ask(&Ask::new(RELEASE, 2).at(ip(12)).selects(ip(2)).bytes()).is_empty());
    assert_eq!(server.leases.len(), 1);
    server.ask(&Ask::new(RELEASE, 3).at(ip(12)).selects(SERVER).bytes());
    assert_eq!(server.last_line(), "DHCPRELEASE(eth0) 192.168.77.12 02:00:00:00:02:03 unknown lease");
    server.ask(&Ask::new(RELEASE, 2).at(ip(12)).selects(SERVER).bytes());
    assert_eq!(server.last_line(), "DHCPRELEASE(eth0) 192.168.77.12 02:00:00:00:02:02 ");
    assert!(server.leases.is_empty());
}

#[test]
fn decline_moves_the_client_to_another_address() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 17, None, 0)]);
    let decline = Ask::new(DECLINE, 2).wants(ip(17)).selects(SERVER).with(56, b"du\x07p").bytes();
    assert!(server.ask(&decline).is_empty());
    assert_eq!(server.last_line(), "DHCPDECLINE(eth0) 192.168.77.17 02:00:00:00:02:02 dup");
    assert!(server.leases.is_empty());
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(18));
}

#[test]
fn a_declined_reservation_rests_for_ten_minutes() {
    let rules = vec![HostRule { address: Some(ip(50)), ..rule(2) }];
    let mut server = Server::new(DhcpSlice { host_rules: rules, ..slice() });
    let offered = |server: &mut Server| server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr();
    assert_eq!(offered(&mut server), ip(50));
    server.ask(&Ask::new(DECLINE, 2).wants(ip(50)).selects(SERVER).bytes());
    assert_eq!(server.last_line(), "disabling DHCP static address 192.168.77.50 for 10m");
    server.pass(599_000);
    assert_eq!(offered(&mut server), ip(17));
    let text = "not using configured address 192.168.77.50 because it was previously declined";
    assert!(server.lines.contains(&text.to_owned()));
    server.pass(1_000);
    assert_eq!(offered(&mut server), ip(50));
}

#[test]
fn inform_tells_the_remaining_time_only_when_asked() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, Some("pc"), WALL_S + 100)]);
    let inform = Ask::new(INFORM, 2).at(ip(12));
    let ack = server.ask(&inform.clone().with(55, &[3]).bytes());
    assert_eq!(answer(&ack), granted());
    assert_eq!(ack[0].yiaddr(), Ipv4Addr::UNSPECIFIED);
    assert_eq!(ack[0].to, SocketAddrV4::new(ip(12), 68));
    assert!(ack[0].option(51).is_none() && ack[0].option(58).is_none());
    server.pass(30_000);
    let ack = server.ask(&inform.with(55, &[51]).bytes());
    assert_eq!(ack[0].option(51), Some(70u32.to_be_bytes().to_vec()));
    assert_eq!(server.leases.len(), 1);
    let lines = server.lines.len();
    server.ask(&Ask::new(INFORM, 2).bytes());
    assert_eq!(server.lines.len(), lines + 1);
}

#[test]
fn rapid_commit_needs_the_option_on_both_sides() {
    let mut server = Server::new(DhcpSlice { rapid_commit: true, ..slice() });
    let ack = server.ask(&Ask::new(DISCOVER, 2).with(80, &[]).bytes());
    assert_eq!(answer(&ack), granted());
    assert_eq!(ack[0].option(80), Some(vec![]));
    assert_eq!(server.leases.len(), 1);
    assert_eq!(answer(&server.ask(&Ask::new(DISCOVER, 3).bytes())).0, OFFER);

    let mut server = Server::new(DhcpSlice { rapid_commit: true, lease_max: 0, ..slice() });
    assert!(server.ask(&Ask::new(DISCOVER, 2).with(80, &[]).bytes()).is_empty());
    assert_eq!(server.last_line(), "NOANSWER(eth0) 192.168.77.17 02:00:00:00:02:02 no leases left");
}

#[test]
fn the_ignored_get_a_line_and_nothing_else() {
    let rules = vec![HostRule { ignore: true, ..rule(2) }];
    let ignore = vec![vec![TagTest { tag: "known".into(), negated: true }]];
    let mut server = Server::new(DhcpSlice { host_rules: rules, ignore, quiet_dhcp: true, ..slice() });
    for last in [2, 3] {
        assert!(server.ask(&Ask::new(DISCOVER, last).bytes()).is_empty());
        assert_eq!(server.last_line(), format!("DHCPDISCOVER(eth0) 02:00:00:00:02:0{last} ignored"));
        assert!(server.ask(&select(last, 12).bytes()).is_empty());
    }
}

#[test]
fn quiet_dhcp_hides_lines_without_error() {
    let mut server = Server::with_leases(DhcpSlice { quiet_dhcp: true, ..slice() }, vec![lease(7, 15, None, 0)]);
    server.lines.clear();
    server.ask(&Ask::new(DISCOVER, 2).bytes());
    server.ask(&select(2, 17).bytes());
    assert!(server.lines.is_empty());
    server.ask(&select(2, 15).bytes());
    assert_eq!(server.lines, ["DHCPNAK(eth0) 192.168.77.15 02:00:00:00:02:02 address in use"]);
}

// --- Which address -----------------------------------------------------------------------------------------------------

#[test]
fn a_full_pool_has_no_address_available() {
    let mut server = Server::new(DhcpSlice { pools: vec![pool(10, 11, 3600)], ..slice() });
    for last in [2, 3] {
        let offer = server.ask(&Ask::new(DISCOVER, last).bytes());
        server.ask(&select(last, offer[0].yiaddr().octets()[3]).bytes());
    }
    assert!(server.ask(&Ask::new(DISCOVER, 4).bytes()).is_empty());
    assert_eq!(server.last_line(), "DHCPDISCOVER(eth0) 02:00:00:00:02:04 no address available");
}

#[test]
fn the_present_lease_goes_before_the_requested_address_before_the_hash() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, 0)]);
    let mut offered = |last| server.ask(&Ask::new(DISCOVER, last).wants(ip(13)).bytes())[0].yiaddr();
    assert_eq!(offered(2), ip(12));
    assert_eq!(offered(3), ip(13));
}

#[test]
fn a_reservation_in_other_hands_is_not_offered() {
    let rules = vec![HostRule { address: Some(ip(12)), ..rule(2) }];
    let mut server = Server::with_leases(DhcpSlice { host_rules: rules, ..slice() }, vec![lease(7, 12, None, 0)]);
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(17));
    let text = "not using configured address 192.168.77.12 because it is leased to 02:00:00:00:02:07";
    assert!(server.lines.contains(&text.to_owned()));
}

#[test]
fn sequential_addresses_follow_the_highest_lease() {
    let mut server = Server::with_leases(DhcpSlice { sequential_ip: true, ..slice() }, vec![]);
    for address in 10..=12 {
        assert_eq!(server.ask(&Ask::new(DISCOVER, address).bytes())[0].yiaddr(), ip(address));
        server.ask(&select(address, address).bytes());
    }
}

#[test]
fn static_pools_serve_reservations_only() {
    let rules = vec![HostRule { address: Some(ip(12)), ..rule(2) }];
    let only = Pool { mode: PoolMode::Static, ..pool(0, 0, 600) };
    let mut server = Server::new(DhcpSlice { pools: vec![only], host_rules: rules, ..slice() });
    assert_eq!(server.lines, ["DHCP, static leases only on 192.168.77.0, lease time 10m"]);
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(12));
    assert_eq!(answer(&server.ask(&select(2, 12).bytes())), granted());
    assert!(server.ask(&Ask::new(DISCOVER, 3).bytes()).is_empty());
}

#[test]
fn a_changed_client_id_is_another_client_unless_a_rule_says_otherwise() {
    let ignored = HostRule { client_id: Some(ClientIdRule::Ignore), ..rule(3) };
    let mut server = Server::new(DhcpSlice { host_rules: vec![ignored], ..slice() });
    server.ask(&select(2, 17).with(61, b"one").bytes());
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).with(61, b"two").bytes())[0].yiaddr(), ip(18));
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(17));
    server.ask(&select(3, 10).with(61, b"one").bytes());
    assert_eq!(server.ask(&Ask::new(DISCOVER, 3).with(61, b"two").bytes())[0].yiaddr(), ip(10));
    assert_eq!(server.lease(10).unwrap().client_id, None);
}

// --- The echo before the offer -----------------------------------------------------------------------------------------

fn pinging() -> Server {
    Server::new(DhcpSlice { no_ping: false, ..slice() })
}

fn echo_from(address: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![0; 28];
    bytes[0] = 0x45;
    bytes[9] = 1;
    bytes[12..16].copy_from_slice(&address.octets());
    bytes
}

#[test]
fn an_unanswered_echo_delays_the_offer_by_three_seconds_and_nobody_else() {
    let mut server = pinging();
    server.lines.clear();
    assert!(server.ask(&Ask::new(DISCOVER, 2).bytes()).is_empty());
    assert_eq!(server.told, [ToParent::Ping(ip(17))]);
    assert!(server.lines.is_empty());
    // Meanwhile somebody else is served, and the client's second attempt joins its first.
    assert_eq!(answer(&server.ask(&select(3, 12).bytes())), granted());
    server.pass(1_000);
    assert!(server.ask(&Ask::new(DISCOVER, 2).bytes()).is_empty());
    server.pass(1_999);
    assert!(server.sent.is_empty());
    server.pass(1);
    assert_eq!(server.sent[0].yiaddr(), ip(17));
    assert_eq!(server.sent.len(), 1);
    // For half a minute the answer is believed.
    server.sent.clear();
    server.pass(29_000);
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(17));
    assert_eq!(server.told.len(), 1);
}

#[test]
fn an_answered_echo_leads_to_the_next_address() {
    let mut server = pinging();
    server.ask(&Ask::new(DISCOVER, 2).bytes());
    server.give(Input::Echo { bytes: &echo_from(ip(99)) });
    server.give(Input::Echo { bytes: &echo_from(ip(17)) });
    assert_eq!(server.told, [ToParent::Ping(ip(17)), ToParent::Ping(ip(18))]);
    server.pass(3_000);
    assert_eq!(server.sent[0].yiaddr(), ip(18));
}

#[test]
fn after_six_echoes_offers_are_made_without() {
    let mut server = pinging();
    for last in 0..6 {
        assert!(server.ask(&Ask::new(DISCOVER, last).bytes()).is_empty());
    }
    assert_eq!(server.ask(&Ask::new(DISCOVER, 6).bytes()).len(), 1);
    assert_eq!(server.told.len(), 6);
    server.pass(3_000);
    assert_eq!(server.sent.len(), 6);
}

#[test]
fn reservations_and_present_leases_are_not_asked_for() {
    let rules = vec![HostRule { address: Some(ip(50)), ..rule(2) }];
    let slice = DhcpSlice { no_ping: false, host_rules: rules, ..slice() };
    let mut server = Server::with_leases(slice, vec![lease(3, 12, None, 0)]);
    assert_eq!(server.ask(&Ask::new(DISCOVER, 2).bytes())[0].yiaddr(), ip(50));
    assert_eq!(server.ask(&Ask::new(DISCOVER, 3).bytes())[0].yiaddr(), ip(12));
    assert!(server.told.is_empty());
}

// --- Names -------------------------------------------------------------------------------------------------------------

#[test]
fn the_newer_takes_the_name() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, Some("pc"), 0)]);
    server.ask(&select(3, 13).named("PC").bytes());
    assert_eq!(server.leases, [lease(2, 12, None, 0), lease(3, 13, Some("PC"), WALL_S + 3600)]);
}

#[test]
fn a_configured_name_is_not_taken() {
    let rules = vec![HostRule { name: Some("pc".into()), ..rule(2) }];
    let mut server = Server::new(DhcpSlice { host_rules: rules, ..slice() });
    server.ask(&select(2, 12).bytes());
    server.ask(&select(3, 13).named("pc").bytes());
    assert_eq!(server.lease(12).unwrap().name.as_deref(), Some("pc"));
    assert_eq!(server.lease(13).unwrap().name, None);
}

#[test]
fn a_name_in_a_commit_under_way_is_not_given_twice() {
    let mut server = Server::new(slice());
    server.parent = Parent::Slow;
    server.ask(&select(2, 12).named("pc").bytes());
    let ticket = server.only_ticket();
    server.ask(&select(3, 13).named("pc").bytes());
    assert!(server.told.is_empty());
    server.say(ToWorker::Committed(ticket));
    server.ask(&select(3, 13).named("pc").bytes());
    let Some(ToParent::Commit { changes, .. }) = server.told.pop() else { panic!() };
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0], LeaseChange::Put(lease(2, 12, None, WALL_S + 3600)));
}

#[test]
fn ignored_names_are_not_kept() {
    let mut server = Server::new(DhcpSlice { ignore_names: vec![vec![]], ..slice() });
    server.ask(&select(2, 12).named("pc").bytes());
    assert_eq!(server.lease(12).unwrap().name, None);
}

#[test]
fn a_renewal_without_name_keeps_the_name() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, Some("pc"), 0)]);
    server.ask(&Ask::new(REQUEST, 2).at(ip(12)).bytes());
    assert_eq!(server.lease(12).unwrap().name.as_deref(), Some("pc"));
}

#[test]
fn replayed_leases_get_the_names_of_today() {
    let rules = vec![HostRule { name: Some("new".into()), ..rule(2) }];
    let slice = DhcpSlice { host_rules: rules, ..slice() };
    let mut server = Server::with_leases(slice, vec![lease(2, 12, Some("old"), 0), lease(3, 13, Some("new"), 0)]);
    server.leases.sort_by_key(|lease| lease.address);
    assert_eq!(server.leases, [lease(2, 12, Some("new"), 0), lease(3, 13, None, 0)]);
}

// --- Options -----------------------------------------------------------------------------------------------------------

#[test]
fn an_empty_option_suppresses_the_default_and_force_sends_always() {
    let forced = ConfiguredOption { force: true, ..option(44, OptionValue::Addresses(vec![ip(9)])) };
    let options = vec![option(3, OptionValue::Empty), forced, option(42, OptionValue::Addresses(vec![ip(8)]))];
    let mut server = Server::new(DhcpSlice { options, dns_served: false, ..slice() });
    let offer = server.ask(&Ask::new(DISCOVER, 2).with(55, &[1, 3, 6]).bytes());
    let codes: Vec<u8> = offer[0].options().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [53, 54, 51, 58, 59, 1, 28, 44]);
}

#[test]
fn tagged_lines_beat_pool_tags_beat_untagged_and_the_last_of_the_file_wins() {
    let line = |text: &str, tests: &[&str]| ConfiguredOption {
        tests: tests.iter().map(|test| tag(test)).collect(),
        ..option(252, OptionValue::Text(text.as_bytes().to_vec()))
    };
    let chosen = |lines: Vec<ConfiguredOption>| {
        let pools = vec![Pool { set_tag: Some("pool".into()), ..pool(10, 20, 3600) }];
        let mut server = Server::new(DhcpSlice { options: lines, pools, ..slice() });
        let value = server.ask(&Ask::new(DISCOVER, 2).bytes())[0].option(252);
        String::from_utf8(value.unwrap()).unwrap()
    };
    assert_eq!(chosen(vec![line("last", &[]), line("first", &[])]), "last");
    assert_eq!(chosen(vec![line("plain", &[]), line("pool", &["pool"])]), "pool");
    assert_eq!(chosen(vec![line("pool", &["pool"]), line("interface", &["eth0"])]), "interface");
    assert_eq!(chosen(vec![line("plain", &[]), line("other", &["other"])]), "plain");
}

#[test]
fn infinite_leases_have_no_renewal_times() {
    let mut server = Server::new(DhcpSlice { pools: vec![pool(10, 20, INFINITE)], ..slice() });
    let ack = server.ask(&select(2, 17).bytes());
    assert_eq!(ack[0].option(51), Some(vec![255; 4]));
    assert!(ack[0].option(58).is_none());
    assert_eq!(server.lease(17).unwrap().expires_s, 0);
    assert!(server.engine.deadline().is_none());
}

#[test]
fn an_option_without_room_is_left_out_and_said_so() {
    let big = |code| option(code, OptionValue::Bytes(vec![1; 200]));
    let mut server = Server::new(DhcpSlice { options: vec![big(201), big(202)], no_override: true, ..slice() });
    let offer = server.ask(&Ask::new(DISCOVER, 2).with(55, &[201, 202]).bytes());
    assert!(offer[0].option(201).is_some() && offer[0].option(202).is_none());
    let text = "cannot send DHCP/BOOTP option 202: no space left in packet";
    assert!(server.lines.contains(&text.to_owned()));
}

// --- Where requests come from ------------------------------------------------------------------------------------------

#[test]
fn a_distant_relay_agent_is_the_router_of_its_network() {
    let remote = |last| Ipv4Addr::new(10, 5, 0, last);
    let distant =
        Pool { first: remote(10), last: remote(20), netmask: Some([255, 255, 255, 0].into()), ..pool(0, 0, 3600) };
    let mut server = Server::new(DhcpSlice { pools: vec![distant, pool(10, 20, 3600)], ..slice() });
    let discover = Ask::new(DISCOVER, 2).through(remote(1)).with(82, &[1, 1, 9]).bytes();
    let offer = server.ask_unicast(&discover, "10.5.0.1:67");
    assert_eq!(offer[0].yiaddr(), remote(17));
    assert_eq!((offer[0].to, offer[0].interface), (SocketAddrV4::new(remote(1), 67), 0));
    assert_eq!(offer[0].option(3), Some(vec![10, 5, 0, 1]));
    assert_eq!(offer[0].option(54), Some(SERVER.octets().to_vec()));
    assert_eq!(offer[0].options().last(), Some(&(82, vec![1, 1, 9])));

    let discover = Ask::new(DISCOVER, 2).through(Ipv4Addr::new(10, 6, 0, 1)).bytes();
    assert!(server.ask_unicast(&discover, "10.6.0.1:67").is_empty());
    assert_eq!(server.last_line(), "no address range available for DHCP request via 10.6.0.1");
}

#[test]
fn interfaces_without_dhcp_are_silent_and_those_without_address_complain() {
    let mut server = Server::new(slice());
    server.lines.clear();
    server.say(ToWorker::Interfaces(vec![Interface { serves_dhcp: false, ..eth0() }]));
    assert!(server.ask(&Ask::new(DISCOVER, 2).bytes()).is_empty());
    assert!(server.lines.is_empty());
    server.say(ToWorker::Interfaces(vec![Interface { addresses: vec![], ..eth0() }]));
    assert!(server.ask(&Ask::new(DISCOVER, 2).bytes()).is_empty());
    assert_eq!(server.lines, ["DHCP packet received on eth0 which has no address"]);
    server.say(ToWorker::Interfaces(vec![]));
    assert!(server.ask(&Ask::new(DISCOVER, 2).bytes()).is_empty());
    assert_eq!(server.lines.len(), 1);
}

// --- Time, replay and the end ------------------------------------------------------------------------------------------

#[test]
fn leases_end_by_the_wall_clock() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, WALL_S + 100), lease(3, 13, None, 0)]);
    assert_eq!(server.engine.deadline(), Some(5_000 + 100_000));
    server.pass(99_999);
    assert_eq!(server.leases.len(), 2);
    server.pass(1);
    assert_eq!(server.leases, [lease(3, 13, None, 0)]);
    assert_eq!(server.engine.deadline(), None);
}

#[test]
fn an_end_that_could_not_be_recorded_is_reported_again() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, WALL_S + 100)]);
    server.parent = Parent::Slow;
    server.pass(100_000);
    let ticket = server.only_ticket();
    assert_eq!(server.engine.deadline(), None);
    server.say(ToWorker::NotCommitted(ticket));
    server.pass(59_999);
    assert!(server.told.is_empty());
    server.pass(1);
    assert!(matches!(server.told.as_slice(), [ToParent::Commit { .. }]));
}

#[test]
fn a_renewal_under_way_when_the_lease_ends_survives() {
    let mut server = Server::with_leases(slice(), vec![lease(2, 12, None, WALL_S + 100)]);
    server.parent = Parent::Slow;
    server.pass(99_000);
    server.ask(&Ask::new(REQUEST, 2).at(ip(12)).bytes());
    let Some(ToParent::Commit { ticket, .. }) = server.told.pop() else { panic!() };
    server.pass(1_500);
    server.say(ToWorker::Committed(ticket));
    server.pass(60_000);
    assert!(server.told.is_empty());
    assert_eq!(answer(&server.sent), granted());
}

#[test]
fn nothing_is_served_before_start_and_leases_are_many_per_commit() {
    let expired: Vec<Lease> = (10..50).map(|last| lease(last, last, None, WALL_S - 1)).collect();
    let mut server = Server::with_leases(slice(), expired);
    server.parent = Parent::Slow;
    server.pass(1);
    let sizes: Vec<usize> = server
        .told
        .iter()
        .map(|message| match message {
            ToParent::Commit { changes, .. } => changes.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(sizes, [32, 8]);

    let mut early = dhcp::Engine::new(slice(), [0; 32]);
    let mut out = dhcp::Outbox::new();
    early.handle(Input::FromParent(ToWorker::Interfaces(vec![eth0()])), server.now, &mut out);
    let arrival = Arrival {
        interface: ETH0,
        source: "0.0.0.0:68".parse().unwrap(),
        destination: Ipv4Addr::BROADCAST,
        port: Port::Server,
    };
    early.handle(Input::Packet { bytes: &Ask::new(DISCOVER, 2).bytes(), arrival }, server.now, &mut out);
    assert!(out.actions.is_empty() && out.lines.is_empty());
}

#[test]
fn draining_finishes_what_is_owed_and_takes_nothing_new() {
    let mut server = pinging();
    server.parent = Parent::Slow;
    server.ask(&Ask::new(DISCOVER, 2).bytes());
    server.ask(&select(3, 12).bytes());
    server.give(Input::Drain);
    assert!(server.ask(&Ask::new(DISCOVER, 4).bytes()).is_empty());
    assert!(!server.engine.idle());
    let Some(ToParent::Commit { ticket, .. }) = server.told.pop() else { panic!() };
    server.say(ToWorker::Committed(ticket));
    assert_eq!(answer(&server.sent), granted());
    assert!(!server.engine.idle());
    server.pass(3_000);
    let Some(ToParent::SetNeighbor { ticket, .. }) = server.told.pop() else { panic!() };
    server.say(ToWorker::NeighborSet { ticket, done: true });
    assert_eq!(server.sent.len(), 2);
    assert!(server.engine.idle());
}

// --- Lease queries -----------------------------------------------------------------------------------------------------

#[test]
fn a_lease_query_tells_how_much_of_the_lease_is_left() {
    let mut server = Server::new(DhcpSlice { leasequery: Some(vec![]), ..slice() });
    server.ask(&select(2, 17).with(60, b"class").bytes());
    server.pass(600_000);
    let query = Ask::new(10, 2).through(ip(200)).with(55, &[51, 58, 59, 91, 60]).bytes();
    let sent = server.ask_unicast(&query, "192.168.77.200:67");
    let seconds = |code| sent[0].option(code).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
    assert_eq!([51, 58, 59, 91].map(seconds), [3000, 1200, 2550, 600].map(Some));
    assert_eq!((sent[0].kind().0, sent[0].option(60)), (13, Some(b"class".to_vec())));
    // Once the lease is over, nobody has the address.
    server.pass(3_000_000);
    let sent = server.ask_unicast(&query, "192.168.77.200:67");
    assert_eq!(sent[0].kind().0, 12);
}

#[test]
fn a_configured_name_stays_with_a_client_that_got_another_address() {
    let slice = DhcpSlice {
        host_rules: vec![HostRule { name: Some("fixed".into()), address: Some(ip(70)), ..rule(1) }],
        ..slice()
    };
    let mut server = Server::with_leases(slice, vec![lease(1, 13, Some("fixed"), WALL_S + 3600)]);
    assert_eq!(answer(&server.ask(&select(4, 10).named("fixed").bytes())), granted());
    assert_eq!(server.lease(10).unwrap().name, None);
    assert_eq!(server.lease(13).unwrap().name.as_deref(), Some("fixed"));
}
