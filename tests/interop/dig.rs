//! dig and kdig, as the user of a LAN would use them.

use support::{Lan, Server};

#[test]
fn a_configured_address_is_answered() {
    let lan = Lan::with_addresses(1);
    let _server = Server::start(&lan.server, "no-resolv\nno-hosts\naddress=/here.example/192.0.2.7\n");
    let text = lan.clients[0].run("dig", &["@10.77.0.1", "+short", "www.here.example", "A"]);
    assert_eq!(text, "192.0.2.7\n");
}
