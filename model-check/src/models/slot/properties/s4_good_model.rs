//! S4: whoever is refused finds the model that was there.
//!
//! Promise 8 of the brief. Seen where a load is refused whose member was another model that served.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S4: whoever is refused finds the model that was there";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S4", NAME, "spec/slot.md, S4", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::GoodModelLost)
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
        bad.broke(Broken::GoodModelLost);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
