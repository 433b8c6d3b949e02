//! dig and kdig, and what they say.

use std::net::Ipv4Addr;

use support::Namespace;
use support::lan::SERVER_ADDRESS;

/// A reply as dig shows it.
#[derive(Debug)]
pub struct Reply {
    /// RCODE by name.
    pub status: String,
    /// The header's flags, lower case, separated by blanks.
    pub flags: String,
    /// The answer section's records: type and data, sorted, since servers rotate them.
    pub answers: Vec<(String, String)>,
    /// The complete output.
    pub text: String,
}

impl Reply {
    /// The data of all answer records.
    pub fn data(&self) -> Vec<&str> {
        self.answers.iter().map(|(_, data)| data.as_str()).collect()
    }

    /// Is this flag set?
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.split(' ').any(|set| set == flag)
    }

    fn parse(text: String) -> Reply {
        // dig writes "status: NOERROR," and ";; flags: qr rd;"; kdig "status: NOERROR;" and ";; Flags: qr rd;".
        let between = |start: &str| {
            let lower = text.to_ascii_lowercase();
            let from = lower.find(start)? + start.len();
            let rest = &text[from..];
            Some(rest[..rest.find([',', ';'])?].trim().to_owned())
        };
        let mut answers: Vec<(String, String)> = text
            .lines()
            .filter(|line| !line.starts_with(';') && !line.trim().is_empty())
            .map(|line| {
                let mut fields = line.split_whitespace().skip(3);
                (fields.next().unwrap_or_default().to_owned(), fields.collect::<Vec<_>>().join(" "))
            })
            .collect();
        answers.sort();
        let status = between("status: ").unwrap_or_else(|| panic!("no reply: {text}"));
        Reply { status, flags: between(";; flags: ").unwrap_or_default(), answers, text }
    }
}

/// Asks the LAN's server with dig: a name, a type, `+options`. There must be a reply.
pub fn dig(client: &Namespace, arguments: &[&str]) -> Reply {
    dig_at(client, &SERVER_ADDRESS.to_string(), arguments)
}

/// Like [`dig`], at another address of the server.
pub fn dig_at(client: &Namespace, server: &str, arguments: &[&str]) -> Reply {
    let server = format!("@{server}");
    let mut all = vec!["-r", &server, "+noall", "+comments", "+answer", "+tries=3", "+time=4"];
    all.extend(arguments);
    Reply::parse(client.run("dig", &all))
}

/// Asks the LAN's server with kdig.
pub fn kdig(client: &Namespace, arguments: &[&str]) -> Reply {
    let server = format!("@{SERVER_ADDRESS}");
    let mut all = vec![server.as_str(), "+noall", "+header", "+answer", "+retry=3", "+time=4"];
    all.extend(arguments);
    Reply::parse(client.run("kdig", &all))
}

/// The name under which `address` is looked up in reverse.
pub fn reverse_name(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{d}.{c}.{b}.{a}.in-addr.arpa")
}
