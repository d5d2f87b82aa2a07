//! S11: a model is refused for a crash only after one.
//!
//! Also excused: a mark that could not be removed, and a death before its load began.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S11: a model is refused for a crash only after one";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S11", NAME, "spec/slot.md, S11", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::RefusedWithoutReason)
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
        bad.broke(Broken::RefusedWithoutReason);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
