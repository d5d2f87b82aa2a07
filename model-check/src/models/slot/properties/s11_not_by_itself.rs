//! S11: a load that ended a process is not begun by itself.
//!
//! Seen where a load is begun; an explicit load of the model since then excuses it.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S11: a load that ended a process is not begun by itself";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S11", NAME, "spec/slot.md, S11", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::RetriedByItself)
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
        bad.broke(Broken::RetriedByItself);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
