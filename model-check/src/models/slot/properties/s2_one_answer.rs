//! S2: nobody is answered who does not wait.
//!
//! Seen where an answer is delivered; a second one finds nobody waiting.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S2: nobody is answered who does not wait";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S2", NAME, "spec/slot.md, S2", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::AnsweredAgain)
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
        bad.broke(Broken::AnsweredAgain);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
