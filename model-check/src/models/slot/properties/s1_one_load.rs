//! S1: a model has one load at a time.
//!
//! Promise 8 of the brief. Seen where a load is begun: nothing else may be going on for that model.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S1: a model has one load at a time";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S1", NAME, "spec/slot.md, S1", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::TwoLoads)
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
        bad.broke(Broken::TwoLoads);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
