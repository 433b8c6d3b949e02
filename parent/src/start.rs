//! The privileged start, in order: each step can end the program with dnsmasq's status and words, and later steps run with less
//! power.
//!
//! 1. Sockets of the service manager are taken over; command line and configuration are read.
//! 2. Interfaces are listed, sockets bound, the lease file read, directories opened.
//! 3. Unless told otherwise, the process leaves the terminal; the pid file is written and the log opened.
//! 4. Rooms for the workers are prepared, the script process starts, and the parent confines itself.
//! 5. Workers start. When all of them serve, the start is complete.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ipc::config::dhcp::DhcpSlice;
use ipc::config::tftp::TftpRoot;
use ipc::log::Severity;
use ipc::role::Role;
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::SockProtocol;
use nix::sys::stat::Mode;
use policy::parent::ParentFacts;

use crate::accounts;
use crate::broker::{Echo, netlink};
use crate::capture::CaptureFile;
use crate::config::feature::{self, Feature};
use crate::config::journal::Journal;
use crate::config::{self, BindMode, Config, Loaded, LogTarget, Refusals, diagnosis};
use crate::daemon::{self, Foreground};
use crate::dhcp_files::{self, Kind};
use crate::failure::Failure;
use crate::files;
use crate::hub::{End, Hub, Parts};
use crate::interfaces;
use crate::leases::init;
use crate::leases::store::Store;
use crate::listen;
use crate::log::{Log, Speaker};
use crate::script::{self, ScriptProcess};
use crate::service_manager;
use crate::spawn::Nursery;
use crate::watch::{self, Watch};

/// Runs the program; the exit status.
pub fn main(arguments: &[OsString]) -> u8 {
    let program = program_name(arguments);
    let adopted = service_manager::sockets();
    // People see all errors; programs that start `dnsmasq` see the first one, as dnsmasq prints it.
    let loaded = if std::io::stderr().is_terminal() {
        config::load_all(arguments)
    } else {
        config::load(arguments).map_err(Refusals::from)
    };
    match loaded {
        Err(refusals) => report_refusals(program, &refusals),
        Ok(Loaded::Print { text, to_stderr, status }) => {
            let written = if to_stderr {
                std::io::stderr().write_all(text.as_bytes())
            } else {
                std::io::stdout().write_all(text.as_bytes())
            };
            if written.is_err() { 5 } else { status }
        }
        Ok(Loaded::Run(config, journal)) => {
            let mut foreground = Foreground::none();
            let mut log = None;
            let mut journal = Some(journal);
            match run(program, *config, adopted, &mut foreground, &mut log, &mut journal) {
                Ok(status) => status,
                Err(failure) => {
                    let failure = match &journal {
                        Some(journal) => failure.located(journal),
                        None => failure,
                    };
                    if let Some(log) = &mut log {
                        log.error(&failure.text);
                        log.error("FAILED to start up");
                    }
                    let status = report(program, &failure);
                    foreground.release(status);
                    status
                }
            }
        }
    }
}

/// Called as `dnsmasq`, we are dnsmasq to the letter.
fn program_name(arguments: &[OsString]) -> &'static str {
    let base = arguments.first().and_then(|first| Path::new(first).file_name());
    if base.is_some_and(|name| name == "dnsmasq") { "dnsmasq" } else { "wardmasq" }
}

/// Prints a failure as dnsmasq does (an empty line first), and below it what to do.
fn report(program: &str, failure: &Failure) -> u8 {
    // Programs that start `dnsmasq` parse what it prints; people read the rest, and their terminal must not be steered by what was
    // configured.
    let terminal = std::io::stderr().is_terminal();
    let shown = |text: &str| if terminal { diagnosis::visible(text.as_bytes()) } else { text.to_owned() };
    eprintln!("\n{program}: {}", shown(&failure.text));
    if let Some(remedy) = &failure.remedy
        && (program != "dnsmasq" || terminal)
    {
        eprintln!("{program}: {}", shown(remedy));
    }
    failure.status
}

/// Prints why there is no configuration.
fn report_refusals(program: &str, refusals: &Refusals) -> u8 {
    if std::io::stderr().is_terminal() {
        eprint!("{}", diagnosis::report(program, refusals, diagnosis::Style::of_stderr()));
    } else if let Some(error) = refusals.errors.first() {
        report(program, &error.clone().into());
    }
    refusals.status()
}

