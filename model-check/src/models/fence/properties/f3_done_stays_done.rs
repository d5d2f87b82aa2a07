//! F3: what was reported as done survives a power loss.
//!
//! Done is said after the sync.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F3: what was reported as done survives a power loss";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F3", NAME, "spec/fence.md, F3", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::DONE_WAS_LOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::DONE_WAS_LOST);
        assert!(!holds(&Fence::BARE, &state));
    }
}
