//! L13: a later epoch is obeyed.
//!
//! Seen where a keeper has heard of a later epoch, and at each write of a renewal.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L13: a later epoch is obeyed";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L13", NAME, "spec/lease.md, L13; an owner that goes on after it was stepped over", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::LaterEpochIgnored) && !state.broken.contains(&Broken::WrittenOverLater)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::properties::testing::state_with_owner;

    #[test]
    fn it_holds_and_falls() {
        let good = state_with_owner();
        assert!(holds(&Lease::SMALL, &good));
        let mut bad = good.clone();
        bad.broke(Broken::LaterEpochIgnored);
        assert!(!holds(&Lease::SMALL, &bad));
        let mut bad = good.clone();
        bad.broke(Broken::WrittenOverLater);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
