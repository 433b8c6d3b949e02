//! A lease script that hangs, floods or dies costs events at most, and no service.

use std::sync::Arc;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use support::dhcp_client::machine;
use support::processes::{self, children};
use support::{DhcpClient, Directory, Lan, Server, wait_for, wait_until};

use crate::service::single_process;

const CONFIG: &str = "port=0\nno-ping\ninterface=lan0\ndhcp-range=10.77.0.100,10.77.0.150,1h\ndhcp-script=DIR/script\n";

fn start(lan: &Lan, script: &str) -> Server {
    let directory = Arc::new(Directory::new());
    directory.write_script("script", &script.replace("DIR", directory.path().to_str().expect("a plain path")));
    Server::start_in(&lan.server, directory, CONFIG)
}

/// Gets leases for machines of these numbers. A service that is held up gives none.
fn lease(lan: &Lan, numbers: std::ops::Range<u32>) {
    let take = move || {
        let mut client = DhcpClient::new(1);
        for number in numbers {
            client.lease(machine(number));
        }
    };
    lan.clients[0].spawn(take).join().expect("the client ends");
}

/// The script process below the server: who keeps, and who calls.
fn keeper_and_runner(server: &Server) -> (i32, i32) {
    let named = |pid: &i32| processes::status(*pid, "Name").as_deref() == Some("wardmasq-script");
    wait_for("the script process", || {
        let keeper = children(server.pid()).into_iter().find(named)?;
        let runner = children(keeper).into_iter().find(named)?;
        Some((keeper, runner))
    })
}

#[test]
fn a_script_that_hangs_or_floods_holds_up_nobody() {
    let lan = Lan::new(1);
    for script in ["#!/bin/sh\nexec sleep 1000\n", "#!/bin/sh\nexec yes 'a line of a script that never ends'\n"] {
        let mut server = start(&lan, script);
        lease(&lan, 0..30);
        lease(&lan, 0..30);
        // Such a script outlives its server, by design; this one shall not.
        let family = processes::family(server.pid());
        server.kill();
        for pid in family.into_iter().skip(1) {
            let _ = signal::kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[test]
fn a_script_process_that_dies_is_replaced_and_hears_of_all_leases() {
    if single_process() {
        return;
    }
    let lan = Lan::new(1);
    let server = start(&lan, "#!/bin/sh\necho \"$1 $3\" >> DIR/events\n");
    let directory = Arc::clone(server.directory());
    let heard = |word: &str| directory.read("events").lines().filter(|line| line.starts_with(word)).count();
    lease(&lan, 0..3);
    wait_until("three leases to be told", || heard("add") == 3);
    let (keeper, runner) = keeper_and_runner(&server);
    processes::kill(runner);
    server.wait_for_line("starting another, which tells all leases again");
    wait_until("all leases to be told again", || heard("old") == 3);
    lease(&lan, 3..4);
    wait_until("the next lease to be told", || heard("add") == 4);
    assert_eq!(keeper_and_runner(&server).0, keeper);

    // Without the keeper there is nobody who could start another one; the log says so, and service goes on.
    processes::kill(keeper);
    server.wait_for_line("scripts are not told any more until a restart");
    lease(&lan, 4..8);
    server.stop();
}