fn run(
    program: &str,
    mut config: Config,
    adopted: Vec<(String, OwnedFd)>,
    foreground: &mut Foreground,
    log_slot: &mut Option<Log>,
    journal: &mut Option<Box<Journal>>,
) -> Result<u8, Failure> {
    let system = |what: &str| {
        let what = what.to_owned();
        move |errno: nix::errno::Errno| Failure::other(format!("{what}: {}", errno.desc()))
    };
    nix::sys::stat::umask(Mode::from_bits_truncate(0o022));
    open_standard_descriptors();
    check_features(&config)?;
    // Signals are blocked from now on and read from a descriptor; until then the default actions end the start.
    let interfaces = interfaces::list(&config.process).map_err(system("failed to find list of interfaces"))?;
    let missing: Vec<String> =
        listen::missing_interfaces(&config.process, &interfaces).into_iter().map(str::to_owned).collect();
    let sockets = listen::open(&config, &interfaces, adopted)?;
    let (store, invalid) = open_store(&config)?;
    let (directories, inaccessible) = open_tftp_roots(&mut config)?;
    let echo = match &config.dhcp {
        Some(dhcp) if dhcp.serves() && !dhcp.no_ping => {
            Some(Echo::open().map_err(system("cannot create ICMP raw socket"))?)
        }
        _ => None,
    };
    if config.dns_asks_kernel() {
        // A kernel without it shall be named now. Workers get sockets of their own.
        netlink(SockProtocol::NetlinkNetFilter).map_err(system("cannot create netfilter netlink socket"))?;
    }
    let mut identities = Vec::new();
    let root = nix::unistd::geteuid().is_root();
    for role in roles(&config) {
        let identity = accounts::identity(role, &config.process)?;
        identities.push((role, Some(identity).filter(|identity| root && accounts::available(*identity))));
    }
    let script = script::setup(&config, root)?;
    let capture = open_capture(&config)?;
    let (watch, unwatched) = open_watch(&config)?;
    let monitor = interfaces::monitor().map_err(system("cannot create netlink socket"))?;

    let process = config.process.clone();
    let leaves = !process.foreground && !process.debug;
    if leaves {
        *foreground = Foreground::leave().map_err(|error| Failure::other(format!("failed to fork: {error}")))?;
    }
    if let (Some(path), false) = (&process.pid_file, process.debug) {
        write_pid_file(path, root)?;
    }
    let mut log = Log::open(program, &process.log_facility, process.debug, leaves).map_err(|error| {
        let path = match &process.log_facility {
            LogTarget::File(path) => path.display().to_string(),
            _ => "syslog".to_owned(),
        };
        Failure::file(format!("cannot open log {path}: {}", files::reason(&error))).about(&["log-facility"], path)
    })?;
    let nursery = Nursery::prepare(&identities)
        .map_err(|error| Failure::other(format!("cannot prepare workers: {}", files::reason(&error))))?;
    let script =
        match script {
            Some(setup) => Some(ScriptProcess::start(&nursery, setup).map_err(|error| {
                Failure::other(format!("cannot start the script process: {}", files::reason(&error)))
            })?),
            None => None,
        };
    let null = daemon::null_device().map_err(|error| Failure::other(format!("/dev/null: {error}")))?;
    let signals = block_signals().map_err(system("cannot read signals"))?;

    say_started(&mut log, &config, program);
    for note in nursery.notes() {
        log.warning(note);
    }
    if identities.iter().any(|(_, identity)| identity.is_none()) {
        log.warning("workers share the uid of the parent: not started as root, or no other ids are mapped here");
    }
    for name in missing {
        log.warning(&format!("warning: interface {name} does not currently exist"));
    }
    let mut addressless = BTreeSet::new();
    for line in &config.dns.records.interface_names {
        let addressed = interfaces.iter().any(|known| known.name == line.interface && !known.addresses.is_empty());
        if !addressed && addressless.insert(&line.interface) {
            log.warning(&format!("warning: no addresses found for interface {}", line.interface));
        }
    }
    for option in &process.not_built {
        log.warning(&format!("option {option} has no effect yet"));
    }
    for warning in process.warnings.iter().chain(&inaccessible).chain(&unwatched) {
        log.warning(warning);
    }
    for (number, text) in invalid {
        let text = format!("ignoring invalid line in lease database: {text} (line {number})");
        log.write(Speaker::Worker(Role::Dhcp), Severity::Error, &text);
    }
    if config.dhcp.is_some()
        && let Some(name) = listen::only_dhcp_interface(&process, &interfaces)
    {
        let text = format!("DHCP, sockets bound exclusively to interface {name}");
        log.write(Speaker::Worker(Role::Dhcp), Severity::Info, &text);
    }
    match confine(&config, &nursery, &identities) {
        Ok(report) => log.confined(&format!("parent confined: {report}")),
        Err(error) => {
            *log_slot = Some(log);
            return Err(Failure::other(format!("cannot confine the parent: {error}")));
        }
    }

    // What fails from here on was not configured wrong.
    *journal = None;
    let parts = Parts {
        config,
        nursery,
        sockets,
        echo,
        directories,
        store,
        log,
        capture,
        signals,
        monitor,
        watch,
        interfaces,
        script,
    };
    let mut hub = Hub::new(parts).map_err(|error| Failure::other(format!("cannot start: {error}")))?;
    #[cfg(feature = "probe")]
    if let Some(role) = probe_role() {
        return Ok(probe(&mut hub, role));
    }
    let stderr_log = process.log_facility == LogTarget::Stderr;
    let end = hub.run(|| {
        foreground.release(0);
        if !process.debug {
            daemon::close_terminal(&null, stderr_log);
        }
    });
    match end {
        End::Asked(status) => {
            if let (Some(path), false) = (&process.pid_file, process.debug) {
                let _ = fs::remove_file(path);
            }
            Ok(status)
        }
        End::CannotStart => Err(Failure::other("cannot start a worker".to_owned())),
        End::BecomeWorker(role) => {
            drop(hub);
            shell::run(role)
        }
    }
}

