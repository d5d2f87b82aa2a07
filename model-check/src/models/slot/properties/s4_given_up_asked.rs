//! S4: a model is given up first only where that was allowed and told.
//!
//! Seen where a member gives up its model.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S4: a model is given up first only where that was allowed and told";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S4", NAME, "spec/slot.md, S4", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::GivenUpUnasked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::slot::properties::testing::working;

    #[test]
    fn it_holds_and_falls() {
        let good = working();
        assert!(holds(&Slot::SMALL, &good));
        let mut bad = working();
        bad.broke(Broken::GivenUpUnasked);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
