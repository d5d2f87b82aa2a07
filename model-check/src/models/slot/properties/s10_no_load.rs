//! S10: no load begins after the gate has closed.
//!
//! Promise 3 of the brief. Seen where a load is begun.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S10: no load begins after the gate has closed";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S10", NAME, "spec/slot.md, S10", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::LoadedAfterFence)
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
        bad.broke(Broken::LoadedAfterFence);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
