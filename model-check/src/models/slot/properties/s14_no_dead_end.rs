//! S14: where nothing is due nobody waits.
//!
//! No dead end has a waiter; that there is no endless detour either is a goal (`goals.rs`).

use crate::models::slot::Slot;
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S14: where nothing is due nobody waits";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S14", NAME, "spec/slot.md, S14", holds)
}

fn holds(slot: &Slot, state: &State) -> bool {
    slot.is_something_due(state) || !state.somebody_waits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::slot::properties::testing::working;
    use crate::models::slot::state::Stage;

    #[test]
    fn it_holds_and_falls() {
        let good = working();
        assert!(holds(&Slot::SMALL, &good));
        let mut bad = working();
        bad.callers[0].stage = Stage::Waiting { choice: 0, told: false, good: None };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
