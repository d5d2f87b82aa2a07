//! F7: an item begins before the deadline of its owner.
//!
//! A stream outlives its entry.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F7: an item begins before the deadline of its owner";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F7", NAME, "spec/fence.md, F7", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::LATE_ITEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::LATE_ITEM);
        assert!(!holds(&Fence::BARE, &state));
    }
}
