//! S3: whoever has gone is forgotten.
//!
//! An ask that outlives its client keeps its model in memory for ever.

use modeld_spec::slot::table::Slots;

use crate::models::slot::Slot;
use crate::models::slot::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S3: whoever has gone is forgotten";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S3", NAME, "spec/slot.md, S3", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    let slots = state.table.iter().flat_map(Slots::slots);
    let mut known =
        slots.flat_map(|slot| slot.asks.iter().map(|ask| ask.id).chain(slot.holders.iter().copied()));
    known.all(|ask| state.asker(ask).is_some())
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
        bad.callers[0].stage = Stage::Idle;
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
