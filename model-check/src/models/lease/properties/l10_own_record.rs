//! L10: nobody removes the record of another.
//!
//! Seen at each removal.

use crate::models::lease::Lease;
use crate::models::lease::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "L10: nobody removes the record of another";

/// The promise.
pub fn promise() -> Promise<Lease> {
    Promise::always("L10", NAME, "spec/lease.md, L10", holds)
}

fn holds(_: &Lease, state: &State) -> bool {
    !state.broken.contains(&Broken::ForeignRecordRemoved)
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
        bad.broke(Broken::ForeignRecordRemoved);
        assert!(!holds(&Lease::SMALL, &bad));
    }
}
