//! An event as the arguments of a Lua function (`dhcp-luascript`): names and forms are dnsmasq's.

use ipc::event::{Event, LeaseEvent};

use crate::call::{Call, in_lease_file};

/// A call of a Lua function: `function(action, table)`.
#[derive(Clone, Debug, PartialEq)]
pub struct LuaCall {
    /// The function's name. Only `lease` must exist.
    pub function: &'static str,
    /// The first argument.
    pub action: String,
    /// The entries of the table; those without a value are absent.
    pub entries: Vec<(String, LuaValue)>,
}

/// A value in the table.
#[derive(Clone, Debug, PartialEq)]
pub enum LuaValue {
    /// A string of bytes.
    Text(Vec<u8>),
    /// A number, which dnsmasq hands over in floating point.
    Number(f64),
}

impl LuaCall {
    /// The call that tells of `event`, which the script would be told by `call`.
    pub fn of(event: &Event, call: &Call) -> LuaCall {
        let [action, rest @ ..] = &call.arguments[..] else {
            return LuaCall { function: "", action: String::new(), entries: Vec::new() };
        };
        let text = |name: &str, at: usize| rest.get(at).map(|value| (name.to_owned(), LuaValue::Text(value.clone())));
        let (function, entries) = match event {
            Event::Lease(event) => ("lease", lease_entries(event, call)),
            Event::Tftp { .. } => {
                let entries = [text("file_size", 0), text("destination_address", 1), text("file_name", 2)];
                ("tftp", entries.into_iter().flatten().collect())
            }
            Event::Neighbor { .. } => {
                ("arp", [text("mac_address", 0), text("client_address", 1)].into_iter().flatten().collect())
            }
        };
        LuaCall { function, action: String::from_utf8_lossy(action).into_owned(), entries }
    }
}

fn lease_entries(event: &LeaseEvent, call: &Call) -> Vec<(String, LuaValue)> {
    let text = |name: &str, value: String| (name.to_owned(), LuaValue::Text(value.into_bytes()));
    let mut entries = vec![
        text("mac_address", in_lease_file(event.lease.hardware)),
        text("ip_address", event.lease.address.to_string()),
    ];
    // Of a lease that has lost its name, the lost one is told here too.
    entries.extend(event.lease.name.clone().or(event.old_name.clone()).map(|name| text("hostname", name)));
    let number = |name: &str, value: f64| (name.to_owned(), LuaValue::Number(value));
    entries.push(number("lease_expires", event.lease.expires_s as f64));
    entries.extend(event.remaining_s.map(|seconds| number("time_remaining", seconds as f64)));
    entries.push(number("data_missing", f64::from(u8::from(event.word.is_none()))));
    for (name, value) in &call.variables {
        let name = name.trim_start_matches("DNSMASQ_").to_ascii_lowercase();
        if !matches!(name.as_str(), "lease_expires" | "time_remaining" | "data_missing" | "log_dhcp") {
            entries.push((name, LuaValue::Text(value.clone())));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use ipc::event::{ClientWord, Turn};
    use ipc::lease::Lease;
    use ipc::link::HardwareAddress;

    use super::*;

    #[test]
    fn a_lease_is_a_table_with_numbers_and_texts() {
        let event = Event::Lease(Box::new(LeaseEvent {
            turn: Turn::Old,
            lease: Lease {
                address: [10, 0, 0, 9].into(),
                hardware: HardwareAddress::new(1, &[2, 9]).unwrap(),
                client_id: Some(vec![1]),
                name: Some("box".to_owned()),
                expires_s: 1000,
                provenance: None,
            },
            old_name: None,
            domain: None,
            interface: Some("eth0".to_owned()),
            relay: None,
            remaining_s: Some(60),
            word: Some(ClientWord { tags: vec!["a".to_owned(), "b".to_owned()], ..ClientWord::default() }),
        }));
        let call = LuaCall::of(&event, &Call::of(&event, true));
        assert_eq!((call.function, call.action.as_str()), ("lease", "old"));
        let shown: Vec<String> = call
            .entries
            .iter()
            .map(|(name, value)| match value {
                LuaValue::Text(text) => format!("{name}={}", String::from_utf8_lossy(text)),
                LuaValue::Number(number) => format!("{name}={number:?}"),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "mac_address=02:09",
                "ip_address=10.0.0.9",
                "hostname=box",
                "lease_expires=1000.0",
                "time_remaining=60.0",
                "data_missing=0.0",
                "client_id=01",
                "interface=eth0",
                "tags=a b",
            ]
        );
    }

    #[test]
    fn a_file_has_its_size_as_text() {
        let event = Event::Tftp { size: 6, client: [10, 0, 0, 2].into(), path: "/f".to_owned() };
        let call = LuaCall::of(&event, &Call::of(&event, false));
        let text = |text: &str| LuaValue::Text(text.as_bytes().to_vec());
        assert_eq!((call.function, call.action.as_str()), ("tftp", "tftp"));
        let expected = [("file_size", text("6")), ("destination_address", text("10.0.0.2")), ("file_name", text("/f"))];
        assert_eq!(call.entries, expected.map(|(name, value)| (name.to_owned(), value)));
    }
}
