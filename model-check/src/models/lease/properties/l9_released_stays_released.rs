//! L9: a record is removed after memory is back and the keeper ended, for good.
//!
//! Seen at each removal, and at each write of a renewal after it.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L9: a record is removed after memory is back and the keeper ended, for good";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L9", NAME, "spec/lease.md, L9", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::ReleasedTooSoon)
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
        bad.broke(Broken::ReleasedTooSoon);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
