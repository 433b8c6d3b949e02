//! Lease scripts: which events they hear, in which order, with which arguments and variables.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use support::dhcp_client::{Hardware, RELEASE, REQUEST};
use support::lan::SERVER_ADDRESS;
use support::{DhcpClient, Directory, Lan, Server, Subject, wait_until};

const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndhcp-range=set:pool,10.77.0.100,10.77.0.150,1h\n\
                      domain=lan.example\ndhcp-script=DIR/script\n";

/// Writes an event in one line: arguments in brackets, then the variables but those that tell the time.
const SCRIPT: &str = "#!/bin/sh\n{ printf '[%s]' \"$@\"; env | grep -a '^DNSMASQ_' | grep -av 'EXPIRES\\|REMAINING' | LC_ALL=C sort | \
                      sed 's/DNSMASQ_/ /' | tr -d '\\n'; echo; } >> DIR/events\n";

const A: Hardware = [2, 0, 0, 0, 0, 0x0a];
const B: Hardware = [2, 0, 0, 0, 0, 0x0b];

/// A directory with the script in it.
fn directory(script: &str) -> Arc<Directory> {
    let directory = Arc::new(Directory::new());
    directory.write_script("script", &script.replace("DIR", directory.path().to_str().expect("a plain path")));
    directory.write("events", "");
    directory
}

