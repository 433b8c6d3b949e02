//! What a whole configuration comes to, and that no bytes upset the reader.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ipc::config::relay::RelayTarget;
use ipc::config::routes::{Route, RouteScope, RouteTarget};
use parent::config::keys;
use parent::config::{BindMode, Config, ConfigError, GroupChoice, Loaded, LogTarget, load};

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("config-load-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(words: &[&str], file: &Path) -> Result<Config, ConfigError> {
    let mut arguments: Vec<OsString> = ["dnsmasq", "-C"].map(OsString::from).into();
    arguments.push(file.into());
    arguments.extend(words.iter().map(OsString::from));
    match load(&arguments)? {
        Loaded::Run(config, _) => Ok(*config),
        Loaded::Print { .. } => panic!("nothing was to be printed"),
    }
}

fn read(name: &str, text: &str) -> Result<Config, ConfigError> {
    let scratch = Scratch::new(name);
    run(&[], &scratch.write("main.conf", text))
}

#[test]
fn nothing_written_means_the_defaults() {
    let config = read("defaults", "").unwrap();
    assert_eq!(config.dns.port, 53);
    assert_eq!(config.dns.cache_size, 150);
    assert!(config.dns.resolv && config.dns.check_arrival && !config.dns.local_service);
    assert_eq!((config.dhcp, config.tftp), (None, None));
    let process = config.process;
    assert_eq!(process.resolv_files, [PathBuf::from("/etc/resolv.conf")]);
    assert_eq!(process.hosts.as_deref(), Some(Path::new("/etc/hosts")));
    assert_eq!((process.min_port, process.max_port, process.query_port), (1024, 65_535, None));
    assert_eq!((process.user.as_deref(), process.group), (Some("nobody"), GroupChoice::Default));
    assert_eq!(process.pid_file.as_deref(), Some(Path::new("/var/run/dnsmasq.pid")));
    assert_eq!(process.log_facility, LogTarget::Syslog(3));
    assert_eq!(process.bind, BindMode::Wildcard);
    assert!(process.not_built.is_empty() && process.warnings.is_empty());
}

#[test]
fn a_small_router() {
    let text = "\
domain-needed
bogus-priv
no-resolv
server=192.0.2.1
server=/corp/192.0.2.2#5353@eth1
local=/lan/
address=/ads.example/
domain=lan
expand-hosts
interface=br0,br-*x
except-interface=eth0
bind-dynamic
addn-hosts=/a
addn-hosts=/b
query-port=5300
dhcp-range=set:one,10.0.0.10,10.0.0.20,12h
dhcp-range=10.0.1.10,10.0.1.20
dhcp-host=11:22:33:44:55:66,10.0.0.15,printer
dhcp-option=option:router,10.0.0.1
dhcp-broadcast
enable-tftp=br0
tftp-root=/srv/all
tftp-root=/srv/br0,br0
tftp-root=/srv/common
log-facility=local3
enable-ra
txt-record=a,b
";
    let config = read("router", text).unwrap();
    let dns = &config.dns;
    assert_eq!(dns.upstreams, ["192.0.2.1:53".parse().unwrap(), "192.0.2.2:5353".parse().unwrap()]);
    let routes: Vec<Route<'_>> = dns.routes.iter().collect();
    assert_eq!(routes[0].scope, RouteScope::All);
    assert_eq!(routes[1].target, RouteTarget::Upstream(1));
    assert_eq!(routes[3].target, RouteTarget::NoData);
    assert!(!dns.resolv);
    let process = &config.process;
    assert_eq!(process.upstream_sources[0].port, Some(5300));
    assert_eq!(process.upstream_sources[1].interface.as_deref(), Some("eth1"));
    assert_eq!(process.upstream_sources[1].port, None);
    assert_eq!(process.interfaces, ["br0", "br-*"]);
    assert_eq!(process.bind, BindMode::Dynamic);
    assert_eq!(process.addn_hosts, [PathBuf::from("/b"), PathBuf::from("/a")]);
    assert_eq!(process.log_facility, LogTarget::Syslog(19));
    assert_eq!(process.not_built, ["enable-ra"]);
    assert!(process.dhcp_broadcast_all);
    let dhcp = config.dhcp.unwrap();
    assert_eq!(dhcp.pools[1].set_tag.as_deref(), Some("one"), "the last line comes first");
    assert_eq!(dhcp.domains.default.as_deref(), Some("lan"));
    assert!(dhcp.dns_served);
    let roots: Vec<_> = config.tftp.unwrap().roots.into_iter().map(|root| root.path).collect();
    assert_eq!(roots, ["/srv/br0/", "/srv/common/"]);
}

