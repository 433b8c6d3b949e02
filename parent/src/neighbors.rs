//! The neighbors that a script has heard of (`script-arp`), so that it hears of changes only. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipc::link::HardwareAddress;

/// Most neighbors. The kernel keeps a few thousand unless told otherwise; what is beyond is not told.
const NEIGHBORS_MAX: usize = 65_536;

/// Neighbors by interface and address, and in which round each was heard of last.
#[derive(Debug, Default)]
pub struct Neighbors {
    known: BTreeMap<(u32, IpAddr), (HardwareAddress, u32)>,
    round: u32,
}

/// Something to tell a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Learnt, or forgotten?
    pub known: bool,
    /// The hardware address.
    pub hardware: HardwareAddress,
    /// The address.
    pub address: IpAddr,
}

impl Neighbors {
    /// A list of all neighbors begins.
    pub fn start(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// One neighbor, as it is now.
    pub fn heard(&mut self, interface: u32, address: IpAddr, hardware: Option<HardwareAddress>) -> Vec<Change> {
        let key = (interface, address);
        let held = self.known.get(&key).map(|(held, _)| *held);
        if let Some(hardware) = hardware {
            if held.is_none() && self.known.len() >= NEIGHBORS_MAX {
                return Vec::new();
            }
            self.known.insert(key, (hardware, self.round));
        } else {
            self.known.remove(&key);
        }
        if held == hardware {
            return Vec::new();
        }
        let change = |known| move |hardware| Change { known, hardware, address };
        held.map(change(false)).into_iter().chain(hardware.map(change(true))).collect()
    }

    /// The list is complete: what was not in it is gone.
    pub fn end(&mut self) -> Vec<Change> {
        let round = self.round;
        let mut gone = Vec::new();
        self.known.retain(|(_, address), (hardware, heard)| {
            let stays = *heard == round;
            if !stays {
                gone.push(Change { known: false, hardware: *hardware, address: *address });
            }
            stays
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(changes: Vec<Change>) -> Vec<String> {
        let word = |change: &Change| if change.known { "add" } else { "del" };
        changes.iter().map(|change| format!("{} {}", word(change), change.hardware)).collect()
    }

    #[test]
    fn only_changes_are_told() {
        let mut neighbors = Neighbors::default();
        let address: IpAddr = [10, 0, 0, 9].into();
        let hardware = |last| HardwareAddress::new(1, &[2, last]);
        neighbors.start();
        assert_eq!(words(neighbors.heard(3, address, hardware(1))), ["add 02:01"]);
        assert_eq!(words(neighbors.heard(3, address, hardware(1))), [""; 0]);
        assert_eq!(words(neighbors.heard(3, address, hardware(2))), ["del 02:01", "add 02:02"]);
        assert_eq!(words(neighbors.heard(4, address, None)), [""; 0]);
        assert_eq!(words(neighbors.end()), [""; 0]);
        neighbors.start();
        assert_eq!(words(neighbors.heard(4, address, hardware(5))), ["add 02:05"]);
        assert_eq!(words(neighbors.end()), ["del 02:02"], "what a later list lacks is gone");
        assert_eq!(words(neighbors.heard(4, address, None)), ["del 02:05"]);
    }

    #[test]
    fn the_table_has_a_bound() {
        let mut neighbors = Neighbors::default();
        for number in 0..NEIGHBORS_MAX as u32 + 10 {
            neighbors.heard(1, IpAddr::from(number.to_be_bytes()), HardwareAddress::new(1, &[2]));
        }
        assert_eq!(neighbors.known.len(), NEIGHBORS_MAX);
    }
}
