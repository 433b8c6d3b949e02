//! What the parent is told of a client whose message changes a lease.

mod support;

use ipc::config::dhcp::DhcpSlice;
use ipc::dhcp::ToParent;
use support::*;

fn contact_of(slice: DhcpSlice, ask: Ask) -> Option<Box<ipc::dhcp::Contact>> {
    let mut server = Server::new(slice);
    server.parent = Parent::Slow;
    server.ask(&ask.bytes());
    let Some(ToParent::Commit { contact, .. }) = server.told.pop() else { panic!("no commit: {:?}", server.told) };
    contact
}

fn full() -> Ask {
    let ask = Ask::new(REQUEST, 2).wants(ip(17)).selects(SERVER);
    ask.with(12, b"b\0x\n")
        .with(60, b"vendor")
        .with(77, b"\x04user")
        .with(82, b"\x01\x02ab\x06\x01s")
        .with(161, b"https://m")
}

#[test]
fn the_parent_hears_the_clients_own_words_where_a_script_wants_them() {
    let contact = contact_of(DhcpSlice { tell_script: true, ..slice() }, full()).expect("a contact");
    assert_eq!(contact.interface, ETH0);
    let word = contact.word.expect("what it said");
    assert!(word.is_bounded());
    assert_eq!((word.host_name.as_slice(), word.vendor_class.as_slice()), (&b"b\0x\n"[..], &b"vendor"[..]));
    assert_eq!(word.relay_ids, [b"ab".to_vec(), vec![], b"s".to_vec()]);
    assert_eq!(word.tags, ["eth0"]);
}

#[test]
fn a_client_that_extends_its_lease_is_not_quoted() {
    let mut server = Server::new(DhcpSlice { tell_script: true, ..slice() });
    server.ask(&full().bytes());
    server.parent = Parent::Slow;
    server.ask(&Ask::new(REQUEST, 2).at(ip(17)).with(60, b"vendor").bytes());
    let Some(ToParent::Commit { contact, .. }) = server.told.pop() else { panic!("no commit: {:?}", server.told) };
    assert_eq!(contact.expect("a contact").word, None);
}

#[test]
fn nobody_is_told_where_no_script_is() {
    assert_eq!(contact_of(slice(), full()), None);
}
