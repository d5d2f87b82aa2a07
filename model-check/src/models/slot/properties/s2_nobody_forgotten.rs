//! S2: whoever waits is known to the table.
//!
//! The other half of one answer: an ask that the table has lost is never answered.

use crate::models::slot::Slot;
use crate::models::slot::state::{Stage, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S2: whoever waits is known to the table";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S2", NAME, "spec/slot.md, S2", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    let waits = |caller: &usize| matches!(state.callers[*caller].stage, Stage::Waiting { .. });
    (0..state.callers.len()).filter(waits).all(|caller| state.is_waiting(state.ask_of(caller)))
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
        bad.callers[1].stage = Stage::Waiting { choice: 0, told: false, good: None };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
