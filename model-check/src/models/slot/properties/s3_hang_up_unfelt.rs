//! S3: a hang-up is felt by nobody else.
//!
//! Promise 10 of the brief. Seen where a hang-up is heard: everybody else waits as before, or was answered.

use crate::models::slot::Slot;
use crate::models::slot::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "S3: a hang-up is felt by nobody else";

/// The promise.
pub fn promise() -> Promise<Slot> {
    Promise::always("S3", NAME, "spec/slot.md, S3", holds)
}

fn holds(_: &Slot, state: &State) -> bool {
    !state.is_broken(Broken::HangUpFelt)
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
        bad.broke(Broken::HangUpFelt);
        assert!(!holds(&Slot::SMALL, &bad));
    }
}
