//! L5: at most one process owns by the clock.
//!
//! The other defence, the residency lock, is left out of it: the deadline lies before the expiry, and the gate compares
//! it with the clock whatever the process does. Stated where no record is lost while a leader waits: what that costs
//! is L16's.

use crate::models::lease::Lease;
use crate::models::lease::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L5: at most one process owns by the clock";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L5", NAME, "spec/lease.md, L5", holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    lease.leased(state).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = state_with_owner();
        let owner = bad.processes[0].owner.clone();
        bad.processes[1].owner = owner;
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
