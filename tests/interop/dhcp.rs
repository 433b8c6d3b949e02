//! DHCPv4 with udhcpc, dhcpcd and dhclient, and the lease file.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use support::lan::{CLIENT_INTERFACE, client_hardware};
use support::{Directory, Lan, Server, wait_for, wait_until};

use crate::dhcp_client::{Client, Kind};
use crate::dig::dig;

const CONFIG: &str = "no-resolv\nno-hosts\nno-ping\ninterface=lan0\ndhcp-authoritative\n\
                      dhcp-range=10.77.0.100,10.77.0.150,1h\ndhcp-option=option:ntp-server,10.77.0.5\n\
                      domain=lan.example\nlocal=/lan.example/\n";

/// The five fields of a line of the lease file.
#[derive(Debug, PartialEq, Eq)]
struct LeaseLine {
    expiry: u64,
    hardware: String,
    address: String,
    name: String,
    client_id: String,
}

/// The lease of an address, when the file holds one. Every line must have the form of dnsmasq's file.
fn lease_of(server: &Server, address: &str) -> Option<LeaseLine> {
    let lines = server.leases();
    let found = lines.iter().filter(|line| !line.starts_with("duid ")).map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [expiry, hardware, address, name, client_id] = fields[..] else { panic!("a lease line of {line:?}") };
        LeaseLine {
            expiry: expiry.parse().expect("a time"),
            hardware: hardware.to_owned(),
            address: address.to_owned(),
            name: name.to_owned(),
            client_id: client_id.to_owned(),
        }
    });
    found.into_iter().find(|lease| lease.address == address)
}

