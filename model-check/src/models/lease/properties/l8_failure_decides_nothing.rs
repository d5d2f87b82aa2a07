//! L8: no attempt with a failed effect ends in ownership.
//!
//! Seen at the end of each attempt.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L8: no attempt with a failed effect ends in ownership";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L8", NAME, "spec/lease.md, L8", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::AcquiredAfterFailure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good;
        bad.broke(Broken::AcquiredAfterFailure);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
