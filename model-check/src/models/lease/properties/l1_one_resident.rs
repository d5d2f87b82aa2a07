//! L1: at most one process has resident state.
//!
//! Promise: a model is never in memory twice, even when the previous owner is paused.

use crate::models::lease::Lease;
use crate::models::lease::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L1: at most one process has resident state";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L1", NAME, "spec/lease.md, L1", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    state.processes.iter().filter(|process| process.resident()).count() <= 1
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
