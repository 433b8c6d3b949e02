//! An event as the arguments and the environment of a script: names and forms are dnsmasq's.

use std::net::Ipv4Addr;

use ipc::event::{ClientWord, Event, LeaseEvent, Turn};
use ipc::link::HardwareAddress;

/// What a script is called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The arguments behind the script's name.
    pub arguments: Vec<Vec<u8>>,
    /// The variables that are set, each once. All others that [`is_ours`] names must not be there.
    pub variables: Vec<(String, Vec<u8>)>,
}

/// Variables that tell of events, but for those with a number behind them.
const NAMES: &[&str] = &[
    "CIRCUIT_ID",
    "CLIENT_ID",
    "CPEWAN_CLASS",
    "CPEWAN_OUI",
    "CPEWAN_SERIAL",
    "DATA_MISSING",
    "DOMAIN",
    "IAID",
    "INTERFACE",
    "LEASE_EXPIRES",
    "LEASE_LENGTH",
    "LOG_DHCP",
    "MAC",
    "MUD_URL",
    "OLD_HOSTNAME",
    "RELAY_ADDRESS",
    "REMOTE_ID",
    "REQUESTED_OPTIONS",
    "SERVER_DUID",
    "SUBSCRIBER_ID",
    "SUPPLIED_HOSTNAME",
    "TAGS",
    "TIME_REMAINING",
    "VENDOR_CLASS",
    "VENDOR_CLASS_ID",
];

/// Is this a variable that tells of events? One that the daemon was started with must not reach a script.
pub fn is_ours(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"DNSMASQ_") else { return false };
    let numbered = |start: &[u8]| {
        rest.strip_prefix(start).is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    };
    NAMES.iter().any(|name| name.as_bytes() == rest) || numbered(b"USER_CLASS") || numbered(b"VENDOR_CLASS")
}

impl Call {
    /// The call that tells of `event`. `log_dhcp`: the option is on.
    pub fn of(event: &Event, log_dhcp: bool) -> Call {
        match event {
            Event::Lease(event) => Call::of_lease(event, log_dhcp),
            Event::Tftp { size, client, path } => Call::plain(&["tftp", &size.to_string(), &client.to_string(), path]),
            Event::Neighbor { known, hardware, address } => {
                let word = if *known { "arp-add" } else { "arp-del" };
                Call::plain(&[word, &hardware.to_string(), &address.to_string()])
            }
        }
    }

    fn plain(arguments: &[&str]) -> Call {
        Call { arguments: arguments.iter().map(|text| text.as_bytes().to_vec()).collect(), variables: Vec::new() }
    }

    fn of_lease(event: &LeaseEvent, log_dhcp: bool) -> Call {
        let word = match event.turn {
            Turn::Add => "add",
            Turn::Old => "old",
            Turn::Del => "del",
        };
        let lease = &event.lease;
        let mut call = Call::plain(&[word, &in_lease_file(lease.hardware), &lease.address.to_string()]);
        call.arguments.extend(lease.name.as_ref().map(|name| name.clone().into_bytes()));

        call.set("CLIENT_ID", lease.client_id.as_deref().map(hex));
        call.set("INTERFACE", event.interface.clone());
        call.set("DOMAIN", event.domain.clone());
        call.set("OLD_HOSTNAME", event.old_name.clone());
        call.set("LEASE_EXPIRES", Some(lease.expires_s.to_string()));
        call.set("TIME_REMAINING", event.remaining_s.map(|seconds| seconds.to_string()));
        call.set("RELAY_ADDRESS", event.relay.as_ref().map(Ipv4Addr::to_string));
        match &event.word {
            Some(word) => call.say(word),
            None => call.set("DATA_MISSING", Some("1")),
        }
        call.set("LOG_DHCP", log_dhcp.then_some("1"));
        call
    }

    fn say(&mut self, word: &ClientWord) {
        self.set_text("SUPPLIED_HOSTNAME", &word.host_name);
        self.set_text("VENDOR_CLASS", &word.vendor_class);
        for (number, class) in user_classes(&word.user_class).into_iter().enumerate() {
            self.set_text(&format!("USER_CLASS{number}"), &class);
        }
        let [oui, serial, class] = &word.cpewan;
        self.set_text("CPEWAN_OUI", oui);
        self.set_text("CPEWAN_SERIAL", serial);
        self.set_text("CPEWAN_CLASS", class);
        let [circuit, remote, subscriber] = &word.relay_ids;
        self.set_text("CIRCUIT_ID", circuit);
        self.set_text("REMOTE_ID", remote);
        self.set_text("SUBSCRIBER_ID", subscriber);
        let codes: Vec<String> = word.requested.iter().map(u8::to_string).collect();
        self.set("REQUESTED_OPTIONS", Some(codes.join(",")).filter(|codes| !codes.is_empty()));
        self.set_text("MUD_URL", &word.mud_url);
        // Tags come from the configuration, but by way of a worker that hears clients.
        let tags = word.tags.join(" ").replace(|letter: char| letter.is_control(), "");
        self.set("TAGS", Some(tags).filter(|tags| !tags.is_empty()));
    }