/// A configuration that asks for what is not built in fails by name; it is never ignored.
fn check_features(config: &Config) -> Result<(), Failure> {
    match feature::lacking(config) {
        Some((feature, options)) => {
            Err(Failure::configuration(feature.refusal()).about(options, "").remedy(feature.remedy()))
        }
        None => Ok(()),
    }
}

/// The roles that this configuration needs.
fn roles(config: &Config) -> Vec<Role> {
    let wanted = |role: &Role| match role {
        Role::Dns => config.process.port != 0,
        Role::Dhcp => config.dhcp.is_some(),
        Role::Tftp => config.tftp.is_some(),
        Role::Net => config.asks_kernel(),
    };
    Role::ALL.into_iter().filter(wanted).collect()
}

/// Descriptors 0 to 2 must be open, or the next files would land there.
fn open_standard_descriptors() {
    while let Ok(fd) = nix::fcntl::open("/dev/null", OFlag::O_RDWR, Mode::empty()) {
        use std::os::fd::AsRawFd as _;
        if fd.as_raw_fd() > 2 {
            return;
        }
        std::mem::forget(fd);
    }
}

fn open_store(config: &Config) -> Result<(Store, Vec<(usize, String)>), Failure> {
    let path = &config.process.lease_file;
    let (mut store, invalid) = match (&config.script.program, config.process.leasefile_ro) {
        _ if !config.dhcp.as_ref().is_some_and(DhcpSlice::serves) => return Ok((Store::in_memory(), Vec::new())),
        (None, true) => return Ok((Store::in_memory(), Vec::new())),
        (Some(program), true) => init::run(program)?,
        (_, false) => Store::open(path).map_err(|error| {
            let text = format!("cannot open or create lease file {}: {}", path.display(), files::reason(&error));
            Failure::file(text)
                .about(&["dhcp-leasefile", "dhcp-lease"], path.display())
                .remedy("create the directory, or name another file with dhcp-leasefile")
        })?,
    };
    let lease_max = config.dhcp.as_ref().map_or(0, |dhcp| dhcp.lease_max as usize);
    if store.len() > lease_max {
        return Err(Failure::other("too many stored leases".to_owned())
            .about(&["dhcp-lease-max"], lease_max)
            .remedy(format!("the file holds {}; raise dhcp-lease-max above {lease_max}", store.len())));
    }
    if let Some(delay_s) = config.process.lease_journal_s {
        store.delay_extensions(delay_s);
    }
    Ok((store, invalid))
}

fn open_capture(config: &Config) -> Result<Option<CaptureFile>, Failure> {
    let Some(path) = &config.process.dumpfile else { return Ok(None) };
    let opened = CaptureFile::open(path, config.dns.edns_packet_max);
    opened.map(Some).map_err(|text| {
        Failure::file(text).about(&["dumpfile"], path.display()).remedy("name another file, or create its directory")
    })
}

