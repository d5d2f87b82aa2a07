//! S7: unloaded means that the memory is back.
//!
//! Promise 7 of the brief, for one member. Seen where the answer is given.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S7: unloaded means that the memory is back";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S7", NAME, "spec/slot.md, S7", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::UnloadedTooSoon)
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
        bad.broke(Broken::UnloadedTooSoon);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
