//! S10: once the fence is seen nobody waits.
//!
//! The daemon looks at its gate, and everybody is answered in the same step.

use crate::models::slot::Slot;
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S10: once the fence is seen nobody waits";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S10", NAME, "spec/slot.md, S10", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.noticed || !state.somebody_waits()
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
        bad.callers[1].stage = Stage::Waiting { choice: 0, told: false, good: None };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
