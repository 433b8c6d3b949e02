//! A small network: one namespace for the server, some for clients, one for upstream servers.

use std::net::Ipv4Addr;

use crate::Namespace;

/// The interface of the server that clients are behind.
pub const SERVER_INTERFACE: &str = "lan0";
/// The server's address there, of a /24.
pub const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The interface of every client.
pub const CLIENT_INTERFACE: &str = "eth0";
/// The addresses of the upstream namespace.
pub const UPSTREAMS: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 53), Ipv4Addr::new(198, 51, 100, 54)];

/// Server and clients on one bridge, the upstream namespace behind the server.
///
/// ```text
/// client 0 eth0 ──┐                                 ┌── eth0 198.51.100.53 and .54
/// client 1 eth0 ──┴── lan0 10.77.0.1  server  up0 ──┘   upstream
/// ```
#[derive(Debug)]
pub struct Lan {
    /// Where the server runs.
    pub server: Namespace,
    /// Where clients run: without address until a test gives one or a DHCP client gets one.
    pub clients: Vec<Namespace>,
    /// Where scripted upstreams listen.
    pub upstream: Namespace,
}

impl Lan {
    /// Makes a network with so many clients. Client `n` has the hardware address [`client_hardware`]`(n)`.
    pub fn new(clients: usize) -> Lan {
        let server = Namespace::new("server");
        let upstream = Namespace::new("upstream");
        server.ip(&["link", "add", SERVER_INTERFACE, "address", "02:00:00:00:00:01", "type", "bridge"]);
        server.ip(&["addr", "add", &format!("{SERVER_ADDRESS}/24"), "dev", SERVER_INTERFACE]);
        server.ip(&["link", "set", SERVER_INTERFACE, "up"]);
        server.ip(&["link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", upstream.name()]);
        server.ip(&["addr", "add", "198.51.100.1/24", "dev", "up0"]);
        server.ip(&["link", "set", "up0", "up"]);
        for address in UPSTREAMS {
            upstream.ip(&["addr", "add", &format!("{address}/24"), "dev", "eth0"]);
        }
        upstream.ip(&["link", "set", "eth0", "up"]);
        let mut lan = Lan { server, clients: Vec::new(), upstream };
        for number in 0..clients {
            lan.add_client(number);
        }
        lan
    }

    /// Makes a network whose clients have fixed addresses, [`client_address`]`(n)`: for tests without DHCP.
    pub fn with_addresses(clients: usize) -> Lan {
        let lan = Lan::new(clients);
        for (number, client) in lan.clients.iter().enumerate() {
            client.ip(&["addr", "add", &format!("{}/24", client_address(number)), "dev", CLIENT_INTERFACE]);
            client.ip(&["route", "add", "default", "via", &SERVER_ADDRESS.to_string()]);
        }
        lan
    }

    fn add_client(&mut self, number: usize) {
        let client = Namespace::new(&format!("client{number}"));
        let port = format!("port{number}");
        let hardware = client_hardware(number);
        self.server.ip(&[
            "link",
            "add",
            &port,
            "type",
            "veth",
            "peer",
            "name",
            CLIENT_INTERFACE,
            "address",
            &hardware,
            "netns",
            client.name(),
        ]);
        self.server.ip(&["link", "set", &port, "master", SERVER_INTERFACE, "up"]);
        client.ip(&["link", "set", CLIENT_INTERFACE, "up"]);
        self.clients.push(client);
    }
}

/// The hardware address of client `number`.
pub fn client_hardware(number: usize) -> String {
    format!("02:00:00:00:01:{number:02x}")
}

/// The fixed address of client `number` in a network without DHCP.
pub fn client_address(number: usize) -> Ipv4Addr {
    let last = u8::try_from(number + 10).expect("few clients");
    Ipv4Addr::new(10, 77, 0, last)
}
