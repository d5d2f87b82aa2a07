//! L2: no claimant replaces the record of an owner that may begin effects.
//!
//! Seen at the write of the record; L5 sees the same a few steps later.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L2: no claimant replaces the record of an owner that may begin effects";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L2", NAME, "spec/lease.md, L2", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::OwnerDeposed)
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
        bad.broke(Broken::OwnerDeposed);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