/// The lease of an address; the reference writes it only after it has sent its acknowledgement.
fn wait_for_lease(server: &Server, address: &str) -> LeaseLine {
    wait_for("the lease to be in the file", || lease_of(server, address))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn in_range(address: &str) -> bool {
    let address: Ipv4Addr = address.parse().expect("an address");
    (Ipv4Addr::new(10, 77, 0, 100)..=Ipv4Addr::new(10, 77, 0, 150)).contains(&address)
}

// ---- One life of a lease, with every client ----

#[test]
fn udhcpc_lives_with_a_lease() {
    live_with_a_lease(Kind::Udhcpc);
}

#[test]
fn dhcpcd_lives_with_a_lease() {
    live_with_a_lease(Kind::Dhcpcd);
}

#[test]
fn dhclient_lives_with_a_lease() {
    live_with_a_lease(Kind::Dhclient);
}

fn live_with_a_lease(kind: Kind) {
    let lan = Lan::with_addresses(2);
    // The second client only asks questions.
    let (namespace, asker) = (&lan.clients[0], &lan.clients[1]);
    namespace.ip(&["addr", "flush", "dev", CLIENT_INTERFACE]);
    let server = Server::start(&lan.server, CONFIG);
    let hardware = client_hardware(0);

    // A lease with everything that was configured.
    let mut client = Client::start(kind, namespace, "laptop");
    let binding = client.binding();
    let address = binding.address.clone();
    assert!(in_range(&address), "{binding:?}");
    assert_eq!(binding.mask, "255.255.255.0");
    assert_eq!(binding.router, "10.77.0.1");
    assert_eq!(binding.dns, "10.77.0.1");
    assert_eq!(binding.domain, "lan.example");
    assert_eq!(binding.ntp, "10.77.0.5");
    assert_eq!(binding.lease_s, "3600");
    server.wait_for_line(&format!("DHCPDISCOVER(lan0) {hardware}"));
    server.wait_for_line(&format!("DHCPOFFER(lan0) {address} {hardware}"));
    server.wait_for_line(&format!("DHCPACK(lan0) {address} {hardware} laptop"));

    // The file says so, in dnsmasq's form.
    let lease = wait_for_lease(&server, &address);
    assert_eq!(lease.hardware, hardware);
    assert_eq!(lease.name, "laptop");
    assert!((now() + 3500..=now() + 3610).contains(&lease.expiry), "{lease:?}");
    let expected_id = if kind == Kind::Dhclient { "*".to_owned() } else { format!("01:{hardware}") };
    assert_eq!(lease.client_id, expected_id);

    // Its name resolves, both ways.
    for name in ["laptop", "laptop.lan.example"] {
        wait_until("the client's name to resolve", || dig(asker, &[name, "A"]).data() == [address.as_str()]);
    }
    assert_eq!(dig(asker, &["-x", &address]).data(), ["laptop.lan.example."]);

    // It confirms the lease and keeps the address.
    let (discovers, seen) = (server.count_lines("DHCPDISCOVER"), server.lines().len());
    client.renew();
    assert_eq!(client.binding().address, address);
    server.wait_for_line_after(seen, &format!("DHCPREQUEST(lan0) {address} {hardware}"));
    server.wait_for_line_after(seen, &format!("DHCPACK(lan0) {address} {hardware} laptop"));
    assert_eq!(server.count_lines("DHCPDISCOVER"), discovers);
    assert!(wait_for_lease(&server, &address).expiry >= lease.expiry);

    // It gives the lease back, and the name goes with it.
    client.release();
    server.wait_for_line(&format!("DHCPRELEASE(lan0) {address} {hardware}"));
    wait_until("the lease to leave the file", || lease_of(&server, &address).is_none());
    assert_eq!(dig(asker, &["laptop.lan.example", "A"]).status, "NXDOMAIN");
    server.stop();
}

// ---- Which address ----

#[test]
fn two_clients_get_different_addresses_and_keep_them_without_the_lease_file() {
    let lan = Lan::new(2);
    let server = Server::start(&lan.server, CONFIG);
    let take_both = || {
        let clients: Vec<Client> =
            lan.clients.iter().map(|namespace| Client::start(Kind::Udhcpc, namespace, "host")).collect();
        let addresses: Vec<String> = clients.iter().map(|client| client.binding().address).collect();
        clients.into_iter().for_each(Client::vanish);
        addresses
    };
    let addresses = take_both();
    assert_ne!(addresses[0], addresses[1]);
    assert!(addresses.iter().all(|address| in_range(address)), "{addresses:?}");

    let directory = server.stop();
    std::fs::remove_file(directory.join("run/leases")).expect("there is a lease file");
    let _server = Server::start_in(&lan.server, directory, CONFIG);
    assert_eq!(take_both(), addresses, "the hardware address chooses");
}

#[test]
fn the_lease_survives_a_restart() {
    let lan = Lan::new(1);
    let server = Server::start(&lan.server, CONFIG);
    let client = Client::start(Kind::Udhcpc, &lan.clients[0], "laptop");
    let address = client.binding().address;
    client.vanish();
    let lease = wait_for_lease(&server, &address);
    let directory = server.stop();
    let server = Server::start_in(&lan.server, directory, CONFIG);
    assert_eq!(lease_of(&server, &address), Some(lease));
    lan.server.ip(&["addr", "add", "10.77.0.2/24", "dev", "lan0"]);
    assert_eq!(dig(&lan.server, &["laptop.lan.example", "A"]).data(), [address.as_str()]);
}

#[test]
fn a_host_rule_fixes_address_name_and_options() {
    let lan = Lan::new(2);
    let config = format!(
        "{CONFIG}dhcp-host={},set:red,fixed-name,10.77.0.20,infinite\ndhcp-option=tag:red,option:ntp-server,10.77.0.6\n",
        client_hardware(0)
    );
    let server = Server::start(&lan.server, &config);
    let fixed = Client::start(Kind::Udhcpc, &lan.clients[0], "own-name");
    let other = Client::start(Kind::Udhcpc, &lan.clients[1], "own-name");
    let (fixed, other) = (fixed.binding(), other.binding());
    assert_eq!((fixed.address.as_str(), fixed.ntp.as_str()), ("10.77.0.20", "10.77.0.6"));
    assert_eq!(other.ntp, "10.77.0.5");
    assert!(in_range(&other.address));
    let lease = wait_for_lease(&server, "10.77.0.20");
    assert_eq!((lease.expiry, lease.name.as_str()), (0, "fixed-name"));
    assert_eq!(wait_for_lease(&server, &other.address).name, "own-name");
    assert_eq!(dig(&lan.server, &["fixed-name.lan.example", "A"]).data(), ["10.77.0.20"]);
}

#[test]
fn an_address_that_answers_a_ping_is_not_given_away() {
    let lan = Lan::new(2);
    let config = CONFIG.replace("no-ping\n", "");
    let server = Server::start(&lan.server, &config);
    let client = Client::start(Kind::Udhcpc, &lan.clients[0], "laptop");
    let address = client.binding().address;
    client.vanish();
    let directory = server.stop();
    std::fs::remove_file(directory.join("run/leases")).expect("there is a lease file");

    // Somebody else has taken it by hand, so long ago that the server's host has forgotten who had it.
    lan.server.ip(&["neigh", "flush", "dev", "lan0"]);
    lan.clients[1].ip(&["addr", "add", &format!("{address}/24"), "dev", CLIENT_INTERFACE]);
    let _server = Server::start_in(&lan.server, directory, &config);
    let client = Client::start(Kind::Udhcpc, &lan.clients[0], "laptop");
    let second = client.binding().address;
    assert_ne!(second, address);
    assert!(in_range(&second));
}

// ---- Refusals ----

#[test]
fn a_client_from_another_network_is_refused_and_starts_again() {
    let lan = Lan::new(1);
    let server = Server::start(&lan.server, CONFIG);
    let client = Client::start_with(Kind::Dhclient, &lan.clients[0], "laptop", |here| {
        let times = "renew 5 2037/01/02 00:00:00; rebind 5 2037/01/02 00:00:00; expire 5 2037/01/02 00:00:00;";
        let options = "option subnet-mask 255.255.255.0; option dhcp-lease-time 3600; option dhcp-message-type 5; \
                       option dhcp-server-identifier 10.99.0.1;";
        let lease = format!("lease {{ interface \"eth0\"; fixed-address 10.99.0.5; {options} {times} }}\n");
        here.write("dhclient.leases", lease);
    });
    assert!(in_range(&client.binding().address));
    server.wait_for_line(&format!("DHCPNAK(lan0) 10.99.0.5 {} wrong network", client_hardware(0)));
}

#[test]
fn an_ignored_client_gets_nothing() {
    let lan = Lan::new(2);
    let config = format!("{CONFIG}dhcp-host={},ignore\n", client_hardware(0));
    let server = Server::start(&lan.server, &config);
    let _ignored = Client::start(Kind::Udhcpc, &lan.clients[0], "ignored");
    server.wait_for_line(&format!("DHCPDISCOVER(lan0) {} ignored", client_hardware(0)));
    let other = Client::start(Kind::Udhcpc, &lan.clients[1], "other");
    assert!(in_range(&other.binding().address));
    assert_eq!(server.count_lines("DHCPOFFER"), server.count_lines(&client_hardware(1)).min(1));
}

// ---- Taking over from dnsmasq ----

#[test]
fn the_lease_file_of_a_previous_server_is_taken_over() {
    let lan = Lan::new(1);
    let directory = Arc::new(Directory::new());
    let (soon, hardware) = (now() + 1800, client_hardware(0));
    directory.write(
        "run/leases",
        format!(
            "{soon} {hardware} 10.77.0.123 kept-name 01:{hardware}\n\
             0 02:00:00:00:09:01 10.77.0.124 forever *\n\
             {soon} 02:00:00:00:09:02 10.77.0.125 * 01:02:00:00:00:09:02\n\
             {} 02:00:00:00:09:03 10.77.0.126 expired *\n",
            now() - 100,
        ),
    );
    let server = Server::start_in(&lan.server, directory, CONFIG);
    assert_eq!(dig(&lan.server, &["kept-name.lan.example", "A"]).data(), ["10.77.0.123"]);
    assert_eq!(dig(&lan.server, &["-x", "10.77.0.124"]).data(), ["forever.lan.example."]);
    wait_until("the expired name to go", || dig(&lan.server, &["expired.lan.example", "A"]).status == "NXDOMAIN");

    let client = Client::start(Kind::Udhcpc, &lan.clients[0], "kept-name");
    assert_eq!(client.binding().address, "10.77.0.123");
    wait_until("the lease to be extended", || {
        lease_of(&server, "10.77.0.123").is_some_and(|lease| lease.expiry > soon)
    });
    let forever = lease_of(&server, "10.77.0.124").expect("it never expires");
    assert_eq!((forever.expiry, forever.name.as_str(), forever.client_id.as_str()), (0, "forever", "*"));
    let nameless = lease_of(&server, "10.77.0.125").expect("it has not expired");
    assert_eq!((nameless.expiry, nameless.name.as_str()), (soon, "*"));
    assert_eq!(nameless.client_id, "01:02:00:00:00:09:02");
    assert_eq!(lease_of(&server, "10.77.0.126"), None);
}
