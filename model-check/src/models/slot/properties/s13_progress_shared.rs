//! S13: all who wait for a load know how far it is.
//!
//! Also who joined it late.

use crate::models::slot::Slot;
use crate::models::slot::state::{Stage, State, Work};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S13: all who wait for a load know how far it is";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S13", NAME, "spec/slot.md, S13", holds)
}

fn holds(slot: &Slot, state: &State) -> bool {
    state.callers.iter().all(|caller| match caller.stage {
        Stage::Waiting { choice, told: false, .. } => {
            let model = slot.menu.get(usize::from(choice)).and_then(|choice| choice.model());
            let work = model.and_then(|model| state.engine.get(usize::from(model)));
            !matches!(work, Some(Work::Loading { half: true, breaking: false, .. }))
        }
        _ => true,
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
        bad.engine[0] = Work::Loading { generation: 1, breaking: false, half: true };
        bad.callers[1].stage = Stage::Waiting { choice: 0, told: false, good: None };
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