/// Opens the TFTP roots that are there and takes the others out of the slice.
fn open_tftp_roots(config: &mut Config) -> Result<(Vec<OwnedFd>, Vec<String>), Failure> {
    let Some(tftp) = &mut config.tftp else { return Ok((Vec::new(), Vec::new())) };
    let mut warnings = Vec::new();
    if tftp.roots.is_empty() {
        // As in dnsmasq: without a root every readable file can be asked for.
        tftp.roots.push(TftpRoot { path: "/".to_owned(), interface: None });
        warnings
            .push("TFTP has no root: every file that is readable for everybody is served; set tftp-root".to_owned());
    }
    let mut directories = Vec::new();
    let mut present = Vec::new();
    for root in std::mem::take(&mut tftp.roots) {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        match nix::fcntl::open(root.path.as_str(), flags, Mode::empty()) {
            Ok(directory) => {
                directories.push(directory);
                present.push(root);
            }
            Err(errno) if config.process.tftp_no_fail => {
                warnings.push(format!("warning: TFTP directory {} inaccessible: {}", root.path, errno.desc()));
            }
            Err(errno) => {
                let text = format!("TFTP directory {} inaccessible: {}", root.path.trim_end_matches('/'), errno.desc());
                return Err(Failure::file(text)
                    .about(&["tftp-root"], root.path.trim_end_matches('/'))
                    .remedy("create it, or allow its absence with tftp-no-fail"));
            }
        }
    }
    tftp.roots = present;
    Ok((directories, warnings))
}

/// The watch, and which directories of files for DHCP it cannot watch: these may be missing, as in dnsmasq.
fn open_watch(config: &Config) -> Result<(Option<Watch>, Vec<String>), Failure> {
    let process = &config.process;
    let resolv = !process.no_poll && !process.resolv_files.is_empty();
    let dns = process.port != 0 && (resolv || !process.hostsdirs.is_empty());
    let dhcp = config.dhcp.is_some() && config.dhcp_files.watched();
    if !Feature::Inotify.built() || !(dns || dhcp) {
        return Ok((None, Vec::new()));
    }
    let failed = |options: &'static [&str], text: String, (directory, error): (PathBuf, io::Error)| {
        Failure::other(text).about(options, directory.display()).remedy(files::reason(&error))
    };
    let mut watch =
        Watch::new().map_err(|error| Failure::other(format!("failed to create inotify: {}", files::reason(&error))))?;
    if resolv && dns {
        watch.resolv_files(&process.resolv_files).map_err(|found| {
            let text = format!("directory {} for resolv-file is missing, cannot poll", found.0.display());
            failed(&["resolv-file"], text, found)
        })?;
    }
    let bad = |found: &(PathBuf, io::Error)| {
        format!("bad dynamic directory {}: {}", found.0.display(), files::reason(&found.1))
    };
    if dns {
        watch.hosts_directories(&process.hostsdirs).map_err(|found| failed(&["hostsdir"], bad(&found), found))?;
    }
    let mut unwatched = Vec::new();
    if dhcp {
        let files = &config.dhcp_files;
        let hosts = files.hosts_dirs.iter().map(|path| (path, Kind::Hosts));
        for (path, kind) in hosts.chain(files.options_dirs.iter().map(|path| (path, Kind::Options))) {
            if let Err(found) = watch.dhcp_directory(path, kind) {
                unwatched.push(bad(&found));
            }
        }
    }
    Ok((Some(watch), unwatched))
}

fn write_pid_file(path: &PathBuf, fatal: bool) -> Result<(), Failure> {
    let _ = fs::remove_file(path);
    let written = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
        .and_then(|mut file| writeln!(file, "{}", std::process::id()));
    match written {
        Err(error) if fatal => {
            let text = format!("failed to open pidfile {}: {}", path.display(), files::reason(&error));
            Err(Failure::file(text)
                .about(&["pid-file"], path.display())
                .remedy("create the directory, or name another file with pid-file"))
        }
        _ => Ok(()),
    }
}

fn block_signals() -> Result<SignalFd, nix::errno::Errno> {
    let mut set = SigSet::empty();
    let ours = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD];
    for signal in ours.into_iter().chain([Signal::SIGALRM]) {
        set.add(signal);
    }
    add_probe_signals(&mut set);
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

fn say_started(log: &mut Log, config: &Config, program: &str) {
    let version = if program == "dnsmasq" { "2.93" } else { env!("CARGO_PKG_VERSION") };
    let cache = match (config.process.port, config.dns.cache_size) {
        (0, _) => "DNS disabled".to_owned(),
        (_, 0) => "cache disabled".to_owned(),
        (_, size) => format!("cachesize {size}"),
    };
    log.info(&format!("started, version {version} {cache}"));
    if config.dns.cache_size > 10_000 {
        log.warning("cache size greater than 10000 may cause performance issues, and is unlikely to be useful.");
    }
    log.info(&format!("compile time options: {}", config::feature::words()));
    if config.dns.local_service {
        log.info("DNS service limited to local subnets");
    }
    let process = &config.process;
    if process.port != 0 && config.dns.upstreams.is_empty() && process.resolv_files.is_empty() {
        log.warning("warning: no upstream servers configured");
    }
}

