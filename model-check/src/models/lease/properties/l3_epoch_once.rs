//! L3: an epoch is owned at most once, and epochs rise.
//!
//! Seen at each acquisition, against the highest epoch ever owned.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L3: an epoch is owned at most once, and epochs rise";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L3", NAME, "spec/lease.md, L3", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::EpochReused)
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
        bad.broke(Broken::EpochReused);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
