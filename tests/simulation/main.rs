//! DHCP for a long time in a short time: the core and the parent's way to record leases, on a pretend network that loses, repeats and
//! reorders packets, with clocks that jump, workers and parents that crash at any step, and writes that are torn.
//!
//! Nothing here waits, so thousands of hours take seconds. A failure names the seed; `WARDMASQ_SEED` plays it again, and
//! `WARDMASQ_HOURS` says for how long.

mod agenda;
mod client;
mod house;
mod wire;

use support::Dice;
use support::effort::amount;

use house::House;

/// Hours in all when nothing else is said.
const HOURS: u64 = 12_000;
/// Hours that one house stands.
const HOURS_PER_HOUSE: u64 = 400;

#[test]
fn every_address_has_one_client_and_no_acknowledged_lease_is_lost() {
    let mut dice = Dice::announced();
    let hours = amount("WARDMASQ_HOURS", HOURS);
    let mut seen = house::Seen::default();
    for _ in 0..hours.div_ceil(HOURS_PER_HOUSE) {
        let seed = dice.roll();
        let mut house = House::new(seed);
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| house.live(HOURS_PER_HOUSE)));
        if let Err(panic) = lived {
            eprintln!("the house of seed {seed} fell after {} of its hours: {:#?}", house.hours(), house.diary());
            std::panic::resume_unwind(panic);
        }
        seen.add(&house.seen());
    }
    eprintln!("{seen:?}");
    // A simulation in which nothing happens proves nothing.
    assert!(
        seen.acknowledged > hours
            && seen.crashed > hours / 50
            && seen.torn > 0
            && seen.late > 0
            && seen.refused > 0
            && seen.told > hours
    );
}