/// What the script has heard. dnsmasq at times tells of the same thing twice.
fn events(directory: &Directory) -> Vec<String> {
    let bytes = fs::read(directory.join("events")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    // A line without its end is being written.
    let mut events: Vec<String> =
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect();
    events.dedup();
    events
}

/// Waits until the script has heard `expected` after its first `seen` events, and nothing else.
fn hears(directory: &Directory, seen: usize, expected: &[&str]) {
    wait_until(&format!("the script to hear {expected:?}"), || events(directory).len() >= seen + expected.len());
    assert_eq!(events(directory)[seen..], *expected);
}

/// Does this as a DHCP client.
fn as_client(lan: &Lan, deed: impl FnOnce(&mut DhcpClient) + Send + 'static) {
    let deed = move || deed(&mut DhcpClient::new(7));
    lan.clients[0].spawn(deed).join().expect("the client ends");
}

fn option(code: u8, value: &[u8]) -> (u8, Vec<u8>) {
    (code, value.to_vec())
}

#[test]
fn the_life_of_leases_is_told_as_by_dnsmasq() {
    let lan = Lan::new(1);
    let directory = directory(SCRIPT);
    let end = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + 5000;
    directory.write("run/leases", format!("{end} 02:00:00:00:00:77 10.77.0.177 old 01:02\n"));
    let server = Server::start_in(&lan.server, Arc::clone(&directory), CONFIG);
    let standing =
        "[old][02:00:00:00:00:77][10.77.0.177][old] CLIENT_ID=01:02 DATA_MISSING=1 DOMAIN=lan.example INTERFACE=lan0";
    hears(&directory, 0, &[standing]);

    // Everything that a client can say.
    let device = b"\0\0\x0d\xe9\x11\x01\x0600D09E\x02\x02S1\x03\x03Cls";
    let said = vec![
        option(12, b"laptop"),
        option(55, &[1, 3, 51]),
        option(60, b"vendor=x"),
        option(61, b"\x01ab"),
        option(77, b"\x04user\x03two"),
        option(82, b"\x01\x04circ\x02\x03rem\x06\x04subs"),
        option(125, device),
        option(161, b"https://example/m"),
    ];
    as_client(&lan, move |client| {
        client.lease_with(A, &said);
    });
    wait_until("the script to hear of the lease", || events(&directory).len() > 1);
    let added = &events(&directory)[1];
    let address: Ipv4Addr = added.split(['[', ']']).nth(5).expect("three arguments").parse().expect("an address");
    let tags = if added.contains("cpewan-id") { "pool cpewan-id lan0" } else { "pool lan0" };
    let expected = format!(
        "[add][02:00:00:00:00:0a][{address}][laptop] CIRCUIT_ID=circ CLIENT_ID=01:61:62 CPEWAN_CLASS=Cls CPEWAN_OUI=00D09E \
         CPEWAN_SERIAL=S1 DOMAIN=lan.example INTERFACE=lan0 MUD_URL=https://example/m REMOTE_ID=rem REQUESTED_OPTIONS=1,3,51 \
         SUBSCRIBER_ID=subs SUPPLIED_HOSTNAME=laptop TAGS={tags} USER_CLASS0=user USER_CLASS1=two VENDOR_CLASS=vendor"
    );
    assert_eq!(*added, expected);

    // A renewal is no event; a new name is two. (The answer goes to the client's address, which it does not have here.)
    let id = option(61, b"\x01ab");
    let (same, renamed) = (vec![option(12, b"laptop"), id.clone()], vec![option(12, b"tablet"), id.clone()]);
    let seen = server.lines().len();
    as_client(&lan, move |client| {
        client.send_with(REQUEST, A, address, &same);
    });
    server.wait_for_line_after(seen, &format!("DHCPACK(lan0) {address}"));
    as_client(&lan, move |client| {
        client.send_with(REQUEST, A, address, &renamed);
    });
    let who = format!("[old][02:00:00:00:00:0a][{address}]");
    let known = "CLIENT_ID=01:61:62 DATA_MISSING=1";
    let lost = |name: &str| format!("{who} {known} DOMAIN=lan.example INTERFACE=lan0 OLD_HOSTNAME={name}");
    let named = format!("{who}[tablet] {known} DOMAIN=lan.example INTERFACE=lan0");
    hears(&directory, 2, &[&lost("laptop"), &named]);

    // Somebody else takes the name: who loses it is told before and after.
    as_client(&lan, move |client| {
        client.lease_with(B, &[option(12, b"tablet"), option(61, b"\0b")]);
    });
    wait_until("the script to hear of both", || events(&directory).len() >= 7);
    let other: Ipv4Addr =
        events(&directory)[5].split(['[', ']']).nth(5).expect("arguments").parse().expect("an address");
    let taken = format!(
        "[add][02:00:00:00:00:0b][{other}][tablet] CLIENT_ID=00:62 DOMAIN=lan.example INTERFACE=lan0 SUPPLIED_HOSTNAME=tablet \
         TAGS=pool lan0"
    );
    hears(&directory, 4, &[&lost("tablet"), &taken, &format!("{who} {known} INTERFACE=lan0")]);

    // Who asks again for what it has is told with all that it says.
    let again = vec![option(60, b"v"), id.clone()];
    as_client(&lan, move |client| assert!(client.confirm_with(A, address, &again)));
    hears(&directory, 7, &[&format!("{who} CLIENT_ID=01:61:62 INTERFACE=lan0 TAGS=pool lan0 VENDOR_CLASS=v")]);

    // SIGHUP tells of all leases, in no particular order.
    server.signal(Signal::SIGHUP);
    wait_until("the script to hear of all leases", || events(&directory).len() >= 11);
    let mut told = events(&directory)[8..].to_vec();
    told.sort();
    let again = format!(
        "[old][02:00:00:00:00:0b][{other}][tablet] CLIENT_ID=00:62 DATA_MISSING=1 DOMAIN=lan.example INTERFACE=lan0"
    );
    let mut all = vec![standing.to_owned(), format!("{who} {known} INTERFACE=lan0"), again];
    all.sort();
    assert_eq!(told, all);

    // A lease that is given back.
    let back = vec![option(54, &SERVER_ADDRESS.octets()), id];
    as_client(&lan, move |client| {
        client.send_with(RELEASE, A, address, &back);
    });
    hears(&directory, 11, &[&format!("[del][02:00:00:00:00:0a][{address}] {known} INTERFACE=lan0")]);
    server.stop();
}

#[test]
fn renewals_are_told_if_wanted() {
    let lan = Lan::new(1);
    let directory = directory(SCRIPT);
    let config = format!("{CONFIG}script-on-renewal\n");
    let _server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    as_client(&lan, |client| {
        let address = client.lease_with(A, &[]);
        assert!(client.confirm_with(A, address, &[option(60, b"v")]));
    });
    wait_until("the script to hear of the renewal", || events(&directory).len() >= 2);
    let renewal = &events(&directory)[1];
    assert!(renewal.starts_with("[old][02:00:00:00:00:0a]"), "{renewal}");
    assert!(renewal.ends_with("INTERFACE=lan0 TAGS=pool lan0 VENDOR_CLASS=v"), "{renewal}");
}

#[test]
fn a_file_that_was_sent_is_told() {
    let lan = Lan::with_addresses(1);
    let directory = directory(SCRIPT);
    directory.write("tftp/file", "hello\n");
    let config = "port=0\nenable-tftp\ntftp-root=DIR/tftp\ndhcp-script=DIR/script\n";
    let _server = Server::start_in(&lan.server, Arc::clone(&directory), config);
    let fetch = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("bind a socket");
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("set a timeout");
        socket.send_to(b"\0\x01file\0octet\0", (SERVER_ADDRESS, 69)).expect("ask");
        let (length, from) = support::uninterrupted(|| socket.recv_from(&mut [0; 600])).expect("the file");
        assert_eq!(length, 10);
        socket.send_to(&[0, 4, 0, 1], from).expect("acknowledge");
    };
    lan.clients[0].spawn(fetch).join().expect("the client ends");
    let path = directory.join("tftp/file");
    hears(&directory, 0, &[&format!("[tftp][6][10.77.0.10][{}]", path.display())]);
}

