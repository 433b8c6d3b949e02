//! Lease scripts in Lua. Passed over by a build without them.

use std::process::Command;
use std::sync::Arc;

use support::dhcp_client::machine;
use support::lan::SERVER_ADDRESS;
use support::{DhcpClient, Directory, Lan, Server, Subject, wait_until};

const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndhcp-range=set:pool,10.77.0.100,10.77.0.150,1h\ndomain=lan.example\n\
                      dhcp-luascript=DIR/program.lua\n";

/// Writes what each function is called with in one line, the entries of the table by name and with their types.
const PROGRAM: &str = "\
local function say(text) local file = io.open('DIR/events', 'a'); file:write(text, '\\n'); file:close() end
local function tell(name, action, entries)
  local names = {}
  for entry in pairs(entries) do if entry ~= 'lease_expires' and entry ~= 'time_remaining' then names[#names + 1] = entry end end
  table.sort(names)
  local text = name .. ' ' .. action
  for _, entry in ipairs(names) do text = text .. ' ' .. entry .. '=' .. tostring(entries[entry]) end
  say(text)
end
function init() say('init') end
function shutdown() say('shutdown') end
function lease(action, entries)
  tell('lease', action, entries)
  if action == 'add' then error('failed on purpose') end
end
";

fn has_lua() -> bool {
    let output = Command::new(Subject::chosen().program()).arg("--version").output().expect("run the program");
    let built = String::from_utf8_lossy(&output.stdout).split(' ').any(|word| word == "Lua");
    if !built {
        eprintln!("passed over: built without Lua");
    }
    built
}

fn directory(program: &str) -> Arc<Directory> {
    let directory = Arc::new(Directory::new());
    directory.write("program.lua", program.replace("DIR", directory.path().to_str().expect("a plain path")));
    directory
}

fn events(directory: &Directory) -> Vec<String> {
    directory.read("events").lines().map(str::to_owned).collect()
}

#[test]
fn a_program_in_lua_hears_of_leases() {
    if !has_lua() {
        return;
    }
    let lan = Lan::new(1);
    let directory = directory(PROGRAM);
    directory.write("run/leases", "0 02:00:00:00:00:77 10.77.0.177 old 01:02\n");
    let server = Server::start_in(&lan.server, Arc::clone(&directory), CONFIG);
    wait_until("the program to hear of the lease", || events(&directory).len() >= 2);
    let old = "lease old client_id=01:02 data_missing=1.0 domain=lan.example hostname=old interface=lan0 ip_address=10.77.0.177 \
               mac_address=02:00:00:00:00:77";
    assert_eq!(events(&directory)[..2], ["init", old]);
    server.stop();
    wait_until("the program to hear of the end", || events(&directory).last().is_some_and(|last| last == "shutdown"));
}

#[test]
fn a_program_that_fails_hears_of_the_next_event_all_the_same() {
    if !has_lua() || Subject::chosen() == Subject::Theirs {
        eprintln!("passed over: with dnsmasq, events are lost from then on");
        return;
    }
    let lan = Lan::new(1);
    let directory = directory(PROGRAM);
    let server = Server::start_in(&lan.server, Arc::clone(&directory), CONFIG);
    let lease = || {
        let mut client = DhcpClient::new(3);
        let address = client.lease(machine(1)).address;
        client.release(machine(1), address, SERVER_ADDRESS);
    };
    lan.clients[0].spawn(lease).join().expect("the client ends");
    server.wait_for_line("failed on purpose");
    wait_until("the program to hear of the end of the lease", || {
        events(&directory).last().is_some_and(|last| last.starts_with("lease del "))
    });
}

/// With `leasefile-ro` only a script (`dhcp-script`) is asked for leases; `init` is the function that is called once at the start.
#[test]
fn a_program_keeps_no_leases_and_a_script_beside_it_does() {
    if !has_lua() {
        return;
    }
    let program = "
        local function say(text) local file = io.open('DIR/events', 'a'); file:write(text, '\\n'); file:close() end
        function init(...) say('init with ' .. select('#', ...)); return '0 02:00:00:00:00:51 10.77.0.111 lua *\\n' end
        function lease(action, entries) say('lease ' .. action .. ' ' .. entries.ip_address) end";
    let lan = Lan::new(0);
    let alone = directory(program);
    let config = format!("{CONFIG}leasefile-ro\n");
    let server = Server::start_in(&lan.server, Arc::clone(&alone), &config);
    wait_until("the program to hear of the start", || !events(&alone).is_empty());
    server.stop();
    assert_eq!(events(&alone), ["init with 0"], "which gives no lease, or the program would hear of it");

    let both = directory(program);
    both.write_script("script", "#!/bin/sh\n[ \"$1\" != init ] || echo '0 02:00:00:00:00:52 10.77.0.112 script *'\n");
    let server = Server::start_in(&lan.server, Arc::clone(&both), &format!("{config}dhcp-script=DIR/script\n"));
    wait_until("the program to hear of the script's lease", || events(&both).len() >= 2);
    assert_eq!(events(&both)[..2], ["init with 0", "lease old 10.77.0.112"]);
    server.stop();
}

#[test]
fn a_program_that_cannot_be_loaded_ends_the_start() {
    if !has_lua() {
        return;
    }
    let lan = Lan::new(0);
    for program in ["this is no Lua", "function init() end"] {
        let mut server = Server::launch(&lan.server, directory(program), CONFIG, &[]);
        server.wait_for_line("Lua script");
        assert_eq!(server.wait().code(), Some(5), "{program}");
    }
    let absent = Arc::new(Directory::new());
    let mut server = Server::launch(&lan.server, absent, CONFIG, &[]);
    server.wait_for_line("failed to load Lua script: ");
    assert_eq!(server.wait().code(), Some(5));
}