#[test]
fn what_no_worker_serves_yet_is_kept_in_the_order_of_its_use() {
    let text = "\
dhcp-range=fd00::,ra-stateless
dhcp-range=set:b,::1,::400,constructor:eth*,12h
dhcp-host=id:00:01,[fd00::5],laptop
dhcp-host=11:22:33:44:55:66,10.0.0.15
dhcp-option=option6:dns-server,[::]
dhcp-option=vendor:PXEClient,6,2b
dhcp-relay=fd00::1,fd01::1
dhcp-relay=fd00::1,fd02::1
dhcp-hostsfile=/h1
dhcp-hostsfile=/h2
dhcp-script=/bin/true
enable-ra
tftp-unique-root=mac
";
    let config = read("unserved", text).unwrap();
    assert_eq!((&config.dhcp, &config.tftp), (&None, &None));
    let six = &config.dhcp6;
    assert_eq!(six.ranges[0].set_tag.as_deref(), Some("b"), "the last line comes first");
    assert_eq!((six.host_entries.len(), six.options.len()), (2, 1));
    assert_eq!(six.host_entries[1].addresses6.len(), 1);
    assert!(six.enable_ra && six.ranges[1].wants_dhcp());
    let rest = &config.unserved;
    assert_eq!(config.dhcp_files.hosts, [PathBuf::from("/h2"), PathBuf::from("/h1")]);
    assert!(rest.tftp_unique_root_by_mac && config.script.program.is_some());
    assert_eq!(rest.relays6[0].to, RelayTarget::Server { address: "fd02::1".parse().unwrap(), interface: None });
}

