//! Every system call a worker makes.
//!
//! A worker is `run(role)`: boot (receive slice and descriptors, confine), then the role's loop, which has descriptors on one side
//! and a core on the other and makes no protocol decision. The loop is the same for every role: wait, read a batch,
//! hand it to the core, carry out the actions, sleep until the core's deadline.
//!
//! | file | holds |
//! |---|---|
//! | `boot` | from the first message to confinement |
//! | `poll` | readiness and the next deadline |
//! | `datagram` | batches of datagrams with local address and interface |
//! | `stream` | TCP: accept, bounded read and write |
//! | `capture` | copies of packets, with headers made up for them |
//! | `endpoint` | the ends of sockets |
//! | `line` | the two channels to the parent |
//! | `turn` | the loop of every worker |
//! | `clock` | both clocks, once per turn |
//! | `watchdog` | ends a worker that computes without ever returning to its loop |
//! | `dns`, `dhcp`, `tftp`, `net` | one main per role |
//! | `script` | the script process, which is no worker: it is not confined, and hears nobody but the parent |

pub mod boot;
mod capture;
mod clock;
mod datagram;
#[cfg(feature = "dhcp")]
mod dhcp;
mod dns;
mod endpoint;
mod line;
#[cfg(feature = "lua")]
mod lua;
mod net;
mod poll;
#[cfg(feature = "probe")]
pub mod probe;
#[cfg(feature = "script")]
mod script;
mod stream;
#[cfg(feature = "tftp")]
mod tftp;
#[cfg(feature = "probe")]
mod trial;
mod turn;
mod watchdog;

use ipc::role::Role;

/// Argument by which the program knows that it is to be a worker; the role's word follows it.
pub const WORKER_ARGUMENT: &str = "--wardmasq-worker";

/// The word behind it that makes the script process, which is no worker.
pub const SCRIPT_WORD: &str = "script";

/// Be the script process until the parent is gone. Descriptor 3 must be the channel to the parent and 4 the one for log lines.
pub fn run_script() -> ! {
    #[cfg(feature = "script")]
    script::run();
    #[cfg(not(feature = "script"))]
    panic!("scripts are not built in")
}

/// Be a worker of this role until drained or killed. Descriptor 3 must be the control channel and 4 the log channel.
pub fn run(role: Role) -> ! {
    let booted = boot::boot(role);
    match role {
        Role::Dns => dns::serve(booted),
        Role::Net => net::serve(booted),
        #[cfg(feature = "dhcp")]
        Role::Dhcp => dhcp::serve(booted),
        #[cfg(feature = "tftp")]
        Role::Tftp => tftp::serve(booted),
        #[cfg(not(all(feature = "dhcp", feature = "tftp")))]
        role => panic!("{} is not built in", role.word()),
    }
}

/// Goes wrong on purpose, so that the fault tests can watch the parent put it right.
#[cfg(feature = "probe")]
fn misbehave(deed: ipc::control::Misbehavior) {
    use ipc::control::Misbehavior;
    match deed {
        Misbehavior::Panic => panic!("asked to panic"),
        Misbehavior::Abort => std::process::abort(),
        Misbehavior::Loop => loop {
            std::hint::spin_loop();
        },
        Misbehavior::Overflow => overflow(0),
        Misbehavior::Fault => probe::fault(),
    }
}

#[cfg(feature = "probe")]
#[expect(unconditional_recursion, reason = "overflowing the stack is the point")]
fn overflow(depth: u64) {
    let page = std::hint::black_box([depth; 512]);
    overflow(page[0] + 1);
    std::hint::black_box(page);
}

/// In ordinary builds the request is as illegal as any other message of the wrong kind.
#[cfg(not(feature = "probe"))]
fn misbehave(_: ipc::control::Misbehavior) {
    panic!("from the parent: illegal message")
}
