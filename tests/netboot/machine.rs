//! An emulated PC with one network card and nothing else to boot from.

use std::process::{Child, Stdio};
use std::time::Duration;

use support::lan::SERVER_INTERFACE;
use support::{Directory, Namespace, wait_at_most};

/// Its hardware address.
pub const HARDWARE: &str = "52:54:00:12:34:56";
/// How long a boot may take: everything is emulated, on machines that do other things as well.
const PATIENCE: Duration = Duration::from_secs(240);
const PROGRAM: &str = "qemu-system-x86_64";
const UEFI: &str = "/usr/share/ovmf/OVMF.fd";
/// The other end of its network card.
const TAP: &str = "machine0";

/// What it starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS, which runs the iPXE in the network card.
    Bios,
    /// OVMF, which boots from the network by itself.
    Uefi,
}

/// A machine that runs, and is switched off with its owner.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    here: Directory,
}

impl Machine {
    /// Switches it on, with its network card on the bridge of the server's namespace.
    pub fn start(namespace: &Namespace, firmware: Firmware) -> Machine {
        namespace.ip(&["tuntap", "add", TAP, "mode", "tap"]);
        namespace.ip(&["link", "set", TAP, "master", SERVER_INTERFACE, "up"]);
        let here = Directory::new();
        let serial = format!("file:{}", here.join("serial").display());
        let mut command = namespace.command(PROGRAM);
        command.args(["-accel", "tcg", "-m", "512", "-display", "none", "-monitor", "none", "-no-reboot"]);
        command.args(["-boot", "n", "-serial", &serial]);
        command.args(["-netdev", &format!("tap,id=n,ifname={TAP},script=no,downscript=no")]);
        let card = format!("virtio-net-pci,netdev=n,mac={HARDWARE}");
        match firmware {
            // The BIOS prints on the serial line when there are no graphics.
            Firmware::Bios => command.args(["-machine", "pc,graphics=off", "-device", &card]),
            Firmware::Uefi => command.args(["-bios", UEFI, "-device", &format!("{card},romfile=")]),
        };
        let log = std::fs::File::create(here.join("log")).expect("make a log file");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("start the emulator");
        Machine { child, here }
    }

    /// Waits until it has printed this.
    pub fn wait_for(&self, text: &str) {
        let printed =
            || String::from_utf8_lossy(&std::fs::read(self.here.join("serial")).unwrap_or_default()).into_owned();
        let what = || format!("the machine to print {text:?}; it printed {}\n{}", printed(), self.here.read("log"));
        wait_at_most(PATIENCE, what, || printed().contains(text).then_some(()));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
