//! L7: who waits for its turn has no residency lock.
//!
//! A follower that kept the lock would be in the way of the leader that waits for it.

use crate::models::lease::Lease;
use crate::models::lease::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L7: who waits for its turn has no residency lock";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L7", NAME, "spec/lease.md, L7", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    let mut waiting = state
        .processes
        .iter()
        .enumerate()
        .filter(|(_, process)| matches!(process.main, Main::Waiting { .. }));
    waiting.all(|(slot, _)| !state.disk.residency.contains(&Some(slot)))
}

#[cfg(test)]
mod tests {
    use modeld_spec::lease::standby::Standby;
    use modeld_spec::step::Step;

    use super::*;
    use crate::models::lease::names;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let mut good = state_with_owner();
        let Step::Do(_, standby) = Standby::start(Lease::SMALL.ttl()) else { panic!("it attempts") };
        good.processes[1].main = Main::Waiting { standby, for_lock: Some(0), until: names::NOW };
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good;
        bad.disk.residency = vec![Some(1)];
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
