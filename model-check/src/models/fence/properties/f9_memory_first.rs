//! F9: memory is back before record and lock are given up.
//!
//! Promise 7: stopped means that the memory is back.

use crate::models::fence::Fence;
use crate::models::fence::state::{Broken, State};
use crate::study::Promise;

/// The property's name.
pub const NAME: &str = "F9: memory is back before record and lock are given up";

/// The promise.
pub fn promise() -> Promise<Fence> {
    Promise::always("F9", NAME, "spec/fence.md, F9", holds)
}

fn holds(_: &Fence, state: &State) -> bool {
    !state.has_broken(Broken::MEMORY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_and_falls() {
        let mut state = Fence::BARE.beginning();
        assert!(holds(&Fence::BARE, &state));
        state.broke(Broken::MEMORY_AFTER);
        assert!(!holds(&Fence::BARE, &state));
    }
}