#[test]
fn records_and_rules_are_in_the_order_searched() {
    let text = "\
host-record=a,192.0.2.1
host-record=b,192.0.2.2
cname=x,a
cname=y,a
srv-host=_sip._udp,a,5060
txt-record=a,one
txt-record=a,two
mx-host=a,mail
domain=lan
domain=one,192.0.2.0/25
domain=two,eth0
domain=three,192.0.2.128/25
alias=192.0.2.1,10.0.0.1
alias=192.0.2.2,10.0.0.2
filter-AAAA
filter-rr=MX,16
synth-domain=lan,192.0.2.0/24,p-
ipset=/a/one
ipset=/b/two
";
    let config = read("records", text).unwrap();
    let records = &config.dns.records;
    assert_eq!(records.hosts.iter().map(|host| &host.names[0]).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(records.cnames.iter().map(|cname| &cname.alias).collect::<Vec<_>>(), ["y", "x"]);
    assert_eq!(records.srv[0].name, "_sip._udp.lan");
    assert_eq!(records.txt.iter().map(|txt| &txt.strings[0][..]).collect::<Vec<_>>(), [b"two", b"one"]);
    assert_eq!(records.mx.len(), 1);
    let conditional: Vec<_> = config.dns.domains.conditional.iter().map(|rule| rule.domain.as_str()).collect();
    assert_eq!(conditional, ["three", "two", "one"]);
    assert_eq!(config.dns.replies.aliases[0].apply([192, 0, 2, 2].into()), Some([10, 0, 0, 2].into()));
    assert_eq!(config.dns.replies.filtered_types.iter().copied().collect::<Vec<_>>(), [15, 16, 28]);
    assert_eq!(config.dns.sets.ipset[0].domains, ["b"]);
}

#[test]
fn local_service_gives_way_to_any_choice_of_interfaces() {
    assert!(read("local-net", "local-service").unwrap().dns.local_service);
    assert!(!read("local-void", "local-service\ninterface=eth0").unwrap().dns.local_service);
    let host = read("local-host", "local-service=host").unwrap();
    assert_eq!((host.process.interfaces, host.process.bind), (vec![String::new()], BindMode::Interfaces));
    assert!(!host.dns.check_arrival);
}

#[test]
fn contradictions_end_a_start_but_not_a_test() {
    let scratch = Scratch::new("contradictions");
    for (text, refusal) in [
        ("bind-interfaces\nbind-dynamic", "cannot set --bind-interfaces and --bind-dynamic"),
        ("min-port=5000\nmax-port=4000", "max_port cannot be smaller than min_port"),
        ("port-limit=11\nmin-port=5000\nmax-port=5009", "port_limit must not be larger than available port range"),
        ("conntrack\nquery-port=0", "cannot use --conntrack AND --query-port"),
        ("auth-zone=a", "--auth-server required when an auth zone is defined."),
        ("dnssec\ntrust-anchor=a", "no root trust anchor provided for DNSSEC"),
        ("dnssec\ntrust-anchor=.\ncache-size=1", "cannot reduce cache size from default when DNSSEC enabled"),
    ] {
        let file = scratch.write("main.conf", text);
        let error = run(&[], &file).unwrap_err();
        assert_eq!((error.status, error.text.as_str()), (1, refusal));
        let words = ["dnsmasq", "--test", "-C"].map(OsString::from).into_iter().chain([file.into()]);
        let text = "dnsmasq: syntax check OK.\n".to_owned();
        assert_eq!(load(&words.collect::<Vec<_>>()), Ok(Loaded::Print { text, to_stderr: true, status: 0 }));
    }
}

#[test]
fn a_file_wins_over_the_command_line() {
    let scratch = Scratch::new("wins");
    let file = scratch.write("main.conf", "port=54\n");
    assert_eq!(run(&["--port=53"], &file).unwrap().dns.port, 54);
    let early = scratch.write("early.conf", "port=55\n");
    let late = scratch.write("late.conf", "");
    assert_eq!(run(&["-C", early.to_str().unwrap(), "--port=53"], &late).unwrap().dns.port, 55);
}

#[test]
fn a_script_that_includes_itself_comes_to_an_end() {
    let scratch = Scratch::new("recursion");
    let inner = scratch.write("inner", "");
    let command = format!("conf-script=cat {}", inner.display());
    fs::write(&inner, &command).unwrap();
    let error = run(&[], &scratch.write("main.conf", &command)).unwrap_err();
    assert!(error.text.contains("nested too deep"), "{error}");
}

#[test]
fn a_million_blocked_names_are_read() {
    let text: String = (0..200_000).map(|number| format!("address=/ads{number}.example/\n")).collect();
    assert_eq!(read("block-list", &text).unwrap().dns.routes.len(), 200_000);
}

/// Random files made of real keywords, pieces of real values, and noise.
#[test]
fn no_file_can_upset_the_reader() {
    const PIECES: &[&str] = &[
        "/4",
        "exclude:",
        "orgid:",
        "deviceid:0123456789abcdef",
        "IN",
        "p-*",
        "MX",
        "4#inet#t#s",
        "1/15",
        "text",
        "192.0.2.1-192.0.2.9",
        "1.2.3.4",
        "::1",
        "[::1]",
        "/",
        "/a/",
        "#",
        "@",
        "%lo",
        ",",
        ":",
        "set:a",
        "tag:!b",
        "option:router",
        "option6:23",
        "vendor:x",
        "encap:1",
        "vi-encap:2",
        "119",
        "120",
        "121",
        "58",
        "a.example",
        "A.B",
        "static",
        "infinite",
        "12h",
        "\"",
        "\\",
        "=",
        " ",
        "-",
        "*",
        "255.255.255.0",
        "0",
        "99999999999999999999",
        "id:",
        "11:22:33:44:55:66",
        "\u{e4}",
        "\u{f731}",
        "64",
        "constructor:eth0",
        "local",
        "192.0.2.0/24",
        "fd00::/8",
        "..",
        "xn--a",
        "6-",
        "/32",
        "enterprise:311",
        "vi-encap:",
        "eth0",
        "fd00::1",
        "slaac",
        "ra-stateless",
        "mtu:",
        "high",
        "x86PC",
        "#6767",
        "option6:56",
        "option6:client-id",
        "01:*:03",
    ];
    let scratch = Scratch::new("noise");
    // Options that run commands or read what the noise names are left out, and host names are not worth waiting for.
    let skipped = ["conf-script", "conf-dir", "conf-file", "server", "local", "rev-server"];
    let rows: Vec<_> = keys::all().filter(|row| !skipped.contains(&row.name)).collect();
    let mut state = 42_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut accepted = 0;
    for _ in 0..8000 {
        let mut bytes = Vec::new();
        for _ in 0..=next(3) {
            bytes.extend(rows[next(rows.len())].name.as_bytes());
            bytes.push(b'=');
            for _ in 0..next(7) {
                bytes.extend(PIECES[next(PIECES.len())].as_bytes());
                if next(20) == 0 {
                    bytes.push(next(256) as u8);
                }
            }
            bytes.push(b'\n');
        }
        accepted += usize::from(run(&[], &scratch.write("main.conf", &bytes)).is_ok());
    }
    assert!(accepted > 500, "the noise should also hold good files, not {accepted}");
}

/// Upstreams whose address is literal, so that no resolver is asked, with noise around it.
#[test]
fn no_upstream_can_upset_the_reader() {
    let scratch = Scratch::new("upstreams");
    let before = ["a", "/", "//", "*", "\"", ".", "\u{e4}", "#", "B"];
    let behind = ["#53", "#", "@", "@lo", "@10.0.0.1", "%lo", "%", "\"", "x", "::1"];
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..5000 {
        let domains: String = (0..next(5)).map(|_| before[next(before.len())]).collect();
        let mut tail: String = (0..next(5)).map(|_| behind[next(behind.len())]).collect();
        if !tail.starts_with(['#', '@', '%']) {
            tail.insert(0, '#');
        }
        for line in [format!("local=/{domains}/192.0.2.1{tail}\n"), format!("address={domains}{tail}\n")] {
            let _ = run(&[], &scratch.write("main.conf", line));
        }
    }
}