#[test]
fn what_a_script_prints_and_how_it_fails_is_logged() {
    let lan = Lan::new(1);
    let directory =
        directory("#!/bin/sh\necho \"this is $1\"\nprintf 'on the other stream' >&2\npwd; id -un\nexit 7\n");
    directory.write("run/leases", "0 02:00:00:00:00:77 10.77.0.177 * *\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &format!("{CONFIG}dhcp-scriptuser=nobody\n"));
    assert!(server.wait_for_line("this is old").contains("-script"));
    server.wait_for_line("on the other stream/");
    assert!(server.wait_for_line("nobody").contains("-script"));
    let failed = server.wait_for_line("script process exited with status 7");
    assert!(!failed.contains("-script"), "{failed}");
}

#[test]
fn a_script_that_is_not_there_or_is_killed_is_named() {
    let lan = Lan::new(1);
    let absent = directory("");
    absent.write("run/leases", "0 02:00:00:00:00:77 10.77.0.177 * *\n");
    let config = CONFIG.replace("DIR/script", "/absent/script");
    let server = Server::start_in(&lan.server, absent, &config);
    server.wait_for_line("failed to execute /absent/script: No such file or directory");
    server.stop();

    let killed = directory("#!/bin/sh\nkill -9 $$\n");
    killed.write("run/leases", "0 02:00:00:00:00:77 10.77.0.177 * *\n");
    let server = Server::start_in(&lan.server, killed, CONFIG);
    server.wait_for_line("script process killed by signal 9");
}

#[test]
fn an_end_leaves_no_event_untold() {
    let lan = Lan::new(1);
    let directory = directory("#!/bin/sh\nsleep 0.3\necho \"$3\" >> DIR/events\n");
    let leases: String = (1..=4).map(|n| format!("0 02:00:00:00:00:{n:02x} 10.77.0.{n} * *\n")).collect();
    directory.write("run/leases", leases);
    let server = Server::start_in(&lan.server, Arc::clone(&directory), CONFIG);
    wait_until("the script to hear something", || !events(&directory).is_empty());
    server.stop();
    wait_until("the script to hear the rest", || events(&directory).len() == 4);
}

#[test]
fn a_user_that_does_not_exist_ends_the_start() {
    let lan = Lan::new(0);
    let directory = directory(SCRIPT);
    let config = format!("{CONFIG}dhcp-scriptuser=no-such-user\n");
    let mut server = Server::launch(&lan.server, directory, &config, &[]);
    assert_eq!(server.wait().code(), Some(1));
    server.wait_for_line("unknown user or group: no-such-user");
}

#[test]
fn no_byte_that_a_client_sends_ends_a_line() {
    if Subject::chosen() == Subject::Theirs {
        eprintln!("passed over: dnsmasq hands control characters to scripts");
        return;
    }
    // All 256 are tried where nothing must be started for each: `workers/script/src/call.rs`.
    const BYTES: [u8; 12] = [0, 1, 8, b'\n', b'\r', 27, b' ', b'=', b']', 0x7f, 0x80, 0xff];
    let lan = Lan::new(1);
    let directory = directory(SCRIPT);
    let _server = Server::start_in(&lan.server, Arc::clone(&directory), CONFIG);
    as_client(&lan, |client| {
        for byte in BYTES {
            let hardware = [2, 0, 0, 0, 1, byte];
            let hostile = [b'x', byte, b'\n', b'[', b'a', b'd', b'd', b']'];
            let address = client.lease_with(hardware, &[option(12, &hostile), option(60, &hostile)]);
            client.release(hardware, address, SERVER_ADDRESS);
        }
    });
    wait_until("the script to hear of all", || events(&directory).len() >= 2 * BYTES.len());
    for line in events(&directory) {
        assert!(line.starts_with("[add][02:00:00:00:01:") || line.starts_with("[del][02:00:00:00:01:"), "{line:?}");
    }
}

#[test]
fn a_script_can_keep_the_leases() {
    let lan = Lan::new(1);
    let keeper =
        "#!/bin/sh\ncase $1 in\ninit) cat DIR/kept;;\nesac\necho \"$1 $3 $DNSMASQ_LEASE_EXPIRES\" >> DIR/events\n";
    let directory = directory(keeper);
    let end = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() + 5000;
    directory.write("kept", format!("{end} 02:00:00:00:00:77 10.77.0.177 old 01:02\n"));
    let config = format!("{CONFIG}leasefile-ro\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), &config);
    hears(&directory, 0, &["init  ", &format!("old 10.77.0.177 {end}")]);
    as_client(&lan, move |client| {
        client.lease_with(A, &[]);
    });
    wait_until("the script to hear of the lease", || events(&directory).len() > 2);
    let added = events(&directory)[2].clone();
    let fields: Vec<&str> = added.split(' ').collect();
    let (address, ends): (Ipv4Addr, u64) = (fields[1].parse().expect("an address"), fields[2].parse().expect("a time"));
    // A lease that is merely extended is told, since the script must know how long it lasts.
    // A little into the next second, since the reference reads a clock that lags.
    let next = (u128::from(ends) - 3600) * 1000 + 1100;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    wait_until("the next second", || now() > next);
    as_client(&lan, move |client| {
        client.send_with(REQUEST, A, address, &[]);
    });
    wait_until("the script to hear of the renewal", || events(&directory).len() > 3);
    let renewed = events(&directory)[3].clone();
    assert!(renewed.starts_with(&format!("old {address} ")) && renewed != added.replace("add", "old"), "{renewed}");
    assert!(!server.lease_path().exists());
    server.stop();
}

#[test]
fn a_script_that_cannot_give_its_leases_ends_the_start() {
    let lan = Lan::new(0);
    let directory = directory("#!/bin/sh\nexit 7\n");
    let config = format!("{CONFIG}leasefile-ro\n");
    let mut server = Server::launch(&lan.server, Arc::clone(&directory), &config, &[]);
    assert_eq!(server.wait().code(), Some(17));
    server.wait_for_line("lease-init script returned exit code 7");
    let config = config.replace("DIR/script", "/absent/script");
    let mut server = Server::launch(&lan.server, directory, &config, &[]);
    assert_eq!(server.wait().code(), Some(3));
    server.wait_for_line("cannot run lease-init script /absent/script: No such file or directory");
}

#[test]
fn neighbors_that_come_and_go_are_told() {
    if Subject::chosen() == Subject::Theirs {
        eprintln!("passed over: dnsmasq looks at neighbors when something else wakes it");
        return;
    }
    let lan = Lan::new(0);
    let directory = directory(SCRIPT);
    let add = |address: &str, hardware: &str| {
        lan.server.ip(&["neigh", "replace", address, "lladdr", hardware, "dev", "lan0", "nud", "permanent"]);
    };
    add("10.77.0.9", "02:00:00:00:00:09");
    let config = "port=0\nscript-arp\ndhcp-script=DIR/script\n";
    let server = Server::start_in(&lan.server, Arc::clone(&directory), config);
    hears(&directory, 0, &["[arp-add][02:00:00:00:00:09][10.77.0.9]"]);
    add("10.77.0.9", "02:00:00:00:00:0a");
    hears(&directory, 1, &["[arp-del][02:00:00:00:00:09][10.77.0.9]", "[arp-add][02:00:00:00:00:0a][10.77.0.9]"]);
    add("fd00::9", "02:00:00:00:00:0b");
    hears(&directory, 3, &["[arp-add][02:00:00:00:00:0b][fd00::9]"]);
    // A reload tells of nothing that has been told.
    server.signal(Signal::SIGHUP);
    lan.server.ip(&["neigh", "del", "10.77.0.9", "dev", "lan0"]);
    hears(&directory, 4, &["[arp-del][02:00:00:00:00:0a][10.77.0.9]"]);
    server.stop();
}
