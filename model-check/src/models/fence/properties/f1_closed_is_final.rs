//! F1: a gate whose time has passed stays closed.
//!
//! Promise 3: fenced is final for an epoch.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F1: a gate whose time has passed stays closed";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F1", NAME, "spec/fence.md, F1", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::REOPENED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::REOPENED);
        assert!(!holds(&Fence::BARE, &state));
    }
}
