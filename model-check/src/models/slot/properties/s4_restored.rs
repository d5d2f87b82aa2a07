//! S4: what was given up for a load that failed is loaded again.
//!
//! Owed are the models that were given up for a switch that failed, until they serve, can't be had, or have no room.

use crate::models::slot::Slot;
use crate::models::slot::names::{MODELS, model_id};
use crate::models::slot::state::State;
use crate::models::slot::step::bit_at;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S4: what was given up for a load that failed is loaded again";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S4", NAME, "spec/slot.md, S4", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    let Some(table) = &state.table else { return true };
    let owed = (0..MODELS).filter(|model| state.ghost.owed & bit_at(*model) != 0);
    owed.filter_map(|model| u8::try_from(model).ok()).all(|model| table.slot(model_id(model)).is_some())
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
        bad.ghost.owed = 0b10;
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
