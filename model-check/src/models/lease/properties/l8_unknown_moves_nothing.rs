//! L8: the deadline never moves on an unknown outcome.
//!
//! Seen where a keeper has heard how its renewal ended.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L8: the deadline never moves on an unknown outcome";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L8", NAME, "spec/lease.md, L8; a session that counts a lost answer as a renewal", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::MovedOnUnknown)
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
        bad.broke(Broken::MovedOnUnknown);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