fn confine(
    config: &Config,
    nursery: &Nursery,
    identities: &[(Role, Option<crate::spawn::Identity>)],
) -> Result<policy::parent::ParentReport, policy::ConfineError> {
    use policy::Capability;
    let process = &config.process;
    let mut keep = Vec::new();
    if config.dhcp.is_some() && !process.dhcp_broadcast_all || config.asks_kernel() {
        keep.push(Capability::CAP_NET_ADMIN);
    }
    let low_port = |port: Option<u16>| port.is_some_and(|port| port != 0 && port < 1024);
    let low_range = process.tftp_port_range.is_some_and(|(low, _)| low < 1024);
    let low_listener =
        process.bind == BindMode::Dynamic && ((process.port != 0 && process.port < 1024) || config.tftp.is_some());
    if low_listener
        || low_port(process.query_port)
        || low_range
        || process.upstream_sources.iter().any(|source| low_port(source.port))
    {
        keep.push(Capability::CAP_NET_BIND_SERVICE);
    }
    if identities.iter().any(|(role, identity)| identity.is_some() && !nursery.has_user_namespace(*role)) {
        // Without user namespaces the powers that a worker's set-up needs are the host's.
        keep.extend([
            Capability::CAP_SETUID,
            Capability::CAP_SETGID,
            Capability::CAP_SETPCAP,
            Capability::CAP_SYS_CHROOT,
            Capability::CAP_KILL,
        ]);
    }
    let directory_of = |path: &Path| path.parent().filter(|parent| !parent.as_os_str().is_empty()).map(Path::to_owned);
    let mut read = watch::directories(&process.resolv_files);
    read.extend(process.hosts.iter().chain(&process.addn_hosts).filter_map(|path| directory_of(path)));
    read.extend(process.addn_hosts.iter().chain(&process.hostsdirs).cloned());
    read.extend(process.servers_file.as_deref().and_then(directory_of));
    if config.dhcp.is_some() {
        let named = &config.dhcp_files;
        let directories = named.hosts_dirs.iter().chain(&named.options_dirs);
        read.extend(named.hosts.iter().chain(&named.options).filter_map(|path| directory_of(path)));
        read.extend(named.hosts.iter().chain(&named.options).chain(directories).cloned());
        read.extend(named.ethers.then(|| PathBuf::from("/etc")));
        let paths = dhcp_files::paths(named);
        read.extend(paths.iter().filter_map(|(path, _)| directory_of(&path.canonicalize().ok()?)));
    }
    // The worker's rules are within ours.
    read.extend(config.tftp.iter().flat_map(|tftp| &tftp.roots).map(|root| PathBuf::from(&root.path)));
    // Links are followed once, now.
    read.extend(files::hosts_paths(process).iter().filter_map(|path| directory_of(&path.canonicalize().ok()?)));
    read.sort();
    read.dedup();
    let mut write = Vec::new();
    if config.dhcp.as_ref().is_some_and(|dhcp| dhcp.serves()) && !process.leasefile_ro {
        write.extend(directory_of(&process.lease_file));
    }
    if let (Some(path), false) = (&process.pid_file, process.debug) {
        write.extend(directory_of(path));
    }
    if let LogTarget::File(path) = &process.log_facility {
        write.extend(directory_of(path));
    }
    let read: Vec<&Path> = read.iter().map(PathBuf::as_path).collect();
    let write: Vec<&Path> = write.iter().map(PathBuf::as_path).collect();
    policy::parent::confine(&ParentFacts { keep: &keep, read: &read, write: &write, execute: Some(nursery.program()) })
}

#[cfg(feature = "probe")]
fn add_probe_signals(set: &mut SigSet) {
    // Real-time signals have no names in the library; the set takes them by number.
    crate::probe::add_real_time_signals(set);
}

#[cfg(not(feature = "probe"))]
fn add_probe_signals(_: &mut SigSet) {}

/// `WARDMASQ_PROBE=ROLE`: try every forbidden deed in a worker of this role instead of serving.
#[cfg(feature = "probe")]
fn probe_role() -> Option<Role> {
    std::env::var("WARDMASQ_PROBE").ok().and_then(|word| Role::from_word(&word))
}

#[cfg(feature = "probe")]
fn probe(hub: &mut Hub, role: Role) -> u8 {
    crate::probe::run(hub, role)
}
