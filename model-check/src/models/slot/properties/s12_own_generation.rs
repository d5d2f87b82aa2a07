//! S12: an answer is that of the load which serves.
//!
//! Seen where somebody is let in: the load that was named is the one in memory.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S12: an answer is that of the load which serves";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S12", NAME, "spec/slot.md, S12", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::OtherGeneration)
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
        bad.broke(Broken::OtherGeneration);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
