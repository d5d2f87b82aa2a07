//! S9: a drain ends within two intervals.
//!
//! Counted are the intervals that passed in whole while the model was draining.

use crate::models::slot::Slot;
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S9: a drain ends within two intervals";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S9", NAME, "spec/slot.md, S9", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    state.ghost.drained_for.iter().all(|intervals| *intervals <= 1)
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
        bad.ghost.drained_for[0] = 2;
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
