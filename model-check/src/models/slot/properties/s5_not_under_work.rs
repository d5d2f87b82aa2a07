//! S5: nothing that somebody works on is unloaded.
//!
//! Open against unload, and every other way in which a model goes.

use crate::models::slot::Slot;
use crate::models::slot::state::{Stage, State, Work};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S5: nothing that somebody works on is unloaded";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S5", NAME, "spec/slot.md, S5", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    state.callers.iter().all(|caller| match caller.stage {
        Stage::Holding { model, generation, .. } => {
            let work = state.engine.get(usize::from(model)).copied();
            matches!(work, Some(Work::Resident { generation: resident, .. }) if resident == generation)
        }
        Stage::Idle | Stage::Waiting { .. } | Stage::Left => true,
    })
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
        bad.engine[0] = Work::Freeing { generation: 1, more: false };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
