//! S10: a fenced daemon ends with nothing in memory.
//!
//! Looked at where nothing is obliged to happen any more.

use crate::models::slot::Slot;
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S10: a fenced daemon ends with nothing in memory";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S10", NAME, "spec/slot.md, S10", holds)
}

fn holds(slot: &Slot, state: &State) -> bool {
    !state.noticed || slot.is_something_due(state) || !state.engine.iter().any(|work| work.is_in_memory())
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
        bad.noticed = true;
        bad.callers[0].stage = Stage::Idle;
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
