//! L1: resident state exists only under a residency lock.
//!
//! What the kernel drops at death is what guards the memory.

use crate::models::lease::Lease;
use crate::models::lease::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L1: resident state exists only under a residency lock";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L1", NAME, "spec/lease.md, L1", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    state
        .processes
        .iter()
        .enumerate()
        .all(|(slot, process)| !process.resident() || state.disk.residency.contains(&Some(slot)))
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
        bad.disk.residency = vec![None];
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
