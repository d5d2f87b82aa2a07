//! L16: at most one process may begin owned effects.
//!
//! Whatever is lost: the deadline and the residency lock together. L5 says the same of the deadline alone.

use crate::models::lease::Lease;
use crate::models::lease::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L16: at most one process may begin owned effects";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L16", NAME, "spec/lease.md, L16", holds)
}

fn holds(lease: &Lease, state: &State) -> bool {
    lease.passing(state).count() <= 1
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
        if let Some(owner) = bad.processes[1].owner.as_mut() {
            owner.open = false;
        }
        assert!(holds(&Lease::SMALL, &bad));
    }
}
