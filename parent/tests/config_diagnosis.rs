//! Errors, drawn: which bytes are marked, what is advised, what a terminal sees and what a pipe.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use corpus::{rows, unescape};
use nix::pty::openpty;
use parent::config::diagnosis::{self, Style};
use parent::config::{load, survey};

/// A file that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Scratch {
        let path = std::env::temp_dir().join(format!("config-diagnosis-{name}-{}", std::process::id()));
        fs::write(&path, text).unwrap();
        Scratch(path)
    }

    fn arguments(&self) -> Vec<OsString> {
        ["dnsmasq", "--test", "-C"].map(OsString::from).into_iter().chain([self.0.clone().into()]).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The report on these lines, without the path of the file.
fn report(name: &str, text: &str) -> String {
    let file = Scratch::new(name, text);
    let (_, _, refusals) = survey(&file.arguments());
    let doubts: String = refusals.doubts.iter().map(|doubt| diagnosis::doubt("dnsmasq", doubt, Style::Plain)).collect();
    (diagnosis::report("dnsmasq", &refusals, Style::Plain) + &doubts).replace(&file.0.display().to_string(), "FILE")
}

/// What is marked in the only error of this line, and the label there.
fn marked(line: &str) -> (String, String) {
    let report = report("marked", line);
    let lines: Vec<&str> = report.lines().collect();
    let at =
        lines.iter().position(|line| line.contains(" ^") || line.contains("|^")).unwrap_or_else(|| panic!("{report}"));
    let start = lines[at].find('^').unwrap();
    let length = lines[at][start..].bytes().take_while(|&byte| byte == b'^').count();
    let text: String = lines[at - 1].chars().skip(start).take(length).collect();
    (text, lines[at][start + length..].trim().to_owned())
}

#[test]
fn every_error_is_reported_in_order() {
    let expected = "
dnsmasq: bad option at line 1 of FILE
 --> FILE:1:1
  |
1 | prot=53
  | ^^^^ no such option
  |
  = help: did you mean `port`?

dnsmasq: bad port at line 3 of FILE
 --> FILE:3:21
  |
3 |  server = 192.0.2.1#x53 # up
  |                     ^^^ expected a port from 0 to 65535
  |
  = form: server=[/<domain>/]<address>[#<port>] (ask this upstream server, for a domain or for everything)

dnsmasq: illegal repeated keyword at line 5 of FILE
 --> FILE:5:1
  |
5 | cache-size=2
  | ^^^^^^^^^^
  |
  = form: cache-size=<records> (keep so many records in the cache (150))
  = note: given before: FILE:4

dnsmasq: warning: unknown word of log-queries at line 2 of FILE
 --> FILE:2:13
  |
2 | log-queries=extre
  |             ^^^^^ expected one of extra, proto, auth, only_failed
  |
  = form: log-queries[=extra|proto|auth|only_failed] (log every question and its answer)
  = help: did you mean `extra`?
";
    let text = "prot=53\nlog-queries=extre\n server = 192.0.2.1#x53 # up\ncache-size=1\ncache-size=2\n";
    assert_eq!(report("order", text), expected);
}

#[test]
fn the_field_to_blame_is_marked() {
    for (line, field, label) in [
        ("port=x", "x", "a port"),
        ("dhcp-range=10.0.0.1,10.0.0.x,12h", "10.0.0.x", "an IPv4 address, static or proxy"),
        ("dhcp-range=10.0.0.1,10.0.0.9,12y", "12y", "a lease time"),
        ("dhcp-range=set:a,10.0.0.1,10.0.0.9,1h,x", "x", "nothing more"),
        ("dhcp-range=fd00::1,fd00::9,slack", "slack", "a mode"),
        ("dhcp-host=11:22:33:44:55:6g,10.0.0.5", "11:22:33:44:55:6g", "a hardware address"),
        ("dhcp-host=11:22:33:44:55:66,[fd00::x]", "fd00::x", "an IPv6 address"),
        ("dhcp-host=11:22:33:44:55:66,a,b", "b", "no second name"),
        ("dhcp-option=option:ruter,10.0.0.1", "ruter", "no DHCP option has this name"),
        ("dhcp-option=option:router,10.0.0.1,10.0.0", "10.0.0", "an IPv4 address"),
        ("server=/a.example/-B.example/192.0.2.1", "-B.example", "a domain name"),
        ("server=192.0.2.1@eth0@eth1", "eth1", "an address"),
        ("address=/a.example/192.0.2", "192.0.2", "an address or #"),
        ("rev-server=192.0.2.0/33,192.0.2.1", "192.0.2.0/33", "a prefix length"),
        ("listen-address=127.0.0.1, 127.0.0,::1", "127.0.0", "an address"),
        ("local-service=hots", "hots", "net, host"),
        ("log-facility=locl0", "locl0", "known words"),
        ("cname=a,b,-C,60", "-C", "a domain name"),
        ("host-record=a,192.0.2.1,-B", "-B", "a domain name"),
        ("srv-host=_a._b,t,1,x", "x", "a number"),
        ("mx-host=a,b,x", "x", "a preference"),
        ("txt-record=-A,text", "-A", "a domain name"),
        ("alias=192.0.2.1,192.0.2.x", "192.0.2.x", "an IPv4 address"),
        ("domain=lan,192.0.2.0/33", "33", "a prefix length"),
        ("domain=lan,192.0.2.0/24,locl", "locl", "local"),
        ("auth-zone=z,192.0.2.0/x", "x", "a prefix length"),
        ("auth-peer=192.0.2.1,x", "x", "an address"),
        ("ra-param=eth0,mtu:1279,60", "1279", "an MTU"),
        ("trust-anchor=.,20326,x,2,ABCD", "x", "an algorithm"),
        ("trust-anchor=.,20326,8,2,\"AB\" XY", "AB\" XY", "a digest"),
        ("filter-rr=A,AAAAA", "AAAAA", "a record type"),
        ("bogus-nxdomain=192.0.2.0/33", "33", "a prefix length"),
        ("interface-name=a,eth0/5", "5", "4, 6"),
        ("tftp-port-range=1,x", "x", "a port"),
        ("umbrella=deviceid:01", "01", "16 hexadecimal digits"),
        ("dhcp-relay=192.0.2.1,eth*", "eth*", "the address of a server"),
        ("synth-domain=lan,192.0.2.0/33", "33", "a prefix length"),
        ("no-hosts=yes", "yes", "no value"),
        ("dhcp-range", "dhcp-range", "a value"),
        ("domain=\"a\"x\"b,c", "\"b,c", "a closing quote"),
        ("connmark-allowlist=1,a.example.com/b", "b", "two labels"),
        ("dns-rr=a,51,01zz", "01zz", "hexadecimal"),
        ("synth-domain=lan,192.0.2.0/24,pppppppppppppppppppppppppp", "pppppppppppppppppppppppppp", "a shorter"),
        ("dhcp-option=tag:a,b", "tag:a,b", "an option"),
        ("shared-network=192.168.3.1,x", "x", "an address"),
    ] {
        let (text, told) = marked(line);
        assert_eq!(text, field, "{line}: {told}");
        assert!(told.contains(label), "{line}: {told}");
    }
}

#[test]
fn names_of_dhcp_options_are_proposed() {
    let report = report("names", "dhcp-option=option:ruter,10.0.0.1\ndhcp-option=option6:dns-servr,[::]\n");
    assert!(report.contains("did you mean `router`?") && report.contains("did you mean `dns-server`?"), "{report}");
}

#[test]
fn a_command_line_is_marked_too() {
    let words = ["dnsmasq", "-C", "/dev/null", "--prot=3", "-p", "x", "--listen-address=1.2.3.4,y z"];
    let (_, _, refusals) = survey(&words.map(OsString::from));
    let report = diagnosis::report("dnsmasq", &refusals, Style::Plain);
    let line = " | -C /dev/null --prot=3 -p x '--listen-address=1.2.3.4,y z'\n";
    for mark in [
        " |              ^^^^^^ no such option",
        " |                          ^ expected a port from 0 to 65535",
        " |                                                      ^^^ expected an address",
    ] {
        assert!(report.contains(&format!("{line}{mark}\n")), "{report}");
    }
    assert!(report.contains("did you mean `port`?"), "{report}");
}

#[test]
fn a_line_of_a_megabyte_is_cut_around_the_place() {
    let line = format!("server={},192.0.2.1#x,{}", "/ä".repeat(300_000), "b".repeat(300_000));
    let report = report("megabyte", &format!("port=53\nlisten-address=::1,{line}\n"));
    assert!(report.contains("FILE:2:20\n") && report.len() < 2000, "{}", report.len());
    assert!(report.contains("…") && report.contains("expected an address"), "{report}");
}

#[test]
fn a_hundred_errors_are_enough() {
    let report = report("hundred", &"x\n".repeat(150));
    assert_eq!(report.matches("bad option").count(), 100);
    assert!(report.ends_with("\ndnsmasq: and 50 more\n"), "{report}");
}

#[test]
fn files_that_include_each_other_without_end_are_given_up() {
    let script = Scratch::new("again", "");
    let text = format!("conf-script=cat {}\nbad\n", script.0.display());
    fs::write(&script.0, text.repeat(2)).unwrap();
    let (_, _, refusals) = survey(&script.arguments());
    assert_eq!(refusals.errors.len(), 1);
    assert!(refusals.errors[0].text.starts_with("configuration files are nested too deep"));
}

/// The first of all errors is the one that a reading up to the first error finds, and nothing that was ever refused upsets the drawing.
#[test]
fn every_recorded_error_can_be_drawn() {
    let mut drawn = 0;
    for row in rows("lines.tsv") {
        let file = Scratch::new("recorded", unescape(&row[3]));
        let first = load(&file.arguments());
        let (_, _, refusals) = survey(&file.arguments());
        assert_eq!(first.as_ref().err(), refusals.errors.first(), "{}", row[3]);
        let text = diagnosis::report("dnsmasq", &refusals, Style::Plain);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        if refusals.errors.iter().any(|error| error.text.contains(" at line ")) {
            drawn += 1;
            assert!(text.contains('^'), "{text}");
        }
    }
    assert!(drawn > 1000, "only {drawn} errors were drawn");
}

const FAULTY: &str = "port=53\nprot=53\ncache-size=\x1b[2Jx\n";

/// Runs a program with its standard error on a terminal; what the terminal sees, and the status.
fn on_a_terminal(command: &mut Command) -> (String, Option<i32>) {
    let pty = openpty(None, None).unwrap();
    let copy = pty.slave.as_fd().try_clone_to_owned().unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(copy).spawn().unwrap();
    // The command keeps a copy, which would keep the terminal open.
    command.stderr(Stdio::null());
    drop(pty.slave);
    let mut seen = Vec::new();
    // The end of a terminal is an error.
    let _ = File::from(pty.master).read_to_end(&mut seen);
    (String::from_utf8(seen).unwrap().replace("\r\n", "\n"), child.wait().unwrap().code())
}

#[test]
fn a_pipe_gets_the_first_error_as_dnsmasq_prints_it() {
    let file = Scratch::new("pipe", FAULTY);
    let output = Command::new(env!("CARGO_BIN_EXE_wardmasq")).args(&file.arguments()[1..]).output().unwrap();
    let expected = format!("\nwardmasq: bad option at line 2 of {}\n", file.0.display());
    assert_eq!((String::from_utf8(output.stderr).unwrap(), output.status.code()), (expected, Some(1)));
}

#[test]
fn a_terminal_sees_every_error_in_color_unless_asked_not_to() {
    let file = Scratch::new("terminal", FAULTY);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardmasq"));
    command.args(&file.arguments()[1..]).env("TERM", "xterm").env_remove("NO_COLOR");
    let (seen, status) = on_a_terminal(&mut command);
    assert_eq!(status, Some(1));
    assert!(seen.contains("bad option at line 2 of ") && seen.contains("error at line 3 of "), "{seen}");
    assert!(seen.contains("\x1b[") && !seen.contains("\x1b[2J"), "{seen:?}");
    let (seen, _) = on_a_terminal(command.env("NO_COLOR", "1"));
    assert!(seen.contains("did you mean `port`?") && !seen.contains('\x1b'), "{seen:?}");
}

#[test]
fn wardctl_answers_with_the_status_of_a_test() {
    let wardctl = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wardctl")).args(words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (good, bad) =
        (Scratch::new("good", "port=5353\naddress=/a.example/192.0.2.1\n"), Scratch::new("bad", "prot=53\n"));
    let (good, bad) = (good.0.to_str().unwrap(), bad.0.to_str().unwrap());
    assert_eq!(wardctl(&["config", "check", good]), (0, format!("{good}: syntax check OK.\n"), String::new()));
    let (status, out, error) = wardctl(&["config", "check", bad, "--", "--cache-size=x"]);
    assert_eq!((status, out.as_str(), error.matches("^").count()), (1, "", 5), "{error}");
    assert_eq!(wardctl(&["config", "check", "/no/such/file"]).0, 3);
    assert_eq!(wardctl(&["config", "show", bad]).0, 1);
    let (status, json, _) = wardctl(&["config", "show", "--json", good]);
    assert_eq!(status, 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let setting = serde_json::json!({
        "option": "port", "value": "5353", "line": 1, "source": { "kind": "file", "path": good }
    });
    assert_eq!((&json["settings"][0], &json["tree"]["dns"]["port"]), (&setting, &5353.into()));
    let route = serde_json::json!({ "scope": { "Domain": "a.example" }, "target": { "Address": "192.0.2.1" } });
    assert_eq!(json["tree"]["dns"]["routes"], serde_json::json!([route]));
    let (status, text, _) = wardctl(&["config", "explain", "port", good]);
    assert!(
        status == 0 && text.contains("default  53\n") && text.contains(&format!("{good}:1: port=5353\n")),
        "{text}"
    );
    let (status, _, error) = wardctl(&["config", "explain", "prot"]);
    assert_eq!((status, error.as_str()), (1, "wardctl: there is no option `prot`; did you mean `port`?\n"));
    assert_eq!(wardctl(&["config"]).0, 2);
    assert_eq!(wardctl(&["--version"]).0, 0);
}

#[test]
fn a_failed_start_says_where_the_value_was_written() {
    let file = Scratch::new("start", "port=0\nbind-interfaces\ninterface=lo\ninterface=no-such-0\n");
    let output = Command::new(env!("CARGO_BIN_EXE_wardmasq")).args(["-d", "-C"]).arg(&file.0).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let mut lines = text.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("wardmasq: unknown interface no-such-0"));
    let place = format!("wardmasq: written at line 4 of {}; ", file.0.display());
    assert!(lines.next().is_some_and(|line| line.starts_with(&place)), "{text}");
    assert_eq!(output.status.code(), Some(2));
}
