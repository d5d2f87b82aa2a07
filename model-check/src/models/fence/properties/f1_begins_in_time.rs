//! F1: an owned effect begins before the deadline of its owner.
//!
//! Mutant M11: an effect that does not ask. Checked by the time of the last renewal that came in time, not by the gate, and
//! not hidden by whatever the effect acts upon.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F1: an owned effect begins before the deadline of its owner";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F1", NAME, "spec/fence.md, F1", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::BEGAN_LATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::BEGAN_LATE);
        assert!(!holds(&Fence::BARE, &state));
    }
}
