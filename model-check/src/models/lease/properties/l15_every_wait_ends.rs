//! L15: every wait ends.
//!
//! A standby looks again within the longest TTL, a keeper not after its deadline. Whether what it then does ends in
//! an ownership is a matter of liveness.

use modeld_spec::lease::gate::GateWord;
use modeld_spec::lease::keeper;

use crate::models::lease::Lease;
use crate::models::lease::state::{Main, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L15: every wait ends";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L15", NAME, "spec/lease.md, L15", holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    state.processes.iter().enumerate().all(|(slot, process)| {
        let standby = match &process.main {
            Main::Waiting { until, .. } => *until <= lease.now_of(slot).after(lease.longest_ttl().length()),
            _ => true,
        };
        let keeper = match process.owner.as_deref() {
            Some(owner) if owner.gate != GateWord::FENCED => match (&owner.keeper, owner.gate.deadline()) {
                (Some((keeper::Effect::Await { until, .. }, _)), Some(deadline)) => *until <= deadline,
                _ => true,
            },
            _ => true,
        };
        standby && keeper
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::names;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good;
        if let Some(owner) = bad.processes[0].owner.as_mut() {
            owner.gate = GateWord::open_until(names::LONG_AGO);
        }
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
