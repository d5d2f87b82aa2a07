//! F1: at most one owner can begin owned effects.
//!
//! Promise 2: two owners never find their gates open at one instant. Checked with the fence switched off as well.

use crate::models::fence::Fence;
use crate::models::fence::state::State;
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F1: at most one owner can begin owned effects";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F1", NAME, "spec/fence.md, F1", holds)
}

fn holds(fence: &Fence, state: &State) -> bool {
    fence.slots().filter(|slot| fence.is_open(state, *slot)).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.processes[1] = state.processes[0];
        assert!(!holds(&Fence::BARE, &state));
    }
}
