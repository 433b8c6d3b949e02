//! What the script process is told, and what it says.

use std::os::fd::{AsRawFd as _, RawFd};
use std::time::SystemTime;

use ipc::event::{Event, LeaseEvent};
use ipc::log::{LINES_MAX, Severity};
use ipc::script::ToParent;

use super::{End, Hub, PendingCommit, interest};
use crate::lease_events::{self, Scene};
use crate::leases::turn::Turn;
use crate::log::Speaker;
use crate::script::Heard;

impl Hub {
    /// Begins to listen to the script process and tells it of every lease.
    pub(super) fn prime_script(&mut self) -> Result<(), nix::errno::Errno> {
        if let Some(script) = &self.script {
            self.watch_fd(script.control(), true, script.has_queue())?;
            self.watch_fd(script.log(), true, false)?;
        }
        self.tell_all_leases();
        Ok(())
    }

    /// The events of one accepted commit; `turn` still holds what was before.
    pub(super) fn events_of(&mut self, commit: &PendingCommit, turn: &Turn) -> Vec<LeaseEvent> {
        if self.script.is_none() {
            return Vec::new();
        }
        let mut contacts = std::mem::take(&mut self.contacts);
        let store = &self.store;
        let before = |address| turn.lease(store, address);
        let contact = commit.contact.as_deref();
        let events = lease_events::of_commit(&commit.changes, contact, before, &mut contacts, &self.scene());
        self.contacts = contacts;
        events
    }

    /// Tells of leases that have been recorded.
    pub(super) fn tell_leases(&mut self, events: impl IntoIterator<Item = LeaseEvent>) {
        for event in events {
            self.tell_script(Event::Lease(Box::new(event)));
        }
    }

    /// Tells of every lease as it stands: at the start, at a reload, and when the script process has lost events.
    pub(super) fn tell_all_leases(&mut self) {
        if self.script.is_none() {
            return;
        }
        let scene = self.scene();
        let now_s = scene.now_s;
        let standing = self.store.iter().filter(|lease| !lease.expired(now_s));
        let events: Vec<_> = standing.map(|lease| lease_events::standing(lease, &self.contacts, &scene)).collect();
        self.tell_leases(events);
    }

    /// Tells of an event, if anybody is to hear.
    pub(super) fn tell_script(&mut self, event: Event) {
        let Some(script) = &mut self.script else { return };
        let waited = script.has_queue();
        script.tell(event);
        if script.has_queue() && !waited {
            self.watch_script();
        }
    }

    fn watch_script(&self) {
        if let Some(script) = &self.script {
            let mut event = interest(script.control(), true, script.has_queue());
            let _ = self.epoll.modify(script.control(), &mut event);
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            domains: &self.config.dns.domains,
            interfaces: &self.interfaces,
            now_s: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            on_renewal: self.config.script.on_renewal || self.config.process.leasefile_ro,
            keeps_leases: self.config.process.leasefile_ro,
        }
    }

    /// Is this descriptor one of the script process's?
    pub(super) fn script_owns(&self, fd: RawFd) -> bool {
        let script = self.script.as_ref();
        script.is_some_and(|script| script.control().as_raw_fd() == fd || script.log().as_raw_fd() == fd)
    }

    /// Takes what has come on one of its channels, and sends what waits.
    pub(super) fn script_ready(&mut self, fd: RawFd) -> Option<End> {
        let mut script = self.script.take()?;
        let mut again = false;
        let mut failed = None;
        if script.log().as_raw_fd() == fd {
            // One batch a turn, so that a script that prints without end keeps nobody waiting.
            match script.hear_log(&mut self.buffer) {
                Heard::Message(batch) => {
                    if batch.lost > 0 {
                        let text = format!("overflow: {} log entries lost", batch.lost);
                        self.log.write(Speaker::Script, Severity::Error, &text);
                    }
                    for line in batch.lines.iter().take(LINES_MAX) {
                        let speaker = if line.severity == Severity::Debug { Speaker::Script } else { Speaker::Parent };
                        self.log.write(speaker, line.severity, &line.text);
                    }
                }
                Heard::Nothing => {}
                Heard::Closed => drop(self.epoll.delete(script.log())),
            }
        } else {
            let lost = if script.has_queue() { script.flush() } else { 0 };
            if lost > 0 {
                let text = format!("script process does not take events: {lost} lost, telling all leases again");
                self.log.error(&text);
                again = true;
            }
            match script.hear(&mut self.buffer) {
                Heard::Message(ToParent::Started | ToParent::Lost(_)) => again = true,
                Heard::Message(ToParent::Failed(text)) => failed = Some(text),
                Heard::Nothing => {}
                Heard::Closed => drop(self.epoll.delete(script.control())),
            }
        }
        let loaded = script.has_started();
        self.script = Some(script);
        self.watch_script();
        if again {
            self.tell_all_leases();
        }
        self.script_failed(&failed?, loaded)
    }

    /// The script cannot be loaded.
    fn script_failed(&mut self, text: &str, loaded: bool) -> Option<End> {
        self.log.error(&format!("failed to load Lua script: {text}"));
        // As with dnsmasq, this ends a start, late as it comes. A program that has been changed since does not end a server.
        if loaded {
            return None;
        }
        self.log.error("FAILED to start up");
        self.end_workers();
        Some(End::Asked(5))
    }

    /// The script process is gone for good: it cannot be started again from here.
    pub(super) fn script_died(&mut self, how: &str) -> Option<End> {
        let mut script = self.script.take()?;
        while let Heard::Message(batch) = script.hear_log(&mut self.buffer) {
            for line in batch.lines.iter().take(LINES_MAX) {
                self.log.write(Speaker::Parent, line.severity, &line.text);
            }
        }
        let mut failed = None;
        loop {
            match script.hear(&mut self.buffer) {
                Heard::Message(ToParent::Failed(text)) => failed = Some(text),
                Heard::Message(_) => {}
                Heard::Nothing | Heard::Closed => break,
            }
        }
        let _ = self.epoll.delete(script.control());
        let _ = self.epoll.delete(script.log());
        script.flush();
        if let Some(text) = failed {
            return self.script_failed(&text, script.has_started());
        }
        self.log
            .error(&format!("script process {} {how}; scripts are not told any more until a restart", script.pid()));
        None
    }
}
