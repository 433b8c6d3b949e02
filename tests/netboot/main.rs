//! Machines that boot from the network: emulated PCs with their firmware, and iPXE.
//!
//! Every test passes with dnsmasq, too (`WARDMASQ_UNDER_TEST=theirs`). Needs root for namespaces, `/dev/net/tun`, and Debian's
//! qemu-system-x86, ipxe-qemu, ipxe and ovmf; `tests/all` installs and runs everything.

mod machine;

use std::sync::Arc;

use support::{Directory, Lan, Server};

use machine::{Firmware, HARDWARE, Machine};

/// What iPXE runs in the end: it says what it was given.
const SCRIPT: &str = "#!ipxe\necho BOOTED ${net0/ip} ${filename} ${hostname}.\n";
/// iPXE as a program for UEFI.
const IPXE_EFI: &str = "/usr/lib/ipxe/ipxe.efi";
/// What iPXE is told by, and where it goes on.
const CHAIN: &str = "port=0\nenable-tftp\ntftp-root=DIR/tftp\ndhcp-match=set:ipxe,175\ndhcp-boot=tag:ipxe,boot.ipxe\n";

fn files() -> Arc<Directory> {
    let directory = Directory::new();
    directory.write("tftp/boot.ipxe", SCRIPT);
    let program = std::fs::read(IPXE_EFI).unwrap_or_else(|error| panic!("{IPXE_EFI}: {error}"));
    directory.write("tftp/ipxe.efi", program);
    Arc::new(directory)
}

/// A server that gives this machine an address and a name.
fn serve(lan: &Lan, more: &str) -> Server {
    let host = format!("dhcp-range=10.77.0.100,10.77.0.120,1h\ndhcp-host={HARDWARE},machine,10.77.0.99\n");
    Server::start_in(&lan.server, files(), &format!("{CHAIN}{host}{more}"))
}

#[test]
fn ipxe_in_a_network_card_runs_the_script_it_is_given() {
    let lan = Lan::new(0);
    let server = serve(&lan, "");
    let machine = Machine::start(&lan.server, Firmware::Bios);
    machine.wait_for("BOOTED 10.77.0.99 boot.ipxe machine.");
    server.wait_for_line("tftp/boot.ipxe to 10.77.0.99");
}

#[test]
fn uefi_loads_the_program_of_its_architecture() {
    let lan = Lan::new(0);
    let server = serve(&lan, "dhcp-match=set:efi,option:client-arch,7\ndhcp-boot=tag:efi,tag:!ipxe,ipxe.efi\n");
    let machine = Machine::start(&lan.server, Firmware::Uefi);
    machine.wait_for("NBP filename is ipxe.efi");
    machine.wait_for("BOOTED 10.77.0.99 boot.ipxe machine.");
    server.wait_for_line("tftp/ipxe.efi to 10.77.0.99");
}

#[test]
fn uefi_learns_from_a_proxy_what_its_dhcp_server_does_not_know() {
    let lan = Lan::with_addresses(1);
    let addresses = format!("port=0\ndhcp-range=10.77.0.100,10.77.0.120,1h\ndhcp-host={HARDWARE},machine,10.77.0.99\n");
    let dhcp = Server::start(&lan.clients[0], &addresses);
    let service = "pxe-service=tag:!ipxe,X86-64_EFI,\"Boot\",ipxe.efi\n";
    let proxy = Server::start_in(&lan.server, files(), &format!("{CHAIN}dhcp-range=10.77.0.0,proxy\n{service}"));
    let machine = Machine::start(&lan.server, Firmware::Uefi);
    machine.wait_for("BOOTED 10.77.0.99");
    dhcp.wait_for_line(&format!("DHCPACK(eth0) 10.77.0.99 {HARDWARE} machine"));
    proxy.wait_for_line("tftp/ipxe.efi to 10.77.0.99");
    proxy.wait_for_line("tftp/boot.ipxe to 10.77.0.99");
    assert_eq!(proxy.count_lines("DHCPACK("), 0);
}