    fn set(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.variables.push((format!("DNSMASQ_{name}"), value.into().into_bytes()));
        }
    }

    /// Sets a variable to what a client sent: up to the first NUL, as a string of C ends there; up to the first `=`, as in dnsmasq, which
    /// takes the rest for something else; without control characters, which could end a line wherever a script writes the value.
    /// Nothing up to the NUL sets no variable.
    fn set_text(&mut self, name: &str, bytes: &[u8]) {
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        if text.is_empty() {
            return;
        }
        let text = text.split(|byte| *byte == b'=').next().unwrap_or_default();
        let clean = text.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
        self.variables.push((format!("DNSMASQ_{name}"), clean));
    }
}

/// A hardware address as the lease file has it: for a client without one, its type all the same.
pub(crate) fn in_lease_file(hardware: HardwareAddress) -> String {
    match (hardware.kind, hardware.length) {
        (1, 0) => "01-".to_owned(),
        _ => hardware.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// The classes of option 77: each behind its length (RFC 3004), or, as many clients send it, one without length. A NUL parts classes too,
/// as in dnsmasq.
fn user_classes(option: &[u8]) -> Vec<Vec<u8>> {
    let mut joined = Vec::new();
    let mut rest = option;
    while let Some((&length, behind)) = rest.split_first() {
        match behind.split_at_checked(usize::from(length)) {
            Some((class, behind)) => {
                joined.extend_from_slice(class);
                joined.push(0);
                rest = behind;
            }
            None => {
                joined = option.to_vec();
                break;
            }
        }
    }
    if joined.last() == Some(&0) {
        joined.pop();
    }
    joined.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use ipc::lease::Lease;

    use super::*;

    fn event(word: Option<ClientWord>) -> LeaseEvent {
        LeaseEvent {
            turn: Turn::Add,
            lease: Lease {
                address: Ipv4Addr::new(10, 9, 0, 63),
                hardware: HardwareAddress::new(1, &[2, 0, 0, 0, 0, 5]).unwrap(),
                client_id: Some(vec![1, 0xab]),
                name: Some("box".to_owned()),
                expires_s: 1_795_628_930,
                provenance: None,
            },
            old_name: None,
            domain: Some("ex.org".to_owned()),
            interface: Some("eth0".to_owned()),
            relay: Some(Ipv4Addr::new(10, 1, 1, 1)),
            remaining_s: Some(120),
            word,
        }
    }

    fn call(word: Option<ClientWord>) -> Call {
        Call::of(&Event::Lease(Box::new(event(word))), false)
    }

    fn value<'c>(call: &'c Call, name: &str) -> Option<&'c [u8]> {
        call.variables.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_slice())
    }

    #[test]
    fn a_lease_becomes_dnsmasqs_arguments_and_variables() {
        let word = ClientWord {
            host_name: b"box".to_vec(),
            requested: vec![1, 3, 51],
            tags: vec!["pool".to_owned(), "eth0".to_owned()],
            ..ClientWord::default()
        };
        let call = Call::of(&Event::Lease(Box::new(event(Some(word)))), true);
        assert_eq!(call.arguments, [&b"add"[..], b"02:00:00:00:00:05", b"10.9.0.63", b"box"]);
        let shown: Vec<String> = call
            .variables
            .iter()
            .map(|(name, value)| format!("{}={}", &name["DNSMASQ_".len()..], String::from_utf8_lossy(value)))
            .collect();
        assert_eq!(
            shown,
            [
                "CLIENT_ID=01:ab",
                "INTERFACE=eth0",
                "DOMAIN=ex.org",
                "LEASE_EXPIRES=1795628930",
                "TIME_REMAINING=120",
                "RELAY_ADDRESS=10.1.1.1",
                "SUPPLIED_HOSTNAME=box",
                "REQUESTED_OPTIONS=1,3,51",
                "TAGS=pool eth0",
                "LOG_DHCP=1",
            ]
        );
        assert!(call.variables.iter().all(|(name, _)| is_ours(name.as_bytes())));
    }

    #[test]
    fn without_the_clients_word_the_script_hears_so() {
        let call = call(None);
        assert_eq!(value(&call, "DNSMASQ_DATA_MISSING"), Some(&b"1"[..]));
        assert_eq!(value(&call, "DNSMASQ_TAGS"), None);
    }

    #[test]
    fn no_byte_of_a_client_forges_a_variable_or_a_line() {
        for byte in 0..=255u8 {
            let hostile = vec![b'a', byte, b'X', b'=', b'1', b'\n', b'B', b'=', b'2'];
            let word = ClientWord {
                host_name: hostile.clone(),
                vendor_class: hostile.clone(),
                user_class: hostile.clone(),
                cpewan: [hostile.clone(), hostile.clone(), hostile.clone()],
                relay_ids: [hostile.clone(), hostile.clone(), hostile.clone()],
                mud_url: hostile.clone(),
                tags: vec![String::from_utf8_lossy(&hostile).into_owned()],
                ..ClientWord::default()
            };
            let call = call(Some(word));
            let names: std::collections::BTreeSet<_> = call.variables.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), call.variables.len(), "{byte}");
            for (name, value) in &call.variables {
                assert!(is_ours(name.as_bytes()), "{byte}: {name}");
                assert!(!value.iter().any(u8::is_ascii_control), "{byte}: {name}");
            }
        }
    }

    #[test]
    fn values_end_where_dnsmasq_ends_them() {
        for (sent, told) in [
            (&b"vend=or"[..], Some(&b"vend"[..])),
            (b"=cd", Some(b"")),
            (b"ab\0cd", Some(b"ab")),
            (b"\0cd", None),
            (b"", None),
            (b"ab\xe9c", Some(b"ab\xe9c")),
        ] {
            let word = ClientWord { vendor_class: sent.to_vec(), ..ClientWord::default() };
            assert_eq!(value(&call(Some(word)), "DNSMASQ_VENDOR_CLASS"), told, "{sent:?}");
        }
    }

    #[test]
    fn user_classes_have_lengths_or_not() {
        let classes = |sent: &[u8]| {
            let word = ClientWord { user_class: sent.to_vec(), ..ClientWord::default() };
            let call = call(Some(word));
            (0..5)
                .map(|number| value(&call, &format!("DNSMASQ_USER_CLASS{number}")).map(<[u8]>::to_vec))
                .collect::<Vec<_>>()
        };
        let some = |text: &[u8]| Some(text.to_vec());
        assert_eq!(classes(b"\x04user\x03two"), [some(b"user"), some(b"two"), None, None, None]);
        assert_eq!(classes(b"MSFT"), [some(b"MSFT"), None, None, None, None]);
        assert_eq!(
            classes(b"\x03a=b\0\x04x\0yz\x02\xe9\xe8"),
            [some(b"a"), None, some(b"x"), some(b"yz"), some(b"\xe9\xe8")]
        );
    }

    #[test]
    fn a_client_without_hardware_address_has_a_type() {
        let shown = |kind, bytes: &[u8]| in_lease_file(HardwareAddress::new(kind, bytes).unwrap());
        assert_eq!([shown(1, &[]), shown(6, &[]), shown(6, &[1]), shown(1, &[2])], ["01-", "06-", "06-01", "02"]);
    }

    #[test]
    fn files_and_neighbors_have_arguments_only() {
        let sent = Event::Tftp { size: 6, client: [10, 9, 0, 2].into(), path: "/srv/f".to_owned() };
        assert_eq!(Call::of(&sent, true).arguments, [&b"tftp"[..], b"6", b"10.9.0.2", b"/srv/f"]);
        let hardware = HardwareAddress::new(1, &[2, 0, 0, 0, 0, 9]).unwrap();
        let gone = Event::Neighbor { known: false, hardware, address: [10, 9, 0, 2].into() };
        assert_eq!(Call::of(&gone, true).arguments, [&b"arp-del"[..], b"02:00:00:00:00:09", b"10.9.0.2"]);
        assert!(Call::of(&sent, true).variables.is_empty());
    }

    #[test]
    fn only_the_variables_of_events_are_ours() {
        for ours in ["DNSMASQ_TAGS", "DNSMASQ_USER_CLASS17", "DNSMASQ_VENDOR_CLASS0", "DNSMASQ_VENDOR_CLASS_ID"] {
            assert!(is_ours(ours.as_bytes()), "{ours}");
        }
        for other in ["DNSMASQ_OPTS", "DNSMASQ_USER_CLASSX", "PATH", "DNSMASQ_", "DNSMASQ_USER_CLASS"] {
            assert!(!is_ours(other.as_bytes()), "{other}");
        }
    }
}
